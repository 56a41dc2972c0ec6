"""An extract on an engine: cut at a moment, overlaid with rows from outside, kept for a while."""

from __future__ import annotations

import ibis
import pyarrow as pa
import pytest
from by_hand import MICRO, Opened, answer, day, deal, quota
from extract import change, lead, touch

from features.errors import TableError
from features.storage.engine import rows
from features.storage.warehouse import Warehouse
from features.tables import TABLES, ColumnKind


def test_every_table_is_there_with_its_columns(opened: Opened) -> None:
    """Those that the extract does not hold have no rows."""
    with opened(leads=[lead("x", day(1))]) as warehouse:
        for name, schema in TABLES.items():
            assert set(schema.by_name) <= set(warehouse[name].columns)
        assert answer(warehouse, warehouse["leads"], "lead_id") == ["x"]
        assert answer(warehouse, warehouse["deals"], "deal_id") == []
        assert warehouse.present == {"leads"}


def test_a_purpose_without_its_tables_is_refused(opened: Opened) -> None:
    """By the name of what is missing, beside what is there."""
    with opened(leads=[], activities=[]) as warehouse:
        warehouse.require("leads", "activities", purpose="lead scoring")
        with pytest.raises(
            TableError, match=r"quota risk needs the table 'deals', .*: it has activities, leads"
        ):
            warehouse.require("leads", "deals", purpose="quota risk")


def test_an_extract_cut_at_a_moment_is_the_one_made_then(opened: Opened) -> None:
    """Table by table: rows at or after the moment are gone, ends are emptied, known quotas stay."""
    tables = {
        "leads": [lead("x", day(1), converted_at=day(10)), lead("y", day(10))],
        "activities": [touch("x", day(10 - MICRO)), touch("x", day(2), known_at=day(10))],
        "deals": [deal("d", 1, 10 - MICRO), deal("e", 1, 10)],
        "changes": [change("x", day(3), "stage", "new"), change("x", day(10), "stage", "won")],
        "quotas": [quota("a", 10, 20), quota("b", 11, 20)],
        "reps": [{"rep_id": "a", "left_at": day(10)}],
    }
    with opened(**tables) as warehouse:
        past = warehouse.until(day(10))
        assert (past.data_until, past.cut_at) == (day(10), day(10))
        assert answer(past, past["leads"], "lead_id", "converted_at") == [("x", None)]
        assert answer(past, past["activities"], "occurred_at") == [day(10 - MICRO)]
        assert answer(past, past["deals"], "deal_id", "won") == [("d", True), ("e", None)]
        assert answer(past, past["changes"], "value") == ["new"]
        assert answer(past, past["quotas"], "rep_id") == ["a"]
        assert answer(past, past["reps"], "left_at") == [None]
        # Cut again, it never grows.
        assert past.until(day(500)).data_until == day(10)
        assert warehouse.cut_at is None


def test_rows_from_outside_take_the_place_of_those_of_the_same_lead(opened: Opened) -> None:
    """Their activities too; other leads, and activities of no lead, stay as they are."""
    leads = [lead("x", day(1), source="web"), lead("y", day(2))]
    touches = [touch("x", day(3)), touch("y", day(3)), {**touch("x", day(4)), "lead_id": None}]
    own = [{"lead_id": "x", "created_at": day(5), "colour": "red"}, lead("z", day(6))]
    work = [{**touch("x", day(7), "mail"), "known_at": day(7)}]
    with opened(leads=leads, activities=touches) as warehouse:
        laid = warehouse.overlay(own, work, "lead_id")
        columns = ("lead_id", "created_at", "source")
        assert answer(laid, laid["leads"], *columns) == [
            ("x", day(5), None),
            ("y", day(2), None),
            ("z", day(6), None),
        ]
        assert laid["leads"].columns == warehouse["leads"].columns
        assert answer(laid, laid["activities"], "lead_id", "type") == [
            (None, "call"),
            ("x", "mail"),
            ("y", "call"),
        ]
        assert len(answer(warehouse, warehouse["leads"], "lead_id")) == 2


def test_a_lead_from_outside_without_activities_has_none(opened: Opened) -> None:
    """The stored ones are not its own: the row says all."""
    with opened(leads=[lead("x", day(1))], activities=[touch("x", day(3))]) as warehouse:
        laid = warehouse.overlay([lead("x", day(1))], [], "lead_id")
        assert answer(laid, laid["activities"], "lead_id") == []


def test_further_columns_are_numbers_or_texts(opened: Opened) -> None:
    """Columns of the schema are not further ones; moments and lists are of no use to a model."""
    attributes = {
        "size": pa.int64(),
        "score": pa.float64(),
        "vip": pa.bool_(),
        "city": pa.string(),
        "seen_at": pa.timestamp("us"),
        "tags": pa.list_(pa.string()),
    }
    with opened(leads=[lead("x", day(1))], attributes={"leads": attributes}) as warehouse:
        assert warehouse.attributes("leads") == {
            "size": ColumnKind.NUMBER,
            "score": ColumnKind.NUMBER,
            "vip": ColumnKind.NUMBER,
            "city": ColumnKind.TEXT,
        }


def names_on(warehouse: Warehouse) -> set[str]:
    """Name the tables and views of an engine."""
    return {name for (name,) in rows(warehouse.backend, "SELECT table_name FROM duckdb_tables()")}


def test_kept_tables_are_computed_once_and_released(opened: Opened) -> None:
    """What is random stays the same while it is kept; afterwards nothing is left on the engine."""
    with opened(leads=[lead("x", day(1)), lead("y", day(2))]) as warehouse:
        before = names_on(warehouse)
        with warehouse.workspace() as work:
            kept = work.keep(work["leads"].select("lead_id", luck=ibis.random()))
            assert answer(work, kept, "lead_id", "luck") == answer(work, kept, "lead_id", "luck")
            assert names_on(warehouse) > before
        assert names_on(warehouse) == before
