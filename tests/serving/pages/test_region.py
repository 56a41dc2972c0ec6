"""Laws of numbers, days and amounts: each region its own form, and no digit that nobody knows."""

from __future__ import annotations

import re
from datetime import date
from random import Random

import pytest

from serving.pages.region import Region, region_of

REGIONS = ("en-US", "en-GB", "de-DE", "fr-FR", "sv-SE", "ja-JP", "hi-IN", "ar-EG", "de-CH")
EN = region_of("en-US")


def seeded(seed: int) -> Random:
    """Draw what the seed says."""
    return Random(seed)  # noqa: S311 - no secret


def digits(text: str) -> str:
    """Return the digits of a text, whatever script they are written in."""
    return "".join(str(int(letter)) for letter in text if letter.isdigit())


@pytest.mark.parametrize(
    ("header", "amount"),
    [
        ("en-US", "1,234,567"),
        ("de-DE", "1.234.567"),
        ("sv-SE", "1 234 567"),
        ("hi-IN", "12,34,567"),
    ],
)
def test_thousands_are_marked_as_the_region_does(header: str, amount: str) -> None:
    """One amount in four regions."""
    written = region_of(header).amount(1_234_567.4)
    assert " ".join(written.split()) == amount


@pytest.mark.parametrize("header", REGIONS)
@pytest.mark.parametrize("seed", range(5))
def test_no_region_changes_a_number(header: str, seed: int) -> None:
    """The digits of an amount and of a count are the same everywhere, in whatever script."""
    value = seeded(seed).randrange(10_000_000)
    for region in (region_of(header), region_of(header, "EUR")):
        assert digits(region.amount(value)) == str(value)
        assert digits(region.count(value)) == str(value)


@pytest.mark.parametrize("header", REGIONS)
def test_a_currency_is_named_and_has_no_cents(header: str) -> None:
    """With a currency its sign or code stands at the amount; without one nothing does."""
    assert any(sign in region_of(header, "USD").amount(5) for sign in ("$", "US", "USD"))
    assert digits(region_of(header, "USD").amount(12.75)) == "13"
    assert not re.search(r"[$€£]|[A-Z]{2}", region_of(header).amount(5))


@pytest.mark.parametrize("header", REGIONS)
def test_days_are_english_and_name_day_month_and_year(header: str) -> None:
    """The words stay English, so that no page mixes languages, and the month is no number."""
    written = region_of(header).day(date(2026, 8, 25))
    assert "Aug" in written
    assert {"25", "2026"} <= set(re.findall(r"\d+", written))


def test_the_order_of_a_day_is_the_regions() -> None:
    """An American reads the month first, a Briton the day."""
    day = date(2026, 3, 4)
    assert region_of("en-US").day(day) == "Mar 4, 2026"
    assert region_of("en-GB").day(day) == "4 Mar 2026"


@pytest.mark.parametrize("seed", range(20))
def test_an_expected_amount_has_three_digits(seed: int) -> None:
    """All further digits are 0, and the amount is off by half a percent at most."""
    value = seeded(seed).uniform(1_000, 90_000_000)
    written = digits(EN.about(value))
    assert set(written[3:]) <= {"0"}
    assert abs(int(written) - value) <= 0.005 * value + 0.5


@pytest.mark.parametrize("seed", range(20))
def test_a_chance_is_never_certain(seed: int) -> None:
    """No chance reads 0 % or 100 %, and higher chances never read lower."""
    chance = seeded(seed)
    chances = sorted(chance.choice([chance.random(), chance.random() ** 9]) for _ in range(20))
    written = [EN.chance(p) for p in (0.0, *chances, 1 - 1e-9, 1.0)]
    assert not {"0%", "100%"} & set(written)
    assert (written[0], written[-1]) == ("less than 1%", "more than 99%")
    shown = [0.5 if "less" in text else 99.5 if "more" in text else float(text.rstrip("%"))
             for text in written]  # fmt: skip
    assert shown == sorted(shown)


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0.034, "+3.4 points"), (-0.034, "-3.4 points"), (0.0, "0 points"), (1.5, "+150 points"),
        (0.0004, "0 points"), (-0.0004, "0 points"),
    ],
)  # fmt: skip
def test_points_have_a_sign_where_there_is_a_movement(share: float, written: str) -> None:
    """Up has a plus, down a minus, and what rounds to nothing has neither."""
    assert EN.points(share) == written


@pytest.mark.parametrize("header", ["en-US", "de-DE", "fr-FR"])
def test_a_sums_share_has_three_digits(header: str) -> None:
    """A share that a reader reckons with keeps its digits, also where it is small."""
    region = region_of(header)
    assert digits(region.exact_share(0.0838)) == "838"
    assert digits(region.exact_share(0.24)) == "24"
    assert digits(region.exact_share(0.00412)) == "0412"


def test_numbers_end_where_their_digits_do() -> None:
    """No zeros behind the point, and no more digits than asked for."""
    assert [EN.number(2.0), EN.number(2.55, 2), EN.number(2.549, 2)] == ["2", "2.55", "2.55"]


def test_the_most_wanted_known_language_counts() -> None:
    """Weights order the languages, unknown ones are passed over, ties go to the earlier."""
    assert str(region_of("fr-FR;q=0.2, de-DE;q=0.9").numbers) == "de_DE"
    assert str(region_of("xx-XX, fr-CA;q=0.5").numbers) == "fr_CA"
    assert str(region_of("sv-SE;q=0.5, fr-FR;q=0.5").numbers) == "sv_SE"
    assert str(region_of("de;q=0.1").numbers) == "de"


@pytest.mark.parametrize("seed", range(30))
def test_whatever_a_browser_sends_there_is_a_region(seed: int) -> None:
    """Random bytes are answered with a region that writes everything."""
    chance = seeded(seed)
    letters = "aezxDE-_,;q=.019* \t\x00é/"
    header = "".join(chance.choice(letters) for _ in range(chance.randrange(80)))
    region = region_of(header)
    assert isinstance(region, Region)
    assert region.dates.language == "en"
    assert all((region.amount(-5), region.about(0), region.share(0.5), region.day(date.today())))  # noqa: DTZ011 - any day


def test_equal_headers_share_a_region() -> None:
    """What was drawn for a region serves all of its readers: the region is a key."""
    assert region_of("de-DE,en;q=0.5", "EUR") == region_of("de-DE", "EUR")
    assert hash(region_of("de-DE")) == hash(region_of("de-DE"))
    assert region_of("de-DE", "EUR") != region_of("de-DE", "USD")
