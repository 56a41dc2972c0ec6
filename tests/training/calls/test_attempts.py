"""Chosen leads at moments of their own have the features that all open leads have there."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from callers import START, callers
from sellers import FEATURES, company, open_warehouse

from features.build import build, build_pairs
from features.definitions.lead import lead_features
from features.errors import FeatureError, LeakageError
from features.history.vocabulary import read_vocabulary
from features.snapshot import CUTOFF
from training.calls.fit import call_features


@pytest.mark.parametrize("seed", [1, 2])
def test_pairs_are_rows_of_the_whole_build(seed: int, tmp_path: Path) -> None:
    """Whichever leads are chosen, each row is the one that all open leads together give it."""
    past = open_warehouse(company(seed), tmp_path).until(None)
    vocabulary = read_vocabulary(past, FEATURES)
    declared = call_features(vocabulary, FEATURES, frozenset())
    cutoffs = [past.data_until - timedelta(days=days, hours=7) for days in (200, 120, 61, 60)]
    whole = build(past, declared, vocabulary, cutoffs, FEATURES)
    draws = np.random.default_rng(seed)
    chosen = draws.random(len(whole)) < 0.3
    ended = whole.keys[["lead_id"]].iloc[:5].assign(**{CUTOFF: START - timedelta(days=4000)})
    asked = pd.concat([whole.keys.loc[chosen, ["lead_id", CUTOFF]], ended])
    asked = asked.sample(frac=1, random_state=seed)
    some = build_pairs(past, declared, vocabulary, asked, FEATURES)
    expected = whole.take(chosen)
    assert len(some) > 50
    pd.testing.assert_frame_equal(some.keys, expected.keys, check_exact=True)
    pd.testing.assert_frame_equal(some.X, expected.X, check_exact=True)


def test_pairs_refuse_ranks_and_the_future(tmp_path: Path) -> None:
    """A rank needs everybody, and nothing may be asked beyond the cut."""
    past = open_warehouse(callers(1, 50), tmp_path).until(START + timedelta(days=100))
    vocabulary = read_vocabulary(past, FEATURES)
    declared = lead_features(vocabulary, FEATURES)
    pairs = pd.DataFrame({"lead_id": ["L0001"], CUTOFF: [pd.Timestamp(START)]})
    with pytest.raises(FeatureError, match="ranks need every open lead"):
        build_pairs(past, declared, vocabulary, pairs, FEATURES)
    later = pairs.assign(**{CUTOFF: pd.Timestamp(START) + pd.Timedelta(days=101)})
    calls = call_features(vocabulary, FEATURES, frozenset())
    with pytest.raises(LeakageError, match="cut at"):
        build_pairs(past, calls, vocabulary, later, FEATURES)
