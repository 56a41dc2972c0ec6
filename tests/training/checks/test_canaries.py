"""Random outcomes and a random column pass an honest path, and fail one that reads the future."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from sellers import HORIZON, TRAINING

from features.build import Examples, build
from features.feature import FeatureSet
from features.history.vocabulary import Vocabulary
from features.labels.conversion import conversion
from features.params import FeatureParams
from features.storage.warehouse import Warehouse
from training.checks.audit import mature_cutoffs
from training.checks.canaries import (
    CANARIES,
    MOST_CUTOFFS,
    NAME,
    Trial,
    canary_findings,
    spaced,
    standard_error,
)
from training.checks.column_auc import FEWEST

PARAMS = TRAINING


@pytest.mark.parametrize(("count", "most"), [(1, 6), (5, 6), (6, 6), (7, 6), (100, 6), (100, 2)])
def test_cutoffs_are_taken_evenly(count: int, most: int) -> None:
    """The first and the last are among them, in their order, no more than asked for."""
    cutoffs = [datetime(2025, 1, 1) + timedelta(days=n) for n in range(count)]
    chosen = spaced(cutoffs, most)
    assert len(chosen) == min(count, most)
    assert (chosen[0], chosen[-1]) == (cutoffs[0], cutoffs[-1])
    steps = {(after - before).days for before, after in pairwise(chosen)}
    assert max(steps, default=0) - min(steps, default=0) <= 1


def test_no_cutoffs_give_none() -> None:
    """Of nothing nothing is taken."""
    assert spaced([], MOST_CUTOFFS) == []


@pytest.mark.parametrize(
    ("auc", "error", "passes"),
    [
        (0.5, 0.01, True),
        (0.539, 0.01, True),
        (0.541, 0.01, False),
        (0.461, 0.01, True),
        (0.459, 0.01, False),
        (0.99, np.inf, True),
    ],
)
def test_a_canary_passes_within_four_errors(auc: float, error: float, *, passes: bool) -> None:
    """Further from 0.5 on either side it fails; too few leads fail nothing."""
    assert Trial(auc, error).passes == passes


def test_the_standard_error_of_one_row_a_lead_is_the_textbooks() -> None:
    """Mann and Whitney: (n + m + 1) / (12 n m), and rows of the same lead do not shrink it."""
    leads = np.array([f"l{place:03d}" for place in range(90)], dtype=object)
    y = (np.arange(90) < 30).astype(np.float64)
    expected = np.sqrt(91 / (12 * 30 * 60))
    assert standard_error(leads, y) == pytest.approx(expected)
    assert standard_error(np.repeat(leads, 7), np.repeat(y, 7)) == pytest.approx(expected)


def test_unequal_leads_make_the_error_larger() -> None:
    """A lead with many rows weighs more, so that fewer leads count in effect."""
    leads = np.array([f"l{place:03d}" for place in range(90)], dtype=object)
    y = (np.arange(90) < 30).astype(np.float64)
    times = np.where(np.arange(90) % 10 == 0, 20, 1)
    assert standard_error(np.repeat(leads, times), np.repeat(y, times)) > 1.5 * standard_error(
        leads, y
    )


def test_few_leads_have_no_standard_error() -> None:
    """Nineteen of one kind say nothing, however many rows they have."""
    leads = np.repeat(np.array([f"l{place:03d}" for place in range(200)], dtype=object), 9)
    y = np.repeat((np.arange(200) < FEWEST - 1).astype(np.float64), 9)
    assert standard_error(leads, y) == np.inf


def test_too_little_history_sends_no_canary(history: Warehouse) -> None:
    """It is said, and is no error."""
    cutoffs = mature_cutoffs(history, HORIZON)[:3]
    (finding,) = canary_findings(history, cutoffs, FeatureParams(), PARAMS)
    assert (finding.kind, finding.severity) == ("canary", "info")
    assert "too little mature history to send canaries through training" in finding.says


SEEN: list[tuple[Warehouse, FeatureSet, Examples]] = []


def watched(
    warehouse: Warehouse,
    declared: FeatureSet,
    words: Vocabulary,
    cutoffs: Sequence[datetime],
    params: FeatureParams,
) -> Examples:
    """Build features as the product does, and remember what was asked for."""
    examples = build(warehouse, declared, words, cutoffs, params)
    SEEN.append((warehouse, declared, examples))
    return examples


@pytest.fixture(scope="module")
def sent(history: Warehouse) -> list[tuple[Warehouse, FeatureSet, Examples]]:
    """What an honest company's canaries were built from; both passed."""
    SEEN.clear()
    cutoffs = mature_cutoffs(history, HORIZON)
    assert list(canary_findings(history, cutoffs, FeatureParams(), PARAMS, watched)) == []
    assert len(SEEN) == len(CANARIES)
    return list(SEEN)


