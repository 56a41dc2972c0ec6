"""The filter that tells a lasting level from a spell."""

from __future__ import annotations

import numpy as np
import pytest

from training.coaching.causes.spells import (
    DEPTHS,
    LEVELS,
    STEP,
    Prior,
    drawn,
    normal,
    poisson,
    spells,
    weakness_of,
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
    seen = counts([[40.0] * 5] * 11 + [[24.0, 25.0, 23.0, 24.0, 24.0]])
    alike = PRIOR._replace(spread=0.05)
    believed, ruled_out = (
        weakness_of(spells(seen, prior), 0.1) for prior in (alike._replace(unlike=0.07), alike)
    )
    assert believed.p[-1] > 0.95
    assert believed.is_spell().tolist()[-1] is False
    assert ruled_out.is_spell().tolist()[-1] is True
    assert believed.p[:-1].max() < 0.05


def test_a_low_level_and_a_spell_from_the_first_day_are_one_weakness() -> None:
    """The chances of the two add up, and it began with the log."""
    filtered = spells(counts([[26, 25, 26, 27]]), PRIOR._replace(spread=0.05, unlike=0.07))
    weak = weakness_of(filtered, 0.1)
    level, spell = weak.joint[0, :, 0].sum(), filtered.p[0]
    assert weak.p[0] == pytest.approx(level + spell)
    assert weak.p[0] > 0.9
    assert min(level, spell) > 0.05
    assert weak.begins().tolist() == [0]
    assert weak.is_spell().tolist() == [bool(spell > level)]


def test_a_weakness_begins_with_its_spell_and_is_over_with_it() -> None:
    """A drop after two usual periods began then; one that ended after the first has gone."""
    weak = weakness_of(spells(counts([[40, 41, 20, 19], [20, 40, 40, 41]]), PRIOR), 0.1)
    assert weak.begins()[0] == 2
    assert weak.is_spell()[0]
    assert weak.p[0] > 0.9
    assert weak.p[1] < 0.1


def test_what_reps_commonly_differ_by_is_no_weakness() -> None:
    """At 82 % all along, a rep is weak where a tenth is much, and not where a half is."""
    filtered = spells(counts([[33, 32, 33, 34, 33, 33]]), PRIOR)
    near, far = weakness_of(filtered, 0.1), weakness_of(filtered, 0.6)
    assert near.p[0] > 0.6
    assert far.p[0] == pytest.approx(filtered.p[0], abs=1e-3)


def test_only_a_low_level_counts_in_what_a_weakness_does() -> None:
    """A low level shifts by itself, and a spell by its depth, below whichever level it is on."""
    filtered = spells(counts([[26, 25, 26, 27]]), PRIOR)
    weak = weakness_of(filtered, 0.25)
    steps = dict(zip(LEVELS.tolist(), weak.shifts().tolist(), strict=True))
    assert steps[-3][0] == pytest.approx(-0.3)
    assert steps[-3][1] == pytest.approx(-0.3 - DEPTHS[0] * STEP)
    assert steps[-2][0] == steps[0][0] == steps[5][0] == 0.0
    assert steps[5][1] == pytest.approx(-DEPTHS[0] * STEP)
    assert (weak.joint[:, ~weak.is_low, 0] == 0).all()
