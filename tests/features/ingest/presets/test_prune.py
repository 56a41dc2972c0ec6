"""A preset asks for nothing that a source does not have, and changes no meaning by leaving out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from features.ingest.language.columns import ColumnRef
from features.ingest.mapping import Mappings
from features.ingest.presets.catalog import Preset, presets
from features.ingest.presets.prune import Pruning, Source, prune
from features.ingest.presets.roles import assign
from features.tables import TABLES

SALESFORCE = presets()["salesforce"]
LEAD = ["Id", "CreatedDate", "OwnerId", "ConvertedOpportunityId", "Email"]
DEAL = ["Id", "CreatedDate", "OwnerId", "Amount", "CloseDate", "IsClosed", "IsWon", "StageName"]
TASK = ["Id", "OwnerId", "WhoId", "WhatId", "CreatedDate", "TaskSubtype", "IsClosed"]


def pruned(
    headers: Mapping[str, Sequence[str]], preset: Preset = SALESFORCE
) -> tuple[Mappings, Pruning]:
    """Cut a preset down to the headers of a source."""
    return prune(preset, Source(assign(preset, headers).tables, headers))


def test_columns_have_the_sources_own_names() -> None:
    """Whatever the case in which an export writes them."""
    shouted = [column.upper() for column in LEAD]
    mappings, _ = pruned({"LEAD": shouted})
    leads = mappings.tables["leads"]
    assert leads.table == "LEAD"
    assert leads.columns["lead_id"].column == "ID"
    assert leads.drop == ("EMAIL",)


def test_what_nothing_gives_is_empty_and_named() -> None:
    """A column of ours is never read from one that happens to have its name."""
    mappings, left_out = pruned({"Lead": [*LEAD, "value", "source"]})
    columns = mappings.tables["leads"].columns
    assert columns["value"] is None
    assert columns["source"] is None
    assert {"leads.value", "leads.source", "leads.lost_at"} <= set(left_out.columns)
    assert "leads.lead_id" not in left_out.columns


def test_a_join_goes_with_its_table_and_what_hangs_on_it() -> None:
    """A deal's lead is found through the leads, where these were delivered."""
    alone, left_out = pruned({"Opportunity": DEAL})
    assert alone.tables["deals"].joins == {}
    assert "deals.lead_id" in left_out.columns
    both, _ = pruned({"Opportunity": DEAL, "Lead": LEAD})
    assert set(both.tables["deals"].joins) == {"lead"}
    assert both.tables["deals"].columns["lead_id"].first_of == (
        ColumnRef(column="Id", join="lead"),
    )


def test_a_condition_on_a_column_that_is_not_there_counts_it_as_empty() -> None:
    """An end that counts only where a deal is closed is no end without that column."""
    without = [column for column in DEAL if column != "IsClosed"]
    columns = pruned({"Opportunity": without})[0].tables["deals"].columns
    assert columns["closed_at"] is None
    assert columns["won"] is None
    task = [column for column in TASK if column != "IsClosed"]
    (part,) = pruned({"Lead": LEAD, "Task": task})[0].tables["activities"].parts
    assert part.where == {}


def test_a_part_of_a_union_stands_alone() -> None:
    """Tasks without events are activities all the same; a kind that is constant stays."""
    event = ["Id", "OwnerId", "WhoId", "StartDateTime", "CreatedDate"]
    tables = {"Lead": LEAD, "Task": TASK, "Event": event}
    assert len(pruned(tables)[0].tables["activities"].union) == 2
    mappings, _ = pruned({"Lead": LEAD, "Event": event})
    assert mappings.tables["activities"].table == "Event"
    assert mappings.tables["activities"].columns["type"].constant == "meeting"


def test_quotas_count_for_months_only_where_their_periods_are_missing() -> None:
    """Of two ways to read a table the first that fits is taken, never both."""
    quota = ["QuotaOwnerId", "QuotaAmount", "StartDate", "PeriodId"]
    tables = {"Opportunity": DEAL, "ForecastingQuota": quota}
    (monthly,) = pruned(tables)[0].tables["quotas"].parts
    assert monthly.period is not None
    assert monthly.period.months == 1
    (dated,) = (
        pruned({**tables, "Period": ["Id", "StartDate", "EndDate"]})[0].tables["quotas"].parts
    )
    assert dated.period is None
    assert dated.columns["period_end"].inclusive


def test_owners_come_from_rows_with_ids_alone() -> None:
    """Salesforce writes each change of an owner twice; without its mark neither is taken."""
    history = ["LeadId", "CreatedDate", "Field", "NewValue"]
    properties = pruned({"Lead": LEAD, "LeadHistory": history})[0].histories.properties
    assert {field for h in properties for field in h.fields} == {"stage", "source"}
    marked = pruned({"Lead": LEAD, "LeadHistory": [*history, "DataType"]})[0].histories.properties
    assert {field for h in marked for field in h.fields} == {"stage", "source", "rep_id"}


@settings(deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(presets())))
def test_a_pruned_preset_names_only_what_is_there(data: st.DataObject, name: str) -> None:
    """Whichever columns of whichever tables an export lacks."""
    preset = presets()[name]
    headers: dict[str, list[str]] = {}
    for role, about in preset.roles.items():
        if data.draw(st.booleans(), label=role):
            further = st.lists(st.sampled_from([*about.tells, "Foo__c"]), unique=True)
            headers[role] = [*about.needs, *data.draw(further, label=role)]
    mappings, _ = pruned(headers, preset)
    for ours, mapping in mappings.tables.items():
        for part in mapping.parts:
            if part.table is None:
                continue
            held = {None: headers[part.table]}
            held |= {join: headers[about.table] for join, about in part.joins.items()}
            for column, shape in part.columns.items():
                assert column in TABLES[ours].by_name
                for reference in () if shape is None else shape.references:
                    assert reference.column in held[reference.join]
            required = set(TABLES[ours].required) - (
                {"period_start", "period_end"} if part.period else set()
            )
            assert all(part.columns[column] is not None for column in required)
    for history in (*mappings.histories.versions, *mappings.histories.properties):
        assert history.table in headers
        assert history.fields
