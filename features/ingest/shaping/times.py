"""Moments written in a source's own ways, as SQL: patterns, epochs, zones, last days of periods."""

from __future__ import annotations

from dataclasses import dataclass

from features.ingest import parsing
from features.ingest.language.columns import EPOCH_MS, EPOCH_S, EXCEL_DAYS, NUMBERED, ColumnShape
from features.storage.engine import text
from features.tables import ColumnKind

_PER_SECOND = {EPOCH_S: "1000000", EPOCH_MS: "1000"}
_ISO_DATE = r"\d{4}-\d{2}-\d{2}.*"


@dataclass(frozen=True)
class TimeWords:
    """How the texts of one column are read as moments.

    Attributes:
        formats: patterns to be tried in their order; empty: what parsing knows by itself.
        day_first: 03/04/2025 is the 3rd of April; None: nobody said, and it is not read.
        zone: the zone of times without one; None means UTC.
        inclusive: the moment is the last day of a period, whose end is the day after.
        reads_iso: ISO is read besides the patterns.
    """

    formats: tuple[str, ...] = ()
    day_first: bool | None = False
    zone: str | None = None
    inclusive: bool = False
    reads_iso: bool = True

    @classmethod
    def of(
        cls, shape: ColumnShape, texts: parsing.TextFormat, *, typed_cells: bool = False
    ) -> TimeWords:
        """Return the words of a column: its own, else those of its table.

        Args:
            shape: the column.
            texts: what counts for the table.
            typed_cells: the source is a workbook, whose cells with dates are staged as ISO.
        """
        return cls(
            shape.format,
            texts.day_first if shape.day_first is None else shape.day_first,
            shape.timezone or texts.zone,
            shape.inclusive,
            typed_cells or not any(pattern.startswith("%Y") for pattern in shape.format),
        )


def moment_of(cleaned: str, sql_type: str, words: TimeWords) -> str:
    """Return SQL of a cleaned value as a moment, UTC without zone; NULL where it is none."""
    texts = parsing.TextFormat(words.day_first, words.zone)
    if words.formats and (sql_type == "VARCHAR" or set(words.formats) & set(NUMBERED)):
        plain = cleaned if sql_type == "VARCHAR" else f"CAST({cleaned} AS VARCHAR)"
        ways = [_by_format(plain, pattern, words.zone) for pattern in words.formats]
        if words.reads_iso:
            is_iso = f"regexp_full_match({plain}, {text(_ISO_DATE)})"
            ways.append(f"CASE WHEN {is_iso} THEN {parsing.time_of_text(plain, texts)} END")
        moment = f"coalesce({', '.join(ways)})"
    else:
        moment = parsing.parse(ColumnKind.TIME, cleaned, sql_type, texts)
    if words.inclusive:
        moment = _day_after(moment, words.zone)
    return parsing.in_range(ColumnKind.TIME, f"({moment})")


def date_and_time(date: str, time: str) -> str:
    """Return SQL of a date and a time of day as one text; without a time it is the date alone.

    Dates of workbooks and databases may come with a midnight of their own, which is cut off.
    """
    is_midnight = f"regexp_full_match({date}, {text(r'.*[ T]00:00(:00(.0+)?)?')})"
    day = f"CASE WHEN {is_midnight} THEN regexp_replace({date}, '[ T]00:00.*$', '') ELSE {date} END"
    return f"CASE WHEN {date} IS NULL THEN NULL ELSE concat_ws(' ', {day}, {time}) END"


def written(moment: str, words: TimeWords) -> str:
    """Return SQL of a moment as the text that parsing reads back unchanged."""
    mark = " || 'Z'" if words.zone is not None else ""
    return f"strftime({moment}, '%Y-%m-%d %H:%M:%S.%f'){mark}"


def say_words(words: TimeWords) -> str:
    """Return what a time should look like, in words."""
    if words.formats:
        return f"not a time like {' or '.join(words.formats)}"
    if words.day_first is None:
        return "not a time that can be meant in one way only: say day_first or format"
    return f"not a time, {'day' if words.day_first else 'month'} first or ISO"


def _by_format(plain: str, pattern: str, zone: str | None) -> str:
    if pattern in _PER_SECOND:
        micros = f"TRY_CAST({plain} AS DECIMAL(24, 6)) * {_PER_SECOND[pattern]}"
        return _from_micros(plain, micros)
    if pattern == EXCEL_DAYS:
        days = f"(TRY_CAST({plain} AS DECIMAL(18, 12)) - 25569)"
        return _to_utc(_from_micros(plain, f"round({days} * 86400, 3) * 1000000"), zone)
    parsed = f"CAST(try_strptime({plain}, {text(pattern)}) AS TIMESTAMP)"
    if "%Y" in pattern:
        # The engine takes a year of two digits for one of the first century.
        parsed = f"CASE WHEN year({parsed}) >= 1000 THEN {parsed} END"
    return parsed if "%z" in pattern or "%Z" in pattern else _to_utc(parsed, zone)


def _from_micros(plain: str, micros: str) -> str:
    is_number = f"regexp_full_match({plain}, {text(r'-?[0-9]{1,14}([.][0-9]{1,9})?')})"
    return f"CASE WHEN {is_number} THEN make_timestamp(CAST(round({micros}) AS BIGINT)) END"


def _to_utc(naive: str, zone: str | None) -> str:
    return naive if zone is None else f"CAST(timezone({text(zone)}, {naive}) AS TIMESTAMP)"


def _day_after(moment: str, zone: str | None) -> str:
    """Return SQL of the midnight after a moment's day, on the clock of a zone."""
    if zone is None:
        return f"date_trunc('day', {moment}) + INTERVAL 1 DAY"
    local = f"timezone({text(zone)}, timezone('UTC', {moment}))"
    return _to_utc(f"(date_trunc('day', {local}) + INTERVAL 1 DAY)", zone)
