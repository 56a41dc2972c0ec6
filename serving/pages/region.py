"""Numbers, dates and amounts as the reader's region writes them; the words stay English.

Numbers follow the reader's language (`1.234,5` for German). Dates follow the English of the
reader's region, since the name of a month is a word (`5 Aug 2026` in Europe, `Aug 5, 2026` in the
United States).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent

WORLD = "001"
LONGEST_HEADER = 200
MOST_LANGUAGES = 10
DIGITS = 3
"""Digits of an expected amount that mean anything to people."""
FEW, MANY = 0.01, 0.99
"""Beyond these a chance is said as "less than 1 %" and "more than 99 %"."""


@dataclass(frozen=True)
class Region:
    """How one reader's region writes things.

    Attributes:
        numbers: the locale of numbers and amounts.
        dates: the English locale of the region.
        currency: the code of the currency of all amounts, such as EUR; empty where none is set.
    """

    numbers: Locale
    dates: Locale
    currency: str = ""

    def day(self, moment: date) -> str:
        """Write a day.

        >>> region_of("en-US").day(date(2026, 8, 5)), region_of("de").day(date(2026, 8, 5))
        ('Aug 5, 2026', '5 Aug 2026')
        """
        return format_date(moment, "medium", locale=self.dates)

    def amount(self, value: float) -> str:
        """Write an amount to whole units.

        >>> region_of("de-DE").amount(1234567.8), region_of("en-US", "USD").amount(1234567.8)
        ('1.234.568', '$1,234,568')
        """
        if self.currency:
            usual = self.numbers.currency_formats["standard"].pattern
            return format_currency(
                round(value),
                self.currency,
                usual.replace("0.00", "0"),
                locale=self.numbers,
                currency_digits=False,
            )
        return format_decimal(round(value), locale=self.numbers)

    def about(self, value: float) -> str:
        """Write an expected amount to three digits: more would claim more than anybody knows.

        >>> region_of("en").about(44_786.0)
        '44,800'
        """
        return self.amount(float(f"{value:.{DIGITS}g}"))

    def count(self, value: int) -> str:
        """Write a count."""
        return format_decimal(value, locale=self.numbers)

    def share(self, value: float) -> str:
        """Write a share as a whole percentage.

        >>> region_of("en").share(0.314), region_of("de").share(1.2).split()
        ('31%', ['120', '%'])
        """
        return format_percent(round(value, 2), locale=self.numbers)

    def exact_share(self, value: float) -> str:
        """Write a share to three digits, for a sum that the reader may check.

        >>> region_of("en").exact_share(0.08382)
        '8.38%'
        """
        exact = float(f"{value:.{DIGITS}g}")
        return format_percent(exact, locale=self.numbers, decimal_quantization=False)

    def chance(self, p: float) -> str:
        """Write a chance as a whole percentage that never claims certainty.

        >>> region_of("en").chance(0.998)
        'more than 99%'
        """
        if p < FEW / 2:
            return f"less than {self.share(FEW)}"
        return f"more than {self.share(MANY)}" if p > MANY + FEW / 2 else self.share(p)

    def points(self, share: float) -> str:
        """Write a difference of shares in percentage points, with its sign.

        >>> region_of("en").points(0.034), region_of("de").points(-0.05)
        ('+3.4 points', '-5 points')
        """
        moved = round(100 * share, 1)
        sign = "+" if moved > 0 else "-" if moved < 0 else ""
        return f"{sign}{self.number(abs(moved))} points"

    def number(self, value: float, digits: int = 1) -> str:
        """Write a number with a few digits after the point, none where they are 0.

        >>> region_of("de").number(2.543)
        '2,5'
        """
        return format_decimal(round(value, digits), locale=self.numbers)


def region_of(accept_language: str, currency: str = "") -> Region:
    """Return the region that a browser asks for; the world's English where it asks for none.

    Args:
        accept_language: the header of the request.
        currency: of all amounts.

    >>> region_of("fr-CH, fr;q=0.9, en;q=0.8").dates, region_of("xx;q=oops").numbers
    (Locale('en', territory='CH'), Locale('en', territory='001'))
    """
    return _region(_first_known(accept_language[:LONGEST_HEADER]), currency)


@cache
def _region(name: str, currency: str) -> Region:
    numbers = Locale.parse(name, sep="-")
    if numbers.territory is None:
        likely = get_global("likely_subtags").get(numbers.language, "")
        territory = likely.rpartition("_")[2] or WORLD
    else:
        territory = numbers.territory
    try:
        dates = Locale("en", territory=territory)
    except UnknownLocaleError:
        dates = Locale("en", territory=WORLD)
    return Region(numbers, dates, currency)


def _first_known(accept_language: str) -> str:
    """Return the first language of a header that is known, the most wanted first."""
    wanted = []
    for place, part in enumerate(accept_language.split(",")[:MOST_LANGUAGES]):
        name, _, weight = part.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        wanted.append((-quality, place, name.strip()))
    for _, _, name in sorted(wanted):
        known = _known(name)
        if known is not None:
            return known
    return f"en-{WORLD}"


@cache
def _known(name: str) -> str | None:
    try:
        return str(Locale.parse(name, sep="-")).replace("_", "-")
    except (ValueError, TypeError, UnknownLocaleError):
        return None
