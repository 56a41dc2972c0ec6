"""How much a forecast of a rep rests on: the model's evidence, and the rep's own record.

A rep without a record is forecast from averages of the company, which say little of this one. The
state of a rep's own record by the cutoff, and then that of the forecast, which never rests on more
than the model:

| the rep's record                                        | own state | model  | forecast |
|---------------------------------------------------------|-----------|--------|----------|
| 5 won deals in a year, or half a year of ended periods  | enough    | enough | enough   |
| the same                                                | enough    | thin   | thin     |
| a won or an open deal, or one ended period              | thin      | enough | thin     |
| no ended period, no won deal, no open deal              | none      | enough | none     |

Half a year of ended periods without a single win is a record too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from features.evidence import EvidenceState

WINS = 5
"""Own wins that weigh as much as the company's average in what a win brings."""
HALF_A_YEAR = 165
"""Days of quota periods; six months counted by the shortest one are 168."""
NEW_DAYS = 180
"""A rep hired less than so many days ago is said to have started lately."""
YEAR_DAYS = 365
OF_COMPANY = "the company has too few won deals or ended quota periods to learn from"
OF_TEAM = "little is known yet of the reps who carry most of its quota"
UNKNOWN = {
    EvidenceState.NONE: "nothing is known of this rep's selling yet",
    EvidenceState.THIN: "too little is known of this rep's selling yet",
}
_SEEN = ("past_periods", "period_days", "won_365d", "attained_deals", "open")


def rep_evidence(model: EvidenceState, X: pd.DataFrame) -> pd.DataFrame:
    """Return how much each rep's forecast rests on.

    Args:
        model: the state of the model.
        X: features of reps as of the cutoff; without a hiring date the tenure is NaN.

    Returns:
        A row for each of X, in its order: `evidence`, and `evidence_says`, the reason in words;
        both as plain text.
    """
    seen = X[[*_SEEN]].fillna(0).assign(tenure_days=X["tenure_days"])
    rows = [_of_forecast(model, record) for record in seen.to_dict("records")]
    table = [(state.value, says) for state, says in rows]
    frame = pd.DataFrame(table, columns=["evidence", "evidence_says"], index=X.index)
    return frame.astype("str")


def _of_forecast(model: EvidenceState, record: Mapping[Any, float]) -> tuple[EvidenceState, str]:
    """Return the state of a rep's forecast, and the reason in words."""
    own = _own(record)
    state = own.capped(model)
    if state is not own:
        return state, OF_COMPANY
    facts = ", ".join(_facts(record))
    return own, f"{UNKNOWN[own]} ({facts})" if own in UNKNOWN else facts


def _own(record: Mapping[Any, float]) -> EvidenceState:
    """Return the state of a rep's own record.

    Periods that ended before the rep was hired tell nothing of the rep, so the days of ended
    periods count up to the tenure. An unknown hiring date is no limit.
    """
    wins = _wins(record)
    hired = np.nan_to_num(record["tenure_days"], nan=np.inf)
    days = min(record["past_periods"] * record["period_days"], hired)
    if wins >= WINS or days >= HALF_A_YEAR:
        return EvidenceState.ENOUGH
    some = wins or record["open"] or record["past_periods"]
    return EvidenceState.THIN if some else EvidenceState.NONE


def _wins(record: Mapping[Any, float]) -> int:
    """Count wins within a year, or within a quota period that is longer."""
    return int(max(record["won_365d"], record["attained_deals"]))


def _facts(record: Mapping[Any, float]) -> Iterator[str]:
    wins, tenure = _wins(record), record["tenure_days"]
    # An unknown tenure is NaN, which loses every comparison: nothing is said of a start, and wins
    # are those of a year.
    if tenure < NEW_DAYS:
        yield f"started {_ago(max(int(tenure), 0))}"
    yield _count(int(record["past_periods"]), "ended quota period")
    within = " in a year" if wins and not tenure < YEAR_DAYS else ""
    yield f"{_count(wins, 'deal')} won{within}"
    if not wins:
        yield f"{_count(int(record['open']), 'open deal')}"


def _ago(days: int) -> str:
    if days < 1:
        return "today"
    return f"{_count(days, 'day')} ago" if days < 14 else f"{days // 7} weeks ago"  # noqa: PLR2004 - two weeks


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'s' if number > 1 else ''}"


def team_evidence(
    model: EvidenceState, states: Sequence[str], quotas: Sequence[float]
) -> tuple[EvidenceState, str]:
    """Return how much the forecast of a team rests on: the reps who carry its quota decide.

    With a model that rests on enough:

    | quota of reps with enough | quota of the others | the team                  |
    |---------------------------|---------------------|---------------------------|
    | 100                       | 100                 | enough: half is enough    |
    | 100                       | 110                 | thin                      |
    | 0                         | 0                   | enough: nothing to carry  |

    Args:
        model: the state of the model.
        states: those of the team's reps.
        quotas: of the same reps; NaN and negative ones count 0.

    Returns:
        The state, and the reason in words.
    """
    if model != EvidenceState.ENOUGH:
        return model, OF_COMPANY
    weights = np.maximum(np.nan_to_num(np.asarray(quotas, dtype=np.float64)), 0.0)
    known = np.asarray(states, dtype="U6") == EvidenceState.ENOUGH.value
    total, of_known = float(weights.sum()), float(weights[known].sum())
    if total and 2 * of_known < total:
        return EvidenceState.THIN, OF_TEAM
    return (
        EvidenceState.ENOUGH,
        f"{int(known.sum())} of {len(known)} reps have a record of their own",
    )
