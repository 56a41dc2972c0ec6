"""The log of call lists and lots: which leads were listed, which by lot, and with what chance.

A day has one list: whoever makes it first writes it down in one transaction, with the lots drawn
for it, and everybody after gets the same. Rows are only added: those of a morning, and further ones
for places that came free during the day.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Date,
    DateTime,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    func,
    insert,
    select,
)

from features.clock import utc_now
from serving.store.database import Store


class Arm(StrEnum):
    """What the lot says of a lead while it stands."""

    LISTED = "listed"
    HELD_OUT = "held out"


class Place(StrEnum):
    """Where a lead stood when its lot was drawn."""

    ON_THE_LIST = "on the list"
    NEXT_IN_LINE = "next in line"


class Why(StrEnum):
    """Why a lead is on a list."""

    ORDER = "order"
    LONG_TAIL = "long tail"
    LOT = "lot"


@dataclass(frozen=True)
class Enrolment:
    """A lead's lot: drawn once, it stands until it ends.

    Attributes:
        lead_id: whose.
        number: how many lots of the lead came before.
        rep_id: the owner then; None for a lead without one.
        enrolled_at: the moment the list was made for, naive UTC.
        ends_at: until when the arm stands, and the outcome counts.
        place: where the lead stood then.
        arm: what the lot says.
        propensity: the chance that it would say "listed".
        p: the lead's chance to convert, as forecast then.
        value: what the lead counted as worth then.
        priority: its priority then.
        model_version: the model behind `p` and `priority`.
    """

    lead_id: str
    number: int
    rep_id: str | None
    enrolled_at: datetime
    ends_at: datetime
    place: Place
    arm: Arm
    propensity: float
    p: float
    value: float
    priority: float
    model_version: str


@dataclass(frozen=True)
class Listing:
    """A lead's place on the list of a day.

    Attributes:
        day: the day.
        as_of: the moment the list was made for, naive UTC.
        rep_id: whose list; None for the pool of leads without an owner.
        lead_id: the lead.
        position: 1 is called first.
        why: why the lead is on the list.
        priority: its priority then.
        model_version: the model behind it.
        pool_of: the manager in whose pool it stands, because the owner has left or is away; the
            empty text is the pool of leads without an owner. None: it is on its owner's list.
    """

    day: date
    as_of: datetime
    rep_id: str | None
    lead_id: str
    position: int
    why: Why
    priority: float
    model_version: str
    pool_of: str | None = None

    @property
    def list_key(self) -> tuple[bool, str]:
        """Whose list it is on: whether that is a pool, and the rep's or manager's id."""
        if self.pool_of is None and self.rep_id is not None:
            return False, self.rep_id
        return True, self.pool_of or ""


@dataclass(frozen=True)
class LotState:
    """What lots of the past mean for a list.

    Attributes:
        secret: begins the hash of every lot.
        enrolments: each lead's newest lot.
        last_listed: each lead's last day on an earlier list.
    """

    secret: str
    enrolments: dict[str, Enrolment]
    last_listed: dict[str, date]


@dataclass(frozen=True)
class DayList:
    """The lists of a day, and the lots drawn for them."""

    listings: Sequence[Listing]
    enrolments: Sequence[Enrolment]

    def __add__(self, other: DayList) -> DayList:
        """Return both together."""
        return DayList((*self.listings, *other.listings), (*self.enrolments, *other.enrolments))


_META = MetaData()
_SECRET = Table(
    "lot_secret", _META, Column("id", Integer), Column("at", DateTime), Column("secret", String)
)
_ENROLMENTS = Table(
    "enrolments",
    _META,
    Column("id", Integer, primary_key=True),
    Column("at", DateTime),
    Column("by", String),
    Column("lead_id", String),
    Column("number", Integer),
    Column("rep_id", String),
    Column("enrolled_at", DateTime),
    Column("ends_at", DateTime),
    Column("place", String),
    Column("arm", String),
    Column("propensity", Float),
    Column("p", Float),
    Column("value", Float),
    Column("priority", Float),
    Column("model_version", String),
)
_LISTINGS = Table(
    "listings",
    _META,
    Column("id", Integer, primary_key=True),
    Column("at", DateTime),
    Column("by", String),
    Column("day", Date),
    Column("as_of", DateTime),
    Column("rep_id", String),
    Column("lead_id", String),
    Column("position", Integer),
    Column("why", String),
    Column("priority", Float),
    Column("model_version", String),
    Column("pool_of", String),
)
_ABOUT_ROW = {"id", "at", "by"}
"""Columns that tell of the row and not of the lead."""


@dataclass(frozen=True)
class WorklistLog:
    """The call lists and lots of one home, or those that the homes of a company share.

    Attributes:
        store: where they are kept.
    """

    store: Store

    def of_day(self, day: date) -> list[Listing]:
        """Return the lists of a day in their order; none where none was made."""
        with self.store.reading() as connection:
            return _listings(connection, day)

    def of_leads(self, leads: Collection[str]) -> dict[str, list[Listing]]:
        """Return every place that some leads have had on lists, the oldest first, by lead."""
        query = select(*_columns(_LISTINGS)).order_by(_LISTINGS.c.id)
        with self.store.reading() as connection:
            rows = connection.execute(query).mappings().all()
        places: dict[str, list[Listing]] = {}
        for row in rows:
            if row["lead_id"] in leads:
                listing = Listing(**{**row, "why": Why(row["why"])})
                places.setdefault(listing.lead_id, []).append(listing)
        return places

    def enrolments(self) -> list[Enrolment]:
        """Return every lot, the oldest first."""
        with self.store.reading() as connection:
            return _enrolments(connection)

    def state(self, day: date) -> LotState:
        """Return what the lots and lists before a day mean for it."""
        with self.store.locked(), self.store.writing() as connection:
            return _state(connection, day)

    def once(self, day: date, by: str, make: Callable[[LotState], DayList]) -> Sequence[Listing]:
        """Return the lists of a day, and make and keep them first if there are none.

        All is written in one transaction, or nothing. Others wait meanwhile, so that no two lists
        are made for one day, and no lead has two lots at a time. Nothing is kept for a day before
        the newest list: what happened since cannot be undone.

        Args:
            day: the day.
            by: who makes the list, for the log.
            make: makes it from what the lots and lists before mean.
        """
        with self.store.locked(), self.store.writing() as connection:
            listed = _listings(connection, day)
            if listed:
                return listed
            lists = make(_state(connection, day))
            if _is_over(connection, day):
                return lists.listings
            _write(connection, lists, by)
            return _listings(connection, day)

    def more(
        self, day: date, by: str, make: Callable[[LotState, Sequence[Listing]], DayList]
    ) -> Sequence[Listing]:
        """Add further places to the lists of a day; returns those that were added.

        Nothing is added where no lists were made, or where those of a later day were.

        Args:
            day: the day.
            by: who adds them, for the log.
            make: makes them from what the lots mean, those of the day included, and its lists.
        """
        with self.store.locked(), self.store.writing() as connection:
            listed = _listings(connection, day)
            if not listed or _is_over(connection, day):
                return ()
            lots = {row.lead_id: row for row in _enrolments(connection)}
            lists = make(replace(_state(connection, day), enrolments=lots), listed)
            _write(connection, lists, by)
            return lists.listings


def _is_over(connection: Connection, day: date) -> bool:
    """Tell whether lists of a later day were made."""
    newest = connection.execute(select(func.max(_LISTINGS.c.day))).scalar()
    return newest is not None and newest > day


def _write(connection: Connection, lists: DayList, by: str) -> None:
    about = {"at": utc_now(), "by": by}
    for table, rows in ((_ENROLMENTS, lists.enrolments), (_LISTINGS, lists.listings)):
        if rows:
            connection.execute(insert(table), [about | _plain(row) for row in rows])


def _plain(row: Enrolment | Listing) -> dict[str, Any]:
    return {
        name: value.value if isinstance(value, StrEnum) else value
        for name, value in vars(row).items()
    }


def _columns(table: Table) -> list[Any]:
    return [column for column in table.columns if column.name not in _ABOUT_ROW]


def _listings(connection: Connection, day: date) -> list[Listing]:
    query = select(*_columns(_LISTINGS)).where(_LISTINGS.c.day == day).order_by(_LISTINGS.c.id)
    rows = connection.execute(query).mappings()
    return [Listing(**{**row, "why": Why(row["why"])}) for row in rows]


def _enrolments(connection: Connection, day: date = date.max) -> list[Enrolment]:
    """Return the lots drawn for the lists of earlier days, the oldest first.

    A day is the business's own, and lots know only their moment; so lots are those of a day's lists
    if they were drawn for the same moment.
    """
    not_before = select(_LISTINGS.c.as_of).where(_LISTINGS.c.day >= day)
    before = _ENROLMENTS.c.enrolled_at.not_in(not_before)
    query = select(*_columns(_ENROLMENTS)).where(before).order_by(_ENROLMENTS.c.id)
    rows = connection.execute(query).mappings()
    return [
        Enrolment(**{**row, "place": Place(row["place"]), "arm": Arm(row["arm"])}) for row in rows
    ]


def _state(connection: Connection, day: date) -> LotState:
    newest = {row.lead_id: row for row in _enrolments(connection, day)}
    last_day = select(_LISTINGS.c.lead_id, func.max(_LISTINGS.c.day)).where(_LISTINGS.c.day < day)
    rows = connection.execute(last_day.group_by(_LISTINGS.c.lead_id)).all()
    return LotState(_secret(connection), newest, {row[0]: row[1] for row in rows})


def _secret(connection: Connection) -> str:
    """Return the secret of the lots; the first who asks makes it."""
    secret = connection.execute(select(_SECRET.c.secret)).scalar()
    if secret is None:
        secret = secrets.token_hex(32)
        connection.execute(insert(_SECRET), {"id": 1, "at": utc_now(), "secret": secret})
    return str(secret)
