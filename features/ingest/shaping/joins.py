"""Rows of one table beside the rows they meet in others, as SQL; no row ever becomes several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from features.errors import MappingError
from features.ingest.files import RawTable
from features.ingest.language.columns import Condition, IdStyle
from features.ingest.language.tables import Join
from features.ingest.parsing import TextFormat
from features.ingest.shaping.columns_in_use import ColumnsInUse, InUse
from features.ingest.shaping.reader import Reader
from features.ingest.shaping.times import TimeWords, moment_of
from features.ingest.shaping.values import holds, styled_id
from features.storage.engine import parquet, rows

OWN_MOMENT = "own_moment"
"""The column with a row's own moment, once it has been worked out."""


@dataclass(frozen=True)
class Joined:
    """A join and the columns it needs.

    Attributes:
        name: of the join.
        key: where the mapping speaks of it.
        join: what it says.
        raw: the joined table.
        pairs: columns of this side and of the joined one that must be equal.
        known_at: the joined column with the moment since when a row was known.
        first_by: the joined column whose lowest value counts.
        guards: joined columns that must hold something for a row to be met.
    """

    name: str
    key: str
    join: Join
    raw: RawTable
    pairs: tuple[tuple[InUse, InUse], ...]
    known_at: InUse | None
    first_by: InUse | None
    guards: tuple[tuple[InUse, Condition], ...] = ()


def find_joins(key: str, joins: Mapping[str, Join], columns: ColumnsInUse) -> tuple[Joined, ...]:
    """Find the columns of all joins, in the order in which the mapping has them.

    Raises:
        MappingError: there is no such column, or a join goes through one that stands below it.
    """
    found: list[Joined] = []
    for name, join in joins.items():
        place = f"{key}.joins.{name}"
        if join.through is not None and join.through not in [other.name for other in found]:
            says = f"there is no join '{join.through}' above it to go through"
            raise columns.reader.problem(place, says)
        pairs = tuple(
            (columns.use(ours, join.through, place), columns.use(theirs, name, place))
            for ours, theirs in join.keys.items()
        )
        known_at = join.known_at and columns.use(str(join.known_at.column), name, place)
        first_by = join.first_by and columns.use(join.first_by, name, place)
        raw = columns.tables[name]
        guards = tuple(_guards(columns, name, join, f"{place}.where"))
        found.append(
            Joined(name, place, join, raw, pairs, known_at or None, first_by or None, guards)
        )
    return tuple(found)


def _guards(
    columns: ColumnsInUse, name: str, join: Join, key: str
) -> Iterator[tuple[InUse, Condition]]:
    """Find the columns that a join's conditions are about; these are the joined table's own."""
    for column, asked in join.where.items():
        if asked.join is not None:
            says = f"it asks the joined table's own columns; '{column}' is to be of '{asked.join}'"
            raise columns.reader.problem(key, says)
        yield columns.use(column, name, key), asked


def is_dated(joined: Joined, joins: Mapping[str, Join]) -> bool:
    """Return whether what a join brings depends on the row's own moment."""
    name: str | None = joined.name
    while name is not None:
        if joins[name].known_at is not None:
            return True
        name = joins[name].through
    return False


def joined_rows(
    before: str, joined: Joined, columns: ColumnsInUse, texts: TextFormat, ids: IdStyle
) -> str:
    """Return SQL of the rows before, each beside the row that it meets in a joined table.

    Args:
        before: the name of a query.
        joined: the join.
        columns: the columns that are needed.
        texts: how times without words of their own are read.
        ids: how keys are made to look the same.

    Raises:
        MappingError: a row could meet several.
        SourceError: the joined table cannot be read.
    """
    keyed = _keyed(joined, columns, texts, ids)
    keys = [f"key_{i}" for i in range(len(joined.pairs))]
    if joined.first_by is None:
        _refuse_several(columns.reader, joined, keyed, keys)
    else:
        by = joined.first_by.text
        keyed += (
            f" QUALIFY row_number() OVER (PARTITION BY {', '.join(keys)} "
            f"ORDER BY TRY_CAST({by} AS DOUBLE) NULLS LAST, {by}, joined_row) = 1"
        )
    brought = [name for used in columns.of(joined.name) for name in (used.raw, used.text)]
    conditions = [
        f"{styled_id(f'b.{ours.text}', ids)} = j.{key}"
        for (ours, _), key in zip(joined.pairs, keys, strict=True)
    ]
    kind = "LEFT JOIN"
    if joined.known_at is not None:
        kind = "ASOF LEFT JOIN"
        conditions.append(f"b.{OWN_MOMENT} >= j.since")
    return (
        f"SELECT b.*, {', '.join(f'j.{name}' for name in brought)} FROM {before} b "
        f"{kind} ({keyed}) j ON {' AND '.join(conditions)}"
    )


