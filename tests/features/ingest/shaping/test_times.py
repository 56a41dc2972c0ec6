"""Laws of moments in a source's own ways: read in their zone, or not read at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend
from mapped import shaped, values

from features.ingest.shaping.times import TimeWords, date_and_time, moment_of, written
from features.storage.engine import row, text

PATTERNS = [
    "%d.%m.%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%Y%m%d%H%M%S",
    "%d-%b-%Y %H:%M:%S",
    "%A, %d %B %Y %H:%M:%S",
    "%y/%m/%d %H:%M:%S",
]
ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"]
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0)
)


def read(backend: Backend, value: str, words: TimeWords) -> datetime | None:
    """Read one moment."""
    sql = moment_of("v", "VARCHAR", words)
    query = f"SELECT CAST({sql} AS TIMESTAMP) FROM (SELECT {text(value)} AS v)"
    moment: datetime | None = row(backend, query)[0]
    return moment


@settings(max_examples=60, deadline=None)
@given(moment=MOMENTS, pattern=st.sampled_from(PATTERNS), name=st.sampled_from(ZONES))
def test_a_pattern_reads_what_it_wrote(
    session_backend: Backend, moment: datetime, pattern: str, name: str
) -> None:
    """The clock of the zone that is named is turned into UTC, summer and winter."""
    zone = ZoneInfo(name)
    local = moment.replace(tzinfo=UTC).astimezone(zone)
    assume(local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset())
    value = local.strftime(pattern)
    assert read(session_backend, value, TimeWords((pattern,), zone=name)) == moment


@settings(max_examples=40, deadline=None)
@given(moment=MOMENTS)
def test_epochs_count_from_1970(session_backend: Backend, moment: datetime) -> None:
    """Seconds and milliseconds since 1970 are the same moment; a zone has no say."""
    seconds = int((moment - datetime(1970, 1, 1)).total_seconds())
    berlin = "Europe/Berlin"
    assert read(session_backend, f"{seconds}", TimeWords(("epoch_s",), zone=berlin)) == moment
    assert read(session_backend, f"{seconds}000", TimeWords(("epoch_ms",))) == moment
    days = (moment - datetime(1899, 12, 30)) / timedelta(days=1)
    assert read(session_backend, f"{days:.9f}", TimeWords(("excel_days",))) == moment


@settings(max_examples=40, deadline=None)
@given(moment=MOMENTS)
def test_day_and_month_are_not_guessed(session_backend: Backend, moment: datetime) -> None:
    """Where nobody said which stands first, only a date that fits one order is read."""
    value = moment.strftime("%d/%m/%Y")
    midnight = moment.replace(hour=0, minute=0, second=0)
    is_clear = moment.day > 12 or moment.day == moment.month
    found = read(session_backend, value, TimeWords(day_first=None))
    assert found == (midnight if is_clear else None)
    assert read(session_backend, value, TimeWords(day_first=True)) == midnight


@settings(max_examples=40, deadline=None)
@given(moment=MOMENTS, name=st.sampled_from(ZONES))
def test_a_last_day_ends_at_the_midnight_after_it(
    session_backend: Backend, moment: datetime, name: str
) -> None:
    """The day is that of the zone, and may have 23 or 25 hours."""
    day = moment.replace(hour=0, minute=0, second=0)
    after = (day + timedelta(days=1)).replace(tzinfo=ZoneInfo(name)).astimezone(UTC)
    words = TimeWords(inclusive=True, zone=name)
    assert read(session_backend, f"{day:%Y-%m-%d}", words) == after.replace(tzinfo=None)


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        ("31/12/2025 9", "%d/%m/%Y"),
        ("12-2025", "%d-%m-%Y"),
        ("today", "epoch_ms"),
        ("1e9", "epoch_s"),
    ],
)
def test_what_does_not_fit_is_not_read(backend: Backend, value: str, pattern: str) -> None:
    """A pattern fits the whole text or not at all."""
    assert read(backend, value, TimeWords((pattern,))) is None


def test_of_several_patterns_the_first_that_fits_counts(backend: Backend) -> None:
    """ISO is read besides, unless a pattern of its own kind is named."""
    words = TimeWords(("%d.%m.%Y", "%d.%m.%y"))
    assert read(backend, "05.03.2025", words) == datetime(2025, 3, 5)
    assert read(backend, "05.03.25", words) == datetime(2025, 3, 5)
    assert read(backend, "2025-03-05T10:00:00+02:00", words) == datetime(2025, 3, 5, 8)
    swapped = TimeWords(("%Y-%d-%m",), reads_iso=False)
    assert read(backend, "2025-03-05", swapped) == datetime(2025, 5, 3)
    assert read(backend, "2025-03-31", swapped) is None


@pytest.mark.parametrize(
    ("date", "time", "joined"),
    [
        ("31.03.2025", "14:05", "31.03.2025 14:05"),
        ("2025-03-31 00:00:00", "14:05:09", "2025-03-31 14:05:09"),
        ("2025-03-31", None, "2025-03-31"),
        (None, "14:05", None),
    ],
)
def test_a_date_and_a_time_are_one_moment(
    backend: Backend, date: str | None, time: str | None, joined: str | None
) -> None:
    """The midnight that a workbook adds to a date gives way to the time; no date, no moment."""
    quoted = ["NULL::VARCHAR" if v is None else text(v) for v in (date, time)]
    query = f"SELECT {date_and_time('d', 't')} FROM (SELECT {quoted[0]} AS d, {quoted[1]} AS t)"
    assert row(backend, query)[0] == joined


def test_a_moment_is_written_so_that_parsing_reads_it_back(backend: Backend) -> None:
    """With a zone it says UTC; without one it says nothing."""
    moment = "TIMESTAMP '2025-03-31 14:05:00.000001'"
    assert row(backend, f"SELECT {written(moment, TimeWords(zone='UTC'))}")[0].endswith("000001Z")
    assert row(backend, f"SELECT {written(moment, TimeWords())}")[0].endswith("000001")


def test_each_column_and_part_may_have_a_zone_of_its_own(backend: Backend, tmp_path: Path) -> None:
    """A column's zone comes before its part's, and that before its table's."""
    mapping = """
leads:
  timezone: Europe/Berlin
  union:
    - {table: a, timezone: America/New_York,
       columns: {lost_at: {column: lost_at, timezone: Asia/Kolkata}}}
    - {table: b, columns: {lost_at: {column: lost_at, day_first: true}}}
"""
    header = "lead_id,created_at,lost_at\n"
    files = {
        "a": f"{header}x,2025-01-01 12:00,2025-01-02 12:00\n",
        "b": f"{header}y,2025-01-01 12:00,02/01/2025 12:00\n",
    }
    staged: list[dict[str, Any]] = shaped(backend, tmp_path, mapping, files, "leads")
    assert values(staged, "created_at") == ["2025-01-01 17:00:00.000000Z", "2025-01-01 12:00"]
    assert values(staged, "lost_at") == [
        "2025-01-02 06:30:00.000000Z",
        "2025-01-02 11:00:00.000000Z",
    ]


def test_an_unreadable_value_keeps_its_words_and_says_why(backend: Backend, tmp_path: Path) -> None:
    """What cannot be read is neither emptied nor guessed here, so that it is counted later."""
    mapping = """
leads:
  table: a
  columns:
    created_at: {column: created_at, format: "%d.%m.%Y"}
    value: {column: value, number: {decimal: ","}}
"""
    files = {"a": "lead_id,created_at,value\nx,03/04/2025,12.5\n"}
    (lead,) = shaped(backend, tmp_path, mapping, files, "leads")
    assert lead["created_at"] == "03/04/2025 (not a time like %d.%m.%Y)"
    assert lead["value"].startswith('12.5 (not a number with "," before decimals')
