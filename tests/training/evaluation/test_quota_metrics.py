"""Laws of the metrics of attainment: pinball loss, flags at capacity, means and medians."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from attainments import mixed, quota_backtest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from features.arrays import Floats
from training.evaluation.bootstrap import resample
from training.evaluation.quota_metrics import (
    FIGURES,
    HIGHER,
    LOWER,
    METRICS,
    NEUTRAL,
    OF_RANGES,
    Attainments,
    mean,
    median,
    pinball,
    resampled_quota_metrics,
)

SEEDS = range(3)
NUMBERS = st.floats(-3, 3)


def attainments(seed: int = 0, reps: int = 12) -> Attainments:
    """Return forecasts of a model that is the truth, and of linear pacing."""
    return Attainments.of(quota_backtest(seed, reps=reps).mature())


def metrics(rows: Attainments, draws: int = 0) -> dict[str, Floats]:
    """Return the model's metrics on the data, and on some resamples."""
    counts = resample(int(rows.clusters.max()) + 1, draws, seed=2)
    return resampled_quota_metrics(rows, counts, 0.3)["model"]


@pytest.mark.parametrize(
    ("attained", "loss"),
    [
        (0.5, (0.9 * 0.3 + 0.5 * 0.5 + 0.1 * 0.7) / 3),
        (0.8, (0.0 + 0.5 * 0.2 + 0.1 * 0.4) / 3),
        (1.0, (0.1 * 0.2 + 0.0 + 0.1 * 0.2) / 3),
        (1.4, (0.1 * 0.6 + 0.5 * 0.4 + 0.9 * 0.2) / 3),
    ],
    ids=["below", "at p10", "at p50", "above"],
)
def test_pinball_by_hand(attained: float, loss: float) -> None:
    """p10, p50 and p90 are 0.8, 1.0 and 1.2; the cases lie below, on and above them."""
    assert pinball(np.array([attained]), np.array([[0.8, 1.0, 1.2]])) == pytest.approx([loss])


@examples(derandomize=True, deadline=None)
@given(y=NUMBERS, ends=st.lists(NUMBERS, min_size=3, max_size=3).map(sorted))
def test_pinball_is_never_negative_and_zero_only_on_the_spot(y: float, ends: list[float]) -> None:
    """It costs nothing only where all three quantiles are what came."""
    loss = pinball(np.array([y]), np.array([ends]))[0]
    assert loss >= 0
    assert (loss == 0) == (ends == [y, y, y])


@pytest.mark.parametrize("seed", SEEDS)
def test_true_quantiles_have_the_lowest_pinball_loss(seed: int) -> None:
    """Moving or stretching the quantiles of a known distribution costs, on average."""
    rng = np.random.default_rng(seed)
    y = rng.normal(1, 0.3, 20_000)
    true = 1 + 0.3 * np.array([-1.2816, 0.0, 1.2816])
    losses = [
        pinball(y, np.tile(ends, (len(y), 1))).mean()
        for ends in (true, true + 0.1, true - 0.1, 1 + 1.5 * (true - 1), 1 + 0.6 * (true - 1))
    ]
    assert losses[0] == min(losses)


def test_every_metric_is_explained_and_has_one_direction() -> None:
    """Higher, lower and neutral metrics together are all metrics, each of them once."""
    assert len(HIGHER) + len(LOWER) + len(NEUTRAL) == len(METRICS) == len(set(METRICS))
    assert set(FIGURES) == set(METRICS)
    assert set(METRICS) > OF_RANGES
    assert set(metrics(attainments())) == set(METRICS)


@pytest.mark.parametrize("seed", SEEDS)
def test_precision_and_recall_count_the_same_hits(seed: int) -> None:
    """Hits are recall x misses, and precision x flags: on the data and on every resample."""
    rows = attainments(seed)
    counts = resample(int(rows.clusters.max()) + 1, 6, seed=2)
    own = resampled_quota_metrics(rows, counts, 0.3)["model"]
    miss_rate = mean(rows.missed, rows.clusters, counts)
    assert own["recall"] * miss_rate == pytest.approx(own["precision"] * 0.3)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    """Shuffled rows give the same metrics, on the data and on resamples."""
    predictions = quota_backtest(seed, reps=10, blur=0.1)
    first = metrics(Attainments.of(predictions.mature()), 5)
    second = metrics(Attainments.of(mixed(predictions).mature()), 5)
    for name, values in first.items():
        assert second[name] == pytest.approx(values, nan_ok=True), name


@pytest.mark.parametrize("seed", SEEDS)
def test_wider_ranges_hold_more_and_cost_more(seed: int) -> None:
    """Stretching the true range raises coverage, width and pinball loss."""
    rows = attainments(seed, reps=40)
    centre = rows.ranges["model"][:, [1]]
    wide = replace(
        rows,
        ranges={**rows.ranges, "model": centre + 2 * (rows.ranges["model"] - centre)},
        likely={**rows.likely, "model": centre + 2 * (rows.likely["model"] - centre)},
    )
    for name in ("coverage", "between", "width", "pinball"):
        assert metrics(wide)[name] > metrics(rows)[name], name
    assert metrics(wide)["width"] == pytest.approx(2 * metrics(rows)["width"])


def test_attainment_at_the_target_is_no_miss() -> None:
    """Ratios are rounded in files: a millionth below the target still makes quota."""
    backtest = quota_backtest(reps=3, periods=1)
    week = backtest.take(np.flatnonzero(backtest.weeks == 0))
    frame = week.frame.assign(attainment=[1.0, 1 - 5e-7, 1 - 2e-6])
    assert Attainments.of(replace(week, frame=frame)).missed.tolist() == [0, 0, 1]


def test_taking_rows_takes_all_their_columns() -> None:
    """A part of the rows is scored as if it were alone."""
    rows = attainments()
    at = np.flatnonzero(rows.lists == 3)
    part = rows.take(at)
    assert part.covered("model").tolist() == rows.covered("model")[at].tolist()
    assert part.between("linear pacing").tolist() == rows.between("linear pacing")[at].tolist()
    assert part.outcomes(part.missed).y.tolist() == rows.missed[at].tolist()


def test_a_mean_counts_only_what_it_is_asked_to() -> None:
    """Of the values 1, 2 and 6 the first two count; a resample without them has no mean."""
    values, clusters = np.array([1.0, 2.0, 6.0]), np.array([0, 1, 2])
    counts = np.array([[1, 1, 1], [3, 0, 0], [0, 0, 3]], dtype=np.uint16)
    among = mean(values, clusters, counts, np.array([1.0, 1.0, 0.0]))
    assert among[:2].tolist() == [1.5, 1.0]
    assert np.isnan(among[2])
    assert mean(values, clusters, counts).tolist() == [3.0, 1.0, 6.0]


@pytest.mark.parametrize("seed", range(6))
def test_the_median_is_the_lower_middle_of_the_drawn_rows(seed: int) -> None:
    """On every resample it is the one of the rows repeated as often as they are drawn."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 5, 9).astype(float)
    clusters = rng.integers(0, 4, 9)
    counts = resample(4, 12, seed)
    for drawn, middle in zip(counts, median(values, clusters, counts), strict=True):
        repeated = np.sort(np.repeat(values, drawn[clusters]))
        if len(repeated):
            assert middle == repeated[(len(repeated) - 1) // 2]
        else:
            assert np.isnan(middle)


def test_the_median_of_nothing_has_no_value() -> None:
    """Without rows every resample is NaN."""
    empty = np.empty(0)
    assert np.isnan(median(empty, empty.astype(int), resample(3, 4, 0))).all()
