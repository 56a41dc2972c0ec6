"""What an extract's changes say of the past of each field, by the contract's words, row by row."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import pyarrow as pa

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]

ENTITIES: Mapping[str, tuple[str, str, str | None]] = {
    "lead": ("leads", "lead_id", "created_at"),
    "deal": ("deals", "deal_id", "created_at"),
    "rep": ("reps", "rep_id", "hired_at"),
    "account": ("accounts", "account_id", None),
}
"""Of each kind of entity: its table, its key, and the column that tells when it came to be."""
NO_FIELDS: Mapping[str, frozenset[str]] = {
    "lead": frozenset({"lead_id", "created_at", "converted_at", "lost_at", "do_not_contact_at"}),
    "deal": frozenset({"deal_id", "created_at", "closed_at", "won"}),
    "rep": frozenset({"rep_id", "hired_at", "left_at"}),
    "account": frozenset({"account_id"}),
}
"""Keys, and moments that are clocks themselves: their columns stay what they are."""
DAWN = datetime(1, 1, 1)
"""The creation of what has no moment of creation."""
ENOUGH = 0.95
"""The share of entities whose past must be known from creation on."""
MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(?::(\d\d)(?:[.](\d{1,6}))?)?)?"
    r"(?: ?(Z|UTC|[+-]\d\d(?::?\d\d)?))?"
)


@dataclass(frozen=True)
class Shown:
    """A value that a field came to have.

    Attributes:
        changed_at: from when on.
        known_at: when the CRM could first show it.
        value: the value as text; None is empty.
        before: the value before it, where the row tells.
    """

    changed_at: datetime
    known_at: datetime
    value: str | None
    before: str | None = None

    @property
    def available_at(self) -> datetime:
        """The later of its clocks: seen by every moment after it."""
        return max(self.changed_at, self.known_at)

    @property
    def order(self) -> tuple[Any, ...]:
        """The order in which values are first shown; of two at once, the lesser text first."""
        filled = self.value is not None
        return self.available_at, self.changed_at, filled, self.value or ""


class Pasts:
    """The past of every field of an extract whose rows are all accepted.

    Attributes:
        complete: (kind, field) -> whether its past is known from creation on, for every field
            of which an entity that there is has a row in `changes`.
    """

    def __init__(self, tables: Tables, columns: Mapping[str, Container[str]]) -> None:
        """Sort the changes by entity and field.

        Args:
            tables: the rows.
            columns: the columns of each table.
        """
        self._columns = {kind: columns[table] for kind, (table, _, _) in ENTITIES.items()}
        self._rows = {
            kind: {row[key]: row for row in tables.get(table, ())}
            for kind, (table, key, _) in ENTITIES.items()
        }
        self._logged = logged(tables)
        self.ids: dict[tuple[str, str], list[str]] = defaultdict(list)
        for kind, entity_id, name in self._logged:
            if entity_id in self._rows[kind]:
                self.ids[kind, name].append(entity_id)
        self.complete = {field: self._is_complete(*field) for field in self.ids}
        self._all: dict[tuple[str, str | None, str], list[Shown]] = {}
        self._told = frozenset(self._logged)

    def within(self, whole: Pasts) -> Pasts:
        """Read these rows as some of an extract's: what its others say of each field holds."""
        self.complete, self._told = whole.complete, frozenset(whole._logged)
        return self

    def entities(self, kind: str) -> set[str]:
        """Name the entities of a kind that have a row of their own."""
        return set(self._rows.get(kind, ()))

    def creation(self, kind: str, entity_id: str | None) -> datetime | None:
        """Tell when an entity came to be, if that is known."""
        column = ENTITIES[kind][2]
        row = self._rows[kind].get(entity_id, {})
        return None if column is None else row.get(column)

    def has_history(self, kind: str, name: str) -> bool:
        """Tell whether a field's values come from its history alone."""
        return (kind, name) in self.complete and name not in NO_FIELDS[kind]

    def rows(self, kind: str, entity_id: str | None, name: str) -> list[Shown]:
        """Give every value a field of an entity came to have, that at its creation included."""
        at = (kind, entity_id, name)
        if at not in self._all:
            shown = self._logged.get(at, [])
            self._all[at] = [*self.at_creation(kind, entity_id, name), *shown]
        return self._all[at]

    def value(self, kind: str, entity_id: str | None, name: str, moment: datetime) -> str | None:
        """Give a field's value as of a moment; of two values of one moment the greater text."""
        return self.last(kind, entity_id, name, moment)[1]

    def last(
        self, kind: str, entity_id: str | None, name: str, moment: datetime
    ) -> tuple[bool, str | None]:
        """Tell whether any value was visible at a moment, and which was the last."""
        return last_of([r for r in self.rows(kind, entity_id, name) if r.available_at < moment])

    def own(self, kind: str, entity_id: str | None, name: str, moment: datetime) -> Any:
        """Give what a column held as of a moment: from its history, or where it has none itself."""
        if self.has_history(kind, name):
            return self.value(kind, entity_id, name, moment)
        return self._rows[kind].get(entity_id, {}).get(name)

    @cached_property
    def fields(self) -> Mapping[str, list[str]]:
        """The fields of each kind of entity."""
        return {kind: sorted(n for k, n in self.complete if k == kind) for kind in ENTITIES}

    def at_creation(self, kind: str, entity_id: str | None, name: str) -> list[Shown]:
        """Give the value a field of an entity had at its creation, if that is known."""
        shown = self._logged.get((kind, entity_id, name), [])
        if name in NO_FIELDS[kind] or (kind, name) not in self.complete:
            return []
        if entity_id not in self._rows[kind]:
            return []  # what has no row of its own was never created
        created, complete = self.creation(kind, entity_id) or DAWN, self.complete[kind, name]
        if not shown and (kind, entity_id, name) in self._told:
            return []  # the rows that tell of it are deleted
        if not shown:
            own = self._rows[kind].get(entity_id, {}).get(name) if complete else None
            return [] if own is None else [Shown(created, created, text(own))]
        first = min(shown, key=lambda row: row.order)
        if first.before is None or first.changed_at <= created:
            return []
        # Without a column of its own only that row tells of it, and not before it is shown itself.
        told = complete and name in self._columns[kind]
        return [Shown(created, created if told else first.available_at, first.before)]

    def _is_complete(self, kind: str, name: str) -> bool:
        """95 % of the entities that came to be since the log began are told of from then on."""
        shown = {i: self._logged[kind, i, name] for i in self.ids[kind, name]}
        begins = min(row.changed_at for rows in shown.values() for row in rows)
        begun = {i: self._has_begun(kind, i, rows) for i, rows in shown.items()}
        counted = {
            i: told
            for i, told in begun.items()
            if (created := self.creation(kind, i)) is None or created >= begins
        }
        counted = counted or begun
        return sum(counted.values()) >= ENOUGH * len(counted)

    def _has_begun(self, kind: str, entity_id: str, shown: Sequence[Shown]) -> bool:
        if min(shown, key=lambda row: row.order).before is not None:
            return True
        created = self.creation(kind, entity_id)
        first = min(row.changed_at for row in shown)
        return created is not None and first <= created + timedelta(days=1)


