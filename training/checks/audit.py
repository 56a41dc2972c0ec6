"""Leakage audit: features and columns that know too much to have been known beforehand.

`suspicious_features` guards every training. `audit` is `pacesetter check`: the columns as they were
delivered, the law of time, canaries, and the health of the rows. Both see only what could be seen
at the moment they are asked about.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from features.build import Examples, build
from features.clock import midnight
from features.definitions.lead import lead_features
from features.history.vocabulary import read_vocabulary
from features.labels.conversion import conversion, last_mature_cutoff
from features.params import FeatureParams
from features.snapshot import grid
from features.storage.catalog import NO_EVENTS
from features.storage.warehouse import Warehouse
from training.checks.canaries import canary_findings, spaced
from training.checks.columns import attribute_findings
from training.checks.currencies import currency_findings
from training.checks.days_off import days_off_findings
from training.checks.finding import Finding, by_severity
from training.checks.health import health_findings
from training.checks.histories import history_findings
from training.checks.point_in_time import point_in_time_findings
from training.checks.post_outcome import post_outcome_findings
from training.checks.protected import protected_findings
from training.checks.quota_leak import quota_leak_findings
from training.checks.suspicion import MOST_CUTOFFS, suspicious_features
from training.params import TrainingParams


def audit(warehouse: Warehouse, features: FeatureParams, params: TrainingParams) -> list[Finding]:
    """Check an extract: its columns, its clocks, and that no forecast of it reads the future.

    Args:
        warehouse: cut to the moment of the audit; nothing later is looked at.
        features: the section of that name.
        params: the section `training`.

    Returns:
        What was found, the worst first.
    """
    if warehouse.data_until == NO_EVENTS:
        says = "there is no event in the data, so there is nothing to check"
        return [Finding("leads", None, "no_events", "warning", says)]
    findings = [*health_findings(warehouse)]
    findings += quota_leak_findings(warehouse)
    findings += currency_findings(warehouse)
    findings += history_findings(warehouse)
    findings += days_off_findings(warehouse, features)
    findings += protected_findings(warehouse, features)
    if "leads" in warehouse.present:
        findings += _lead_findings(warehouse, features, params)
    return by_severity(findings)


def _lead_findings(
    warehouse: Warehouse, features: FeatureParams, params: TrainingParams
) -> Iterator[Finding]:
    """Check columns of leads, and features built from them where there are mature labels."""
    horizon = params.leads.horizon_days
    vocabulary = read_vocabulary(warehouse, features)
    yield from attribute_findings(warehouse, horizon, vocabulary)
    yield from post_outcome_findings(warehouse, vocabulary)
    cutoffs = mature_cutoffs(warehouse, horizon)
    if not cutoffs:
        return
    declared = lead_features(vocabulary, features).without(frozenset(params.leads.leave_out))

    def rebuild(extract: Warehouse, cutoff: datetime) -> Examples:
        return build(extract, declared, vocabulary, [cutoff], features)

    moments = spaced(cutoffs, MOST_CUTOFFS)
    examples = build(warehouse, declared, vocabulary, moments, features)
    yield from _suspected(warehouse, examples, params)
    yield from point_in_time_findings(warehouse, examples, horizon, rebuild)
    yield from canary_findings(warehouse, cutoffs, features, params)


def mature_cutoffs(warehouse: Warehouse, horizon_days: int) -> list[datetime]:
    """Return every midnight that has leads before it and a mature label after it."""
    leads = warehouse["leads"]
    first = warehouse.arrow(leads.aggregate(first=leads.created_at.min()))["first"].to_pylist()[0]
    if first is None:
        return []
    start = midnight(first) + timedelta(days=1)
    if warehouse.data_until - start < timedelta(days=horizon_days):
        return []
    return grid(start, last_mature_cutoff(horizon_days, warehouse.data_until), 1)


def _suspected(
    warehouse: Warehouse, examples: Examples, params: TrainingParams
) -> Iterator[Finding]:
    """Suspect features as training would."""
    y = conversion(warehouse, examples.keys, params.leads.horizon_days)
    for suspicion in suspicious_features(examples, y, params.leads.allow_suspicious):
        yield Finding("features", suspicion.feature, "too_good", "warning", suspicion.says)
