"""What the score would be at usual values is what the model says of such a lead."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from features.build import Examples
from features.feature import FeatureSet, Segment
from features.snapshot import CUTOFF
from training.leads.bundle import Bundle
from training.leads.dataset import TrainingSet
from training.leads.explain import explain
from training.leads.reasons import reasons
from training.leads.usual import LEAST_PEERS, Usual, with_usual


@pytest.fixture(scope="module")
def day(training_set: TrainingSet) -> Examples:
    """The open leads of the last cutoff."""
    cutoffs = training_set.examples.keys[CUTOFF]
    return training_set.examples.take((cutoffs == cutoffs.max()).to_numpy())


def told(bundle: Bundle, day: Examples, row: int) -> dict[str, Any]:
    """Return a lead's reasons with what they would be at usual values."""
    alone = day.take(np.arange(len(day.X)) == row)
    (plain,) = reasons(explain(bundle, alone), alone, 3, bundle.precedents)
    return with_usual(bundle, day, row, plain, 3)


def test_the_model_is_asked_anew(bundle: Bundle, day: Examples) -> None:
    """A reason of one feature: the score at the usual is the forecast with that feature changed."""
    checked = 0
    for row in range(len(day.X)):
        explained = told(bundle, day, row)
        for item in explained["items"]:
            topic = {f.topic for f in bundle.feature_set if f.about.label == item["label"]}
            members = [f.name for f in bundle.feature_set if f.topic in topic]
            if not members:
                continue
            changed = day.X.iloc[[row]].copy()
            changed[members] = Usual.around(day, row).middle[members].to_numpy()
            assert item["at_usual"] == pytest.approx(100 * bundle.probability(changed)[0], abs=1e-3)
            checked += 1
    assert checked > 10


def test_sentences_say_value_history_and_usual(bundle: Bundle, day: Examples) -> None:
    """Each reason can be read aloud."""
    for item in told(bundle, day, 3)["items"]:
        assert item["says"].startswith(item["label"][0].upper() + item["label"][1:])
        assert item["value"] in item["says"]
        assert f"the score would be {item['at_usual']:.0f}." in item["says"]
        if item["history"] and item["history"]["rate"] is not None:
            assert f"({item['history']['count']:,} leads), against" in item["says"]


def test_a_small_team_is_compared_with_all(day: Examples) -> None:
    """The middle of three leads says little of what is usual."""
    name = day.feature_set.names[0]
    teams = tuple(
        replace(f, segment=Segment.TEAM if f.name == name else None) for f in day.feature_set
    )
    codes = np.where(np.arange(len(day.X)) < LEAST_PEERS, 0.0, 1.0)
    codes[-3:] = 2.0
    X = day.X.assign(**{name: codes})
    grouped = Examples(day.keys, X, FeatureSet("lead", teams))
    assert Usual.around(grouped, 0).whose == "the team's"
    assert Usual.around(grouped, 0).middle[name] == 0.0
    assert Usual.around(grouped, len(X) - 1).whose == "the company's"


def test_a_fallback_has_nothing_to_change(bundle: Bundle, day: Examples) -> None:
    """Without reasons there is nothing to say."""
    fallback = replace(bundle, blend=None, columns=(), base_rate=0.2)
    assert with_usual(fallback, day, 0, {"base": 20.0, "items": [], "rest": 0.0}, 3) == {
        "base": 20.0,
        "items": [],
        "rest": 0.0,
    }
