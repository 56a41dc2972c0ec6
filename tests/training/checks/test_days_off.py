"""Days on which activity stopped are told, and no longer once they are named."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from engines import Engine
from extract import Extract, touch

from features.params import FeatureParams
from training.checks.days_off import days_off_findings
from training.checks.finding import Finding

START = datetime(2024, 11, 4)
CLOSED = (date(2024, 12, 25), date(2024, 12, 26), date(2025, 1, 1))
DAYS = 120


def found(duckdb: Engine, params: FeatureParams, *, rep: str | None = "ann") -> list[Finding]:
    """Check a company with 30 activities on every weekday but the closed ones."""
    days = [START + timedelta(days=day) for day in range(DAYS)]
    worked = [day for day in days if day.weekday() < 5 and day.date() not in CLOSED]
    rows = [
        touch("l1", day + timedelta(hours=9, minutes=n), rep_id=rep)
        for day in worked
        for n in range(30)
    ]
    extract = Extract({"activities": rows}, START + timedelta(days=DAYS))
    with duckdb.open(extract) as warehouse:
        return list(days_off_findings(warehouse, params))


def test_days_without_activity_are_named(duckdb: Engine) -> None:
    """Christmas and New Year, with what to do; weekends are no working days anyway."""
    (finding,) = found(duckdb, FeatureParams())
    assert finding.kind == "days_off"
    assert all(f"{day:%Y-%m-%d}" in finding.says for day in CLOSED)
    assert "features.holidays" in finding.says


def test_days_that_are_named_already_are_not_told(duckdb: Engine) -> None:
    """Neither those of the country nor those of the company's own list."""
    assert found(duckdb, FeatureParams(holidays="DE")) == []
    assert found(duckdb, FeatureParams(days_off=CLOSED)) == []


def test_what_no_rep_did_says_nothing(duckdb: Engine) -> None:
    """Visits of a web site go on while nobody works, or stop for reasons of their own."""
    assert found(duckdb, FeatureParams(), rep=None) == []
