"""Which table has which role: by its name, by its headers, or by neither, and then it is said."""

from __future__ import annotations

import pytest

from features.ingest.presets.catalog import presets
from features.ingest.presets.roles import assign

SALESFORCE, HUBSPOT = presets()["salesforce"], presets()["hubspot"]
LEAD = ["Id", "CreatedDate", "OwnerId", "LeadSource", "Status", "IsConverted", "ConvertedDate"]


@pytest.mark.parametrize(
    "name",
    ["Lead", "lead", "LEADS", "sf_lead_data", "crm.Lead", "Leads 2025-03-31", "salesforce-Lead"],
)
def test_a_table_is_known_by_its_name_whatever_stands_around_it(name: str) -> None:
    """Loaders and people add prefixes, dates, schemas and plurals."""
    assert assign(SALESFORCE, {name: ["Id", "CreatedDate"]}).tables == {"Lead": name}


def test_a_name_alone_is_not_enough() -> None:
    """Without the columns that a role needs, a table does not have it."""
    assert assign(SALESFORCE, {"Lead": ["Id", "Name"]}).tables == {}


def test_headers_tell_a_table_of_another_name() -> None:
    """Most of the columns by which a role is known, in any case."""
    shouted = [column.upper() for column in LEAD]
    assert assign(SALESFORCE, {"report1715": shouted}).tables == {"Lead": "report1715"}
    assert assign(SALESFORCE, {"report1715": LEAD[:4]}).tables == {}


def test_a_named_table_is_not_taken_for_another_role() -> None:
    """The history of leads is none of deals, though its columns would do."""
    history = ["LeadId", "CreatedDate", "Field", "OldValue", "NewValue"]
    assigned = assign(SALESFORCE, {"Lead": LEAD, "LeadHistory": history})
    assert assigned.tables == {"Lead": "Lead", "LeadHistory": "LeadHistory"}
    same = ["Record ID", "Property", "Value", "Date"]
    assigned = assign(HUBSPOT, {"deal property history": same})
    assert assigned.tables == {"deal property history": "deal property history"}


def test_two_tables_that_fit_equally_are_left_unclear() -> None:
    """The one with more of the columns is taken; a tie is nobody's to break."""
    assigned = assign(SALESFORCE, {"Lead": LEAD, "Leads": LEAD[:3]})
    assert assigned.tables == {"Lead": "Lead"}
    assigned = assign(SALESFORCE, {"Lead": LEAD, "Leads": LEAD})
    assert assigned.tables == {}
    assert assigned.unclear == {"Lead": ["Lead", "Leads"]}


def test_a_column_that_a_role_never_has_speaks_against_it() -> None:
    """A table of versions is not the table of records."""
    preset = presets()["salesforce-warehouse"]
    records = ["id", "owner_id", "created_date", "stage_name"]
    assert "opportunity" in assign(preset, {"opportunity": records}).tables
    versions = [*records, "_fivetran_start"]
    assert "opportunity" not in assign(preset, {"opportunity": versions}).tables


def test_columns_that_were_met_are_counted() -> None:
    """The preset that explains most columns is the one that is chosen."""
    few = assign(SALESFORCE, {"Lead": LEAD[:2]}).columns
    assert assign(SALESFORCE, {"Lead": LEAD}).columns == few + 5
