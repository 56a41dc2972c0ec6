"""Whatever an export looks like, it is read right, asked about, or refused in words."""

from __future__ import annotations

import csv
import io
import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from features.ingest.csv_rows import FAULT
from features.ingest.files import inspect_file
from features.ingest.match import match_table
from features.ingest.typed import read_typed
from features.params import IngestParams
from features.storage.engine import engine, rows
from features.tables import TABLES

FEW = settings(max_examples=12, deadline=None)
WESTERN = st.lists(
    st.sampled_from(
        ["Größe", "Müller", "Straße", "café", "señor", "François", "Århus", '"', ",", ";", "|", "x"]
    ),
    max_size=4,
).map("".join)
"""Texts whose encoding their letters tell; what makes no words may be of any (`latin_letters`)."""
WORDS = st.text(st.characters(codec="cp1252", exclude_categories=("Cc", "Zs", "Zl")), max_size=12)
AMOUNTS = st.floats(0, 1e7).map(lambda v: round(v, 2))
GROUPS = {"us": (",", "."), "de": (".", ","), "ch": ("'", "."), "fr": ("\u202f", ",")}
SIGNS = ("{}", "${}", "{} €", "EUR {}", "{} kr")


def tables_of(texts: st.SearchStrategy[str]) -> st.SearchStrategy[list[list[str]]]:
    """Return rows of three texts."""
    return st.lists(st.lists(texts, min_size=3, max_size=3), min_size=1, max_size=6)


def column(table: str, name: str, written: list[str], **params: object) -> tuple[list[object], str]:
    """Read one column of a table of texts; returns its values and what was said of it."""
    key = TABLES[table].key[0]
    needed = [c for c in TABLES[table].required if c not in (key, name)]
    text = io.StringIO()
    out = csv.writer(text)
    out.writerow([key, *needed, name])
    for i, value in enumerate(written):
        out.writerow([str(i), *["2025-01-01"] * len(needed), value])
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / f"{table}.csv"
        file.write_text(text.getvalue(), encoding="utf-8")
        backend = engine(0.5, 1, Path(place) / "spill")
        try:
            own = IngestParams(**params)  # type: ignore[arg-type]
            matched = match_table(TABLES[table], inspect_file(backend, file), own)
            plan, readings = read_typed(backend, matched, Path(place) / "staged", own)
            field = plan[name]
            sql = f"SELECT {field.value} FROM {plan.rows(field)} ORDER BY source_row"
            values = [value for (value,) in rows(backend, sql)]
        finally:
            backend.disconnect()
    return values, readings.columns[name].says if name in readings.columns else ""


@FEW
@given(
    st.lists(AMOUNTS, min_size=1, max_size=8),
    st.sampled_from(sorted(GROUPS)),
    st.sampled_from(SIGNS),
)
def test_an_amount_is_read_right_or_not_at_all(amounts: list[float], group: str, sign: str) -> None:
    """With marks of any country and a currency; with two decimals nothing is ambiguous."""
    thousands, decimal = GROUPS[group]
    plain = [f"{v:,.2f}".replace(",", "_").replace(".", decimal) for v in amounts]
    written = [sign.format(v.replace("_", thousands)) for v in plain]
    values, said = column("leads", "value", written)
    assert values == amounts
    assert said or all("," not in v and sign == "{}" for v in written)


@FEW
@given(st.lists(st.integers(1000, 999_999), min_size=1, max_size=8), st.sampled_from(",."))
def test_whole_amounts_with_marks_are_asked_about(amounts: list[int], mark: str) -> None:
    """$12,345 may be 12345 or 12.345: not read, and the option is named; with it, read right."""
    written = [f"${v:,}".replace(",", mark) for v in amounts]
    values, said = column("leads", "value", written)
    assert values == [None] * len(amounts)
    assert "features.ingest.decimal" in said
    other = "." if mark == "," else ","
    assert column("leads", "value", written, decimal=other)[0] == amounts


@FEW
@given(
    st.lists(st.dates(date(2020, 1, 1), date(2026, 12, 31)), min_size=1, max_size=10),
    st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%m-%d-%Y", "%Y-%m-%d", "%Y/%m/%d"]),
)
def test_a_date_is_read_right_or_asked_about(days: list[date], form: str) -> None:
    """Where one date tells the order, all are right; where none does, the option is named."""
    values, said = column("leads", "created_at", [day.strftime(form) for day in days])
    right = [datetime(day.year, day.month, day.day) for day in days]
    tells = form.startswith("%Y") or any(day.day > 12 for day in days)
    assert values == right or (not tells and "features.ingest.day_first" in said)
    first = form.startswith("%d")
    declared = column("leads", "created_at", [d.strftime(form) for d in days], day_first=first)
    assert declared[0] == right


@FEW
@given(
    st.lists(st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)), min_size=1, max_size=6),
    st.sampled_from([1, 1000, 1_000_000]),
)
def test_numbers_since_1970_are_read_in_their_unit(moments: list[datetime], unit: int) -> None:
    """Seconds, milliseconds and microseconds differ by more than the years that are believed."""
    whole = [moment.replace(microsecond=0) for moment in moments]
    numbers = [int((m - datetime(1970, 1, 1)) / timedelta(seconds=1)) * unit for m in whole]
    values, said = column("leads", "created_at", [str(n) for n in numbers])
    assert values == whole
    assert "since 1970" in said


@FEW
@given(
    st.one_of(
        st.tuples(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), tables_of(WORDS)),
        st.tuples(st.just("cp1252"), tables_of(WESTERN)),
    ),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_texts_come_back_from_any_file(
    written: tuple[str, list[list[str]]], delimiter: str, end: str, quoting: int
) -> None:
    """Letters, quotes and separators inside of texts survive encoding, separator and line end."""
    encoding, table = written
    text = io.StringIO()
    out = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    out.writerows([["lead_id", "note", "other"], *([f"r{i}", *r[1:]] for i, r in enumerate(table))])
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "leads.csv"
        file.write_bytes(text.getvalue().encode(encoding))
        backend = engine(0.5, 1, Path(place) / "spill")
        try:
            raw = inspect_file(backend, file)
            staged = pq.read_table(raw.stage(backend, Path(place) / "staged"))
        finally:
            backend.disconnect()
    assert [c.name for c in raw.columns] == ["lead_id", "note", "other"]
    assert FAULT not in staged.column_names or staged[FAULT].null_count == len(table)
    read = [[row[f"c{i}"] or "" for i in range(3)] for row in staged.to_pylist()]
    assert read == [[f"r{i}", *row[1:]] for i, row in enumerate(table)]
