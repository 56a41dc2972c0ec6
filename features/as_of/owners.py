"""The context of a lead at its cutoff: its owner's record and load, and the company's state.

Every figure is taken at the cutoff from outcomes that lay before it; a lead's outcome belongs
to the rep who owned it at the moment of the outcome. Leads of one owner at one cutoff share their
context, so that it is computed once for all of them.
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
from features.as_of.outcomes import (
    RESOLUTIONS,
    REVISED,
    WHO,
    first_touches,
    owner_outcomes,
    rep_outcomes,
    resolution_snapshots,
    touches_of_reps,
)
from features.clock import MOMENT, to_us
from features.history.calendar import calendar_of
from features.history.counts import WindowCounts, deletions, microseconds
from features.history.relations import SnapshotSet, resolved_leads
from features.history.values import as_it_stood, changes_of
from features.history.vocabulary import Vocabulary
from features.snapshot import (
    AVAILABLE_AT,
    CUTOFF,
    DELETED_AT,
    ENTITY,
    EVENT_TIME,
    SNAPSHOT,
    censor,
    deletion_in,
    hired,
    observable,
    undeleted,
)
from features.spine import Spine
from features.storage.warehouse import Warehouse
from features.tables import ACTIVITIES, Column, ColumnKind, Table

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
PLACE = "place"


@dataclass(frozen=True)
class OwnerContext:
    """The context of the snapshots.

    Attributes:
        rows: one row for each owner (nobody included) at each cutoff, numbered by `place`.
        place: of each snapshot, the number of its row.
        ready: columns that are there already, one value a snapshot.
    """

    rows: ir.Table
    place: Ints
    ready: Mapping[str, Floats]


@dataclass(frozen=True)
class Panel:
    """People at cutoffs, in the order of a panel: all cutoffs of the first, then of the next.

    Attributes:
        people: their ids.
        cutoffs: the moments, rising.
    """

    people: Sequence[str]
    cutoffs: Sequence[datetime]

    def counts(self, warehouse: Warehouse, rows: ir.Table, table: Table) -> WindowCounts:
        """Count what each person had before each cutoff.

        Args:
            warehouse: answers.
            rows: rows of `table`, with `who`; what can be added up is called `won`.
            table: names the clock.
        """
        # To the door each person is an entity with one snapshot, the last cutoff: what is seen at
        # any cutoff is seen there. The spine then lines up all cutoffs of all people.
        width, people = len(self.cutoffs), len(self.people)
        last = {
            WHO: pa.array(self.people, pa.string()),
            CUTOFF: pa.array([self.cutoffs[-1]] * people, pa.timestamp("us")),
            SNAPSHOT: pa.array([place * width for place in range(people)], pa.int64()),
        }
        visible = observable(ibis.memtable(pa.table(last)), rows, table, WHO)
        won = {"won"} & set(rows.columns)
        columns = [ENTITY, EVENT_TIME, AVAILABLE_AT, *deletion_in(rows), *won]
        same = np.tile(np.arange(width) > 0, people)
        moments = np.tile(to_us(np.asarray(self.cutoffs, dtype=MOMENT)), people)
        spine = Spine(same, moments, np.zeros_like(moments))
        return WindowCounts(spine, warehouse.arrow(visible.select(*columns)))


def company_state(
    warehouse: Warehouse, cutoffs: Sequence[datetime], zone: str
) -> dict[str, npt.NDArray[Any]]:
    """Count the company's leads and look up the calendar: columns with one value a cutoff.

    Args:
        warehouse: the history.
        cutoffs: the moments, rising.
        zone: the business's time zone.

    Returns:
        The columns of `calendar_of`; leads `resolved`, `won` and `created` in the last 28 days,
        `won_week`, and each `..._ever`; `backlog`, the leads that are open.
    """
    company = Panel(["company"], cutoffs)
    everybody = {WHO: ibis.literal("company")}
    outcomes = company.counts(warehouse, resolved_leads(warehouse).mutate(**everybody), RESOLUTIONS)
    leads = warehouse.ever("leads")
    leads = leads.select("created_at", **everybody, **deletion_in(leads))
    arrivals = company.counts(warehouse, leads, ARRIVALS)
    calendar = calendar_of(cutoffs, zone)
    counts = {
        "resolved": outcomes.count(RATE_DAYS),
        "won": outcomes.total("won", RATE_DAYS),
        "won_week": outcomes.total("won", WEEK_DAYS),
        "resolved_ever": outcomes.count(),
        "won_ever": outcomes.total("won"),
        "created": arrivals.count(RATE_DAYS),
        "created_ever": arrivals.count(),
    }
    backlog = counts["created_ever"] - counts["resolved_ever"]
    return {**{str(n): calendar[n].to_numpy() for n in calendar}, **counts, "backlog": backlog}


def describe_owners(warehouse: Warehouse, records: ir.Table, vocabulary: Vocabulary) -> ir.Table:
    """Add what is known of each owner at the cutoff: when hired, and columns of the reps table.

    Args:
        warehouse: holds `reps` and `changes`.
        records: `snapshot, owner, cutoff` and what else is known of them.
        vocabulary: names the columns of the reps table.
    """
    reps, columns = warehouse.ever("reps"), vocabulary.columns_of("reps")
    values = vocabulary.values_in(reps, "reps")
    reps = reps.select("rep_id", "hired_at", **values, **deletion_in(reps))
    is_own = [records.owner == reps.rep_id, *undeleted(reps, records[CUTOFF])]
    joined = records.left_join(reps, is_own).drop(*deletion_in(reps))
    is_known = hired(joined, joined[CUTOFF])
    own = {n: ibis.ifelse(is_known, joined[n], ibis.null(joined[n].type())) for n in columns}
    censored = censor(joined.mutate(**own), HIRING, joined[CUTOFF]).drop("rep_id")
    changes = changes_of(warehouse, "rep", "owner")
    return as_it_stood(censored, changes, "owner", columns).drop(SNAPSHOT)


class CompanyHistory:
    """The company at the cutoffs of a snapshot set: its state, and the leads that had ended.

    Attributes:
        snapshot_set: the snapshots.
        cutoffs: the moments, rising.
        place: of each snapshot, the place of its cutoff among them.
        state: what `company_state` returns.
        ended: what `resolution_snapshots` returns.
    """

    def __init__(self, snapshot_set: SnapshotSet, spine: Spine) -> None:
        """Count the company's leads at the cutoffs of all snapshots."""
        self.snapshot_set = snapshot_set
        warehouse, rising = snapshot_set.warehouse, np.unique(spine.cutoff)
        self.cutoffs: list[datetime] = rising.astype(MOMENT).tolist()
        self.place = np.searchsorted(rising, spine.cutoff)
        self.state = company_state(warehouse, self.cutoffs, snapshot_set.params.timezone)
        self.ended = warehouse.keep(resolution_snapshots(warehouse))

    def __len__(self) -> int:
        """Count the cutoffs."""
        return len(self.cutoffs)

    def counts(self, people: Sequence[str], rows: ir.Table) -> WindowCounts:
        """Count the leads of each person that had ended by each cutoff."""
        # Kept first: asked in one, the engine pairs every person with every lead that ended.
        warehouse = self.snapshot_set.warehouse
        table = REVISED if "known_at" in rows.columns else RESOLUTIONS
        return Panel(people, self.cutoffs).counts(warehouse, warehouse.keep(rows), table)

    def win_rate(self, counts: WindowCounts, days: int | None = None) -> Floats:
        """Estimate each person's share of leads won, shrunk towards the company's of that moment.

        The posterior mean of a beta-binomial model: as if there had first been `owner_prior` leads
        at the company's rate.

        Args:
            counts: what `counts` returns.
            days: how far back outcomes count; None counts all.
        """
        # With a prior of 20 leads, and a company that won 9 of 98 so far, (9 + 1) / (98 + 2) = 0.1:
        #
        #   nothing ended yet     (0 + 2) / (0 + 20)  = 0.10, the company's
        #   won 4 of 5            (4 + 2) / (5 + 20)  = 0.24
        #   won 0 of 30           (0 + 2) / (30 + 20) = 0.04
        prior, state = self.snapshot_set.params.owner_prior, self.state
        company = (state["won_ever"] + 1) / (state["resolved_ever"] + 2)
        won, ended = counts.total("won", days), counts.count(days)
        people = len(ended) // len(self)
        rate: Floats = (won + prior * np.tile(company, people)) / (ended + prior)
        return rate


