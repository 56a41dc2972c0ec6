"""What expectations are made from, by rep: to look for proxies of groups of people in it."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from features.storage.warehouse import Warehouse
from training.coaching.grounds.dealt import WINS, dealt
from training.coaching.grounds.places import places_of
from training.coaching.grounds.windows import windows_of
from training.params import TrainingParams


def ground_inputs(warehouse: Warehouse, params: TrainingParams, as_of: datetime) -> pd.DataFrame:
    """Return what the expectation of the current period is made from.

    Args:
        warehouse: the history.
        params: `coaching.grounds` says what is followed.
        as_of: as in `equal_grounds`.

    Returns:
        A row for each rep with a lead or a deal: `rep_id`, `dealt` (leads and deals, by the share
        of their chances that was the rep's), `share_of_<source>` of these, `mean_amount`,
        `territory` (a number) and `tenure_days`.
    """
    grounds = params.coaching.grounds
    with warehouse.until(as_of).left().workspace() as cut:
        windows = windows_of(cut, grounds.lookback_days, grounds.most_periods)
        rows, owners = (found := dealt(cut, windows)).rows, found.owners
        own = owners.join(rows[["window", "source", "amount"]], on="row")
        own = own[own["window"] == windows.main]
        reps = own.groupby("rep_id")[WINS].sum().rename("dealt").reset_index()
        places = places_of(cut, windows, reps.assign(window=windows.main))
    amounts = own.dropna(subset=["amount"])
    means = amounts.groupby("rep_id")["amount"].mean().rename("mean_amount")
    source = own["source"].astype(object).fillna("no source").astype(str)
    shares = own.assign(source=source).pivot_table(
        index="rep_id", columns="source", values=WINS, aggfunc="sum", fill_value=0.0
    )
    shares = shares.div(shares.sum(axis=1).clip(lower=np.finfo(float).tiny), axis=0)
    inputs = reps.join(shares.add_prefix("share_of_"), on="rep_id").join(means, on="rep_id")
    return pd.concat([inputs, places], axis=1)
