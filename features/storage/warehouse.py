"""The tables of one extract on one engine: DuckDB on this machine, Spark where it does not fit.

Everything above works with ibis expressions and does not know which engine answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from features.errors import TableError
from features.field_history import FieldHistory
from features.params import IngestParams
from features.snapshot import as_of_extract, standing
from features.storage.catalog import WarehouseMeta
from features.storage.engine import engine
from features.tables import TABLES, ColumnKind

Maker = Callable[["Warehouse"], ir.Table]
"""Makes a table from an extract."""


@dataclass(frozen=True)
class Warehouse:
    """The tables of an extract on an engine, whole or as they were at a moment.

    `warehouse[name]` is a table as its end shows it, `warehouse.ever(name)` holds what was deleted
    before that too.

    Attributes:
        backend: the ibis backend that answers.
        tables: every table of the schema, absent ones without rows; those with deleted rows have
            the column `deleted_at`.
        present: names of the tables the extract really held.
        data_until: the extract is complete for events before this moment.
        fingerprint: of the accepted rows.
        cut_at: the moment `until` cut it at; whole extracts have none.
        histories: the fields that have a history. All of it lies in `changes`, the values at
            creation included, and their own columns are empty.
    """

    backend: Any
    tables: Mapping[str, ir.Table] = field(repr=False)
    present: frozenset[str]
    data_until: datetime
    fingerprint: str
    cut_at: datetime | None = None
    histories: tuple[FieldHistory, ...] = ()
    _kept: list[Any] = field(default_factory=list, repr=False, compare=False)
    _shared: dict[Maker, ir.Table] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def duckdb(cls, meta: WarehouseMeta, params: IngestParams | None = None) -> Warehouse:
        """Open the warehouse on DuckDB."""
        params = params or IngestParams()
        backend = engine(params.memory_gb, params.threads, meta.path.parent / "scratch")
        return cls._open(backend, meta)

    @classmethod
    def spark(cls, meta: WarehouseMeta, session: Any) -> Warehouse:
        """Open the same files on a Spark session (the extra `spark`)."""
        session.conf.set("spark.sql.session.timeZone", "UTC")
        return cls._open(ibis.pyspark.connect(session), meta)

    @classmethod
    def _open(cls, backend: Any, meta: WarehouseMeta) -> Warehouse:
        tables = {
            name: backend.read_parquet(str(meta.path / f"{name}.parquet"), table_name=name)
            for name in TABLES
        }
        return cls(
            backend,
            MappingProxyType(tables),
            meta.present,
            meta.data_until,
            meta.fingerprint,
            histories=meta.histories,
        )

    def __getitem__(self, name: str) -> ir.Table:
        """Return a table of the schema, without the rows that were deleted by the end."""
        return standing(self.tables[name], self.data_until)

    def ever(self, name: str) -> ir.Table:
        """Return a table with the rows that were deleted by the end: cutoffs before it see them.

        Whoever asks for it goes through the door (`features.snapshot`) for each cutoff.
        """
        return self.tables[name]

    def left(self) -> Warehouse:
        """Return the extract without what was deleted by its end.

        For whoever tells of the past as the end shows it: figures, causes, people.
        """
        tables = {name: self[name] for name in self.tables}
        return replace(self, tables=MappingProxyType(tables), _shared=None)

    def has_history(self, entity_type: str, field_name: str) -> bool:
        """Tell whether a field's values as of a moment come from `changes` alone."""
        return any((h.entity_type, h.field) == (entity_type, field_name) for h in self.histories)

    def require(self, *names: str, purpose: str) -> None:
        """Refuse a purpose whose tables the extract does not hold.

        Raises:
            TableError: one of them is missing.
        """
        for name in names:
            if name not in self.present:
                raise TableError(
                    f"{purpose} needs the table '{name}', which this extract does not hold: "
                    f"it has {', '.join(sorted(self.present))}"
                )

    def until(self, moment: datetime | None) -> Warehouse:
        """Return the extract as it would have been made at an earlier moment; None is its end.

        Rows at its very end, or shown only after it, are in the files and may not be read yet.
        """
        moment = self.data_until if moment is None else min(moment, self.data_until)
        cut_tables = {
            name: as_of_extract(rows, TABLES[name], moment) for name, rows in self.tables.items()
        }
        return replace(
            self,
            tables=MappingProxyType(cut_tables),
            data_until=moment,
            cut_at=moment,
            _shared=None,
        )

    def overlay(
        self,
        leads: Sequence[Mapping[str, Any]],
        activities: Sequence[Mapping[str, Any]],
        key: str,
    ) -> Warehouse:
        """Return the extract with rows from outside in the place of those with the same ids.

        Args:
            leads: rows of `leads`; columns that are not in the warehouse are left out.
            activities: rows of `activities` for these leads.
            key: the column that tells whose rows they are.
        """
        ids = [str(lead[key]) for lead in leads]
        tables = dict(self.tables)
        for name, own_rows in (("leads", leads), ("activities", activities)):
            rows = self.tables[name]
            schema = rows.schema()
            plain = [{column: row.get(column) for column in schema} for row in own_rows]
            added = ibis.memtable(pa.Table.from_pylist(plain, schema=schema.to_pyarrow()))
            kept = rows.filter(rows[key].isnull() | ~rows[key].isin(ids))
            tables[name] = kept.union(added) if plain else kept
        return replace(self, tables=MappingProxyType(tables), _shared=None)

    def extended(
        self,
        rows: Mapping[str, Sequence[Mapping[str, Any]]],
        keys: Mapping[str, str],
        until: datetime,
    ) -> Warehouse:
        """Return the extract with further rows, complete before a later moment.

        Args:
            rows: by table, with all its columns.
            keys: tables in which a further row takes the place of the one with the same id, and
                the column that holds the id.
            until: the new `data_until`.
        """
        tables = dict(self.tables)
        for name, added in rows.items():
            if not added:
                continue
            table, schema = self.tables[name], self.tables[name].schema()
            further = ibis.memtable(pa.Table.from_pylist([*added], schema=schema.to_pyarrow()))
            if name in keys:
                key = keys[name]
                table = table.filter(~table[key].isin([row[key] for row in added]))
            tables[name] = table.union(further)
        present = self.present | {name for name, added in rows.items() if added}
        return replace(
            self,
            tables=MappingProxyType(tables),
            present=present,
            data_until=until,
            _shared=None,
        )

    def attributes(self, name: str) -> dict[str, ColumnKind]:
        """Name the further columns of a table that can be features, and what they hold."""
        kinds = {}
        for column, dtype in self.tables[name].schema().items():
            if column in TABLES[name].by_name:
                continue
            if dtype.is_numeric() or dtype.is_boolean():
                kinds[column] = ColumnKind.NUMBER
            elif dtype.is_string():
                kinds[column] = ColumnKind.TEXT
        return kinds

    @contextmanager
    def workspace(self) -> Iterator[Warehouse]:
        """Yield a warehouse whose kept tables are released when the block ends.

        A workspace inside another releases what it kept itself and goes on sharing what `once`
        made in the outer one.
        """
        kept: list[Any] = []
        shared = {} if self._shared is None else self._shared
        try:
            yield replace(self, _kept=kept, _shared=shared)
        finally:
            own = [*kept, *(shared.values() if self._shared is None else ())]
            for table in reversed(own):
                table.release()

    def keep(self, rows: ir.Table) -> ir.Table:
        """Compute an expression once, for as long as the workspace lasts."""
        kept = self._cached(rows)
        self._kept.append(kept)
        return kept

    def once(self, make: Maker) -> ir.Table:
        """Compute a table of this extract once, for as long as the outermost workspace lasts.

        Outside a workspace nothing is kept: the expression is returned as it is.

        Args:
            make: makes the table from the extract alone, so that all its users share it.
        """
        if self._shared is None:
            return make(self)
        if make not in self._shared:
            self._shared[make] = self._cached(make(self))
        return self._shared[make]

    def _cached(self, rows: ir.Table) -> Any:
        self._register(rows)
        return rows.cache()

    @property
    def is_spread(self) -> bool:
        """Whether the tables lie on Spark, where rows are worked on by many machines."""
        return bool(self.backend.name == "pyspark")

    def arrow(self, rows: ir.Table) -> pa.Table:
        """Compute an expression and fetch it."""
        if not self.is_spread:
            return self.backend.to_pyarrow(rows)
        # ibis would lead the rows through pandas, one by one and without years before 1677.
        return self.frame(rows).toArrow().cast(rows.schema().to_pyarrow())

    def frame(self, rows: ir.Table) -> Any:
        """Return an expression as a table of Spark, computed when somebody asks it."""
        self._register(rows)
        return self.backend.raw_sql(self.backend.compile(rows))

    def _register(self, rows: ir.Table) -> None:
        """Hand tables in memory to Spark, as ibis does where it executes by itself."""
        if self.is_spread:
            self.backend._run_pre_execute_hooks(rows)  # noqa: SLF001 - there is no public way
