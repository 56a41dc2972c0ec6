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


def _csv(folder: Path, name: str, frame: pd.DataFrame) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_csv(folder / f"{name}.csv", index=False)


def _renamed(frame: pd.DataFrame, headers: Mapping[str, str]) -> pd.DataFrame:
    return frame[list(headers)].rename(columns=dict(headers))


def _history(
    tables: Tables, entity: str, headers: tuple[str, str, str, str], names: Mapping[str, str]
) -> pd.DataFrame:
    """Return one kind of entity's changes under a CRM's headers and names of fields."""
    changes = tables["changes"]
    rows = changes[changes["entity_type"] == entity].copy()
    rows["field"] = rows["field"].map(names)
    columns = ("entity_id", "changed_at", "field", "value")
    return _renamed(rows, dict(zip(columns, headers, strict=True)))


def _quotas(tables: Tables) -> pd.DataFrame:
    """Return quotas whose periods end on their last day."""
    return tables["quotas"].assign(last=tables["quotas"]["period_end"] - DAY)


def salesforce(tables: Tables, folder: Path) -> None:
    """Write Lead, Opportunity, Task, User, quotas and both field histories."""
    deals = tables["deals"].assign(is_closed=tables["deals"]["won"].notna())
    deals["close"] = deals["closed_at"].fillna(deals["expected_close_at"])
    leads = tables["leads"].assign(is_converted=tables["leads"]["converted_at"].notna())
    by_lead = deals.dropna(subset="lead_id").set_index("lead_id")["deal_id"]
    leads["opportunity"] = leads["lead_id"].map(by_lead)
    _csv(folder, "Lead", _renamed(leads, {
        "lead_id": "Id", "created_at": "CreatedDate", "rep_id": "OwnerId", "source": "LeadSource",
        "value": "Expected_Amount__c", "converted_at": "Converted_At__c", "account_id": "Account__c",
        "lost_at": "Disqualified_Date__c", "is_converted": "IsConverted",
        "opportunity": "ConvertedOpportunityId",
    }))  # fmt: skip
    _csv(folder, "Opportunity", _renamed(deals, {
        "deal_id": "Id", "rep_id": "OwnerId", "created_at": "CreatedDate", "amount": "Amount",
        "account_id": "AccountId", "close": "CloseDate", "is_closed": "IsClosed", "won": "IsWon",
    }).assign(StageName="a stage"))  # fmt: skip
    _csv(folder, "Task", _renamed(tables["activities"], {
        "activity_id": "Id", "lead_id": "WhoId", "deal_id": "WhatId", "rep_id": "OwnerId",
        "occurred_at": "CompletedDateTime", "type": "TaskSubtype", "direction": "CallType",
        "outcome": "CallDisposition", "duration_s": "CallDurationInSeconds",
        "known_at": "Logged_At__c",
    }).assign(Status="Completed", IsClosed=True))  # fmt: skip
    _csv(folder, "User", _renamed(tables["reps"], {
        "rep_id": "Id", "name": "Name", "manager_id": "ManagerId", "role": "Title",
        "team": "Department", "territory": "Division", "hired_at": "Hire_Date__c",
        "left_at": "Termination_Date__c",
    }).assign(IsActive=True))  # fmt: skip
    quotas = _quotas(tables)
    quotas["period"] = quotas["period_start"].astype(str)
    _csv(folder, "ForecastingQuota", _renamed(quotas, {
        "rep_id": "QuotaOwnerId", "amount": "QuotaAmount", "period": "PeriodId",
    }))  # fmt: skip
    _csv(folder, "Period", _renamed(quotas.drop_duplicates("period"), {
        "period": "Id", "period_start": "StartDate", "last": "EndDate",
    }))  # fmt: skip
    _csv(folder, "Account", _renamed(tables["accounts"], {
        "account_id": "Id", "industry": "Industry", "employees": "NumberOfEmployees",
    }))  # fmt: skip
    for entity, name, key, fields in (
        ("lead", "LeadHistory", "LeadId", {"stage": "Status", "rep_id": "Owner"}),
        ("deal", "OpportunityFieldHistory", "OpportunityId", {
            "stage": "StageName", "rep_id": "Owner", "amount": "Amount",
            "expected_close_at": "CloseDate",
        }),
    ):  # fmt: skip
        rows = _history(tables, entity, (key, "CreatedDate", "Field", "NewValue"), fields)
        is_owner = rows["Field"] == "Owner"
        rows["DataType"] = is_owner.map({True: "EntityId", False: "Text"})
        # Salesforce writes each change of an owner twice: once with ids, once with names.
        names = rows[is_owner].assign(DataType="Text", NewValue="Somebody's name")
        _csv(folder, name, pd.concat([rows, names]).assign(OldValue=None))


