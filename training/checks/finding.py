"""What a check found: one sentence about one column, and how bad it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from features.ingest.finding import DataFinding, Severity

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Attributes:
        table: the table it is about; `features` for what is built from the tables.
        column: its column, if it is about one.
        kind: the same kind of finding has the same word here, for machines.
        severity: `error` (forecasts are wrong, so the check fails), `warning` (worth a look), or
            `info`.
        says: the finding and what to do about it, for people.
    """

    table: str
    column: str | None
    kind: str
    severity: Severity
    says: str

    def to_json(self) -> dict[str, str | None]:
        """Return it as `check --json` prints it."""
        return asdict(self)


def of_ingest(finding: DataFinding) -> Finding:
    """Return what ingest found as a finding of the check."""
    return Finding(finding.table, finding.column, finding.kind, finding.severity, finding.says)


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """Sort by severity, the worst first; then by table, column, kind and words."""
    return sorted(
        findings,
        key=lambda f: (SEVERITIES.index(f.severity), f.table, f.column or "", f.kind, f.says),
    )
