"""Laws of the numbers about an extract: its end, its fingerprint, and what the verdict counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ibis.backends.duckdb import Backend

from features.ingest.extent import latest_event
from features.ingest.profile import counts, fingerprint

END = datetime(2025, 6, 1)
Columns = Mapping[str, list[Any]]


def files(folder: Path, **tables: Columns) -> dict[str, Path]:
    """Write accepted tables."""
    paths = {name: folder / f"{name}.parquet" for name in tables}
    for name, columns in tables.items():
        pq.write_table(pa.table(dict(columns)), paths[name])
    return paths


def leads(**columns: list[Any]) -> dict[str, list[Any]]:
    """Return three leads, some columns replaced."""
    return {
        "lead_id": ["a", "b", "c"],
        "created_at": [datetime(2025, 1, day) for day in (1, 2, 3)],
        "converted_at": [None, datetime(2025, 2, 1), None],
        "lost_at": [None, None, datetime(2025, 3, 1)],
        **columns,
    }


# The end of the data.


def test_the_latest_event_of_all_tables_ends_the_data(backend: Backend, tmp_path: Path) -> None:
    """Creations, ends, activities and changes are events, whichever comes last."""
    paths = files(
        tmp_path,
        leads=leads(),
        activities={"occurred_at": [datetime(2025, 3, 2)], "known_at": [datetime(2025, 3, 2)]},
        changes={"changed_at": [datetime(2025, 3, 3)]},
    )
    assert latest_event(backend, paths) == datetime(2025, 3, 3)
    del paths["changes"]
    assert latest_event(backend, paths) == datetime(2025, 3, 2)
    del paths["activities"]
    assert latest_event(backend, paths) == datetime(2025, 3, 1)


def test_plans_and_people_do_not_end_the_data(backend: Backend, tmp_path: Path) -> None:
    """Expected dates, quotas, hirings and departures say nothing of how far events are known."""
    late = [datetime(2030, 1, 1)]
    paths = files(
        tmp_path,
        reps={"rep_id": ["r"], "hired_at": late, "left_at": late},
        quotas={"period_start": late, "period_end": late, "known_at": late},
        deals={"created_at": [END], "closed_at": [None], "expected_close_at": late},
    )
    typed = pa.table({"created_at": [END], "closed_at": pa.array([None], pa.timestamp("us"))})
    pq.write_table(typed, paths["deals"])
    assert latest_event(backend, paths) == END


def test_without_an_event_there_is_no_end(backend: Backend, tmp_path: Path) -> None:
    """Tables without rows, or without events, leave it open."""
    clocks = ("occurred_at", "known_at")
    empty = pa.schema([(clock, pa.timestamp("us")) for clock in clocks]).empty_table()
    pq.write_table(empty, tmp_path / "activities.parquet")
    paths = {"activities": tmp_path / "activities.parquet"}
    assert latest_event(backend, paths) is None
    assert latest_event(backend, {}) is None


# The fingerprint.


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_rows_and_columns_does_not_show(
    backend: Backend, tmp_path: Path, seed: int
) -> None:
    """The same content has the same fingerprint, however it is laid out."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    columns = leads(size=[1.5, None, 2.5])
    order = rng.sample(range(3), 3)
    names = rng.sample(list(columns), len(columns))
    shuffled = {name: [columns[name][place] for place in order] for name in names}
    (tmp_path / "other").mkdir()
    here = files(tmp_path, leads=columns)
    there = files(tmp_path / "other", leads=shuffled)
    assert fingerprint(backend, here, END) == fingerprint(backend, there, END)


@pytest.mark.parametrize(
    "changed",
    [
        leads(lead_id=["a", "b", "d"]),
        leads(lost_at=[None, datetime(2025, 3, 1), None]),
        leads(size=[1, 2, 3]),
        {name: [*values, values[0]] for name, values in leads().items()},
        {name: [*values[:2], values[1]] for name, values in leads().items()},
        {name: values[:2] for name, values in leads().items()},
        {("Lost_at" if name == "lost_at" else name): values for name, values in leads().items()},
    ],
)
def test_every_change_of_content_shows(
    backend: Backend, tmp_path: Path, changed: dict[str, list[Any]]
) -> None:
    """A value, a place of a value, a column, a name, and a repeated or missing row all count."""
    (tmp_path / "other").mkdir()
    here = fingerprint(backend, files(tmp_path, leads=leads()), END)
    assert here != fingerprint(backend, files(tmp_path / "other", leads=changed), END)


def test_the_end_and_the_tables_are_part_of_the_fingerprint(
    backend: Backend, tmp_path: Path
) -> None:
    """The same rows up to another moment, or in another table, are other data."""
    paths = files(tmp_path, leads=leads())
    whole = fingerprint(backend, paths, END)
    assert fingerprint(backend, paths, END + timedelta(microseconds=1)) != whole
    assert fingerprint(backend, paths, None) != whole
    assert fingerprint(backend, {"deals": paths["leads"]}, END) != whole


# The counts.


def test_counts_are_those_of_a_plain_reading(backend: Backend, tmp_path: Path) -> None:
    """Leads old enough, won and closed deals, ended periods: each by its own rule."""
    old, young = END - timedelta(days=30), END - timedelta(days=30) + timedelta(microseconds=1)
    paths = files(
        tmp_path,
        leads={
            "created_at": [old, old, young, old],
            "converted_at": [None, END, None, None],
        },
        activities={"occurred_at": [END, END]},
        deals={
            "won": [True, True, False, None],
            "closed_at": [END, None, END, None],
        },
        quotas={
            "rep_id": ["r", "r", "s", "r"],
            "period_start": [datetime(2025, 1, 1)] * 3 + [datetime(2025, 4, 1)],
            "period_end": [END, END, END, END + timedelta(days=1)],
        },
    )
    counted = counts(backend, paths, END)
    assert counted.present == {"leads", "activities", "deals", "quotas"}
    assert (counted.leads, counted.converted, counted.unconverted) == (4, 1, 2)
    assert (counted.activities, counted.deals, counted.won) == (2, 4, 1)
    assert counted.periods == 2
    assert counted.data_until == END


def test_without_an_end_nothing_is_old_and_nothing_has_ended(
    backend: Backend, tmp_path: Path
) -> None:
    """Where no event says how far the data goes, no lead has had its time."""
    paths = files(
        tmp_path,
        leads={"created_at": [datetime(2025, 1, 1)], "converted_at": [END]},
        quotas={"rep_id": ["r"], "period_start": [END], "period_end": [END]},
    )
    counted = counts(backend, paths, None)
    assert (counted.leads, counted.unconverted, counted.periods) == (1, 0, 0)
    assert counts(backend, {}, None).leads == 0
