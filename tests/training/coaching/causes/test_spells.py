"""The filter that tells a lasting level from a spell."""

from __future__ import annotations

import numpy as np
import pytest

from training.coaching.causes.spells import (
    LEVELS,
    STEP,
    Prior,
    always_of,
    drawn,
    normal,
    poisson,
    spells,
)

PRIOR = Prior(spread=0.2, wobble=0.0, begins=0.03, lasts=0.6, depth=0.6)
USUAL = 40.0


def counts(rows: list[list[float]]) -> np.ndarray:
    """Return the likelihood of counts beside `USUAL`, by rep and period."""
    seen = np.array(rows)
    return poisson(seen, np.full(seen.shape, USUAL))


def test_a_drop_is_a_spell_that_began_then() -> None:
    """Half of the usual for two periods, after four usual ones, is a spell of two periods."""
    filtered = spells(counts([[40, 41, 39, 40, 20, 19]]), PRIOR)
    assert filtered.p[0] > 0.9
    assert filtered.started[0].argmax() == 4
    assert abs(filtered.level_mean()[0]) < 0.1


def test_what_was_always_low_is_no_spell() -> None:
    """A rep at 70 % all along is weak, and in no spell of late."""
    filtered = spells(counts([[28, 27, 29, 28, 28, 28]]), PRIOR)
    assert filtered.level_mean()[0] < -0.2
    assert filtered.started[0, 1:].sum() < 0.2


def test_a_spell_that_is_over_is_not_told() -> None:
    """Two low periods followed by three usual ones leave nothing, and do not lower the level."""
    filtered = spells(counts([[40, 20, 20, 40, 40, 40]]), PRIOR)
    assert filtered.p[0] < 0.1
    assert filtered.level_mean()[0] > -0.1


@pytest.mark.parametrize("seed", range(5))
def test_chance_alone_is_hardly_ever_a_spell(seed: int) -> None:
    """Of 100 reps whose counts vary by chance alone, few seem to be in a spell."""
    draws = np.random.default_rng(seed)
    seen = draws.poisson(USUAL, (100, 8)).astype(np.float64)
    filtered = spells(counts(seen.tolist()), PRIOR)
    assert (filtered.p > 0.5).mean() <= 0.05


def test_periods_that_show_nothing_leave_the_prior() -> None:
    """Without evidence the chance of a spell is what it is usually, however long it goes on."""
    filtered = spells(np.zeros((2, 30, len(poisson(np.zeros(1), np.zeros(1))[0]))), PRIOR)
    usual = PRIOR.begins / (PRIOR.begins + 1 - PRIOR.lasts)
    assert filtered.p == pytest.approx([usual, usual], abs=0.01)


def test_chances_add_up() -> None:
    """Whatever is seen, the chances of all levels are 1, and beginnings add up to the spell."""
    filtered = spells(normal(np.array([[0.0, -0.8, 0.3]]), np.full((1, 3), 0.01)), PRIOR)
    assert filtered.level.sum() == pytest.approx(1.0)
    assert filtered.joint.sum() == pytest.approx(filtered.p[0])
    assert filtered.started.sum() == pytest.approx(filtered.p[0])


def test_places_are_drawn_as_often_as_their_chances_say() -> None:
    """Ten places of a table with chances of 0.2, 0.3 and 0.5: two, three and five times."""
    rows, columns = drawn(np.array([[0.2, 0.3], [0.0, 0.5]]), 10)
    assert np.bincount(rows * 2 + columns, minlength=4).tolist() == [2, 3, 0, 5]


def test_equals_do_not_rule_out_one_who_has_always_been_weak() -> None:
    """Eleven reps are alike and the twelfth is at 60 % all along: the log is believed, not they."""
    seen = [[40.0] * 5] * 11 + [[24.0, 25.0, 23.0, 24.0, 24.0]]
    filtered = spells(counts(seen), PRIOR._replace(spread=0.05))
    assert always_of(filtered, 0.1).p[-1] > 0.95
    assert filtered.level[-1, LEVELS * STEP < -0.2].sum() > 0.5
    assert always_of(filtered, 0.1).p[:-1].max() < 0.05


def test_a_low_level_and_a_spell_from_the_first_day_are_one_weakness() -> None:
    """The chances of the two add up, and each alone says less than both."""
    filtered = spells(counts([[26, 25, 26, 27]]), PRIOR._replace(spread=0.05))
    always = always_of(filtered, 0.1)
    level, spell = always.joint[0, :, 0].sum(), always.joint[0, :, 1:].sum()
    assert always.p[0] == pytest.approx(level + spell)
    assert always.p[0] > 0.9
    assert min(level, spell) > 0.05
    assert always.is_spell().tolist() == [spell > level]


def test_what_came_later_is_no_weakness_as_old_as_the_log() -> None:
    """A drop after two usual periods is a spell; one that ended after the first has gone."""
    filtered = spells(counts([[40, 41, 20, 19], [20, 40, 40, 41]]), PRIOR)
    assert always_of(filtered, 0.1).p.max() < 0.1


def test_what_reps_commonly_differ_by_is_no_weakness() -> None:
    """At 82 % all along, a rep is weak where a tenth is much, and not where a half is."""
    filtered = spells(counts([[33, 32, 33, 34, 33, 33]]), PRIOR)
    near, far = always_of(filtered, 0.1), always_of(filtered, 0.6)
    assert near.p[0] > 0.6
    assert far.p[0] == pytest.approx(filtered.started[0, 0])
