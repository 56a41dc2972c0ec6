"""A small sample company as a workbook and CSV files, written as people's exports are."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from xlsx import write_workbook

from features.simulation.live import live
from features.simulation.settings import company_settings

Rows = list[dict[str, Any]]
BERLIN = ZoneInfo("Europe/Berlin")
TABLES = ("accounts", "activities", "changes", "deals", "leads", "quotas", "reps")
DOLLAR_RATES = (("2023-01-01", "0,5"), ("2024-08-01", "0,25"))
"""Since when a dollar is worth how many euros; halves and quarters leave amounts exact."""


@cache
def company() -> Path:
    """Return the folder of a company of three reps, its moments rounded to whole seconds."""
    folder = Path(mkdtemp(prefix="company"))
    settings = company_settings("small", seed=4, reps=3, months=3, replays=0, cause_replays=0)
    live(settings, folder)
    for name in TABLES:
        frame = pd.read_parquet(folder / f"{name}.parquet")
        for column in frame.select_dtypes("datetime"):
            frame[column] = frame[column].dt.floor("s").astype("datetime64[us]")
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def table(name: str) -> Rows:
    """Read a table of the company; empty values are None."""
    frame = pd.read_parquet(company() / f"{name}.parquet").astype(object)
    rows: Rows = frame.where(frame.notna(), None).to_dict("records")
    return rows


def local(moment: datetime | None, pattern: str) -> str:
    """Write a moment as the clock in Berlin shows it."""
    if moment is None:
        return ""
    return moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(BERLIN).strftime(pattern)


def german(number: float | None, sign: str = "") -> str:
    """Write a number with decimal comma and thousands points."""
    if number is None:
        return ""
    plain = f"{number:,.2f}".translate(str.maketrans(",.", ".,"))
    return f"{sign}{plain}"


def epoch_ms(moment: datetime) -> int:
    """Count milliseconds since 1970."""
    return (moment - datetime(1970, 1, 1)) // timedelta(milliseconds=1)


def write_csv(
    path: Path, rows: Iterable[dict[str, Any]], delimiter: str = ",", encoding: str = "utf-8"
) -> None:
    """Write rows as a CSV file."""
    rows = list(rows)
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def export(folder: Path) -> None:
    """Write the company as two workbooks and six CSV files."""
    activities = table("activities")
    of_type = {
        kind: [row for row in activities if row["type"] == kind]
        for kind in ("call", "email", "meeting", "web_visit")
    }
    write_csv(folder / "Anrufe.txt", map(_call, of_type["call"]), ";", "cp1252")
    write_csv(folder / "emails.csv", map(_email, of_type["email"]))
    write_csv(folder / "visits.csv", of_type["web_visit"])
    write_csv(folder / "Opportunity.csv", [*map(_deal, table("deals")), _deleted_deal()], "\t")
    write_csv(folder / "Log.csv", map(_change, table("changes")))
    write_csv(
        folder / "Rates.csv",
        [{"Code": "USD", "Since": since, "Rate": rate} for since, rate in DOLLAR_RATES],
    )
    leads = [[*_lead(row).values()] for row in table("leads")]
    titles = [["Leads", None, "as of today"], []]
    contacts = [["K" + row["lead_id"], row["lead_id"]] for row in table("leads")]
    quotas = table("quotas")
    write_workbook(
        folder / "CRM.xlsx",
        {
            "Leads": [*titles, [*_lead(table("leads")[0])], *leads],
            "Contacts": [["Id", "Lead"], *contacts],
            "Meetings": [
                list(_meeting(of_type["meeting"][0])),
                *([*_meeting(row).values()] for row in of_type["meeting"]),
            ],
            "Users": _sheet(table("reps")),
            "Accounts": _sheet(table("accounts")),
        },
    )
    half = len(quotas) // 2
    write_workbook(
        folder / "Targets.xlsx",
        {
            "by quarter": [["Who", "Quarter", "Year", "Target"], *map(_by_quarter, quotas[:half])],
            "by dates": [["Who", "From", "Through", "Target"], *map(_by_dates, quotas[half:])],
        },
    )


def _sheet(rows: Rows) -> Sequence[Sequence[Any]]:
    plain = [
        [v.to_pydatetime() if isinstance(v, pd.Timestamp) else v for v in row.values()]
        for row in rows
    ]
    return [list(rows[0]), *plain]


def _lead(row: dict[str, Any]) -> dict[str, Any]:
    status = "Converted" if row["converted_at"] else "Dead" if row["lost_at"] else "Open"
    return {
        "Lead No": row["lead_id"],
        "Created": local(row["created_at"], "%d.%m.%Y"),
        "At": local(row["created_at"], "%H:%M:%S"),
        "Status": status,
        "Ended": local(row["converted_at"] or row["lost_at"], "%d/%m/%Y %H:%M:%S"),
        "Dead since": local(row["lost_at"], "%d/%m/%Y %H:%M:%S"),
        "Owner": row["rep_id"],
        "Account": row["account_id"],
        "Source": {"inbound": "Web Form", "content": "Whitepaper"}.get(
            row["source"], row["source"]
        ),
        "Worth": german(row["value"], "€ "),
        "Budget": german(row["budget"]),
        "lost_reason": row["lost_reason"],
    }


def _call(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "Nr": row["activity_id"],
        "Contact": "" if row["lead_id"] is None else "K" + row["lead_id"],
        "Deal": row["deal_id"],
        "User": row["rep_id"],
        "Started": epoch_ms(row["occurred_at"]),
        "Known": epoch_ms(row["known_at"]),
        "Richtung": {"outbound": "ausgehend", "inbound": "eingehend"}.get(row["direction"], ""),
        "Result": row["outcome"],
        "Seconds": german(row["duration_s"]),
    }


def _email(row: dict[str, Any]) -> dict[str, Any]:
    new_york = row["occurred_at"].replace(tzinfo=ZoneInfo("UTC"))
    sent = new_york.astimezone(ZoneInfo("America/New_York")).strftime("%m/%d/%Y %I:%M:%S %p")
    own = {k: v for k, v in row.items() if k not in ("type", "occurred_at")}
    return {**own, "known_at": f"{row['known_at']}Z", "SentAt": sent}


def _meeting(row: dict[str, Any]) -> dict[str, Any]:
    taken = {k: v for k, v in row.items() if k not in ("type", "occurred_at", "known_at")}
    return {**taken, "Start": str(row["occurred_at"]), "Entered": str(row["known_at"])}


def _deal(row: dict[str, Any]) -> dict[str, Any]:
    in_dollars = int(row["deal_id"][-1]) % 2 == 0
    rate = 0.25 if row["created_at"] >= datetime(2024, 8, 1) else 0.5
    amount = row["amount"] if row["amount"] is None or not in_dollars else row["amount"] / rate
    stage = {True: "Closed Won", False: "Closed Lost", None: "Proposal"}[row["won"]]
    closed = row["closed_at"] or row["expected_close_at"]
    return {
        "Id": f"{{{row['deal_id'].lower()}}}",
        "OwnerId": "" if int(row["deal_id"][-1]) == 3 else row["rep_id"],
        "CreatedById": row["rep_id"],
        "Lead": row["lead_id"],
        "Account": row["account_id"],
        "Created": f"{row['created_at']}Z",
        "Amount": german(amount),
        "Currency": "USD" if in_dollars else "EUR",
        "Expected": row["expected_close_at"],
        "Closed": closed,
        "Stage": stage,
        "IsClosed": row["closed_at"] is not None,
        "Deleted": "FALSE",
    }


def _deleted_deal() -> dict[str, Any]:
    return {**_deal(table("deals")[0]), "Id": "{gone}", "Deleted": "TRUE"}


def _change(row: dict[str, Any]) -> dict[str, Any]:
    kind = {"lead": "Lead", "deal": "Opportunity"}[row["entity_type"]]
    own = row["entity_id"] if kind == "Lead" else f"{{{row['entity_id'].lower()}}}"
    at = {"At": f"{row['changed_at']}", "Known": f"{row['known_at']}"}
    return {"Object": kind, "Record": own, **at, "What": row["field"], "Now": row["value"]}


def _by_quarter(row: dict[str, Any]) -> list[Any]:
    quarter = (row["period_start"].month + 2) // 3
    return [row["rep_id"], f"Q{quarter}", row["period_start"].year, german(row["amount"], "€")]


def _by_dates(row: dict[str, Any]) -> list[Any]:
    last = (row["period_end"] - timedelta(days=1)).to_pydatetime().date()
    start = row["period_start"].to_pydatetime().date()
    return [row["rep_id"], start, last, row["amount"]]
