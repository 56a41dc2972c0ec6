"""Open leads at their cutoffs: numbered, with their owners and what was known at creation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import ibis
import ibis.expr.types as ir

from features.history.relations import SnapshotSet, owners
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from features.snapshot import (
    CUTOFF,
    SNAPSHOT,
    cutoff_table,
    open_leads,
)
from features.storage.warehouse import Warehouse


def open_scene(
    warehouse: Warehouse, words: Vocabulary, cutoffs: Sequence[datetime], params: FeatureParams
) -> SnapshotSet:
    """Number every open lead at each cutoff and name its owner."""
    leads = open_leads(warehouse["leads"], cutoff_table(cutoffs))
    return scene_of(warehouse, leads, words, params)


def scene_of(
    warehouse: Warehouse, leads: ir.Table, words: Vocabulary, params: FeatureParams
) -> SnapshotSet:
    """Number leads at their cutoffs, name their owners, and fetch columns known at creation.

    Args:
        warehouse: the history.
        leads: leads as their `cutoff` may see them.
        words: names the columns known at creation.
        params: calendar and windows.
    """
    own = {n.replace(".", "__"): n.split(".", 1) for n in words.columns if not n.startswith("reps")}
    from_lead = {made: leads[column] for made, (table, column) in own.items() if table == "leads"}
    age = leads[CUTOFF].delta(leads.created_at, unit="microsecond")
    order = [leads.lead_id, leads[CUTOFF]]
    base = leads.select(
        "lead_id",
        CUTOFF,
        "created_at",
        "rep_id",
        "account_id",
        "do_not_contact_at",
        lead_age_us=age,
        **{SNAPSHOT: ibis.row_number().over(order_by=order)},
        **from_lead,
    )
    from_account = {made: column for made, (table, column) in own.items() if table == "accounts"}
    if from_account:
        accounts = warehouse["accounts"]
        accounts = accounts.select(
            "account_id", **{m: accounts[c] for m, c in from_account.items()}
        )
        base = base.left_join(accounts, "account_id").drop("account_id_right")
    base = warehouse.keep(base)
    named = base.left_join(owners(warehouse, base), SNAPSHOT).drop(f"{SNAPSHOT}_right")
    return SnapshotSet(warehouse, warehouse.keep(named), words, params)
