"""The sample company as each CRM would export it, with headers as the CRMs write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

Tables = dict[str, pd.DataFrame]
DAY = pd.Timedelta(days=1)


def company(tables: Tables) -> Tables:
    """Return the company as far as any CRM's export can hold it.

    Histories say when a value was changed, not when that became known.
    """
    told = {name: frame.copy() for name, frame in tables.items()}
    told["changes"] = told["changes"].drop(columns="known_at")
    told["leads"] = told["leads"].drop(columns=["budget", "lost_reason"])
    return told


def with_ids(frame: pd.DataFrame, write: Callable[[str], str]) -> pd.DataFrame:
    """Return a table with every id written in another way."""
    told = frame.copy()
    for column in [name for name in told.columns if name.endswith("_id")]:
        told[column] = told[column].map(write, na_action="ignore")
    if "field" in told.columns:
        is_id = told["field"] == "rep_id"
        told.loc[is_id, "value"] = told.loc[is_id, "value"].map(write, na_action="ignore")
    return told


def as_csv(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """Write a table as one file."""
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_csv(folder / f"{name}.csv", index=False)


def renamed(frame: pd.DataFrame, headers: Mapping[str, str]) -> pd.DataFrame:
    """Return the columns named, under their new names."""
    return frame[list(headers)].rename(columns=dict(headers))


def history(
    tables: Tables, entity: str, headers: tuple[str, str, str, str], names: Mapping[str, str]
) -> pd.DataFrame:
    """Return one kind of entity's changes under a CRM's headers and names of fields."""
    changes = tables["changes"]
    rows = changes[changes["entity_type"] == entity].copy()
    rows["field"] = rows["field"].map(names)
    columns = ("entity_id", "changed_at", "field", "value")
    return renamed(rows, dict(zip(columns, headers, strict=True)))


def quotas_by_day(tables: Tables) -> pd.DataFrame:
    """Return quotas whose periods end on their last day."""
    return tables["quotas"].assign(last=tables["quotas"]["period_end"] - DAY)


def salesforce(tables: Tables, folder: Path) -> None:
    """Write Lead, Opportunity, Task, User, quotas and both field histories."""
    deals = tables["deals"].assign(is_closed=tables["deals"]["won"].notna())
    deals["close"] = deals["closed_at"].fillna(deals["expected_close_at"])
    leads = tables["leads"].assign(is_converted=tables["leads"]["converted_at"].notna())
    by_lead = deals.dropna(subset="lead_id").set_index("lead_id")["deal_id"]
    leads["opportunity"] = leads["lead_id"].map(by_lead)
    as_csv(folder, "Lead", renamed(leads, {
        "lead_id": "Id", "created_at": "CreatedDate", "rep_id": "OwnerId", "source": "LeadSource",
        "value": "Expected_Amount__c", "converted_at": "Converted_At__c",
        "account_id": "Account__c", "lost_at": "Disqualified_Date__c",
        "is_converted": "IsConverted",
        "opportunity": "ConvertedOpportunityId",
    }))  # fmt: skip
    as_csv(folder, "Opportunity", renamed(deals, {
        "deal_id": "Id", "rep_id": "OwnerId", "created_at": "CreatedDate", "amount": "Amount",
        "account_id": "AccountId", "close": "CloseDate", "is_closed": "IsClosed", "won": "IsWon",
    }).assign(StageName="a stage"))  # fmt: skip
    as_csv(folder, "Task", renamed(tables["activities"], {
        "activity_id": "Id", "lead_id": "WhoId", "deal_id": "WhatId", "rep_id": "OwnerId",
        "occurred_at": "CompletedDateTime", "type": "TaskSubtype", "direction": "CallType",
        "outcome": "CallDisposition", "duration_s": "CallDurationInSeconds",
        "known_at": "Logged_At__c",
    }).assign(Status="Completed", IsClosed=True))  # fmt: skip
    as_csv(folder, "User", renamed(tables["reps"], {
        "rep_id": "Id", "name": "Name", "manager_id": "ManagerId", "role": "Title",
        "team": "Department", "territory": "Division", "hired_at": "Hire_Date__c",
        "left_at": "Termination_Date__c",
    }).assign(IsActive=True))  # fmt: skip
    quotas = quotas_by_day(tables)
    quotas["period"] = quotas["period_start"].astype(str)
    as_csv(folder, "ForecastingQuota", renamed(quotas, {
        "rep_id": "QuotaOwnerId", "amount": "QuotaAmount", "period": "PeriodId",
    }))  # fmt: skip
    as_csv(folder, "Period", renamed(quotas.drop_duplicates("period"), {
        "period": "Id", "period_start": "StartDate", "last": "EndDate",
    }))  # fmt: skip
    as_csv(folder, "Account", renamed(tables["accounts"], {
        "account_id": "Id", "industry": "Industry", "employees": "NumberOfEmployees",
    }))  # fmt: skip
    for entity, name, key, fields in (
        ("lead", "LeadHistory", "LeadId", {"stage": "Status", "rep_id": "Owner"}),
        ("deal", "OpportunityFieldHistory", "OpportunityId", {
            "stage": "StageName", "rep_id": "Owner", "amount": "Amount",
            "expected_close_at": "CloseDate",
        }),
    ):  # fmt: skip
        rows = history(tables, entity, (key, "CreatedDate", "Field", "NewValue"), fields)
        is_owner = rows["Field"] == "Owner"
        rows["DataType"] = is_owner.map({True: "EntityId", False: "Text"})
        # Salesforce writes each change of an owner twice: once with ids, once with names.
        names = rows[is_owner].assign(DataType="Text", NewValue="Somebody's name")
        as_csv(folder, name, pd.concat([rows, names]).assign(OldValue=None))


def salesforce_warehouse(tables: Tables, folder: Path) -> None:
    """Write the same as a loader does: snake_case, and versions of records instead of changes."""
    plain = folder / "plain"
    salesforce(tables, plain)
    for file in plain.glob("*.csv"):
        if "History" not in file.stem:
            frame = pd.read_csv(file, dtype=str, keep_default_na=False)
            frame.columns = [_snake(column) for column in frame.columns]
            as_csv(folder, _snake(file.stem), frame.assign(_fivetran_synced="2025-01-01"))
        file.unlink()
    plain.rmdir()
    for entity, name, fields in (
        ("lead", "lead_history", {"stage": "status", "rep_id": "owner_id"}),
        ("deal", "opportunity_history", {
            "stage": "stage_name", "rep_id": "owner_id", "amount": "amount",
            "expected_close_at": "close_date",
        }),
    ):  # fmt: skip
        as_csv(folder, name, _versions(tables, entity, fields))


def _snake(name: str) -> str:
    """Return a name as loaders write it: ConvertedOpportunityId -> converted_opportunity_id."""
    plain = name.replace("__c", "_c")
    parts = [f"_{s.lower()}" if s.isupper() else s for s in plain]
    return "".join(parts).lstrip("_").replace("__", "_")


def _versions(tables: Tables, entity: str, fields: Mapping[str, str]) -> pd.DataFrame:
    """Return a row for each state of each record, from one change to the next."""
    changes = tables["changes"]
    rows = changes[(changes["entity_type"] == entity) & changes["field"].isin(fields)]
    states = rows.pivot_table(
        index=["entity_id", "changed_at"], columns="field", values="value", aggfunc="last"
    )
    states = states.groupby("entity_id").ffill().reset_index()
    states["until"] = states.groupby("entity_id")["changed_at"].shift(-1)
    states["is_active"] = states["until"].isna()
    return renamed(states, {
        "entity_id": "id", "changed_at": "_fivetran_start", "until": "_fivetran_end",
        "is_active": "_fivetran_active", **fields,
    })  # fmt: skip


def hubspot(tables: Tables, folder: Path) -> None:
    """Write contacts, deals, engagements, owners, goals and property histories by their labels."""
    deals = tables["deals"].assign(is_closed=tables["deals"]["won"].notna())
    deals["close"] = deals["closed_at"].fillna(deals["expected_close_at"])
    as_csv(folder, "hubspot-crm-exports-all-contacts-2025-01-31", renamed(tables["leads"], {
        "lead_id": "Record ID", "created_at": "Create Date", "rep_id": "Contact owner",
        "account_id": "Primary Associated Company ID", "source": "Original Source",
        "value": "Expected Amount", "converted_at": "Became an Opportunity Date",
        "lost_at": "Disqualified Date",
    }).assign(Email="a@b.example"))  # fmt: skip
    as_csv(folder, "deals", renamed(deals, {
        "deal_id": "Record ID", "rep_id": "Deal owner", "created_at": "Create Date",
        "lead_id": "Primary Associated Contact ID", "amount": "Amount", "close": "Close Date",
        "account_id": "Primary Associated Company ID", "is_closed": "Is Deal Closed?",
        "won": "Is Closed Won",
    }))  # fmt: skip
    as_csv(folder, "engagements", renamed(tables["activities"], {
        "activity_id": "Record ID", "occurred_at": "Activity date", "type": "Activity type",
        "lead_id": "Primary Associated Contact ID", "deal_id": "Primary Associated Deal ID",
        "rep_id": "Activity assigned to", "direction": "Call direction", "outcome": "Call outcome",
        "duration_s": "Call duration (seconds)", "known_at": "Create Date",
    }))  # fmt: skip
    as_csv(folder, "owners", renamed(tables["reps"], {
        "rep_id": "Owner ID", "name": "Name", "manager_id": "Manager", "role": "Role",
        "team": "Team", "territory": "Territory", "hired_at": "Start date", "left_at": "End date",
    }))  # fmt: skip
    as_csv(folder, "goals", renamed(quotas_by_day(tables), {
        "rep_id": "Assignee", "period_start": "Start date", "last": "End date",
        "amount": "Target amount",
    }))  # fmt: skip
    as_csv(folder, "companies", renamed(tables["accounts"], {
        "account_id": "Record ID", "industry": "Industry", "employees": "Number of Employees",
    }))  # fmt: skip
    headers = ("Record ID", "Date", "Property", "Value")
    names = {"stage": "Lifecycle Stage", "rep_id": "Contact owner"}
    as_csv(folder, "contact property history", history(tables, "lead", headers, names))
    names = {"stage": "Deal Stage", "rep_id": "Deal owner", "amount": "Amount",
             "expected_close_at": "Close Date"}  # fmt: skip
    as_csv(folder, "deal property history", history(tables, "deal", headers, names))


def hubspot_warehouse(tables: Tables, folder: Path) -> None:
    """Write property_* columns, link tables, and one table for each kind of engagement."""
    deals, leads = tables["deals"], tables["leads"]
    stage = deals["won"].map({True: "s-won", False: "s-lost"}).fillna("s-open")
    close = deals["closed_at"].fillna(deals["expected_close_at"])
    as_csv(folder, "contact_data", renamed(leads, {
        "lead_id": "id", "created_at": "property_createdate", "rep_id": "property_hubspot_owner_id",
        "source": "property_hs_analytics_source", "value": "property_expected_amount",
        "converted_at": "property_hs_lifecyclestage_opportunity_date",
        "lost_at": "property_disqualified_date",
    }).assign(property_email="a@b.example"))  # fmt: skip
    as_csv(folder, "contact_company_data", renamed(leads, {
        "lead_id": "contact_id", "account_id": "company_id",
    }))  # fmt: skip
    as_csv(folder, "deal_data", renamed(deals.assign(stage=stage, close=close), {
        "deal_id": "deal_id", "rep_id": "owner_id", "created_at": "property_createdate",
        "amount": "property_amount", "close": "property_closedate",
        "stage": "deal_pipeline_stage_id",
    }))  # fmt: skip
    as_csv(folder, "deal_pipeline_stage_data", pd.DataFrame({
        "stage_id": ["s-won", "s-lost", "s-open"], "is_closed": [True, True, False],
        "closed_won": [True, False, False],
    }))  # fmt: skip
    for name, ours, theirs in (
        ("contact", "lead_id", "contact_id"),
        ("company", "account_id", "company_id"),
    ):
        linked = deals.dropna(subset=ours)
        as_csv(folder, f"deal_{name}_data", renamed(linked, {"deal_id": "deal_id", ours: theirs}))
    activities = tables["activities"]
    for kind, more in ENGAGEMENTS.items():
        rows = activities[activities["type"] == kind]
        as_csv(folder, f"engagement_{kind}_data", renamed(rows, {
            "activity_id": "engagement_id", "occurred_at": "property_hs_timestamp",
            "rep_id": "property_hubspot_owner_id", "known_at": "property_hs_createdate", **more,
        }))  # fmt: skip
    for ours, theirs in (("lead_id", "contact_id"), ("deal_id", "deal_id")):
        linked = activities.dropna(subset=ours)
        headers = {"activity_id": "engagement_id", ours: theirs}
        as_csv(folder, f"engagement_{theirs.removesuffix('_id')}_data", renamed(linked, headers))
    as_csv(folder, "owner_data", renamed(tables["reps"], {
        "rep_id": "owner_id", "name": "name", "manager_id": "manager_id", "role": "role",
        "territory": "territory", "hired_at": "hired_at", "left_at": "left_at",
    }).assign(email="a@b.example"))  # fmt: skip
    teams = sorted(tables["reps"]["team"].unique())
    as_csv(folder, "team_data", pd.DataFrame({"id": range(len(teams)), "name": teams}))
    as_csv(folder, "owner_team_data", pd.DataFrame({
        "owner_id": tables["reps"]["rep_id"], "team_id": tables["reps"]["team"].map(teams.index),
    }))  # fmt: skip
    as_csv(folder, "goal_target_data", renamed(quotas_by_day(tables), {
        "rep_id": "property_hubspot_owner_id", "period_start": "property_hs_start_datetime",
        "last": "property_hs_end_datetime", "amount": "property_hs_target_amount",
    }))  # fmt: skip
    as_csv(folder, "company_data", renamed(tables["accounts"], {
        "account_id": "id", "industry": "property_industry",
        "employees": "property_numberofemployees",
    }))  # fmt: skip
    for entity, name, fields in (
        ("lead", "contact", {"stage": "lifecyclestage", "rep_id": "hubspot_owner_id"}),
        ("deal", "deal", {
            "stage": "dealstage", "rep_id": "hubspot_owner_id", "amount": "amount",
            "expected_close_at": "closedate",
        }),
    ):  # fmt: skip
        rows = history(tables, entity, (f"{name}_id", "timestamp", "name", "value"), fields)
        as_csv(folder, f"{name}_property_history_data", rows)


ENGAGEMENTS = {
    "call": {
        "direction": "property_hs_call_direction", "outcome": "property_hs_call_disposition",
        "duration_s": "property_duration_seconds",
    },
    "email": {"direction": "property_hs_email_direction"},
    "meeting": {"outcome": "property_hs_meeting_outcome"},
}  # fmt: skip
