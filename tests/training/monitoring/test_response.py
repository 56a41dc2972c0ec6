"""Activity without customers: named when both rise and silence are beyond luck, never an alarm."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from training.monitor_params import MonitorParams
from training.monitoring.deviation import Severity
from training.monitoring.response import MOST_SPANS, unanswered

PARAMS = MonitorParams()
REPS = [f"rep {k}" for k in range(12)]


def responses(seed: int, busy: tuple[str, ...] = (), factor: float = 2.5) -> pd.DataFrame:
    """Draw touches and answers; busy reps log more touches that nobody answers."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        [(s, r) for s in range(MOST_SPANS) for r in REPS], columns=["span", "rep_id"]
    )
    touches = rng.poisson(300 * np.exp(rng.normal(0, 0.1, len(rows))))
    answered = rng.binomial(touches, 0.2)
    more = (rows["span"] == 0) & rows["rep_id"].isin(busy)
    touches = np.where(more, touches * factor, touches).astype(int)
    return rows.assign(touches=touches, answered=answered)


@pytest.mark.parametrize("seed", range(20))
def test_ordinary_work_is_not_named(seed: int) -> None:
    """Nobody is named in twenty companies at work."""
    assert not list(unanswered(responses(seed), PARAMS))


@pytest.mark.parametrize("seed", range(5))
def test_many_touches_that_nobody_answers_are_a_warning(seed: int) -> None:
    """The rep is named, with careful words and without an alarm."""
    (warning,) = unanswered(responses(seed, ("rep 3",)), PARAMS)
    assert (warning.where, warning.severity) == ("rep 3", Severity.WARNING)
    assert "Look at it together" in warning.says


def test_more_touches_with_as_many_answers_are_good_work() -> None:
    """Twice the touches and twice the answers: nothing to look at."""
    rows = responses(1, ("rep 3",))
    more = (rows["span"] == 0) & (rows["rep_id"] == "rep 3")
    rows.loc[more, "answered"] = (rows.loc[more, "answered"] * 2.5).astype(int)
    assert not list(unanswered(rows, PARAMS))


def test_what_happens_to_most_reps_is_not_told_of_each() -> None:
    """Where half the company shows it, it is the company that has changed."""
    assert not list(unanswered(responses(2, tuple(REPS[:6])), PARAMS))
