"""The `features` section of params.yaml: what fits is frozen, what does not is said."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from features.params import FeatureParams, MinimumParams


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("timezone", "Amsterdam", "no such time zone: 'Amsterdam'"),
        ("working_hours", [9, 25], "must lie in 0..24 and rise"),
        ("working_hours", [17, 9], "must lie in 0..24 and rise"),
        ("working_hours", [9, 9], "must lie in 0..24 and rise"),
        ("working_days", [], "at least 1 item"),
        ("working_days", ["monday"], "'mon'"),
        ("holidays", "XX", "no public holidays are listed for 'XX'"),
        ("days_off", ["soon"], "valid date"),
        ("windows_days", [7, 1], "positive, rising and different"),
        ("windows_days", [1, 1], "positive, rising and different"),
        ("windows_days", [0, 1], "positive, rising and different"),
        ("windows_days", [], "at least 1 item"),
        ("known_at_creation", ["industry"], "should be TABLE.COLUMN"),
        ("known_at_creation", ["quotas.amount"], "TABLE one of"),
        ("known_at_creation", ["leads."], "should be TABLE.COLUMN"),
        ("known_at_creation", ["reps.name"], "no model may learn from it"),
        ("max_types", 0, "greater than or equal to 1"),
        ("owner_prior", 0.0, "greater than 0"),
        ("min_count", "3", "valid integer"),
        ("colour", "red", "Extra inputs are not permitted"),
    ],
)
def test_a_value_that_does_not_fit_is_said(key: str, value: Any, said: str) -> None:
    """By its key, with what would be right."""
    with pytest.raises(ValidationError, match=said) as error:
        FeatureParams.model_validate({key: value})
    assert error.value.errors()[0]["loc"][0] == key


def test_lists_of_yaml_become_tuples() -> None:
    """So that nobody changes them later."""
    params = FeatureParams.model_validate(
        {"windows_days": [1, 30], "working_hours": [8, 18], "known_at_creation": ["deals.a.b"]}
    )
    assert (params.windows_days, params.working_hours) == ((1, 30), (8, 18))
    assert params.known_at_creation == ("deals.a.b",)


def test_days_off_are_dates_however_they_are_written() -> None:
    """YAML reads 2025-12-24 as a date, and the JSON of a bundle keeps it as a text."""
    params = FeatureParams.model_validate({"days_off": [date(2025, 12, 24), "2025-12-31"]})
    assert params.days_off == (date(2025, 12, 24), date(2025, 12, 31))
    assert FeatureParams.model_validate(params.model_dump(mode="json")) == params


def test_params_cannot_be_changed() -> None:
    """A bundle keeps those it was trained with."""
    with pytest.raises(ValidationError, match="frozen"):
        FeatureParams().min_count = 3  # type: ignore[misc]


def test_nothing_counts_as_enough_by_itself() -> None:
    """Every least number is at least one."""
    for name in MinimumParams.model_fields:
        with pytest.raises(ValidationError, match="greater than or equal to 1"):
            MinimumParams.model_validate({name: 0})
