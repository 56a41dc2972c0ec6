"""What an ingest tells: per table and as a whole, and as HOME/data/ingest-report.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime

from features.ingest.readiness import Readiness


@dataclass(frozen=True)
class TableReport:
    """What became of one table's rows.

    Attributes:
        read: rows in the source.
        accepted: rows in the warehouse.
        quarantined: rows turned away; each has its reason in the quarantine file.
        notes: what was accepted but deserves to be known, with counts.
        quarantine_reasons: faults by kind; a row may have several.
        matched: what was taken for something although its name differs.
        absent_columns: columns of the schema the source does not have.
        attributes: further columns that were kept.
    """

    read: int
    accepted: int
    quarantined: int
    notes: Mapping[str, int] = field(default_factory=dict)
    quarantine_reasons: Mapping[str, int] = field(default_factory=dict)
    matched: tuple[str, ...] = ()
    absent_columns: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True)
class IngestReport:
    """What an ingest read, what it made of it, and what that supports.

    Attributes:
        tables: by name, those the source held.
        absent: tables of the schema it did not hold.
        source: the folder or URL, without a password.
        data_until: events are known up to here; None without a single event.
        data_until_declared: it was given, not found.
        fingerprint: of the accepted content.
        verdict: what the data supports.
    """

    tables: Mapping[str, TableReport]
    absent: tuple[str, ...]
    source: str
    data_until: datetime | None
    data_until_declared: bool
    fingerprint: str
    verdict: tuple[Readiness, ...]

    def to_json(self) -> str:
        """Write the report as HOME/data/ingest-report.json holds it."""
        content = asdict(self)
        content["data_until"] = iso(self.data_until)
        verdicts = zip(content["verdict"], self.verdict, strict=True)
        content["verdict"] = [said | {"supported": f.supported} for said, f in verdicts]
        return json.dumps(content, indent=1, ensure_ascii=False)


def iso(moment: datetime | None) -> str | None:
    """Write a moment as JSON files hold it."""
    return None if moment is None else moment.isoformat()
