"""What a check found: one sentence about one column, and how bad it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True)
class Finding:
    """One thing a check found.

    Attributes:
        table: the table it is about; `features` for what is built from them.
        column: its column, if it is about one.
        kind: what kind of thing it is, for machines.
        severity: `error` (forecasts are wrong: the check fails), `warning` (look at it), `info`.
        says: the finding and what to do, for people.
    """

    table: str
    column: str | None
    kind: str
    severity: Severity
    says: str

    def to_json(self) -> dict[str, str | None]:
        """Give it as `check --json` prints it."""
        return asdict(self)


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """Put the worst first; within a severity by table, column and kind."""
    return sorted(
        findings,
        key=lambda f: (SEVERITIES.index(f.severity), f.table, f.column or "", f.kind, f.says),
    )
