"""What "converted" means, and which labels are mature."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from features.arrays import Bools, Floats
from features.clock import MOMENT, midnight, to_us
from features.feature import DAY_US
from features.snapshot import CUTOFF
from features.storage.warehouse import Warehouse


def is_mature(cutoffs: pd.Series, horizon_days: int, data_until: datetime) -> Bools:
    """Tell for each cutoff whether its label is mature: its whole horizon lies in the extract."""
    ends = to_us(cutoffs.to_numpy()) + horizon_days * DAY_US
    return ends <= to_us(np.datetime64(data_until, "us"))


def last_mature_cutoff(horizon_days: int, data_until: datetime) -> datetime:
    """Return the latest midnight whose label is mature."""
    return midnight(data_until - timedelta(days=horizon_days))


def conversion(warehouse: Warehouse, keys: pd.DataFrame, horizon_days: int) -> Floats:
    """Label leads: 1 where `converted_at` lies in [cutoff, cutoff + horizon), else 0.

    A lead that was deleted in the meantime is labelled like any other: it has not converted, unless
    it did. That it was deleted is no reason to leave it out: at the cutoff nobody knew.

    An immature label is empty (NaN), whatever is already known of it: learning from those
    that happen to be decided early would favour leads that end quickly.

    Args:
        warehouse: tells when leads converted.
        keys: `lead_id, cutoff` of leads open at the cutoff.
        horizon_days: how far the label looks ahead.

    Returns:
        One label a key, 1 or 0 or NaN.
    """
    leads = warehouse.ever("leads")
    won = leads.drop_null("converted_at").select("lead_id", "converted_at")
    converted_at = warehouse.arrow(won).to_pandas().set_index("lead_id")["converted_at"]
    converted = converted_at.reindex(keys["lead_id"]).to_numpy(dtype=MOMENT)
    cutoffs = to_us(keys[CUTOFF].to_numpy())
    moment = to_us(converted)
    inside = (moment >= cutoffs) & (moment < cutoffs + horizon_days * DAY_US)
    label = (inside & ~np.isnat(converted)).astype(np.float64)
    mature = is_mature(keys[CUTOFF], horizon_days, warehouse.data_until)
    return np.where(mature, label, np.nan)
