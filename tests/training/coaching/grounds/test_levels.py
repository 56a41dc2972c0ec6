"""Levels of periods, territories, tenure and reps, from companies whose levels are known."""

from __future__ import annotations

import numpy as np
import pytest

from training.coaching.grounds.levels import Cells, fit_levels
from training.coaching_params import GroundsParams

PARAMS = GroundsParams()
REPS, WINDOWS, TERRITORIES = 24, 8, 4


def company(
    seed: int, *, rep: float = 0.3, territory: float = 0.0, ramp: float = 0.3, base: float = 20.0
) -> tuple[Cells, dict[str, np.ndarray]]:
    """Draw a company with known spreads; every fourth rep is new in the last two windows."""
    rng = np.random.default_rng(seed)
    r = np.repeat(np.arange(REPS), WINDOWS)
    w = np.tile(np.arange(WINDOWS), REPS)
    t = r * TERRITORIES // REPS
    is_new = (r % 4 == 0) & (w >= WINDOWS - 2)
    levels = {
        "rep": rng.normal(0, rep, REPS)[r],
        "territory": rng.normal(0, territory, TERRITORIES)[t],
        "window": rng.normal(0, 0.1, WINDOWS)[w],
        "ramp": -ramp * is_new,
    }
    chances = base * rng.uniform(0.5, 1.5, len(r))
    outcomes = rng.poisson(chances * np.exp(sum(levels.values())))
    cells = Cells(chances, outcomes.astype(float), is_new.astype(float), w, t, r)
    return cells, levels


def test_intervals_of_the_ground_hold_as_often_as_they_say() -> None:
    """Over 40 companies, 80 % intervals of the ground cover 70 to 90 % of what it was."""
    covered = []
    for seed in range(40):
        cells, truth = company(seed, territory=0.1)
        levels = fit_levels(cells, PARAMS)
        ground = truth["territory"] + truth["window"] + truth["ramp"]
        covered.append(np.abs(levels.ground - ground) < 1.2816 * levels.error)
    assert 0.7 < np.mean(covered) < 0.9


def test_skill_stays_out_of_the_ground() -> None:
    """Where territories are alike, the ground hardly follows the skill of the people in them."""
    slopes = []
    for seed in range(20):
        cells, truth = company(seed)
        levels = fit_levels(cells, PARAMS)
        slopes.append(np.polyfit(truth["rep"], levels.ground, 1)[0])
        assert np.corrcoef(levels.rep, truth["rep"])[0, 1] > 0.8
    assert abs(np.mean(slopes)) < 0.15


def test_a_territory_is_told_from_its_people_only_so_far() -> None:
    """The fewer people, the wider the interval of the ground."""
    cells, _ = company(1)
    alone = Cells(
        *(getattr(cells, n)[cells.rep % 6 == 0] for n in ("base", "outcomes", "ramp", "window")),
        territory=cells.territory[cells.rep % 6 == 0],
        rep=cells.rep[cells.rep % 6 == 0] // 6,
    )
    assert fit_levels(alone, PARAMS).error.mean() > fit_levels(cells, PARAMS).error.mean()


def test_nothing_seen_leaves_what_was_believed() -> None:
    """Of one row with nothing in it, spreads and ramp stay near what is believed."""
    none = np.zeros(1, dtype=np.int64)
    levels = fit_levels(Cells(np.array([0.01]), np.zeros(1), np.ones(1), none, none, none), PARAMS)
    assert np.isfinite(levels.ground).all()
    np.testing.assert_allclose(
        levels.spreads,
        [
            PARAMS.period_spread,
            PARAMS.territory_spread,
            PARAMS.rep_spread,
            PARAMS.swing_spread,
        ],
        rtol=0.2,
    )


@pytest.mark.parametrize("seed", range(3))
def test_swings_are_what_ground_and_rep_leave(seed: int) -> None:
    """A window in which a rep has twice its usual outcomes swings up, and no other does so far."""
    cells, _ = company(seed)
    outcomes = cells.outcomes.copy()
    outcomes[5] = 2 * outcomes[5] + 20
    bent = Cells(cells.base, outcomes, cells.ramp, cells.window, cells.territory, cells.rep)
    assert fit_levels(bent, PARAMS).swing.argmax() == 5
