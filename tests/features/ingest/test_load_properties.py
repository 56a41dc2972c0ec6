"""Laws of ingestion on random dirty tables, and agreement with a slow reading in plain Python."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.ingest.load import ingest
from features.params import FeatureParams
from features.storage.catalog import current
from features.tables import TABLES

WORDS = [
    "", " ", "NULL", "nan", "a", "b", "7", "7.0", "007", "-1.5", "1,5", "1e400", "true", "no",
    "2025-01-01", "2025-01-02T03:04:05Z", "2025-01-01 00:00:00+05:00", "31/12/2025", "01/02/2025",
    "9999-12-31", "infinity", "'; DROP TABLE leads; --", 'q"uote', "line\nbreak", "é✓", "%s{x}",
]  # fmt: skip


@st.composite
def dirty(draw: st.DrawFn) -> tuple[str, list[str], list[list[str]]]:
    """Draw a table of the schema with all required columns and any values."""
    name = draw(st.sampled_from(sorted(TABLES)))
    columns = [column.name for column in TABLES[name].columns] + ["reason", "Odd Column"]
    kept = [c for c in columns if c in TABLES[name].required or draw(st.booleans())]
    row = st.lists(st.sampled_from(WORDS), min_size=len(kept), max_size=len(kept))
    return name, kept, draw(st.lists(row, max_size=12))


def as_csv(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table as CSV, every field quoted so that no line is blank."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue()


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(dirty(), st.none() | st.just(datetime(2025, 1, 1)))
def test_every_row_is_accepted_or_set_aside(
    table: tuple[str, list[str], list[list[str]]], data_until: datetime | None
) -> None:
    """Whatever a table holds, each row is either in the warehouse or in quarantine, with words."""
    name, columns, rows = table
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / f"{name}.csv").write_text(as_csv(columns, rows), encoding="utf-8", newline="")
        report = ingest(str(home), home, FeatureParams(), data_until=data_until)
        counts = report.tables[name]
        assert counts.read == len(rows) == counts.accepted + counts.quarantined
        accepted = pq.read_table(current(home).path / f"{name}.parquet").to_pylist()
        assert len(accepted) == counts.accepted
        for row in accepted:
            assert all(row[column] is not None for column in TABLES[name].required)
        for key in TABLES[name].key[:1] if len(TABLES[name].key) == 1 else ():
            keys = [row[key] for row in accepted if row[key] is not None]
            assert len(keys) == len(set(keys))
        file = home / "data" / "quarantine" / f"{name}.parquet"
        turned = pq.read_table(file).to_pylist() if file.exists() else []
        assert len(turned) == len({row["source_row"] for row in turned}) == counts.quarantined
        for row in turned:
            assert row["reason"]
            assert all(
                (row[column] or "") == original or column == "reason"
                for column, original in zip(columns, rows[row["source_row"]], strict=True)
            )


def overlaps(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Tell whether two different periods share a day."""
    return one != other and one[0] < other[1] and other[0] < one[1]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.sampled_from("xy"),
            st.integers(1, 9),
            st.integers(1, 9),
            st.none() | st.integers(1, 9),
        ),
        max_size=20,
    )
)
def test_quotas_agree_with_a_plain_reading(
    quotas: list[tuple[str, int, int, int | None]],
) -> None:
    """Of two quotas that exclude each other the one known first is kept, as a plain loop finds."""
    kept: list[int] = []

    def first_known(i: int) -> tuple[int, int, int]:
        _, start, _, known = quotas[i]
        return known or start, start, i

    for i in sorted(range(len(quotas)), key=first_known):
        rep, start, end, known = quotas[i]
        mine = [quotas[k] for k in kept if quotas[k][0] == rep]
        is_repeated = any((q[1], q[3] or q[1]) == (start, known or start) for q in mine)
        is_inside = any(overlaps((q[1], q[2]), (start, end)) for q in mine)
        if start < end and not is_repeated and not is_inside:
            kept.append(i)
    rows = [
        [rep, f"2025-01-0{start}", f"2025-01-0{end}", str(i), f"2025-01-0{known}" if known else ""]
        for i, (rep, start, end, known) in enumerate(quotas)
    ]
    head = ["rep_id", "period_start", "period_end", "amount", "known_at"]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "quotas.csv").write_text(as_csv(head, rows), encoding="utf-8")
        ingest(str(home), home, FeatureParams())
        amounts = pq.read_table(current(home).path / "quotas.parquet")["amount"].to_pylist()
    assert sorted(amounts) == sorted(kept)
