"""Laws of what-if: factors act on what is drawn from, on one rep alone, and 1 is nothing."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from scipy.special import expit

from training.quota.bundle import QuotaBundle
from training.quota.dataset import QuotaTrainingSet
from training.quota.futures import DrawInputs
from training.quota.what_if import CERTAIN, Factors, WhatIf, changed

CHANCES = np.array([0.4, 0.4, 0.9, 0.9995, 0.0])
INPUTS = DrawInputs(
    rep=np.array([0, 1, 1, 1, 1], np.int64),
    margin=np.array([np.log(p / (1 - p)) if p else -np.inf for p in CHANCES]),
    amount=np.full(5, 10.0),
    final=np.full((5, 1), 10.0),
    expected_new=np.array([2.0, 2.0]),
    new_amounts=np.full((2, 1), 7.0),
)
SECOND = np.array([False, True])


def test_ones_change_nothing() -> None:
    """To the bit."""
    same = changed(INPUTS, SECOND, Factors())
    for field in fields(DrawInputs):
        assert np.array_equal(getattr(same, field.name), getattr(INPUTS, field.name))


def test_each_factor_changes_what_it_says_and_nobody_else() -> None:
    """The table of the module, counted by hand; chances stay below certainty, and do not fall."""
    new = changed(INPUTS, SECOND, Factors(volume=3.0, win_rate=1.5, deal_size=2.0))
    assert expit(new.margin) == pytest.approx([0.4, 0.6, CERTAIN, 0.9995, 0.0])
    assert new.expected_new == pytest.approx([2.0, 2.0 * 3.0 * 1.5])
    assert new.new_amounts.ravel() == pytest.approx([7.0, 14.0])
    assert np.array_equal(new.final, INPUTS.final)
    fewer = changed(INPUTS, SECOND, Factors(win_rate=0.5))
    assert expit(fewer.margin) == pytest.approx([0.4, 0.2, 0.45, 0.49975, 0.0])


@pytest.fixture(scope="module")
def asked(quota_bundle: QuotaBundle, sold: QuotaTrainingSet) -> WhatIf:
    """A trained model at one cutoff of its own company."""
    newest = sold.reps.keys["cutoff"].max()
    rows = (sold.reps.keys["cutoff"] == newest).to_numpy()
    deals = (sold.deals.keys["cutoff"] == newest).to_numpy()
    reps = sold.reps.take(rows)
    return WhatIf(quota_bundle, reps, quota_bundle.draw_inputs(reps, sold.deals.take(deals)))


def test_without_a_change_it_is_the_forecast(asked: WhatIf) -> None:
    """What is read off the model's own draws, for every rep."""
    futures = asked.bundle.draw_from(asked.reps, asked.inputs)
    for rep in asked.reps.keys["rep_id"].unique()[:4]:
        own = (asked.reps.keys["rep_id"] == rep).to_numpy()
        frame = asked.ask(rep, Factors())
        assert frame["attained"].tolist() == futures.closed[own].tolist()
        assert frame["expected_open"].tolist() == futures.open[own].mean(axis=1).tolist()


@pytest.mark.parametrize("name", ["volume", "win_rate", "deal_size"])
def test_more_brings_more(asked: WhatIf, name: str) -> None:
    """Over all reps, each factor raises what new deals bring in proportion, and no chance falls."""
    gains, before, after = [], 0.0, 0.0
    for rep in asked.reps.keys["rep_id"].unique():
        now, then = (asked.ask(rep, Factors(**{name: factor})) for factor in (1.0, 2.0))
        gains += list(then["p_attain"] - now["p_attain"])
        before += now["expected_new"].sum()
        after += then["expected_new"].sum()
    assert np.mean(gains) > 0
    assert min(gains) > -0.1
    assert after / before == pytest.approx(2.0, rel=0.15)
