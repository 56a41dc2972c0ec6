"""What a comparison on equal grounds cannot tell from an extract, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pandas as pd

from features.storage.warehouse import Warehouse
from training.coaching.grounds.dealt import CONVERSIONS, WINS
from training.coaching.grounds.windows import Windows, windows_of
from training.params import TrainingParams

FEW_WINS = 50
"""Wins of a period below which the whole company's figure is mostly luck (about 14 %)."""


def grounds_limits(
    warehouse: Warehouse, params: TrainingParams, as_of: datetime, grounds: pd.DataFrame
) -> tuple[str, ...]:
    """Return what the comparison leaves out and why, for the pages that show it.

    Args:
        warehouse: the history.
        params: `coaching.grounds` says what is followed.
        as_of: as in `equal_grounds`.
        grounds: what `equal_grounds` returns.
    """
    settings = params.coaching.grounds
    cut = warehouse.until(as_of).left()
    windows = windows_of(cut, settings.lookback_days, settings.most_periods)
    return (*_absent(cut), *_short(windows, settings.lookback_days), *_little(grounds))


def _absent(warehouse: Warehouse) -> Iterator[str]:
    """Yield what tables and columns would be needed."""
    if "leads" not in warehouse.present:
        yield (
            "No leads are loaded. What a rep was dealt is then the deals the rep had, so finding "
            "many deals shows in the expectation and not in the wins above it."
        )
    if "deals" not in warehouse.present:
        yield "No deals are loaded, so wins and revenue cannot be compared."
    if "quotas" not in warehouse.present:
        yield "No quotas are loaded, so periods are calendar quarters."
    reps = warehouse["reps"]
    filled = warehouse.arrow(
        reps.aggregate(territory=reps.territory.count(), hired_at=reps.hired_at.count())
    )
    has_territory = warehouse.has_history("rep", "territory")
    if not filled["territory"][0].as_py() and not has_territory:
        yield "Territories are not known: a poor one shows only in the leads that came from it."
    if not filled["hired_at"][0].as_py():
        yield "It is not known when reps were hired, so nothing is allowed for a ramp."


def _short(windows: Windows, lookback_days: int) -> Iterator[str]:
    """Yield what a short history does to the comparison."""
    main = windows.every[windows.main]
    if not any(not window.is_current for window in windows.every):
        yield (
            "No earlier period is on record: what the company usually makes of a lead is known "
            "from this period alone."
        )
    followed = (main.start - main.entry).days
    if followed < lookback_days:
        yield (
            f"Records begin {max(followed, 0)} days before the period, not {lookback_days}: what "
            "was open when they begin is taken as it stood, whoever had made it so."
        )


def _little(grounds: pd.DataFrame) -> Iterator[str]:
    """Yield that there is little to compare."""
    totals = grounds.groupby("metric")["actual"].sum()
    wins, conversions = (float(totals.get(metric, 0.0)) for metric in (WINS, CONVERSIONS))
    if wins + conversions == 0:
        yield "Nothing was won in this period yet, so nobody can be above or below anybody."
    elif 0 < wins < FEW_WINS:
        yield (
            f"Only {wins:.0f} deals were won in this period by everybody together: most of the "
            "differences are luck."
        )
