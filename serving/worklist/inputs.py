"""What the rules of the list need, as of a moment: scores, the last touch, the last listing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Bools
from features.clock import MOMENT
from features.days_off import public_holidays
from features.kpi.words import by_reps
from features.params import WEEKDAYS, FeatureParams
from features.snapshot import CUTOFF, SNAPSHOT, as_of_join, deletion_in
from features.storage.warehouse import Warehouse
from features.tables import ACTIVITIES
from serving.worklist.rules import Lead
from training.leads.score import NOT_TO_BE_CONTACTED, believed_value, value_of

Days = npt.NDArray[np.datetime64]


def leads_of(
    scores: pd.DataFrame,
    warehouse: Warehouse,
    features: FeatureParams,
    cool_down_days: int,
    last_day: Mapping[str, date],
    today: np.datetime64 | None = None,
) -> list[Lead]:
    """Return every scored lead as the rules of the list see it.

    Args:
        scores: the rows of `lead_scores.parquet`, of one moment.
        warehouse: tells touches, values and beginnings, as that moment may see them.
        features: the working days, and the business's zone.
        cool_down_days: working days for which a lead is left alone.
        last_day: each lead's last day on an earlier list, or on which somebody called it done.
        today: the day of the list; None: that of the scores' moment.
    """
    if scores.empty:
        return []
    keys = scores[["lead_id"]].assign(**{CUTOFF: scores["as_of"]}).reset_index(drop=True)
    listed = np.array([last_day.get(lead) for lead in keys["lead_id"]], dtype="datetime64[D]")
    contact = np.fmax(last_touches(warehouse, keys), listed.astype(MOMENT))
    created = _created(warehouse).reindex(keys["lead_id"]).to_numpy(dtype=MOMENT)
    days = local_days(scores["as_of"].to_numpy(dtype=MOMENT), features.timezone)
    days = days if today is None else np.full_like(days, today)
    touched = np.fmax(local_days(last_touches(warehouse, keys), features.timezone), listed)
    is_cooling = cools(touched, days, cool_down_days, features)
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