def _keyed(joined: Joined, columns: ColumnsInUse, texts: TextFormat, ids: IdStyle) -> str:
    """Return SQL of a joined table's rows whose key is filled, and whose moment is known."""
    selected = ", ".join(columns.selected(joined.name))
    staged = parquet(columns.reader.file(joined.raw))
    keys = [
        f"{styled_id(theirs.text, ids)} AS key_{i}" for i, (_, theirs) in enumerate(joined.pairs)
    ]
    needed = [f"{theirs.text} IS NOT NULL" for _, theirs in joined.pairs]
    needed += [holds(used.text, asked) for used, asked in joined.guards]
    if joined.known_at is not None and joined.join.known_at is not None:
        typed = joined.raw.has_typed_cells
        words = TimeWords.of(joined.join.known_at, texts, typed_cells=typed)
        since = moment_of(joined.known_at.text, "VARCHAR", words)
        keys.append(f"CAST({since} AS TIMESTAMP) AS since")
        needed.append(f"({since}) IS NOT NULL")
    return (
        f"SELECT *, {', '.join(keys)} FROM (SELECT {selected}, file_row_number AS joined_row "
        f"FROM {staged}) WHERE {' AND '.join(needed)}"
    )


def _refuse_several(reader: Reader, joined: Joined, keyed: str, keys: list[str]) -> None:
    """Refuse a join by a key that its table holds more than once."""
    by = [*keys, *(["since"] if joined.known_at is not None else [])]
    twice = rows(
        reader.backend,
        f"SELECT {', '.join(keys)}, min(joined_row), max(joined_row), count(*), "
        f"count(*) OVER () FROM ({keyed}) GROUP BY {', '.join(by)} HAVING count(*) > 1 "
        f"ORDER BY min(joined_row) LIMIT 1",
    )
    for *values, first, last, count, keys_twice in twice:
        raise _several(
            reader, joined, values, f"{count} rows, {first} and {last} among them", keys_twice
        )


def _several(
    reader: Reader, joined: Joined, values: list[str], where: str, keys_twice: int
) -> MappingError:
    pairs = zip(joined.pairs, values, strict=True)
    key = " and ".join(f"{theirs.column.name} = {value}" for (_, theirs), value in pairs)
    further = f" ({keys_twice} keys are there more than once)" if keys_twice > 1 else ""
    return reader.problem(
        joined.key,
        f"{joined.raw.where} holds {key} in {where}{further}: a row would become several; "
        "join by a key that occurs once, or say which row counts with where, first_by or known_at",
    )


def lawful(key: str, name: str | None, joins: Mapping[str, Join], *, is_id: bool) -> Iterator[str]:
    """Go through what the law of time objects to in a column that a join brings.

    Args:
        key: where the mapping names the column.
        name: the join; None: the column is the row's own.
        joins: all joins.
        is_id: the column holds ids of records.
    """
    while name is not None and name in joins and not is_id:
        join = joins[name]
        if not join.fixed and join.known_at is None:
            yield (
                f"{key}: join '{name}' may bring a value that came later than the row: say since "
                "when its rows were known (known_at: COLUMN), or that they never change "
                "(fixed: true); only ids may be joined without"
            )
        name = join.through
