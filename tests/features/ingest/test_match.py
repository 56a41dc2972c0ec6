"""Laws of finding our tables and columns: exact names first, then any case, never a guess."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from ibis.backends.duckdb import Backend

from features.errors import MappingError, TableError
from features.ingest.files import RawColumn, RawTable, Source
from features.ingest.language.tables import TableMapping
from features.ingest.mapping import Mappings
from features.ingest.match import Matched, match, match_table
from features.params import IngestParams
from features.tables import TABLES

PARAMS = IngestParams()
SEEDS = range(5)


def raw(*names: str, where: str = "leads.csv") -> RawTable:
    """Return a table of text columns that nobody will read."""

    def stage(_backend: Backend, path: Path) -> Path:
        return path

    columns = tuple(RawColumn(name, f"c{i}") for i, name in enumerate(names))
    return RawTable(where, "write it again", columns, stage)


def source(**tables: tuple[str, ...]) -> Source:
    """Return a source of such tables."""

    def table(_backend: Backend, name: str) -> RawTable:
        return raw(*tables[name], where=f"table {name}")

    return Source("the source", tuple(tables), table)


def mappings(**tables: TableMapping) -> Mappings:
    """Return mappings; tables that are not named have an empty one."""
    return Mappings("map.yaml", {name: tables.get(name, TableMapping()) for name in TABLES})


def leads(*names: str, mapping: TableMapping | None = None) -> Matched:
    """Match columns with those of leads."""
    return match_table(TABLES["leads"], raw(*names), PARAMS, mapping)


# Columns.


def test_an_exact_name_wins_over_the_same_in_another_case() -> None:
    """With both there, the exact one is the column; the other is an attribute under a new name."""
    matched = leads("LEAD_ID", "lead_id", "created_at")
    assert matched.columns["lead_id"].staged == "c1"
    assert {name: column.staged for name, column in matched.attributes.items()} == {
        "LEAD_ID_2": "c0"
    }
    assert matched.notes == ()


def test_without_an_exact_name_any_case_is_taken_and_noted() -> None:
    """One column whose name differs only in case is ours, and the report says so."""
    matched = leads("Lead_ID", "CREATED_AT", "value")
    assert {name: column.name for name, column in matched.columns.items()} == {
        "lead_id": "Lead_ID",
        "created_at": "CREATED_AT",
        "value": "value",
    }
    assert matched.notes == (
        "lead_id: read from 'Lead_ID'",
        "created_at: read from 'CREATED_AT'",
    )


def test_two_names_that_differ_only_in_case_are_an_error() -> None:
    """Which of them is meant is not guessed."""
    with pytest.raises(TableError, match=r"leads\.csv: column 'lead_id' exists 2 times; keep one"):
        leads("Lead_id", "LEAD_ID", "created_at")


def test_a_mapped_column_is_taken_whatever_else_has_our_name() -> None:
    """What a mapping names is ours; a column that has our name by chance is an attribute."""
    matched = leads("Id", "lead_id", "created_at", mapping=TableMapping(columns={"lead_id": "Id"}))
    assert matched.columns["lead_id"].name == "Id"
    assert [column.name for column in matched.attributes.values()] == ["lead_id"]
    assert matched.notes == ()


@pytest.mark.parametrize(
    ("mapping", "remedy"),
    [
        (None, "add it, or rename the column that holds it"),
        (TableMapping(), "add it, or map the column that holds it in a --mapping file"),
    ],
)
def test_a_missing_column_is_named_with_what_can_be_done(
    mapping: TableMapping | None, remedy: str
) -> None:
    """The error lists the columns there are, and offers a mapping only where one can be given."""
    with pytest.raises(TableError) as raised:
        leads("lead_id", "created", mapping=mapping)
    assert str(raised.value) == (
        f"leads.csv: table 'leads' needs the column 'created_at': found lead_id, created; {remedy}"
    )


def test_a_table_without_columns_says_so() -> None:
    """Nothing at all is worth a word of its own."""
    with pytest.raises(TableError, match="found no column at all"):
        leads()


@pytest.mark.parametrize("seed", SEEDS)
def test_every_column_has_one_place_and_no_two_names_differ_only_in_case(seed: int) -> None:
    """Each column of the source is ours, an attribute, or dropped, and all names are unique."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    pool = ["Size", "size", "SIZE", "size_2", "value_2", "", "x", "X", "column_3"]
    names = ["lead_id", "created_at", "Source", *rng.choices(pool, k=8)]
    drop = tuple(name for name in rng.choices(names[2:], k=2) if name)
    matched = leads(*names, mapping=TableMapping(drop=drop))
    columns = [*matched.columns.values(), *matched.attributes.values()]
    staged = [column.staged for column in columns]
    assert len(staged) == len(set(staged))
    dropped = [i for i in range(len(names)) if f"c{i}" not in staged]
    assert all(names[i].lower() in {name.lower() for name in drop} for i in dropped)
    taken = [*TABLES["leads"].by_name, *matched.attributes]
    assert len(taken) == len({name.lower() for name in taken})
    assert "" not in taken


