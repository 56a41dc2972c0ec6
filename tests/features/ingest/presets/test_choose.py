"""Presets parse, are chosen by headers alone, say what they miss, and ask where two fit."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from ibis.backends.duckdb import Backend

sys.path.append(str(Path(__file__).parent))

from features.errors import MappingError
from features.ingest.files import folder
from features.ingest.presets.catalog import presets
from features.ingest.presets.choose import Chosen, choose, is_ours
from features.storage.engine import engine
from features.tables import ENTITY_TABLES, TABLES

LEAD = "Id,CreatedDate,OwnerId,LeadSource,Status,IsConverted,ConvertedDate,Foo__c"
CONTACTS = "Record ID,Create Date,Lifecycle Stage,Contact owner,Email"
SHAPES: Mapping[str, Mapping[str, str]] = {
    "salesforce": {"Lead": LEAD, "Task": "Id,OwnerId,WhoId,CreatedDate,Status,TaskSubtype"},
    "salesforce-warehouse": {"sf_lead_data": "id,created_date,owner_id,is_converted,status,foo_c"},
    "hubspot": {"contacts": CONTACTS},
    "hubspot-warehouse": {"contact": "id,property_createdate,property_lifecyclestage"},
    "pipedrive": {
        "x": "Lead - ID,Lead - Lead created,Lead - Owner,Lead - Source name,Lead - Value"
    },
    "dynamics": {"lead": "leadid,createdon,ownerid,statecode,leadsourcecode"},
    "zoho": {"Leads": "Record Id,Created Time,Lead Owner.id,Lead Status,Lead Source"},
}


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Backend:
    """An engine that only reads headers."""
    return engine(0.5, 1, tmp_path_factory.mktemp("spill"))


def chosen(
    backend: Backend, path: Path, files: Mapping[str, str], mapping: str | None = None
) -> Chosen:
    """Choose for a folder of files without rows."""
    path.mkdir(exist_ok=True)
    for name, header in files.items():
        (path / f"{name}.csv").write_text(f"{header}\n", encoding="utf-8")
    return choose(backend, folder(path), None if mapping is None else Path(mapping))


@pytest.mark.parametrize("name", presets())
def test_a_preset_speaks_only_of_tables_that_it_describes(name: str) -> None:
    """Every table of its mapping is a role, every role is used, and all columns are ours."""
    preset, used = presets()[name], set()
    for table in preset.mapping.tables.values():
        for part in table.parts:
            used |= {join.table for join in part.joins.values()}
            used |= {part.table} if part.table else set()
    histories = preset.mapping.histories
    for history in (*histories.versions, *histories.properties):
        used.add(history.table)
        assert ENTITY_TABLES[history.entity] in TABLES
    assert used == set(preset.roles)
    for column in preset.hindsight:
        table, _, own = column.partition(".")
        assert own in TABLES[table].by_name


@pytest.mark.parametrize("name", SHAPES)
def test_headers_choose_the_preset(name: str, backend: Backend, tmp_path: Path) -> None:
    """One file of leads is enough; what was taken and what is missing is said."""
    found = chosen(backend, tmp_path, SHAPES[name])
    assert found.preset == name
    said = " ".join(found.says)
    assert presets()[name].title in said
    assert "not there: " in said
    assert "leads.lost_at" in said


def test_a_preset_can_be_named_and_must_fit(backend: Backend, tmp_path: Path) -> None:
    """A name that is no file is a preset's; headers that lack what it needs are refused."""
    assert chosen(backend, tmp_path, SHAPES["zoho"], "zoho").preset == "zoho"
    with pytest.raises(MappingError, match="does not look like Pipedrive: it needs leads with"):
        chosen(backend, tmp_path, SHAPES["zoho"], "pipedrive")


def test_two_presets_that_fit_equally_are_asked_about(backend: Backend, tmp_path: Path) -> None:
    """Nothing is guessed; each of them can be named."""
    both = {
        "Lead": "Id,CreatedDate,OwnerId,Status,LeadSource",
        "contacts": "Record ID,Create Date,Lifecycle Stage,Contact owner,Lead Status",
    }
    with pytest.raises(MappingError, match="fits hubspot and salesforce equally"):
        chosen(backend, tmp_path, both)
    assert chosen(backend, tmp_path, both, "salesforce").preset == "salesforce"


