"""Everything that is looked for in an extract before a model may learn from it."""

from __future__ import annotations

from collections.abc import Iterable

from features.ingest.finding import DataFinding
from features.params import FeatureParams
from features.storage.warehouse import Warehouse
from training.checks.audit import audit
from training.checks.finding import Finding, by_severity, of_ingest
from training.leads.naming import naming_findings
from training.params import TrainingParams


def check(
    warehouse: Warehouse,
    features: FeatureParams,
    training: TrainingParams,
    delivered: Iterable[DataFinding] = (),
) -> list[Finding]:
    """Return what ingest, the audit and the naming of columns found, the gravest first.

    Args:
        warehouse: cut to the moment of the check.
        features: the section of that name.
        training: the section of that name.
        delivered: what the ingest of the extract found.
    """
    findings = audit(warehouse, features, training)
    named = naming_findings(warehouse, features, training, findings)
    said = [of_ingest(finding) for finding in delivered]
    # Ingest has said it already, with counts.
    known = {(finding.table, finding.column, finding.kind) for finding in said}
    others = [f for f in (*findings, *named) if (f.table, f.column, f.kind) not in known]
    return by_severity([*said, *others])
