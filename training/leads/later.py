"""Forecasts of leads at cutoffs that a model had not learned from, to compare two models."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd

from features.build import build
from features.definitions.lead import conversion_features
from features.labels.conversion import conversion, last_mature_cutoff
from features.snapshot import within
from features.storage.warehouse import Warehouse
from training.cutoffs import first_midnight, later_cutoffs
from training.estimators.calibration import trust_in
from training.evaluation.later import (
    CalibrationCheck,
    JudgingWindow,
    LaterCutoffs,
    LaterForecasts,
)
from training.leads.backtest import segment_columns
from training.leads.bundle import Bundle


def lead_cutoffs(
    warehouse: Warehouse, bundle: Bundle, since: datetime, every_days: int
) -> LaterCutoffs:
    """Return the mature cutoffs at or after a moment.

    Args:
        warehouse: the history.
        bundle: tells the horizon.
        since: no model to be compared has seen what lies at or after it.
        every_days: the step between cutoffs.
    """
    last = last_mature_cutoff(bundle.horizon_days, warehouse.data_until)
    mature_from = first_midnight(since) + timedelta(days=bundle.horizon_days)
    return LaterCutoffs(later_cutoffs(since, last, every_days), mature_from)


def lead_window(
    data_until: datetime, horizon_days: int, window_days: int, seen: datetime
) -> JudgingWindow:
    """Return where a new lead model's twin can be compared with the champion.

    With a horizon of 30 days, a window of 28, and data until July 31st:

    | last mature cutoff | the window starts | a champion that saw until June 1st is judged from |
    |--------------------|-------------------|---------------------------------------------------|
    | July 1st           | June 3rd          | July 29th: the window then starts on June 1st     |

    Args:
        data_until: the extract's end.
        horizon_days: how far the label looks ahead.
        window_days: days of mature cutoffs that are kept from the twin.
        seen: what the champion saw ends here.
    """
    window = timedelta(days=window_days)
    start = last_mature_cutoff(horizon_days, data_until) - window
    judged_from = first_midnight(seen) + window + timedelta(days=horizon_days)
    return JudgingWindow(start, judged_from)


def forecast_later_leads(
    warehouse: Warehouse, bundle: Bundle, cutoffs: Sequence[datetime]
) -> LaterForecasts:
    """Forecast every lead that was open at each cutoff, beside what became of it.

    Args:
        warehouse: the history.
        bundle: the model.
        cutoffs: at or after the moment up to which the model saw the data.
    """
    # All declared features, those the model leaves out too: segments are read off them.
    declared = conversion_features(bundle.vocabulary, bundle.params, bundle.horizon_days)
    examples = build(warehouse, declared, bundle.vocabulary, cutoffs, bundle.params)
    keys = examples.keys[["lead_id", "cutoff"]]
    return LaterForecasts(
        event=f"a lead converts within {bundle.horizon_days} days",
        keys=pd.DataFrame(keys).reset_index(drop=True),
        # A model forecasts from its own features, and from no others.
        p=bundle.probability(examples.X[[*bundle.columns]]),
        y=conversion(warehouse, examples.keys, bundle.horizon_days),
        segments=segment_columns(examples, bundle),
        owners=examples.keys["owner"].reset_index(drop=True),
    )


def lead_checks(
    warehouse: Warehouse, bundle: Bundle, cutoffs: Sequence[datetime]
) -> tuple[CalibrationCheck, ...]:
    """Forecast later leads for monitoring.

    Leads of thirteen weeks are many and hardly share their luck, so a ratio that is off alarms.

    Args:
        warehouse: the history.
        bundle: the champion.
        cutoffs: at or after the moment up to which it saw the data.
    """
    forecasts = forecast_later_leads(warehouse, bundle, cutoffs)
    error = _level_error(warehouse, bundle)
    return (
        CalibrationCheck(
            "lead conversion", "leads", forecasts, is_alarming=True, level_error=error
        ),
    )


def level_error(events: int, window_days: int) -> float:
    """Return the relative standard error of a champion's level, as its calibrator learned it.

    A count of events varies by its square root, and the calibrator goes the share of the way to
    them that its window is trusted by:

    | conversions in the window | days | trusted by | error |
    |---------------------------|------|------------|-------|
    | 900                       | 90   | 0.75       | 2.5 % |
    | 160                       | 45   | 0.6        | 4.7 % |
    | 0                         | 30   | 0.5        | 50 %  |

    Args:
        events: that the calibration window saw.
        window_days: its length.
    """
    return trust_in(window_days) / max(events, 1) ** 0.5


def _level_error(warehouse: Warehouse, bundle: Bundle) -> float:
    """Return how far a model's level may be off by the luck of its calibration window."""
    window = bundle.about.get("parts", {}).get("calibrate")
    if not window:
        return 0.0
    first, last = (datetime.fromisoformat(moment) for moment in window)
    leads, ends = warehouse["leads"], last + timedelta(days=bundle.horizon_days)
    seen = leads.filter(within(leads.converted_at, first, ends))
    (row,) = warehouse.arrow(seen.aggregate(n=seen.count())).to_pylist()
    return level_error(row["n"], (last - first).days + 1)
