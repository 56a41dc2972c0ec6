"""Laws of the fallback: it forecasts by age as far as age has held, and explains itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sellers import START

from features.build import Examples
from features.evidence import EvidenceState
from training.checks.suspicion import Suspicion
from training.evaluation.metrics import log_loss
from training.evidence import Evidence
from training.leads.bundle import AGE_DAYS, Bundle
from training.leads.dataset import TrainingSet
from training.leads.explain import explain
from training.leads.fallback import age_curve, fall_back
from training.leads.reasons import reasons
from training.params import SplitParams
from training.split import split_in_time

HORIZON = 30
LITTLE = Evidence(EvidenceState.NONE, "little beyond age")
DAYS = np.arange(0, 500, 7)
WAVE = (100, 200)


@pytest.fixture(scope="module")
def fallback(bundle: Bundle, training_set: TrainingSet) -> Bundle:
    """What forecasts in place of the model of the small company."""
    return fall_back(bundle, training_set, LITTLE)


def drawn(training_set: TrainingSet, seed: int, *, is_law: bool) -> TrainingSet:
    """Draw leads at weekly cutoffs, of which those aged 60 to 110 days convert more often.

    Args:
        training_set: its features and vocabulary are kept.
        seed: of the leads.
        is_law: always; else in one season alone.
    """
    rng = np.random.default_rng(seed)
    day = np.repeat(DAYS, 150)
    age = rng.uniform(0, 200, len(day))
    is_season = (day >= WAVE[0]) & (day < WAVE[1])
    is_likely = (age >= 60) & (age < 110) & (is_law | is_season)
    y = (rng.random(len(day)) < np.where(is_likely, 0.5, 0.05)).astype(np.float64)
    declared = training_set.examples.feature_set
    kept = declared.without(frozenset(declared.names) - {AGE_DAYS})
    cutoffs = [START + timedelta(days=int(d)) for d in DAYS]
    keys = pd.DataFrame(
        {
            "lead_id": [f"L{number}" for number in range(len(day))],
            "cutoff": pd.Series(START + pd.to_timedelta(day, unit="D")).astype("datetime64[us]"),
        }
    )
    examples = Examples(keys, pd.DataFrame({AGE_DAYS: age}), kept)
    split = split_in_time(cutoffs, HORIZON, SplitParams())
    return TrainingSet(examples, y, split, (), training_set.vocabulary, HORIZON)


@pytest.mark.parametrize("seed", range(5))
def test_a_season_of_old_leads_is_no_law(training_set: TrainingSet, seed: int) -> None:
    """After the wave the curve forecasts what happens at those ages, not what once happened."""
    curve = age_curve(drawn(training_set, seed, is_law=False))
    assert curve is not None
    p = curve.probability(np.array([30.0, 85.0, 150.0]))
    assert p[1] < 0.12
    assert log_loss(np.zeros(3), p).mean() < 0.1


@pytest.mark.parametrize("seed", range(5))
def test_a_law_is_kept(training_set: TrainingSet, seed: int) -> None:
    """What held in every season is forecast as it is."""
    curve = age_curve(drawn(training_set, seed, is_law=True))
    assert curve is not None
    p = curve.probability(np.array([30.0, 85.0, 150.0]))
    assert p == pytest.approx([0.05, 0.5, 0.05], abs=0.08)


def test_reasons_are_age_and_add_up(fallback: Bundle, training_set: TrainingSet) -> None:
    """One item at most, age, and base + points + rest is the score."""
    few = training_set.examples.take(np.arange(len(training_set.y)) % 40 == 0)
    explained = reasons(explain(fallback, few), few, 3, {})
    labels = {item["feature"] for row in explained for item in row["items"]}
    assert labels == {AGE_DAYS}
    for row, p in zip(explained, fallback.probability(few.X), strict=True):
        assert len(row["items"]) <= 1
        points = sum(item["points"] for item in row["items"])
        assert row["base"] + points + row["rest"] == pytest.approx(100 * p, abs=1e-3)
        assert abs(row["rest"]) < 0.01


def test_it_is_data_and_comes_back(
    fallback: Bundle, training_set: TrainingSet, tmp_path: Path
) -> None:
    """Saved as JSON without trees, it forecasts the same bits, and age alone is asked for."""
    fallback.save(tmp_path / "model")
    loaded = Bundle.load(tmp_path / "model")
    assert loaded == fallback
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["bundle.json"]
    assert loaded.columns == (AGE_DAYS,)
    alone = training_set.examples.X[[AGE_DAYS]]
    np.testing.assert_array_equal(loaded.probability(alone), fallback.probability(alone))


def test_its_base_is_its_mean_forecast(fallback: Bundle, training_set: TrainingSet) -> None:
    """Bands and reasons start from what it says on average."""
    p = fallback.probability(training_set.examples.X)
    assert fallback.base_rate == pytest.approx(p.mean())


def test_nothing_of_the_trees_is_left(fallback: Bundle, bundle: Bundle) -> None:
    """It tells how time was split, and nothing about trees that it does not have."""
    assert fallback.blend is None
    assert set(fallback.about) == {"split", "parts", "left_out", "unsteady"}
    assert fallback.evidence is LITTLE
    assert fallback.version != bundle.version


def test_without_age_the_base_rate_answers(bundle: Bundle, training_set: TrainingSet) -> None:
    """Where age is suspected of leakage, nothing is forecast by it."""
    leak = Suspicion(AGE_DAYS, "it knows too much", 0.99, left_out=True)
    suspected = fall_back(bundle, replace(training_set, suspicions=(leak,)), LITTLE)
    assert (suspected.age_curve, suspected.columns) == (None, ())
    p = suspected.probability(training_set.examples.X)
    assert p == pytest.approx([bundle.base_rate] * len(p))
