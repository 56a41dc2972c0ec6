"""Laws of the population stability index, and of when a shift counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from training.monitoring.drift import BINS, NEEDED, shifts
from training.params import MonitorParams

PARAMS = MonitorParams()
LEADS = 200


def weeks(seed: int, drift: float = 0.0, wave: float = 0.0) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a normal column in every week; the newest two are moved, and all by a slow wave."""
    draws = np.random.default_rng(seed)
    week = np.repeat(np.arange(NEEDED), LEADS)
    moved = wave * np.sin(week / 3) + drift * (week < 2)
    values = pd.DataFrame({"x": draws.normal(moved), "y": draws.normal(size=len(week))})
    values["code"] = np.floor(draws.random(len(week)) * 4) + 10 * drift * (week < 2)
    return values, week


def found(
    seed: int, drift: float = 0.0, wave: float = 0.0, part: pd.Series | None = None
) -> dict[str, tuple[float, float, bool]]:
    """Return each column's index, its error, and whether it counts."""
    values, week = weeks(seed, drift, wave)
    lead = np.arange(len(week)).astype(object)
    told = shifts(values, week, lead, part, ("code",))
    return {s.column + s.part: (s.psi, s.error, s.is_large(PARAMS)) for s in told}


def test_one_distribution_differs_from_itself_as_theory_says() -> None:
    """Over seeds the mean index is (bins - 1) * (1/n + 1/m), and the error bounds nearly all."""
    indices, errors = zip(*(found(seed)["x"][:2] for seed in range(40)), strict=True)
    n, m = 2 * LEADS, 14 * LEADS
    assert np.mean(indices) == pytest.approx((BINS - 1) * (1 / n + 1 / m), rel=0.25)
    assert np.mean(np.array(indices) < np.array(errors)) > 0.97


@pytest.mark.parametrize("seed", range(4))
def test_a_shift_counts_and_nothing_else_does(seed: int) -> None:
    """The column that moved, its category too, and not the one beside it."""
    assert not any(large for *_, large in found(seed).values())
    told = found(seed, drift=1.5)
    assert told["x"][2]
    assert told["code"][2]
    assert not told["y"][2]


@pytest.mark.parametrize("seed", range(4))
def test_what_the_company_is_used_to_does_not_count(seed: int) -> None:
    """A season moves the column as far in the past: no news."""
    told = found(seed, wave=1.5)
    assert told["x"][0] > PARAMS.psi / 4
    assert not told["x"][2]


@pytest.mark.parametrize("seed", range(3))
def test_a_larger_shift_has_a_larger_index(seed: int) -> None:
    """Whatever is found stays found when it grows."""
    indices = [found(seed, drift)["x"][0] for drift in (0.0, 0.5, 1.0, 2.0)]
    assert indices == sorted(indices)


def test_a_shift_in_one_part_shows_there() -> None:
    """And hardly in the others."""
    values, week = weeks(1)
    part = pd.Series(np.where(np.arange(len(week)) % 4 == 0, "north", "south"))
    values.loc[(part == "north") & (week < 2), "x"] += 2
    told = {s.part: s for s in shifts(values, week, np.arange(len(week)).astype(object), part)
            if s.column == "x"}  # fmt: skip
    assert told["north"].is_large(PARAMS)
    assert not told["south"].is_large(PARAMS)


def test_missing_values_are_a_bin_of_their_own() -> None:
    """A column that is filled no more has shifted."""
    values, week = weeks(1)
    values.loc[week < 2, "x"] = np.nan
    (shift,) = shifts(values[["x"]], week, np.arange(len(week)).astype(object))
    assert shift.psi > 1
