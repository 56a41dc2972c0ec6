"""The one door to the past: which rows, and which columns of them, a cutoff may see.

Half-open on both clocks: a row counts when its event time < cutoff and its known_at < cutoff.
A row that the CRM deleted counts until then: at the cutoffs up to its `deleted_at`, that one
included. Tables without deleted rows have no such column, and no condition is asked of them.
Everything that reads history for a feature goes through this module: no other one compares a
time with a cutoff to decide what may be seen.

    visible, hired         which rows
    undeleted, standing    which of them the CRM had not deleted
    censor                 which columns: those that tell the end of the story are emptied
    as_of_extract          both, for one moment: the extract as it would have been made then
    as_of_join             every snapshot with every row it sees
    observable             every row that some snapshot sees, once; `Spine.first_after` says which
    open_leads, quotas_at  what snapshots are taken of
    versions_at            how deals and leads stood
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

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
DELETED_AT = "deleted_at"
"""When the CRM deleted a row; of tables without any such row no column."""
NEVER = datetime(9999, 12, 31)
"""The end of what is still so."""
LEFT_FROM = "left_from"
ASKED_AT = "asked_at"
"""Of snapshots of the past that a later cutoff looks back on: the cutoff whose rows they show."""


def visible(rows: ir.Table, table: Table, cutoff: ir.TimestampValue | datetime) -> ir.BooleanValue:
    """Tell for each row whether it may be seen at the cutoff. This is the law of time.

    Args:
        rows: rows of `table`, perhaps joined with snapshots.
        table: names the columns that carry the two clocks.
        cutoff: one moment, or the cutoff column of the joined snapshots.
    """
    return ibis.and_(_is_shown(rows, table, cutoff), *undeleted(rows, cutoff))


def _is_shown(
    rows: ir.Table, table: Table, cutoff: ir.TimestampValue | datetime
) -> ir.BooleanValue:
    """Tell for each row whether it was there by the cutoff, deleted since or not."""
    moment = _moment(cutoff)
    if table.known_from_start:
        return rows[table.known_at] <= moment
    is_shown = ibis.literal(value=True)
    for clock in (table.event_time, table.known_at):
        if clock is not None:
            is_shown = is_shown & (rows[clock] < moment)
    return is_shown


def undeleted(rows: ir.Table, cutoff: ir.TimestampValue | datetime) -> tuple[ir.BooleanValue, ...]:
    """Return the condition that the CRM had not deleted a row before the cutoff, if any is needed.

    A deletion is seen as an end is, once it lies before the cutoff: a row deleted on day 5 is there
    at the cutoff on day 5, and gone just after it.
    """
    if DELETED_AT not in rows.columns:
        return ()
    return (rows[DELETED_AT].isnull() | (rows[DELETED_AT] >= _moment(cutoff)),)


def standing(rows: ir.Table, moment: datetime) -> ir.Table:
    """Return the rows that the CRM had not deleted before a moment, without their `deleted_at`."""
    conditions = undeleted(rows, moment)
    return rows.filter(conditions).drop(DELETED_AT) if conditions else rows


def deletion_in(rows: ir.Table) -> dict[str, ir.Value]:
    """Return the moment of deletion as a column to select, where a table has deleted rows."""
    return {DELETED_AT: rows[DELETED_AT]} if DELETED_AT in rows.columns else {}


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
    censored: dict[str, ir.Value] = {
        name: _before(rows[name], moment) for name in table.end_of_story
    }
    if table.name == "deals":
        censored["won"] = ibis.ifelse(rows["closed_at"] < moment, rows["won"], ibis.null("boolean"))
    return rows.mutate(**censored) if censored else rows


def _before(column: ir.TimestampValue, moment: ir.TimestampValue) -> ir.Value:
    """Return a moment where it lies before another, else nothing."""
    return ibis.ifelse(column < moment, column, ibis.null("timestamp(6)"))


def first_left(rows: ir.Table, group: Sequence[str], order: Sequence[ir.Value]) -> ir.Table:
    """Return the stretches of time in which each row is the first of its group that is left.

    Of those in order, deleted on day 5, on day 3, on day 8 and never, the first is the first up to
    day 5, the second never, the third from after day 5 up to day 8, the last after that.

    Args:
        rows: have `deleted_at`.
        group: the columns that make a group.
        order: of the rows of a group.

    Returns:
        The rows that are first at some time: `left_from`, after which (empty: always), and
        `deleted_at`, up to which.
    """
    ends = ibis.coalesce(rows[DELETED_AT], ibis.literal(NEVER, "timestamp(6)"))
    rows = rows.mutate(**{DELETED_AT: ends})
    before = ibis.window(group_by=[*group], order_by=[*order], rows=(None, -1))
    rows = rows.mutate(**{LEFT_FROM: rows[DELETED_AT].max().over(before)})
    return rows.filter(rows[LEFT_FROM].isnull() | (rows[LEFT_FROM] < rows[DELETED_AT]))


def has_arrived(known_at: datetime, cutoff: datetime) -> bool:
    """Tell whether a cutoff may see a single row by when it came; half-open like everything."""
    return known_at < cutoff


def as_of_extract(rows: ir.Table, table: Table, cutoff: datetime) -> ir.Table:
    """Return the extract of one table as it would have been made at the cutoff.

    What was deleted before it is there still, for whoever looks at cutoffs before the deletion.
    """
    shown = censor(rows.filter(_is_shown(rows, table, cutoff)), table, cutoff)
    if DELETED_AT not in rows.columns:
        return shown
    return shown.mutate(**{DELETED_AT: _before(shown[DELETED_AT], _moment(cutoff))})


def as_of_join(
    snapshots: ir.Table, rows: ir.Table, table: Table, key: str, carry: Sequence[str] = ()
) -> ir.Table:
    """Join every snapshot with all rows of its entity that its cutoff may see.

    Args:
        snapshots: has `snapshot`, `cutoff` and the column `key`; with `asked_at` too, what was
            deleted before that moment is not seen, else what was before the cutoff.
        rows: rows of `table`, holding `key` too.
        table: names the two clocks.
        key: the column both sides share.
        carry: further columns of the snapshots to keep.

    Returns:
        The rows, without their `deleted_at`, with `snapshot`, `cutoff`, what is carried, and
        `age_us`: microseconds from the event to the cutoff, always > 0.

    Raises:
        InputError: the table has no event time.
    """
    if table.event_time is None:
        raise InputError(f"table {table.name} has no event time, so it has no history to join")
    asked = ASKED_AT if ASKED_AT in snapshots.columns else CUTOFF
    names = dict.fromkeys((SNAPSHOT, CUTOFF, asked, *carry))
    spine = snapshots.select(*names, same=snapshots[key])
    joined = spine.inner_join(rows, spine.same == rows[key]).drop("same")
    joined = joined.filter(_is_shown(joined, table, joined[CUTOFF]))
    if conditions := undeleted(joined, joined[asked]):
        joined = joined.filter(conditions).drop(DELETED_AT)
    joined = joined.drop(asked) if asked not in (CUTOFF, *carry) else joined
    return joined.mutate(age_us=joined[CUTOFF].delta(joined[table.event_time], unit="microsecond"))


def observable(snapshots: ir.Table, rows: ir.Table, table: Table, key: str) -> ir.Table:
    """Return every row once that some snapshot of its entity may see.

    `Spine.first_after` says which snapshots those are: all whose cutoff lies after `available_at`,
    up to the last one that does not lie after `deleted_at`, where there is that column.

    Args:
        snapshots: numbered by entity and cutoff; they hold the column `key`.
        rows: rows of `table`, holding `key` too.
        table: names the two clocks.
        key: the column both sides share.

    Returns:
        The rows with `entity`, the number of their entity's first snapshot, `event_time`, and
        `available_at`, the later of the two clocks; `deleted_at` where there is one.
    """
    # What any snapshot of an entity sees, its last one sees, or saw until it was deleted: clocks
    # only run forward.
    last = snapshots.group_by(same=snapshots[key]).aggregate(
        **{ENTITY: snapshots[SNAPSHOT].min().cast("int32"), CUTOFF: snapshots[CUTOFF].max()}
    )
    joined = rows.inner_join(last, rows[key] == last.same).drop("same")
    clocks = [joined[name] for name in (table.event_time, table.known_at) if name is not None]
    available_at = ibis.greatest(*clocks) if len(clocks) > 1 else clocks[0]
    return joined.filter(_is_shown(joined, table, joined[CUTOFF])).mutate(
        **{EVENT_TIME: clocks[0], AVAILABLE_AT: available_at}
    )


def open_leads(leads: ir.Table, cutoffs: ir.Table) -> ir.Table:
    """Return every lead that is open at each cutoff: created before it, and not ended by then.

    Won, lost and deleted leads have ended.

    Args:
        leads: the leads table.
        cutoffs: one column `cutoff`; with a column `lead_id` too, each cutoff is asked of that
            lead alone.

    Returns:
        The leads as their cutoff may see them, with `cutoff`.
    """
    # A column of the extract may have the very name under which the cutoff travels.
    leads = leads.drop(*(name for name in leads.columns if name.lower() == CUTOFF))
    pairs = [leads[LEADS.event_time] < cutoffs[CUTOFF], *undeleted(leads, cutoffs[CUTOFF])]
    if "lead_id" in cutoffs.columns:
        pairs.append(leads["lead_id"] == cutoffs["lead_id"])
    joined = leads.inner_join(cutoffs, pairs).drop(*deletion_in(leads))
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
    names = ("rep_id", "period_start", "period_end", "known_at")
    rows = quotas.select(*names, quota=quotas.amount, **deletion_in(quotas))
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
    return known.filter(known.revision == 0).drop("revision", "known_at", *deletion_in(quotas))


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
