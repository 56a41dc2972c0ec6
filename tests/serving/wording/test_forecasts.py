"""Rows of forecasts become typed values: empty is None, states are states, reps are counted."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.evidence import EvidenceState
from serving.wording.forecasts import RepForecast, TeamForecast

START, END = datetime(2025, 1, 1), datetime(2025, 4, 1)
ROW: dict[str, Any] = {
    "rep_id": "rep-7",
    "period_start": START,
    "period_end": END,
    "as_of": datetime(2025, 2, 3),
    "quota": 1000.0,
    "attained": 250.0,
    "p_attain": 0.4,
    "attainment_p10": 0.5,
    "attainment_p50": 0.9,
    "attainment_p90": 1.3,
    "at_risk": True,
    "evidence": "thin",
    "evidence_says": "one ended quota period",
    "reasons": "{}",
    "model_version": "3",
    "manager_id": "M002",
    "has_left": False,
    "expected_open": 400.0,
    "expected_new": 250.0,
    "range_low": 0.5,
    "range_high": 1.3,
    "p_in_range": 0.8,
}
TOTALS: dict[str, Any] = {
    "level": "manager",
    "group": "M002",
    "period_start": START,
    "period_end": END,
    "quota": 3000.0,
    "closed": 750.0,
    "expected_open": 1200.0,
    "expected_new": 750.0,
    "mean": 2700.0,
    "p10": 2000.0,
    "p50": 2600.0,
    "p90": 3400.0,
}


def rows(*changes: dict[str, Any]) -> list[dict[Any, Any]]:
    """Return rows of forecasts as a table holds them, with the types of pandas."""
    return pd.DataFrame([ROW | change for change in changes]).to_dict("records")


def test_a_row_becomes_a_value() -> None:
    """Every field is its column's value; the table's other columns are left out."""
    (row,) = rows({})
    forecast = RepForecast.from_row(row)
    for field in fields(forecast):
        assert getattr(forecast, field.name) == row[field.name], field.name
    assert forecast.evidence is EvidenceState.THIN
    with pytest.raises(FrozenInstanceError):
        forecast.quota = 1.0  # type: ignore[misc] # what is tested


@pytest.mark.parametrize("empty", [None, np.nan])
def test_a_rep_without_a_manager_has_none(empty: Any) -> None:
    """An empty cell of a column of texts is None, however the table holds it."""
    alone, managed = rows({"manager_id": empty}, {})
    assert RepForecast.from_row(alone).manager_id is None
    assert RepForecast.from_row(managed).manager_id == "M002"


def test_flags_are_plain_truth_values() -> None:
    """Flags of numpy are true or false like others, so that JSON can hold them."""
    forecast = RepForecast.from_row(ROW | {"has_left": np.True_, "at_risk": np.False_})
    assert forecast.has_left is True
    assert forecast.at_risk is False


@pytest.mark.parametrize("column", ["p_attain", "evidence", "manager_id"])
def test_a_row_without_a_column_is_refused(column: str) -> None:
    """A table that lacks a column is a bug, and says which."""
    with pytest.raises(KeyError, match=column):
        RepForecast.from_row({name: value for name, value in ROW.items() if name != column})


def test_an_unknown_state_of_evidence_is_refused() -> None:
    """Evidence is one of three states."""
    with pytest.raises(ValueError, match="plenty"):
        RepForecast.from_row(ROW | {"evidence": "plenty"})


@pytest.mark.parametrize(
    ("quota", "has_quota"), [(1.0, True), (0.0, False), (-1.0, False), (float("nan"), False)]
)
def test_a_quota_is_above_nothing(quota: float, *, has_quota: bool) -> None:
    """A quota of nothing, less, or an unknown one is none."""
    assert RepForecast.from_row(ROW | {"quota": quota}).has_quota is has_quota


def test_a_team_counts_its_reps() -> None:
    """Leavers are counted as such and never as being at risk."""
    members = [
        RepForecast.from_row(row)
        for row in rows(
            {}, {"has_left": True}, {"has_left": True, "at_risk": False}, {"at_risk": False}
        )
    ]
    team = TeamForecast.from_row(TOTALS, members, ("enough", "2 of 4 reps have a record"))
    assert (team.reps, team.left, team.at_risk) == (4, 2, 1)
    assert team.evidence is EvidenceState.ENOUGH
    assert team.evidence_says == "2 of 4 reps have a record"
    assert (team.mean, team.p10, team.p50, team.p90) == (2700.0, 2000.0, 2600.0, 3400.0)


def test_a_teams_evidence_is_not_that_of_the_row() -> None:
    """Evidence comes from the reps; a column of that name in the roll-ups does not count."""
    team = TeamForecast.from_row(TOTALS | {"evidence": "none"}, [], ("thin", "why"))
    assert (team.evidence, team.reps) == (EvidenceState.THIN, 0)
