"""Which key figures an extract can tell, and why it cannot tell the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from features.kpi.catalogue import KPIS
from features.kpi.declare import Kpi
from features.kpi.words import Recognised
from features.storage.warehouse import Warehouse

Reason = Callable[[Warehouse, Recognised], str | None]


def absent(warehouse: Warehouse, recognised: Recognised) -> dict[str, str]:
    """Name the figures that cannot be known, each with the reason in a sentence."""
    reasons = {name: why_absent(warehouse, recognised, kpi) for name, kpi in KPIS.items()}
    return {name: why for name, why in reasons.items() if why is not None}


def why_absent(warehouse: Warehouse, recognised: Recognised, kpi: Kpi) -> str | None:
    """Say why a figure cannot be known; None where it can."""
    for need in kpi.needs:
        if not warehouse.present & set(need.split("|")):
            return f"the table {need.replace('|', ' or ')} is not loaded"
    reason = _REASONS.get(kpi.name)
    return None if reason is None else reason(warehouse, recognised)


def _nothing_reads_like(what: str, values: str) -> Reason:
    def reason(_: Warehouse, recognised: Recognised) -> str | None:
        return None if getattr(recognised, values) else f"no activity type reads like {what}"

    return reason


def _no_referrals(_: Warehouse, recognised: Recognised) -> str | None:
    return None if recognised.referrals else "no source of leads reads like a recommendation"


def _no_proposals(_: Warehouse, recognised: Recognised) -> str | None:
    named = recognised.deal_stages or recognised.lead_stages or recognised.proposals
    return None if named else "no stage and no activity type reads like a proposal"


def _no_renewals(_: Warehouse, recognised: Recognised) -> str | None:
    if recognised.renewal_column:
        return None
    return "no renewals are loaded: no column of deals tells them from new business"


def _no_price_history(warehouse: Warehouse, _: Recognised) -> str | None:
    if warehouse.has_history("deal", "amount"):
        return None
    return "changes hold no history of amounts, so what a deal began with is not known"


def _never_filled(column: str, says: str) -> Reason:
    def reason(warehouse: Warehouse, _: Recognised) -> str | None:
        if warehouse.has_history("deal", column):
            return None
        deals = warehouse["deals"]
        filled = warehouse.arrow(deals.aggregate(n=deals[column].count()))["n"][0].as_py()
        return None if filled else says

    return reason


_REASONS: Mapping[str, Reason] = {
    "calls": _nothing_reads_like("a call", "calls"),
    "emails": _nothing_reads_like("an e-mail", "emails"),
    "meetings": _nothing_reads_like("a meeting", "meetings"),
    "events": _nothing_reads_like("an event", "events"),
    "referrals": _no_referrals,
    "proposals_made": _no_proposals,
    "proposals_accepted": _no_proposals,
    "renewal_rate": _no_renewals,
    "discount": _no_price_history,
    "repeat_share": _never_filled("account_id", "deals name no accounts"),
    "slipped": _never_filled("expected_close_at", "deals have no expected closing date"),
}
