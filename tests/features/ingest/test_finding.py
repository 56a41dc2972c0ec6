"""Laws of findings: which are grave, which forecasts they break, and how they travel."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from features.ingest.finding import (
    DataFinding,
    delivered,
    gravest_first,
    severity_of,
    share,
    unsound,
)

LOST = DataFinding("deals", "amount", "unreadable", "error", "all lost", 614, 614, "'$1K'")
ODD = DataFinding("quotas", "period_end", "inclusive_end", "warning", "a day early", 36, 36)
ASIDE = DataFinding("leads", "value", "decimal", "info", "read with the point", 9, 9, "$1,000.00")


def test_the_gravest_come_first() -> None:
    """Errors, then warnings, then what is only worth knowing."""
    assert gravest_first([ASIDE, ODD, LOST]) == (LOST, ODD, ASIDE)


def test_findings_come_back_from_the_report() -> None:
    """What is written as JSON is read as it was."""
    written = json.loads(json.dumps({"findings": [f.to_json() for f in (LOST, ASIDE)]}))
    assert delivered(written) == (LOST, ASIDE)
    assert delivered({}) == ()
    assert LOST.to_json() == asdict(LOST)


@pytest.mark.parametrize(
    ("table", "column", "severity"),
    [
        ("deals", "amount", "error"),
        ("deals", "won", "error"),
        ("leads", "converted_at", "error"),
        ("quotas", "amount", "error"),
        ("leads", "value", "warning"),
        ("activities", "duration_s", "warning"),
        ("leads", "source", "warning"),
    ],
)
def test_what_decides_outcomes_is_grave(table: str, column: str, severity: str) -> None:
    """Labels and attainment rest on some columns; without the others forecasts are worse."""
    assert severity_of(table, column) == severity


def test_only_lost_columns_break_a_forecast() -> None:
    """Lost amounts break quota forecasts, not those of leads; what is odd breaks neither."""
    report = {"findings": [LOST.to_json(), ODD.to_json(), ASIDE.to_json()]}
    assert unsound(report) == {"quota": "deals.amount: all lost"}
    gone = DataFinding("leads", "created_at", "quarantined", "error", "half are gone", 5, 10)
    assert set(unsound({"findings": [gone.to_json()]})) == {"leads"}
    assert unsound({}) == {}


def test_a_share_is_said_with_its_counts() -> None:
    """As counts and percent; of nothing there is no share."""
    assert share(12, 400) == "12 of 400 (3 %)"
    assert share(0, 0) == "0"
