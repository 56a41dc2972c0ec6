"""Time is divided so that no part's labels reach into the next part."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from training.params import SplitParams
from training.split import Split, split_in_time

START = datetime(2024, 1, 1)
PARAMS = SplitParams()
HISTORIES = st.sets(st.integers(0, 900), max_size=300)
"""Days with a cutoff; there may be holes of any size."""
SIZES = st.builds(
    SplitParams,
    calibrate_share=st.floats(0.01, 0.49),
    calibrate_min_days=st.integers(1, 60),
    calibrate_max_days=st.integers(1, 120),
    folds=st.integers(2, 6),
)


def days(*numbers: int) -> tuple[datetime, ...]:
    """Name moments by the days since the start."""
    return tuple(START + timedelta(days=number) for number in numbers)


def divided(history: set[int], horizon_days: int, params: SplitParams) -> Split:
    """Divide a history given in days."""
    return split_in_time(days(*sorted(history)), horizon_days, params)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(history=HISTORIES, horizon_days=st.integers(1, 120), params=SIZES)
def test_a_horizon_lies_between_any_two_parts(
    history: set[int], horizon_days: int, params: SplitParams
) -> None:
    """The labels of a part are mature before the next part begins, and so within every fold."""
    split = divided(history, horizon_days, params)
    sequences = [[split.train, split.tune, split.calibrate], *split.folds]
    sequences += [[earlier, split.calibrate] for pair in split.folds for earlier in pair]
    for sequence in sequences:
        for earlier, later in pairwise(part for part in sequence if part):
            assert later[0] - earlier[-1] >= timedelta(days=horizon_days)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(history=HISTORIES, horizon_days=st.integers(1, 120), params=SIZES)
def test_the_newest_cutoffs_calibrate(
    history: set[int], horizon_days: int, params: SplitParams
) -> None:
    """Whatever else lacks, the calibration window is there and holds the newest cutoffs."""
    split = divided(history, horizon_days, params)
    cutoffs = days(*sorted(history))
    assert bool(split.calibrate) == bool(history)
    assert split.calibrate == cutoffs[len(cutoffs) - len(split.calibrate) :]
    others = [*split.train, *split.tune, *(c for pair in split.folds for p in pair for c in p)]
    assert all(cutoff < split.calibrate[0] for cutoff in others)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(history=HISTORIES, horizon_days=st.integers(1, 120), params=SIZES)
def test_folds_follow_each_other_inside_the_training_part(
    history: set[int], horizon_days: int, params: SplitParams
) -> None:
    """Folds stand in for a missing window for stopping; their later parts follow in time."""
    split = divided(history, horizon_days, params)
    assert not (split.tune and split.folds)
    assert len(split.folds) <= params.folds
    for earlier, later in split.folds:
        assert earlier
        assert later
        assert {*earlier, *later} <= set(split.train)
    laters = [cutoff for _, later in split.folds for cutoff in later]
    assert laters == sorted(set(laters))
    if laters:
        assert laters[-1] == split.train[-1]


def test_a_long_history_is_divided_by_hand() -> None:
    """Of 400 days, 60 calibrate, 60 stop the trees, and 30 lie in each gap."""
    split = divided(set(range(400)), 30, PARAMS)
    assert split.calibrate == days(*range(340, 400))
    assert split.tune == days(*range(251, 311))
    assert split.train == days(*range(222))
    assert split.folds == ()
    assert split.says == ("trees stop early on 60 later cutoffs, a gap of 30 days apart",)


def test_a_short_history_uses_folds_and_says_so() -> None:
    """A hundred days have no room for a window of their own for stopping."""
    split = divided(set(range(100)), 20, PARAMS)
    assert split.calibrate == days(*range(85, 100))
    assert split.train == days(*range(66))
    assert split.tune == ()
    assert len(split.folds) == 3
    assert "3 time-ordered folds" in split.says[0]


def test_a_shorter_one_cannot_train_and_says_so() -> None:
    """Where a gap and the calibration window take all there is, nothing is left to train on."""
    split = divided(set(range(30)), 20, PARAMS)
    assert (split.train, split.tune, split.folds) == ((), (), ())
    assert split.says == (
        "30 days of mature labels leave no room for training, a gap and calibration",
    )


def test_nothing_mature_gives_empty_parts() -> None:
    """Without mature labels every part is empty, and that is said."""
    assert divided(set(), 20, PARAMS) == Split((), (), (), (), ("no label is mature yet",))
