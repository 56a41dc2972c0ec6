"""A row rests on no more than its model, and on no more than its segment."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest

from features.evidence import EvidenceState
from training.evidence import Evidence

NONE, THIN, ENOUGH = EvidenceState
SEEDS = range(6)


def drawn(seed: int) -> tuple[Evidence, pd.DataFrame]:
    """Draw the counts of a few segments, and rows of them, empty and unknown ones among them."""
    rng = np.random.default_rng(seed)
    counts = tuple(int(n) for n in rng.integers(0, 80, rng.integers(1, 6)))
    codes = rng.integers(0, len(counts) + 2, 50).astype(float)
    codes[rng.random(50) < 0.2] = np.nan
    return Evidence(ENOUGH, "why", "source", counts, 40), pd.DataFrame({"source": codes})


@pytest.mark.parametrize("seed", SEEDS)
def test_a_row_is_thin_where_its_segment_is(seed: int) -> None:
    """Told row by row: fewer than the minimum is thin, no segment is the model's own state."""
    evidence, X = drawn(seed)
    last = len(evidence.counts) - 1
    for code, state in zip(X["source"], evidence.of_rows(X), strict=True):
        if np.isnan(code):
            assert state == "enough"
        else:
            leads = evidence.counts[min(int(code), last)]
            assert state == ("enough" if leads >= 40 else "thin")


@pytest.mark.parametrize("seed", SEEDS)
def test_no_row_rests_on_more_than_the_model(seed: int) -> None:
    """Whatever a segment has learned from, a thin model stays thin and none stays none."""
    evidence, X = drawn(seed)
    for state in (THIN, NONE):
        assert set(replace(evidence, state=state).of_rows(X)) == {state.value}


def test_without_the_segments_column_the_model_answers() -> None:
    """A feature that was left out tells no segment."""
    evidence, X = drawn(1)
    assert set(evidence.of_rows(X.rename(columns={"source": "other"}))) == {"enough"}
    assert set(replace(evidence, segment=None).of_rows(X)) == {"enough"}


def test_files_hold_plain_text() -> None:
    """States of rows are text as parquet writes it, not members of an enumeration."""
    evidence, X = drawn(2)
    states = evidence.of_rows(X)
    assert states.dtype.kind == "U"
    assert str(pd.DataFrame({"evidence": states})["evidence"].dtype) == "str"


@pytest.mark.parametrize("seed", SEEDS)
def test_evidence_comes_back_from_json(seed: int) -> None:
    """As text and back it is equal, and the text holds the plain word."""
    evidence, _ = drawn(seed)
    plain = json.loads(json.dumps(evidence.to_json()))
    assert plain["state"] == "enough"
    again = Evidence.from_json(plain)
    assert again == evidence
    assert isinstance(again.state, EvidenceState)


def test_states_are_capped_by_each_other() -> None:
    """The weaker of two, whichever stands first: none below thin below enough."""
    order = [NONE, THIN, ENOUGH]
    for one, other in product(order, order):
        assert one.capped(other) is order[min(order.index(one), order.index(other))]


def test_a_state_nobody_knows_is_refused() -> None:
    """A bundle that says something else is not read as if it said enough."""
    with pytest.raises(ValueError, match="plenty"):
        Evidence.from_json({**drawn(1)[0].to_json(), "state": "plenty"})
