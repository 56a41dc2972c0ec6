"""What surrounds a lead at its cutoff: its owner's record and load, and the whole company's state.

Every figure is taken at the cutoff from outcomes that lay before it; a lead's outcome belongs
to the rep who owned it at the moment of the outcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import ibis
import ibis.expr.types as ir

from features.calendar import calendar_of
from features.feature import DAY_US
from features.params import FeatureParams
from features.relations import Scene, as_it_stood, changes_of, owners, rep_touches
from features.snapshot import CUTOFF, SNAPSHOT, hired, mask, pairs
from features.tables import Column, Kind, Table
from features.warehouse import Warehouse

RESOLUTIONS = Table(
    "resolutions", (Column("resolved_at", Kind.TIME, required=True),), event_time="resolved_at"
)
ARRIVALS = Table(
    "arrivals", (Column("created_at", Kind.TIME, required=True),), event_time="created_at"
)
HIRING = Table("hiring", (), end_of_story=("hired_at",))
"""A rep's row carries no clock; who is hired later is not known yet."""
RATE_DAYS = 28
"""Days over which the company's pace is taken: whole weeks, so that weekdays weigh alike."""
WEEK_DAYS = 7
BILLION = 1_000_000_000
"""Shares are averaged as whole billionths, which add up alike in any order."""


def resolved_leads(warehouse: Warehouse) -> ir.Table:
    """Every lead that was won or lost, when, and which: `lead_id, rep_id, resolved_at, won`."""
    leads = warehouse["leads"]
    won = leads.converted_at.notnull() & (
        leads.lost_at.isnull() | (leads.converted_at <= leads.lost_at)
    )
    ended = leads.mutate(
        won=won.cast("int64"), resolved_at=ibis.ifelse(won, leads.converted_at, leads.lost_at)
    )
    return ended.filter(ended.resolved_at.notnull()).select(
        "lead_id", "rep_id", "resolved_at", "won"
    )


def resolutions(warehouse: Warehouse) -> ir.Table:
    """Every lead that was won or lost, with the rep who owned it at that moment."""
    ended = resolved_leads(warehouse)
    rows = ended.mutate(
        **{CUTOFF: ended.resolved_at, SNAPSHOT: ibis.row_number().over(order_by=ended.lead_id)}
    )
    rows = warehouse.keep(rows)
    named = rows.inner_join(owners(warehouse, rows), SNAPSHOT)
    return named.select("owner", "won", "resolved_at")


def company_rates(warehouse: Warehouse, cutoffs: Sequence[datetime], zone: str) -> ir.Table:
    """The company's state at each cutoff, one row a cutoff, with the calendar."""
    calendar = ibis.memtable(calendar_of(cutoffs, zone))
    moments = calendar.mutate(
        **{SNAPSHOT: ibis.row_number().over(order_by=calendar.cutoff), "everyone": 1}
    )
    ended = resolved_leads(warehouse)
    month = RATE_DAYS * DAY_US
    seen = pairs(moments, ended.mutate(everyone=1), RESOLUTIONS, "everyone")
    outcomes = seen.group_by(SNAPSHOT).aggregate(
        resolved=seen.count(where=seen.age_us <= month),
        won=seen.won.sum(where=seen.age_us <= month),
        won_week=seen.won.sum(where=seen.age_us <= WEEK_DAYS * DAY_US),
        resolved_ever=seen.count(),
        won_ever=seen.won.sum(),
    )
    leads = warehouse["leads"].select("created_at").mutate(everyone=1)
    came = pairs(moments, leads, ARRIVALS, "everyone")
    inflow = came.group_by(SNAPSHOT).aggregate(
        created=came.count(where=came.age_us <= month), created_ever=came.count()
    )
    joined = moments.left_join(outcomes, SNAPSHOT).drop(f"{SNAPSHOT}_right")
    joined = joined.left_join(inflow, SNAPSHOT).drop(f"{SNAPSHOT}_right")
    counts = ("resolved", "won", "won_week", "resolved_ever", "won_ever", "created", "created_ever")
    filled = joined.mutate(**{name: joined[name].fill_null(0) for name in counts})
    return filled.mutate(backlog=filled.created_ever - filled.resolved_ever).drop(
        SNAPSHOT, "everyone"
    )


def owner_records(
    warehouse: Warehouse, leads: ir.Table, market: ir.Table, params: FeatureParams
) -> ir.Table:
    """Each owner's record and load at each cutoff: one row for each `owner, cutoff`.

    The rate is shrunk towards the company's rate of that moment, as if the owner had first had
    `owner_prior` leads at that rate (a beta-binomial posterior mean).

    Args:
        warehouse: tells the outcomes.
        leads: all open leads at each cutoff, with `owner`.
        market: what `company_rates` gives.
        params: how far back, and how strong the prior is.
    """
    open_leads = leads.filter(leads.owner.notnull())
    load = open_leads.group_by("owner", CUTOFF).aggregate(load=open_leads.count())
    numbered = load.mutate(**{SNAPSHOT: ibis.row_number().over(order_by=[load.cutoff, load.owner])})
    numbered = warehouse.keep(numbered)
    ended = resolutions(warehouse)
    seen = pairs(numbered, ended.filter(ended.owner.notnull()), RESOLUTIONS, "owner")
    recent = seen.age_us <= params.owner_window_days * DAY_US
    record = seen.group_by(SNAPSHOT).aggregate(
        owner_resolved=seen.count(where=recent), owner_won=seen.won.sum(where=recent)
    )
    joined = numbered.left_join(record, SNAPSHOT).drop(f"{SNAPSHOT}_right")
    joined = joined.mutate(
        owner_resolved=joined.owner_resolved.fill_null(0), owner_won=joined.owner_won.fill_null(0)
    )
    joined = joined.left_join(market.select(CUTOFF, "resolved_ever", "won_ever"), CUTOFF)
    company = (joined.won_ever + 1) / (joined.resolved_ever + 2)
    prior = params.owner_prior
    rate = (joined.owner_won + prior * company) / (joined.owner_resolved + prior)
    return joined.mutate(owner_rate=rate).select(
        SNAPSHOT, "owner", CUTOFF, "load", "owner_resolved", "owner_rate"
    )


