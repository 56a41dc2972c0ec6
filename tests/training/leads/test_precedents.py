"""Counts and rates of leads with a like value: nobody is counted twice, and few say nothing."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from training.leads.bundle import Bundle
from training.leads.dataset import TrainingSet
from training.leads.precedents import LEAST_LEADS, Precedent, in_words, precedents_of


def test_a_lead_seen_twice_is_one_lead() -> None:
    """Leads are counted once a value, looks at them are what the rate is of."""
    values = np.array([1.0, 1.0, 1.0, 2.0])
    y, lead = np.array([0.0, 1.0, 1.0, 0.0]), np.array([0, 0, 1, 1])
    precedent = Precedent.count(values, y, lead)
    assert precedent.of(1.0)["count"] == 2
    assert precedent.rates[0] == pytest.approx(2 / 3, abs=1e-4)
    assert precedent.of(2.0) == {"count": 1, "rate": None, "all": 0.5}


@pytest.mark.parametrize("seed", range(5))
def test_every_look_is_in_one_bin(seed: int) -> None:
    """Rates, weighted by looks, give back the rate of all; numbers of like size share a bin."""
    rng = np.random.default_rng(seed)
    values = rng.lognormal(2, 1, 3_000)
    values[rng.random(len(values)) < 0.2] = np.nan
    y = (rng.random(len(values)) < 0.3).astype(np.float64)
    precedent = Precedent.count(values, y, np.arange(len(values)))
    counts, rates = np.array(precedent.leads), np.array(precedent.rates)
    assert counts.sum() == len(values)
    assert (counts * rates).sum() / counts.sum() == pytest.approx(precedent.overall, abs=1e-3)
    assert precedent.of(np.nan)["count"] == np.isnan(values).sum()
    # Tenths of what is known.
    assert counts[:-1].max() <= 0.11 * counts[:-1].sum()
    assert precedent.of(1e9) == precedent.of(float(np.nanmax(values)))


def test_few_different_values_are_bins_of_their_own() -> None:
    """A category's words, and counts like 0, 1, 2, are not thrown together."""
    values = np.repeat([0.0, 1.0, 2.0], 30)
    precedent = Precedent.count(values, (values == 1).astype(np.float64), np.arange(90))
    assert [precedent.of(value)["rate"] for value in (0.0, 1.0, 2.0)] == [0.0, 1.0, 0.0]


def test_words_never_share_a_bin() -> None:
    """Fifteen words are fifteen bins, and one that training never saw has nobody in it."""
    values = np.repeat([float(code) for code in range(15) if code != 7], 40)
    y = (values == 3).astype(np.float64)
    precedent = Precedent.count(values, y, np.arange(len(values)), words=15)
    rates = [precedent.of(float(code))["rate"] for code in range(15)]
    assert rates == [1.0 if code == 3 else None if code == 7 else 0.0 for code in range(15)]
    # The place after the last stands for every other word.
    assert precedent.of(15.0)["count"] == 0


def test_too_few_leads_have_no_rate() -> None:
    """One lead less than enough, and no rate is told."""
    values = np.array([0.0] * (LEAST_LEADS - 1) + [1.0] * LEAST_LEADS)
    precedent = Precedent.count(values, np.ones(len(values)), np.arange(len(values)))
    assert precedent.of(0.0) == {"count": LEAST_LEADS - 1, "rate": None, "all": 1.0}
    assert precedent.of(1.0) == {"count": LEAST_LEADS, "rate": 1.0, "all": 1.0}
    assert in_words(precedent.of(0.0), "30 days") == "too few such leads to say more"
    assert in_words(None, "30 days") == ""


def test_a_column_without_a_value_is_one_bin() -> None:
    """Where nothing is known there is nothing to tell apart."""
    empty = Precedent.count(np.full(40, np.nan), np.zeros(40), np.arange(40))
    assert empty.of(np.nan) == {"count": 40, "rate": 0.0, "all": 0.0}
    assert empty.of(3.0) == {"count": 0, "rate": None, "all": 0.0}


def test_a_bundle_keeps_what_it_learned_from(bundle: Bundle, training_set: TrainingSet) -> None:
    """Every feature of the trees has its counts, of the training rows alone, through JSON too."""
    assert bundle.blend is not None
    assert set(bundle.precedents) == set(bundle.blend.trees.columns)
    counted = precedents_of(training_set.examples, training_set.y, bundle.precedents)
    assert counted == bundle.precedents
    name, precedent = next(iter(counted.items()))
    assert Precedent.from_json(json.loads(json.dumps(precedent.to_json()))) == precedent
    rare = pd.Series(training_set.examples.X[name]).dropna()
    assert precedent.of(float(rare.iloc[0]))["all"] == pytest.approx(
        training_set.y.mean(), abs=1e-4
    )
