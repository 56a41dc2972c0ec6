"""How well a column separates: the AUC by hand and by library, fair to identifiers and gaps."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import roc_auc_score

from training.checks.column_auc import FEWEST, Sample, best_auc, roc_auc, sample_of

Floats = npt.NDArray[np.float64]


def leads_of(count: int) -> npt.NDArray[np.str_]:
    """Name so many leads."""
    return np.array([f"l{place:05d}" for place in range(count)])


def labelled(seed: int, rows: int = 400) -> tuple[np.random.Generator, Floats, Sample]:
    """Draw one row for each of some leads, three in ten positive."""
    rng = np.random.default_rng(seed)
    y = (rng.random(rows) < 0.3).astype(np.float64)
    return rng, y, sample_of(y, leads_of(rows))


@pytest.mark.parametrize(
    ("y", "score", "area"),
    [
        ([0, 0, 1, 1], [1, 2, 3, 4], 1.0),
        ([1, 1, 0, 0], [1, 2, 3, 4], 0.0),
        ([0, 1, 0, 1], [1, 2, 3, 4], 0.75),
        ([0, 1], [5, 5], 0.5),
        ([0, 0, 1], [1, 2, 2], 0.75),
        ([0, 1, 1], [-math.inf, -math.inf, math.inf], 0.75),
    ],
)
def test_the_area_by_hand(y: list[float], score: list[float], area: float) -> None:
    """It is the share of pairs in the right order, equal pairs counted half."""
    assert roc_auc(np.array(y, dtype=float), np.array(score, dtype=float)) == area


@pytest.mark.parametrize("seed", range(5))
def test_the_area_is_that_of_the_library(seed: int) -> None:
    """With ties and without, and turned about for the opposite score."""
    rng, y, _ = labelled(seed)
    score = rng.normal(size=len(y)) + y
    for values in (score, np.round(score), np.zeros(len(y))):
        assert roc_auc(y, values) == pytest.approx(roc_auc_score(y, values))
        assert roc_auc(y, -values) == pytest.approx(1 - roc_auc(y, values))


@pytest.mark.parametrize("y", [[0.0, 0.0], [1.0, 1.0], []])
def test_one_class_has_no_area(y: list[float]) -> None:
    """Without both kinds there are no pairs."""
    assert math.isnan(roc_auc(np.array(y), np.arange(len(y), dtype=float)))


def test_halves_are_made_of_leads() -> None:
    """All rows of a lead lie in one half, every second lead in the first."""
    leads = np.repeat(leads_of(7), [3, 1, 2, 5, 1, 1, 4])
    sample = sample_of(np.zeros(len(leads)), leads)
    halves = {lead: set(sample.half[leads == lead].tolist()) for lead in leads.tolist()}
    assert [*halves.values()] == [{True}, {False}, {True}, {False}, {True}, {False}, {True}]


def test_leads_are_counted_not_rows() -> None:
    """A lead with fifty rows is one lead; with rows of both kinds it is one of each."""
    leads = np.repeat(leads_of(3), 50)
    y = np.repeat([0.0, 1.0, 1.0], 50)
    y[-1] = 0.0
    sample = sample_of(y, leads)
    assert (sample.positives, sample.negatives) == (2, 2)


@pytest.mark.parametrize("few", [FEWEST - 1, FEWEST])
def test_twenty_leads_of_each_kind_are_enough(few: int) -> None:
    """Nineteen are not, on whichever side they are missing."""
    nobody = np.zeros(0, dtype=np.bool_)
    for sample in (Sample(np.zeros(0), nobody, few, 900), Sample(np.zeros(0), nobody, 900, few)):
        assert sample.is_enough == (few >= FEWEST)


def test_the_lower_bound_rises_with_the_leads() -> None:
    """A perfect split of twenty leads may be chance, one of two thousand is none."""
    nobody = np.zeros(0, dtype=np.bool_)
    bounds = [Sample(np.zeros(0), nobody, n, n).lower_bound(1.0) for n in (20, 50, 100, 500, 2_000)]
    assert bounds == sorted(bounds)
    assert bounds[0] < 0.95 < bounds[1] < bounds[-1] < 1


@pytest.mark.parametrize("area", [0.5, 0.7, 0.9, 0.99])
def test_the_lower_bound_lies_below(area: float) -> None:
    """Whatever was seen, it is not believed to the last digit."""
    sample = Sample(np.zeros(0), np.zeros(0, dtype=np.bool_), 60, 300)
    assert area - 0.2 < sample.lower_bound(area) < area


@pytest.mark.parametrize("seed", range(3))
def test_noise_separates_nothing(seed: int) -> None:
    """Random numbers and random words stay near 0.5."""
    rng, y, sample = labelled(seed, rows=3_000)
    assert best_auc(rng.normal(size=len(y)), sample, ordered=True) < 0.56
    assert best_auc(rng.integers(0, 9, len(y)).astype(float), sample, ordered=False) < 0.56


@pytest.mark.parametrize("seed", range(3))
def test_an_identifier_separates_nothing(seed: int) -> None:
    """A word unlike in every lead is not judged by what that same lead did."""
    rng, y, sample = labelled(seed)
    assert best_auc(rng.permutation(len(y)).astype(float), sample, ordered=False) < 0.55


@pytest.mark.parametrize("seed", range(3))
def test_each_way_of_reading_a_column_counts(seed: int) -> None:
    """The order, the opposite order, words, gaps, and numbers that answer in the middle."""
    rng, y, sample = labelled(seed)
    noise = 0.2 * rng.normal(size=len(y))
    assert best_auc(y + noise, sample, ordered=True) > 0.98
    assert best_auc(-y + noise, sample, ordered=True) > 0.98
    words = np.where(y == 1, rng.integers(0, 3, len(y)), rng.integers(3, 9, len(y))).astype(float)
    assert best_auc(words, sample, ordered=False) > 0.98
    gaps = np.where(y == 1, rng.normal(size=len(y)), np.nan)
    assert best_auc(gaps, sample, ordered=True) > 0.98
    middle = np.where(y == 1, rng.choice([-5.0, 5.0], len(y)), noise)
    assert best_auc(middle, sample, ordered=True) > 0.95


def test_missing_values_count_as_the_highest_or_the_lowest() -> None:
    """A column may answer with its numbers and its gaps together, as neither does alone."""
    _, y, sample = labelled(1)
    half = np.arange(len(y)) % 2 == 0
    values = np.where(y == 1, np.where(half, 9.0, np.nan), np.where(half, 1.0, 2.0))
    assert best_auc(values, sample, ordered=True) == 1.0


def test_words_are_not_judged_by_their_places() -> None:
    """A list of words has no order: places that happen to rise with the outcome say nothing."""
    _, y, sample = labelled(2)
    rising = np.argsort(np.argsort(y, kind="stable")).astype(float)
    assert best_auc(rising, sample, ordered=False) < 0.55
    assert best_auc(rising, sample, ordered=True) == 1.0


def test_a_constant_separates_nothing() -> None:
    """One value for all, or none at all, is 0.5 exactly."""
    _, y, sample = labelled(3)
    assert best_auc(np.full(len(y), 7.0), sample, ordered=True) == 0.5
    assert best_auc(np.full(len(y), np.nan), sample, ordered=True) == 0.5
