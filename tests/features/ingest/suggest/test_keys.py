"""Keys and references are found by values, and not where numbers agree by chance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
from ibis.backends.duckdb import Backend

from features.ingest.files import folder
from features.ingest.suggest.keys import Reference, find_keys, find_references
from features.ingest.suggest.profile import TableLook, look_at_source
from features.storage.engine import engine

Found = tuple[Mapping[str, str], list[Reference]]


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    """An engine of its own."""
    return engine(0.5, 1, tmp_path / "spill")


def found(backend: Backend, path: Path, tables: Mapping[str, Mapping[str, object]]) -> Found:
    """Find keys and references of a folder of tables."""
    path.mkdir(exist_ok=True)
    for name, columns in tables.items():
        pd.DataFrame(columns).to_csv(path / f"{name}.csv", index=False)
    looks: dict[str, TableLook]
    looks, problems = look_at_source(backend, folder(path), path)
    assert problems == []
    keys = find_keys(looks)
    return {name: key.name for name, key in keys.items()}, find_references(backend, looks, keys)


PEOPLE = {"Nummer": [f"P{n:03}" for n in range(40)], "Name": [f"Name {n}" for n in range(40)]}


def test_a_column_refers_where_its_values_are_keys(backend: Backend, tmp_path: Path) -> None:
    """Whatever it is called; a few unknown ids do not hide it."""
    owners = [f"P{n % 20:03}" for n in range(99)] + ["nobody"]
    orders = {"Auftragsnr": [f"A{n}" for n in range(100)], "wer": owners}
    keys, references = found(backend, tmp_path, {"people": PEOPLE, "orders": orders})
    assert keys == {"people": "Nummer", "orders": "Auftragsnr"}
    assert [(r.column, r.to, r.key) for r in references] == [("wer", "people", "Nummer")]
    assert references[0].shared == pytest.approx(20 / 21)


def test_a_table_may_refer_to_itself(backend: Backend, tmp_path: Path) -> None:
    """Managers are reps."""
    people = {**PEOPLE, "Chef": ["P000", "P001"] * 20}
    _, references = found(backend, tmp_path, {"people": people})
    assert [(r.column, r.to) for r in references] == [("Chef", "people")]


def test_small_numbers_agree_by_chance(backend: Backend, tmp_path: Path) -> None:
    """Counts from 1 to 5 are no ids of a table with as many rows, unless named like it."""
    teams = {"id": [1, 2, 3, 4, 5], "label": list("abcde")}
    rows = {"key": [f"K{n}" for n in range(50)], "calls": [1 + n % 5 for n in range(50)]}
    _, references = found(backend, tmp_path / "a", {"teams": teams, "rows": rows})
    assert references == []
    named = {"key": rows["key"], "teams id": rows["calls"]}
    _, references = found(backend, tmp_path / "b", {"teams": teams, "rows": named})
    assert [r.column for r in references] == ["teams id"]


def test_a_repeated_or_empty_column_is_no_key(backend: Backend, tmp_path: Path) -> None:
    """Nor is one of moments; the column called like a key is taken before others."""
    table = {
        "text": [f"text {n}" for n in range(30)],
        "Record ID": [f"R{n}" for n in range(30)],
        "often": ["x"] * 30,
        "at": [f"2025-01-{1 + n:02}" for n in range(30)],
        "partly": [f"q{n}" if n % 2 else None for n in range(30)],
    }
    keys, _ = found(backend, tmp_path, {"t": table})
    assert keys == {"t": "Record ID"}
    keys, _ = found(backend, tmp_path / "b", {"t": {"at": table["at"], "often": table["often"]}})
    assert keys == {}
