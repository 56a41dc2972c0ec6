"""Laws of rejection: a row keeps all its reasons, and the first of two rivals is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ibis.backends.duckdb import Backend

from features.ingest.columns import Plan
from features.ingest.extent import Extent
from features.ingest.language.tables import TableMapping
from features.ingest.load import ingest
from features.ingest.quarantine import mark_faulty, reasons, reject, write_quarantine
from features.params import FeatureParams
from features.storage.engine import rows

MakePlan = Callable[..., Plan]
SEEDS = range(4)


def rejected(backend: Backend, plan: Plan, until: datetime | None = None) -> dict[int, list[str]]:
    """Return the kinds of faults of each rejected row, by its place."""
    name = reject(backend, plan, Extent(until))
    faults: dict[int, list[str]] = {}
    for row, kind in rows(backend, f"SELECT source_row, kind FROM {name} ORDER BY 1, rule"):
        faults.setdefault(row, []).append(kind)
    return faults


def test_the_first_row_without_faults_keeps_a_key(backend: Backend, plan_of: MakePlan) -> None:
    """A faulty row takes no key; a row without a key repeats nothing."""
    content = (
        "activity_id,occurred_at,type\n"
        "a,2025-01-01,call\n"
        "b,soon,call\n"
        "b,2025-01-01,call\n"
        "a,2025-01-01,call\n"
        "a,,call\n"
        ",2025-01-01,call\n"
        ",2025-01-01,call\n"
    )
    assert rejected(backend, plan_of("activities", content)) == {
        1: ["occurred_at cannot be read"],
        3: ["activity_id is repeated"],
        4: ["occurred_at is empty"],
    }


def test_keys_that_are_only_faulty_are_kept_by_nobody(backend: Backend, plan_of: MakePlan) -> None:
    """Rows that are rejected anyway do not count as repetitions of each other."""
    plan = plan_of("leads", "lead_id,created_at\na,soon\na,later\n")
    assert rejected(backend, plan) == {
        0: ["created_at cannot be read"],
        1: ["created_at cannot be read"],
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_repetition_agrees_with_a_plain_reading(
    backend: Backend, plan_of: MakePlan, seed: int
) -> None:
    """Among many keys and faults, those rows are kept that a dictionary would keep."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    table = [
        (rng.choice(["a", "b", "c", "d", "", " a "]), rng.choice(["2025-01-01", "soon"]))
        for _ in range(60)
    ]
    kept: dict[str, int] = {}
    for place, (key, moment) in enumerate(table):
        if key and moment != "soon":
            kept.setdefault(key.strip(), place)
    content = "lead_id,created_at\n" + "".join(f"{key},{moment}\n" for key, moment in table)
    faults = rejected(backend, plan_of("leads", content))
    assert set(range(60)) - set(faults) == set(kept.values())


def test_quotas_exclude_each_other_in_the_order_of_the_file(
    backend: Backend, plan_of: MakePlan
) -> None:
    """Revisions are kept, repetitions and overlaps are not; ends are exclusive; reps are apart."""
    content = (
        "rep_id,period_start,period_end,amount,known_at\n"
        "r,2025-01-01,2025-04-01,1,2025-01-01\n"
        "r,2025-01-01,2025-04-01,2,2025-02-01\n"
        "r,2025-01-01,2025-04-01,3,2025-02-01\n"
        "r,2025-02-01,2025-05-01,4,2025-01-01\n"
        "r,2025-04-01,2025-07-01,5,2025-04-01\n"
        "s,2025-02-01,2025-05-01,6,2025-01-01\n"
        "r,2024-12-01,2025-01-01,7,\n"
        "r,2024-12-31,2025-08-01,8,\n"
    )
    plan = plan_of("quotas", content)
    assert rejected(backend, plan) == {
        2: ["quota is repeated"],
        3: ["period overlaps another"],
        7: ["period overlaps another"],
    }


def test_an_end_may_come_at_the_beginning_but_not_before(
    backend: Backend, plan_of: MakePlan
) -> None:
    """A lead converted at its creation is possible; a quota needs some time between."""
    leads = plan_of(
        "leads",
        "lead_id,created_at,converted_at,lost_at\n"
        "a,2025-01-02,2025-01-02,\nb,2025-01-02,2025-01-01,2025-01-01\n",
    )
    assert rejected(backend, leads) == {
        1: ["converted_at lies before created_at", "lost_at lies before created_at"]
    }
    quotas = plan_of("quotas", "rep_id,period_start,period_end,amount\nr,2025-01-01,2025-01-01,5\n")
    assert rejected(backend, quotas) == {0: ["period_end does not lie after period_start"]}


