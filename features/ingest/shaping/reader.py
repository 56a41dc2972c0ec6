"""A source's tables for shaping: found by name, inspected once, and brought into files once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.errors import MappingError
from features.ingest.files import RawColumn, RawTable, Source
from features.ingest.match import columns_named, same_name
from features.storage.engine import reading


@dataclass(frozen=True)
class Reader:
    """Reads the tables that a mapping names, each at most once.

    Attributes:
        backend: the engine.
        source: the extract.
        folder: where tables are staged.
        where: the mapping file, as messages name it.
    """

    backend: Backend
    source: Source
    folder: Path
    where: str
    _inspected: dict[str, RawTable] = field(default_factory=dict)
    _staged: dict[str, Path] = field(default_factory=dict)

    def problem(self, key: str, says: str) -> MappingError:
        """Return an error about a key of the mapping."""
        return MappingError(f"{self.where}: {key}: {says}")

    def holds(self, name: str) -> bool:
        """Return whether the source has a table of a name."""
        return bool(same_name(name, self.source.tables))

    def table(self, name: str, key: str) -> RawTable:
        """Inspect a table of the source.

        Args:
            name: its name there; case matters only where two names differ in nothing else.
            key: the key of the mapping that names it.

        Raises:
            MappingError: the source has no such table, or several.
        """
        hits = same_name(name, self.source.tables)
        if len(hits) != 1:
            problem = f"has {' and '.join(hits)}" if hits else f"has no table '{name}'"
            names = ", ".join(self.source.tables) or "no table at all"
            raise self.problem(key, f"{self.source.name} {problem}: found {names}")
        if hits[0] not in self._inspected:
            self._inspected[hits[0]] = self.source.table(self.backend, hits[0])
        return self._inspected[hits[0]]

    def column(self, raw: RawTable, name: str, key: str) -> RawColumn:
        """Find a column of a table.

        Raises:
            MappingError: the table has no such column, or several.
        """
        hits = columns_named(name, raw.columns)
        if len(hits) != 1:
            problem = f"has '{name}' {len(hits)} times" if hits else f"has no column '{name}'"
            names = ", ".join(column.name for column in raw.columns)
            raise self.problem(key, f"{raw.where} {problem}: found {names}")
        return hits[0]

    def file(self, raw: RawTable) -> Path:
        """Bring a table's rows into a parquet file, unless they are in one already.

        Raises:
            SourceError: the table cannot be read.
        """
        if raw.where not in self._staged:
            path = self.folder / f"source_{len(self._staged)}.parquet"
            with reading(raw.where, raw.remedy):
                self._staged[raw.where] = raw.stage(self.backend, path)
        return self._staged[raw.where]

    def read_tables(self) -> Sequence[RawTable]:
        """Return the tables that were inspected so far."""
        return tuple(self._inspected.values())
