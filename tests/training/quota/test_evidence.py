"""Laws of how much a forecast of a rep rests on: the own record decides, within the model's."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import product

import numpy as np
import pandas as pd
import pytest
from quota_company import FEATURES, QUARTERS, TRAINING, opened, quota, sellers

from features.evidence import EvidenceState
from features.storage.warehouse import Warehouse
from training.quota.bundle import QuotaBundle
from training.quota.evidence import rep_evidence, team_evidence
from training.quota.fit import learn_quota
from training.quota.score import score_reps

MIDDLE = QUARTERS[3] + timedelta(days=46)
NEW: dict[str, float] = {
    "past_periods": 0,
    "period_days": 92,
    "won_365d": 0,
    "attained_deals": 0,
    "open": 0,
    "tenure_days": 6,
}


def evidence_of(model: EvidenceState = EvidenceState.ENOUGH, **known: float) -> tuple[str, str]:
    """Return the evidence of one rep who is new but for what is known."""
    frame = rep_evidence(model, pd.DataFrame([{**NEW, **known}]))
    return str(frame["evidence"].item()), str(frame["evidence_says"].item())


@pytest.mark.parametrize(
    ("known", "state"),
    [
        ({}, "none"),
        ({"tenure_days": 4000}, "none"),
        ({"open": 1}, "thin"),
        ({"won_365d": 1}, "thin"),
        ({"attained_deals": 1}, "thin"),
        ({"past_periods": 1, "tenure_days": 120}, "thin"),
        ({"won_365d": 4}, "thin"),
        ({"won_365d": 5}, "enough"),
        ({"past_periods": 2, "period_days": 90, "tenure_days": 300}, "enough"),
        ({"past_periods": 2, "period_days": 90, "tenure_days": np.nan}, "enough"),
        ({"past_periods": 6, "period_days": 28, "tenure_days": 200}, "enough"),
        ({"past_periods": 5, "period_days": 31, "tenure_days": 200}, "thin"),
        ({"past_periods": 1, "period_days": 365, "tenure_days": 500}, "enough"),
        ({"past_periods": 2, "period_days": 90, "tenure_days": 100}, "thin"),
        ({"past_periods": np.nan, "won_365d": np.nan, "tenure_days": np.nan}, "none"),
    ],
)
def test_the_own_record_decides(known: dict[str, float], state: str) -> None:
    """Five wins, or half a year of ended periods since being hired, are enough; a deal is thin."""
    assert evidence_of(**known)[0] == state


def test_nobody_rests_on_more_than_the_model() -> None:
    """A rep's state is the lower one of the model's and of that of the own record."""
    states = list(EvidenceState)
    records: list[dict[str, float]] = [{}, {"open": 2}, {"won_365d": 9}]
    for model, own in product(range(3), range(3)):
        state, _ = evidence_of(states[model], **records[own])
        assert state == states[min(model, own)]


def test_the_reason_is_told() -> None:
    """Whatever keeps a forecast from resting on enough is said, in words a manager uses."""
    assert evidence_of()[1] == (
        "nothing is known of this rep's selling yet (started 6 days ago, no ended quota period, no "
        "deal won, no open deal)"
    )
    assert evidence_of(open=6, tenure_days=71)[1] == (
        "too little is known of this rep's selling yet (started 10 weeks ago, no ended quota "
        "period, no deal won, 6 open deals)"
    )
    assert evidence_of(past_periods=8, won_365d=17, tenure_days=900)[1] == (
        "8 ended quota periods, 17 deals won in a year"
    )
    assert evidence_of(EvidenceState.THIN, won_365d=8)[1].startswith(
        "the company has too few won deals"
    )
    assert evidence_of(past_periods=1, won_365d=1, tenure_days=146)[1].endswith(
        "period, 1 deal won)"
    )
    assert "started today" in evidence_of(tenure_days=0.2)[1]
    assert "started" not in evidence_of(tenure_days=np.nan)[1]


def test_a_team_rests_on_the_reps_who_carry_its_quota() -> None:
    """Where reps without a record carry more than half of it, the team's evidence is thin."""
    states = ["enough", "thin", "none"]
    assert team_evidence(EvidenceState.ENOUGH, states, [100.0, 50.0, 50.0])[0] == "enough"
    assert team_evidence(EvidenceState.ENOUGH, states, [100.0, 50.0, 60.0])[0] == "thin"
    assert team_evidence(EvidenceState.ENOUGH, states, [0.0, np.nan, -5.0])[0] == "enough"
    assert team_evidence(EvidenceState.ENOUGH, [], [])[0] == "enough"
    assert team_evidence(EvidenceState.NONE, ["none"], [1.0])[0] == "none"
    assert team_evidence(EvidenceState.ENOUGH, states, [100.0, 50.0, 50.0])[1] == (
        "1 of 3 reps have a record of their own"
    )


