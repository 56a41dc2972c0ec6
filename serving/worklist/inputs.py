"""What the rules of the list need, as of a moment: scores, the last touch, the last listing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Bools, Floats
from features.clock import MOMENT
from features.days_off import public_holidays
from features.kpi.words import by_reps
from features.params import WEEKDAYS, FeatureParams
from features.snapshot import CUTOFF, SNAPSHOT, as_of_join, deletion_in
from features.storage.warehouse import Warehouse
from features.tables import ACTIVITIES
from serving.worklist.rules import Lead
from training.call_params import CallParams
from training.calls.order import priority_since
from training.leads.score import NOT_TO_BE_CONTACTED, believed_value, value_of

Days = npt.NDArray[np.datetime64]
NOON = 0.5
"""Days into a day at which a lead on its list counts as touched."""


@dataclass(frozen=True)
class ListParams:
    """What of the settings the rules need to see leads.

    Attributes:
        cool_down_days: working days for which a lead is left alone that was touched or listed.
        calls: the weights of the priority.
    """

    cool_down_days: int
    calls: CallParams


def leads_of(
    scores: pd.DataFrame,
    warehouse: Warehouse,
    features: FeatureParams,
    params: ListParams,
    last_day: Mapping[str, date],
    today: np.datetime64 | None = None,
) -> list[Lead]:
    """Return every scored lead as the rules of the list see it.

    A lead that stood on a list, or was called done, counts as touched at noon of that day: reps do
    not log every call, and what is not logged would come first again the next morning.

    Args:
        scores: the rows of `lead_scores.parquet`, of one moment.
        warehouse: tells touches, values and beginnings, as that moment may see them.
        features: the working days, and the business's zone.
        params: for how long a lead is left alone, and the weights of the priority.
        last_day: each lead's last day on an earlier list, or on which somebody called it done.
        today: the day of the list; None: that of the scores' moment.
    """
    if scores.empty:
        return []
    keys = scores[["lead_id"]].assign(**{CUTOFF: scores["as_of"]}).reset_index(drop=True)
    listed = np.array([last_day.get(lead) for lead in keys["lead_id"]], dtype="datetime64[D]")
    touches = last_touches(warehouse, keys)
    contact = np.fmax(touches, listed.astype(MOMENT))
    created = _created(warehouse).reindex(keys["lead_id"]).to_numpy(dtype=MOMENT)
    days = local_days(scores["as_of"].to_numpy(dtype=MOMENT), features.timezone)
    days = days if today is None else np.full_like(days, today)
    touched = np.fmax(local_days(touches, features.timezone), listed)
    is_cooling = cools(touched, days, params.cool_down_days, features)
    since_touch = days_between(touches, keys[CUTOFF].to_numpy(dtype=MOMENT))
    scores = _ranked_since(scores, since_touch, days_between(listed, days) - NOON, params.calls)
    may_be_called = scores["rank"].notna() & (scores["band"] != NOT_TO_BE_CONTACTED)
    columns = (
        scores["lead_id"],
        scores["rep_id"].astype(object).where(scores["rep_id"].notna(), None),
        [
            int(rank) if may else None
            for rank, may in zip(scores["rank"], may_be_called, strict=True)
        ],
        np.where(np.isnat(contact), created, contact).tolist(),
        is_cooling.tolist(),
        scores["priority"].fillna(0.0),
        scores["p"],
        believed_value(value_of(warehouse, keys)["value"]),
        scores["model_version"],
    )
    return [Lead(*row) for row in zip(*columns, strict=True)]


def days_between(earlier: npt.NDArray[np.datetime64], later: npt.NDArray[np.datetime64]) -> Floats:
    """Return days from one moment to another, none below 0; infinite where the first is empty."""
    days = (later.astype(MOMENT) - earlier.astype(MOMENT)) / np.timedelta64(1, "D")
    return np.where(np.isnat(earlier), np.inf, np.maximum(days, 0.0))


def _ranked_since(
    scores: pd.DataFrame, since_touch: Floats, since_listed: Floats, calls: CallParams
) -> pd.DataFrame:
    """Return scores, in their order, with priority and rank as lists of earlier days leave them."""
    is_newer = since_listed < since_touch
    if not is_newer.any():
        return scores
    tried = np.array([json.loads(text).get("tried", 0.0) for text in scores["call_reasons"]])
    known = scores["priority"].fillna(0.0).to_numpy(np.float64)
    since = np.maximum(since_listed, 0.0)
    worth = np.where(is_newer, priority_since(known, tried, since_touch, since, calls), known)
    able = scores[["lead_id", "rep_id", "p"]].assign(priority=worth)[scores["rank"].notna()]
    keys = ["priority", "p", "lead_id"]
    able = able.sort_values(keys, ascending=[False, False, True], kind="stable")
    places = able.groupby("rep_id", dropna=False, sort=False).cumcount() + 1
    return scores.assign(priority=worth, rank=places.astype("Int64").reindex(scores.index))


def last_touches(warehouse: Warehouse, leads_at: pd.DataFrame) -> npt.NDArray[np.datetime64]:
    """Return when a rep last touched each lead, as its cutoff may see it; empty if nobody did.

    Args:
        warehouse: the history.
        leads_at: `lead_id, cutoff`.
    """
    keys = leads_at.assign(**{SNAPSHOT: np.arange(len(leads_at))})
    schema = {"lead_id": "string", CUTOFF: "timestamp(6)", SNAPSHOT: "int64"}
    rows = by_reps(warehouse)
    rows = rows.select("lead_id", "occurred_at", "known_at", **deletion_in(rows))
    seen = as_of_join(ibis.memtable(keys, schema=schema), rows, ACTIVITIES, "lead_id")
    last = seen.group_by(SNAPSHOT).aggregate(touched_at=seen.occurred_at.max())
    frame = warehouse.arrow(last).to_pandas().set_index(SNAPSHOT)
    return frame["touched_at"].reindex(keys[SNAPSHOT]).to_numpy(dtype=MOMENT)


def local_days(moments: npt.NDArray[np.datetime64], zone: str) -> Days:
    """Return the dates that the business's clock shows at moments in UTC."""
    shown = pd.DatetimeIndex(moments).tz_localize("UTC").tz_convert(zone).tz_localize(None)
    return shown.to_numpy().astype("datetime64[D]")


def cools(last: Days, today: Days, cool_down_days: int, features: FeatureParams) -> Bools:
    """Tell for each lead whether fewer working days have begun since its last contact than needed.

    With 3 days, from Monday to Friday:

    | last contact | Tuesday | Wednesday | Thursday |
    |--------------|---------|-----------|----------|
    | Monday       | cools   | cools     | may be   |
    | Saturday     | cools   | cools     | may be   |
    | never        | may be  | may be    | may be   |

    Args:
        last: the day of the last contact; empty where there was none.
        today: the day of the list.
        cool_down_days: working days from the last contact on, its own day included.
        features: the working days and the days off.
    """
    first, end = (int(str(day)[:4]) for day in (np.fmin.reduce([*last, *today]), today.max()))
    off = sorted({*public_holidays(features.holidays, first, end), *features.days_off})
    mask = [name in features.working_days for name in WEEKDAYS]
    known = ~np.isnat(last)
    passed = np.full(len(last), np.iinfo(np.int64).max)
    passed[known] = np.busday_count(last[known], today[known], mask, off)
    return passed < cool_down_days


def _created(warehouse: Warehouse) -> pd.Series:
    leads = warehouse.ever("leads").select("lead_id", "created_at")
    return warehouse.arrow(leads).to_pandas().set_index("lead_id")["created_at"]
