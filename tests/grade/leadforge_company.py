"""A sample company from leadforge (PyPI, MIT, by its public generator), in our tables.

leadforge lets all leads of a company come in within 30 days and dates its events by day. Each
lead's story runs on a clock of its own, so stories are moved here by whole 30-day months, and the
extract ends in the middle of them, as a CRM's does. Times stay days (midnight, UTC). Only its
relational tables are read, nothing of the machinery behind them. It tells neither when a lead
moved between stages other than `sql` nor when one was lost before that: those stay open here.

Three columns are planted by leadforge to tempt: `leads.total_touches_all`, `current_stage` and
`is_sql` show the end of the story.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from features.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

PINNED = "1.0.0"
RECIPE = "b2b_saas_procurement_v1"
MONTH = pd.Timedelta(days=30)
PLANTED = ("total_touches_all", "current_stage", "is_sql")
KNOWN_AT_CREATION = (
    "accounts.employee_band",
    "accounts.estimated_revenue_band",
    "accounts.industry",
    "accounts.process_maturity_band",
    "accounts.region",
    "leads.buyer_role",
    "leads.email_domain_type",
    "leads.role_function",
    "leads.seniority",
)
"""Columns leadforge fills when it creates a contact or account, for `features` in params.yaml."""


@dataclass(frozen=True)
class Size:
    """How large the company is.

    Attributes:
        months: of 30 days, from the first lead to the end of the extract.
        leads: that come in over these months.
    """

    months: int = 12
    leads: int = 2_400


def write_company(
    out: Path, seed: int = 7, size: Size | None = None, difficulty: str = "advanced"
) -> None:
    """Generate a company and write it as `<table>.parquet`.

    Args:
        out: a folder, made if it is not there.
        seed: the same gives the same company.
        size: how large it is.
        difficulty: leadforge's profile: `intro`, `intermediate` or `advanced`.

    Raises:
        InputError: leadforge is not installed, or not in the pinned version.
    """
    size = size or Size()
    tables = _moved(_generate(seed, size, difficulty), seed, size.months)
    out.mkdir(parents=True, exist_ok=True)
    for name, rows in {
        "leads": _leads(tables),
        "activities": _activities(tables),
        "deals": _deals(tables),
        "changes": _changes(tables),
        "reps": _reps(tables),
        "accounts": tables["accounts"].drop(columns="created_at"),
    }.items():
        rows.reset_index(drop=True).to_parquet(out / f"{name}.parquet", index=False)


def _generate(seed: int, size: Size, difficulty: str) -> dict[str, pd.DataFrame]:
    try:
        from leadforge import __version__  # noqa: PLC0415 - optional, for tests only
        from leadforge.api.generator import Generator  # noqa: PLC0415
        from leadforge.render.relational import to_dataframes  # noqa: PLC0415
    except ImportError:
        hint = f"the sample company needs leadforge: pip install leadforge=={PINNED}"
        raise InputError(hint) from None
    if __version__ != PINNED:
        raise InputError(f"the sample company needs leadforge {PINNED}, found {__version__}")
    generator = Generator.from_recipe(
        RECIPE,
        seed=seed,
        difficulty=difficulty,
        exposure_mode="research_instructor",
        n_leads=size.leads,
        n_accounts=max(1, size.leads // 3),
        n_contacts=max(1, size.leads * 5 // 6),
        # No story may fall silent before the extract ends: leadforge stops it at its horizon.
        horizon_days=max(90, 30 * size.months),
    )
    bundle: Any = generator.generate()
    tables: dict[str, pd.DataFrame] = to_dataframes(bundle.simulation_result, bundle.population)
    return tables


_TIMES = {
    "leads": ("lead_created_at", "conversion_timestamp"),
    "touches": ("touch_timestamp",),
    "sessions": ("session_timestamp",),
    "sales_activities": ("activity_timestamp",),
    "opportunities": ("created_at", "closed_at"),
}


def _moved(tables: Mapping[str, pd.DataFrame], seed: int, months: int) -> dict[str, pd.DataFrame]:
    """Move each lead's story by some months, and forget what lies past the end.

    The first time of a table says whether a row exists yet; a later one is emptied instead.
    """
    made = dict(tables)
    ids = tables["leads"]["lead_id"]
    by = np.random.default_rng(seed).integers(0, months, len(ids))
    shift = pd.Series(by * MONTH, index=ids)
    first = pd.to_datetime(tables["leads"]["lead_created_at"]).min()
    end = first + months * MONTH
    for name, times in _TIMES.items():
        rows = tables[name].copy()
        for time in times:
            moved = pd.to_datetime(rows[time]) + rows["lead_id"].map(shift)
            rows[time] = moved.where(moved < end).astype("datetime64[us]")
        made[name] = rows[rows[times[0]].notna()]
    return made


def _leads(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Leads with what their contacts tell, and the planted columns as of the end."""
    leads, deals = tables["leads"], tables["opportunities"].set_index("lead_id")
    contacts = tables["contacts"].drop(columns=["account_id", "created_at"])
    lost = deals["closed_at"].where(deals["close_outcome"] == "closed_lost")
    rows = leads.merge(contacts, on="contact_id", how="left").rename(
        columns={
            "lead_created_at": "created_at",
            "owner_rep_id": "rep_id",
            "lead_source": "source",
            "conversion_timestamp": "converted_at",
        }
    )
    rows["lost_at"] = rows["lead_id"].map(lost)
    reached = rows["lead_id"].map(deals["created_at"])
    is_sql = rows["is_sql"].astype(bool) & reached.notna()
    stage = np.where(is_sql, "sql", "mql")
    stage = np.where(rows["lost_at"].notna(), "closed_lost", stage)
    rows["current_stage"] = np.where(rows["converted_at"].notna(), "closed_won", stage)
    rows["is_sql"] = is_sql
    touches = tables["touches"].groupby("lead_id").size()
    rows["total_touches_all"] = rows["lead_id"].map(touches).fillna(0).astype("int64")
    return rows.drop(columns=["contact_id", "first_touch_channel", "converted_within_90_days"])


