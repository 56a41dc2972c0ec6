"""The periods of quotas, as SQL: a month or a quarter of a year, or a start with a length."""

from __future__ import annotations

from features.ingest.language.tables import Period
from features.storage.engine import text

_MONTHS = (
    "january jan januar janvier janv enero ene gennaio gen janeiro januari jänner",
    "february feb februar février fevrier févr fevr febrero febbraio fevereiro fev februari",
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
"""The names of the months, whole and short, in seven languages; none stands for two months."""
MONTH_NUMBERS = {name: i for i, names in enumerate(_MONTHS, 1) for name in names.split()}
_YEAR = r"\b([12]\d{3})\b"


def period_bounds(period: Period, parts: dict[str, str]) -> tuple[str, str]:
    """Return SQL of a period's first day and of the day after its last, as local moments.

    Args:
        period: how it is written.
        parts: SQL of the cleaned texts `month`, `quarter` and `year`, or of the moment `start`.

    Returns:
        Two columns of type TIMESTAMP; NULL where what is written is no period.
    """
    if period.start is not None:
        length = f"{period.months} MONTH" if period.months else f"{period.days} DAY"
        return parts["start"], f"{parts['start']} + INTERVAL {length}"
    year = f"regexp_extract({parts['year']}, {text(_YEAR)}, 1)"
    if period.month is not None:
        month, months = _month(parts["month"]), 1
    else:
        month, months = f"(3 * {_quarter(parts['quarter'])} - 2)", 3
    first = f"try_strptime({year} || '-' || lpad(CAST({month} AS VARCHAR), 2, '0'), '%Y-%m')"
    return first, f"{first} + INTERVAL {months} MONTH"


def _month(written: str) -> str:
    word = f"lower({_without_year(written)})"
    names = ", ".join(f"{text(name)}: {number}" for name, number in MONTH_NUMBERS.items())
    number = f"TRY_CAST(CASE WHEN regexp_full_match({word}, '[0-9]{{1,2}}(\\.0)?') THEN {word} END AS DOUBLE)"
    named = f"MAP {{{names}}}[rtrim({word}, '.')]"
    return f"coalesce({named}, CAST({number} AS INTEGER))"


def _quarter(written: str) -> str:
    found = f"regexp_extract({_without_year(written)}, '^[QqTtKk]?\\s*([1-4])(?:\\.0)?$', 1)"
    return f"TRY_CAST({found} AS INTEGER)"


def _without_year(written: str) -> str:
    """Return SQL of a text without its year and the signs around it: `March 2025` is March."""
    year = text(rf"\s*[-/.,]?\s*{_YEAR}\s*[-/.,]?\s*")
    return f"trim(regexp_replace({written}, {year}, ''))"
