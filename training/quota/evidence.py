"""How much a forecast of a rep rests on: the model's evidence, and the rep's own record.

A rep without a record is forecast from averages of the company, which says little of this one.
So much must have been seen of a rep by the cutoff:

- `enough`: `WINS` deals won within a year, or ended quota periods that make up half a year. Many
  periods without a win are a record too.
- `none`: no ended quota period, no deal won and none open.
- `thin`: whatever lies between.

Nobody's state is better than the model's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

WINS = 5
"""Own wins that weigh as much as the company's average in what a win brings."""
HALF_A_YEAR = 165
"""Days of quota periods; six months counted by the shortest one are 168."""
NEW_DAYS = 180
"""Who was hired later than so many days ago is said to have started lately."""
YEAR_DAYS = 365
STATES = ("none", "thin", "enough")
OF_COMPANY = "the company has too few won deals or ended quota periods to learn from"
OF_TEAM = "little is known yet of the reps who carry most of its quota"
_SEEN = ("past_periods", "period_days", "won_365d", "attained_deals", "open")


def rep_evidence(model: str, X: pd.DataFrame) -> pd.DataFrame:
    """Say of every rep how much the forecast rests on.

    Args:
        model: the state of the model.
        X: features of reps as of the cutoff; of those without a hiring date the tenure is empty.

    Returns:
        A row for each of X, in its order: `evidence`, and `evidence_says`, the reason in words.
    """
    seen = X[[*_SEEN]].fillna(0).assign(tenure_days=X["tenure_days"])
    told = [_judge(model, row) for row in seen.to_dict("records")]
    frame = pd.DataFrame(told, columns=["evidence", "evidence_says"], index=X.index)
    return frame.astype("str")


def _judge(model: str, row: Mapping[Any, float]) -> tuple[str, str]:
    own = _own(row)
    if STATES.index(own) > STATES.index(model):
        return model, OF_COMPANY
    facts = ", ".join(_facts(row))
    known = {
        "none": "nothing is known of this rep's selling yet",
        "thin": "too little is known of this rep's selling yet",
    }
    return own, facts if own == "enough" else f"{known[own]} ({facts})"


def _own(row: Mapping[Any, float]) -> str:
    """Judge a rep's own record."""
    wins = _wins(row)
    # A NaN (never told when hired) loses every comparison, so that the periods stand.
    record = min(
        row["past_periods"] * row["period_days"], np.nan_to_num(row["tenure_days"], nan=np.inf)
    )
    if wins >= WINS or record >= HALF_A_YEAR:
        return "enough"
    return "thin" if wins or row["open"] or row["past_periods"] else "none"


def _wins(row: Mapping[Any, float]) -> int:
    """Count wins within a year, or within a quota period that is longer."""
    return int(max(row["won_365d"], row["attained_deals"]))


def _facts(row: Mapping[Any, float]) -> Iterator[str]:
    wins, tenure = _wins(row), row["tenure_days"]
    if tenure < NEW_DAYS:
        yield f"started {_ago(max(int(tenure), 0))}"
    yield _count(int(row["past_periods"]), "ended quota period")
    lately = " in a year" if wins and not tenure < YEAR_DAYS else ""
    yield f"{_count(wins, 'deal')} won{lately}"
    if not wins:
        yield f"{_count(int(row['open']), 'open deal')}"


def _ago(days: int) -> str:
    if days < 1:
        return "today"
    return f"{_count(days, 'day')} ago" if days < 14 else f"{days // 7} weeks ago"  # noqa: PLR2004 - two weeks


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'s' if number > 1 else ''}"


def team_evidence(model: str, states: Sequence[str], quotas: Sequence[float]) -> tuple[str, str]:
    """Say how much the forecast of a team rests on: reps who carry most of its quota decide.

    Args:
        model: the state of the model.
        states: those of its reps.
        quotas: of the same reps.

    Returns:
        The state, and the reason in words.
    """
    if model != "enough":
        return model, OF_COMPANY
    weights = np.maximum(np.nan_to_num(np.asarray(quotas, dtype=np.float64)), 0.0)
    known = np.asarray(states, dtype="U6") == "enough"
    total, of_known = float(weights.sum()), float(weights[known].sum())
    if total and 2 * of_known < total:
        return "thin", OF_TEAM
    return "enough", f"{int(known.sum())} of {len(known)} reps have a record of their own"