def _activities(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    touches = tables["touches"].rename(
        columns={
            "touch_id": "activity_id",
            "touch_timestamp": "occurred_at",
            "touch_type": "type",
            "touch_direction": "direction",
        }
    )
    sessions = tables["sessions"].rename(
        columns={
            "session_id": "activity_id",
            "session_timestamp": "occurred_at",
            "session_type": "type",
            "session_duration_seconds": "duration_s",
        }
    )
    sessions = sessions.assign(type="visit_" + sessions["type"])
    worked = tables["sales_activities"].rename(
        columns={
            "activity_timestamp": "occurred_at",
            "activity_type": "type",
            "activity_outcome": "outcome",
        }
    )
    worked = worked.assign(type="rep_" + worked["type"])
    touches = touches.drop(columns=["touch_channel", "campaign_id"])
    return pd.concat([touches, sessions, worked]).sort_values(["occurred_at", "activity_id"])


def _deals(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    owners = tables["leads"].set_index("lead_id")[["owner_rep_id", "account_id"]]
    rows = tables["opportunities"].join(owners, on="lead_id")
    won = (rows["close_outcome"] == "closed_won").astype("boolean")
    rows["won"] = won.where(rows["closed_at"].notna())
    rows = rows.rename(
        columns={
            "opportunity_id": "deal_id",
            "estimated_acv": "amount",
            "owner_rep_id": "rep_id",
        }
    )
    return rows.drop(columns=["stage", "close_outcome"])


def _changes(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The only stage that leadforge dates: `sql`, at which it opens an opportunity."""
    leads = tables["leads"]
    qualified = leads.loc[leads["is_sql"].astype(bool), "lead_id"]
    deals = tables["opportunities"]
    deals = deals[deals["lead_id"].isin(qualified)]
    entered = {"mql": leads.set_index("lead_id")["lead_created_at"]}
    entered["sql"] = deals.set_index("lead_id")["created_at"]
    parts = [
        pd.DataFrame({"entity_id": at.index, "changed_at": at.to_numpy(), "value": stage})
        for stage, at in entered.items()
    ]
    rows = pd.concat(parts).sort_values(["changed_at", "entity_id", "value"])
    return rows.assign(entity_type="lead", field="stage")


def _reps(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.DataFrame({"rep_id": sorted(tables["leads"]["owner_rep_id"].unique())})
