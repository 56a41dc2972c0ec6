"""Leakage audit: features and columns that know too much to be known beforehand.

`suspicious_features` guards every training; `audit` is `pacesetter check`: the columns as they
were delivered, the law of time, canaries, and the health of the rows. Both see only what could be
seen at the moment they are asked about.
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
from training.checks.finding import Finding, by_severity
from training.checks.health import health_findings
from training.checks.point_in_time import law_findings
from training.checks.post_outcome import afterwards_findings
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
    found = list(health_findings(warehouse))
    found += quota_leak_findings(warehouse)
    found += currency_findings(warehouse)
    if "leads" in warehouse.present:
        horizon = params.leads.horizon_days
        words = read_vocabulary(warehouse, features)
        found += attribute_findings(warehouse, horizon, words)
        found += afterwards_findings(warehouse, words)
        if cutoffs := mature_cutoffs(warehouse, horizon):
            declared = lead_features(words, features).without(frozenset(params.leads.leave_out))
            moments = spaced(cutoffs, MOST_CUTOFFS)
            examples = build(warehouse, declared, words, moments, features)
            found += _suspected(warehouse, examples, params)

            def rebuild(extract: Warehouse, cutoff: datetime) -> Examples:
                return build(extract, declared, words, [cutoff], features)

            found += law_findings(warehouse, examples, horizon, rebuild)
            found += canary_findings(warehouse, cutoffs, features, params)
    return by_severity(found)


def mature_cutoffs(warehouse: Warehouse, horizon_days: int) -> list[datetime]:
    """Lay a cutoff on every midnight that has leads before it and a ripe label."""
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
    for one in suspicious_features(examples, y, params.leads.allow_suspicious):
        yield Finding("features", one.feature, "too_good", "warning", one.says)