def test_a_dropped_column_may_not_be_required() -> None:
    """Dropping what a table needs is the same as not having it."""
    with pytest.raises(TableError, match="needs the column 'created_at': found lead_id"):
        leads("lead_id", "created_at", mapping=TableMapping(drop=("CREATED_AT",)))


@pytest.mark.parametrize("declared", [None, True, False])
def test_a_mapping_that_is_silent_leaves_the_order_of_dates_to_the_settings(
    declared: bool | None,  # noqa: FBT001 - a case of the table
) -> None:
    """What a mapping declares wins; what it leaves out is as params.yaml says."""
    mapping = TableMapping(day_first=declared, timezone="Europe/Amsterdam")
    table = raw("lead_id", "created_at")
    for usual in (True, False):
        params = IngestParams(day_first=usual)
        texts = match_table(TABLES["leads"], table, params, mapping).texts
        assert texts.day_first == (usual if declared is None else declared)
        assert texts.zone == "Europe/Amsterdam"


# Tables.


def test_tables_are_found_by_name_in_any_case(backend: Backend) -> None:
    """Tables that are not ours are left alone, and ours keep the schema's order."""
    found = match(
        backend,
        source(Reps=("rep_id",), leads=("lead_id", "created_at"), weather=("day",)),
        mappings(),
        PARAMS,
    )
    assert [matched.table.name for matched in found] == ["leads", "reps"]
    assert found[1].notes == ("read from 'Reps'",)


def test_a_mapped_table_is_read_under_our_name(backend: Backend) -> None:
    """A mapping finds the table; without one, a table of another name is not ours."""
    tables = source(sf_lead=("Id", "created_at"))
    with pytest.raises(TableError, match=r"the source holds none of the tables leads, .*found sf_"):
        match(backend, tables, mappings(), PARAMS)
    mapping = TableMapping(table="sf_lead", columns={"lead_id": "Id"})
    (matched,) = match(backend, tables, mappings(leads=mapping), PARAMS)
    assert (matched.table.name, matched.raw.where) == ("leads", "table sf_lead")


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        (TableMapping(table="x"), "map.yaml: leads.table: the source has no table 'x': found lead"),
        (
            TableMapping(columns={"value": "Worth"}),
            "map.yaml: leads.columns.value: table leads has no column 'Worth': found lead_id",
        ),
        (TableMapping(drop=("Mail",)), "map.yaml: leads.drop: table leads has no column 'Mail'"),
    ],
)
def test_a_mapping_of_what_is_not_there_is_an_error(
    backend: Backend, mapping: TableMapping, says: str
) -> None:
    """It names the file, the key, what was looked for and what there is."""
    tables = source(leads=("lead_id", "created_at"))
    with pytest.raises(MappingError) as raised:
        match(backend, tables, mappings(leads=mapping), PARAMS)
    assert str(raised.value).startswith(says)


def test_a_mapped_table_may_not_be_absent(backend: Backend) -> None:
    """Columns that are mapped are wanted: their table must be there under our name at least."""
    tables = source(reps=("rep_id",))
    mapping = TableMapping(columns={"lead_id": "Id"})
    with pytest.raises(MappingError, match="has no table 'leads': found reps"):
        match(backend, tables, mappings(leads=mapping), PARAMS)


def test_a_table_in_two_cases_is_an_error(backend: Backend) -> None:
    """Which of two tables is meant is not guessed, unless one has the exact name."""
    columns = ("lead_id", "created_at")
    with pytest.raises(TableError, match="table 'leads' exists as Leads and LEADS; keep one"):
        match(backend, source(Leads=columns, LEADS=columns), mappings(), PARAMS)
    (matched,) = match(backend, source(LEADS=columns, leads=columns), mappings(), PARAMS)
    assert matched.raw.where == "table leads"