def test_the_random_column_is_alone_and_outcomes_are_true(
    sent: list[tuple[Warehouse, FeatureSet, Examples]], history: Warehouse
) -> None:
    """The first canary sees one feature, and labels as they were."""
    warehouse, declared, examples = sent[0]
    assert declared.names == [f"leads_{NAME}"]
    assert examples.X[f"leads_{NAME}"].between(0, 1).all()
    truth = conversion(history, examples.keys, HORIZON)
    np.testing.assert_array_equal(conversion(warehouse, examples.keys, HORIZON), truth)


def test_random_outcomes_come_at_a_constant_rate(
    sent: list[tuple[Warehouse, FeatureSet, Examples]],
) -> None:
    """The second canary sees all features; a quarter converts within a horizon, at any age."""
    warehouse, declared, examples = sent[1]
    assert len(declared) > 40
    y = conversion(warehouse, examples.keys, HORIZON)
    young = (examples.X["age_days"] < examples.X["age_days"].median()).to_numpy()
    assert y.mean() == pytest.approx(0.25, abs=0.05)
    assert y[young].mean() == pytest.approx(y[~young].mean(), abs=0.08)


def test_random_outcomes_are_not_the_true_ones(
    sent: list[tuple[Warehouse, FeatureSet, Examples]], history: Warehouse
) -> None:
    """No lead is lost, and conversions are others than those of the extract."""
    drawn, true = (
        w.arrow(w["leads"].select("lead_id", "converted_at", "lost_at")).to_pandas()
        for w in (sent[1][0], history)
    )
    assert drawn["lost_at"].isna().all()
    both = drawn.merge(true, on="lead_id", suffixes=("", "_true")).dropna(
        subset=["converted_at", "converted_at_true"]
    )
    assert len(both) > 20
    assert (both["converted_at"] != both["converted_at_true"]).all()


def test_a_column_of_the_outcome_in_place_of_the_random_one_fails(history: Warehouse) -> None:
    """A path that puts the answer where chance should be is an error that says what it means."""

    def leaking(
        warehouse: Warehouse,
        declared: FeatureSet,
        words: Vocabulary,
        cutoffs: Sequence[datetime],
        params: FeatureParams,
    ) -> Examples:
        examples = build(warehouse, declared, words, cutoffs, params)
        y = conversion(warehouse, examples.keys, HORIZON)
        first = examples.X.columns[0]
        return replace(examples, X=examples.X.assign(**{first: y}))

    cutoffs = mature_cutoffs(history, HORIZON)
    findings = list(canary_findings(history, cutoffs, FeatureParams(), PARAMS, leaking))
    assert [(f.table, f.column, f.severity) for f in findings] == [("features", NAME, "error")] * 2
    assert findings[0].says.startswith("a random column predicts the outcome: AUC ")
    assert findings[1].says.startswith("random outcomes are predicted: AUC ")
    assert all("please report this" in f.says for f in findings)
