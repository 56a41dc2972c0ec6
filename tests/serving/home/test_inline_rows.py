"""Laws of inline rows: they become what ingestion would have stored, or they are refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import InputError
from features.ingest.load import ingest
from features.params import FeatureParams
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from serving.home.inline_rows import inline_rows

BORN, LATER = datetime(2025, 1, 1), datetime(2025, 1, 5)
CALL = {"lead_id": "a", "occurred_at": BORN, "type": "call"}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """An extract whose leads have an attribute of each type."""
    place = tmp_path_factory.mktemp("attributes")
    leads = {
        "lead_id": ["l1"],
        "created_at": [BORN],
        "industry": ["steel"],
        "employees": [12],
        "budget": [2.5],
        "is_partner": [True],
        "visited_at": [BORN],
    }
    activities = {"lead_id": ["l1"], "occurred_at": [BORN], "type": ["call"], "clicks": [3]}
    pq.write_table(pa.table(leads), place / "leads.parquet")
    pq.write_table(pa.table(activities), place / "activities.parquet")
    ingest(str(place), place / "home", FeatureParams(), data_until=datetime(2025, 2, 1))
    return Warehouse.duckdb(current(place / "home"))


def lead(**fields: Any) -> dict[str, Any]:
    """Return a lead of a request."""
    return {"lead_id": "a", "created_at": BORN, **fields}


def test_rows_have_every_column_of_the_data(warehouse: Warehouse) -> None:
    """What a request leaves out is empty, as if it had been ingested so."""
    rows = inline_rows(warehouse, [lead(employees=7)], [CALL])
    (stored,) = rows.leads
    assert set(stored) == set(warehouse["leads"].columns)
    filled = {name: value for name, value in stored.items() if value is not None}
    assert filled == lead(employees=7)
    (activity,) = rows.activities
    assert set(activity) == set(warehouse["activities"].columns)
    assert rows.ignored == ()


@pytest.mark.parametrize(
    ("clock", "known_at"),
    [({}, BORN), ({"known_at": None}, BORN), ({"known_at": LATER}, LATER)],
)
def test_an_activity_was_known_when_it_happened_unless_it_says_otherwise(
    warehouse: Warehouse, clock: dict[str, Any], known_at: datetime
) -> None:
    """A `known_at` that is empty or left out is the event's own time."""
    (activity,) = inline_rows(warehouse, [lead()], [CALL | clock]).activities
    assert activity["known_at"] == known_at


def test_the_rows_of_a_request_are_left_alone(warehouse: Warehouse) -> None:
    """Reading rows changes none of them."""
    leads, activities = [lead(industry="x")], [dict(CALL)]
    inline_rows(warehouse, leads, activities)
    assert (leads, activities) == ([lead(industry="x")], [CALL])


def test_keys_without_a_column_are_named(warehouse: Warehouse) -> None:
    """They have no effect, and each is named once; columns of the schema are never unknown."""
    rows = inline_rows(
        warehouse,
        [lead(mood=1, account_id="acc"), lead(lead_id="b", mood=2, zeal=3)],
        [CALL | {"mood": 1, "outcome": "no answer"}],
    )
    assert rows.ignored == ("activities.mood", "leads.mood", "leads.zeal")


@pytest.mark.parametrize(
    ("column", "value", "stored"),
    [
        ("industry", "steel", "steel"),
        ("industry", 2.50, "2.5"),
        ("industry", 1e20, "100000000000000000000"),
        ("industry", -7, "-7"),
        ("employees", 7, 7),
        ("employees", -(2**63) + 1, -(2**63) + 1),
        ("budget", 7, 7.0),
        ("budget", -0.5, -0.5),
        ("is_partner", False, False),
        ("visited_at", "2025-01-01T02:00:00+02:00", BORN),
        ("visited_at", BORN, BORN),
    ],
)
def test_a_value_is_read_as_its_column_does(
    warehouse: Warehouse, column: str, value: Any, stored: Any
) -> None:
    """Numbers in a column of texts are written without exponent; times become UTC."""
    (row,) = inline_rows(warehouse, [lead(**{column: value})], []).leads
    assert row[column] == stored
    assert type(row[column]) is type(stored)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("industry", True, "true; in the data this column holds texts"),
        ("employees", "many", '"many"; in the data this column holds whole numbers'),
        ("employees", 2.5, "2.5; in the data this column holds whole numbers"),
        ("employees", 2**63, f"{2**63}; in the data this column holds whole numbers"),
        ("budget", "2.5", '"2.5"; in the data this column holds numbers'),
        ("is_partner", 1, "1; in the data this column holds true or false"),
        ("visited_at", "soon", '"soon"; in the data this column holds times like 2025-03-31T'),
        ("visited_at", 17, "17; in the data this column holds times like 2025-03-31T14:05:00Z"),
    ],
)
def test_a_value_its_column_cannot_hold_is_refused(
    warehouse: Warehouse, column: str, value: Any, words: str
) -> None:
    """The error names the place, the value, and what would be right."""
    with pytest.raises(InputError) as caught:
        inline_rows(warehouse, [lead(), lead(lead_id="b", **{column: value})], [])
    assert f"'leads[1].{column}' is {words}" in str(caught.value)


def test_places_in_activities_are_named_as_well(warehouse: Warehouse) -> None:
    """An error in an activity says which one."""
    with pytest.raises(InputError, match=r"'activities\[1\]\.clicks' is \"few\""):
        inline_rows(warehouse, [lead()], [CALL, CALL | {"clicks": "few"}])


def test_no_rows_are_no_rows(warehouse: Warehouse) -> None:
    """A request without activities has none."""
    rows = inline_rows(warehouse, [lead()], [])
    assert rows.activities == []
