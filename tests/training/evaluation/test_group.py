"""Laws of a group of forecasts: who is better, what is withheld, and shares with intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from features.errors import InputError
from training.evaluation.bootstrap import WITHHELD, Estimate, resample
from training.evaluation.group import (
    ForecastGroup,
    forecasts_json,
    model_minus_baselines,
    require_shares,
)
from training.evaluation.lead_group import (
    METRICS,
    EvaluationSettings,
    LeadGroup,
    cluster_rate,
    evaluate_lead_group,
)
from training.evaluation.quota_group import QuotaGroup, QuotaSettings
from training.evaluation.resampled import Forecasts


def group(**differences: Estimate) -> LeadGroup:
    """Return a group whose model differs from one baseline, `rule`, by these figures."""
    scores = {"model": dict.fromkeys(METRICS, Estimate(0.7)), "rule": {}}
    return LeadGroup(
        label="all",
        n_rows=10,
        withheld=None,
        scores=scores,
        differences={"rule": differences},
        n_leads=10,
        n_converted=3,
        base_rate=Estimate(0.3),
    )


def leads(y: list[float], clusters: list[int] | None = None) -> Forecasts:
    """Return outcomes without forecasts; without clusters every row is a lead of its own."""
    own = np.arange(len(y)) if clusters is None else np.array(clusters)
    return Forecasts(np.array(y), {}, own, np.zeros(len(y), dtype=np.int64))


@pytest.mark.parametrize(
    ("metric", "difference", "verdict"),
    [
        ("auc", Estimate(0.1, 0.05, 0.2), "better"),
        ("auc", Estimate(-0.1, -0.2, -0.05), "worse"),
        ("auc", Estimate(0.1, -0.05, 0.2), "undecided"),
        ("auc", Estimate(0.1, 0.0, 0.2), "undecided"),
        ("auc", Estimate(0.1), "undecided"),
        ("auc", WITHHELD, "undecided"),
        ("brier", Estimate(-0.1, -0.2, -0.05), "better"),
        ("brier", Estimate(0.1, 0.05, 0.2), "worse"),
        ("mean_forecast", Estimate(0.1, 0.05, 0.2), "undecided"),
    ],
)
def test_a_verdict_needs_an_interval_on_one_side_of_zero(
    metric: str, difference: Estimate, verdict: str
) -> None:
    """The sign decides by the metric's good direction; metrics without one decide nothing."""
    assert group(**{metric: difference}).verdict("rule", metric) == verdict


def test_an_unknown_metric_is_undecided() -> None:
    """A baseline that lacks a metric is not compared by it."""
    assert group().verdict("rule", "auc") == "undecided"


def test_json_holds_every_difference_with_its_verdict() -> None:
    """The model stands beside the baselines, and differences carry the word for them."""
    plain = group(auc=Estimate(0.1, 0.05, 0.2)).to_json()
    expected = {"value": 0.1, "low": 0.05, "high": 0.2, "verdict": "better"}
    assert plain["difference"] == {"rule": {"auc": expected}}
    assert plain["model"]["auc"] == {"value": 0.7, "low": None, "high": None}
    assert list(plain["baselines"]) == ["rule"]


def test_forecasts_in_json_leave_the_model_out_of_the_baselines() -> None:
    """However many forecasts there are, the model is the only one outside `baselines`."""
    scores = {name: {"auc": Estimate(0.5)} for name in ("a", "model", "b")}
    plain = forecasts_json(scores)
    assert set(plain) == {"model", "baselines"}
    assert list(plain["baselines"]) == ["a", "b"]


def test_differences_are_taken_resample_by_resample() -> None:
    """The difference on a resample is that of the two figures on it; the model has none."""
    resampled = {
        "model": {"auc": np.array([0.7, 0.8])},
        "rule": {"auc": np.array([0.6, 0.9])},
    }
    gaps = model_minus_baselines(resampled)
    assert list(gaps) == ["rule"]
    assert gaps["rule"]["auc"] == pytest.approx([0.1, -0.1])


