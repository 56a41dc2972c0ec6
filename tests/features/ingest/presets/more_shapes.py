"""The sample company as Pipedrive, Dynamics 365 and Zoho would export it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from shapes import (
    Tables,
    as_csv,
    history,
    hubspot,
    hubspot_warehouse,
    quotas_by_day,
    renamed,
    salesforce,
    salesforce_warehouse,
    with_ids,
)


def pipedrive(tables: Tables, folder: Path) -> None:
    """Write objects with their names in every header, and changes as the API lists them."""
    deals = tables["deals"]
    status = deals["won"].map({True: "Won", False: "Lost"}).fillna("Open")
    won_at = deals["closed_at"].where(status == "Won")
    lost_at = deals["closed_at"].where(status == "Lost")
    as_csv(folder, "leads-123-1", renamed(tables["leads"], {
        "lead_id": "Lead - ID", "created_at": "Lead - Lead created", "rep_id": "Lead - Owner",
        "account_id": "Lead - Organization ID", "source": "Lead - Source name",
        "value": "Lead - Value", "converted_at": "Lead - Converted time",
        "lost_at": "Lead - Archive time",
    }))  # fmt: skip
    as_csv(folder, "deals-123-2", renamed(deals.assign(status=status, w=won_at, l=lost_at), {
        "deal_id": "Deal - ID", "rep_id": "Deal - Owner", "created_at": "Deal - Deal created",
        "lead_id": "Deal - Source lead ID", "account_id": "Deal - Organization ID",
        "amount": "Deal - Value", "expected_close_at": "Deal - Expected close date",
        "status": "Deal - Status", "w": "Deal - Won time", "l": "Deal - Lost time",
    }))  # fmt: skip
    as_csv(folder, "activities", renamed(tables["activities"], {
        "activity_id": "Activity - ID", "occurred_at": "Activity - Marked as done time",
        "type": "Activity - Type", "lead_id": "Activity - Lead ID", "deal_id": "Activity - Deal ID",
        "rep_id": "Activity - Assigned to user", "direction": "Activity - Direction",
        "outcome": "Activity - Outcome", "duration_s": "Activity - Duration (seconds)",
        "known_at": "Activity - Logged time",
    }).assign(**{"Activity - Done": "Done"}))  # fmt: skip
    _people(tables, folder, "users", "User - {}", (
        "ID", "Name", "Manager", "Role",
        "Team", "Territory", "Hired", "Left",
    ))  # fmt: skip
    as_csv(folder, "goals", renamed(quotas_by_day(tables), {
        "rep_id": "Goal - Assignee", "period_start": "Goal - Interval start",
        "last": "Goal - Interval end", "amount": "Goal - Expected outcome",
    }))  # fmt: skip
    as_csv(folder, "organizations", renamed(tables["accounts"], {
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
        as_csv(folder, f"{entity} changes", history(tables, entity, headers, fields))


def _people(
    tables: Tables, folder: Path, name: str, pattern: str, headers: tuple[str, ...]
) -> None:
    ours = ("rep_id", "name", "manager_id", "role", "team", "territory", "hired_at", "left_at")
    named = dict(zip(ours, map(pattern.format, headers), strict=True))
    as_csv(folder, name, renamed(tables["reps"], named))


def dynamics(tables: Tables, folder: Path) -> None:
    """Write tables under logical names; ids stand in braces and capitals, as GUIDs may."""
    tables = {
        name: with_ids(frame, lambda key: f"{{{key.upper()}}}") for name, frame in tables.items()
    }
    deals = tables["deals"]
    state = deals["won"].map({True: "1", False: "2"}).fillna("0")
    as_csv(folder, "lead", renamed(tables["leads"], {
        "lead_id": "leadid", "created_at": "createdon", "rep_id": "ownerid",
        "account_id": "parentaccountid", "source": "leadsourcecode", "value": "estimatedamount",
        "converted_at": "new_qualifiedon", "lost_at": "new_disqualifiedon",
    }))  # fmt: skip
    as_csv(folder, "opportunity", renamed(deals.assign(state=state), {
        "deal_id": "opportunityid", "rep_id": "ownerid", "created_at": "createdon",
        "lead_id": "originatingleadid", "account_id": "parentaccountid", "amount": "estimatedvalue",
        "expected_close_at": "estimatedclosedate", "closed_at": "actualclosedate",
        "state": "statecode",
    }))  # fmt: skip
    activities = tables["activities"]
    regarding = activities["deal_id"].where(activities["lead_id"].isna(), activities["lead_id"])
    as_csv(folder, "activitypointer", renamed(activities.assign(regarding=regarding), {
        "activity_id": "activityid", "occurred_at": "actualend", "type": "activitytypecode",
        "regarding": "regardingobjectid", "rep_id": "ownerid", "direction": "directioncode",
        "outcome": "new_outcome", "duration_s": "new_durationseconds", "known_at": "new_knownon",
    }).assign(statecode="1"))  # fmt: skip
    _people(tables, folder, "systemuser", "{}", (
        "systemuserid", "fullname", "parentsystemuserid", "title",
        "new_team", "territoryid", "new_hiredon", "new_lefton",
    ))  # fmt: skip
    as_csv(folder, "goal", renamed(quotas_by_day(tables), {
        "rep_id": "goalownerid", "period_start": "goalstartdate", "last": "goalenddate",
        "amount": "targetmoney",
    }))  # fmt: skip
    as_csv(folder, "account", renamed(tables["accounts"], {
        "account_id": "accountid", "industry": "industrycode", "employees": "numberofemployees",
    }))  # fmt: skip
    headers = ("objectid", "createdon", "attribute", "newvalue")
    names = {"stage": "statuscode", "rep_id": "ownerid"}
    as_csv(folder, "lead audit", history(tables, "lead", headers, names))
    names = {"stage": "stepname", "rep_id": "ownerid", "amount": "estimatedvalue",
             "expected_close_at": "estimatedclosedate"}  # fmt: skip
    as_csv(folder, "opportunity audit", history(tables, "deal", headers, names))


def zoho(tables: Tables, folder: Path) -> None:
    """Write modules by their labels, ids of lookups in columns that end in .id."""
    deals = tables["deals"]
    stage = deals["won"].map({True: "Closed Won", False: "Closed Lost"}).fillna("Negotiation")
    closing = deals["closed_at"].fillna(deals["expected_close_at"])
    as_csv(folder, "Leads", renamed(tables["leads"], {
        "lead_id": "Record Id", "created_at": "Created Time", "rep_id": "Lead Owner.id",
        "account_id": "Account Name.id", "source": "Lead Source", "value": "Expected Amount",
        "converted_at": "Converted Date Time", "lost_at": "Lost Time",
    }))  # fmt: skip
    as_csv(folder, "Deals", renamed(deals.assign(stage=stage, closing=closing), {
        "deal_id": "Record Id", "rep_id": "Deal Owner.id", "created_at": "Created Time",
        "lead_id": "Converted Lead.id", "account_id": "Account Name.id", "amount": "Amount",
        "closing": "Closing Date", "stage": "Stage",
    }))  # fmt: skip
    as_csv(folder, "Activities", renamed(tables["activities"], {
        "activity_id": "Record Id", "occurred_at": "Closed Time", "type": "Activity Type",
        "lead_id": "Lead.id", "deal_id": "Deal.id", "rep_id": "Activity Owner.id",
        "direction": "Call Type", "outcome": "Call Result",
        "duration_s": "Call Duration (in seconds)", "known_at": "Known Time",
    }).assign(Status="Completed"))  # fmt: skip
    _people(tables, folder, "Users", "{}", (
        "User Id", "Full Name", "Reporting To.id", "Role",
        "Team", "Territory", "Hire Date", "Leave Date",
    ))  # fmt: skip
    as_csv(folder, "Forecasts", renamed(quotas_by_day(tables), {
        "rep_id": "User Id", "period_start": "Period Start", "last": "Period End",
        "amount": "Target",
    }))  # fmt: skip
    as_csv(folder, "Accounts", renamed(tables["accounts"], {
        "account_id": "Record Id", "industry": "Industry", "employees": "Employees",
    }))  # fmt: skip
    headers = ("Record Id", "Modified Time", "Field", "New Value")
    names = {"stage": "Lead Status", "rep_id": "Lead Owner"}
    as_csv(folder, "Lead History", history(tables, "lead", headers, names))
    names = {"stage": "Stage", "rep_id": "Deal Owner", "amount": "Amount",
             "expected_close_at": "Closing Date"}  # fmt: skip
    as_csv(folder, "Deal History", history(tables, "deal", headers, names))


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
