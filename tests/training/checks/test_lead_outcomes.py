"""How leads ended and what happened to them, by hand: what no column may know beforehand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
from engines import Engine
from extract import Extract, Row, change, lead, touch

from features.field_history import FieldHistory
from features.history.vocabulary import Vocabulary
from features.storage.warehouse import Warehouse
from training.checks.columns import attributes
from training.checks.lead_outcomes import (
    BECAME_DEAL,
    ENDED,
    activity_counts,
    later_events,
    lead_outcomes,
)
from training.checks.post_outcome import post_outcome_findings

DAY = timedelta(days=1)
START = datetime(2025, 1, 6)
END = START + 100 * DAY
HORIZON = 30
VOCABULARY = Vocabulary(types=("call", "mail"), stages=("offer",))


def outcomes(duckdb: Engine, leads: list[Row], **tables: list[Row]) -> pd.Series:
    """Give the outcome of each lead."""
    with duckdb.open(Extract({"leads": leads, **tables}, END)) as warehouse:
        return lead_outcomes(warehouse, HORIZON).set_index("lead_id")["outcome"]


def test_a_lead_is_won_lost_or_too_young(duckdb: Engine) -> None:
    """Won is 1; lost, or open for a horizon, is 0; open for less is not known yet."""
    leads = [
        lead("won", START, converted_at=START + DAY),
        lead("lost", END - DAY, lost_at=END - timedelta(hours=1)),
        lead("open long", END - HORIZON * DAY),
        lead("young", END - HORIZON * DAY + timedelta(microseconds=1)),
        lead("young and won", END - DAY, converted_at=END - timedelta(hours=1)),
    ]
    ended = outcomes(duckdb, leads)
    assert ended[["won", "lost", "open long", "young and won"]].tolist() == [1, 0, 0, 1]
    assert np.isnan(ended["young"])


def test_columns_of_the_account_stand_beside_the_lead(duckdb: Engine) -> None:
    """Each under its table's name, empty for a lead without an account."""
    extract = Extract(
        {
            "leads": [lead("a", START, account_id="A"), lead("b", START + DAY)],
            "accounts": [{"account_id": "A", "size": 7.0}],
        },
        END,
        {"accounts": {"size": pa.float64()}},
    )
    with duckdb.open(extract) as warehouse:
        frame = lead_outcomes(warehouse, HORIZON)
    assert frame["lead_id"].tolist() == ["a", "b"]
    assert frame["accounts.size"].tolist()[0] == 7.0
    assert np.isnan(frame["accounts.size"].tolist()[1])
    kept = {(a.table, a.column): a for a in attributes(frame, VOCABULARY)}
    assert ("accounts", "size") in kept
    assert not kept["accounts", "size"].is_used
    assert not {"lead_id", "created_at", "converted_at", "outcome"} & {c for _, c in kept}


def test_activities_are_counted_by_kind(duckdb: Engine) -> None:
    """Types with and without a direction, a rep or an outcome are told apart; sums give all."""
    leads = [lead("a", START), lead("b", START + DAY), lead("c", START + DAY)]
    rows = [
        touch("a", START + DAY),
        touch("a", START + DAY, direction="in"),
        touch("a", START + 2 * DAY, direction="in"),
        touch("b", START + 2 * DAY, "mail", rep_id="ann", outcome="read"),
        touch("nobody", START + 2 * DAY),
    ]
    with duckdb.open(Extract({"leads": leads, "activities": rows}, END)) as warehouse:
        counts = activity_counts(warehouse, pd.Series(["a", "b", "c"]))
    assert counts.shape == (3, 3)
    assert counts.sum(axis=1).tolist() == [3, 1, 0]
    assert sorted(counts[0].tolist()) == [0, 1, 2]


def events(duckdb: Engine, extract: Extract) -> dict[str, dict[str, float]]:
    """Say of every event which leads it came to."""
    with duckdb.open(extract) as warehouse:
        frame = lead_outcomes(warehouse, HORIZON)
        happened = later_events(warehouse, frame, VOCABULARY)
    return {
        event: dict(zip(frame["lead_id"], values.tolist(), strict=True))
        for event, values in happened.items()
    }


