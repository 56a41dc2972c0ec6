"""Quota attainment degrades with the data: each odd table has a decided answer, and numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from extract import Extract, Row
from quota_company import FEATURES, QUARTERS, TRAINING, opened, quota, sellers

from features.errors import InputError
from features.storage.warehouse import Warehouse
from training.files import QUOTA_PREDICTIONS, REP_SCORES, checked
from training.quota.backtest import QuotaBacktest, backtest_quota
from training.quota.bundle import QuotaBundle
from training.quota.fit import learn_quota
from training.quota.score import score_reps
from training.quota.train import QuotaTrained, train_quota
from training.rolling import Range

RANGE = ["attainment_p10", "attainment_p50", "attainment_p90"]
MIDDLE = datetime(2023, 11, 16)
"""In the middle of the fourth quarter; three have ended."""
WEEK = timedelta(days=7)
REFIT_OFTEN = {"refit_days": 14, "most_refits": 8}


def check(frame: pd.DataFrame, target: float = 1.0) -> None:
    """Require what the contract wants of every row: numbers in order, that agree."""
    p, ends = frame["p_attain"].to_numpy(), frame[RANGE].to_numpy()
    assert np.isfinite(p).all()
    assert ((p > 0) & (p < 1)).all()
    assert np.isfinite(ends).all()
    assert (np.diff(ends, axis=1) >= 0).all()
    assert ((ends[:, 1] >= target) == (p >= 0.5)).all()


def scored(warehouse: Warehouse, bundle: QuotaBundle, as_of: datetime) -> pd.DataFrame:
    """Score, and require what holds of any scores."""
    frame, _ = score_reps(warehouse, bundle, "v", as_of)
    check(checked(frame, REP_SCORES), bundle.target)
    for row in frame.itertuples():
        reasons = json.loads(row.reasons)
        total = reasons["base"] + reasons["rest"] + sum(item["points"] for item in reasons["items"])
        assert total == pytest.approx(100 * row.p_attain, abs=0.01)
    return frame.set_index("rep_id")


@dataclass(frozen=True)
class Tried:
    """What came of an extract."""

    trained: QuotaTrained
    scores: pd.DataFrame
    backtest: QuotaBacktest


def odd() -> Extract:
    """Bend one company in every way at once, each rep in another; the odd ones are r0 to r7."""
    extract = sellers(MIDDLE)
    quotas = [row for row in extract.rows("quotas") if row["rep_id"] not in ("r0", "r1", "r2")]
    last = QUARTERS[3]
    quotas += [quota("r0", datetime(2023, m, 1), 6_000, months=1) for m in range(1, 13)]
    quotas += [quota("r1", datetime(2023, 1, 1), 90_000, months=12)]
    quotas += [quota("r2", q, 0 if q == last else 15_000) for q in QUARTERS[:4]]
    revised = {**quota("r3", last, 1e9), "known_at": MIDDLE - timedelta(days=3)}
    quotas += [revised, {**quota("r4", last, None), "known_at": MIDDLE - WEEK}]
    quotas += [{**quota("r5", last, 7.0), "period_start": last + WEEK}]
    quotas += [quota("new", last, 20_000), quota("ghost", last, 20_000)]

    def rep(row: Row) -> Row:
        return {**row, "left_at": MIDDLE - 3 * WEEK} if row["rep_id"] == "r6" else row

    def deal(place: int, row: Row) -> Row:
        amount = {0: None, 1: -500.0}.get(place % 12, row["amount"])
        changed = {"currency": "EUR" if place % 2 else "usd"}
        return {**row, **changed, "amount": amount if row["rep_id"] == "r7" else row["amount"]}

    reps = [rep(row) for row in extract.rows("reps")]
    reps += [{"rep_id": "new", "manager_id": "m0", "hired_at": MIDDLE - WEEK}]
    deals = [deal(n, row) for n, row in enumerate(extract.rows("deals"))]
    return extract.but("quotas", quotas).but("reps", reps).but("deals", deals)


@pytest.fixture(scope="module", name="bent")
def fixture_bent(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    """Train, backtest and score the odd company once."""
    warehouse = opened(odd(), tmp_path_factory.mktemp("odd"))
    trained = train_quota(warehouse.until(None), FEATURES, TRAINING)
    asked = Range(MIDDLE - 2 * WEEK, MIDDLE - WEEK, 7)
    backtest = backtest_quota(warehouse, asked, FEATURES, TRAINING)
    predictions = backtest.predictions.frame
    check(checked(predictions[[*QUOTA_PREDICTIONS.names]], QUOTA_PREDICTIONS))
    return Tried(trained, scored(warehouse, trained.bundle, MIDDLE), backtest)


def test_a_quota_of_nothing_is_never_at_risk(bent: Tried) -> None:
    """With a quota of 0 there is nothing to miss: the range is the very target, the label empty."""
    row = bent.scores.loc["r2"]
    assert row["quota"] == 0
    assert not row["at_risk"]
    assert row["p_attain"] > 0.99
    assert row[RANGE].tolist() == [1.0, 1.0, 1.0]
    frame = bent.backtest.predictions.frame.set_index("rep_id")
    assert frame.loc["r2", "attainment"].isna().all()


def test_a_revision_counts_from_when_it_is_known(bent: Tried) -> None:
    """Before it the old quota stands, after it the new; empty or overlapping ones never do."""
    before = bent.backtest.predictions.frame.set_index("rep_id")
    assert (before.loc["r3", "quota"] < 1e6).all()
    assert bent.scores.loc["r3", "quota"] == 1e9
    assert bent.scores.loc["r3", "p_attain"] < 0.01
    for rep_id in ("r4", "r5"):
        assert bent.scores.loc[rep_id, "quota"] == pytest.approx(
            before.loc[rep_id, "quota"].iloc[0]
        )
        assert bent.scores.index.tolist().count(rep_id) == 1


def test_who_has_left_wins_nothing_more(bent: Tried) -> None:
    """What a leaver closed stays; open deals will be won by others."""
    row = bent.scores.loc["r6"]
    assert row["expected_new"] == 0
    assert row["expected_open"] < 1
    assert row["attainment_p90"] == pytest.approx(row["attained"] / row["quota"], abs=0.01)


def test_who_has_just_come_is_forecast_from_the_company(bent: Tried) -> None:
    """A rep of one week, and one no table knows, have rows of numbers, not certain ones."""
    for rep_id in ("new", "ghost"):
        row = bent.scores.loc[rep_id]
        assert row["attained"] == 0
        assert row["attainment_p90"] > row["attainment_p10"]
        assert row["expected_new"] > 0


def test_periods_of_any_length_run_side_by_side(bent: Tried) -> None:
    """A month, a quarter and a year are forecast at once, each against its own end."""
    ends = bent.scores["period_end"]
    assert ends["r0"] == pd.Timestamp(2023, 12, 1)
    assert ends["r1"] == ends["r7"] == pd.Timestamp(2024, 1, 1)
    assert bent.scores.loc["r1", "attained"] > bent.scores.loc["r0", "attained"]
    known = bent.trained.training_set.ended_before(pd.Timestamp(2023, 10, 1))
    assert known == [pd.Timestamp(2023, m, 1) for m in (2, 3, 4, 5, 6, 7)][: len(known)]
    assert max(known) <= pd.Timestamp(2023, 7, 1) + 2 * WEEK


def test_missing_and_negative_amounts(bent: Tried) -> None:
    """A missing amount counts nothing, a negative one as it is; new wins bring neither."""
    deals = odd().rows("deals")
    own = [d for d in deals if d["rep_id"] == "r7" and d["won"] and d["closed_at"] >= QUARTERS[3]]
    attained = sum(d["amount"] or 0.0 for d in own)
    assert bent.scores.loc["r7", "attained"] == pytest.approx(attained)
    paid = bent.trained.bundle.amounts.paid
    won = bent.trained.training_set.won
    assert won["amount"].min() == -500.0
    assert paid == (won["amount"] > 0).mean() < 1


def test_currencies_are_told(bent: Tried) -> None:
    """Amounts are taken as they stand, and people are told."""
    assert any("2 currencies (EUR, USD" in note for note in bent.trained.notes)
    assert any("2 currencies" in note for note in bent.backtest.notes)


def test_an_extract_cut_in_a_period(bent: Tried) -> None:
    """The running period is forecast and never learned from; its outcome is empty."""
    frame = bent.backtest.predictions.frame
    assert frame["attainment"].isna().all()
    assert bent.trained.training_set.mature_ends()[-1] <= MIDDLE
    assert bent.trained.test is not None


def test_deals_and_quotas_alone(tmp_path: Path) -> None:
    """Without activities, changes, leads, reps and accounts all is done."""
    warehouse = opened(sellers(MIDDLE), tmp_path, ("deals", "quotas"))
    bundle = learn_quota(warehouse.until(None), FEATURES, TRAINING)
    assert bundle.deals.ensemble is not None
    assert bundle.evidence.state == "thin"
    assert len(scored(warehouse, bundle, MIDDLE)) == 8


def test_nothing_sold_yet(tmp_path: Path) -> None:
    """Without a single deal the quota is believed: nobody is sure to miss, and nothing is known."""
    extract = sellers(MIDDLE).but("deals", [])
    # Without a deal there is no event either, so the end must be declared.
    warehouse = opened(extract, tmp_path, ("deals", "quotas"))
    bundle = learn_quota(warehouse.until(None), FEATURES, TRAINING)
    assert bundle.evidence.state == "none"
    scores = scored(warehouse, bundle, QUARTERS[3] + timedelta(days=1))
    assert scores["p_attain"].between(0.15, 0.7).all()
    assert (scores["attainment_p90"] - scores["attainment_p10"] > 0.5).all()


def test_few_periods(tmp_path: Path) -> None:
    """Before the first period, in it, and in the second: paces and shares answer with numbers."""
    extract = sellers(MIDDLE, each=12.0)
    kept = [r for r in extract.rows("quotas") if r["period_start"] >= QUARTERS[2]]
    warehouse = opened(extract.but("quotas", kept), tmp_path, ("deals", "quotas"))
    for until, state in ((QUARTERS[1], "none"), (QUARTERS[2] + 5 * WEEK, "none"), (None, "thin")):
        trained = train_quota(warehouse.until(until), FEATURES, TRAINING)
        assert trained.bundle.evidence.state == state
        assert trained.test is None
        assert "nothing could be tested" in trained.notes[1]
        scores = scored(warehouse, trained.bundle, MIDDLE)
        assert len(scores) == 8
        assert scores["p_attain"].between(0.01, 0.99).any()
        assert scores["evidence"].eq(state).all()
    # A moment at which no quota runs has no rows, and that is no error.
    assert scored(warehouse, trained.bundle, QUARTERS[1]).empty


def test_cutoffs_without_a_running_quota_are_passed_over(tmp_path: Path) -> None:
    """Between and before quotas nobody is forecast; that is told, and asked for alone refused."""
    extract = sellers(MIDDLE, each=12.0)
    kept = [r for r in extract.rows("quotas") if r["period_start"] == QUARTERS[2]]
    warehouse = opened(extract.but("quotas", kept), tmp_path, ("deals", "quotas"))
    params = TRAINING.model_copy(update={"quota": TRAINING.quota.model_copy(update=REFIT_OFTEN)})
    asked = Range(QUARTERS[2] - 4 * WEEK, QUARTERS[3] + 3 * WEEK, 14)
    backtest = backtest_quota(warehouse, asked, FEATURES, params)
    cutoffs = backtest.predictions.frame["cutoff"]
    assert cutoffs.min() == QUARTERS[2]
    assert cutoffs.max() < QUARTERS[3]
    idle = len(asked.cutoffs) - cutoffs.nunique()
    assert idle >= 3
    first = f"{asked.start:%Y-%m-%d}"
    note_text = f"at {idle} of {len(asked.cutoffs)} cutoffs (the first is {first})"
    assert any(note_text in note for note in backtest.notes)
    with pytest.raises(InputError, match="quotas run from 2023-07-01 to 2023-10-01"):
        backtest_quota(warehouse, Range(QUARTERS[1], QUARTERS[1] + WEEK, 7), FEATURES, params)
