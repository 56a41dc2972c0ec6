"""Public holidays by country: what the library lists, and what is said where it lists nothing."""

from __future__ import annotations

from datetime import date

import pytest

from features.days_off import listed_country, public_holidays


def test_no_country_has_no_holidays() -> None:
    """The empty code, which is the default, lists nothing."""
    assert public_holidays("", 2024, 2026) == frozenset()
    assert not listed_country("")


def test_a_subdivision_adds_its_own_to_the_country_s() -> None:
    """Corpus Christi is a holiday in Hesse, not everywhere in Germany; the rest is common."""
    country, hesse = public_holidays("DE", 2025, 2025), public_holidays("DE-HE", 2025, 2025)
    assert hesse - country == {date(2025, 6, 19)}
    assert country < hesse
    assert {date(2025, 4, 21), date(2025, 12, 25), date(2025, 12, 26)} <= country


@pytest.mark.parametrize("code", ["DE", "US", "GB-ENG"])
def test_years_are_listed_from_the_first_to_the_last(code: str) -> None:
    """Years beside each other add up, and no other year is in between."""
    both = public_holidays(code, 2024, 2025)
    assert both == public_holidays(code, 2024, 2024) | public_holidays(code, 2025, 2025)
    assert {day.year for day in both} == {2024, 2025}


@pytest.mark.parametrize("code", ["XX", "DE-XX", "Ruritania", "-HE"])
def test_an_unknown_code_is_named(code: str) -> None:
    """With what would be right."""
    with pytest.raises(ValueError, match=f"{code}.*DE or DE-HE"):
        listed_country(code)
