"""Tables on disk: ids, times, and files that are written in parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

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
    pq.write_table(_table(columns, schema), path)


def _table(columns: Mapping[str, Array | pa.Array], schema: pa.Schema) -> pa.Table:
    arrays = [
        values if isinstance(values, pa.Array) else pa.array(values, f.type, from_pandas=True)
        for f in schema
        for values in (columns[f.name],)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


class Growing:
    """A parquet file that is written in parts.

    Attributes:
        rows: how many were added.
    """

    def __init__(
        self, path: Path, schema: pa.Schema, to_columns: Callable[[Columns, int], Columns]
    ) -> None:
        """Open the file.

        Args:
            path: of the file.
            schema: of its columns.
            to_columns: turns codes of many rows, and the number of the first row, into columns.
                It is called once for a million rows, which is much cheaper than once a day.
        """
        self.rows = 0
        self._schema, self._to_columns = schema, to_columns
        self._writer = pq.ParquetWriter(path, schema)
        self._parts: list[Columns] = []
        self._waiting = 0

    def add(self, columns: Columns) -> None:
        """Add rows as codes; they are written a million at a time."""
        count = len(next(iter(columns.values())))
        self._parts.append(columns)
        self._waiting += count
        self.rows += count
        if self._waiting >= FLUSH_ROWS:
            self._flush()

    def close(self) -> None:
        """Write what is left."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._parts:
            joined = {n: np.concatenate([part[n] for part in self._parts]) for n in self._parts[0]}
            columns = self._to_columns(joined, self.rows - self._waiting)
            self._writer.write_table(_table(columns, self._schema))
            self._parts, self._waiting = [], 0
