"""The order of a list is a formula: what a call is worth, less what the last touch takes away."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.history.vocabulary import Vocabulary
from training.call_params import CallParams
from training.calls.order import (
    Worth,
    last_touch,
    last_touch_columns,
    learned_worth,
    priority,
    priority_since,
    rest,
    tried_now,
    weighed,
)
from training.calls.risk import OTHERS, RiskEffects, fit_risk_effects

PARAMS = CallParams(cool_down_days=3.0, rest=0.5)


def test_a_touch_takes_away_a_share_that_comes_back() -> None:
    """Half at once, all of it back after three days; never touched has lost nothing."""
    days = np.array([0.0, 1.5, 3.0, 9.0, np.inf])
    np.testing.assert_allclose(rest(days, PARAMS), [0.5, 0.75, 1, 1, 1])
    at_once = PARAMS.model_copy(update={"cool_down_days": 0.0})
    np.testing.assert_array_equal(rest(days, at_once), np.ones(5))


def test_amounts_count_between_themselves_and_the_middle_one() -> None:
    """Half and half on the scale of ratios; 1 takes them as they are, 0 all alike."""
    value = np.array([5_000.0, 20_000.0, 80_000.0])
    half, own, none = (PARAMS.model_copy(update={"amount": part}) for part in (0.5, 1.0, 0.0))
    np.testing.assert_allclose(weighed(value, half), [10_000, 20_000, 40_000])
    np.testing.assert_allclose(weighed(value, own), value)
    np.testing.assert_allclose(weighed(value, none), np.full(3, 20_000))
    np.testing.assert_array_equal(weighed(np.zeros(3), half), np.zeros(3))
    worth = Worth.by_rule(np.full(3, 0.01))
    worth_now = priority(worth, weighed(value, own), np.array([np.inf, 0.0, 3.5]), own)
    np.testing.assert_allclose(worth_now, [50, 0, 400])


def test_a_try_that_gets_nobody_is_worth_something_again_after_some_days() -> None:
    """A share of the chance without being reached; beside it stands what getting through brings."""
    params = PARAMS.model_copy(update={"reach": 1.0, "warmth": 0.1, "warm_days": 4.0})
    reach, gain, missed = np.full(4, 0.2), np.full(4, 0.05), np.full(4, 0.08)
    worth = learned_worth(reach, gain, missed, 0.25, params)
    days = np.array([0.0, 2.0, 4.0, np.inf])
    np.testing.assert_allclose(tried_now(worth.tried, days, params), [0, 0.004, 0.008, 0.008])
    left = np.array([0.5, 5 / 6, 1, 1])
    np.testing.assert_allclose(worth.now(days, params), 0.01 * left + [0, 0.004, 0.008, 0.008])


def test_the_chance_to_be_reached_counts_in_part() -> None:
    """Half on the scale of ratios: four times the usual counts twice; 1 takes it as it is."""
    reach, gain, missed = np.array([0.1, 0.4]), np.full(2, 0.05), np.zeros(2)
    half, own = (PARAMS.model_copy(update={"reach": part}) for part in (0.5, 1.0))
    np.testing.assert_allclose(learned_worth(reach, gain, missed, 0.1, half).reached, [0.005, 0.01])
    np.testing.assert_allclose(learned_worth(reach, gain, missed, 0.1, own).reached, [0.005, 0.02])


@pytest.mark.parametrize("seed", range(5))
def test_a_place_on_a_list_counts_as_a_touch(seed: int) -> None:
    """Taken into account later it gives what the formula would have, whatever the weights."""
    draws = np.random.default_rng(seed)
    params = PARAMS.model_copy(
        update={name: draws.uniform(0, 0.9) for name in ("rest", "warmth", "reach")}
    )
    reach, gain, missed = draws.uniform(0.01, 0.9, (3, 200))
    counted = draws.lognormal(9, 1, 200)
    touched, listed = draws.exponential(4, (2, 200))
    touched[:20] = listed[10:30] = np.inf
    worth = learned_worth(reach, gain, missed, 0.3, params)
    known = priority(worth, counted, touched, params)
    both = priority(worth, counted, np.minimum(touched, listed), params)
    told = priority_since(known, worth.tried * counted, touched, listed, params)
    np.testing.assert_allclose(told, both, rtol=1e-9)
    assert (told <= known * (1 + 1e-9)).all(), "a list takes away and never adds"
    # Scores may have seen a fresher touch than lists do: no priority falls below 0 for it.
    unlike = priority_since(known, worth.tried * counted, touched + 5, listed, params)
    assert (unlike >= 0).all()


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