@pytest.fixture(scope="module", name="learned")
def fixture_learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, QuotaBundle]:
    """Learn from a company with one rep of a week, one nobody knows, one who left."""
    extract = sellers(MIDDLE + timedelta(days=5))
    last = QUARTERS[3]
    quotas = [*extract.rows("quotas"), quota("new", last, 20_000), quota("ghost", last, 20_000)]
    gone = {"left_at": MIDDLE - timedelta(days=10)}
    reps = [{**r, **gone} if r["rep_id"] == "r6" else r for r in extract.rows("reps")]
    reps += [{"rep_id": "new", "manager_id": "m0", "hired_at": MIDDLE - timedelta(days=7)}]
    later = MIDDLE + timedelta(days=2)
    deals = [*extract.rows("deals")]
    deals += [
        {**deals[0], "deal_id": f"later-{n}", "rep_id": "new", "created_at": later, "won": True}
        | {"closed_at": later + timedelta(days=1)}
        for n in range(9)
    ]
    changed = extract.but("quotas", quotas).but("reps", reps).but("deals", deals)
    warehouse = opened(changed, tmp_path_factory.mktemp("evidence"))
    return warehouse, learn_quota(warehouse.until(MIDDLE), FEATURES, TRAINING)


def scored(learned: tuple[Warehouse, QuotaBundle], as_of: datetime) -> pd.DataFrame:
    """Forecast every rep."""
    warehouse, bundle = learned
    return score_reps(warehouse, bundle, "v", as_of)[0].set_index("rep_id")


def test_files_hold_numbers_whatever_they_rest_on(
    learned: tuple[Warehouse, QuotaBundle],
) -> None:
    """Of who has just come the evidence is none, and every number is there all the same."""
    table = scored(learned, MIDDLE)
    assert learned[1].evidence.state == "thin"
    assert set(table["evidence"]) == {"thin", "none"}
    assert set(table.index[table["evidence"] == "none"]) == {"new", "ghost"}
    assert table["evidence_says"].str.len().min() > 10
    numbers = table[["p_attain", "attainment_p10", "attainment_p50", "attainment_p90"]]
    assert np.isfinite(numbers.to_numpy()).all()


def test_only_what_was_known_is_evidence(learned: tuple[Warehouse, QuotaBundle]) -> None:
    """Nine wins of the next days are nothing on the day itself, and a record once they are seen."""
    says = scored(learned, MIDDLE).loc["new", "evidence_says"]
    assert says == (
        "nothing is known of this rep's selling yet (started 7 days ago, no ended quota period, no "
        "deal won, no open deal)"
    )
    after = scored(learned, MIDDLE + timedelta(days=4)).loc["new"]
    assert after["evidence"] == learned[1].evidence.state
    assert after["evidence_says"].startswith("the company has too few won deals")


def test_who_has_left_comes_last(learned: tuple[Warehouse, QuotaBundle]) -> None:
    """Leavers hardly ever attain; the list begins with those who can still be helped."""
    table = scored(learned, MIDDLE)
    assert table.index[-1] == "r6"
    assert table["has_left"].tolist() == [False] * (len(table) - 1) + [True]
    assert table["p_attain"].iloc[:-1].is_monotonic_increasing
