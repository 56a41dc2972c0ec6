"""Forecasts of reps and open deals at cutoffs that a model had not learned from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from scipy.special import expit

from features.arrays import Floats, Moments
from features.build import Examples
from features.clock import midnight
from features.labels.attainment import attainment, won_before
from features.snapshot import CUTOFF, within
from features.storage.warehouse import Warehouse
from training.cutoffs import first_midnight, later_cutoffs
from training.evaluation.later import (
    CalibrationCheck,
    JudgingWindow,
    LaterCutoffs,
    LaterForecasts,
)
from training.quota.backtest import segment_columns
from training.quota.bundle import QuotaBundle
from training.quota.dataset import deadlines_of
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
    return later_reps(warehouse, bundle, *forecast_examples(bundle, warehouse, cutoffs))


def later_reps(
    warehouse: Warehouse, bundle: QuotaBundle, reps: Examples, deals: Examples
) -> LaterForecasts:
    """Forecast reps at later cutoffs, beside what each attained.

    Args:
        warehouse: tells how their periods ended.
        bundle: the model.
        reps: reps with a running quota.
        deals: open deals at the same cutoffs.
    """
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


def later_deals(
    warehouse: Warehouse, bundle: QuotaBundle, reps: Examples, deals: Examples
) -> LaterForecasts:
    """Forecast open deals at later cutoffs, beside whether each was won before its deadline.

    The deadline is the end of the owner's running quota period, as in every forecast of attainment.
    A deal whose owner has a month's and a year's quota makes a row for each; one whose owner has no
    running quota makes none.

    Args:
        warehouse: tells how the deals ended; a deadline past its end has no outcome yet.
        bundle: the model.
        reps: reps with a running quota.
        deals: open deals at the same cutoffs.
    """
    pairs = deadlines_of(reps, deals)
    keys = deals.keys[["deal_id", CUTOFF]].iloc[pairs.deal].reset_index(drop=True)
    return LaterForecasts(
        event="an open deal is won before the quota period ends",
        keys=keys.assign(period_end=pairs.deadline),
        p=expit(bundle.deals.margins(deals, pairs)),
        y=won_before(warehouse, keys, pairs.deadline),
        segments=segment_columns(reps).iloc[pairs.rep].reset_index(drop=True),
        owners=deals.keys["owner"].iloc[pairs.deal].reset_index(drop=True),
    )


def quota_checks(
    warehouse: Warehouse, bundle: QuotaBundle, cutoffs: Sequence[datetime]
) -> tuple[CalibrationCheck, ...]:
    """Forecast later reps and open deals for monitoring, from features that are built once.

    A quarter has few reps, and their outcomes turn on the luck of a few large deals: what is off
    among them is a warning. Open deals are many, so what they share can be allowed for, and what
    is off beyond it alarms, unless the champion learned from few won deals. A champion that
    forecasts deals by averages has none to be judged:

    | trees | won deals learned from | reps     | open deals     |
    |-------|------------------------|----------|----------------|
    | yes   | 100 or more            | warnings | alarms         |
    | yes   | 80                     | warnings | warnings       |
    | no    | any                    | warnings | are not judged |

    Args:
        warehouse: the history.
        bundle: the champion.
        cutoffs: at or after the moment up to which it saw the data.
    """
    reps, deals = forecast_examples(bundle, warehouse, cutoffs)
    forecasts = later_reps(warehouse, bundle, reps, deals)
    rep_check = CalibrationCheck("quota attainment", "reps", forecasts, is_alarming=False)
    if bundle.deals.ensemble is None:
        return (rep_check,)
    forecasts, won = later_deals(warehouse, bundle, reps, deals), _won(warehouse, bundle)
    deal_check = CalibrationCheck(
        subject="open deals",
        units="deals",
        forecasts=forecasts,
        is_alarming=won >= bundle.params.minimum.won,
        # A count varies by its square root: the level of 400 won deals may be off by 5 %.
        level_error=max(won, 1) ** -0.5,
        shared_error=_shared_error(forecasts, bundle),
    )
    return rep_check, deal_check


def _won(warehouse: Warehouse, bundle: QuotaBundle) -> int:
    """Count the deals that were won in the periods that a model learned from."""
    periods, since = bundle.about["periods"], bundle.about["since"]
    if not periods or since is None:
        return 0
    first, last = datetime.fromisoformat(since), datetime.fromisoformat(periods[-1])
    deals = warehouse["deals"]
    won = deals.filter(deals.won & within(deals.closed_at, first, last))
    (row,) = warehouse.arrow(won.aggregate(n=won.count())).to_pylist()
    return int(row["n"])


def _shared_error(forecasts: LaterForecasts, bundle: QuotaBundle) -> float:
    known = ~np.isnan(forecasts.y)
    ends = forecasts.keys["period_end"].to_numpy("datetime64[us]")[known]
    learned = len(bundle.about["periods"])
    return shared_error(forecasts.p[known], ends, bundle.spread.company, learned)


def shared_error(p: Floats, ends: Moments, spread: float, learned: int) -> float:
    """Return by how much the luck that all deals of a period share moves the log of their wins.

    The model of attainment counts on a luck of each period, in log-odds of every deal. It moves a
    chance p by p (1 - p), and so sure deals hardly. The model's level holds the luck of the periods
    that it learned from in turn. With a spread of 0.15 and chances of 0.4:

    | periods judged | periods learned from | error                              |
    |----------------|----------------------|------------------------------------|
    | 1              | many                 | 0.15 * 0.6                = 0.090  |
    | 1              | 4                    | 0.15 * 0.6 * (1 + 1/4)^.5 = 0.101  |
    | 3, alike       | 4                    | 0.15 * 0.6 * (1/3 + 1/4)^.5 = 0.069 |

    Args:
        p: the chances that are judged.
        ends: the end of each one's period.
        spread: standard deviation of a period's luck.
        learned: periods that the model learned from.
    """
    if not len(p):
        return 0.0
    moved = pd.Series(p * (1 - p)).groupby(ends).sum().to_numpy() / p.sum()
    return float(spread * np.sqrt((moved**2).sum() + moved.sum() ** 2 / max(learned, 1)))
