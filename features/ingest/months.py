"""The names of the months in the languages that exports are written in, and columns named so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_MONTHS = (
    "january jan januar janvier janv enero ene gennaio gen janeiro januari jänner",
    "february feb februar février fevrier févr fevr fév fev febrero febbraio fevereiro februari",
    "march mar märz maerz mär mars marzo março marco maart mrt mrz",
    "april apr avril avr abril abr aprile",
    "may mai mayo maggio mag maio mei",
    "june jun juni juin junio giugno giu junho",
    "july jul juli juillet juil julio luglio lug julho",
    "august aug août aout agosto ago augustus",
    "september sep sept septembre septiembre settembre set setembro",
    "october oct oktober okt octobre octubre ottobre ott outubro out",
    "november nov novembre noviembre novembro",
    "december dec dezember dez décembre decembre déc diciembre dic dicembre dezembro",
)
MONTH_NUMBERS = {name: i for i, names in enumerate(_MONTHS, 1) for name in names.split()}
"""Names of months, whole and short, in seven languages, in small letters; none means two."""

_MONTH, _QUARTER = "month", "quarter"
_YEAR = r"(?P<year>(?:19|20)\d\d|\d\d)"
_BETWEEN = r"[-/. _']*"
_FORMS = tuple(
    re.compile(form)
    for form in (
        # A workbook's date, such as 2025-01-01 00:00:00, is the month that begins with it.
        r"(?P<year>(?:19|20)\d\d)[-/. m]*(?P<month>0?[1-9]|1[0-2])(?:-01(?:[ t][0:]+)?)?",
        r"(?P<month>0?[1-9]|1[0-2])[-/. ](?P<year>(?:19|20)\d\d)",
        rf"(?P<name>[^\W\d_]+)\.?{_BETWEEN}{_YEAR}",
        r"(?P<year>(?:19|20)\d\d)[-/. _']*(?P<name>[^\W\d_]+)\.?",
        rf"[qtk] ?(?P<quarter>[1-4]){_BETWEEN}{_YEAR}",
        r"(?P<year>(?:19|20)\d\d)[-/. _']*[qtk] ?(?P<quarter>[1-4])",
        r"(?P<name>[^\W\d_]+)\.?",
        r"[q] ?(?P<quarter>[1-4])",
    )
)
_ABOUT = re.compile(
    r"\b(quotas?|targets?|goals?|plan|budget|ziele?|soll|vorgabe|objectif|objetivo|obiettivo)\b"
)
_FEWEST, _FEWEST_WITHOUT_YEAR = 2, 3


@dataclass(frozen=True)
class PeriodName:
    """A month or a quarter that a column is named after.

    Attributes:
        name: the column.
        part: "month" or "quarter".
        says: 2025-01 or 2025-Q1; without a year only the month's name or Q1.
        has_year: it says the year.
    """

    name: str
    part: str
    says: str
    has_year: bool


def period_name(name: str) -> PeriodName | None:
    """Return the month or quarter that a column is named after: "Jan 2025", "2025-01", "Q1/25"."""
    plain = " ".join(_ABOUT.sub(" ", name.lower()).split())
    for form in _FORMS:
        found = form.fullmatch(plain)
        if found is None:
            continue
        parts = found.groupdict()
        year = parts.get("year") or ""
        year = f"20{year}" if len(year) == len("25") else year
        if parts.get("quarter"):
            says = f"Q{parts['quarter']}"
            return PeriodName(name, _QUARTER, f"{year}-{says}" if year else says, bool(year))
        month = MONTH_NUMBERS.get(parts.get("name") or "") or int(parts.get("month") or 0)
        if month:
            says = f"{year}-{month:02}" if year else plain
            return PeriodName(name, _MONTH, says, bool(year))
    return None


def columns_by_period(names: Sequence[str]) -> tuple[PeriodName, ...]:
    """Return the columns of a table that hold one period each; empty where it has none such.

    Months count where a table has months and quarters, which are their sums.
    """
    found = [period for name in names if (period := period_name(name)) is not None]
    for part in (_MONTH, _QUARTER):
        for has_year, fewest in ((True, _FEWEST), (False, _FEWEST_WITHOUT_YEAR)):
            same = [p for p in found if p.part == part and p.has_year == has_year]
            if len(same) >= fewest:
                return tuple(same)
    return ()
