"""Working time ahead: half of it, half the odds, and the reasons say so."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from features.definitions.time_ahead import DAYS_AHEAD
from training.leads.bundle import Bundle
from training.leads.dataset import TrainingSet
from training.leads.explain import explain
from training.leads.exposure import LEAST_DAYS, Exposure
from training.leads.reasons import reasons


@pytest.mark.parametrize("seed", range(4))
def test_it_adds_nothing_on_average(seed: int) -> None:
    """And nothing where days are not known, or left out; no day at all counts as half a day."""
    days = np.random.default_rng(seed).uniform(8, 23, 50)
    exposure = Exposure.usual_in(pd.DataFrame({DAYS_AHEAD: days}))
    assert exposure.offsets(pd.DataFrame({DAYS_AHEAD: days})).mean() == pytest.approx(0)
    known = pd.DataFrame({DAYS_AHEAD: [exposure.usual, exposure.usual / 2, np.nan, 0.0]})
    expected = [0, np.log(0.5), 0, np.log(LEAST_DAYS / exposure.usual)]
    assert exposure.offsets(known) == pytest.approx(expected)
    assert exposure.offsets(pd.DataFrame({"other": days})).tolist() == [0.0] * 50
    assert Exposure.usual_in(pd.DataFrame({"other": days})) == Exposure()


def test_half_the_time_is_half_the_odds(bundle: Bundle, training_set: TrainingSet) -> None:
    """Before the calibrator; and the points of working time make up for the whole difference."""
    examples = training_set.examples
    half = examples.X.assign(**{DAYS_AHEAD: examples.X[DAYS_AHEAD] / 2})
    assert bundle.blend is not None
    whole, less = bundle.blend.margins(examples.X), bundle.blend.margins(half)
    assert less - whole == pytest.approx(np.full(len(whole), np.log(0.5)))
    explained = explain(bundle, replace(examples, X=half))
    assert explained.features[-1].name == DAYS_AHEAD
    assert (explained.points[:, -1] < 0).all()
    total = explained.base + explained.points.sum(axis=1)
    assert total == pytest.approx(100 * bundle.probability(half), abs=1e-6)


def test_a_slow_month_is_a_reason_in_words(bundle: Bundle, training_set: TrainingSet) -> None:
    """A lead before the holidays is told how many working days are left, and how many are usual."""
    half = replace(
        training_set.examples, X=training_set.examples.X.assign(**{DAYS_AHEAD: 3.0})
    ).take(np.arange(len(training_set.examples)) < 20)
    for row in reasons(explain(bundle, half), half, 3, bundle.precedents):
        said = {item["feature"]: item for item in row["items"]}
        assert said[DAYS_AHEAD]["side"] == "against"
        assert said[DAYS_AHEAD]["who"] == "market"
        words = f"3 working days in the next {bundle.horizon_days} days, where "
        assert said[DAYS_AHEAD]["value"].startswith(words), json.dumps(row)


def test_training_counts_the_time_as_it_came(training_set: TrainingSet) -> None:
    """Every row of a cutoff has the same days, and levels are those of its rows."""
    X, keys = training_set.examples.X, training_set.examples.keys
    by_cutoff = X[DAYS_AHEAD].groupby(keys["cutoff"].to_numpy())
    assert (by_cutoff.max() == by_cutoff.min()).all()
    cutoffs = training_set.split.calibrate
    rows = training_set.rows(cutoffs)
    part = training_set.part(cutoffs, ["age_days"], level=training_set.level(cutoffs))
    rate = training_set.y[rows].mean()
    assert part.start is not None
    level = part.start - training_set.exposure.offsets(X[rows])
    assert level == pytest.approx(np.full(rows.sum(), logit(rate)), abs=0.2)
