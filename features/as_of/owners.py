"""What surrounds a lead at its cutoff: its owner's record and load, and the whole company's state.

Every figure is taken at the cutoff from outcomes that lay before it; a lead's outcome belongs
to the rep who owned it at the moment of the outcome. Leads of one owner at one cutoff share their
surroundings, so that these are made once for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.arrays import Floats, Ints
from features.clock import to_us
from features.history.calendar import calendar_of
from features.history.counts import WindowCounts
from features.history.relations import SnapshotSet, first_touches, owners, resolved_leads
from features.history.values import as_it_stood, changes_of
from features.snapshot import (
    AVAILABLE_AT,
    CUTOFF,
    ENTITY,
    EVENT_TIME,
    SNAPSHOT,
    Spine,
    as_of_join,
    censor,
    hired,
    observable,
)
from features.storage.warehouse import Warehouse
from features.tables import ACTIVITIES, Column, ColumnKind, Table

Figures = npt.NDArray[Any]

RESOLUTIONS = Table(
    "resolutions",
    (Column("resolved_at", ColumnKind.TIME, required=True),),
    event_time="resolved_at",
)
ARRIVALS = Table(
    "arrivals", (Column("created_at", ColumnKind.TIME, required=True),), event_time="created_at"
)
HIRING = Table("hiring", (), end_of_story=("hired_at",))
"""A rep's row carries no clock; who is hired later is not known yet."""
RATE_DAYS = 28
"""Days over which the company's pace is taken: whole weeks, so that weekdays weigh alike."""
WEEK_DAYS = 7
BILLION = 1_000_000_000
"""Shares are averaged as whole billionths, which add up alike in any order."""
WHO = "who"
PLACE = "place"


@dataclass(frozen=True)
class OwnerContext:
    """What surrounds the snapshots.

    Attributes:
        rows: one row for each owner (nobody included) at each cutoff, numbered by `place`.
        place: of each snapshot, the number of its row.
        ready: columns that are there already, one value a snapshot.
    """

    rows: ir.Table
    place: Ints
    ready: Mapping[str, Floats]


@dataclass(frozen=True)
class Askers:
    """People at cutoffs: all cutoffs of the first, then of the next.

    Attributes:
        people: their ids.
        cutoffs: the moments, rising.
    """

    people: Sequence[str]
    cutoffs: Sequence[datetime]

    def tally(self, warehouse: Warehouse, rows: ir.Table, table: Table) -> WindowCounts:
        """Count what happened to each person before each cutoff.

        Args:
            warehouse: answers.
            rows: rows of `table`, with `who`; what can be added up is called `won`.
            table: names the clock.
        """
        count, places = len(self.cutoffs), range(len(self.people))
        # Who sees a row at any cutoff sees it at the last.
        last = {
            WHO: pa.array(self.people, pa.string()),
            CUTOFF: pa.array([self.cutoffs[-1] for _ in places], pa.timestamp("us")),
            SNAPSHOT: pa.array([place * count for place in places], pa.int64()),
        }
        found = observable(ibis.memtable(pa.table(last)), rows, table, WHO)
        columns = [ENTITY, EVENT_TIME, AVAILABLE_AT, *({"won"} & set(rows.columns))]
        same = np.tile(np.arange(count) > 0, len(self.people))
        moments = np.tile(to_us(np.asarray(self.cutoffs, dtype="datetime64[us]")), len(self.people))
        spine = Spine(same, moments, np.zeros_like(moments))
        return WindowCounts(spine, warehouse.arrow(found.select(*columns)))


def company_rates(
    warehouse: Warehouse, cutoffs: Sequence[datetime], zone: str
) -> dict[str, Figures]:
    """Tell the company's state and the calendar: columns with one value a cutoff, rising."""
    company = Askers(["company"], cutoffs)
    everybody = {WHO: ibis.literal("company")}
    outcomes = company.tally(warehouse, resolved_leads(warehouse).mutate(**everybody), RESOLUTIONS)
    came = warehouse["leads"].select("created_at", **everybody)
    inflow = company.tally(warehouse, came, ARRIVALS)
    calendar = calendar_of(cutoffs, zone)
    made = {
        "resolved": outcomes.count(RATE_DAYS),
        "won": outcomes.total("won", RATE_DAYS),
        "won_week": outcomes.total("won", WEEK_DAYS),
        "resolved_ever": outcomes.count(),
        "won_ever": outcomes.total("won"),
        "created": inflow.count(RATE_DAYS),
        "created_ever": inflow.count(),
    }
    backlog = made["created_ever"] - made["resolved_ever"]
    return {**{str(n): calendar[n].to_numpy() for n in calendar}, **made, "backlog": backlog}


