"""Everything that is looked for in an extract before a model may learn from it."""

from __future__ import annotations

from features.params import FeatureParams
from features.storage.warehouse import Warehouse
from training.checks.audit import audit
from training.checks.finding import Finding, by_severity
from training.leads.naming import naming_findings
from training.params import TrainingParams


def check(warehouse: Warehouse, features: FeatureParams, training: TrainingParams) -> list[Finding]:
    """Return what the audit and the naming of columns found, the gravest first."""
    findings = audit(warehouse, features, training)
    named = naming_findings(warehouse, features, training, findings)
    return by_severity([*findings, *named])
