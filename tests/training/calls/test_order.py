"""The order of a list is a formula: what a call is worth, less what the last touch takes away."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.history.vocabulary import Vocabulary
from training.call_params import CallParams
from training.calls.order import last_touch, last_touch_columns, rest
from training.calls.risk import OTHERS, RiskEffects, fit_risk_effects

PARAMS = CallParams(cool_down_days=3.0, rest=0.5)


def test_a_touch_takes_away_a_share_that_comes_back() -> None:
    """Half at once, all of it back after three days; never touched has lost nothing."""
    days = np.array([0.0, 1.5, 3.0, 9.0, np.inf])
    np.testing.assert_allclose(rest(days, PARAMS), [0.5, 0.75, 1, 1, 1])
    at_once = PARAMS.model_copy(update={"cool_down_days": 0.0})
    np.testing.assert_array_equal(rest(days, at_once), np.ones(5))


def test_the_last_touch_is_ours_where_directions_are_known() -> None:
    """A reply of the lead is no touch; without directions any activity is."""
    words = Vocabulary(types=("call",), directions=("inbound", "outbound", "Internal"))
    columns = last_touch_columns(words)
    assert columns == ("days_since_direction_outbound", "days_since_direction_internal")
    X = pd.DataFrame({columns[0]: [1.0, np.nan, np.nan], columns[1]: [4.0, 2.0, np.nan]})
    np.testing.assert_array_equal(last_touch(X, words), [1, 2, np.inf])
    assert last_touch_columns(Vocabulary(types=("call",))) == ("days_since_touch",)


@pytest.mark.parametrize("seed", range(3))
def test_each_stage_has_a_line_of_its_own(seed: int) -> None:
    """Lines are found through noise; a rare stage shares that of the others."""
    draws = np.random.default_rng(seed)
    stage = draws.choice([0.0, 1.0, 2.0], 60_000, p=[0.5, 0.495, 0.005])
    chance = draws.uniform(0.02, 0.3, len(stage))
    true = np.where(stage == 0, 1.2 * chance, 0.03)
    scores = true + draws.normal(0, 0.5, len(stage))
    X = pd.DataFrame({"stage": stage})
    fitted = fit_risk_effects(X, "stage", chance, scores, np.ones(len(stage)))
    assert set(fitted.lines) == {0.0, 1.0, OTHERS}
    asked = pd.DataFrame({"stage": [0.0, 0.0, 1.0, 1.0]})
    effect = fitted.effect(asked, np.array([0.05, 0.25, 0.05, 0.25]))
    np.testing.assert_allclose(effect, [0.06, 0.3, 0.03, 0.03], atol=0.03)
    again = RiskEffects.from_json(fitted.to_json())
    np.testing.assert_array_equal(
        again.effect(asked, np.full(4, 0.1)), fitted.effect(asked, np.full(4, 0.1))
    )
    # Beyond what was seen, an effect stays what it is at the edge.
    far = fitted.effect(pd.DataFrame({"stage": [0.0, 0.0]}), np.array([0.31, 0.9]))
    assert far[0] == far[1]


def test_without_stages_there_is_one_line() -> None:
    """Data that know no stage have one line for all leads."""
    chance = np.linspace(0.1, 0.5, 5000)
    fitted = fit_risk_effects(pd.DataFrame(index=range(5000)), None, chance, chance / 2, chance)
    assert set(fitted.lines) == {OTHERS}
    effect = fitted.effect(pd.DataFrame(index=range(1)), np.array([0.3]))
    np.testing.assert_allclose(effect, 0.15)
