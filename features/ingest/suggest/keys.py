"""Which column is the key of a table, and which columns refer to it: found by shared values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ibis.backends.duckdb import Backend

from features.ingest.suggest.profile import MOST_KEYS, ColumnLook, Kind, TableLook
from features.protected import folded
from features.storage.engine import ident, parquet, rows

LEAST_SHARED = 0.8
"""Share of a column's different values that must be keys of a table before it refers there."""
LEAST_VALUES = 2
"""Different values below which shared ones say nothing."""
SMALL_NUMBERS = 4
"""Digits up to which whole numbers are shared by chance."""
STYLES: Mapping[str, Callable[[str], str]] = {
    "": lambda text: text,
    "salesforce": lambda text: text[:15] if len(text) == 18 else text,  # noqa: PLR2004 - as long as its long ids
    "guid": lambda text: text.strip("{}").lower(),
}
"""Ways in which ids that mean the same differ, by how a mapping calls the cure."""
_OF_KEYS = frozenset(["id", "key", "nr", "no", "number", "nummer", "code", "guid", "uuid", "ident"])


@dataclass(frozen=True)
class Reference:
    """A column whose values are keys of another table.

    Attributes:
        table: its table.
        column: its name.
        to: the table it refers to.
        key: the key of that table.
        shared: share of its different values that are keys there.
        style: how both are to be written before they are equal (`IdStyle`); empty: they are.
    """

    table: str
    column: str
    to: str
    key: str
    shared: float
    style: str = ""


class _Held:
    """The values of a key, in each style in which they were asked for."""

    def __init__(self, values: frozenset[str]) -> None:
        self._styles = {"": values}

    def written(self, style: str) -> frozenset[str]:
        """Return the values in a style."""
        if style not in self._styles:
            self._styles[style] = frozenset(map(STYLES[style], self._styles[""]))
        return self._styles[style]


def find_keys(tables: Mapping[str, TableLook]) -> dict[str, ColumnLook]:
    """Return the likeliest key of each table that has one: unique, filled, and called like one."""
    keys = {}
    for name, table in tables.items():
        candidates = [c for c in table.columns.values() if _may_be_key(c)]
        if candidates:
            places = {c.name: place for place, c in enumerate(table.columns.values())}
            keys[name] = max(candidates, key=lambda c: (_is_called_key(c), -places[c.name]))
    return keys


def _may_be_key(column: ColumnLook) -> bool:
    is_whole = column.kind is Kind.NUMBER and all(v.isdigit() for v in column.values[:50])
    return column.is_unique and (column.kind in {Kind.TEXT, Kind.FLAG} or is_whole)


def _is_called_key(column: ColumnLook) -> bool:
    words = folded(column.name).split()
    return bool(_OF_KEYS & set(words)) or any(w.endswith(("id", "nr", "nummer")) for w in words)


def find_references(
    backend: Backend, tables: Mapping[str, TableLook], keys: Mapping[str, ColumnLook]
) -> list[Reference]:
    """Return every column whose values are nearly all keys of another table (or of its own)."""
    held = {name: _Held(_key_values(backend, tables[name], key)) for name, key in keys.items()}
    references = []
    for name, table in tables.items():
        for column in table.columns.values():
            if column.kind in {Kind.TIME, Kind.EMPTY} or len(column.distinct) < LEAST_VALUES:
                continue
            is_key = name in keys and keys[name].name == column.name
            found = _to(column, held, keys)
            references += [r for r in found if not is_key or r.to != name]
    return references


def _to(
    column: ColumnLook, held: Mapping[str, _Held], keys: Mapping[str, ColumnLook]
) -> Iterator[Reference]:
    for table, values in held.items():
        is_chance = all(v.isdigit() and len(v) <= SMALL_NUMBERS for v in column.distinct)
        is_called = bool(set(folded(column.name).split()) & set(folded(table).split()))
        if is_chance and not is_called:
            continue
        for style, write in STYLES.items():
            own = frozenset(map(write, column.distinct))
            shared = len(own & values.written(style)) / len(own)
            if shared >= LEAST_SHARED:
                yield Reference(column.table, column.name, table, keys[table].name, shared, style)
                break


def _key_values(backend: Backend, table: TableLook, key: ColumnLook) -> frozenset[str]:
    staged = table.staged_name(key.name)
    found = rows(
        backend,
        f"SELECT trim(CAST({ident(staged)} AS VARCHAR)) FROM {parquet(table.file)} "
        f"LIMIT {MOST_KEYS}",
    )
    return frozenset(str(value) for (value,) in found if value is not None)
