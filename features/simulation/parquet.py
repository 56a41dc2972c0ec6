"""Tables on disk: ids, moments, and files that are written in pieces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.simulation.rows import Array

HOUR = 3_600_000_000
"""Microseconds."""
DAY = 24 * HOUR
NEVER = np.iinfo(np.int64).min
TIME = pa.timestamp("us")
FLUSH_ROWS = 1_000_000

Columns = Mapping[str, Array]


def ids(letter: str, numbers: Array) -> pa.Array:
    """Write numbers as ids: `L0000042`; below 0 there is none."""
    plain = pa.array(np.asarray(numbers), mask=np.asarray(numbers) < 0)
    digits = pc.utf8_lpad(pc.cast(plain, pa.string()), width=7, padding="0")
    return pc.binary_join_element_wise(pa.scalar(letter), digits, "")


def words(known: tuple[str, ...], codes: Array) -> pa.Array:
    """Write codes as the words they stand for; below 0 there is none."""
    return pa.array(known, pa.string()).take(pa.array(codes, pa.int64(), mask=codes < 0))


def money(cents: Array) -> pa.Array:
    """Write cents as money: `1250.00`."""
    whole = pc.cast(pa.array(cents // 100), pa.string())
    rest = pc.utf8_lpad(pc.cast(pa.array(cents % 100), pa.string()), width=2, padding="0")
    return pc.binary_join_element_wise(whole, rest, ".")


def times(moments: Array) -> Array:
    """Give moments, empty where there is none."""
    made = moments.astype("datetime64[us]")
    made[moments < 0] = np.datetime64("NaT")
    return made


def write(path: Path, columns: Mapping[str, Array | pa.Array], schema: pa.Schema) -> None:
    """Write a table at once.

    Args:
        path: of the file.
        columns: by name.
        schema: the order of the columns and their types.
    """
    arrays = [
        values if isinstance(values, pa.Array) else pa.array(values, f.type, from_pandas=True)
        for f in schema
        for values in (columns[f.name],)
    ]
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path)


class Growing:
    """A parquet file that is written in pieces.

    Attributes:
        rows: how many were added.
    """

    def __init__(
        self, path: Path, schema: pa.Schema, told: Callable[[Columns, int], Columns]
    ) -> None:
        """Open the file.

        Args:
            path: of the file.
            schema: of its columns.
            told: turns the plain numbers of many rows, the first of a given place, into columns.
                It is asked once for a million rows, which is much cheaper than once a day.
        """
        self.rows = 0
        self._schema, self._told = schema, told
        self._writer = pq.ParquetWriter(path, schema)
        self._parts: list[Columns] = []
        self._waiting = 0

    def add(self, columns: Columns) -> None:
        """Add rows, as plain numbers; they are written a million at a time."""
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
            columns = self._told(joined, self.rows - self._waiting)
            arrays = [
                values
                if isinstance(values, pa.Array)
                else pa.array(values, f.type, from_pandas=True)
                for f in self._schema
                for values in (columns[f.name],)
            ]
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
            self._parts, self._waiting = [], 0
