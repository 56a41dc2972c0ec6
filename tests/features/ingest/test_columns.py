"""Laws of reading one table: every column of the schema has a type, each value its own steps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ibis.backends.duckdb import Backend

from features.ingest.columns import Plan
from features.ingest.files import inspect_file
from features.ingest.language.tables import TableMapping
from features.ingest.match import match_table
from features.ingest.parsing import SQL_TYPES
from features.ingest.typed import read_typed
from features.params import IngestParams
from features.storage.engine import rows
from features.tables import TABLES

MakePlan = Callable[..., Plan]


def values(backend: Backend, plan: Plan, *names: str) -> list[tuple[Any, ...]]:
    """Read columns of the schema, in the source's order."""
    fields = [plan[name] for name in names]
    selected = ", ".join(field.value for field in fields)
    return rows(backend, f"SELECT {selected} FROM {plan.rows(*fields)} ORDER BY source_row")


def reps(backend: Backend, folder: Path, ids: pa.Array) -> Plan:
    """Make the plan of a parquet table of reps."""
    pq.write_table(pa.table({"rep_id": ids}), folder / "reps.parquet")
    raw = inspect_file(backend, folder / "reps.parquet")
    matched = match_table(TABLES["reps"], raw, IngestParams())
    return read_typed(backend, matched, folder / "staged", IngestParams())[0]


@pytest.mark.parametrize("table", TABLES)
def test_columns_that_are_not_there_are_empty_in_their_own_type(
    backend: Backend, plan_of: MakePlan, table: str
) -> None:
    """A table of its required columns alone has all the others, typed, without a value."""
    schema = TABLES[table]
    header = ",".join(schema.required)
    plan = plan_of(table, f"{header}\n{','.join('1' for _ in schema.required)}\n")
    assert [field.name for field in plan.fields] == [column.name for column in schema.columns]
    assert {field.name for field in plan.schema_fields()} == set(schema.required)
    for column in schema.columns:
        field = plan[column.name]
        ((kind,),) = rows(backend, f"SELECT typeof({field.value}) FROM {plan.rows(field)}")
        assert kind == SQL_TYPES[column.kind]
        if not column.required:
            assert values(backend, plan, column.name) == [(None,)]


def test_rows_keep_the_numbers_of_the_source(backend: Backend, plan_of: MakePlan) -> None:
    """Every row has its place in the file, from 0, the header not counted."""
    plan = plan_of("reps", "rep_id\n" + "".join(f"r{n}\n" for n in range(50)))
    field = plan["rep_id"]
    query = f"SELECT source_row, {field.value} FROM {plan.rows(field)} ORDER BY source_row"
    assert rows(backend, query) == [(n, f"r{n}") for n in range(50)]


def test_only_the_fields_asked_for_are_read(plan_of: MakePlan) -> None:
    """A query names no column beyond those it needs."""
    plan = plan_of("reps", "rep_id,name,team\nr,Ann,north\n")
    query = plan.rows(plan["rep_id"])
    assert plan["rep_id"].value in query
    assert plan["name"].value not in query


def test_each_step_is_seen_by_its_own_name(backend: Backend, plan_of: MakePlan) -> None:
    """What is written and what it means are told apart: empty, unreadable, and read."""
    plan = plan_of("leads", "lead_id,created_at,value\na,2025-01-01, 5 \nb,2025-01-01,x\nc,2025,\n")
    field = plan["value"]
    query = (
        f"SELECT {field.written}, {field.value}, {field.unreadable} FROM {plan.rows(field)} "
        "ORDER BY source_row"
    )
    assert rows(backend, query) == [("5", 5.0, False), ("x", None, True), (None, None, False)]


def test_an_entity_type_has_one_case(backend: Backend, plan_of: MakePlan) -> None:
    """`Lead` and `LEAD` mean lead; the words of other columns stay as they are."""
    content = "entity_type,entity_id,changed_at,field,value\nLEAD,L1,2025-01-01,Stage,Won\n"
    plan = plan_of("changes", content)
    assert values(backend, plan, "entity_type", "entity_id", "field", "value") == [
        ("lead", "L1", "Stage", "Won")
    ]


@pytest.mark.parametrize(
    ("ids", "read"),
    [
        (["7.0", "8.0", ""], ["7", "8", None]),
        (["7.0", "8.0", "9.0"], ["7", "8", "9"]),
        (["7.0", "A8", ""], ["7", "A8", None]),
        (["7.0", "8.5", "A8.0"], ["7", "8.5", "A8.0"]),
        (["7", "8", ""], ["7", "8", None]),
        (["", "", ""], [None, None, None]),
    ],
)
def test_ids_lose_the_point_that_pandas_adds(
    backend: Backend, plan_of: MakePlan, ids: list[str], read: list[str | None]
) -> None:
    """`7.0` in a CSV file is 7, whatever the column's other ids are: a later row may not matter."""
    content = "rep_id,manager_id\n" + "".join(f"r{i},{id_}\n" for i, id_ in enumerate(ids))
    plan = plan_of("reps", content)
    assert [value for (value,) in values(backend, plan, "manager_id")] == read


@pytest.mark.parametrize(
    ("ids", "read"),
    [
        (pa.array([7.0, None]), ["7", None]),
        (pa.array([2**53, 1], pa.int64()), ["9007199254740992", "1"]),
        (pa.array(["007", "7.0"]), ["007", "7.0"]),
        (pa.array([b"ab", None]), ["ab", None]),
    ],
)
def test_typed_ids_become_their_digits(
    backend: Backend, tmp_path: Path, ids: pa.Array, read: list[str | None]
) -> None:
    """Whatever type a file stores ids in, they are texts; texts are never turned into numbers."""
    plan = reps(backend, tmp_path, ids)
    assert [value for (value,) in values(backend, plan, "rep_id")] == read
    assert bool(plan["rep_id"].note) == pa.types.is_floating(ids.type)


def test_attributes_come_after_the_schema_in_the_order_of_the_file(plan_of: MakePlan) -> None:
    """A further column keeps its name and place; it has no meaning in the schema."""
    plan = plan_of("reps", "size,rep_id,Colour\n1,r,red\n")
    attributes = [field for field in plan.fields if field.column is None]
    assert [field.name for field in attributes] == ["size", "Colour"]
    assert plan.fields[-2:] == tuple(attributes)
    assert [field.place for field in plan.fields] == list(range(len(plan.fields)))


def test_a_mapping_declares_how_a_table_is_read(backend: Backend, plan_of: MakePlan) -> None:
    """Names, order of dates and zone are those of the mapping, for this table only."""
    mapping = TableMapping(
        columns={"lead_id": "Id", "created_at": "Born"}, day_first=True, timezone="Asia/Kolkata"
    )
    plan = plan_of("leads", "Id,Born\na,03/04/2025 12:00\n", mapping)
    assert values(backend, plan, "lead_id", "created_at") == [("a", datetime(2025, 4, 3, 6, 30))]
