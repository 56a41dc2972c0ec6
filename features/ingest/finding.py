"""What an ingest has to say about an extract: one sentence, how often it is true, one example."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]
_ORDER: tuple[Severity, ...] = ("error", "warning", "info")
EMPTIED = "unreadable"
"""The kind of finding: values of a column were not read, in more than a small share."""
REJECTED = "quarantined"
"""The kind of finding: rows were left out, in more than a small share."""
MISREAD = "header_again"
"""The kind of finding: rows were read under the names of other columns."""
UNMATCHED = "unmatched"
"""The kind of finding: ids name nothing in another table, in more than a small share."""
_LOST = (EMPTIED, REJECTED, MISREAD, UNMATCHED)

DECIDING: Mapping[str, tuple[str, ...]] = {
    "leads": ("lead_id", "created_at", "converted_at", "lost_at"),
    "deals": ("deal_id", "rep_id", "created_at", "closed_at", "won", "amount"),
    "quotas": ("rep_id", "period_start", "period_end", "amount"),
}
"""The columns that decide labels and attainment, by table."""
_FORECAST_OF = {"leads": "leads", "deals": "quota", "quotas": "quota"}


@dataclass(frozen=True)
class DataFinding:
    """One thing that is worth knowing about an extract.

    Attributes:
        table: the table it is about.
        column: its column, if it is about one.
        kind: the same kind of finding has the same word here, for machines.
        severity: `error` (labels or attainment rest on it, so forecasts are wrong), `warning`
            (worth a look), or `info`.
        says: the finding, an example and what would be right, for people.
        count: how often it is true.
        of: among how many values or rows.
        example: one value that shows it; may be empty.
    """

    table: str
    column: str | None
    kind: str
    severity: Severity
    says: str
    count: int = 0
    of: int = 0
    example: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as ingest-report.json holds it."""
        return asdict(self)

    @property
    def where(self) -> str:
        """The table, and the column if it is about one."""
        return self.table if self.column is None else f"{self.table}.{self.column}"


def gravest_first(findings: Iterable[DataFinding]) -> tuple[DataFinding, ...]:
    """Sort findings by severity, then by table, column and kind."""
    key = [(_ORDER.index(f.severity), f.table, f.column or "", f.kind, f.says, f) for f in findings]
    return tuple(entry[-1] for entry in sorted(key, key=lambda entry: entry[:-1]))


def severity_of(table: str, column: str) -> Severity:
    """Return how bad it is that many values of a column are lost."""
    return "error" if column in DECIDING.get(table, ()) else "warning"


def delivered(report: Mapping[str, Any]) -> tuple[DataFinding, ...]:
    """Return the findings that ingest-report.json holds, the gravest first."""
    return tuple(DataFinding(**plain) for plain in report.get("findings", ()))


def unsound(report: Mapping[str, Any]) -> dict[str, str]:
    """Say which forecasts rest on a column that was lost in bulk: by kind of model, why."""
    reasons: dict[str, list[str]] = {}
    for finding in delivered(report):
        if finding.severity == "error" and finding.kind in _LOST:
            kind = _FORECAST_OF.get(finding.table)
            if kind is not None:
                reasons.setdefault(kind, []).append(f"{finding.where}: {finding.says}")
    return {kind: "; ".join(why) for kind, why in reasons.items()}


def share(count: int, of: int) -> str:
    """Write a count and the share it is: "12 of 400 (3 %)"."""
    return f"{count:,} of {of:,} ({100 * count / of:.3g} %)" if of else f"{count:,}"
