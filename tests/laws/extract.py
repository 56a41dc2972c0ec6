"""An extract in memory: plain rows, handed over as a CRM would, and read by real ingest."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pasts import Pasts, as_made, text

from features.ingest.load import ingest
from features.params import FeatureParams
from features.storage.catalog import WarehouseMeta, current
from features.tables import TABLES, ColumnKind

Row = Mapping[str, Any]

ARROW: Mapping[ColumnKind, pa.DataType] = MappingProxyType(
    {
        ColumnKind.ID: pa.string(),
        ColumnKind.TEXT: pa.string(),
        ColumnKind.NUMBER: pa.float64(),
        ColumnKind.TIME: pa.timestamp("us"),
        ColumnKind.BOOLEAN: pa.bool_(),
    }
)
CLOCKS: Mapping[str, str] = MappingProxyType(
    {
        "leads": "created_at",
        "activities": "occurred_at",
        "deals": "created_at",
        "changes": "changed_at",
        "quotas": "period_start",
    }
)
"""The event time of each table that has one, from section 2 of the contract."""
ENDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "leads": ("converted_at", "lost_at", "do_not_contact_at"),
        "reps": ("left_at",),
        "deals": ("closed_at",),
    }
)
"""The columns that tell the end of the story."""


@dataclass(frozen=True)
class Extract:
    """Every table of one data set, as rows.

    Attributes:
        tables: the rows of each table; columns that are not named in a row are empty.
        data_until: where the extract ends.
        attributes: the further columns of each table, and what they hold.
        declared: ingest is told where it ends; else it ends with its last event.
    """

    tables: Mapping[str, Sequence[Row]]
    data_until: datetime
    attributes: Mapping[str, Mapping[str, pa.DataType]] = field(default_factory=dict)
    declared: bool = True

    def rows(self, table: str) -> list[Row]:
        """Give the rows of a table, empty if there is none."""
        return list(self.tables.get(table, ()))

    def but(self, table: str, rows: Sequence[Row]) -> Extract:
        """Give the same extract with other rows in one table."""
        return replace(self, tables={**self.tables, table: tuple(rows)})

    def each(self, change: Callable[[str, list[Row]], Sequence[Row]]) -> Extract:
        """Give the same extract with every table changed."""
        return replace(self, tables={name: change(name, self.rows(name)) for name in TABLES})

    def cut(self, moment: datetime) -> Extract:
        """Give the extract as it would have been made at a moment, by the contract's words."""
        shown = as_made({n: self.rows(n) for n in self.tables}, moment, self.types)

        def as_made_then(table: str, rows: list[Row]) -> Sequence[Row]:
            return [masked(table, row, moment) for row in rows if is_visible(table, row, moment)]

        tables = {name: tuple(as_made_then(name, list(rows))) for name, rows in shown.items()}
        return replace(self, tables=tables, data_until=min(moment, self.data_until))

    def accepted(self) -> Extract:
        """Give what ingest makes of it where its end is declared: the same cut at that end."""
        return self.cut(self.data_until)

    def pasts(self) -> Pasts:
        """Give what it says of the past of each field, to who ingests it."""
        return Pasts(self.accepted().tables, self.types)

    @property
    def types(self) -> dict[str, dict[str, pa.DataType]]:
        """The type of each column of each table."""
        return {
            name: {column.name: ARROW[column.kind] for column in table.columns}
            | ({"old_value": pa.string()} if name == "changes" else {})
            | dict(self.attributes.get(name, {}))
            for name, table in TABLES.items()
        }

    def write(self, folder: Path, form: str = "parquet") -> None:
        """Write the tables as a CRM would hand them over.

        Args:
            folder: where the files go.
            form: parquet or csv.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for name, types in self.types.items():
            if name in self.tables:
                WRITERS[form](folder / f"{name}.{form}", types, self.rows(name))

    def ingest(
        self, home: Path, form: str = "parquet", params: FeatureParams | None = None
    ) -> WarehouseMeta:
        """Write the tables and ingest them."""
        self.write(home / "source", form)
        until = self.data_until if self.declared else None
        ingest(str(home / "source"), home, params or FeatureParams(), data_until=until)
        return current(home)

    def laid_down(self, folder: Path) -> WarehouseMeta:
        """Write all seven tables by hand as ingest would leave them: typed, `known_at` filled.

        For tests of what reads a warehouse; fields with a history must be in `changes` alone.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for name, types in self.types.items():
            rows = self.rows(name)
            if "known_at" in types:
                rows = [{**row, "known_at": known_at(name, row)} for row in rows]
            _write_parquet(folder / f"{name}.parquet", types, rows)
        return WarehouseMeta(
            path=folder,
            present=frozenset(self.tables),
            data_until=self.data_until,
            declared=True,
            fingerprint="-",
            source="a test",
        )


def _write_parquet(path: Path, types: Mapping[str, pa.DataType], rows: Sequence[Row]) -> None:
    columns = {c: pa.array([row.get(c) for row in rows], kind) for c, kind in types.items()}
    pq.write_table(pa.table(columns), path)


def _write_csv(path: Path, types: Mapping[str, pa.DataType], rows: Sequence[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(types)
        writer.writerows([text(row.get(name)) for name in types] for row in rows)


WRITERS: Mapping[str, Callable[[Path, Mapping[str, pa.DataType], Sequence[Row]], None]] = (
    MappingProxyType({"parquet": _write_parquet, "csv": _write_csv})
)
"""How tables are written, by the ending of their files."""


def known_at(table: str, row: Row) -> datetime:
    """Tell when the CRM could first show a row: its event time unless it says otherwise."""
    known = row.get("known_at")
    moment: datetime = row[CLOCKS[table]] if known is None else known
    return moment


def is_visible(table: str, row: Row, moment: datetime) -> bool:
    """Tell by the contract's words whether a row may be seen at a moment."""
    if table == "reps":
        return row.get("hired_at") is None or row["hired_at"] < moment
    if table not in CLOCKS:
        return True
    if table == "quotas":
        return known_at(table, row) <= moment
    happened: datetime = row[CLOCKS[table]]
    return happened < moment and known_at(table, row) < moment


def masked(table: str, row: Row, moment: datetime) -> Row:
    """Empty the end of a row's story where it lies at or after a moment.

    A deal that closed neither won nor lost is open still.
    """
    ends = (*ENDS.get(table, ()), *({"deleted_at"} & row.keys()))
    hidden = {n for n in ends if (at := row.get(n)) is None or at >= moment}
    if table == "deals" and row.get("won") is None:
        hidden.add("closed_at")
    if "closed_at" in hidden:
        hidden.add("won")
    return {name: None if name in hidden else value for name, value in row.items()}


def lead(lead_id: str, created_at: datetime, **more: Any) -> Row:
    """Write a lead's row."""
    return {"lead_id": lead_id, "created_at": created_at, **more}


def touch(lead_id: str, at: datetime, kind: str = "call", **more: Any) -> Row:
    """Write an activity's row."""
    return {"lead_id": lead_id, "occurred_at": at, "type": kind, **more}


def change(
    entity_id: str,
    at: datetime,
    name: str,
    value: str | None,
    kind: str = "lead",
    **more: Any,
) -> Row:
    """Write a change's row."""
    return {
        "entity_type": kind,
        "entity_id": entity_id,
        "changed_at": at,
        "field": name,
        "value": value,
        **more,
    }
