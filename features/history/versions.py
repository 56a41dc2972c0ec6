"""How deals stood, spell by spell: what the CRM showed of each from one moment to the next.

A spell begins when a change is first shown and lasts until the next one is. Every cutoff meets
exactly one spell of a deal that exists, so that owners, amounts and stages as of any cutoff are
found by one join, and a row that is shown late changes nothing before it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import ibis
import ibis.expr.types as ir

from features.history.relations import resolved_leads
from features.history.values import as_number, as_time, changes_of, thousandths
from features.snapshot import VALID_FROM, VALID_TO
from features.storage.warehouse import Warehouse
from features.tables import DEALS

NEVER = datetime(9999, 12, 31)
TOLD = ("rep_id", "stage", "amount", "expected_close_at")
"""Fields of deals whose history is read."""
WORKED = "worked_by"
"""The field under which the rep of an activity is told."""


def deal_versions(warehouse: Warehouse) -> ir.Table:
    """Give every spell of every deal.

    Returns:
        `deal_id, since, until, ended, won` (0 or 1), `owner, stage, amount, thousandths,
        expected_close_at, created_at, closed_at, lead_id, account_id`. `closed_at` is to be looked
        at only where `ended` is 1. Of two values of one moment the greater text counts; where no
        change was seen yet, the column does, and an owner that was emptied is the first one.
    """
    deals = warehouse["deals"].select(*(column.name for column in DEALS.columns))
    deals = deals.mutate(ended_at=deals.closed_at)
    changes = changes_of(warehouse, "deal", "deal_id")
    told = _ranked(changes.filter(changes["field"].isin(TOLD)), "deal_id")
    spells = _versions(deals, told, "deal_id", TOLD)
    rows = spells.inner_join(deals, "deal_id")

    def stood(name: str, column: ir.Value, new: ir.Value) -> ir.Value:
        return ibis.ifelse(rows[f"is_{name}"], new, column)

    amount = stood("amount", as_number(rows.amount), as_number(rows.new_amount))
    due = stood("expected_close_at", rows.expected_close_at, as_time(rows.new_expected_close_at))
    return rows.select(
        "deal_id",
        VALID_FROM,
        VALID_TO,
        "ended",
        "created_at",
        "closed_at",
        "lead_id",
        "account_id",
        won=rows.ended * rows.won.cast("int64").fill_null(0),
        owner=ibis.coalesce(rows.new_rep_id, rows.rep_id),
        stage=rows.new_stage,
        amount=amount,
        thousandths=thousandths(amount),
        expected_close_at=due,
    )


def lead_versions(warehouse: Warehouse) -> ir.Table:
    """Give every spell of every lead.

    Returns:
        `lead_id, since, until, ended, won` (0 or 1), `owner, created_at, ended_at`; the owner as
        `relations.owners` names it.
    """
    ended = resolved_leads(warehouse)
    ended = ended.select("lead_id", ended_at=ended.resolved_at, is_won=ended.won)
    leads = warehouse["leads"].select("lead_id", "created_at", "rep_id")
    leads = leads.left_join(ended, "lead_id").drop("lead_id_right")
    changes = changes_of(warehouse, "lead", "lead_id")
    moved = _ranked(changes.filter(changes["field"] == "rep_id"), "lead_id")
    told = moved.union(_workers(warehouse, leads))
    spells = _versions(leads, told, "lead_id", ("rep_id", WORKED))
    rows = spells.inner_join(leads, "lead_id")
    return rows.select(
        "lead_id",
        VALID_FROM,
        VALID_TO,
        "ended",
        "created_at",
        "ended_at",
        won=rows.ended * rows.is_won.fill_null(0),
        owner=ibis.coalesce(rows.new_rep_id, rows.rep_id, rows[f"new_{WORKED}"]),
    )


def _workers(warehouse: Warehouse, leads: ir.Table) -> ir.Table:
    """Tell who worked on leads that were given to nobody; of two at one moment, the lesser id."""
    rows = warehouse["activities"]
    rows = rows.filter(rows.lead_id.notnull() & rows.rep_id.notnull())
    rows = rows.semi_join(leads.filter(leads.rep_id.isnull()), "lead_id")
    told = rows.select(
        "known_at",
        "lead_id",
        changed_at=rows.occurred_at,
        field=ibis.literal(WORKED),
        value=rows.rep_id,
    )
    return _ranked(told, "lead_id", lesser=True)


def _ranked(told: ir.Table, key: str, *, lesser: bool = False) -> ir.Table:
    """Number the values of a field in the order in which they count: `key, field, rank, value`."""
    told = told.filter(told.known_at.notnull())
    value = told["value"]
    order = [told.changed_at, value.desc() if lesser else value.asc(nulls_first=True)]
    rank = ibis.row_number().over(group_by=[told[key], told["field"]], order_by=order)
    seen = ibis.greatest(told.changed_at, told.known_at)
    return told.select(key, "field", "value", seen=seen, rank=rank.cast("int64"))


def _versions(entities: ir.Table, told: ir.Table, key: str, fields: Sequence[str]) -> ir.Table:
    """Lay the moments at which something was shown side by side, each with what stood from then.

    Args:
        entities: `key, created_at, ended_at`.
        told: what `_ranked` gives.
        key: the id.
        fields: which fields.

    Returns:
        `key, since, until, ended`, and for each field `is_<field>`, whether it was seen to change,
        and `new_<field>`.
    """
    ranks = [f"rank_{place}" for place in range(len(fields))]
    nothing = dict.fromkeys(ranks, ibis.null("int64"))
    births = entities.select(key, moment=entities.created_at, ended=ibis.literal(0, "int64"))
    over = entities.filter(entities.ended_at.notnull())
    last = ibis.greatest(over.ended_at, over.created_at)
    ends = over.select(key, moment=last, ended=ibis.literal(1, "int64"))
    found = told.inner_join(entities.select(key, born=entities.created_at), key)
    by_field: Mapping[str, ir.Value] = {
        rank: ibis.ifelse(found["field"] == name, found["rank"], ibis.null("int64"))
        for rank, name in zip(ranks, fields, strict=True)
    }
    shown = found.select(
        key,
        # What was shown of it before it existed is seen with it.
        moment=ibis.greatest(found.seen, found.born),
        ended=ibis.literal(0, "int64"),
        **by_field,
    )
    moments = births.mutate(**nothing).union(ends.mutate(**nothing)).union(shown)
    each = moments.group_by(key, "moment").aggregate(
        ended=moments.ended.max(), **{rank: moments[rank].max() for rank in ranks}
    )
    so_far = ibis.window(group_by=each[key], order_by=each.moment, rows=(None, 0))
    rows = each.select(
        key,
        **{VALID_FROM: each.moment, "ended": each.ended.max().over(so_far)},
        **{rank: each[rank].max().over(so_far) for rank in ranks},
        next=each.moment.lead().over(ibis.window(group_by=each[key], order_by=each.moment)),
    )
    rows = rows.mutate(
        **{VALID_TO: ibis.coalesce(rows["next"], ibis.literal(NEVER, "timestamp(6)"))}
    )
    for rank, name in zip(ranks, fields, strict=True):
        value = told.filter(told["field"] == name)
        value = value.select(
            **{
                f"own_{rank}": value[key],
                f"at_{rank}": value["rank"],
                f"new_{name}": value["value"],
            }
        )
        joined = rows.left_join(
            value, (rows[key] == value[f"own_{rank}"]) & (rows[rank] == value[f"at_{rank}"])
        )
        rows = joined.mutate(**{f"is_{name}": joined[rank].notnull()}).drop(
            f"own_{rank}", f"at_{rank}"
        )
    return rows.drop("next", *ranks)
