"""Random small companies, made to lie exactly on the borders where time laws break."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

import pyarrow as pa
from change_logs import reconciled, with_habits, with_same_histories
from extract import CLOCKS, ENDS, Extract, Row, is_visible

from features.params import FeatureParams, Weekday

_T = TypeVar("_T")

MICROSECOND = timedelta(microseconds=1)
ZONES: tuple[tuple[str, datetime], ...] = (
    ("Europe/Amsterdam", datetime(2024, 3, 31, 1)),
    ("Europe/Amsterdam", datetime(2024, 10, 27, 1)),
    ("America/New_York", datetime(2024, 3, 10, 7)),
    ("America/New_York", datetime(2024, 11, 3, 6)),
    ("Australia/Lord_Howe", datetime(2024, 4, 6, 15)),
    ("UTC", datetime(2024, 2, 29)),
)
"""Zones, each with a moment (UTC) near which its clock or its calendar does something odd."""
WINDOWS = ((1, 3, 7, 14, 30, 90), (1,), (2, 5), (1, 2, 4), (3, 7, 14, 30))
HOURS = ((9, 17), (0, 24), (1, 3), (2, 4), (22, 24))
DAYS: tuple[tuple[Weekday, ...], ...] = (
    ("mon", "tue", "wed", "thu", "fri"),
    ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
    ("sun",),
)
SHIFTS = (
    timedelta(0),
    timedelta(0),
    timedelta(0),
    -MICROSECOND,
    MICROSECOND,
    timedelta(hours=-1),
    timedelta(hours=1),
    timedelta(days=-1),
    timedelta(days=-28),
)
AMOUNTS = (None, 0.0, 1.0, 2.5, 60.0, 0.001, -3.0, 0.0005, 1234.5678, 3e15)
LEADS = ("L2", "L10", "l2", "é", "L3", "L4", "7", "07", "L 5", "L6", "L7", "L8")
REPS = (None, "R1", "R2", "R10", "ghost")
TYPES = ("call", "e-mail", "Call", "it's done", "zz")
STAGES = (None, "new", "open", "Offer", "won?")
ACCOUNTS = (None, "A1", "A2", "gone")
FIELDS = (
    *("stage", "stage", "rep_id", "rep_id", "priority", "budget", "value", "source"),
    *("account_id", "industry", "grade", "is_big"),
)
VALUES: dict[str, tuple[str | None, ...]] = {
    "stage": STAGES,
    "rep_id": REPS,
    "account_id": ACCOUNTS,
    "lead_id": (None, *LEADS, "unknown"),
    "priority": (None, "low", "high", "High"),
    "budget": (None, "10", "2.5", "-3", "1e3"),
    "value": (None, "5", "70.25"),
    "source": (None, "web", "fair", "renamed"),
    "industry": (None, "steel", "food", "feed"),
    "grade": (None, "1.5", "2.0", "3"),
    "is_big": (None, "true", "false"),
    "team": (None, "red", "blue"),
    "territory": (None, "north", "south"),
    "level": (None, "junior", "senior"),
    "size": (None, "7", "9"),
    "sector": (None, "food", "steel"),
    "amount": (None, "10", "2.5", "-3", "1e3", "x", "3e15", "100"),
    "expected_close_at": (
        *(None, "2024-03-31", "2024-04-20 12:00:00", "2024-04-02T08:30", "2024-02-30", "soon"),
        *("2024-03-15T10:00:00.5Z", "2024-11-05 00:00:00+00:00", "2024-03-31T02:05:00+01:00"),
        *("2024-10-30 23:59:59.999999 UTC", "2024-04-06T23:30:00-05:30", "2024-04-01 10:00 +0200"),
    ),
    "product": (None, "car", "boat"),
    "seats": (None, "1", "20"),
}
ATTRIBUTES: dict[str, dict[str, pa.DataType]] = {
    "leads": {"industry": pa.string(), "grade": pa.float64(), "is_big": pa.bool_()},
    "activities": {"steps": pa.string(), "pages": pa.int64(), "memo": pa.string()},
    "accounts": {"size": pa.float64(), "sector": pa.string()},
    "reps": {"level": pa.string()},
}
KNOWN_AT_CREATION = (
    "leads.industry",
    "leads.grade",
    "leads.is_big",
    "accounts.size",
    "accounts.sector",
    "reps.level",
)


@dataclass(frozen=True)
class Case:
    """A company, how it is looked at, and when.

    Attributes:
        extract: the company.
        params: zone, calendar, windows and how many words are kept.
        cutoffs: the as-of moments, rising, none beyond the extract.
        trained: the moment up to which the words are read.
        horizon_days: how far labels look ahead.
    """

    extract: Extract
    params: FeatureParams
    cutoffs: tuple[datetime, ...]
    trained: datetime
    horizon_days: int


def random_case(rng: Random) -> Case:
    """Make a company whose events love cutoffs, window edges, each other and clock changes."""
    zone, odd = rng.choice(ZONES)
    params = _params(rng, zone)
    horizon = rng.choice((1, 7, 30))
    first = odd.replace(hour=0) + timedelta(days=rng.randint(-3, 40))
    kinds = (timedelta(0), timedelta(hours=15, minutes=30), timedelta(hours=7, microseconds=7))
    cutoffs = sorted(
        {first + timedelta(days=rng.randint(0, 35)) + rng.choice(kinds) for _ in range(4)}
    )
    until = cutoffs[-1] + timedelta(days=rng.choice((0, 1, horizon, 40)))
    anchors = [odd, *cutoffs, *(c + timedelta(days=horizon) for c in cutoffs)]
    for days in (*params.windows_days, params.owner_window_days, 28):
        anchors += [cutoff - timedelta(days=days) for cutoff in cutoffs]
    clock = _Clock(rng, odd - timedelta(days=20), until, anchors)
    tables = _tables(rng, clock)
    tables["changes"] = tuple(with_habits(rng, tables, values_of))
    return Case(
        extract=Extract(tables, until, ATTRIBUTES),
        params=params,
        cutoffs=tuple(cutoffs),
        trained=rng.choice((*cutoffs, until)),
        horizon_days=horizon,
    )


def _params(rng: Random, zone: str) -> FeatureParams:
    return FeatureParams(
        timezone=zone,
        working_days=rng.choice(DAYS),
        working_hours=rng.choice(HOURS),
        windows_days=rng.choice(WINDOWS),
        known_at_creation=KNOWN_AT_CREATION,
        max_types=rng.choice((1, 2, 24)),
        max_categories=rng.choice((2, 30)),
        min_count=rng.choice((1, 1, 2, 4)),
        owner_window_days=rng.choice((1, 10, 180)),
        owner_prior=rng.choice((0.5, 20.0)),
    )


class _Clock:
    """Draws moments that often coincide with moments that matter, or miss them by a hair."""

    def __init__(
        self, rng: Random, start: datetime, end: datetime, anchors: Sequence[datetime]
    ) -> None:
        self._rng, self._start, self._end = rng, start, end
        self._anchors = list(anchors)

    def moment(self, low: datetime | None = None) -> datetime:
        """Draw a moment of the story, at or after `low`."""
        rng = self._rng
        if rng.randrange(10) < 7:  # most events lie on a border
            made = rng.choice(self._anchors) + rng.choice(SHIFTS)
        else:
            minutes = int((self._end - self._start).total_seconds()) // 60
            made = self._start + timedelta(minutes=rng.randint(0, minutes), microseconds=17)
        made = min(max(made, low or self._start), self._end)
        if rng.randrange(3) == 0:
            self._anchors.append(made)
        return made

    def maybe(self, low: datetime | None = None) -> datetime | None:
        """Draw a moment or nothing."""
        return self.moment(low) if self._rng.randrange(3) == 0 else None

    def known_at(self, happened: datetime) -> datetime | None:
        """Draw when a row was first shown: mostly at once, at times later, or even before."""
        lag = self._rng.choice((None, None, None, 0, 1, 3, -2))
        if lag is None:
            return self._rng.choice((None, None, self._rng.choice(self._anchors)))
        return happened + timedelta(days=lag)


def _tables(rng: Random, clock: _Clock) -> dict[str, tuple[Row, ...]]:
    count = rng.choice((0, 5, 9, *[len(LEADS)] * 5))
    leads = [_lead(rng, clock, name) for name in LEADS[:count]]
    ids = [row["lead_id"] for row in leads] or ["nobody"]
    return {
        "leads": tuple(leads),
        "activities": tuple(_activity(rng, clock, ids) for _ in range(rng.choice((0, 40, 80, 80)))),
        "changes": tuple(_change(rng, clock, ids) for _ in range(rng.choice((0, 30, 60, 60)))),
        "reps": tuple(_rep(rng, clock, name) for name in _some(rng, ("R1", "R2", "R10"))),
        "accounts": tuple(_account(rng, name) for name in _some(rng, ("A1", "A2"))),
        "deals": tuple(_deal(rng, clock, i, ids) for i in range(rng.randrange(3))),
        "quotas": tuple(_quota(rng, clock, name) for name in _some(rng, ("R1", "R2"))),
    }


def values_of(_kind: str, name: str) -> Sequence[str | None]:
    """Give the values a field may have."""
    return VALUES[name]


def accounts_met(extract: Extract, moment: datetime) -> set[str | None]:
    """Name the accounts that a lead or deal belonged to at some time before a moment."""
    pasts = extract.pasts()
    met: set[str | None] = set()
    for kind, table in (("lead", "leads"), ("deal", "deals")):
        for row in extract.rows(table):
            if not is_visible(table, row, moment):
                continue
            if not pasts.has_history(kind, "account_id"):
                met.add(row.get("account_id"))
            shown = pasts.rows(kind, row[f"{kind}_id"], "account_id")
            met |= {account.value for account in shown if account.available_at < moment}
    return met


def meddle(rng: Random, extract: Extract, moment: datetime, more: Sequence[Row] = ()) -> Extract:
    """Add, edit and delete all kinds of rows that cannot be seen at a moment, and nothing else.

    Own columns of entities that have changes of a field are edited too.

    Args:
        rng: draws what is done.
        extract: as it was.
        moment: at which nothing of it may be seen.
        more: further changes that cannot be seen then.
    """
    clock = _Clock(rng, moment, extract.data_until, [moment])
    ids = [row["lead_id"] for row in extract.rows("leads")] or ["nobody"]
    met = accounts_met(extract, moment)

    def is_seen(table: str, row: Row) -> bool:
        if table == "accounts":
            return row["account_id"] in met
        return is_visible(table, row, moment)

    def changed(table: str, rows: list[Row]) -> list[Row]:
        seen = [
            _with_other_end(rng, clock, table, row, moment) for row in rows if is_seen(table, row)
        ]
        unseen = [row for row in rows if not is_seen(table, row) and rng.randrange(3)]
        edited = [_unseen(rng, clock, table, ids, row) for row in unseen]
        added = [_unseen(rng, clock, table, ids, {}) for _ in range(rng.randrange(8))]
        added += more if table == "changes" else ()
        made = _without_repetitions(table, [*seen, *edited, *added])
        rng.shuffle(made)
        return made

    other = reconciled(rng, extract, extract.each(changed), moment, values_of)
    return with_same_histories(extract, other)


def _with_other_end(rng: Random, clock: _Clock, table: str, row: Row, moment: datetime) -> Row:
    """Let a story end otherwise, where it had not ended yet."""
    other: dict[str, Any] = {
        name: clock.maybe()
        for name in ENDS.get(table, ())
        if row[name] is None or row[name] >= moment
    }
    if "closed_at" in other:
        other["won"] = None if other["closed_at"] is None else rng.choice((True, False))
    return {**row, **other}


def _unseen(rng: Random, clock: _Clock, table: str, ids: Sequence[Any], row: Row) -> Row:
    """Make a row that happens, or is shown, too late to be seen; it keeps the row's identity."""
    name = f"new {rng.randrange(1000)}"
    if table == "leads":
        return _lead(rng, clock, row.get("lead_id", name))
    if table == "reps":
        made = _rep(rng, clock, row.get("rep_id", rng.choice((name, *REPS[1:]))))
        return {**made, "hired_at": clock.moment()}
    if table == "accounts":
        return _account(rng, row.get("account_id", name))
    if table == "deals":
        return {**_deal(rng, clock, 0, ids), "deal_id": row.get("deal_id", name)}
    if table == "quotas":
        return {**_quota(rng, clock, name), "known_at": clock.moment() + MICROSECOND}
    made = _activity(rng, clock, ids) if table == "activities" else _change(rng, clock, ids)
    if rng.randrange(2):
        # It happened before, but nobody could see it yet.
        event = CLOCKS[table]
        made = {**made, event: made[event] - timedelta(days=60), "known_at": clock.moment()}
    return made


