"""Moments as people and programs write them, other than ISO, as SQL without a zone."""

from __future__ import annotations

from features.ingest.months import MONTH_NUMBERS
from features.storage.engine import text

LOCAL = r"\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})(,? .*)?"
"""Dates in numbers, the day or the month first."""
SHORT_YEAR = r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{2})(,? .*)?"
"""Of these, dates whose year has two digits; the numbers are its first three groups."""
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %I %p")
_WEEKDAY = r"^(?:\p{L}+\.?,? )?"
_MONTH = r"(\p{L}{3,10})\.?"
_CLOCK = r"(?:,? (?:at |um |à )?(\d.*))?$"
_NAMED = {
    "dmyc": rf"{_WEEKDAY}(\d{{1,2}})(?:st|nd|rd|th|er|º|\.)?[-/ ]*(?:de )?{_MONTH}"
    rf"[-/, ]+(?:de )?(\d{{4}}|\d{{2}}){_CLOCK}",
    "mdyc": rf"{_WEEKDAY}{_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}}){_CLOCK}",
}
"""Dates with the name of a month, by what their groups hold: day, month, year and clock."""
_ISO_NOON = r"\d{4}[-/]\d{1,2}[-/]\d{1,2},? \d{1,2}:\d{2}(:\d{2})? ?[AaPp][Mm]"
_DIGITS = r"(19|20)\d{6}(\d{6})?"


def local_time(cleaned: str, day_first: bool | None) -> str:  # noqa: FBT001 - as in `TextFormat`
    """Read a date in numbers; None for the order reads only what fits one of both.

    A year of two digits is one between 1969 and 2068.
    """
    slashed = f"translate({cleaned}, '.-,', '//')"
    days, months = (_in_order(slashed, order) for order in ("%d/%m", "%m/%d"))
    if day_first is None:
        is_clear = f"{days} IS NULL OR {months} IS NULL OR {days} = {months}"
        return f"CASE WHEN {is_clear} THEN coalesce({days}, {months}) END"
    return days if day_first else months


def unmistakable_time(cleaned: str) -> str:
    """Read what can be meant in one way only, beside ISO; NULL where it is nothing of the kind.

    30-Mar-2025 01:30, Mar 30, 2025 1:30 AM, 30. März 2025     the name of a month
    2025-03-30 1:30 AM                                         ISO with half days
    20250330, 20250330013000                                   ISO without signs
    """
    noon = f"translate({cleaned}, '/,', '-')"
    halves = ["%Y-%m-%d %I:%M %p", "%Y-%m-%d %I:%M:%S %p"]
    named = ", ".join(_named(cleaned, groups) for groups in _NAMED)
    return (
        f"CASE WHEN regexp_full_match({cleaned}, {text(_DIGITS)}) "
        f"THEN try_strptime({cleaned}, ['%Y%m%d', '%Y%m%d%H%M%S']) "
        f"WHEN regexp_full_match({cleaned}, {text(_ISO_NOON)}) "
        f"THEN try_strptime({noon}, {halves}) ELSE coalesce({named}) END"
    )


def _in_order(slashed: str, order: str) -> str:
    """Read a date in one order, with a year of four digits or of two."""
    long, short = (
        f"try_strptime({slashed}, {[f'{order}/{year}{clock}' for clock in _CLOCKS]})"
        for year in ("%Y", "%y")
    )
    # The engine takes a year of two digits for one of the first century.
    return f"CASE WHEN year({long}) >= 1000 THEN {long} ELSE {short} END"


def _named(cleaned: str, groups: str) -> str:
    names = ", ".join(f"{text(name)}: {number}" for name, number in MONTH_NUMBERS.items())
    date = f"p.d || '/' || MAP {{{names}}}[lower(p.m)] || '/' || p.y"
    clocked = f"concat_ws(' ', {date}, nullif(p.c, ''))"
    parts = f"regexp_extract({cleaned}, {text(_NAMED[groups])}, {list(groups)})"
    return f"list_transform([{parts}], lambda p: {_in_order(clocked, '%d/%m')})[1]"
