"""Forecasts of attainment at cutoffs that a model had not learned from, to compare two models."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from features.clock import midnight
from features.labels.attainment import attainment
from features.storage.warehouse import Warehouse
from training.cutoffs import first_midnight, later_cutoffs
from training.evaluation.later import JudgingWindow, LaterCutoffs, LaterForecasts
from training.quota.backtest import segment_columns
from training.quota.bundle import QuotaBundle
from training.quota.fit import forecast_examples
from training.quota.ranges import chance_to_attain


def ended_cutoffs(warehouse: Warehouse, since: datetime, every_days: int) -> LaterCutoffs:
    """Return the cutoffs at or after a moment that lie in a quota period which has ended since.

    Args:
        warehouse: the history.
        since: no model to be compared has seen what lies at or after it.
        every_days: the step between cutoffs.
    """
    quotas = warehouse["quotas"].select("period_end").distinct()
    ends = sorted(warehouse.arrow(quotas).to_pandas()["period_end"])
    first = first_midnight(since)
    later = [end.to_pydatetime() for end in ends if end > first]
    ended = [end for end in later if end <= warehouse.data_until]
    # Nobody is forecast at the end of a period itself, so the last cutoff lies before it.
    last = midnight(ended[-1] - timedelta(microseconds=1)) if ended else None
    cutoffs = () if last is None else later_cutoffs(since, last, every_days)
    return LaterCutoffs(cutoffs, later[0] if later else None)


def quota_window(warehouse: Warehouse, window_days: int, seen: datetime) -> JudgingWindow:
    """Return where a new quota model's twin can be compared with the champion.

    The window is the newest quota period that has ended, or as many of the newest as are `window`
    long together. With monthly quotas, and data until August 10th:

    | window, days | its periods   | it starts | a champion that saw until May 20th is judged from |
    |--------------|---------------|-----------|---------------------------------------------------|
    | 28           | July          | July 1st  | July 1st, when June has ended                     |
    | 40           | June and July | June 1st  | August 1st                                        |

    Args:
        warehouse: the history.
        window_days: how long the window is at least.
        seen: what the champion saw ends here.
    """
    quotas = warehouse.arrow(warehouse["quotas"].select("period_start", "period_end").distinct())
    periods = quotas.to_pandas()
    starts = sorted(start.to_pydatetime() for start in set(periods["period_start"]))
    ends = sorted(end.to_pydatetime() for end in set(periods["period_end"]))
    window = timedelta(days=window_days)
    ended = [end for end in ends if end <= warehouse.data_until]
    fitting = [start for start in starts if ended and start + window <= ended[-1]]
    unseen = next((start for start in starts if start >= seen), None)
    judged_from = next((end for end in ends if unseen and unseen + window <= end), None)
    return JudgingWindow(fitting[-1] if fitting else None, judged_from)


def forecast_later_reps(
    warehouse: Warehouse, bundle: QuotaBundle, cutoffs: Sequence[datetime]
) -> LaterForecasts:
    """Forecast every rep with a running quota at each cutoff, beside what the rep attained.

    Args:
        warehouse: the history.
        bundle: the model.
        cutoffs: at or after the moment up to which the model saw the data.
    """
    reps, deals = forecast_examples(bundle, warehouse, cutoffs)
    keys = pd.DataFrame(reps.keys[["rep_id", "period_start", "period_end", "cutoff"]])
    final = attainment(warehouse, reps.keys)
    made = np.where(np.isnan(final), np.nan, (final >= bundle.target).astype(np.float64))
    p = np.empty(0)
    if len(reps):
        p = chance_to_attain(bundle.draw(reps, deals).attainment(), bundle.target)
    return LaterForecasts(
        event=f"a rep attains {bundle.target:.0%} of the quota".replace("%", " %"),
        keys=keys.reset_index(drop=True),
        p=p,
        y=made,
        segments=segment_columns(reps),
        owners=keys["rep_id"].reset_index(drop=True),
    )