def _without_repetitions(table: str, rows: Sequence[Row]) -> list[Row]:
    """Keep the first row of each key, as ingestion does."""
    keys = {"leads": "lead_id", "reps": "rep_id", "accounts": "account_id", "deals": "deal_id"}
    if table not in keys:
        return list(rows)
    return list({row[keys[table]]: row for row in reversed(rows)}.values())


def _some(rng: Random, names: Sequence[_T]) -> list[_T]:
    return list(names[: rng.randint(0, len(names))])


def _lead(rng: Random, clock: _Clock, lead_id: str) -> Row:
    created = clock.moment()
    return {
        "lead_id": lead_id,
        "created_at": created,
        "rep_id": rng.choice(REPS),
        "account_id": rng.choice(ACCOUNTS),
        "source": rng.choice((None, "web", "Web", "fair")),
        "value": rng.choice(AMOUNTS),
        "converted_at": clock.maybe(created),
        "lost_at": clock.maybe(created),
        "do_not_contact_at": clock.maybe(),
        "industry": rng.choice((None, "steel", "food")),
        "grade": rng.choice((None, 1.5, 2.0)),
        "is_big": rng.choice((None, True, False)),
    }


def _activity(rng: Random, clock: _Clock, leads: Sequence[Any]) -> Row:
    happened = clock.moment()
    return {
        "occurred_at": happened,
        "known_at": clock.known_at(happened),
        "type": rng.choice(TYPES),
        "lead_id": rng.choice((*leads, *leads, None, "unknown")),
        "rep_id": rng.choice(REPS),
        "direction": rng.choice((None, "inbound", "Out")),
        "outcome": rng.choice((None, "reached", "no answer")),
        "duration_s": rng.choice(AMOUNTS),
        "steps": rng.choice((None, "1", "2.5", "-4", "1e2")),
        "pages": rng.choice((None, 0, 3, 12)),
        "memo": rng.choice((None, "1", "two")),
    }


