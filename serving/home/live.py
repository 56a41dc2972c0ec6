"""The extract with posted events laid over it, as any moment may see both.

An event counts from the moment it arrived: its `known_at` is the arrival, and what is asked as of
an earlier moment does not see it. An event stays until an ingest brings the same activity or lead;
then the extract's own row counts. Training reads the extract alone, so nothing here moves the
`data_until` of a model.

A change of a field that has a history in the extract is one more row of `changes`. How a lead or a
deal ended has columns of its own, and a change of one of these fills that column:

    entity   field                                   value
    lead     converted_at, lost_at,                  the moment; empty: when it changed
             do_not_contact_at
    deal     won                                     true or false; closed when it changed

A change of any other field waits for the ingest: without a history in the extract, only values at
creation count. Values that a posted lead brings of such a field are laid down in `changes`, as an
ingest lays them down: whoever asks what a field held looks there alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from features.errors import InputError
from features.history.values import FLAGS
from features.snapshot import has_arrived
from features.storage.catalog import NO_EVENTS
from features.storage.warehouse import Warehouse
from features.tables import ENTITY_TABLES
from features.texts import read_moment
from serving.home.inline_rows import fit_rows
from serving.store.posted import EventKind, PostedEvent

log = logging.getLogger("pacesetter.serve")
INSTANT = timedelta(microseconds=1)
TABLE_OF = {
    EventKind.ACTIVITY: "activities",
    EventKind.LEAD: "leads",
    EventKind.CHANGE: "changes",
}
ENDS_OF_LEADS = ("converted_at", "lost_at", "do_not_contact_at")
KEYS = {"leads": "lead_id", "deals": "deal_id"}
"""Tables in which a laid-over row takes the place of the extract's."""
Row = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class LiveData:
    """One extract and the events that it does not hold.

    Attributes:
        extract: as it was ingested.
        events: the oldest first.
    """

    extract: Warehouse
    events: Sequence[PostedEvent]

    @classmethod
    def of(cls, extract: Warehouse, posted: Iterable[PostedEvent]) -> LiveData:
        """Take the events that the extract does not hold yet.

        Args:
            extract: as it was ingested.
            posted: all events, the oldest first.
        """
        events = list(posted)
        if not events:
            return cls(extract, ())
        held = {
            EventKind.ACTIVITY: _held(extract, "activities", "activity_id", events),
            EventKind.LEAD: _held(extract, "leads", "lead_id", events),
            EventKind.CHANGE: _held_changes(extract, events),
        }
        return cls(extract, tuple(row for row in events if row.id not in held[row.kind]))

    @property
    def now(self) -> datetime:
        """The moment just after the last event arrived; without one, the end of the extract."""
        arrivals = [row.known_at for row in self.events if row.known_at is not None]
        if not arrivals:
            return self.extract.data_until
        return max(self.extract.data_until, max(arrivals) + INSTANT)

    def at(self, moment: datetime | None = None) -> Warehouse:
        """Return the extract with the events that had arrived before a moment.

        Args:
            moment: what is asked about; None is now.
        """
        moment = self.now if moment is None else moment
        if not self.events or self.extract.data_until == NO_EVENTS:
            return self.extract
        known = [row for row in self.events if row.known_at and has_arrived(row.known_at, moment)]
        rows = _fitted(self.extract, known)
        for table, ended in _endings(self.extract, known, rows.get("leads", [])).items():
            kept = [row for row in rows.get(table, []) if row[KEYS[table]] not in ended]
            rows[table] = [*kept, *ended.values()]
        return self.extract.extended(rows, KEYS, self.now)


def change_id(row: Row) -> str:
    """Return what tells a change from others: of what, which field, and when."""
    moment = read_moment(row["changed_at"])
    when = "" if moment is None else moment.isoformat()
    return "\x1f".join((row["entity_type"], row["entity_id"], row["field"], when))


def takes_effect(warehouse: Warehouse, row: Row) -> bool:
    """Tell whether a posted change counts before the next ingest."""
    entity, field = row["entity_type"], row["field"]
    return _is_ending(row) or warehouse.has_history(entity, field)


