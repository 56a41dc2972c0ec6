"""Random small companies with deals and quotas, made to lie on the borders where laws break."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import pyarrow as pa
from change_logs import with_habits
from extract import Extract, Row
from histories import (
    AMOUNTS,
    ATTRIBUTES,
    KNOWN_AT_CREATION,
    MICROSECOND,
    SHIFTS,
    VALUES,
    Case,
    meddle,
    random_case,
    values_of,
)

DEALS = ("D0", "D1", "D2", "D10", "d2", "é", "07", "7", "D 3", "D4")
OWNERS = ("R1", "R2", "R10")
FIELDS = (
    *("stage", "stage", "rep_id", "amount", "expected_close_at", "priority", "product"),
    *("account_id", "lead_id", "seats"),
)
Moment = Callable[..., datetime]
QUOTAS = (100.0, 0.5, 1e5, 0.0, -5.0, 250.125)


def sales_case(rng: Random) -> Case:
    """Make a company that sells: deals that move, reps with quotas, periods, revisions."""
    case = random_case(rng)
    extract, until = case.extract, case.extract.data_until
    start = case.cutoffs[0] - timedelta(days=120)
    anchors = [*case.cutoffs, *case.cutoffs, until, case.trained]
    for days in (30, 90, 180):
        anchors += [cutoff - timedelta(days=days) for cutoff in case.cutoffs]

    def moment(low: datetime | None = None) -> datetime:
        made = rng.choice(anchors) + rng.choice(SHIFTS)
        if rng.randrange(10) < 4:
            made = start + (until - start) * rng.random()
        if rng.randrange(3) == 0:
            anchors.append(made)
        return min(max(made, low or start), until)

    deals = [_deal(rng, moment, name, extract) for name in DEALS[: rng.choice((0, 4, *[10] * 6))]]
    ids = [row["deal_id"] for row in deals] or ["nothing"]
    changes = [_change(rng, moment, ids) for _ in range(rng.choice((0, 30, 60, 60)))]
    activities = [
        {**row, "deal_id": rng.choice((*ids, None, "unknown"))}
        for row in extract.rows("activities")
    ]
    reps = [{**row, "manager_id": rng.choice((None, "M1", "M2"))} for row in extract.rows("reps")]
    tables = {
        **extract.tables,
        "deals": tuple(deals),
        "changes": (*extract.rows("changes"), *changes),
        "activities": tuple(activities),
        "reps": tuple(reps),
        "quotas": tuple(_quotas(rng, moment, case.cutoffs)),
    }
    tables["changes"] = tuple(with_habits(rng, tables, values_of))
    attributes = {**ATTRIBUTES, "deals": {"product": pa.string(), "seats": pa.int64()}}
    known = (*KNOWN_AT_CREATION, "deals.product", "deals.seats")
    return replace(
        case,
        extract=Extract(tables, until, attributes),
        params=case.params.model_copy(update={"known_at_creation": known}),
    )


def meddle_sales(rng: Random, extract: Extract, moment: datetime) -> Extract:
    """Add, edit and delete rows that cannot be seen at a moment, deals and quotas above all."""
    ids = [row["deal_id"] for row in extract.rows("deals")] or ["nothing"]
    late = max(extract.data_until, moment)

    def later(low: datetime | None = None) -> datetime:
        made = moment + (late - moment) * rng.random()
        return max(rng.choice((moment, made)), low or moment)

    changes = [_change(rng, later, ids) for _ in range(rng.randrange(12))]
    known = [_hidden(rng, row, later) for row in changes]
    quotas = [
        {**row, "known_at": later() + MICROSECOND, "amount": 7.0}
        for row in _quotas(rng, lambda _low=None: rng.choice((moment, extract.data_until)), ())
    ]
    other = meddle(rng, extract, moment, known)
    return other.but("quotas", [*other.rows("quotas"), *quotas])


def _hidden(rng: Random, row: Row, later: Moment) -> Row:
    """Half of them happened before, and nobody could see it yet."""
    if rng.randrange(2):
        return row
    return {**row, "changed_at": row["changed_at"] - timedelta(days=50), "known_at": later()}


def _deal(rng: Random, moment: Moment, deal_id: str, extract: Extract) -> Row:
    created = moment()
    closed = moment(created) if rng.randrange(2) else None
    leads = [row["lead_id"] for row in extract.rows("leads")]
    return {
        "deal_id": deal_id,
        "rep_id": rng.choice((*OWNERS, "ghost")),
        "created_at": created,
        "lead_id": rng.choice((None, "unknown", *leads)),
        "account_id": rng.choice((None, "A1", "A2", "gone")),
        "amount": rng.choice(AMOUNTS),
        "expected_close_at": rng.choice((None, moment())),
        "closed_at": closed,
        "won": None if closed is None else rng.choice((True, True, False, None)),
        "product": rng.choice((None, "car", "boat")),
        "seats": rng.choice((None, 1, 20)),
    }


def _change(rng: Random, moment: Moment, ids: Sequence[str]) -> Row:
    name = rng.choice(FIELDS)
    happened = moment()
    lag = rng.choice((None, None, 0, 1, 20, -2))
    return {
        "entity_type": "deal",
        "entity_id": rng.choice(ids),
        "changed_at": happened,
        "known_at": None if lag is None else happened + timedelta(days=lag),
        "field": name,
        "value": rng.choice(VALUES[name]),
    }


def _quotas(rng: Random, moment: Moment, cutoffs: Sequence[datetime]) -> list[Row]:
    """Give reps periods that do not overlap, some with revisions, some known early."""
    rows: list[Row] = []
    for rep_id in (*OWNERS, "nobody knows")[: rng.choice((0, 2, *[4] * 6))]:
        borders = {moment() for _ in range(rng.randint(2, 4))}
        if cutoffs and rng.randrange(6):
            # A period before, one that runs, and one of both begins or ends at a cutoff.
            first = cutoffs[0] - timedelta(days=rng.choice((3, 20)))
            borders |= {first - timedelta(days=60), first, rng.choice(cutoffs)}
            borders |= {cutoffs[-1] + timedelta(days=rng.choice((0, 5, 30)))}
        borders = sorted(borders)
        for start, end in pairwise(borders):
            if rng.randrange(5) == 0:
                continue
            known = [rng.choice((None, start - timedelta(days=3)))]
            known += [moment(start) + MICROSECOND for _ in range(rng.choice((0, 0, 1, 2)))]
            for at in dict.fromkeys(known):
                row = {"rep_id": rep_id, "period_start": start, "period_end": end}
                rows.append({**row, "amount": rng.choice(QUOTAS), "known_at": at})
    return rows