def salesforce_warehouse(tables: Tables, folder: Path) -> None:
    """Write the same as a loader does: snake_case, and versions of records instead of changes."""
    plain = folder / "plain"
    salesforce(tables, plain)
    for file in plain.glob("*.csv"):
        if "History" not in file.stem:
            frame = pd.read_csv(file, dtype=str, keep_default_na=False)
            frame.columns = [_snake(column) for column in frame.columns]
            _csv(folder, _snake(file.stem), frame.assign(_fivetran_synced="2025-01-01"))
        file.unlink()
    plain.rmdir()
    for entity, name, fields in (
        ("lead", "lead_history", {"stage": "status", "rep_id": "owner_id"}),
        ("deal", "opportunity_history", {
            "stage": "stage_name", "rep_id": "owner_id", "amount": "amount",
            "expected_close_at": "close_date",
        }),
    ):  # fmt: skip
        _csv(folder, name, _versions(tables, entity, fields))


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
    return _renamed(states, {
        "entity_id": "id", "changed_at": "_fivetran_start", "until": "_fivetran_end",
        "is_active": "_fivetran_active", **fields,
    })  # fmt: skip


def hubspot(tables: Tables, folder: Path) -> None:
    """Write contacts, deals, engagements, owners, goals and property histories by their labels."""
    deals = tables["deals"].assign(is_closed=tables["deals"]["won"].notna())
    deals["close"] = deals["closed_at"].fillna(deals["expected_close_at"])
    _csv(folder, "hubspot-crm-exports-all-contacts-2025-01-31", _renamed(tables["leads"], {
        "lead_id": "Record ID", "created_at": "Create Date", "rep_id": "Contact owner",
        "account_id": "Primary Associated Company ID", "source": "Original Source",
        "value": "Expected Amount", "converted_at": "Became an Opportunity Date",
        "lost_at": "Disqualified Date",
    }).assign(Email="a@b.example"))  # fmt: skip
    _csv(folder, "deals", _renamed(deals, {
        "deal_id": "Record ID", "rep_id": "Deal owner", "created_at": "Create Date",
        "lead_id": "Primary Associated Contact ID", "amount": "Amount", "close": "Close Date",
        "account_id": "Primary Associated Company ID", "is_closed": "Is Deal Closed?",
        "won": "Is Closed Won",
    }))  # fmt: skip
    _csv(folder, "engagements", _renamed(tables["activities"], {
        "activity_id": "Record ID", "occurred_at": "Activity date", "type": "Activity type",
        "lead_id": "Primary Associated Contact ID", "deal_id": "Primary Associated Deal ID",
        "rep_id": "Activity assigned to", "direction": "Call direction", "outcome": "Call outcome",
        "duration_s": "Call duration (seconds)", "known_at": "Create Date",
    }))  # fmt: skip
    _csv(folder, "owners", _renamed(tables["reps"], {
        "rep_id": "Owner ID", "name": "Name", "manager_id": "Manager", "role": "Role",
        "team": "Team", "territory": "Territory", "hired_at": "Start date", "left_at": "End date",
    }))  # fmt: skip
    _csv(folder, "goals", _renamed(_quotas(tables), {
        "rep_id": "Assignee", "period_start": "Start date", "last": "End date",
        "amount": "Target amount",
    }))  # fmt: skip
    _csv(folder, "companies", _renamed(tables["accounts"], {
        "account_id": "Record ID", "industry": "Industry", "employees": "Number of Employees",
    }))  # fmt: skip
    headers = ("Record ID", "Date", "Property", "Value")
    names = {"stage": "Lifecycle Stage", "rep_id": "Contact owner"}
    _csv(folder, "contact property history", _history(tables, "lead", headers, names))
    names = {"stage": "Deal Stage", "rep_id": "Deal owner", "amount": "Amount",
             "expected_close_at": "Close Date"}  # fmt: skip
    _csv(folder, "deal property history", _history(tables, "deal", headers, names))