def _is_ending(row: Row) -> bool:
    ends = {"lead": ENDS_OF_LEADS, "deal": ("won",)}
    return row["field"] in ends.get(row["entity_type"], ())


def _held(extract: Warehouse, table: str, key: str, events: Sequence[PostedEvent]) -> set[str]:
    ids = [row.id for row in events if TABLE_OF[row.kind] == table]
    if not ids:
        return set()
    rows = extract[table]
    found = extract.arrow(rows.filter(rows[key].isin(ids)).select(key))
    return set(found[key].to_pylist())


def _held_changes(extract: Warehouse, events: Sequence[PostedEvent]) -> set[str]:
    entities = {row.row["entity_id"] for row in events if row.kind is EventKind.CHANGE}
    if not entities:
        return set()
    rows = extract["changes"]
    own = rows.filter(rows.entity_id.isin(sorted(entities)))
    kept = own.select("entity_type", "entity_id", "field", "changed_at")
    return {change_id(row) for row in extract.arrow(kept).to_pylist()}


def _fitted(extract: Warehouse, events: Sequence[PostedEvent]) -> dict[str, list[dict[str, Any]]]:
    """Return rows by table, in the form of the extract."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        table = TABLE_OF[event.kind]
        if event.kind is EventKind.CHANGE and (
            _is_ending(event.row) or not takes_effect(extract, event.row)
        ):
            continue
        row = {**event.row, "known_at": event.known_at}
        try:
            fitted, _ = fit_rows(extract, table, [row], event.kind.value)
        except InputError as error:
            # It fitted when it was posted; an ingest has changed what the column holds.
            log.warning("posted %s %r waits for an ingest: %s", event.kind, event.id, error)
            continue
        if event.kind is EventKind.LEAD:
            fitted, laid_down = _laid_down(extract, fitted, event.known_at)
            rows.setdefault("changes", []).extend(laid_down)
        rows.setdefault(table, []).extend(fitted)
    return rows


def _laid_down(
    extract: Warehouse, leads: Sequence[Row], known_at: datetime | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Move what posted leads hold of fields with a history into `changes`, from their creation."""
    fields = [h.field for h in extract.histories if h.entity_type == "lead"]
    changes = [
        {
            "entity_type": "lead",
            "entity_id": lead["lead_id"],
            "changed_at": lead["created_at"],
            "known_at": known_at,
            "field": name,
            "value": str(value).lower() if isinstance(value, bool) else str(value),
        }
        for lead in leads
        for name in fields
        if (value := lead.get(name)) is not None
    ]
    emptied = [
        {name: None if name in fields else value for name, value in lead.items()} for lead in leads
    ]
    return emptied, fit_rows(extract, "changes", changes)[0]


def _endings(
    extract: Warehouse, events: Sequence[PostedEvent], posted_leads: Sequence[Row]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the leads and deals that posted changes have ended, by table and id."""
    ends = [e.row for e in events if e.kind is EventKind.CHANGE and _is_ending(e.row)]
    ended: dict[str, dict[str, dict[str, Any]]] = {}
    for table, key in KEYS.items():
        ids = [row["entity_id"] for row in ends if ENTITY_TABLES[row["entity_type"]] == table]
        if not ids:
            continue
        rows = extract[table]
        known = extract.arrow(rows.filter(rows[key].isin(ids))).to_pylist()
        own = posted_leads if table == "leads" else ()
        ended[table] = {row[key]: dict(row) for row in (*known, *own) if row[key] in ids}
    for row in ends:
        entity = ended[ENTITY_TABLES[row["entity_type"]]].get(row["entity_id"])
        if entity is not None:
            _end(entity, row)
    return ended


def _end(entity: dict[str, Any], change: Row) -> None:
    """Fill the column that a change of an ending names; what the extract holds already stays."""
    changed_at, field, value = read_moment(change["changed_at"]), change["field"], change["value"]
    if field == "won":
        if entity["closed_at"] is None and str(value).lower() in FLAGS:
            entity |= {"closed_at": changed_at, "won": str(value).lower() == FLAGS[0]}
    elif entity[field] is None:
        moment = changed_at
        with suppress(ValueError):
            moment = read_moment(value) or changed_at
        entity[field] = moment