def endings(warehouse: Warehouse) -> ir.Table:
    """Every lead that was won or lost, as a snapshot of that moment, with `won`."""
    ended = resolved_leads(warehouse)
    number = ibis.row_number().over(order_by=ended.lead_id)
    return ended.mutate(**{CUTOFF: ended.resolved_at, SNAPSHOT: number}).drop("resolved_at")


def owner_outcomes(warehouse: Warehouse, ended: ir.Table) -> ir.Table:
    """Name the rep who owned each lead that ended, at that moment: `who, resolved_at, won`."""
    named = ended.inner_join(owners(warehouse, ended), SNAPSHOT)
    return named.select("won", resolved_at=named[CUTOFF], **{WHO: named.owner})


def rep_outcomes(ended: ir.Table, first: ir.Table) -> ir.Table:
    """Name every rep who had an activity on a lead before it ended: `who, resolved_at, won`."""
    worked = as_of_join(ended, first, ACTIVITIES, "lead_id", carry=("won",))
    return worked.select("won", resolved_at=worked[CUTOFF], **{WHO: worked.rep_id})


def describe_owners(
    warehouse: Warehouse, records: ir.Table, columns: Mapping[str, str]
) -> ir.Table:
    """Add what is known of each owner at the cutoff: when hired, and columns of the reps table.

    Args:
        warehouse: holds `reps` and `changes`.
        records: `snapshot, owner, cutoff` and what else is known of them.
        columns: name to give -> column of the reps table.
    """
    reps = warehouse["reps"]
    reps = reps.select("rep_id", "hired_at", **{made: reps[name] for made, name in columns.items()})
    joined = records.left_join(reps, records.owner == reps.rep_id)
    known = hired(joined, joined[CUTOFF])
    told = {n: ibis.ifelse(known, joined[n], ibis.null(joined[n].type())) for n in columns}
    masked = censor(joined.mutate(**told), HIRING, joined[CUTOFF]).drop("rep_id")
    return as_it_stood(masked, changes_of(warehouse, "rep", "owner"), "owner", columns).drop(
        SNAPSHOT
    )


class Moments:
    """The cutoffs of a scene, the company's state at each, and the leads that ended.

    Attributes:
        cutoffs: the moments, rising.
        of: of each snapshot, the place of its cutoff among them.
        market: what `company_rates` tells.
        ended: what `endings` gives.
    """

    def __init__(self, scene: SnapshotSet, spine: Spine) -> None:
        """Ask for the company's state at the cutoffs of all snapshots."""
        self.scene = scene
        rising = np.unique(spine.cutoff)
        self.cutoffs: list[datetime] = rising.astype("datetime64[us]").tolist()
        self.of = np.searchsorted(rising, spine.cutoff)
        self.market = company_rates(scene.warehouse, self.cutoffs, scene.params.timezone)
        self.ended = scene.warehouse.keep(endings(scene.warehouse))

    def __len__(self) -> int:
        """Count the cutoffs."""
        return len(self.cutoffs)

    def tally(self, people: Sequence[str], rows: ir.Table) -> WindowCounts:
        """Count the leads of each person that ended."""
        # Kept first: asked in one, the engine pairs every person with every lead that ended.
        kept = self.scene.warehouse.keep(rows)
        return Askers(people, self.cutoffs).tally(self.scene.warehouse, kept, RESOLUTIONS)

    def rate(self, tally: WindowCounts, days: int | None = None) -> Floats:
        """Tell each person's share of leads won, shrunk towards the company's of that moment.

        As if there had first been `owner_prior` leads at the company's rate (a beta-binomial
        posterior mean).
        """
        prior, market = self.scene.params.owner_prior, self.market
        company = (market["won_ever"] + 1) / (market["resolved_ever"] + 2)
        won, ended = tally.total("won", days), tally.count(days)
        people = len(ended) // len(self)
        rate: Floats = (won + prior * np.tile(company, people)) / (ended + prior)
        return rate