def test_events_after_the_declared_end_are_rejected(backend: Backend, plan_of: MakePlan) -> None:
    """A declared end rules out what would have happened after it; without one nothing is late."""
    content = "occurred_at,type\n2025-01-01,call\n2025-03-01,call\n"
    assert rejected(backend, plan_of("activities", content), datetime(2025, 2, 1)) == {
        1: ["occurred_at at or after the declared --data-until"]
    }


def test_without_a_declared_end_nothing_is_late(backend: Backend, plan_of: MakePlan) -> None:
    """Dates to come may be planned."""
    assert rejected(backend, plan_of("activities", "occurred_at,type\n2205-01-01,call\n")) == {}


def test_a_quarantined_row_keeps_all_it_held_and_all_its_reasons(
    backend: Backend, plan_of: MakePlan, tmp_path: Path
) -> None:
    """Columns of the schema, attributes and columns called like ours are all in the file."""
    content = (
        "lead_id,created_at,Industry,reason,source_row\n"
        "a,2025-01-01,food,why,9\n"
        ",soon,retail,because,8\n"
    )
    plan = plan_of("leads", content)
    name = reject(backend, plan, Extent())
    write_quarantine(backend, plan, name, tmp_path / "aside.parquet")
    (row,) = pq.read_table(tmp_path / "aside.parquet").to_pylist()
    assert row == {
        "source_row": 1,
        "reason": "lead_id is empty; created_at 'soon' cannot be read as a time like "
        "2025-03-31T14:05:00Z",
        "lead_id": None,
        "created_at": "soon",
        "Industry": "retail",
        "reason_original": "because",
        "source_row_original": "8",
    }
    assert reasons(backend, name) == {"created_at cannot be read": 1, "lead_id is empty": 1}


def test_a_parquet_column_called_like_ours_is_kept(tmp_path: Path) -> None:
    """Files keep their own names while they are read, so that `reason` is there twice."""
    (tmp_path / "source").mkdir()
    leads = {"lead_id": ["a", None], "created_at": ["2025-01-01"] * 2, "reason": ["x", "because"]}
    pq.write_table(pa.table(leads), tmp_path / "source" / "leads.parquet")
    ingest(str(tmp_path / "source"), tmp_path, FeatureParams())
    (aside,) = pq.read_table(tmp_path / "data" / "quarantine" / "leads.parquet").to_pylist()
    assert (aside["reason"], aside["reason_original"]) == ("lead_id is empty", "because")


def test_a_dropped_column_is_not_quarantined(
    backend: Backend, plan_of: MakePlan, tmp_path: Path
) -> None:
    """What a mapping drops is nowhere, not even among the rejected rows."""
    content = "lead_id,created_at,Email\n,2025-01-01,x@y.example\n"
    plan = plan_of("leads", content, TableMapping(drop=("Email",)))
    write_quarantine(backend, plan, reject(backend, plan, Extent()), tmp_path / "aside.parquet")
    assert pq.read_schema(tmp_path / "aside.parquet").names == [
        "source_row", "reason", "lead_id", "created_at",
    ]  # fmt: skip


def test_faults_beside_other_rows_come_last(backend: Backend, plan_of: MakePlan) -> None:
    """Marked rows join the rejected ones; a row's own faults are named first."""
    plan = plan_of("leads", "lead_id,created_at\na,soon\nb,2025-01-01\nc,2025-01-01\n")
    name = reject(backend, plan, Extent())
    mark_faulty(backend, name, [(0, "odd", "it's odd"), (2, "odd", "it is odd")])
    mark_faulty(backend, name, [])
    query = f"SELECT source_row, kind FROM {name} ORDER BY source_row, rule"
    assert rows(backend, query) == [
        (0, "created_at cannot be read"), (0, "odd"), (2, "odd"),
    ]  # fmt: skip
    assert reasons(backend, name) == {"created_at cannot be read": 1, "odd": 2}
