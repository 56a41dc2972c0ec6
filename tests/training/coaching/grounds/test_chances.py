"""The company's chances for leads and deals that are alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from training.coaching.grounds.chances import BELIEF, chances


def likeness(**columns: list[int]) -> pd.DataFrame:
    """Return classes; columns that are not given are the same in all rows."""
    count = len(next(iter(columns.values())))
    names = ("timing", "source", "stage", "size", "age")
    return pd.DataFrame({name: columns.get(name, [0] * count) for name in names})


@pytest.mark.parametrize(("rows", "outcomes", "returned"), [(50, 0, 0.05), (950, 200, 0.205)])
def test_a_class_is_believed_as_far_as_it_has_seen(
    rows: int, outcomes: int, returned: float
) -> None:
    """The table of the docstring: a class beside a company at a rate of 0.10."""
    others = 1_000_000
    kept = round(0.1 * (others + rows)) - outcomes
    y = np.repeat([1.0, 0.0, 1.0, 0.0], [kept, others - kept, outcomes, rows - outcomes])
    alike = likeness(timing=[0] * others + [1] * rows)
    assert chances(alike, y)[-1] == pytest.approx(returned, rel=0.01)


def test_chances_add_up_where_classes_are_large() -> None:
    """What is expected of all rows is what there was."""
    rng = np.random.default_rng(1)
    source = rng.integers(0, 3, 20_000)
    y = (rng.random(20_000) < np.array([0.1, 0.3, 0.5])[source]).astype(float)
    p = chances(likeness(source=source.tolist()), y)
    assert p.sum() == pytest.approx(y.sum(), rel=0.01)
    for k, rate in enumerate((0.1, 0.3, 0.5)):
        assert p[source == k][0] == pytest.approx(rate, abs=0.02)


def test_nothing_seen_is_nothing_expected() -> None:
    """Without any outcome no chance is above 0, and no rows are no error."""
    assert (chances(likeness(source=[0, 1, 1]), np.zeros(3)) == 0).all()
    assert len(chances(likeness(source=[]), np.zeros(0))) == 0
    assert BELIEF > 0