def hubspot_warehouse(tables: Tables, folder: Path) -> None:
    """Write property_* columns, link tables, and one table for each kind of engagement."""
    deals, leads = tables["deals"], tables["leads"]
    stage = deals["won"].map({True: "s-won", False: "s-lost"}).fillna("s-open")
    close = deals["closed_at"].fillna(deals["expected_close_at"])
    _csv(folder, "contact_data", _renamed(leads, {
        "lead_id": "id", "created_at": "property_createdate", "rep_id": "property_hubspot_owner_id",
        "source": "property_hs_analytics_source", "value": "property_expected_amount",
        "converted_at": "property_hs_lifecyclestage_opportunity_date",
        "lost_at": "property_disqualified_date",
    }).assign(property_email="a@b.example"))  # fmt: skip
    _csv(folder, "contact_company_data", _renamed(leads, {
        "lead_id": "contact_id", "account_id": "company_id",
    }))  # fmt: skip
    _csv(folder, "deal_data", _renamed(deals.assign(stage=stage, close=close), {
        "deal_id": "deal_id", "rep_id": "owner_id", "created_at": "property_createdate",
        "amount": "property_amount", "close": "property_closedate", "stage": "deal_pipeline_stage_id",
    }))  # fmt: skip
    _csv(folder, "deal_pipeline_stage_data", pd.DataFrame({
        "stage_id": ["s-won", "s-lost", "s-open"], "is_closed": [True, True, False],
        "closed_won": [True, False, False],
    }))  # fmt: skip
    for name, ours, theirs in (
        ("contact", "lead_id", "contact_id"),
        ("company", "account_id", "company_id"),
    ):
        linked = deals.dropna(subset=ours)
        _csv(folder, f"deal_{name}_data", _renamed(linked, {"deal_id": "deal_id", ours: theirs}))
    activities = tables["activities"]
    for kind, more in ENGAGEMENTS.items():
        rows = activities[activities["type"] == kind]
        _csv(folder, f"engagement_{kind}_data", _renamed(rows, {
            "activity_id": "engagement_id", "occurred_at": "property_hs_timestamp",
            "rep_id": "property_hubspot_owner_id", "known_at": "property_hs_createdate", **more,
        }))  # fmt: skip
    for ours, theirs in (("lead_id", "contact_id"), ("deal_id", "deal_id")):
        linked = activities.dropna(subset=ours)
        headers = {"activity_id": "engagement_id", ours: theirs}
        _csv(folder, f"engagement_{theirs.removesuffix('_id')}_data", _renamed(linked, headers))
    _csv(folder, "owner_data", _renamed(tables["reps"], {
        "rep_id": "owner_id", "name": "name", "manager_id": "manager_id", "role": "role",
        "territory": "territory", "hired_at": "hired_at", "left_at": "left_at",
    }).assign(email="a@b.example"))  # fmt: skip
    teams = sorted(tables["reps"]["team"].unique())
    _csv(folder, "team_data", pd.DataFrame({"id": range(len(teams)), "name": teams}))
    _csv(folder, "owner_team_data", pd.DataFrame({
        "owner_id": tables["reps"]["rep_id"], "team_id": tables["reps"]["team"].map(teams.index),
    }))  # fmt: skip
    _csv(folder, "goal_target_data", _renamed(_quotas(tables), {
        "rep_id": "property_hubspot_owner_id", "period_start": "property_hs_start_datetime",
        "last": "property_hs_end_datetime", "amount": "property_hs_target_amount",
    }))  # fmt: skip
    _csv(folder, "company_data", _renamed(tables["accounts"], {
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
        rows = _history(tables, entity, (f"{name}_id", "timestamp", "name", "value"), fields)
        _csv(folder, f"{name}_property_history_data", rows)


ENGAGEMENTS = {
    "call": {
        "direction": "property_hs_call_direction", "outcome": "property_hs_call_disposition",
        "duration_s": "property_duration_seconds",
    },
    "email": {"direction": "property_hs_email_direction"},
    "meeting": {"outcome": "property_hs_meeting_outcome"},
}  # fmt: skip


def pipedrive(tables: Tables, folder: Path) -> None:
    """Write objects with their names in every header, and changes as the API lists them."""
    deals = tables["deals"]
    status = deals["won"].map({True: "Won", False: "Lost"}).fillna("Open")
    won_at = deals["closed_at"].where(status == "Won")
    lost_at = deals["closed_at"].where(status == "Lost")
    _csv(folder, "leads-123-1", _renamed(tables["leads"], {
        "lead_id": "Lead - ID", "created_at": "Lead - Lead created", "rep_id": "Lead - Owner",
        "account_id": "Lead - Organization ID", "source": "Lead - Source name",
        "value": "Lead - Value", "converted_at": "Lead - Converted time",
        "lost_at": "Lead - Archive time",
    }))  # fmt: skip
    _csv(folder, "deals-123-2", _renamed(deals.assign(status=status, w=won_at, l=lost_at), {
        "deal_id": "Deal - ID", "rep_id": "Deal - Owner", "created_at": "Deal - Deal created",
        "lead_id": "Deal - Source lead ID", "account_id": "Deal - Organization ID",
        "amount": "Deal - Value", "expected_close_at": "Deal - Expected close date",
        "status": "Deal - Status", "w": "Deal - Won time", "l": "Deal - Lost time",
    }))  # fmt: skip
    _csv(folder, "activities", _renamed(tables["activities"], {
        "activity_id": "Activity - ID", "occurred_at": "Activity - Marked as done time",
        "type": "Activity - Type", "lead_id": "Activity - Lead ID", "deal_id": "Activity - Deal ID",
        "rep_id": "Activity - Assigned to user", "direction": "Activity - Direction",
        "outcome": "Activity - Outcome", "duration_s": "Activity - Duration (seconds)",
        "known_at": "Activity - Logged time",
    }).assign(**{"Activity - Done": "Done"}))  # fmt: skip
    _people(tables, folder, "users", "User - {}", ("ID", "Name", "Manager", "Role", "Team", "Territory", "Hired", "Left"))  # fmt: skip
    _csv(folder, "goals", _renamed(_quotas(tables), {
        "rep_id": "Goal - Assignee", "period_start": "Goal - Interval start",
        "last": "Goal - Interval end", "amount": "Goal - Expected outcome",
    }))  # fmt: skip
    _csv(folder, "organizations", _renamed(tables["accounts"], {
        "account_id": "Organization - ID", "industry": "Organization - Industry",
    }))  # fmt: skip
    for entity, fields in (
        ("lead", {"stage": "stage", "rep_id": "owner_id"}),
        ("deal", {
            "stage": "stage_id", "rep_id": "user_id", "amount": "value",
            "expected_close_at": "expected_close_date",
        }),
    ):  # fmt: skip
        headers = (f"{entity}_id", "log_time", "field_key", "new_value")
        _csv(folder, f"{entity} changes", _history(tables, entity, headers, fields))


def _people(
    tables: Tables, folder: Path, name: str, pattern: str, headers: tuple[str, ...]
) -> None:
    ours = ("rep_id", "name", "manager_id", "role", "team", "territory", "hired_at", "left_at")
    named = dict(zip(ours, map(pattern.format, headers), strict=True))
    _csv(folder, name, _renamed(tables["reps"], named))


def dynamics(tables: Tables, folder: Path) -> None:
    """Write tables under logical names; ids stand in braces and capitals, as GUIDs may."""
    tables = {
        name: with_ids(frame, lambda key: f"{{{key.upper()}}}") for name, frame in tables.items()
    }
    deals = tables["deals"]
    state = deals["won"].map({True: "1", False: "2"}).fillna("0")
    _csv(folder, "lead", _renamed(tables["leads"], {
        "lead_id": "leadid", "created_at": "createdon", "rep_id": "ownerid",
        "account_id": "parentaccountid", "source": "leadsourcecode", "value": "estimatedamount",
        "converted_at": "new_qualifiedon", "lost_at": "new_disqualifiedon",
    }))  # fmt: skip
    _csv(folder, "opportunity", _renamed(deals.assign(state=state), {
        "deal_id": "opportunityid", "rep_id": "ownerid", "created_at": "createdon",
        "lead_id": "originatingleadid", "account_id": "parentaccountid", "amount": "estimatedvalue",
        "expected_close_at": "estimatedclosedate", "closed_at": "actualclosedate",
        "state": "statecode",
    }))  # fmt: skip
    activities = tables["activities"]
    regarding = activities["deal_id"].where(activities["lead_id"].isna(), activities["lead_id"])
    _csv(folder, "activitypointer", _renamed(activities.assign(regarding=regarding), {
        "activity_id": "activityid", "occurred_at": "actualend", "type": "activitytypecode",
        "regarding": "regardingobjectid", "rep_id": "ownerid", "direction": "directioncode",
        "outcome": "new_outcome", "duration_s": "new_durationseconds", "known_at": "new_knownon",
    }).assign(statecode="1"))  # fmt: skip
    _people(tables, folder, "systemuser", "{}", ("systemuserid", "fullname", "parentsystemuserid", "title", "new_team", "territoryid", "new_hiredon", "new_lefton"))  # fmt: skip
    _csv(folder, "goal", _renamed(_quotas(tables), {
        "rep_id": "goalownerid", "period_start": "goalstartdate", "last": "goalenddate",
        "amount": "targetmoney",
    }))  # fmt: skip
    _csv(folder, "account", _renamed(tables["accounts"], {
        "account_id": "accountid", "industry": "industrycode", "employees": "numberofemployees",
    }))  # fmt: skip
    headers = ("objectid", "createdon", "attribute", "newvalue")
    names = {"stage": "statuscode", "rep_id": "ownerid"}
    _csv(folder, "lead audit", _history(tables, "lead", headers, names))
    names = {"stage": "stepname", "rep_id": "ownerid", "amount": "estimatedvalue",
             "expected_close_at": "estimatedclosedate"}  # fmt: skip
    _csv(folder, "opportunity audit", _history(tables, "deal", headers, names))


def zoho(tables: Tables, folder: Path) -> None:
    """Write modules by their labels, ids of lookups in columns that end in .id."""
    deals = tables["deals"]
    stage = deals["won"].map({True: "Closed Won", False: "Closed Lost"}).fillna("Negotiation")
    closing = deals["closed_at"].fillna(deals["expected_close_at"])
    _csv(folder, "Leads", _renamed(tables["leads"], {
        "lead_id": "Record Id", "created_at": "Created Time", "rep_id": "Lead Owner.id",
        "account_id": "Account Name.id", "source": "Lead Source", "value": "Expected Amount",
        "converted_at": "Converted Date Time", "lost_at": "Lost Time",
    }))  # fmt: skip
    _csv(folder, "Deals", _renamed(deals.assign(stage=stage, closing=closing), {
        "deal_id": "Record Id", "rep_id": "Deal Owner.id", "created_at": "Created Time",
        "lead_id": "Converted Lead.id", "account_id": "Account Name.id", "amount": "Amount",
        "closing": "Closing Date", "stage": "Stage",
    }))  # fmt: skip
    _csv(folder, "Activities", _renamed(tables["activities"], {
        "activity_id": "Record Id", "occurred_at": "Closed Time", "type": "Activity Type",
        "lead_id": "Lead.id", "deal_id": "Deal.id", "rep_id": "Activity Owner.id",
        "direction": "Call Type", "outcome": "Call Result",
        "duration_s": "Call Duration (in seconds)", "known_at": "Known Time",
    }).assign(Status="Completed"))  # fmt: skip
    _people(tables, folder, "Users", "{}", ("User Id", "Full Name", "Reporting To.id", "Role", "Team", "Territory", "Hire Date", "Leave Date"))  # fmt: skip
    _csv(folder, "Forecasts", _renamed(_quotas(tables), {
        "rep_id": "User Id", "period_start": "Period Start", "last": "Period End",
        "amount": "Target",
    }))  # fmt: skip
    _csv(folder, "Accounts", _renamed(tables["accounts"], {
        "account_id": "Record Id", "industry": "Industry", "employees": "Employees",
    }))  # fmt: skip
    headers = ("Record Id", "Modified Time", "Field", "New Value")
    names = {"stage": "Lead Status", "rep_id": "Lead Owner"}
    _csv(folder, "Lead History", _history(tables, "lead", headers, names))
    names = {"stage": "Stage", "rep_id": "Deal Owner", "amount": "Amount",
             "expected_close_at": "Closing Date"}  # fmt: skip
    _csv(folder, "Deal History", _history(tables, "deal", headers, names))


WRITERS: Mapping[str, Callable[[Tables, Path], None]] = {
    "salesforce": salesforce,
    "salesforce-warehouse": salesforce_warehouse,
    "hubspot": hubspot,
    "hubspot-warehouse": hubspot_warehouse,
    "pipedrive": pipedrive,
    "dynamics": dynamics,
    "zoho": zoho,
}
"""What writes a company in the shape of each preset."""
