"""Whether goals are reached as often as was said: those of the past beside what came of them.

The seeds were named before anyone looked at their companies; demo 11 to 16 were developed on. Every
quarter of the last year each rep gets the goals that would have been proposed then, and a quarter
later the measures are read off. Nobody coaches in a sample company, so this grades the chances and
nothing else.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
from grades import Grade
from monitoring import company, opened

from training.coaching.goals.calibration import calibration, past_goals
from training.coaching.goals.measures import WINDOW_DAYS
from training.coaching.goals.propose import LIKELY_NAME

DEMO = (501, 502, 503, 504, 505, 506, 507, 508, 509, 510)
REPS, MONTHS = 40, 24
WIDEST = 0.1
"""The share reached may differ by so much from what was said."""


def coaching_goals() -> list[Grade]:
    """Grade the chances of goals on companies of `demo`, rows pooled."""
    with ProcessPoolExecutor(2) as pool:
        frames = list(pool.map(goals_of, DEMO))
    return [_grade(row) for row in calibration(pd.concat(frames, ignore_index=True)).itertuples()]


def goals_of(seed: int) -> pd.DataFrame:
    """Return one company's goals of the past and what came of them."""
    with tempfile.TemporaryDirectory() as folder:
        warehouse = opened(company(Path(folder), "demo", seed, MONTHS, REPS))
        return past_goals(warehouse, moments(warehouse.data_until)).assign(company=seed)


def moments(end: datetime) -> list[datetime]:
    """Return four moments a window apart, the last of them a window before the end."""
    return [end - timedelta(days=WINDOW_DAYS * (k + 1)) for k in range(4)]


def _grade(row: object) -> Grade:
    group, goals, said, reached, low, high = row[1:]  # type: ignore[index] # a named tuple
    figure = f"{reached:.0%} ({low:.0%} to {high:.0%}) of {goals:,}"
    if group != f"label: {LIKELY_NAME}":
        return Grade(f"goals, {group}", figure, f"said {said:.0%}", None)
    return Grade(f"goals, {group}", figure, f"said {said:.0%} +- 10", abs(reached - said) <= WIDEST)
