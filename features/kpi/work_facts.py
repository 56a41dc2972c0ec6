"""What reps did, and the proposals that came of it."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.history.relations import resolved_leads
from features.history.values import changes_of
from features.history.versions import lead_versions
from features.history.vocabulary import STAGE
from features.kpi.deal_facts import KEYS, last_versions
from features.kpi.lead_facts import lead_keys, owners
from features.kpi.words import Recognised, by_reps
from features.storage.warehouse import Warehouse


def activities(warehouse: Warehouse, recognised: Recognised) -> ir.Table:
    """Return each activity of a rep: `at, rep_id, lead_id, deal_id`, and what it was, 0 or 1.

    A deal's activity counts for the lead that the deal came from as well.
    """
    rows = by_reps(warehouse)
    of_deals = last_versions(warehouse).select(same="deal_id", from_lead="lead_id")
    rows = rows.left_join(of_deals, rows.deal_id == of_deals.same)
    kinds = {
        name: rows["type"].isin(getattr(recognised, name)).cast("int64")
        if getattr(recognised, name)
        else ibis.literal(0, "int64")
        for name in ("calls", "emails", "meetings", "events")
    }
    return rows.select(
        "rep_id",
        "deal_id",
        at=rows.occurred_at,
        lead_id=ibis.coalesce(rows.lead_id, rows.from_lead),
        activities=ibis.literal(1, "int64"),
        **kinds,
    )


def proposals(warehouse: Warehouse, recognised: Recognised) -> tuple[ir.Table, ir.Table]:
    """Return proposals by the moment they were made, and by the moment they were accepted.

    Returns:
        Two tables: `at, rep_id` (who owns it now), keys, and `made` or `accepted`, 1.
    """
    # Where the first of these is known, the others are not looked at, so that nothing is counted
    # twice:
    #   - a deal first reached a stage that is a proposal,
    #   - a lead first reached such a stage,
    #   - a first activity of such a type was logged on a lead.
    if recognised.deal_stages:
        entities, made = _deals(warehouse), _by_stage(warehouse, recognised, "deal")
    elif recognised.lead_stages:
        entities, made = _leads(warehouse), _by_stage(warehouse, recognised, "lead")
    else:
        entities, made = _leads(warehouse), _by_type(warehouse, recognised)
    key = entities.columns[0]
    rows = made.inner_join(entities, key)
    is_win = rows.won_at.notnull() & (rows.won_at >= rows.entered)
    won_at = ibis.ifelse(is_win, rows.won_at, ibis.null("timestamp(6)"))
    # An engine may make the least of a value and an empty one empty.
    accepted_at = ibis.ifelse(
        won_at.isnull() | (rows.passed < won_at), ibis.coalesce(rows.passed, won_at), won_at
    )
    rows = rows.mutate(accepted_at=accepted_at)
    keys = [name for name in KEYS if name in rows.columns]
    accepted = rows.filter(rows.accepted_at.notnull())
    one = ibis.literal(1, "int64")
    return (
        rows.select("rep_id", *keys, at=rows.entered, made=one),
        accepted.select("rep_id", *keys, at=accepted.accepted_at, accepted=one),
    )


def _deals(warehouse: Warehouse) -> ir.Table:
    rows = last_versions(warehouse)
    won_at = ibis.ifelse(rows.won == 1, rows.closed_at, ibis.null("timestamp(6)"))
    return rows.select("deal_id", "lead_id", "account_id", rep_id=rows.owner, won_at=won_at)


def _leads(warehouse: Warehouse) -> ir.Table:
    _, last = owners(warehouse.once(lead_versions), "lead_id")
    ended = resolved_leads(warehouse)
    won = ended.filter(ended.won == 1).select("lead_id", won_at="resolved_at")
    rows = lead_keys(warehouse).drop("created_at")
    for other in (last, won):
        rows = rows.left_join(other, "lead_id").drop("lead_id_right")
    return rows


def _by_stage(warehouse: Warehouse, recognised: Recognised, kind: str) -> ir.Table:
    """When each deal or lead first was a proposal, and first went on: `entered, passed`.

    It goes on where it reaches a stage it had not been in before, that is neither another kind of
    proposal nor a loss: a step back is not one ahead.
    """
    key = f"{kind}_id"
    stages = recognised.deal_stages if kind == "deal" else recognised.lead_stages
    changes = changes_of(warehouse, kind, key)
    changes = changes.filter((changes["field"] == STAGE) & changes["value"].notnull())
    reached = changes.group_by(key, "value").aggregate(reached=changes.changed_at.min())
    offers = reached.filter(reached["value"].isin(stages))
    entered = offers.group_by(key).aggregate(entered=offers.reached.min())
    others = reached.filter(~reached["value"].isin((*stages, *recognised.lost_stages)))
    later = others.inner_join(entered, key)
    later = later.filter(later.reached > later.entered)
    passed = later.group_by(key).aggregate(passed=later.reached.min())
    return entered.left_join(passed, key).drop(f"{key}_right")


def _by_type(warehouse: Warehouse, recognised: Recognised) -> ir.Table:
    rows = warehouse["activities"]
    types = recognised.proposals or ("",)
    rows = rows.filter(rows["type"].isin(types) & rows.lead_id.notnull())
    made = rows.group_by("lead_id").aggregate(entered=rows.occurred_at.min())
    return made.mutate(passed=ibis.null("timestamp(6)"))
