"""The periods of quotas, as SQL: a month or a quarter of a year, or a start with a length."""

from __future__ import annotations

from dataclasses import dataclass, replace

from features.ingest.language.tables import Period
from features.ingest.months import MONTH_NUMBERS
from features.ingest.parsing import TextFormat
from features.ingest.shaping.columns_in_use import ColumnsInUse, InUse
from features.ingest.shaping.times import TimeWords, moment_of, written
from features.storage.engine import text

_YEAR = r"\b([12]\d{3})\b"


PERIOD_START, PERIOD_END = "period_start", "period_end"
"""The columns of ours that a period fills."""


@dataclass(frozen=True)
class PeriodMade:
    """A period and the source columns it is made of.

    Attributes:
        period: how it is written.
        columns: the columns `month`, `quarter`, `year` or `start`, by these names.
        year: the year itself, where the mapping gives it.
        words: how its start is read.
        zone: the zone whose days it begins and ends with; None means UTC.
    """

    period: Period
    columns: dict[str, InUse]
    year: str | None
    words: TimeWords
    zone: str | None

    def bounds(self) -> tuple[str, str]:
        """Return SQL of its first moment and of its end, UTC; NULL where it cannot be read."""
        parts = {name: used.text for name, used in self.columns.items()}
        if self.year is not None:
            parts["year"] = text(self.year)
        if self.period.start is not None:
            start = moment_of(parts["start"], "VARCHAR", self.words)
            parts["start"] = f"CAST({start} AS TIMESTAMP)"
        bounds = period_bounds(self.period, parts)
        first, end = (f"CAST({bound} AS TIMESTAMP)" for bound in bounds)
        if self.zone is None:
            return first, end
        local = f"CAST(timezone({text(self.zone)}, {{}}) AS TIMESTAMP)"
        return local.format(first), local.format(end)

    def formed(self) -> tuple[str, str]:
        """Return SQL of `period_start` and `period_end` as texts, with a word why where unread."""
        found = ", ".join(used.text for used in self.columns.values())
        said = f"nullif(concat_ws(' ', {found}), '') || ' (no period that can be read)'"
        words = TimeWords(zone=self.zone)
        first, end = (f"coalesce({written(bound, words)}, {said})" for bound in self.bounds())
        return first, end


def find_period(period: Period, columns: ColumnsInUse, key: str, texts: TextFormat) -> PeriodMade:
    """Find the columns of a period.

    Args:
        period: how it is written.
        columns: finds columns.
        key: where the mapping speaks of it.
        texts: how times without words of their own are read.

    Raises:
        MappingError: there is no such column.
    """
    is_year = period.year is not None and len(period.year) == len("2025") and period.year.isdigit()
    named = {
        "month": period.month,
        "quarter": period.quarter,
        "year": None if is_year else period.year,
        "start": None if period.start is None else period.start.column,
    }
    used = {part: columns.use(name, None, key) for part, name in named.items() if name is not None}
    shape, year = period.start, period.year if is_year else None
    words = TimeWords() if shape is None else TimeWords.of(shape, TextFormat(texts.day_first))
    zone = (None if shape is None else shape.timezone) or texts.zone
    return PeriodMade(period, used, year, replace(words, zone=None), zone)


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
        month, months = _month(parts["month"]), period.months or 1
    else:
        month, months = f"(3 * {_quarter(parts['quarter'])} - 2)", 3
    first = f"try_strptime({year} || '-' || lpad(CAST({month} AS VARCHAR), 2, '0'), '%Y-%m')"
    return first, f"{first} + INTERVAL {months} MONTH"


def _month(written: str) -> str:
    word = f"lower({_without_year(written)})"
    names = ", ".join(f"{text(name)}: {number}" for name, number in MONTH_NUMBERS.items())
    is_number = f"regexp_full_match({word}, '[0-9]{{1,2}}(\\.0)?')"
    number = f"CASE WHEN {is_number} THEN CAST(TRY_CAST({word} AS DOUBLE) AS INTEGER) END"
    return f"coalesce(MAP {{{names}}}[rtrim({word}, '.')], {number})"


def _quarter(written: str) -> str:
    found = f"regexp_extract({_without_year(written)}, '^[QqTtKk]?\\s*([1-4])(?:\\.0)?$', 1)"
    return f"TRY_CAST({found} AS INTEGER)"


def _without_year(written: str) -> str:
    """Return SQL of a text without its year and the signs around it: `March 2025` is March."""
    year = text(rf"\s*[-/.,]?\s*{_YEAR}\s*[-/.,]?\s*")
    return f"trim(regexp_replace({written}, {year}, ''))"
