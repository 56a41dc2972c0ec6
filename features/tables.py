"""The seven tables of a CRM extract, as values: names, keys, columns, both clocks.

This is the schema that ingestion checks and that the one door (`features.snapshot`) cuts.
Columns that are not named here are kept as attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType


class ColumnKind(Enum):
    """What a column holds; ids are texts that are never turned into numbers."""

    ID = "id"
    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    BOOLEAN = "boolean"


@dataclass(frozen=True)
class Column:
    """One column of the schema.

    Attributes:
        name: its name in our tables.
        kind: what it holds.
        required: a row without it is quarantined, a table without it is refused.
        known_at_creation: the value is known from the moment the row exists.
        is_event: a moment of the extract, counted for `data_until`.
    """

    name: str
    kind: ColumnKind
    required: bool = False
    known_at_creation: bool = False
    is_event: bool = False


@dataclass(frozen=True)
class Table:
    """One table: its columns, its key, and the columns that carry its clocks.

    Attributes:
        name: its name in files and databases.
        columns: the columns with a meaning of their own, in their usual order.
        key: columns that together may occur only once (empty: no key).
        event_time: when the row happened; None for tables that only describe.
        known_at: the column that holds when the CRM could first show the row, if any.
        known_from_start: known from `known_at` inclusive, whenever the event is (quotas).
        end_of_story: columns visible only once their own time lies before the cutoff.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    event_time: str | None = None
    known_at: str | None = None
    known_from_start: bool = False
    end_of_story: tuple[str, ...] = ()
    by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the columns once."""
        index = MappingProxyType({column.name: column for column in self.columns})
        object.__setattr__(self, "by_name", index)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns no row may lack."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def events(self) -> tuple[str, ...]:
        """Names of the columns whose latest value bounds the extract."""
        return tuple(column.name for column in self.columns if column.is_event)


def _id(name: str, *, required: bool = False, at_creation: bool = False) -> Column:
    return Column(name, ColumnKind.ID, required=required, known_at_creation=at_creation)


def _text(name: str, *, required: bool = False, at_creation: bool = False) -> Column:
    return Column(name, ColumnKind.TEXT, required=required, known_at_creation=at_creation)


def _number(name: str, *, required: bool = False, at_creation: bool = False) -> Column:
    return Column(name, ColumnKind.NUMBER, required=required, known_at_creation=at_creation)


def _time(
    name: str, *, required: bool = False, at_creation: bool = False, event: bool = False
) -> Column:
    return Column(name, ColumnKind.TIME, required, known_at_creation=at_creation, is_event=event)


LEADS = Table(
    "leads",
    (
        _id("lead_id", required=True),
        _time("created_at", required=True, at_creation=True, event=True),
        _id("rep_id", at_creation=True),
        _id("account_id", at_creation=True),
        _text("source", at_creation=True),
        _number("value", at_creation=True),
        _time("converted_at", event=True),
        _time("lost_at", event=True),
        _time("do_not_contact_at"),
    ),
    key=("lead_id",),
    event_time="created_at",
    end_of_story=("converted_at", "lost_at", "do_not_contact_at"),
)

ACTIVITIES = Table(
    "activities",
    (
        _time("occurred_at", required=True, event=True),
        _text("type", required=True),
        _id("activity_id"),
        _id("lead_id"),
        _id("deal_id"),
        _id("rep_id"),
        _text("direction"),
        _text("outcome"),
        _number("duration_s"),
        _time("known_at"),
    ),
    key=("activity_id",),
    event_time="occurred_at",
    known_at="known_at",
)

REPS = Table(
    "reps",
    (
        _id("rep_id", required=True),
        _text("name"),
        _id("manager_id", at_creation=True),
        _text("role", at_creation=True),
        _text("team", at_creation=True),
        _text("territory", at_creation=True),
        _text("segment", at_creation=True),
        _time("hired_at", at_creation=True),
        _time("left_at"),
    ),
    key=("rep_id",),
    end_of_story=("left_at",),
)

DEALS = Table(
    "deals",
    (
        _id("deal_id", required=True),
        _id("rep_id", required=True, at_creation=True),
        _time("created_at", required=True, at_creation=True, event=True),
        _id("lead_id", at_creation=True),
        _id("account_id", at_creation=True),
        _number("amount", at_creation=True),
        _time("expected_close_at", at_creation=True),
        _time("closed_at", event=True),
        Column("won", ColumnKind.BOOLEAN),
    ),
    key=("deal_id",),
    event_time="created_at",
    end_of_story=("closed_at",),
)

CHANGES = Table(
    "changes",
    (
        _text("entity_type", required=True),
        _id("entity_id", required=True),
        _time("changed_at", required=True, event=True),
        _text("field", required=True),
        _text("value"),
        _text("old_value"),
        _time("known_at"),
    ),
    event_time="changed_at",
    known_at="known_at",
)

QUOTAS = Table(
    "quotas",
    (
        _id("rep_id", required=True),
        _time("period_start", required=True),
        _time("period_end", required=True),
        _number("amount", required=True),
        _time("known_at"),
    ),
    key=("rep_id", "period_start", "known_at"),
    event_time="period_start",
    known_at="known_at",
    known_from_start=True,
)

ACCOUNTS = Table("accounts", (_id("account_id", required=True),), key=("account_id",))

COMMITS = Table(
    "commits",
    (
        _id("rep_id", required=True),
        _time("period_start", required=True),
        _time("made_at", required=True),
        _number("amount", required=True),
        _time("known_at"),
    ),
    event_time="made_at",
    known_at="known_at",
)
"""What people committed to bring in a quota period; no CRM holds it, so it comes by itself."""

TABLES: Mapping[str, Table] = MappingProxyType(
    {table.name: table for table in (LEADS, ACTIVITIES, REPS, DEALS, CHANGES, QUOTAS, ACCOUNTS)}
)

ENTITY_TABLES: Mapping[str, str] = MappingProxyType(
    {"lead": "leads", "deal": "deals", "rep": "reps", "account": "accounts"}
)