def describe_owners(
    warehouse: Warehouse, records: ir.Table, columns: Mapping[str, str]
) -> ir.Table:
    """Add what is known of each owner at the cutoff: when hired, and columns of the reps table.

    Args:
        warehouse: holds `reps` and `changes`.
        records: what `owner_records` gives.
        columns: name to give -> column of the reps table.
    """
    reps = warehouse["reps"]
    reps = reps.select("rep_id", "hired_at", **{made: reps[name] for made, name in columns.items()})
    joined = records.left_join(reps, records.owner == reps.rep_id)
    known = hired(joined, joined[CUTOFF])
    told = {n: ibis.ifelse(known, joined[n], ibis.null(joined[n].type())) for n in columns}
    masked = mask(joined.mutate(**told), HIRING, joined[CUTOFF]).drop("rep_id")
    return as_it_stood(masked, changes_of(warehouse, "rep", "owner"), "owner", columns).drop(
        SNAPSHOT
    )


def rep_rates(scene: Scene, market: ir.Table) -> ir.Table:
    """How often leads were won that the snapshot's reps had worked on: mean and best of its reps.

    A rep's record counts every lead that ended before the cutoff and that the rep had an activity
    on before it ended, shrunk towards the company's rate as an owner's record is.
    """
    warehouse, prior = scene.warehouse, scene.params.owner_prior
    ended = resolved_leads(warehouse)
    endings = warehouse.keep(
        ended.mutate(
            **{CUTOFF: ended.resolved_at, SNAPSHOT: ibis.row_number().over(order_by=ended.lead_id)}
        )
    )
    worked = rep_touches(warehouse, endings)
    record = worked.inner_join(endings.select(SNAPSHOT, "resolved_at", "won"), SNAPSHOT)
    record = warehouse.keep(record.select("rep_id", "resolved_at", "won"))
    own = warehouse.keep(rep_touches(warehouse, scene.snapshots))
    met = own.inner_join(scene.snapshots.select(SNAPSHOT, CUTOFF), SNAPSHOT)
    asked = met.select("rep_id", CUTOFF).distinct()
    asked = warehouse.keep(
        asked.mutate(**{SNAPSHOT: ibis.row_number().over(order_by=[asked.cutoff, asked.rep_id])})
    )
    seen = pairs(asked, record, RESOLUTIONS, "rep_id")
    told = seen.group_by(SNAPSHOT).aggregate(ended=seen.count(), won=seen.won.sum())
    known = asked.left_join(told, SNAPSHOT).drop(f"{SNAPSHOT}_right")
    known = known.left_join(market.select(CUTOFF, "resolved_ever", "won_ever"), CUTOFF)
    company = (known.won_ever + 1) / (known.resolved_ever + 2)
    rate = (known.won.fill_null(0) + prior * company) / (known.ended.fill_null(0) + prior)
    rates = known.select("rep_id", CUTOFF, billionths=(rate * BILLION).round().cast("int64"))
    # Kept, so that the engine knows how few they are before it joins them with millions.
    joined = met.inner_join(warehouse.keep(rates), ["rep_id", CUTOFF])
    return joined.group_by(SNAPSHOT).aggregate(
        reps_rate_mean=joined.billionths.sum().cast("float64") / joined.count() / BILLION,
        reps_rate_best=joined.billionths.max().cast("float64") / BILLION,
    )


def surroundings(scene: Scene) -> ir.Table:
    """Join each snapshot with its owner's record and the company's state, one row each."""
    snapshots = scene.snapshots
    cutoffs = scene.warehouse.arrow(snapshots.select(CUTOFF).distinct())[CUTOFF].to_pylist()
    market = company_rates(scene.warehouse, sorted(cutoffs), scene.params.timezone)
    market = scene.warehouse.keep(market)
    records = owner_records(scene.warehouse, snapshots, market, scene.params)
    records = describe_owners(scene.warehouse, records, scene.vocabulary.columns_of("reps"))
    records = scene.warehouse.keep(records)
    joined = snapshots.left_join(
        records, (snapshots.owner == records.owner) & (snapshots[CUTOFF] == records[CUTOFF])
    ).drop("owner_right", "cutoff_right")
    joined = joined.left_join(market, CUTOFF).drop("cutoff_right")
    return joined.left_join(rep_rates(scene, market), SNAPSHOT).drop(f"{SNAPSHOT}_right")
