"""Laws of the periods of quotas: every month by any of its names, and ends that are beginnings."""

from __future__ import annotations

import calendar
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend
from mapped import load, quarantined, rows, shaped

from features.ingest.language.tables import Period
from features.ingest.shaping.periods import MONTH_NUMBERS, period_bounds
from features.storage.engine import row, text

OTHERS = {
    "Januar": 1, "Jänner": 1, "février": 2, "März": 3, "mrt": 3, "avril": 4, "mei": 5, "maggio": 5,
    "juin": 6, "julho": 7, "août": 8, "agosto": 8, "setembro": 9, "oktober": 10, "ott": 10,
    "noviembre": 11, "Dez.": 12, "déc": 12,
}  # fmt: skip


def bounds(backend: Backend, period: Period, **written: str) -> tuple[Any, Any]:
    """Return the first day and the end of a period."""
    first, end = period_bounds(period, {name: text(value) for name, value in written.items()})
    return tuple(row(backend, f"SELECT CAST({first} AS TIMESTAMP), CAST({end} AS TIMESTAMP)"))  # type: ignore[return-value]


MONTHLY = Period(month="m", year="y")


@settings(max_examples=40, deadline=None)
@given(
    day=st.dates(date(1990, 1, 1), date(2060, 12, 31)),
    style=st.sampled_from(["{n}", "{n:02d}", "{name}", "{short}", "{short}.", "{lower}", "{n}.0"]),
)
def test_a_month_is_read_by_number_and_name(
    session_backend: Backend, day: date, style: str
) -> None:
    """It begins on its first day and ends where the next one begins."""
    name = calendar.month_name[day.month]
    month = style.format(n=day.month, name=name, short=name[:3], lower=name.lower())
    first, end = bounds(session_backend, MONTHLY, month=month, year=f"{day.year}")
    assert first == datetime(day.year, day.month, 1)
    assert end == datetime(day.year + day.month // 12, day.month % 12 + 1, 1)


@pytest.mark.parametrize(("name", "number"), OTHERS.items())
def test_months_have_names_in_seven_languages(backend: Backend, name: str, number: int) -> None:
    """Whole or short, with capital letters or without."""
    assert bounds(backend, MONTHLY, month=name.upper(), year="2025")[0].month == number


def test_no_name_stands_for_two_months() -> None:
    """Each month has its English name and its first three letters among its names."""
    for number in range(1, 13):
        name = calendar.month_name[number].lower()
        assert MONTH_NUMBERS[name] == MONTH_NUMBERS[name[:3]] == number
    assert set(MONTH_NUMBERS.values()) == set(range(1, 13))


@settings(max_examples=20, deadline=None)
@given(
    quarter=st.integers(1, 4),
    year=st.integers(1990, 2060),
    style=st.sampled_from(["Q{q}", "{q}", "q{q}", "Q {q}", "T{q}", "K{q}"]),
)
def test_a_quarter_has_three_months(
    session_backend: Backend, quarter: int, year: int, style: str
) -> None:
    """Its number stands alone or behind a letter, and the year beside it or in one with it."""
    period, written = Period(quarter="q", year="y"), style.format(q=quarter)
    first, end = bounds(session_backend, period, quarter=written, year=f"FY {year}")
    assert first == datetime(year, 3 * quarter - 2, 1)
    assert end == datetime(year + quarter // 4, 3 * quarter % 12 + 1, 1)
    both = f"{written} {year}"
    assert bounds(session_backend, period, quarter=both, year=both) == (first, end)


@pytest.mark.parametrize(
    ("month", "year"),
    [("13", "2025"), ("0", "2025"), ("Smarch", "2025"), ("3", "25"), ("", "2025")],
)
def test_what_is_no_month_is_not_read(backend: Backend, month: str, year: str) -> None:
    """Neither half of the period is guessed."""
    assert bounds(backend, MONTHLY, month=month, year=year) == (None, None)


def test_quotas_of_three_habits_stand_side_by_side(tmp_path: Path) -> None:
    """Months with names, last days instead of ends, and starts with a length; the rest is named."""
    mapping = """
quotas:
  union:
    - {table: monthly, period: {month: month, year: year}}
    - {table: until, columns: {period_start: first, period_end: {column: last, inclusive: true}}}
    - {table: starts, period: {start: {column: first, day_first: true}, months: 3}}
"""
    files = {
        "monthly": "rep_id,month,year,amount\na,Feb,2024,1\na,Smarch,2024,2\n",
        "until": "rep_id,first,last,amount\nb,2024-01-01,2024-02-29,3\n",
        "starts": "rep_id,first,amount\nc,01/10/2024,4\n",
    }
    report = load(tmp_path, mapping, files)
    assert report.tables["quotas"].read == 4
    found = {q["rep_id"]: (q["period_start"], q["period_end"]) for q in rows(tmp_path, "quotas")}
    assert found == {
        "a": (datetime(2024, 2, 1), datetime(2024, 3, 1)),
        "b": (datetime(2024, 1, 1), datetime(2024, 3, 1)),
        "c": (datetime(2024, 10, 1), datetime(2025, 1, 1)),
    }
    (row_aside,) = quarantined(tmp_path, "quotas")
    assert "Smarch 2024 (no period that can be read)" in row_aside["reason"]
    assert row_aside["row_in_source_table"] == "1"


def test_a_quotas_rate_is_that_of_its_period(backend: Backend, tmp_path: Path) -> None:
    """A target counts as known at the start of its period, unless it says when it was."""
    mapping = """
rates: {home: {table: fx, currency: code, valid_from: since, rate: rate, into: EUR}}
quotas:
  table: targets
  period: {month: month, year: "2025"}
  columns: {known_at: told, amount: {column: target, currency: {column: code, rates: home}}}
"""
    files = {
        "fx": "code,since,rate\nUSD,2024-01-01,0.5\nUSD,2025-03-01,0.25\n",
        "targets": "rep_id,month,told,target,code\na,3,,100,USD\nb,3,2025-02-01,100,USD\n",
    }
    amounts = [r["amount"] for r in shaped(backend, tmp_path, mapping, files, "quotas")]
    assert amounts == ["25.0", "50.0"]


def test_days_are_counted_from_the_start(session_backend: Backend) -> None:
    """A period of days ends that many days later."""
    period = Period(start={"column": "s"}, days=10)  # type: ignore[arg-type]
    first, end = period_bounds(period, {"start": "TIMESTAMP '2024-02-25 00:00:00'"})
    found = row(session_backend, f"SELECT {first}, {end}")
    assert found[1] - found[0] == timedelta(days=10)
