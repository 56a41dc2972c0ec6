"""Ingest lays down what extracts tell of the past: all of it in `changes`, nothing beside it."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from engines import Engine
from extract import Extract
from histories import Case, random_case
from looks import tried_on
from pasts import ENTITIES, Pasts, read
from sales_histories import sales_case

from features.storage.warehouse import Warehouse


def cases(rng: Random) -> tuple[Case, Case]:
    """Draw a company of leads, and one that sells."""
    return random_case(rng), sales_case(rng)


def rows_of(warehouse: Warehouse, table: str) -> list[dict[str, Any]]:
    """Fetch a table of a warehouse."""
    return list(warehouse.arrow(warehouse[table]).to_pylist())


def told(pasts: Pasts) -> Counter[tuple[Any, ...]]:
    """Every value of every field of the entities that there are, in the oracle's words."""
    return Counter(
        (kind, entity_id, name, row.changed_at, row.known_at, read(row.value))
        for kind, name in pasts.complete
        for entity_id in pasts.entities(kind)
        for row in pasts.rows(kind, entity_id, name)
    )


@tried_on(17, 29, 44)
def test_the_past_of_every_field_is_laid_down_as_changes(duckdb: Engine, rng: Random) -> None:
    """Values at creation stand beside later ones, and which pasts are complete is written down."""
    for case in cases(rng):
        pasts = case.extract.pasts()
        with duckdb.open(case.extract) as warehouse:
            changes = rows_of(warehouse, "changes")
            found = {(h.entity_type, h.field): h.complete for h in warehouse.histories}
            counts = {(h.entity_type, h.field): h.entities for h in warehouse.histories}
        assert found == pasts.complete
        assert counts == {field: len(ids) for field, ids in pasts.ids.items()}
        laid_down = Counter(
            (
                *(r[c] for c in ("entity_type", "entity_id", "field", "changed_at", "known_at")),
                read(r["value"]),
            )
            for r in changes
            if r["entity_id"] in pasts.entities(r["entity_type"])
        )
        assert laid_down == told(pasts)


@tried_on(17, 29, 44)
def test_columns_with_a_history_are_empty_and_others_stay(duckdb: Engine, rng: Random) -> None:
    """No reader can come by the end of a story through a column; what has no history is as read."""
    for case in cases(rng):
        accepted = case.extract.accepted()
        pasts = accepted.pasts()
        with duckdb.open(case.extract) as warehouse:
            for kind, (table, key, _) in ENTITIES.items():
                found = {row[key]: row for row in rows_of(warehouse, table)}
                assert len(found) == len(accepted.rows(table))
                for row in accepted.rows(table):
                    told = {name: own(pasts, kind, row, name) for name in row}
                    assert {name: found[row[key]][name] for name in row} == told


def own(pasts: Pasts, kind: str, row: Any, name: str) -> Any:
    """Tell what a column of the warehouse should hold."""
    return None if pasts.has_history(kind, name) else row[name]


@tried_on(17, 29, 44)
def test_an_uncut_extract_is_laid_down_like_one_made_then(duckdb: Engine, rng: Random) -> None:
    """Declared to end at T, a whole extract gives the warehouse of the extract made at T."""
    for case in cases(rng):
        moment = rng.choice(case.cutoffs)
        uncut = Extract(case.extract.tables, moment, case.extract.attributes)
        with duckdb.open(uncut) as warehouse:
            found, histories = contents(warehouse), warehouse.histories
        with duckdb.open(case.extract.cut(moment)) as warehouse:
            assert warehouse.histories == histories
            made_then = contents(warehouse)
        for table, rows in found.items():
            assert rows == made_then[table], table


def contents(warehouse: Warehouse) -> dict[str, Counter[str]]:
    """Every table's rows, in no order; of `changes` what readers use."""
    return {
        table: Counter(
            repr(sorted((n, v) for n, v in row.items() if n != "old_value"))
            for row in rows_of(warehouse, table)
        )
        for table in warehouse.tables
    }
