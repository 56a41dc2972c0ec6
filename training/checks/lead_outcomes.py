"""How every lead's story ended, and what happened in it: what no column may know beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from features.arrays import Floats
from features.history.values import last_shown
from features.history.vocabulary import STAGE, Vocabulary
from features.storage.warehouse import Warehouse

TIME = "datetime64[us]"
MOST = 20_000
"""Leads that are looked at."""
MOST_KINDS = 60
"""Kinds of activities told apart; the rarest beyond are left aside."""
ENDED = "whether it ended"
BECAME_DEAL = "whether it became a deal"
AT_ONCE = np.timedelta64(1, "D")
"""What happens to a lead within this time may be known when it is created."""


def lead_outcomes(warehouse: Warehouse, horizon_days: int) -> pd.DataFrame:
    """Fetch leads, evenly over time, with their attributes and how they ended.

    Args:
        warehouse: cut to the moment of the audit.
        horizon_days: an open lead younger than this has no outcome yet.

    Returns:
        The columns of `leads` and, as `accounts.NAME`, of the account; those of fields with a
        history are empty. And `outcome`: 1 won, 0 lost or still open after a horizon, NaN for the
        young.
    """
    leads = warehouse["leads"]
    ids = warehouse.arrow(leads.select("lead_id", "created_at"))
    ids = ids.sort_by([("created_at", "ascending"), ("lead_id", "ascending")])["lead_id"]
    rows = leads.semi_join(listed(ids.to_pylist()[:: max(1, -(-len(ids) // MOST))]), "lead_id")
    accounts = warehouse["accounts"]
    own = {f"accounts.{name}": accounts[name] for name in accounts.columns if name != "account_id"}
    described = accounts.select(account=accounts.account_id, **own)
    rows = last_shown(warehouse, rows, "leads", "account_id")
    joined = rows.left_join(described, rows.account_id == described.account).drop("account")
    frame = warehouse.arrow(joined).to_pandas().sort_values(["created_at", "lead_id"])
    mature = frame.created_at <= warehouse.data_until - timedelta(days=horizon_days)
    ended = frame.lost_at.notna() | mature
    outcome = np.where(frame.converted_at.notna(), 1.0, np.where(ended, 0.0, np.nan))
    return frame.assign(outcome=outcome).reset_index(drop=True)


def listed(leads: Sequence[str]) -> ir.Table:
    """Put ids of leads into a table of one column."""
    return ibis.memtable({"lead_id": list(leads)}, schema={"lead_id": "string"})


def activity_counts(warehouse: Warehouse, leads: pd.Series) -> Floats:
    """Count what happened to each lead up to the end: leads x kinds of activities.

    A kind is a type with or without a direction, a rep and an outcome, so that sums of kinds give
    any count that a CRM may have kept in a column.
    """
    rows = warehouse["activities"].semi_join(listed(leads.tolist()), "lead_id")
    kinds = {
        "kind": rows["type"],
        "direction": rows.direction.fill_null(""),
        "with_rep": rows.rep_id.fill_null("") != "",
        "with_outcome": rows.outcome.fill_null("") != "",
    }
    grouped = rows.group_by("lead_id", **kinds).aggregate(n=rows.count())
    counted = warehouse.arrow(grouped).to_pandas()
    kind = counted.groupby(list(kinds)).ngroup().to_numpy(np.intp)
    lead = pd.Index(leads).get_indexer(counted["lead_id"])
    common = np.argsort(-np.bincount(kind, weights=counted["n"]), kind="stable")[:MOST_KINDS]
    counts = np.zeros((len(leads), len(common)))
    for place, number in enumerate(common):
        counts[lead[kind == number], place] = counted["n"].to_numpy()[kind == number]
    return counts


def later_events(
    warehouse: Warehouse, frame: pd.DataFrame, vocabulary: Vocabulary
) -> dict[str, Floats]:
    """Say what became of each lead more than a day after it came in.

    Returns:
        By the event in words: 1, 0, or NaN where a lead cannot be compared.
    """
    deals = last_shown(warehouse, warehouse["deals"], "deals", "lead_id").drop_null("lead_id")
    first = deals.group_by("lead_id").aggregate(at=deals.created_at.min())
    events = {ENDED: _ended_or_open(frame), BECAME_DEAL: _later(warehouse, first, frame)}
    changes = warehouse["changes"]
    stages = changes.filter((changes.entity_type == "lead") & (changes.field == STAGE))
    for stage in vocabulary.stages:
        reached = stages.filter(stages["value"] == stage)
        first = reached.group_by(lead_id=reached.entity_id).aggregate(at=reached.changed_at.min())
        events[f"whether it reached the stage '{stage}'"] = _later(warehouse, first, frame)
    return events


def _later(warehouse: Warehouse, events: ir.Table, frame: pd.DataFrame) -> Floats:
    """Mark leads that an event came to; leads it came to at once cannot be compared."""
    moments = warehouse.arrow(events).to_pandas().set_index("lead_id")["at"].astype(TIME)
    at = moments.reindex(frame.lead_id).to_numpy(TIME)
    is_at_once = at - frame.created_at.to_numpy(TIME) <= AT_ONCE
    return np.where(is_at_once, np.nan, (~np.isnat(at)).astype(np.float64))


def _ended_or_open(frame: pd.DataFrame) -> Floats:
    """Compare open leads only with ended leads of the same week.

    A column that tells old leads from new ones must not pass for one that is filled at the end.
    """
    ended = (frame.converted_at.notna() | frame.lost_at.notna()).to_numpy()
    weeks = frame.created_at.dt.to_period("W").to_numpy()
    both = pd.Series(ended).groupby(weeks).transform("nunique").to_numpy() > 1
    return np.where(both, ended.astype(np.float64), np.nan)
