"""Open leads at their cutoffs: numbered, with their owners and their columns as they stood."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import ibis
import ibis.expr.types as ir

from features.history.relations import SnapshotSet
from features.history.values import as_it_stood, as_of, changes_of
from features.history.vocabulary import OWNER_FIELD, Vocabulary
from features.params import FeatureParams
from features.snapshot import (
    ASKED_AT,
    CUTOFF,
    SNAPSHOT,
    as_of_join,
    cutoff_table,
    deletion_in,
    open_leads,
    undeleted,
)
from features.storage.warehouse import Warehouse
from features.tables import ACTIVITIES


def open_lead_snapshots(
    warehouse: Warehouse,
    vocabulary: Vocabulary,
    cutoffs: Sequence[datetime],
    params: FeatureParams,
) -> SnapshotSet:
    """Number every open lead at each cutoff and name its owner."""
    leads = open_leads(warehouse.ever("leads"), cutoff_table(cutoffs))
    return snapshots_of(warehouse, leads, vocabulary, params)


def snapshots_of(
    warehouse: Warehouse, leads: ir.Table, vocabulary: Vocabulary, params: FeatureParams
) -> SnapshotSet:
    """Number leads at their cutoffs, name their owners, and fetch columns known at creation.

    Args:
        warehouse: the history.
        leads: leads as their `cutoff` may see them.
        vocabulary: names the columns known at creation.
        params: calendar and windows.
    """
    from_lead = vocabulary.values_in(leads, "leads")
    order = [leads.lead_id, leads[CUTOFF]]
    base = leads.select(
        "lead_id",
        CUTOFF,
        "created_at",
        "rep_id",
        "account_id",
        "do_not_contact_at",
        lead_age_us=leads[CUTOFF].delta(leads.created_at, unit="microsecond"),
        **{SNAPSHOT: ibis.row_number().over(order_by=order)},
        **from_lead,
    )
    if warehouse.has_history("lead", "account_id"):
        changes = changes_of(warehouse, "lead", "lead_id")
        base = as_it_stood(base, changes, "lead_id", {"account_id": "account_id"})
    accounts = warehouse.ever("accounts")
    if from_account := vocabulary.values_in(accounts, "accounts"):
        accounts = accounts.select(
            same=accounts.account_id, **from_account, **deletion_in(accounts)
        )
        is_own = [base.account_id == accounts.same, *undeleted(accounts, base[CUTOFF])]
        base = base.left_join(accounts, is_own).drop("same", *deletion_in(accounts))
    base = warehouse.keep(base)
    owned = base.left_join(lead_owners(warehouse, base), SNAPSHOT).drop(f"{SNAPSHOT}_right")
    return SnapshotSet(warehouse, warehouse.keep(owned), vocabulary, params)


def lead_owners(warehouse: Warehouse, snapshots: ir.Table) -> ir.Table:
    """Name the owner of each snapshot's lead at its cutoff: `snapshot, owner`.

    Args:
        warehouse: holds `changes` and `activities`.
        snapshots: `snapshot, cutoff, lead_id, rep_id`, and perhaps `asked_at`.
    """
    # The first of these that there is:
    #   - the last visible change of the owner; one that emptied it names nobody,
    #   - the lead's own column, which is empty where owners have a history,
    #   - the rep of the last visible activity; of two at one moment, the lesser id.
    #
    #   last visible change   own column   last activity   owner
    #   to b                  (empty)      a's             b
    #   emptied               (empty)      a's             nobody
    #   none                  (empty)      a's             a
    #   none                  c            a's             c
    handovers = changes_of(warehouse, "lead", "lead_id")
    handovers = handovers.filter(handovers["field"] == OWNER_FIELD)
    last_handover = as_of(handovers, snapshots, "lead_id").select(
        SNAPSHOT, moved_to="value", is_moved=ibis.literal(value=True)
    )
    rows = snapshots.left_join(last_handover, SNAPSHOT).drop(f"{SNAPSHOT}_right")
    is_unassigned = rows.is_moved.isnull() & rows.rep_id.isnull()
    names = [name for name in (ASKED_AT,) if name in rows.columns]
    unassigned = rows.filter(is_unassigned).select(SNAPSHOT, CUTOFF, "lead_id", *names)
    activities = warehouse.ever("activities")
    activities = activities.filter(activities.lead_id.notnull() & activities.rep_id.notnull())
    activities = activities.select(
        "lead_id",
        "occurred_at",
        "known_at",
        worked_by=activities.rep_id,
        **deletion_in(activities),
    )
    visible = as_of_join(unassigned, activities, ACTIVITIES, "lead_id")
    last = visible.group_by(SNAPSHOT).aggregate(__age=visible.age_us.min())
    at_last = visible.inner_join(
        last, (visible[SNAPSHOT] == last[SNAPSHOT]) & (visible.age_us == last["__age"])
    )
    workers = at_last.group_by(SNAPSHOT).aggregate(worked_by=at_last.worked_by.min())
    joined = rows.left_join(workers, SNAPSHOT)
    # No change, no own rep: only then a worker was looked for.
    return joined.select(
        SNAPSHOT,
        owner=ibis.ifelse(
            joined.is_moved.notnull(),
            joined.moved_to,
            ibis.coalesce(joined.rep_id, joined.worked_by),
        ),
    )


def leads(snapshot_set: SnapshotSet) -> ir.Table:
    """Return the snapshots, columns known at creation and fields with a history as they stood."""
    warehouse, vocabulary = snapshot_set.warehouse, snapshot_set.vocabulary
    fields = dict.fromkeys(vocabulary.field_columns, ibis.null("string"))
    rows = snapshot_set.snapshots.mutate(**fields)
    own = vocabulary.field_columns | vocabulary.columns_of("leads")
    rows = as_it_stood(rows, changes_of(warehouse, "lead", "lead_id"), "lead_id", own)
    changes = changes_of(warehouse, "account", "account_id")
    return as_it_stood(rows, changes, "account_id", vocabulary.columns_of("accounts"))
