"""How deals and leads stood, version by version: what the CRM showed of each, from when to when.

A version is valid from the moment a change is first shown until the next one is. Every cutoff
meets exactly one version of a deal that exists and was not deleted before it, so that owners,
amounts and stages as of any cutoff are found by one join, and a row that is shown late changes
nothing before it was shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.types as ir

from features.history.relations import resolved_leads
from features.history.values import as_number, as_time, changes_of, thousandths
from features.history.vocabulary import OWNER_FIELD
from features.snapshot import AVAILABLE_AT, DELETED_AT, NEVER, VALID_FROM, VALID_TO, deletion_in
from features.storage.warehouse import Warehouse
from features.tables import DEALS

DEAL_FIELDS = ("rep_id", "stage", "amount", "expected_close_at")
"""Fields of deals that have columns of their own here."""
RELATED = ("lead_id", "account_id")
"""What a deal belongs to: read from `changes` only where it has a history there."""
WORKED_BY = "worked_by"
"""The field that stands for the rep of an activity."""


def deal_versions(warehouse: Warehouse) -> ir.Table:
    """Return every version of every deal.

    Returns:
        `deal_id, valid_from, valid_to, ended, won` (0 or 1), `owner, stage, amount, thousandths,
        expected_close_at, created_at, closed_at, lead_id, account_id`. `closed_at` holds only
        where `ended` is 1. Of two values of one moment the greater text counts; where no change
        was shown yet, the column does, which is empty where the field has a history. The owner is
        found as `as_of.leads.lead_owners` finds it, a deal's activities in place of a lead's.
    """
    deals = warehouse.ever("deals")
    deals = deals.select(*(column.name for column in DEALS.columns), **deletion_in(deals))
    deals = deals.mutate(ended_at=deals.closed_at)
    related = [name for name in RELATED if warehouse.has_history("deal", name)]
    fields = [*DEAL_FIELDS, *related]
    changes = changes_of(warehouse, "deal", "deal_id")
    changes = _ranked(changes.filter(changes["field"].isin(fields)), "deal_id")
    if warehouse.has_history("deal", OWNER_FIELD):
        changes = _together(changes, _workers(warehouse, deals, changes, "deal_id"))
        fields.append(WORKED_BY)
    rows = _until_deleted(_versions(deals, changes, "deal_id", fields), deals, "deal_id")

    def as_shown(name: str, column: ir.Value, new: ir.Value) -> ir.Value:
        return ibis.ifelse(rows[f"is_{name}"], new, column)

    amount = as_shown("amount", as_number(rows.amount), as_number(rows.new_amount))
    new_due = as_time(rows.new_expected_close_at)
    belongs_to = {
        name: as_shown(name, rows[name], rows[f"new_{name}"]) if name in related else rows[name]
        for name in RELATED
    }
    return rows.select(
        "deal_id",
        VALID_FROM,
        VALID_TO,
        "ended",
        "created_at",
        "closed_at",
        **belongs_to,
        won=rows.ended * rows.won.cast("int64").fill_null(0),
        owner=_owner(rows),
        stage=rows.new_stage,
        amount=amount,
        thousandths=thousandths(amount),
        expected_close_at=as_shown("expected_close_at", rows.expected_close_at, new_due),
    )


def lead_versions(warehouse: Warehouse) -> ir.Table:
    """Return every version of every lead.

    Returns:
        `lead_id, valid_from, valid_to, ended, won` (0 or 1), `owner, created_at, ended_at`; the
        owner as `as_of.leads.lead_owners` names it.
    """
    ended = resolved_leads(warehouse)
    ended = ended.select("lead_id", ended_at=ended.resolved_at, is_won=ended.won)
    leads = warehouse.ever("leads")
    leads = leads.select("lead_id", "created_at", "rep_id", **deletion_in(leads))
    leads = leads.left_join(ended, "lead_id").drop("lead_id_right")
    changes = changes_of(warehouse, "lead", "lead_id")
    handovers = _ranked(changes.filter(changes["field"] == OWNER_FIELD), "lead_id")
    changes = _together(handovers, _workers(warehouse, leads, handovers, "lead_id"))
    fields = (OWNER_FIELD, WORKED_BY)
    rows = _until_deleted(_versions(leads, changes, "lead_id", fields), leads, "lead_id")
    return rows.select(
        "lead_id",
        VALID_FROM,
        VALID_TO,
        "ended",
        "created_at",
        "ended_at",
        won=rows.ended * rows.is_won.fill_null(0),
        owner=_owner(rows),
    )


def _until_deleted(versions: ir.Table, entities: ir.Table, key: str) -> ir.Table:
    """Join versions with their entities; with the deletion of one its versions are over."""
    rows = versions.inner_join(entities, key)
    if DELETED_AT not in entities.columns:
        return rows
    ends = ibis.coalesce(rows[DELETED_AT], ibis.literal(NEVER, "timestamp(6)"))
    rows = rows.mutate(**{VALID_TO: ibis.least(rows[VALID_TO], ends)}).drop(DELETED_AT)
    return rows.filter(rows[VALID_FROM] < rows[VALID_TO])


def _together(changes: ir.Table, others: ir.Table) -> ir.Table:
    """Return all of two sets of changes; where one has deleted rows, both get the column."""
    if (DELETED_AT in changes.columns) == (DELETED_AT in others.columns):
        return changes.union(others)
    never = {DELETED_AT: ibis.null("timestamp(6)")}
    both = (
        rows if DELETED_AT in rows.columns else rows.mutate(**never) for rows in (changes, others)
    )
    return ibis.union(*both)


def _owner(rows: ir.Table) -> ir.StringValue:
    """The rep a change names, be it nobody; before the first change the own one, or a worker."""
    own = [rows.rep_id]
    if (worked_by := f"new_{WORKED_BY}") in rows.columns:
        own.append(rows[worked_by])
    return ibis.ifelse(rows[f"is_{OWNER_FIELD}"], rows[f"new_{OWNER_FIELD}"], ibis.coalesce(*own))


def _workers(warehouse: Warehouse, entities: ir.Table, handovers: ir.Table, key: str) -> ir.Table:
    """Who worked on leads or deals before an owner was shown, as changes of a field.

    Of two at one moment the lesser id counts.

    Args:
        warehouse: holds `activities`.
        entities: `key, created_at, rep_id`.
        handovers: what `_ranked` returns of changes, those of other fields perhaps among them.
        key: the id.
    """
    # Once a change of the owner is shown, no worker counts any more: of the activities, far more
    # than changes, only those are laid out that are shown before it. Of leads without a rep of
    # their own, created on day 1:
    #
    #   owner first shown on day   activities laid out
    #   1                          none
    #   5                          those shown before day 5
    #   never                      all
    owners = handovers.filter(handovers["field"] == OWNER_FIELD)
    if DELETED_AT in owners.columns:
        # Once it is deleted, workers count again.
        owners = owners.filter(owners[DELETED_AT].isnull())
    first = owners.group_by(same=owners[key]).aggregate(first_shown=owners[AVAILABLE_AT].min())
    nobodys = entities.filter(entities.rep_id.isnull()).select(key, "created_at")
    nobodys = nobodys.left_join(first, nobodys[key] == first.same)
    is_empty_for_a_while = nobodys.first_shown.isnull() | (nobodys.first_shown > nobodys.created_at)
    nobodys = nobodys.filter(is_empty_for_a_while).select(key, "first_shown")
    rows = warehouse.ever("activities")
    rows = rows.filter(rows[key].notnull() & rows.rep_id.notnull())
    rows = rows.inner_join(nobodys, key)
    available_at = ibis.greatest(rows.occurred_at, rows.known_at)
    rows = rows.filter(rows.first_shown.isnull() | (available_at < rows.first_shown))
    changes = rows.select(
        "known_at",
        key,
        changed_at=rows.occurred_at,
        field=ibis.literal(WORKED_BY),
        value=rows.rep_id,
        **deletion_in(rows),
    )
    return _ranked(changes, key, lesser=True)


def _ranked(changes: ir.Table, key: str, *, lesser: bool = False) -> ir.Table:
    """Number the values of each field in the order in which they count, by `changed_at`.

    Args:
        changes: `key, field, changed_at, known_at, value`, and perhaps `deleted_at`.
        key: the id.
        lesser: of two values at one moment the lesser counts, not the greater.

    Returns:
        `key, field, value, available_at` (when it is first shown) and `rank`; `deleted_at` too.
    """
    changes = changes.filter(changes.known_at.notnull())
    value = changes["value"]
    # The value that counts comes last: the greatest text, or the least; an empty one first.
    order = [changes.changed_at, value.desc() if lesser else value.asc(nulls_first=True)]
    rank = ibis.row_number().over(group_by=[changes[key], changes["field"]], order_by=order)
    available_at = ibis.greatest(changes.changed_at, changes.known_at)
    columns = {AVAILABLE_AT: available_at, **deletion_in(changes)}
    return changes.select(key, "field", "value", **columns, rank=rank.cast("int64"))


def _versions(entities: ir.Table, changes: ir.Table, key: str, fields: Sequence[str]) -> ir.Table:
    """Lay out the moments at which an entity came to be shown otherwise, with what holds from each.

    Args:
        entities: `key, created_at, ended_at`.
        changes: what `_ranked` returns.
        key: the id.
        fields: the fields to lay out.

    Returns:
        `key, valid_from, valid_to, ended`, and for each field `is_<field>`, whether a change of it
        was shown, and `new_<field>`, the value.
    """
    # A version begins
    #   - when the entity is created,
    #   - when it ends (at its creation if the end lies before that),
    #   - when a change is first shown (at its creation if that is before the entity exists), and
    #   - when a change is deleted: then the highest rank of those that are left holds.
    # From each beginning the change with the highest rank of those shown by then holds, so that
    # one that is shown late, but happened earlier than another, displaces nothing. Stages of a
    # deal that is created on day 1:
    #
    #   changed on day   known on day   value   rank        valid from   highest rank   stage
    #   2                2              new     0           1            none           column
    #   4                9              offer   1           2            0              new
    #   6                6              talk    2           6            2              talk
    #                                                       9            2              talk
    moments = _beginnings(entities, changes, key, fields)
    ranks = [f"rank_{place}" for place in range(len(fields))]
    by_moment = moments.group_by(key, "moment").aggregate(
        ended=moments.ended.max(), **{rank: moments[rank].max() for rank in ranks}
    )
    in_order = {"group_by": by_moment[key], "order_by": by_moment.moment}
    so_far, following = ibis.window(**in_order, rows=(None, 0)), ibis.window(**in_order)
    next_moment = by_moment.moment.lead().over(following)
    rows = by_moment.select(
        key,
        **{VALID_FROM: by_moment.moment, "ended": by_moment.ended.max().over(so_far)},
        **{rank: by_moment[rank].max().over(so_far) for rank in ranks},
        **{VALID_TO: ibis.coalesce(next_moment, ibis.literal(NEVER, "timestamp(6)"))},
    )
    if DELETED_AT in changes.columns:
        gone = changes.filter(changes[DELETED_AT].notnull()).select(key).distinct()
        by_rank = dict(zip(ranks, fields, strict=True))
        told_otherwise = rows.drop(*ranks).semi_join(gone, key)
        told_otherwise = _left_ranks(told_otherwise, changes, key, by_rank)
        rows = rows.anti_join(gone, key).union(told_otherwise.select(*rows.columns))
    for rank, name in zip(ranks, fields, strict=True):
        rows = _with_value(rows, changes.filter(changes["field"] == name), key, rank, name)
    return rows.drop(*ranks)


def _beginnings(entities: ir.Table, changes: ir.Table, key: str, fields: Sequence[str]) -> ir.Table:
    """Every moment at which a version may begin: `key, moment, ended, rank_0, rank_1` ..."""
    ranks = [f"rank_{place}" for place in range(len(fields))]
    no_change = dict.fromkeys(ranks, ibis.null("int64"))
    creations = entities.select(key, moment=entities.created_at, ended=ibis.literal(0, "int64"))
    over = entities.filter(entities.ended_at.notnull())
    end = ibis.greatest(over.ended_at, over.created_at)
    ends = over.select(key, moment=end, ended=ibis.literal(1, "int64"))
    rows = changes.inner_join(entities.select(key, created=entities.created_at), key)
    by_field: Mapping[str, ir.Value] = {
        rank: ibis.ifelse(rows["field"] == name, rows["rank"], ibis.null("int64"))
        for rank, name in zip(ranks, fields, strict=True)
    }
    shown = rows.select(
        key,
        moment=ibis.greatest(rows[AVAILABLE_AT], rows.created),
        ended=ibis.literal(0, "int64"),
        **by_field,
    )
    moments = creations.mutate(**no_change).union(ends.mutate(**no_change)).union(shown)
    if DELETED_AT not in rows.columns:
        return moments
    gone = rows.filter(rows[DELETED_AT].notnull())
    deletions = gone.select(
        key,
        moment=ibis.greatest(gone[DELETED_AT], gone.created),
        ended=ibis.literal(0, "int64"),
        **no_change,
    )
    return moments.union(deletions)


def _left_ranks(
    versions: ir.Table, changes: ir.Table, key: str, fields: Mapping[str, str]
) -> ir.Table:
    """Add to each version the highest rank of the changes shown and not deleted when it begins."""
    held = changes.select(AVAILABLE_AT, DELETED_AT, "field", "rank", own=changes[key])
    joined = versions.left_join(
        held,
        (versions[key] == held.own)
        & (held[AVAILABLE_AT] <= versions[VALID_FROM])
        & (held[DELETED_AT].isnull() | (held[DELETED_AT] > versions[VALID_FROM])),
    )
    highest = {
        rank: joined["rank"].max(where=joined["field"] == name) for rank, name in fields.items()
    }
    return joined.group_by(*versions.columns).aggregate(**highest)


def _with_value(rows: ir.Table, changes: ir.Table, key: str, rank: str, name: str) -> ir.Table:
    """Add the value of the change with a rank: `new_<name>`, and `is_<name>` if there is one."""
    value = changes.select(
        own=changes[key], at=changes["rank"], **{f"new_{name}": changes["value"]}
    )
    joined = rows.left_join(value, (rows[key] == value.own) & (rows[rank] == value["at"]))
    return joined.mutate(**{f"is_{name}": joined[rank].notnull()}).drop("own", "at")
