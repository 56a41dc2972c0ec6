"""The report of an ingest, for each table and as a whole: HOME/data/ingest-report.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from features.field_history import FieldHistory
from features.ingest.finding import DataFinding
from features.ingest.proposals import Proposals
from features.ingest.protected import ProtectedColumn
from features.ingest.readiness import Readiness


@dataclass(frozen=True)
class TableReport:
    """What became of one table's rows.

    Attributes:
        read: rows in the source.
        accepted: rows in the warehouse.
        quarantined: rows that were rejected; each has its reason in the quarantine file.
        notes: what was accepted but is worth knowing, with counts.
        quarantine_reasons: faults by kind; a row may have several.
        matched: matches between names that differ.
        absent_columns: columns of the schema that the source does not have.
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
    """What an ingest read, what became of it, and what the data supports.

    Attributes:
        tables: the tables that the source held, by name.
        absent: the tables of the schema that it did not hold.
        source: the folder or URL, without a password.
        data_until: events are known up to here; None without a single event.
        data_until_declared: the user gave `data_until`; it was not taken from the data.
        fingerprint: of the accepted content.
        verdict: what the data supports, one statement for each model and each gap.
        histories: the fields whose past lies in `changes`, and whether it is complete.
        proposals: the attribute columns that look known at creation, and those that do not.
        protected: columns and fields that look like protected attributes of people.
        preset: the preset that the source was read by; None without one.
        read_as: what that matched and what it missed, in words.
        findings: what is worth knowing about the data, the gravest first.
    """

    tables: Mapping[str, TableReport]
    absent: tuple[str, ...]
    source: str
    data_until: datetime | None
    data_until_declared: bool
    fingerprint: str
    verdict: tuple[Readiness, ...]
    histories: tuple[FieldHistory, ...] = ()
    proposals: Proposals = field(default_factory=Proposals)
    protected: tuple[ProtectedColumn, ...] = ()
    preset: str | None = None
    read_as: tuple[str, ...] = ()
    findings: tuple[DataFinding, ...] = ()

    def to_json(self) -> str:
        """Return the text of HOME/data/ingest-report.json."""
        content = asdict(self)
        content["data_until"] = iso(self.data_until)
        content["verdict"] = [
            asdict(statement) | {"supported": statement.supported} for statement in self.verdict
        ]
        content["histories"] = [history_json(history) for history in self.histories]
        content["findings"] = [finding.to_json() for finding in self.findings]
        del content["proposals"]
        content |= self.proposals.to_json()
        return json.dumps(content, indent=1, ensure_ascii=False)


def history_json(history: FieldHistory) -> dict[str, Any]:
    """Return a field's history as JSON files hold it."""
    return asdict(history) | {"log_begins": iso(history.log_begins)}


def iso(moment: datetime | None) -> str | None:
    """Return a moment as JSON files hold it."""
    return None if moment is None else moment.isoformat()
