"""The health of an extract: what makes forecasts worse without making them wrong.

Cases, by what is looked at:
    every table with events: long gaps between rows; moments without a time of day.
    activities and changes: rows entered late; rows that become known only after the data ends.
    leads: open leads that nobody has touched for long; leads without an owner; no lead ever lost.
    activities: repeated rows; unknown leads and reps; rows before their lead or after its end.
    every table: attributes that never vary.

A share of rows is said from 2 % on and is a warning from 20 % on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import ibis
import ibis.expr.types as ir

from features.history.values import ENTITY_OF
from features.ingest.deleted import is_deletion_flag
from features.ingest.finding import Severity
from features.storage.warehouse import Warehouse
from features.tables import TABLES
from training.checks.finding import Finding

LATE = timedelta(days=1)
_AT_ONCE = 50
"""Columns that are looked at in one query."""
STALE = timedelta(days=90)
SHORTEST_GAP = timedelta(days=14)
SAID = 0.02
"""Shares below this are not worth a sentence."""
MANY = 0.2
"""Shares from here on are a warning."""
ALL_BUT = 0.95
EVENTS = {
    "leads": "created_at",
    "activities": "occurred_at",
    "changes": "changed_at",
    "deals": "created_at",
}


@dataclass(frozen=True)
class ActivityShare:
    """A share of activities that may be worth a sentence.

    Attributes:
        column: what the finding is about; None for the whole row.
        kind: the finding's kind, and the count's name.
        of: the count it is a share of.
        says: the sentence, with `{}` in place of the share.
    """

    column: str | None
    kind: str
    of: str
    says: str


SHARES = (
    ActivityShare(
        None,
        "repeated",
        "n",
        "{} activities equal another one in lead, type, time, rep and outcome: "
        "loaded twice they count twice; give them an activity_id",
    ),
    ActivityShare(
        "lead_id",
        "unknown_lead",
        "of_leads",
        "{} activities name a lead that is not in leads: they count for nobody",
    ),
    ActivityShare(
        "occurred_at",
        "before_lead",
        "of_leads",
        "{} activities happened before their lead was created: the clocks of the "
        "two differ, or leads are created afterwards",
    ),
    ActivityShare(
        "occurred_at",
        "after_conversion",
        "of_leads",
        "{} activities lie after their lead's conversion: no forecast of it sees them",
    ),
    ActivityShare("rep_id", "unknown_rep", "n", "{} activities name a rep that is not in reps"),
)


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


def _counts(warehouse: Warehouse, rows: ir.Table) -> dict[str, int]:
    """Fetch the one row of an aggregate; an empty sum counts 0."""
    row = warehouse.arrow(rows).to_pylist()[0]
    return {name: int(value or 0) for name, value in row.items()}


def _number(warehouse: Warehouse, rows: ir.Table) -> int:
    return _counts(warehouse, rows.aggregate(n=rows.count()))["n"]


def _share(about: tuple[str, str | None, str], part: int, of: int, says: str) -> Iterator[Finding]:
    """Report a share of rows that is worth a sentence.

    Args:
        about: table, column and kind of the finding.
        part: how many rows it is about.
        of: how many rows there are; of none there is nothing to say.
        says: the sentence, with `{}` in place of the share.
    """
    if of and part / of >= SAID:
        severity: Severity = "warning" if part / of >= MANY else "info"
        share = f"{part:,} of {of:,} ({part / of:.0%})"
        yield Finding(*about, severity, says.format(share))


def _pace(warehouse: Warehouse, name: str, clock: str) -> Iterator[Finding]:
    """Find unusual gaps between the first row and the last, and moments without a time of day."""
    rows = warehouse[name]
    # A date without a time of day was read as its midnight.
    at_midnight = rows[clock] == rows[clock].date().cast("timestamp(6)")
    grouped = rows.group_by(day=rows[clock].date())
    fetched = warehouse.arrow(grouped.aggregate(n=rows.count(), at_midnight=at_midnight.sum()))
    days = fetched.sort_by("day").to_pylist()
    if not days:
        return
    longest, gaps = unusual_gaps([day["day"] for day in days])
    if gaps:
        first, last = max(gaps, key=lambda gap: gap[1] - gap[0])
        where = f"between {first} and {last}"
        if len(gaps) > 1:
            where = f"{len(gaps)} times, for longest {where}"
        says = (
            f"{name} goes more than {longest.days} days without a row {where}: if rows are missing "
            "there, load them; if a date is wrong, correct it"
        )
        yield Finding(name, clock, "gap", "warning", says)
    if sum(day["at_midnight"] for day in days) >= ALL_BUT * sum(day["n"] for day in days):
        says = f"{name}.{clock} has days but no times of day: hours between rows mean nothing"
        yield Finding(name, clock, "days_only", "info", says)


def unusual_gaps(days: Sequence[date]) -> tuple[timedelta, list[tuple[date, date]]]:
    """Find steps between days with rows that are longer than is usual for the table.

    A step is unusual if it is longer than 14 days, and longer than three times the step that nine
    in ten do not exceed. With fewer than ten steps that is the longest of all, so that nothing is
    unusual.

        days with rows                      nine in ten   longest usual   unusual
        30 days on end, then one 20 later   1 day         14 days         the 20 days
        30 Mondays, then one day 20 later   7 days        21 days         nothing
        2 days, a year apart                365 days      1,095 days      nothing

    Args:
        days: rising, without repetition.

    Returns:
        The longest usual step, and the unusual ones by their first and last day.
    """
    steps = list(pairwise(days))
    lengths = sorted(after - before for before, after in steps)
    # A slice, since one day alone has no steps: then it is empty, and 14 days are usual.
    nine_in_ten = lengths[-1 - len(steps) // 10 :][:1]
    longest = max([SHORTEST_GAP, *(3 * length for length in nine_in_ten)])
    return longest, [(before, after) for before, after in steps if after - before > longest]


def _late(warehouse: Warehouse, name: str) -> Iterator[Finding]:
    """Find rows entered more than a day after they happened, and rows from beyond the end."""
    rows, table = warehouse[name], TABLES[name]
    moment = ibis.literal(warehouse.data_until, "timestamp(6)")
    event, known = rows[table.event_time], rows[table.known_at]
    counts = _counts(
        warehouse,
        rows.aggregate(
            n=rows.count(),
            late=(known > event + ibis.interval(days=LATE.days)).sum(),
            unseen=((known >= moment) & (known > event)).sum(),
        ),
    )
    # An activity planned ahead is known before it happens: early, not late.
    says = (
        f"{{}} of the {name} were entered more than a day after they happened: a forecast of the "
        "same day does without them, so logging sooner makes it better"
    )
    yield from _share((name, "known_at", "late_logging"), counts["late"], counts["n"], says)
    # They are not wrong, only not visible yet.
    if counts["unseen"]:
        says = f"{counts['unseen']:,} {name} become known only after the data ends: not seen yet"
        yield Finding(name, "known_at", "known_after_end", "info", says)


def _leads(warehouse: Warehouse) -> Iterator[Finding]:
    """Find open leads that nobody works, leads that nobody owns, and a CRM that loses none."""
    leads = warehouse["leads"]
    is_open = leads.converted_at.isnull() & leads.lost_at.isnull()
    counts = _counts(
        warehouse, leads.aggregate(n=leads.count(), open=is_open.sum(), lost=leads.lost_at.count())
    )
    yield from _share(
        ("leads", "lost_at", "stale"),
        _number(warehouse, _stale(warehouse, leads.filter(is_open))),
        counts["open"],
        "{} open leads are older than 90 days and had no activity in that time: "
        "close them as lost, or they crowd the list and flatter the figures",
    )
    yield from _share(
        ("leads", "rep_id", "no_owner"),
        _number(warehouse, _without_owner(warehouse)),
        counts["n"],
        "{} leads have no owner that is known: they are ranked as one pool",
    )
    # Without lost leads an open lead is any that has not converted, however old it is.
    if counts["n"] and not counts["lost"]:
        says = "no lead was ever marked lost: leads stay open until they convert"
        yield Finding("leads", "lost_at", "never_lost", "warning", says)


def _stale(warehouse: Warehouse, open_leads: ir.Table) -> ir.Table:
    """Open leads that are older than 90 days and were not touched in that time."""
    limit = ibis.literal(warehouse.data_until - STALE, "timestamp(6)")
    rows = warehouse["activities"]
    active = rows.filter(rows.occurred_at >= limit).select("lead_id").distinct()
    return open_leads.filter(open_leads.created_at < limit).anti_join(active, "lead_id")


def _without_owner(warehouse: Warehouse) -> ir.Table:
    """Leads without a rep of their own, in any change of owner, and in any activity."""
    leads, rows, changes = (warehouse[name] for name in ("leads", "activities", "changes"))
    worked = rows.filter(rows.rep_id.notnull()).select("lead_id").distinct()
    moved = changes.filter((changes.entity_type == "lead") & (changes.field == "rep_id"))
    # A row that empties the owner names nobody.
    moved = moved.filter(moved["value"].notnull())
    owned = worked.union(moved.select(lead_id="entity_id")).distinct()
    return leads.filter(leads.rep_id.isnull()).anti_join(owned, "lead_id")


def _activities(warehouse: Warehouse) -> Iterator[Finding]:
    """Find activities that are repeated, belong to nobody, or lie outside their lead's life."""
    counts = _activity_counts(warehouse)
    for share in SHARES:
        # Without the table of reps every rep would be unknown.
        if share.kind != "unknown_rep" or "reps" in warehouse.present:
            about = ("activities", share.column, share.kind)
            yield from _share(about, counts[share.kind], counts[share.of], share.says)


