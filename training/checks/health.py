"""The health of an extract: what makes forecasts worse without making them wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import ibis
import ibis.expr.types as ir

from features.storage.warehouse import Warehouse
from features.tables import TABLES
from training.checks.finding import Finding, Severity

LATE = timedelta(days=1)
STALE = timedelta(days=90)
A_GAP = timedelta(days=14)
"""Days without a row are a gap from here on, and if three times as long as nine in ten others."""
SOME = 0.02
"""Shares below this are not worth a sentence."""
MANY = 0.2
"""Shares above this are a warning."""
ALL_BUT = 0.95
EVENTS = {
    "leads": "created_at",
    "activities": "occurred_at",
    "changes": "changed_at",
    "deals": "created_at",
}


def health_findings(warehouse: Warehouse) -> Iterator[Finding]:
    """Say what is odd about the rows that are visible."""
    for name, clock in EVENTS.items():
        if name in warehouse.present:
            yield from _pace(warehouse, name, clock)
    for name in ("activities", "changes"):
        if name in warehouse.present:
            yield from _late(warehouse, name)
    if "leads" in warehouse.present:
        yield from _leads(warehouse)
        if "activities" in warehouse.present:
            yield from _activities(warehouse)
    for name in sorted(warehouse.present):
        yield from _constant(warehouse, name)


def _one(warehouse: Warehouse, rows: ir.Table) -> dict[str, int]:
    numbers = warehouse.arrow(rows).to_pylist()[0]
    return {name: int(value or 0) for name, value in numbers.items()}


def _share(about: tuple[str, str | None, str], some: int, of: int, says: str) -> Iterator[Finding]:
    """Tell a share worth telling of a table, column and kind; `says` has a place for it."""
    if of and some / of >= SOME:
        severity: Severity = "warning" if some / of >= MANY else "info"
        told = f"{some:,} of {of:,} ({some / of:.0%})"
        yield Finding(*about, severity, says.format(told))


def _pace(warehouse: Warehouse, name: str, clock: str) -> Iterator[Finding]:
    """Find unusual gaps between the first row and the last, and moments without a time of day."""
    rows = warehouse[name]
    days = rows.group_by(day=rows[clock].date()).aggregate(
        n=rows.count(), sharp=(rows[clock] == rows[clock].date().cast("timestamp(6)")).sum()
    )
    told = warehouse.arrow(days).sort_by("day").to_pylist()
    if not told:
        return
    steps = [(a["day"], b["day"]) for a, b in pairwise(told)]
    usual = sorted(after - before for before, after in steps)[-1 - len(steps) // 10 :][:1]
    longest = max([A_GAP, *(3 * step for step in usual)])
    gaps = [(before, after) for before, after in steps if after - before > longest]
    if gaps:
        first, last = max(gaps, key=lambda gap: gap[1] - gap[0])
        says = (
            f"{name} has {len(gaps)} stretches of more than {longest.days} days without a row, "
            f"the longest between {first} and {last}: if rows are missing there, load "
            "them; if a date is wrong, correct it"
        )
        yield Finding(name, clock, "gap", "warning", says)
    if sum(day["sharp"] for day in told) >= ALL_BUT * sum(day["n"] for day in told):
        says = f"{name}.{clock} has days but no times of day: hours between rows mean nothing"
        yield Finding(name, clock, "days_only", "info", says)


def _late(warehouse: Warehouse, name: str) -> Iterator[Finding]:
    rows, table = warehouse[name], TABLES[name]
    moment = ibis.literal(warehouse.data_until, "timestamp(6)")
    event, known = rows[table.event_time], rows[table.known_at]
    told = _one(
        warehouse,
        rows.aggregate(
            n=rows.count(),
            late=(known > event + ibis.interval(days=LATE.days)).sum(),
            unseen=((known >= moment) & (known > event)).sum(),
        ),
    )
    says = (
        f"{{}} of the {name} were entered more than a day after they happened: a forecast of the "
        "same day does without them, so logging sooner makes it better"
    )
    yield from _share((name, "known_at", "late_logging"), told["late"], told["n"], says)
    if told["unseen"]:
        says = f"{told['unseen']:,} {name} become known only after the data ends: not seen yet"
        yield Finding(name, "known_at", "known_after_end", "info", says)


def _leads(warehouse: Warehouse) -> Iterator[Finding]:
    leads = warehouse["leads"]
    is_open = leads.converted_at.isnull() & leads.lost_at.isnull()
    old = ibis.literal(warehouse.data_until - STALE, "timestamp(6)")
    rows = warehouse["activities"]
    active = rows.filter(rows.occurred_at >= old).select("lead_id").distinct()
    worked = rows.filter(rows.rep_id.notnull()).select("lead_id").distinct()
    changes = warehouse["changes"]
    moved = changes.filter((changes.entity_type == "lead") & (changes.field == "rep_id"))
    owned = worked.union(moved.select(lead_id="entity_id")).distinct()
    told = _one(
        warehouse, leads.aggregate(n=leads.count(), open=is_open.sum(), lost=leads.lost_at.count())
    )
    stale = leads.filter(is_open & (leads.created_at < old)).anti_join(active, "lead_id")
    told["stale"] = _one(warehouse, stale.aggregate(n=stale.count()))["n"]
    nobody = leads.filter(leads.rep_id.isnull()).anti_join(owned, "lead_id")
    told["nobody"] = _one(warehouse, nobody.aggregate(n=nobody.count()))["n"]
    yield from _share(
        ("leads", "lost_at", "stale"),
        told["stale"],
        told["open"],
        "{} open leads are older than 90 days and had no activity in that time: "
        "close them as lost, or they crowd the list and flatter the figures",
    )
    yield from _share(
        ("leads", "rep_id", "no_owner"),
        told["nobody"],
        told["n"],
        "{} leads never had an owner: they are ranked as one pool",
    )
    if told["n"] and not told["lost"]:
        says = "no lead was ever marked lost: leads stay open until they convert"
        yield Finding("leads", "lost_at", "never_lost", "warning", says)


def _activities(warehouse: Warehouse) -> Iterator[Finding]:
    rows, leads = warehouse["activities"], warehouse["leads"]
    reps = warehouse["reps"]
    same = ["lead_id", "deal_id", "type", "occurred_at", "rep_id", "direction", "outcome"]
    known = leads.select(lead="lead_id", created="created_at", won="converted_at")
    seen = rows.left_join(known, rows.lead_id == known.lead)
    told = _one(
        warehouse,
        seen.aggregate(
            n=seen.count(),
            given=seen.lead_id.count(),
            unknown=(seen.lead_id.notnull() & seen.lead.isnull()).sum(),
            before=(seen.occurred_at < seen.created).sum(),
            after=(seen.occurred_at > seen.won).sum(),
        ),
    )
    twice = rows.group_by(same).aggregate(n=rows.count())
    told["twice"] = _one(warehouse, twice.aggregate(n=(twice.n - 1).sum()))["n"]
    strangers = rows.filter(rows.rep_id.notnull()).anti_join(reps, "rep_id")
    told["strangers"] = _one(warehouse, strangers.aggregate(n=strangers.count()))["n"]
    yield from _share(
        ("activities", None, "repeated"),
        told["twice"],
        told["n"],
        "{} activities equal another one in lead, type, time, rep and outcome: "
        "loaded twice they count twice; give them an activity_id",
    )
    yield from _share(
        ("activities", "lead_id", "unknown_lead"),
        told["unknown"],
        told["given"],
        "{} activities name a lead that is not in leads: they count for nobody",
    )
    yield from _share(
        ("activities", "occurred_at", "before_lead"),
        told["before"],
        told["given"],
        "{} activities happened before their lead was created: the clocks of the "
        "two differ, or leads are created afterwards",
    )
    yield from _share(
        ("activities", "occurred_at", "after_conversion"),
        told["after"],
        told["given"],
        "{} activities lie after their lead's conversion: no forecast of it sees them",
    )
    if "reps" in warehouse.present:
        yield from _share(
            ("activities", "rep_id", "unknown_rep"),
            told["strangers"],
            told["n"],
            "{} activities name a rep that is not in reps",
        )


def _constant(warehouse: Warehouse, name: str) -> Iterator[Finding]:
    rows, columns = warehouse[name], sorted(warehouse.attributes(name))
    if not columns:
        return
    told = _one(
        warehouse, rows.aggregate(rows__=rows.count(), **{c: rows[c].nunique() for c in columns})
    )
    if told.pop("rows__") > 1:
        for column in columns:
            if told[column] <= 1:
                what = "is always empty" if told[column] == 0 else "holds one value throughout"
                says = f"{name}.{column} {what}: it tells nothing and can be left out"
                yield Finding(name, column, "constant", "info", says)
