"""What each CRM's importer calls a lead's id, and the fields that take its score.

The names of the fields are proposals: a CRM has them once its administrator has made them, with
these very names or with others that are matched in its import dialogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class LeadFormat:
    """The header of a file of lead scores.

    Attributes:
        crm: the CRM's name.
        id: the column that tells the importer which record to update.
        score: chance to convert within the horizon, 0 to 100.
        rank: place on the owner's list, 1 = next; empty for leads that must not be contacted.
        band: hot, warm, cool, cold, or do not contact.
        reasons: the strongest reasons in words.
        as_of: the moment that the score is of.
        date_format: how that moment is written, as `strftime` takes it.
        how: how the file is imported, in one sentence.
    """

    crm: str
    id: str
    score: str
    rank: str
    band: str
    reasons: str
    as_of: str
    date_format: str
    how: str

    @property
    def header(self) -> tuple[str, ...]:
        """The columns in their order."""
        return (self.id, self.score, self.rank, self.band, self.reasons, self.as_of)


_ISO = "%Y-%m-%dT%H:%M:%SZ"
_PLAIN = "%Y-%m-%d %H:%M:%S"
_FIELDS = ("Score", "Rank", "Band", "Reasons", "As of")


def _labelled(crm: str, key: str, before: str, date_format: str, how: str) -> LeadFormat:
    """Return a format of an importer that matches columns by the labels of its fields."""
    score, rank, band, reasons, as_of = (f"{before}{name}" for name in _FIELDS)
    return LeadFormat(crm, key, score, rank, band, reasons, as_of, date_format, how)


def _technical(crm: str, key: str, pattern: str, date_format: str, how: str) -> LeadFormat:
    """Return a format of an importer that matches columns by the technical names of its fields."""
    score, rank, band, reasons, as_of = (pattern.format(n.replace(" ", "_")) for n in _FIELDS)
    return LeadFormat(crm, key, score, rank, band, reasons, as_of, date_format, how)


PLAIN = "plain"
"""The format that belongs to no CRM."""
FORMATS: Mapping[str, LeadFormat] = MappingProxyType(
    {
        PLAIN: LeadFormat(
            "a spreadsheet",
            *("lead_id", "score", "rank", "band", "reasons", "as_of"),
            _ISO,
            "open it; every cell is text or a number, none a formula",
        ),
        "salesforce": _technical(
            "Salesforce",
            "Id",
            "Pacesetter_{}__c",
            _ISO,
            "Data Loader, Update, object Lead; it matches these columns to fields of the same "
            "API names",
        ),
        "hubspot": _labelled(
            "HubSpot",
            "Record ID",
            "Pacesetter ",
            "%Y-%m-%d",
            "Import, one file, Contacts, update existing records only, matched by Record ID",
        ),
        "pipedrive": _labelled(
            "Pipedrive",
            "Lead - ID",
            "Lead - Pacesetter ",
            _PLAIN,
            "Import data, From a spreadsheet, Leads; map the first column to the lead's ID",
        ),
        "dynamics": _technical(
            "Dynamics 365",
            "leadid",
            "new_pacesetter_{}",
            _ISO,
            "Import from CSV, table Lead, matched by the key leadid",
        ),
        "zoho": _labelled(
            "Zoho CRM",
            "Record Id",
            "Pacesetter ",
            _PLAIN,
            "Leads, Import, Update existing leads only, matched by Record Id",
        ),
    }
)
"""The CRMs by the name that the command takes."""