def owner_context(snapshot_set: SnapshotSet, spine: Spine, owner: pa.ChunkedArray) -> OwnerContext:
    """Compute each owner's record and load and the company's state, at each cutoff.

    Args:
        snapshot_set: the snapshots and the history.
        spine: the same snapshots, lined up.
        owner: of each snapshot.
    """
    # Owners and cutoffs make a panel; each snapshot lies in one of its cells, and a cell with a
    # snapshot becomes one row. Owners a and b, two cutoffs, so that nobody is owner 2:
    #
    #   snapshot of a, first cutoff          cell 0 * 2 + 0 = 0    row 0
    #   another of a, first cutoff           cell 0                row 0: load 2
    #   one of nobody, second cutoff         cell 2 * 2 + 1 = 5    row 1: load 1
    #
    # Records end with the cells of the last owner: nobody has a place, and no record.
    history = CompanyHistory(snapshot_set, spine)
    names = owner.combine_chunks().dictionary_encode()
    people = names.dictionary.to_pylist()
    code = names.indices.fill_null(len(people)).to_numpy().astype(np.int64)
    cell = code * len(history) + history.place
    load = np.bincount(cell, minlength=(len(people) + 1) * len(history))
    records = {"load": load[: len(people) * len(history)], **owner_records(history, people)}
    used = np.flatnonzero(load)
    columns = {
        PLACE: pa.array(np.arange(len(used))),
        SNAPSHOT: pa.array(np.arange(len(used))),
        "owner": pa.array([*people, None], pa.string()).take(pa.array(used // len(history))),
        **{n: pa.array(values[used % len(history)]) for n, values in history.state.items()},
        **{n: pa.array(_taken(values, used)) for n, values in records.items()},
    }
    rows = ibis.memtable(pa.table(columns))
    rows = describe_owners(snapshot_set.warehouse, rows, snapshot_set.vocabulary)
    return OwnerContext(rows, (np.cumsum(load > 0) - 1)[cell], rep_rates(history, spine))


def owner_records(history: CompanyHistory, people: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """Count each owner's leads that ended lately, and estimate the share won, at all cutoffs."""
    snapshot_set = history.snapshot_set
    counts = history.counts(people, owner_outcomes(snapshot_set.warehouse, history.ended))
    days = snapshot_set.params.owner_window_days
    return {"owner_resolved": counts.count(days), "owner_rate": history.win_rate(counts, days)}


def rep_rates(history: CompanyHistory, spine: Spine) -> dict[str, Floats]:
    """Average the records of all reps who had worked on the snapshot's lead, and take the best.

    A rep's record counts every lead that ended before the cutoff and that the rep had an activity
    on before it ended, shrunk towards the company's rate as an owner's record is.
    """
    snapshot_set, warehouse = history.snapshot_set, history.snapshot_set.warehouse
    touches = touches_of_reps(warehouse)
    first = warehouse.keep(first_touches(touches))
    visible = observable(snapshot_set.snapshots, first, ACTIVITIES, "lead_id")
    rows = warehouse.arrow(visible.select(ENTITY, AVAILABLE_AT, "rep_id", *deletion_in(first)))
    names = rows["rep_id"].combine_chunks().dictionary_encode()
    worked = touches if DELETED_AT in touches.columns else first
    counts = history.counts(names.dictionary.to_pylist(), rep_outcomes(history.ended, worked))
    billionths = np.floor(history.win_rate(counts) * BILLION + 0.5).astype(np.int64)
    # Each rep with every snapshot that sees it: the numbers from `start` up to `end`, all spans
    # behind each other. A lead with snapshots 4, 5, 6, rep a seen from 4 on and rep b from 6 on:
    #
    #   length 3, 1; before 0, 3     4 - 0 and 6 - 3, repeated    4 4 4 3
    #                                + 0 1 2 3                    4 5 6 6
    entity = rows[ENTITY].to_numpy()
    end = spine.end[entity]
    start = spine.first_after(microseconds(rows[AVAILABLE_AT]), entity, end)
    if DELETED_AT in rows.column_names:
        end = np.maximum(start, spine.first_after(deletions(rows), entity, end))
    length = end - start
    before = np.cumsum(length) - length
    snapshot = np.repeat(start - before, length) + np.arange(length.sum())
    code = np.repeat(names.indices.to_numpy().astype(np.int64), length)
    rate = billionths[code * len(history) + history.place[snapshot]]
    count = np.bincount(snapshot, minlength=len(spine))
    # Whole numbers far below 2**53: adding them up as floats is exact.
    total, best = np.bincount(snapshot, rate, len(spine)), np.full(len(spine), -1)
    np.maximum.at(best, snapshot, rate)
    nobody = count == 0
    mean = total / np.where(nobody, 1, count) / BILLION
    return {
        "reps_rate_mean": np.where(nobody, np.nan, mean),
        "reps_rate_best": np.where(nobody, np.nan, best / BILLION),
    }


def _taken(values: npt.NDArray[Any], places: Ints) -> Floats:
    """Take values by their places; beyond their end there is nothing (NaN)."""
    taken = np.full(len(places), np.nan)
    inside = places < len(values)
    taken[inside] = values[places[inside]]
    return taken
