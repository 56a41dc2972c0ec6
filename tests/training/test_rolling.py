"""The cutoffs of a backtest, and the folds that share one model."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from features.errors import InputError
from training.rolling import Range, folds_of

START = datetime(2024, 1, 1)
SEEDS = range(20)


def drawn(seed: int) -> tuple[Range, int]:
    """Draw a range and the days between refits."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    end = START + timedelta(days=rng.randrange(400))
    return Range(START, end, rng.randrange(1, 30)), rng.randrange(1, 90)


@pytest.mark.parametrize("seed", SEEDS)
def test_folds_hold_every_cutoff_once_and_in_order(seed: int) -> None:
    """Put together, the folds are the grid again, and none is empty."""
    asked, refit_days = drawn(seed)
    folds = folds_of(asked.cutoffs, refit_days)
    assert [cutoff for fold in folds for cutoff in fold] == asked.cutoffs
    assert all(folds)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_model_is_older_than_asked_and_none_is_thrown_away_early(seed: int) -> None:
    """A fold spans less than the days between refits; the next begins once they are over."""
    asked, refit_days = drawn(seed)
    folds = folds_of(asked.cutoffs, refit_days)
    limit = timedelta(days=refit_days)
    assert all(fold[-1] - fold[0] < limit for fold in folds)
    assert all(later[0] - earlier[0] >= limit for earlier, later in pairwise(folds))


@pytest.mark.parametrize("seed", SEEDS)
def test_there_are_never_more_refits_than_allowed(seed: int) -> None:
    """A long range is refitted less often; a short one as often as wanted."""
    asked, wanted = drawn(seed)
    for most in (1, 2, 5):
        days = asked.refit_days(wanted, most)
        assert days >= wanted
        assert len(folds_of(asked.cutoffs, days)) <= most
    assert asked.refit_days(wanted, 400) == wanted


def test_no_cutoff_makes_no_fold() -> None:
    """Nothing to forecast needs no model."""
    assert folds_of([], 7) == []


def test_the_grid_is_inclusive_and_never_moved() -> None:
    """It begins at the midnight of the start and holds the end if a step lands on it."""
    asked = Range(datetime(2024, 3, 1, 17), datetime(2024, 3, 15), 7)
    assert [cutoff.day for cutoff in asked.cutoffs] == [1, 8, 15]
    assert len(Range(START, START).cutoffs) == 1


@pytest.mark.parametrize("asked", [Range(START, START - timedelta(days=1)), Range(START, START, 0)])
def test_a_range_that_makes_no_sense_is_refused(asked: Range) -> None:
    """One that runs backwards, or in steps of nothing."""
    with pytest.raises(InputError):
        _ = asked.cutoffs
