"""Who received, touched, decided and closed what: tables that a record of sales is read from."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.history.values import last_shown
from features.history.versions import deal_versions, lead_versions
from features.snapshot import VALID_FROM
from features.storage.warehouse import Warehouse

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