def logged(tables: Tables) -> dict[tuple[str, str | None, str], list[Shown]]:
    """Sort the rows of `changes` by kind of entity, id and field."""
    found: dict[tuple[str, str | None, str], list[Shown]] = defaultdict(list)
    for row in tables.get("changes", ()):
        at, known = row["changed_at"], row.get("known_at")
        value = Shown(at, at if known is None else known, row["value"], row.get("old_value"))
        found[row["entity_type"], row["entity_id"], row["field"]].append(value)
    return found


def last_of(visible: Sequence[Shown]) -> tuple[bool, str | None]:
    """Tell whether there is any, and which value counts: the last; of two at once, the greater."""
    if not visible:
        return False, None
    last = max(row.changed_at for row in visible)
    return True, max(
        (r.value for r in visible if r.changed_at == last and r.value is not None), default=None
    )


def as_made(
    tables: Tables, moment: datetime, types: Mapping[str, Mapping[str, pa.DataType]]
) -> dict[str, tuple[Row, ...]]:
    """Give the tables with own columns as an extract made at a moment would show them.

    The last value visible then counts; where there is none, but later ones are, the `old_value` of
    the first of them, else nothing. What never changed is what it was.

    Args:
        tables: the whole extract.
        moment: when the other extract would have been made.
        types: of the columns of each table.
    """
    found = dict.fromkeys(tables, ())
    changes = logged(tables)
    fields: dict[str, set[str]] = defaultdict(set)
    for kind, _, name in changes:
        fields[kind].add(name)
    kinds = {table: kind for kind, (table, _, _) in ENTITIES.items()}
    for table, rows in tables.items():
        kind = kinds.get(table)
        found[table] = tuple(
            row if kind is None else _as_made(kind, row, changes, fields, moment, types[table])
            for row in rows
        )
    return found