def owner_context(scene: SnapshotSet, spine: Spine, owner: pa.ChunkedArray) -> OwnerContext:
    """Tell each owner's record and load and the company's state, at each cutoff.

    Args:
        scene: the snapshots and the history.
        spine: the same snapshots, lined up.
        owner: of each snapshot.
    """
    moments = Moments(scene, spine)
    names = owner.combine_chunks().dictionary_encode()
    people = names.dictionary.to_pylist()
    # Leads without an owner stand after those of the last.
    code = names.indices.fill_null(len(people)).to_numpy().astype(np.int64)
    cell = code * len(moments) + moments.of
    load = np.bincount(cell, minlength=(len(people) + 1) * len(moments))
    told = {"load": load[: len(people) * len(moments)], **owner_records(moments, people)}
    used = np.flatnonzero(load)
    records = {
        PLACE: pa.array(np.arange(len(used))),
        SNAPSHOT: pa.array(np.arange(len(used))),
        "owner": pa.array([*people, None], pa.string()).take(pa.array(used // len(moments))),
        **{n: pa.array(values[used % len(moments)]) for n, values in moments.market.items()},
        **{n: pa.array(_else_empty(values, used)) for n, values in told.items()},
    }
    rows = ibis.memtable(pa.table(records))
    rows = describe_owners(scene.warehouse, rows, scene.vocabulary.columns_of("reps"))
    return OwnerContext(rows, (np.cumsum(load > 0) - 1)[cell], rep_rates(scene, spine, moments))


def owner_records(moments: Moments, people: Sequence[str]) -> dict[str, Figures]:
    """Tell of owners at all cutoffs how many leads ended lately, and the share that was won."""
    scene = moments.scene
    tally = moments.tally(people, owner_outcomes(scene.warehouse, moments.ended))
    days = scene.params.owner_window_days
    return {"owner_resolved": tally.count(days), "owner_rate": moments.rate(tally, days)}


def rep_rates(scene: SnapshotSet, spine: Spine, moments: Moments) -> dict[str, Floats]:
    """Tell how often leads were won that the snapshot's reps had worked on: mean and best.

    A rep's record counts every lead that ended before the cutoff and that the rep had an activity
    on before it ended, shrunk towards the company's rate as an owner's record is.
    """
    first = scene.warehouse.keep(first_touches(scene.warehouse))
    met = observable(scene.snapshots, first, ACTIVITIES, "lead_id")
    fetched = scene.warehouse.arrow(met.select(ENTITY, AVAILABLE_AT, "rep_id"))
    names = fetched["rep_id"].combine_chunks().dictionary_encode()
    people = names.dictionary.to_pylist()
    tally = moments.tally(people, rep_outcomes(moments.ended, first))
    billionths = np.floor(moments.rate(tally) * BILLION + 0.5).astype(np.int64)
    entity = fetched[ENTITY].to_numpy()
    end = spine.end[entity]
    start = spine.first_after(fetched[AVAILABLE_AT].cast("int64").to_numpy(), entity, end)
    # Each rep with every snapshot that sees it.
    seen = end - start
    skipped = np.cumsum(seen) - seen
    snapshot = np.repeat(start - skipped, seen) + np.arange(seen.sum())
    code = np.repeat(names.indices.to_numpy().astype(np.int64), seen)
    rate = billionths[code * len(moments) + moments.of[snapshot]]
    count = np.bincount(snapshot, minlength=len(spine))
    # Whole numbers far below 2**53: adding them up as floats is exact.
    total, best = np.bincount(snapshot, rate, len(spine)), np.full(len(spine), -1)
    np.maximum.at(best, snapshot, rate)
    none = count == 0
    mean = total / np.where(none, 1, count) / BILLION
    return {
        "reps_rate_mean": np.where(none, np.nan, mean),
        "reps_rate_best": np.where(none, np.nan, best / BILLION),
    }


def _else_empty(figures: Figures, places: Ints) -> Floats:
    """Take figures by their places; beyond their end there is nothing."""
    made = np.full(len(places), np.nan)
    inside = places < len(figures)
    made[inside] = figures[places[inside]]
    return made
