"""What the CRM of a replayed world shows on each working morning, as a warehouse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.simulation.crm import Crm
from features.simulation.day import Rules
from features.simulation.policies import NEVER, Listed
from features.simulation.rows import Array
from features.simulation.state import State
from features.storage.warehouse import Warehouse
from features.tables import ENTITY_TABLES, TABLES
from serving.params import WorklistParams
from serving.worklist.inputs import NOON

GROWING = ("activities", "changes")
"""Tables that only ever get further rows."""
Lister = Callable[[Warehouse, datetime, Mapping[str, float]], pd.DataFrame]
"""Makes the call list of a morning from what is known then, and from how many days ago leads had a
place on a list: `lead_id, priority`."""
PLACES = WorklistParams().calls_a_day


class Feed:
    """A warehouse that shows the CRM of one world from a moment on, without reading it in anew.

    The past was read in once. On top of it lie the rows that were recorded since, and those of the
    past that the CRM showed only later. The tables of entities are taken as they stand; columns
    that have a history are empty in them, as `features.ingest.histories` leaves them.
    """

    def __init__(self, base: Warehouse, extract: Path, crm: Crm, name: str) -> None:
        """Lay an empty layer over a warehouse.

        Args:
            base: the past, with its end declared.
            extract: the files it was read from.
            crm: a fork that records the world from then on.
            name: of the world, unlike any other of the same warehouse.
        """
        self._base, self._crm, self._name = base, crm, name
        tables = dict(base.tables)
        for table in GROWING:
            late = pq.read_table(
                extract / f"{table}.parquet", filters=[("known_at", ">=", base.data_until)]
            )
            recent = self._put(table, late)
            tables[table] = base[table].union(recent)
        self._tables: Mapping[str, ir.Table] = tables

    def morning(self, moment: datetime) -> Warehouse:
        """Take in what was recorded since the last morning, and return the warehouse of this one.

        It may be read until the next morning is asked for.
        """
        for table, rows in self._crm.take().items():
            self._base.backend.insert(self._named(table), self._shaped(table, rows))
        shown = {table: self._put(table, rows) for table, rows in self._crm.tables().items()}
        return replace(
            self._base,
            tables={**self._tables, **shown},
            data_until=moment,
            fingerprint=f"{self._base.fingerprint} {self._name} {moment:%Y-%m-%d}",
        )

    def _named(self, table: str) -> str:
        return f"{self._name}_{table}"

    def _put(self, table: str, rows: pa.Table) -> ir.Table:
        shaped = self._shaped(table, rows)
        return self._base.backend.create_table(self._named(table), shaped, overwrite=True)

    def _shaped(self, table: str, rows: pa.Table) -> pa.Table:
        """Return rows with the columns and types of the warehouse."""
        entity = {name: kind for kind, name in ENTITY_TABLES.items()}.get(table, "")
        columns = {}
        schema = self._base[table].schema().to_pyarrow()
        for column in schema:
            is_empty = column.name not in rows.column_names
            is_empty |= self._base.has_history(entity, column.name)
            values = pa.nulls(len(rows), column.type) if is_empty else rows[column.name]
            columns[column.name] = values.cast(column.type)
        known_at = TABLES[table].known_at
        if known_at is not None and known_at not in rows.column_names:
            columns[known_at] = columns[str(TABLES[table].event_time)]
        return pa.table(columns, schema=schema)


class MorningList:
    """A calling policy: the list that is made each working morning from what its CRM shows.

    As in the service, a lead counts as touched when it had a place on an earlier list: the CRM does
    not show all calls.
    """

    def __init__(
        self, feed: Feed, lister: Lister, newcomers: float = NEVER, places: int = PLACES
    ) -> None:
        """Begin without a list.

        Args:
            feed: of the same world.
            lister: makes the list.
            newcomers: the score of leads that came in since the list was made.
            places: leads on each rep's list of a day.
        """
        self._feed, self._lister, self._newcomers = feed, lister, newcomers
        self._places = places
        self._listed: dict[str, int] = {}

    def order(self, state: State, rules: Rules, now: dict[str, Array]) -> Array:
        """Return each lead's priority on the list of this morning."""
        day = rules.calendar.date(state.day)
        moment = datetime(day.year, day.month, day.day)
        since = {lead: state.day - listed - NOON for lead, listed in self._listed.items()}
        rows = self._lister(self._feed.morning(moment), moment, since)
        number = rows["lead_id"].str.slice(1).astype(np.int64).to_numpy()
        scores = np.full(int(number.max(initial=-1)) + 1, NEVER)
        scores[number] = rows["priority"].to_numpy()
        seat = pd.Series(state.leads["seat"], index=state.leads["id"]).reindex(number)
        by_seat = rows.groupby(seat.to_numpy())["priority"]
        has_place = by_seat.rank(ascending=False, method="first") <= self._places
        self._listed.update(dict.fromkeys(rows["lead_id"][has_place], state.day))
        return Listed(scores, self._newcomers).order(state, rules, now)