def _activity_counts(warehouse: Warehouse) -> dict[str, int]:
    """Count activities, those that name a lead, and those of each kind of `SHARES`."""
    rows, leads = warehouse["activities"], warehouse["leads"]
    known = leads.select(lead="lead_id", created="created_at", won="converted_at")
    joined = rows.left_join(known, rows.lead_id == known.lead)
    counts = _counts(
        warehouse,
        joined.aggregate(
            n=joined.count(),
            of_leads=joined.lead_id.count(),
            unknown_lead=(joined.lead_id.notnull() & joined.lead.isnull()).sum(),
            before_lead=(joined.occurred_at < joined.created).sum(),
            after_conversion=(joined.occurred_at > joined.won).sum(),
        ),
    )
    # Only these columns can tell that a row without an activity_id was delivered twice.
    same = ["lead_id", "deal_id", "type", "occurred_at", "rep_id", "direction", "outcome"]
    groups = rows.group_by(same).aggregate(n=rows.count())
    # Of three equal rows two are repeated.
    repeated = _counts(warehouse, groups.aggregate(n=(groups.n - 1).sum()))["n"]
    strangers = rows.filter(rows.rep_id.notnull()).anti_join(warehouse["reps"], "rep_id")
    return {**counts, "repeated": repeated, "unknown_rep": _number(warehouse, strangers)}


