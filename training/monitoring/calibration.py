"""Do forecasts still come true? What happened beside what was forecast, where it is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from features.arrays import Floats
from training.evaluation.bootstrap import resample
from training.evaluation.later import CUTOFF, LaterForecasts
from training.monitoring.alert import Alert, Severity
from training.params import MonitorParams

CUTOFFS = 8
"""The newest cutoffs with known outcomes that are looked at."""
FEWEST = 20
"""Forecast events below which nothing is said."""


@dataclass(frozen=True)
class Kept:
    """What was forecast and what came of it, at one cutoff or at all.

    Attributes:
        cutoff: the cutoff; None for all together.
        forecast: events expected.
        happened: events that came.
        low: the lower end of the interval of their ratio.
        high: the upper end.
    """

    cutoff: datetime | None
    forecast: float
    happened: float
    low: float
    high: float

    @property
    def ratio(self) -> float:
        """What happened over what was forecast."""
        return self.happened / self.forecast if self.forecast else float("nan")


def kept_forecasts(forecasts: LaterForecasts, params: MonitorParams) -> list[Kept]:
    """Compare forecasts with outcomes: all together first, then cutoff by cutoff.

    Resamples draw leads (or reps) whole: one stands at many cutoffs and has one fate.

    Args:
        forecasts: of a champion, at cutoffs that it had not learned from.
        params: coverage of the intervals.
    """
    known = ~np.isnan(forecasts.y)
    keys = forecasts.keys[known]
    if not len(keys):
        return []
    y, p = forecasts.y[known], forecasts.p[known]
    moments = pd.to_datetime(keys[CUTOFF])
    found = [_kept(None, keys.iloc[:, 0], y, p, params)]
    for moment in sorted(moments.unique()):
        at = (moments == moment).to_numpy()
        found.append(_kept(moment.to_pydatetime(), keys.iloc[:, 0][at], y[at], p[at], params))
    return found


def _kept(
    cutoff: datetime | None, unit: pd.Series, y: Floats, p: Floats, params: MonitorParams
) -> Kept:
    codes, names = pd.factorize(unit)
    happened = np.bincount(codes, y, len(names))
    forecast = np.bincount(codes, p, len(names))
    draws = resample(len(names), params.draws, params.seed)[1:].astype(np.float64)
    ratios = (draws @ happened) / np.maximum(draws @ forecast, 1e-12)
    tail = (1 - params.level) / 2
    low, high = np.quantile(ratios, (tail, 1 - tail))
    return Kept(cutoff, float(forecast.sum()), float(happened.sum()), float(low), float(high))


def calibration_alerts(
    kind: str, event: str, found: list[Kept], params: MonitorParams
) -> Iterator[Alert]:
    """Say where forecasts no longer come true.

    Args:
        kind: "leads" or "quota".
        event: what is forecast, in words.
        found: all together first.
        params: the ratio that matters.
    """
    if not found or found[0].forecast < FEWEST:
        return
    whole, limit = found[0], params.calibration
    is_off = not whole.low <= 1 <= whole.high
    if is_off and not 1 / limit < whole.ratio < limit:
        first, last = found[1].cutoff, found[-1].cutoff
        says = (
            f"{whole.happened:,.0f} times {event}, {whole.forecast:,.0f} were forecast from "
            f"{first:%Y-%m-%d} to {last:%Y-%m-%d}: {whole.ratio:.2f} of it "
            f"({whole.low:.2f} to {whole.high:.2f})"
        )
        yield Alert(
            "calibration", kind, Severity.ALARM, whole.ratio, 1.0, whole.low, whole.high, says,
            "look for what changed in the market or in the data; if it is real, retrain",
        )  # fmt: skip