@pytest.mark.parametrize(("capacity", "level"), [(0, 0.9), (1.1, 0.9), (0.2, 0), (0.2, 1)])
def test_shares_out_of_range_are_refused(capacity: float, level: float) -> None:
    """A capacity of nothing, or an interval of everything, is one clear error."""
    with pytest.raises(InputError, match="capacity must lie"):
        require_shares(capacity, level)


def test_shares_in_range_are_accepted() -> None:
    """A capacity of everything is a capacity; no error is raised."""
    require_shares(1.0, 0.9)


@pytest.mark.parametrize("groups", [LeadGroup, QuotaGroup])
def test_a_metric_has_at_most_one_good_direction(groups: type[ForecastGroup]) -> None:
    """No metric is both better high and better neither way."""
    assert not groups.higher & groups.neutral


@pytest.mark.parametrize("n", [1, 7, 40, 400])
@pytest.mark.parametrize("level", [0.8, 0.9])
def test_a_share_of_none_or_all_has_the_exact_interval(n: int, level: float) -> None:
    """Scipy's Clopper-Pearson interval, where every resample would say the same."""
    counts = resample(n, 20, seed=1)
    for y in (0.0, 1.0):
        rate = cluster_rate(leads([y] * n), counts, level)
        exact = binomtest(int(y) * n, n).proportion_ci(level, "exact")
        assert (rate.value, rate.low, rate.high) == pytest.approx((y, exact.low, exact.high))


def test_many_rows_of_a_lead_narrow_no_exact_interval() -> None:
    """Ten rows of two leads are two pieces of evidence."""
    counts = resample(2, 20, seed=1)
    once = cluster_rate(leads([0.0] * 2), counts, 0.9)
    often = cluster_rate(leads([0.0] * 10, [0, 1] * 5), counts, 0.9)
    assert often == once


@pytest.mark.parametrize("seed", range(3))
def test_a_share_lies_within_its_interval(seed: int) -> None:
    """And the interval of more leads is narrower."""
    rng = np.random.default_rng(seed)
    widths = []
    for n in (100, 2500):
        rate = cluster_rate(
            leads((rng.random(n) < 0.3).astype(float).tolist()), resample(n, 200, seed), 0.9
        )
        assert rate.low is not None
        assert rate.high is not None
        assert rate.low < (rate.value or 0) < rate.high
        widths.append(rate.high - rate.low)
    assert widths[1] < widths[0] / 3


def test_leads_are_counted_and_not_rows() -> None:
    """Two leads that convert at three cutoffs each are two, and too few."""
    clusters = [0, 0, 0, 1, 1, 1, 2, 3]
    forecasts = Forecasts(
        np.array([1.0] * 6 + [0.0] * 2),
        {"model": np.full(8, 0.5)},
        np.array(clusters),
        np.zeros(8, dtype=np.int64),
    )
    settings = EvaluationSettings(min_leads=3)
    withheld = evaluate_lead_group("all", forecasts, resample(4, 10, 0), settings)
    assert (withheld.n_rows, withheld.n_leads, withheld.n_converted) == (8, 4, 2)
    assert withheld.withheld == "too few: 2 leads converted and 2 did not, 3 of each are needed"
    assert withheld.base_rate == Estimate(0.75)
    shown = evaluate_lead_group(
        "all", forecasts, resample(4, 10, 0), EvaluationSettings(min_leads=2)
    )
    assert shown.withheld is None
    assert shown.model["auc"].value == 0.5


def test_settings_of_quotas_keep_their_names_in_json() -> None:
    """Names in metrics.json stay, whatever the attributes are called."""
    plain = QuotaSettings().to_json()
    assert plain["min_spells"] == QuotaSettings().min_rep_periods
    assert list(plain) == [
        *("capacity", "level", "draws", "floor_draws", "early", "min_spells", "max_levels", "seed")
    ]