def _constant(warehouse: Warehouse, name: str) -> Iterator[Finding]:
    """Find attributes of a table of two rows or more that are empty or hold one value."""
    entity = ENTITY_OF.get(name, "")
    rows, columns = warehouse[name], sorted(warehouse.attributes(name))
    # A column whose field has a history is empty by itself: `changes` holds its values.
    columns = [column for column in columns if not warehouse.has_history(entity, column)]
    # Of rows that were marked as deleted none are left.
    columns = [column for column in columns if not is_deletion_flag(column)]
    if not columns:
        return
    # Of a single row every column holds one value.
    if _number(warehouse, rows) <= 1:
        return
    counts: dict[str, int] = {}
    for start in range(0, len(columns), _AT_ONCE):
        # Counting different values would hold them all, for each of hundreds of columns.
        kinds: dict[str, Any] = {
            column: ibis.cases(
                (rows[column].count() == 0, 0),
                (rows[column].min() == rows[column].max(), 1),
                else_=2,
            )
            for column in columns[start : start + _AT_ONCE]
        }
        counts |= _counts(warehouse, rows.aggregate(**kinds))
    for column in columns:
        if counts[column] <= 1:
            what = "is always empty" if counts[column] == 0 else "holds one value throughout"
            says = f"{name}.{column} {what}: it tells nothing and can be left out"
            yield Finding(name, column, "constant", "info", says)
