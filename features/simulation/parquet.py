"""Tables on disk: ids, times, and files that are written in parts."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.simulation.rows import Array

HOUR = 3_600_000_000
"""In microseconds, as all moments here."""
DAY = 24 * HOUR
NEVER = np.iinfo(np.int64).min
"""The moment of what has not happened."""
TIME = pa.timestamp("us")
FLUSH_ROWS = 1_000_000

Columns = Mapping[str, Array]


def ids(letter: str, numbers: Array) -> pa.Array:
    """Write numbers as ids such as `L0000042`; a number below 0 is empty."""
    plain = pa.array(np.asarray(numbers), mask=np.asarray(numbers) < 0)
    digits = pc.utf8_lpad(pc.cast(plain, pa.string()), width=7, padding="0")
    return pc.binary_join_element_wise(pa.scalar(letter), digits, "")


def decoded(texts: tuple[str, ...], codes: Array) -> pa.Array:
    """Write codes as the texts at those places; a code below 0 is empty."""
    return pa.array(texts, pa.string()).take(pa.array(codes, pa.int64(), mask=codes < 0))


def money(cents: Array) -> pa.Array:
    """Write cents as money such as `1250.00`."""
    whole = pc.cast(pa.array(cents // 100), pa.string())
    rest = pc.utf8_lpad(pc.cast(pa.array(cents % 100), pa.string()), width=2, padding="0")
    return pc.binary_join_element_wise(whole, rest, ".")


def timestamps(moments: Array) -> Array:
    """Return microseconds as times; a number below 0 is empty."""
    times = moments.astype("datetime64[us]")
    times[moments < 0] = np.datetime64("NaT")
    return times


def write(path: Path, columns: Mapping[str, Array | pa.Array], schema: pa.Schema) -> None:
    """Write a table at once.

    Args:
        path: of the file.
        columns: by name.
        schema: the order of the columns and their types.
    """
    pq.write_table(table(columns, schema), path)


def table(columns: Mapping[str, Array | pa.Array], schema: pa.Schema) -> pa.Table:
    """Return columns as a table, in the order and with the types of a schema."""
    arrays = [
        values if isinstance(values, pa.Array) else pa.array(values, f.type, from_pandas=True)
        for f in schema
        for values in (columns[f.name],)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


class Growing:
    """A table that grows by parts: a parquet file, or rows in memory until somebody takes them.

    Attributes:
        rows: how many were added.
    """

    def __init__(
        self,
        path: Path | None,
        schema: pa.Schema,
        to_columns: Callable[[Columns, int], Columns],
        rows: int = 0,
    ) -> None:
        """Open the file.

        Args:
            path: of the file; None keeps the rows in memory.
            schema: of its columns.
            to_columns: turns codes of many rows, and the number of the first row, into columns.
                It is called once for a million rows, which is much cheaper than once a day.
            rows: how many stand elsewhere already.
        """
        self.rows = rows
        self._schema, self._to_columns = schema, to_columns
        self._writer = None if path is None else pq.ParquetWriter(path, schema)
        self._parts: list[Columns] = []
        self._waiting = 0

    def __deepcopy__(self, memo: dict[int, Any]) -> Growing:
        """Return a table that takes the rows from here on and keeps them in memory."""
        to_columns = copy.deepcopy(self._to_columns, memo)
        return Growing(None, self._schema, to_columns, self.rows)

    def add(self, columns: Columns) -> None:
        """Add rows as codes; in a file, they are written a million at a time."""
        count = len(next(iter(columns.values())))
        self._parts.append(columns)
        self._waiting += count
        self.rows += count
        if self._writer is not None and self._waiting >= FLUSH_ROWS:
            self._writer.write_table(self.take())

    def take(self) -> pa.Table:
        """Return the rows that nobody has taken yet, and forget them."""
        if not self._parts:
            return self._schema.empty_table()
        joined = {n: np.concatenate([part[n] for part in self._parts]) for n in self._parts[0]}
        columns = self._to_columns(joined, self.rows - self._waiting)
        self._parts, self._waiting = [], 0
        return table(columns, self._schema)

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            if self._parts:
                self._writer.write_table(self.take())
            self._writer.close()