def _as_made(
    kind: str,
    row: Row,
    changes: Mapping[tuple[str, str | None, str], list[Shown]],
    fields: Mapping[str, set[str]],
    moment: datetime,
    types: Mapping[str, pa.DataType],
) -> Row:
    _, key, clock = ENTITIES[kind]
    created = (row.get(clock) if clock else None) or DAWN
    made = dict(row)
    for name in (fields.get(kind, set()) & set(types)) - NO_FIELDS[kind]:
        shown = changes.get((kind, row[key], name))
        if not shown:
            continue
        is_shown, value = last_of([r for r in shown if r.available_at < moment])
        first = min(shown, key=lambda r: r.order)
        if not is_shown and first.changed_at > created:
            value = first.before
        # The table's schema asks for a deal's rep: an empty one would be quarantined.
        if value is not None or (kind, name) != ("deal", "rep_id"):
            made[name] = typed(value, types[name])
    return made


def text(value: Any) -> str | None:
    """Write a value as CSV files and `changes` hold it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat(sep=" ") if isinstance(value, datetime) else repr(value)


def typed(value: str | None, kind: pa.DataType) -> Any:
    """Read a text as a column of some type holds it; what cannot be read is nothing."""
    if value is None or pa.types.is_string(kind):
        return value
    if pa.types.is_boolean(kind):
        return {"true": True, "false": False}.get(value.lower())
    if pa.types.is_timestamp(kind):
        return time_of(value)
    found = number(value)
    return int(found) if found is not None and pa.types.is_integer(kind) else found


def number(value: Any) -> float | None:
    """Read a value as a number if it is one; true is 1."""
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return float(value.lower() == "true")
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


def time_of(value: str | datetime | None) -> datetime | None:
    """Read a text as a moment, if it is one: with a zone it is converted to UTC."""
    if isinstance(value, datetime):
        return value
    found = MOMENT.fullmatch(value or "")
    if found is None:
        return None
    day, clock, seconds, rest, zone = found.groups()
    try:
        made = datetime.fromisoformat(f"{day}T{clock or '00:00'}:{seconds or '00'}")
    except ValueError:
        return None
    made = made.replace(microsecond=int((rest or "0").ljust(6, "0")))
    if zone is None or zone in ("Z", "UTC"):
        return made
    shift = datetime.fromisoformat(f"2000-01-01T00:00:00{zone}").utcoffset()
    assert shift is not None
    return (made.replace(tzinfo=UTC) - shift).replace(tzinfo=None)


def read(value: Any) -> Any:
    """Read a value as what it is, however it is written: a moment, a number, else a text."""
    if not isinstance(value, str):
        return value
    moment, figure = time_of(value), number(value)
    return moment if moment is not None else value if figure is None else figure