def _change(rng: Random, clock: _Clock, leads: Sequence[Any]) -> Row:
    happened = clock.moment()
    entity = rng.choice(("lead", "lead", "lead", "lead", "rep", "account", "deal"))
    entities = {"lead": leads, "rep": ("R1", "R2", "R10"), "account": ("A1", "A2")}
    fields = {"rep": ("team", "territory", "level"), "account": ("size", "sector")}
    name = rng.choice(fields.get(entity, FIELDS))
    return {
        "entity_type": entity,
        "entity_id": rng.choice(entities.get(entity, ("D0",))),
        "changed_at": happened,
        "known_at": clock.known_at(happened),
        "field": name,
        "value": rng.choice(VALUES[name]),
    }


def _rep(rng: Random, clock: _Clock, rep_id: str) -> Row:
    return {
        "rep_id": rep_id,
        "name": rep_id.lower(),
        "role": rng.choice((None, "hunter", "farmer")),
        "team": rng.choice((None, "red", "blue")),
        "territory": rng.choice((None, "north", "south")),
        "segment": rng.choice((None, "small")),
        "level": rng.choice((None, "junior", "senior")),
        "hired_at": clock.maybe(),
        "left_at": clock.maybe(),
    }


def _account(rng: Random, account_id: str) -> Row:
    return {
        "account_id": account_id,
        "size": rng.choice((None, 1.0, 2000.5)),
        "sector": rng.choice((None, "food", "steel", "rare")),
    }


def _deal(rng: Random, clock: _Clock, number: int, leads: Sequence[Any]) -> Row:
    created = clock.moment()
    closed = clock.maybe(created)
    return {
        "deal_id": f"D{number}",
        "rep_id": rng.choice(REPS[1:]),
        "created_at": created,
        "lead_id": rng.choice((None, *leads)),
        "amount": rng.choice(AMOUNTS),
        "expected_close_at": clock.maybe(),
        "closed_at": closed,
        "won": None if closed is None else rng.choice((True, False)),
    }


def _quota(rng: Random, clock: _Clock, rep_id: str) -> Row:
    start = clock.moment()
    return {
        "rep_id": rep_id,
        "period_start": start,
        "period_end": start + timedelta(days=90),
        "amount": rng.choice((100.0, 0.5)),
        "known_at": clock.known_at(start),
    }