def test_deals_and_stages_are_events_once_a_day_has_passed(duckdb: Engine) -> None:
    """What came to a lead on its first day may have been known at its creation."""
    leads = [lead(name, START) for name in ("soon", "later", "never")]
    deals = [
        {"deal_id": f"d-{name}", "rep_id": "ann", "lead_id": name, "created_at": START + wait}
        for name, wait in (("soon", timedelta(hours=5)), ("later", 2 * DAY))
    ]
    changes = [
        change("soon", START + DAY, "stage", "offer"),
        change("later", START + DAY + timedelta(seconds=1), "stage", "offer"),
        change("never", START + 9 * DAY, "stage", "other"),
    ]
    happened = events(duckdb, Extract({"leads": leads, "deals": deals, "changes": changes}, END))
    assert set(happened) == {ENDED, BECAME_DEAL, "whether it reached the stage 'offer'"}
    for event in (BECAME_DEAL, "whether it reached the stage 'offer'"):
        assert np.isnan(happened[event]["soon"])
        assert (happened[event]["later"], happened[event]["never"]) == (1.0, 0.0)


def test_accounts_and_deals_are_met_by_their_history(duckdb: Engine) -> None:
    """The columns that name them are empty then; the value shown last names them."""
    leads = [lead("a", START), lead("b", START)]
    tables: dict[str, list[Row]] = {
        "leads": leads,
        "accounts": [{"account_id": "A", "size": 7.0}],
        "deals": [{"deal_id": "d", "rep_id": "ann", "created_at": START + 2 * DAY}],
        "changes": [
            change("a", START, "account_id", "A"),
            change("d", START + 2 * DAY, "lead_id", "b", "deal"),
            change("d", START + 3 * DAY, "lead_id", "a", "deal"),
        ],
    }
    histories = tuple(
        FieldHistory(entity, field, True, 1, 1, 0, START)  # noqa: FBT003 - complete
        for entity, field in (("lead", "account_id"), ("deal", "lead_id"))
    )
    extract = Extract(tables, END, {"accounts": {"size": pa.float64()}})
    with duckdb.open(extract) as warehouse:
        known = replace(warehouse, histories=histories)
        frame = lead_outcomes(known, HORIZON)
        happened = later_events(known, frame, VOCABULARY)[BECAME_DEAL]
    assert frame["lead_id"].tolist() == ["a", "b"]
    assert frame["accounts.size"].fillna(0).tolist() == [7.0, 0.0]
    assert happened.tolist() == [1.0, 0.0]


def test_open_leads_are_compared_with_ended_ones_of_their_week(duckdb: Engine) -> None:
    """A week in which all ended, or none, compares nothing."""
    leads = [
        lead("a", START, lost_at=START + DAY),
        lead("b", START + DAY),
        lead("c", START + 7 * DAY),
        lead("d", START + 14 * DAY, converted_at=START + 20 * DAY),
    ]
    happened = events(duckdb, Extract({"leads": leads}, END))[ENDED]
    assert (happened["a"], happened["b"]) == (1.0, 0.0)
    assert np.isnan([happened["c"], happened["d"]]).all()


def kinds(warehouse: Warehouse, vocabulary: Vocabulary) -> set[tuple[str | None, str, str]]:
    """Say what belongs to the end of the story."""
    findings = post_outcome_findings(warehouse, vocabulary)
    return {(f.column, f.kind, f.severity) for f in findings}


def signed(wait: timedelta, count: int) -> Extract:
    """Make leads that are won, each with a signature at some distance from the conversion."""
    leads = [
        lead(f"l{n}", START + n * DAY, converted_at=START + (n + 20) * DAY) for n in range(count)
    ]
    rows = [touch(row["lead_id"], row["converted_at"] + wait, "signature") for row in leads]
    calls = [touch(row["lead_id"], row["created_at"] + DAY) for row in leads]
    return Extract({"leads": leads, "activities": [*rows, *calls]}, END)


def test_what_comes_minutes_before_the_conversion_is_a_warning(duckdb: Engine) -> None:
    """Minutes before it is a part of it; an hour before is a sign; afterwards nobody sees it."""
    vocabulary = Vocabulary(types=("signature", "call"))
    for wait, severities in (
        (timedelta(minutes=-5), {"warning"}),
        (timedelta(minutes=-10), {"warning"}),
        (timedelta(minutes=-11), set()),
        (timedelta(0), {"info"}),
        (timedelta(hours=3), {"info"}),
    ):
        with duckdb.open(signed(wait, 25)) as warehouse:
            findings = kinds(warehouse, vocabulary)
        assert findings == {("type", "with_conversion", severity) for severity in severities}


def test_few_leads_show_no_pattern(duckdb: Engine) -> None:
    """Nineteen signatures may come at the conversion by chance."""
    with duckdb.open(signed(timedelta(minutes=-5), 19)) as warehouse:
        assert kinds(warehouse, Vocabulary(types=("signature", "call"))) == set()
