"""Laws of the last words of a verdict: how old, how whole, what would help."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from ibis.backends.duckdb import Backend

from features.evidence import EvidenceState
from features.ingest.finding import DataFinding
from features.ingest.freshness import Freshness, freshness_of, freshness_verdict
from features.ingest.readiness import Readiness
from features.storage.engine import write

END = datetime(2025, 6, 1)
ENOUGH = Readiness("lead conversion: possible", EvidenceState.ENOUGH, "leads")
THIN = Readiness("thin", EvidenceState.THIN, "leads", ("9 leads, at least 200 are needed",))
NO_CHANGES = Readiness("no `changes`", EvidenceState.NONE, missing=("changes",))
BROKEN = DataFinding("deals", "amount", "unreadable", "error", "614 of 614")


def said(
    fresh: Freshness, days: int, *readiness: Readiness, findings: tuple[DataFinding, ...] = ()
) -> list[str]:
    """Return the sentences about data that ended so many days ago."""
    now = END + timedelta(days=days)
    return [s.says for s in freshness_verdict(fresh, END, now, readiness, findings)]


@pytest.mark.parametrize(
    ("days", "words"), [(0, "less than a day ago"), (1, "1 day ago"), (478, "478 days ago")]
)
def test_the_age_is_said(days: int, words: str) -> None:
    """In days, counted from the end of the data."""
    assert said(Freshness({}), days, ENOUGH)[0] == f"the data ends at 2025-06-01 00:00, {words}"


def test_a_table_that_ends_early_is_said() -> None:
    """Two weeks without an activity, while other events go on, are a gap."""
    fresh = Freshness({"leads": END, "activities": END - timedelta(days=20)})
    sentences = " ".join(said(fresh, 0, ENOUGH))
    assert "`activities` is of 2025-05-12, 20 days before" in sentences
    assert "`leads`" not in sentences


def test_what_would_help_most_goes_from_grave_to_light() -> None:
    """A broken column before a missing table, that before a thin forecast, that before age."""
    fresh = Freshness({}, ends=100, silent=30)
    everything = (NO_CHANGES, THIN)
    assert "mend deals.amount" in said(fresh, 99, *everything, findings=(BROKEN,))[-1]
    assert "deliver `changes`" in said(fresh, 99, *everything)[-1]
    assert "9 leads, at least 200" in said(fresh, 99, THIN)[-1]
    assert "log calls" in said(fresh, 99, ENOUGH)[-1]
    assert "fresh export" in said(Freshness({}), 99, ENOUGH)[-1]
    assert said(Freshness({}), 0, ENOUGH)[-1].endswith("nothing is missing")


def test_without_an_event_there_is_nothing_to_say() -> None:
    """The verdict says so already."""
    assert freshness_verdict(Freshness({}), None, END, (), ()) == ()


def test_outcomes_that_no_activity_came_before_are_counted(
    backend: Backend, tmp_path: Path
) -> None:
    """Of three converted leads one was never touched and one only afterwards; open ones aside."""
    tables = {
        "leads": "SELECT * FROM (VALUES ('a', TIMESTAMP '2025-01-01', TIMESTAMP '2025-02-01'), "
        "('b', TIMESTAMP '2025-01-01', TIMESTAMP '2025-02-01'), ('c', TIMESTAMP '2025-01-01', "
        "TIMESTAMP '2025-02-01'), ('d', TIMESTAMP '2025-01-01', NULL)) "
        "t(lead_id, created_at, converted_at)",
        "activities": "SELECT lead_id, occurred_at, occurred_at AS known_at FROM (VALUES "
        "('a', TIMESTAMP '2025-01-05'), ('b', TIMESTAMP '2025-03-05'), "
        "('d', TIMESTAMP '2025-01-05')) t(lead_id, occurred_at)",
    }
    files = {name: tmp_path / f"{name}.parquet" for name in tables}
    for name, select in tables.items():
        write(backend, select, files[name])
    fresh = freshness_of(backend, files)
    assert (fresh.ends, fresh.silent) == (3, 2)
    assert fresh.newest == {"leads": datetime(2025, 1, 1), "activities": datetime(2025, 3, 5)}
    assert fresh.unlogged is None  # three outcomes are too few for a share


def test_an_activity_on_the_day_of_an_outcome_came_before_it(
    backend: Backend, tmp_path: Path
) -> None:
    """Where ends are days, noon of the same day is no later; where they have a time, it counts."""
    files = {name: tmp_path / f"{name}.parquet" for name in ("leads", "activities")}
    touched = (
        "SELECT 'a' AS lead_id, TIMESTAMP '2025-02-01 12:00' AS occurred_at "
        "UNION ALL SELECT 'c', TIMESTAMP '2025-01-05'"
    )
    write(backend, f"SELECT *, occurred_at AS known_at FROM ({touched})", files["activities"])
    for end, silent in (("2025-02-01", 0), ("2025-02-01 11:00", 1)):
        leads = f"TIMESTAMP '2025-01-01' AS created_at, TIMESTAMP '{end}' AS converted_at"
        both = f"SELECT unnest(['a', 'b', 'c']) AS lead_id, {leads}"
        write(backend, both, files["leads"])
        assert freshness_of(backend, files).silent == 1 + silent
