"""Drift is found when it is large, beyond luck and new, and only then."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from training.monitor_params import MonitorParams
from training.monitoring.drift import Counter, DriftRows, segment_shifts, shifts
from training.monitoring.windows import Layout, lay_out

PARAMS = MonitorParams()
START = datetime(2024, 1, 1)
END = START + timedelta(days=28 * 18)


def layout() -> Layout:
    """Lay out a year and a half, the champion's data ending two windows ago."""
    laid = lay_out(END, END - timedelta(days=56), START, PARAMS)
    assert laid is not None
    return laid


def drift_rows(seed: int, shift: float = 0.0, shifted_windows: tuple[int, ...] = (0,)) -> DriftRows:
    """Draw leads with five features and a category; the first feature moves in some windows."""
    rng = np.random.default_rng(seed)
    windows = len(layout().cutoffs)
    window = np.repeat(np.arange(windows), 600)
    n = len(window)
    inputs = pd.DataFrame({f"f{k}": rng.normal(size=n) for k in range(5)})
    inputs["kind"] = rng.integers(0, 4, n).astype(float)
    inputs.loc[np.isin(window, shifted_windows), "f0"] += shift
    return DriftRows(
        window=window,
        unit=np.arange(n),
        inputs=inputs,
        outputs=pd.DataFrame({"chance": rng.random(n)}),
        segments=pd.DataFrame({"team": rng.choice(["north", "south"], n)}),
        categories=frozenset({"kind"}),
        says={name: f"feature {name}" for name in [*inputs, "chance"]},
    )


def off(rows: DriftRows, params: MonitorParams = PARAMS) -> list[str]:
    """Name the features that are called shifted."""
    counter = Counter.of(rows, layout())
    return [shift.column for shift in shifts(counter, rows.inputs, params) if shift.is_off]


def test_leads_of_one_distribution_seldom_shift() -> None:
    """Materiality aside, at most the nominal share of 50 runs calls anything shifted."""
    loose = PARAMS.model_copy(update={"psi": 1e-9, "false_alarms": 0.05})
    assert np.mean([bool(off(drift_rows(seed), loose)) for seed in range(50)]) <= 0.1


@pytest.mark.parametrize("seed", range(3))
def test_a_larger_shift_is_found_if_a_smaller_one_is(seed: int) -> None:
    """From none to a standard deviation; the largest is found, none is not."""
    found = [off(drift_rows(seed, shift)) == ["f0"] for shift in (0.0, 0.2, 0.5, 0.8, 1.2)]
    assert found == sorted(found)
    assert (found[0], found[-1]) == (False, True)


def test_a_shift_that_came_before_is_usual() -> None:
    """What moves every fourth window by as much is no news."""
    assert off(drift_rows(1, 1.2, (0, 4, 8, 12))) == []


def test_the_index_of_a_shift_has_its_error_and_what_is_usual_beside_it() -> None:
    """The most moved feature comes first, its index far beyond luck and the past."""
    rows = drift_rows(2, 1.2)
    first = shifts(Counter.of(rows, layout()), rows.inputs, PARAMS)[0]
    assert first.column == "f0"
    assert first.index[0] - 5 * first.error > first.by_luck
    assert first.usual is not None
    assert "median" in first.moved


def test_a_segment_whose_leads_are_others_is_named_and_the_rest_is_not() -> None:
    """Every feature moves in the north alone."""
    rows = drift_rows(3)
    is_there = (rows.window == 0) & (rows.segments["team"] == "north").to_numpy()
    rows.inputs.loc[is_there, [f"f{k}" for k in range(5)]] += 1.0
    found = list(segment_shifts(Counter.of(rows, layout()), PARAMS))
    assert [deviation.where for deviation in found] == ["team north"]
    assert not list(segment_shifts(Counter.of(drift_rows(3), layout()), PARAMS))
