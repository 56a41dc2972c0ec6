"""The one door to the past: which rows, and which columns of them, a cutoff may see.

Half-open on both clocks: a row counts when its event time < cutoff and its known_at < cutoff.
Everything that reads history for a feature goes through this module: no other one compares a
time with a cutoff to decide what may be seen.

    visible, hired         which rows
    censor                 which columns: those that tell the end of the story are emptied
    as_of_extract          both, for one moment: the extract as it would have been made then
    as_of_join             every snapshot with every row it sees
    observable             every row that some snapshot sees, once; `Spine.first_after` says which
    open_leads, quotas_at  what snapshots are taken of
    versions_at            how deals and leads stood
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np

from features.arrays import Bools, Ints
from features.clock import midnight
from features.errors import InputError
from features.tables import LEADS, QUOTAS, Table

SNAPSHOT = "snapshot"
CUTOFF = "cutoff"
ENTITY = "entity"
EVENT_TIME = "event_time"
AVAILABLE_AT = "available_at"
VALID_FROM = "valid_from"
VALID_TO = "valid_to"


def visible(rows: ir.Table, table: Table, cutoff: ir.TimestampValue | datetime) -> ir.BooleanValue:
    """Tell for each row whether it may be seen at the cutoff. This is the law of time.

    Args:
        rows: rows of `table`, perhaps joined with snapshots.
        table: names the columns that carry the two clocks.
        cutoff: one moment, or the cutoff column of the joined snapshots.
    """
    moment = _moment(cutoff)
    if table.known_from_start:
        return rows[table.known_at] <= moment
    is_visible = ibis.literal(value=True)
    for clock in (table.event_time, table.known_at):
        if clock is not None:
            is_visible = is_visible & (rows[clock] < moment)
    return is_visible


def _moment(cutoff: ir.TimestampValue | datetime) -> ir.TimestampValue:
    return ibis.literal(cutoff, "timestamp(6)") if isinstance(cutoff, datetime) else cutoff


def hired(reps: ir.Table, cutoff: ir.TimestampValue | datetime) -> ir.BooleanValue:
    """Tell for each rep whether the cutoff knows of it: hired before it, or at no known date."""
    return reps.hired_at.isnull() | (reps.hired_at < _moment(cutoff))


def censor(rows: ir.Table, table: Table, cutoff: ir.TimestampValue | datetime) -> ir.Table:
    """Empty the columns that tell the end of the story where it lies at or after the cutoff.

    Args:
        rows: rows of `table`, perhaps joined with snapshots.
        table: names the columns. How a deal ended (`won`) is emptied with its `closed_at`.
        cutoff: one moment, or the cutoff column of the joined snapshots.
    """
    moment = _moment(cutoff)
    censored = {
        name: ibis.ifelse(rows[name] < moment, rows[name], ibis.null("timestamp(6)"))
        for name in table.end_of_story
    }
    if table.name == "deals":
        censored["won"] = ibis.ifelse(rows["closed_at"] < moment, rows["won"], ibis.null("boolean"))
    return rows.mutate(**censored) if censored else rows


def has_arrived(known_at: datetime, cutoff: datetime) -> bool:
    """Tell whether a cutoff may see a single row by when it came; half-open like everything."""
    return known_at < cutoff


def as_of_extract(rows: ir.Table, table: Table, cutoff: datetime) -> ir.Table:
    """Return the extract of one table as it would have been made at the cutoff."""
    return censor(rows.filter(visible(rows, table, cutoff)), table, cutoff)


def as_of_join(
    snapshots: ir.Table, rows: ir.Table, table: Table, key: str, carry: Sequence[str] = ()
) -> ir.Table:
    """Join every snapshot with all rows of its entity that its cutoff may see.

    Args:
        snapshots: has `snapshot`, `cutoff` and the column `key`.
        rows: rows of `table`, holding `key` too.
        table: names the two clocks.
        key: the column both sides share.
        carry: further columns of the snapshots to keep.

    Returns:
        The rows with `snapshot`, `cutoff`, what is carried, and `age_us`: microseconds from the
        event to the cutoff, always > 0.

    Raises:
        InputError: the table has no event time.
    """
    if table.event_time is None:
        raise InputError(f"table {table.name} has no event time, so it has no history to join")
    spine = snapshots.select(SNAPSHOT, CUTOFF, *carry, same=snapshots[key])
    joined = spine.inner_join(rows, spine.same == rows[key]).drop("same")
    joined = joined.filter(visible(joined, table, joined[CUTOFF]))
    return joined.mutate(age_us=joined[CUTOFF].delta(joined[table.event_time], unit="microsecond"))


def observable(snapshots: ir.Table, rows: ir.Table, table: Table, key: str) -> ir.Table:
    """Return every row once that some snapshot of its entity may see.

    `Spine.first_after` says which snapshots those are: all whose cutoff lies after `available_at`.

    Args:
        snapshots: numbered by entity and cutoff; they hold the column `key`.
        rows: rows of `table`, holding `key` too.
        table: names the two clocks.
        key: the column both sides share.

    Returns:
        The rows with `entity`, the number of their entity's first snapshot, `event_time`, and
        `available_at`, the later of the two clocks.
    """
    # What any snapshot of an entity sees, its last one sees: clocks only run forward.
    last = snapshots.group_by(same=snapshots[key]).aggregate(
        **{ENTITY: snapshots[SNAPSHOT].min().cast("int32"), CUTOFF: snapshots[CUTOFF].max()}
    )
    joined = rows.inner_join(last, rows[key] == last.same).drop("same")
    clocks = [joined[name] for name in (table.event_time, table.known_at) if name is not None]
    available_at = ibis.greatest(*clocks) if len(clocks) > 1 else clocks[0]
    return joined.filter(visible(joined, table, joined[CUTOFF])).mutate(
        **{EVENT_TIME: clocks[0], AVAILABLE_AT: available_at}
    )


class Spine:
    """The snapshots of a set in their order: by entity, those of one by rising cutoff.

    Attributes:
        cutoff: of each snapshot, in microseconds.
        entity: the number of the first snapshot of the same entity.
        end: the number after the entity's last snapshot.
        age: microseconds from the entity's creation to the cutoff.
        created: the entity's creation, in microseconds.
        offset: how many snapshots of the set stand before these.
    """

    def __init__(self, same: Bools, cutoff: Ints, age: Ints, offset: int = 0) -> None:
        """Number the entities.

        Args:
            same: whether a snapshot is of the same entity as the one before it.
            cutoff: of each snapshot, in microseconds.
            age: of the snapshot's entity at the cutoff, in microseconds.
            offset: how many snapshots of the set stand before these.
        """
        self._same, self.offset = same, offset
        first = np.flatnonzero(~same).astype(np.int32)
        count = np.diff(first, append=np.int32(len(same)))
        self.entity = np.repeat(first, count)
        self.end = np.repeat(first + count, count)
        self.cutoff, self.age, self.created = cutoff, age, cutoff - age
        self._cutoff = np.append(cutoff, np.iinfo(np.int64).max)

    def __len__(self) -> int:
        """Count the snapshots."""
        return len(self.cutoff)

    def parts(self, size: int) -> Iterator[Spine]:
        """Cut the snapshots into parts of about `size`, no entity in two of them."""
        starts = np.unique(self.entity[::size]).tolist()
        for low, high in pairwise([*starts, len(self)]):
            part = slice(low, high)
            yield Spine(self._same[part], self.cutoff[part], self.age[part], self.offset + low)

    def first_after(self, moment: Ints, low: Ints, high: Ints) -> Ints:
        """Find the first snapshot from `low` on whose cutoff lies after the moment, else `high`.

        For the later of a row's clocks this is the law of time once more: the first snapshot that
        may see the row. For its event time plus the days of a window it is the first snapshot
        whose window no longer holds the row.

        Args:
            moment: of each row, in microseconds.
            low: of each row, the first snapshot that may be the answer.
            high: of each row, the snapshot before which the search ends.
        """
        # Most rows are done with the first look; the rest is searched by halves, all at once.
        place = low.copy()
        left = np.flatnonzero((low < high) & (self._cutoff[low] <= moment))
        moment, low, high = moment[left], low[left] + 1, high[left]
        while (open_ := low < high).any():
            middle = (low + high) // 2
            after = self._cutoff[middle] > moment
            high = np.where(after & open_, middle, high)
            low = np.where(after | ~open_, low, middle + 1)
        place[left] = low
        return place


def open_leads(leads: ir.Table, cutoffs: ir.Table) -> ir.Table:
    """Return every lead that is open at each cutoff: created before it, neither won nor lost yet.

    Args:
        leads: the leads table.
        cutoffs: one column `cutoff`; with a column `lead_id` too, each cutoff is asked of that
            lead alone.

    Returns:
        The leads as their cutoff may see them, with `cutoff`.
    """
    # A column of the extract may have the very name under which the cutoff travels.
    leads = leads.drop(*(name for name in leads.columns if name.lower() == CUTOFF))
    pairs = [leads[LEADS.event_time] < cutoffs[CUTOFF]]
    if "lead_id" in cutoffs.columns:
        pairs.append(leads["lead_id"] == cutoffs["lead_id"])
    joined = leads.inner_join(cutoffs, pairs)
    censored = censor(joined, LEADS, joined[CUTOFF])
    return censored.filter(censored.converted_at.isnull() & censored.lost_at.isnull())


def versions_at(
    snapshots: ir.Table, versions: ir.Table, key: str | None, carry: Sequence[str] = ()
) -> ir.Table:
    """Join every snapshot with the versions that are valid at its cutoff.

    A version is valid once its `valid_from` lies before the cutoff, until its `valid_to` does too:
    half-open like everything that is seen.

    Args:
        snapshots: has `snapshot`, `cutoff` and the column `key`.
        versions: has `valid_from` and `valid_to`, and the owner under the name `owner`.
        key: the column of the snapshots that names the owner; None takes everybody's versions.
        carry: further columns of the snapshots to keep.
    """
    # Of versions [day 1, day 5) and [day 5, ...), a cutoff on day 1 meets none, one on day 5 the
    # first (what happens on day 5 is not seen yet), and one just after it the second.
    same = {} if key is None else {"same": snapshots[key]}
    spine = snapshots.select(SNAPSHOT, CUTOFF, *carry, **same)
    is_valid = [versions[VALID_FROM] < spine[CUTOFF], versions[VALID_TO] >= spine[CUTOFF]]
    if key is not None:
        is_valid.append(versions.owner == spine.same)
    joined = spine.inner_join(versions, is_valid)
    return joined.drop("same") if key is not None else joined


def quotas_at(quotas: ir.Table, cutoffs: ir.Table, *, ended: bool) -> ir.Table:
    """Return the quotas each cutoff knows of, of periods that run at it or have ended by it.

    Args:
        quotas: the quotas table.
        cutoffs: one column `cutoff`.
        ended: periods that ended at or before the cutoff, else those that it lies in.

    Returns:
        `rep_id, period_start, period_end, cutoff, quota`, of each period the revision that was
        known last (of two at one moment, the greater).
    """
    rows = quotas.select("rep_id", "period_start", "period_end", "known_at", quota=quotas.amount)
    joined = rows.inner_join(cutoffs, rows.period_start <= cutoffs[CUTOFF])
    is_over = joined.period_end <= joined[CUTOFF]
    known = joined.filter(
        visible(joined, QUOTAS, joined[CUTOFF]) & (is_over if ended else ~is_over)
    )
    revision = ibis.row_number().over(
        group_by=[known.rep_id, known.period_start, known.period_end, known[CUTOFF]],
        order_by=[known.known_at.desc(), known.quota.desc()],
    )
    known = known.mutate(revision=revision)
    return known.filter(known.revision == 0).drop("revision", "known_at")


def within(moment: Any, start: Any, end: Any) -> Any:
    """Tell for each moment whether it lies in a period: the start belongs to it, the end does not.

    Args:
        moment: an ibis or pandas column.
        start: of the same kind.
        end: of the same kind.
    """
    return (moment >= start) & (moment < end)


def grid(start: datetime, end: datetime, every_days: int) -> list[datetime]:
    """Lay midnight cutoffs from `start` to `end` inclusive, every so many days, never re-anchored.

    >>> [c.day for c in grid(datetime(2024, 1, 1), datetime(2024, 1, 8), 3)]
    [1, 4, 7]
    """
    if every_days < 1:
        raise InputError(f"the step between cutoffs must be 1 day or more, it was {every_days}")
    first, last = midnight(start), midnight(end)
    if last < first:
        raise InputError(f"the last cutoff {last:%Y-%m-%d} lies before the first {first:%Y-%m-%d}")
    count = (last - first).days // every_days + 1
    return [first + timedelta(days=k * every_days) for k in range(count)]


def cutoff_table(cutoffs: Sequence[datetime]) -> ir.Table:
    """Put cutoffs into a table of one column, rising, each once."""
    return ibis.memtable({CUTOFF: sorted(set(cutoffs))}, schema={CUTOFF: "timestamp(6)"})