def test_two_files_that_fit_one_role_are_asked_about(backend: Backend, tmp_path: Path) -> None:
    """Which of two is the table of leads is not guessed."""
    with pytest.raises(MappingError, match=r"Lead and Leads fit equally as Lead of Salesforce"):
        chosen(backend, tmp_path, {"Lead": LEAD, "Leads": LEAD})


def test_our_own_tables_need_no_preset(backend: Backend, tmp_path: Path) -> None:
    """A folder of our tables is read as it is, and so is one that nothing fits."""
    assert chosen(backend, tmp_path / "a", {"leads": "lead_id,created_at"}) == Chosen(
        chosen(backend, tmp_path / "b", {"x": "a,b"}).mappings
    )
    assert is_ours({"Leads": ["Lead_ID", "created_at"]})
    assert not is_ours({"Leads": ["Record Id"]})


def test_what_shows_the_end_of_the_story_needs_its_history(
    backend: Backend, tmp_path: Path
) -> None:
    """Salesforce's close date of a closed deal is its end: without a history it is left empty."""
    deals = {"Opportunity": "Id,OwnerId,CreatedDate,StageName,CloseDate,IsClosed,IsWon,Amount"}
    alone = chosen(backend, tmp_path, deals)
    columns = alone.mappings.tables["deals"].columns
    assert columns["expected_close_at"] is None
    assert columns["closed_at"] is not None
    assert any("deals.expected_close_at is left empty" in line for line in alone.says)
    history = {"OpportunityHistory": "OpportunityId,CreatedDate,StageName,Amount,CloseDate"}
    told = chosen(backend, tmp_path, {**deals, **history})
    assert told.mappings.tables["deals"].columns["expected_close_at"] is not None


def test_custom_fields_stay_attributes_and_names_of_people_do_not(
    backend: Backend, tmp_path: Path
) -> None:
    """What the preset does not name is kept; contact data is dropped before it is read."""
    mapping = chosen(backend, tmp_path, {"Lead": f"{LEAD},Email"}).mappings.tables["leads"]
    assert mapping.drop == ("Email",)
    assert "Foo__c" not in mapping.drop


def test_a_history_of_versions_comes_before_one_of_fields(backend: Backend, tmp_path: Path) -> None:
    """A field that both tell is taken once."""
    mappings = chosen(
        backend,
        tmp_path,
        {
            "Opportunity": "Id,OwnerId,CreatedDate,StageName",
            "OpportunityHistory": "OpportunityId,CreatedDate,StageName,Amount",
            "OpportunityFieldHistory": "OpportunityId,CreatedDate,Field,NewValue,DataType",
        },
    ).mappings
    (version,) = mappings.histories.versions
    assert set(version.fields) == {"stage", "amount"}
    assert {name for h in mappings.histories.properties for name in h.fields} == {
        "expected_close_at",
        "rep_id",
    }


def test_a_mapping_that_only_says_how_files_are_read_leaves_the_names_to_a_preset(
    backend: Backend, tmp_path: Path
) -> None:
    """Who follows the advice to name an encoding loses no preset; headers are read as it says."""
    mapping = tmp_path / "m.yaml"
    mapping.write_text("sources: {Lead: {encoding: cp1250, header_row: 2}}", encoding="utf-8")
    found = chosen(backend, tmp_path / "in", {"Lead": f"Leads\n{LEAD}"}, str(mapping))
    assert found.preset == "salesforce"
    assert found.mappings.sources["Lead"].encoding == "cp1250"
    mapping.write_text(
        "{sources: {Lead: {header_row: 2}}, leads: {table: Lead, columns: {lead_id: Id}}}",
        encoding="utf-8",
    )
    assert chosen(backend, tmp_path / "in", {}, str(mapping)).preset is None
