"""A company of eight reps over two years, and causes that tests choose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from serving.coaching.company import Company, Inputs, Period
from serving.store.coaching import CoachingLine
from training.coaching.goals.levels import levels
from training.coaching.goals.propose import Goals
from training.coaching.goals.record import SalesRecord
from training.files import EQUAL_GROUNDS, REP_CAUSES, FileSchema

AS_OF = datetime(2026, 5, 20)
START, END = datetime(2026, 4, 1), datetime(2026, 7, 1)
NAMES = ("Ada <b>Abel</b>", "Ben Xu", "Cleo Dahl", "Dan Ek", "Eva Lind", "Finn Ito", "Gus Popov")
OURS = ("internal_delay", "territory", "lead_mix", "ramp", "quota", "luck")
Make = Callable[..., Company]
"""Makes a company."""


def cause(rep_id: str, name: str, rank: int = 1, **values: Any) -> dict[str, Any]:
    """Make a row of `rep_causes`: a firm one unless told otherwise."""
    row = {
        "rep_id": rep_id, "period_start": START, "as_of": AS_OF, "rank": rank, "cause": name,
        "size": 0.39, "low": 0.16, "high": 0.69, "share": 0.8, "since": None, "p": 0.93,
        "theirs": name not in OURS, "evidence": "4 of 14 such deals; 7 is usual",
    }  # fmt: skip
    return row | values


def ground(rep_id: str, metric: str, actual: float, expected: float, wide: float) -> dict[str, Any]:
    """Make a row of `equal_grounds`."""
    residual = actual - expected
    return {
        "rep_id": rep_id, "period_start": START, "as_of": AS_OF, "metric": metric,
        "actual": actual, "expected": expected, "residual": residual,
        "low": residual - wide, "high": residual + wide, "shrunk": residual / 2,
    }  # fmt: skip


def frame(rows: Sequence[dict[str, Any]], schema: FileSchema) -> pd.DataFrame:
    """Make a frame of a file's columns and types."""
    columns = {column.name: column.dtype for column in schema.columns}
    return pd.DataFrame(rows, columns=[*columns]).astype(columns)


def record(seed: int = 1) -> SalesRecord:
    """Make two years of eight reps who are alike, the last of them without a name."""
    chance = np.random.default_rng(seed)
    reps = [f"r{k}" for k in range(8)]
    days = (AS_OF - timedelta(days=730)) + pd.to_timedelta(np.arange(730), "D")

    def rows(each: int, **columns: Callable[[int], Any]) -> pd.DataFrame:
        size = len(reps) * each
        at = np.repeat(days.to_numpy()[:: len(days) // each][:each], len(reps))
        values = {name: make(size) for name, make in columns.items()}
        numbers = [f"n{k}" for k in range(size)]
        made = pd.DataFrame({"id": numbers, "rep_id": reps * each, "at": at, **values})
        return made.astype({"at": "datetime64[us]"})

    sources = {"source": lambda n: chance.choice(["web", "fair"], n)}
    arrivals = rows(365, **sources)
    waited = pd.to_timedelta(chance.integers(0, 4, len(arrivals)), "D")
    people = pd.DataFrame(
        {
            "rep_id": reps, "name": [*NAMES, None], "hired_at": pd.NaT, "left_at": pd.NaT,
            "manager_id": ["m1", "m1", "m1", "m1", "m2", "m2", None, None],
            "role": "seller", "team": "a", "territory": "t", "segment": None,
        }
    )  # fmt: skip
    return SalesRecord(
        as_of=AS_OF,
        people=people.astype({"hired_at": "datetime64[us]", "left_at": "datetime64[us]"}),
        arrivals=arrivals.assign(touched_at=arrivals["at"] + waited),
        decisions=rows(365, won=lambda n: chance.integers(0, 5, n) // 4, **sources),
        endings=rows(
            182,
            won=lambda n: chance.integers(0, 3, n) // 2,
            amount=lambda n: chance.lognormal(9, 0.5, n),
        ),
        touches=rows(730, count=lambda n: chance.integers(2, 30, n)),
    )


RECORD = record()
GOALS, LEVELS = Goals.learned(RECORD), levels(RECORD)


def make_company(
    causes: Sequence[dict[str, Any]] = (),
    grounds: Sequence[dict[str, Any]] = (),
    log: Sequence[CoachingLine] = (),
    **inputs: Any,
) -> Company:
    """Make a company from rows of causes and grounds, and lines of the log."""
    known = Inputs(frame(causes, REP_CAUSES), frame(grounds, EQUAL_GROUNDS), log=tuple(log))
    known = Inputs(**(vars(known) | inputs))
    periods = {f"r{k}": Period(START, END, 100_000.0, 20_000.0) for k in range(7)}
    return Company(AS_OF, known, GOALS, LEVELS, periods)
