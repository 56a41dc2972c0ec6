"""Who received, touched, decided and closed what: tables that a record of sales is read from."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from features.history.values import changes_of, last_shown
from features.history.versions import deal_versions, lead_versions
from features.history.vocabulary import STAGE
from features.snapshot import VALID_FROM
from features.storage.warehouse import Warehouse

WAITING = ("legal", "finance", "approv", "procure", "security", "complian", "contract")
"""Words in the name of a stage in which a deal waits for colleagues."""
INBOUND = "inbound"
"""The direction of an activity that a customer began."""


def arrivals(warehouse: Warehouse) -> ir.Table:
    """Return each lead with its first owner, when it came to be theirs, and their first touch."""
    versions = warehouse.once(lead_versions)
    owned = versions.filter(versions.owner.notnull() & (versions.ended == 0))
    order = ibis.row_number().over(
        group_by=owned.lead_id, order_by=[owned[VALID_FROM], owned.owner]
    )
    first = owned.mutate(place=order).filter(lambda rows: rows["place"] == 0)
    first = first.select("lead_id", rep_id=first.owner, at=first[VALID_FROM])
    rows = warehouse.keep(first.left_join(_sources(warehouse), "lead_id").drop("lead_id_right"))
    touched = own_touches(warehouse).select("lead_id", "rep_id", "occurred_at")
    joined = rows.inner_join(touched, ["lead_id", "rep_id"])
    later = joined.filter(joined.occurred_at >= joined["at"])
    earliest = later.group_by(same=later.lead_id).aggregate(touched_at=later.occurred_at.min())
    return rows.left_join(earliest, rows.lead_id == earliest.same).drop("same")


def _sources(warehouse: Warehouse) -> ir.Table:
    leads = last_shown(warehouse, warehouse["leads"].select("lead_id", "source"), "leads", "source")
    return leads.select("lead_id", source=leads.source.fill_null("unknown"))


def own_touches(warehouse: Warehouse) -> ir.Table:
    """Return activities that a rep began: all whose direction is not inbound."""
    rows = warehouse["activities"]
    is_own = rows.direction.isnull() | (rows.direction.lower() != INBOUND)
    return rows.filter(rows.rep_id.notnull() & is_own)


def decisions(warehouse: Warehouse) -> ir.Table:
    """Return each lead that was won or lost, with the rep who owned it then."""
    versions = warehouse.once(lead_versions)
    ended = versions.filter(versions.ended == 1)
    order = ibis.row_number().over(group_by=ended.lead_id, order_by=[ended[VALID_FROM]])
    ended = ended.mutate(place=order).filter(lambda rows: rows["place"] == 0)
    rows = ended.select("lead_id", "won", rep_id=ended.owner, at=ended.ended_at)
    return rows.left_join(_sources(warehouse), "lead_id").drop("lead_id_right")


def endings(warehouse: Warehouse) -> ir.Table:
    """Return each ended deal with its owner and amount as they were last shown."""
    versions = warehouse.once(deal_versions)
    ended = versions.filter(versions.ended == 1)
    order = ibis.row_number().over(group_by=ended.deal_id, order_by=[ended[VALID_FROM].desc()])
    last = ended.mutate(place=order).filter(lambda rows: rows["place"] == 0)
    return last.select("deal_id", "won", "amount", rep_id=last.owner, at=last.closed_at)


def touches_by_day(warehouse: Warehouse) -> ir.Table:
    """Count the activities that each rep began on each day."""
    rows = own_touches(warehouse)
    rows = rows.mutate(at=rows.occurred_at.truncate("D").cast("timestamp(6)"))
    return rows.group_by("rep_id", "at").aggregate(count=rows.count())


def waits(warehouse: Warehouse, waiting: Sequence[str]) -> ir.Table:
    """Return stays of deals in stages whose names say that they wait for colleagues.

    A stay ends when the stage changes or the deal does; it is the rep's who was last shown as the
    deal's owner.
    """
    changes = changes_of(warehouse, "deal", "deal_id")
    changes = changes.filter((changes["field"] == STAGE) & changes["value"].notnull())
    names = _waiting_stages(warehouse, changes, waiting)
    order = ibis.window(group_by=changes.deal_id, order_by=[changes.changed_at, changes["value"]])
    rows = changes.mutate(following=changes.changed_at.lead().over(order))
    stays = rows.filter(rows["value"].isin(names)) if names else rows.limit(0)
    versions = warehouse.once(deal_versions)
    newest = ibis.row_number().over(
        group_by=versions.deal_id, order_by=[versions[VALID_FROM].desc()]
    )
    last = versions.mutate(place=newest).filter(lambda rows: rows["place"] == 0)
    closed_at = ibis.ifelse(last.ended == 1, last.closed_at, ibis.null("timestamp(6)"))
    joined = stays.inner_join(
        last.select("deal_id", rep_id=last.owner, closed_at=closed_at), "deal_id"
    )
    left_at = ibis.coalesce(joined.following, joined.closed_at)
    return joined.select(
        "deal_id", "rep_id", at=joined.changed_at, stage=joined["value"], left_at=left_at
    )


def _waiting_stages(
    warehouse: Warehouse, stages: ir.Table, waiting: Sequence[str]
) -> Sequence[str]:
    names = warehouse.arrow(stages.select(stage=stages["value"]).distinct())["stage"].to_pylist()
    return sorted(name for name in names if any(word in name.lower() for word in waiting))
