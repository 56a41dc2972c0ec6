"""Laws of evaluating a backtest of quotas."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from attainments import WEEKS, mixed, quota_backtest, truth_beside
from sklearn.metrics import brier_score_loss, mean_pinball_loss, roc_auc_score

from features.errors import InputError
from training.evaluation.early_warning import flag_lowest, lasting_flags
from training.evaluation.quota import QuotaEvaluation, evaluate_quota
from training.evaluation.quota_forecasts import COMPANY, QuotaPredictions
from training.evaluation.quota_group import QuotaSettings
from training.evaluation.quota_metrics import median, pinball
from training.evaluation.truth import QUOTAS, truth_of
from training.report.quota_verdict import quota_verdict

QUICK = QuotaSettings(draws=40, floor_draws=10)


def plain(evaluation: QuotaEvaluation) -> str:
    """Write as JSON, which refuses NaN."""
    return json.dumps(evaluation.to_json(), allow_nan=False)


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_those_of_scikit_learn(seed: int) -> None:
    """The value beside every interval is the figure of the data themselves."""
    predictions = quota_backtest(seed, blur=0.2)
    early = evaluate_quota(predictions, QUICK).early
    at = (predictions.weeks >= 2) & (predictions.weeks <= 6)
    y, p, ends = (
        predictions.attainment[at],
        predictions.chance("model")[at],
        predictions.range("model")[at],
    )
    assert early.model["auc"].value == pytest.approx(roc_auc_score(y >= 1, p))
    assert early.model["brier"].value == pytest.approx(brier_score_loss(y >= 1, p))
    losses = [
        mean_pinball_loss(y, ends[:, k], alpha=level) for k, level in enumerate((0.1, 0.5, 0.9))
    ]
    assert early.model["pinball"].value == pytest.approx(np.mean(losses))
    inside = (y >= ends[:, 0]) & (y <= ends[:, 2])
    assert early.model["between"].value == pytest.approx(inside.mean())
    low, high = predictions.likely("model")[at].T
    assert early.model["coverage"].value == pytest.approx(((y >= low) & (y <= high)).mean())
    assert early.model["width"].value == pytest.approx((high - low).mean())
    rule = predictions.range("linear pacing")[at]
    inside = (y >= rule[:, 0]) & (y <= rule[:, 2])
    assert early.scores["linear pacing"]["coverage"].value == pytest.approx(inside.mean())


def test_pinball_by_hand() -> None:
    """0.2 above p10 and p50, 0.3 below p90: 0.1 * 0.2, 0.5 * 0.2 and 0.1 * 0.3, averaged."""
    loss = pinball(np.array([1.0]), np.array([[0.8, 0.8, 1.3]]))
    assert loss == pytest.approx([(0.02 + 0.10 + 0.03) / 3])


@pytest.mark.parametrize("seed", range(3))
def test_the_truth_closes_the_whole_gap(seed: int) -> None:
    """A model that equals the truth closes 100 % in every group; the baseline itself closes 0."""
    predictions = quota_backtest(seed)
    evaluation = evaluate_quota(predictions, QUICK, truth_beside(predictions))
    assert evaluation.truth is not None
    assert evaluation.truth.closed["all"].baseline == "linear pacing"
    assert evaluation.truth.closed["all"].pinball.value == pytest.approx(1.0)
    for gap in evaluation.truth.closed.values():
        assert gap.pinball.value in (None, pytest.approx(1.0))
    swapped = replace(
        predictions,
        frame=predictions.frame.assign(**predictions.baselines["linear pacing"].to_dict("series")),
    )
    graded = evaluate_quota(swapped, QUICK, truth_beside(predictions)).truth
    assert graded is not None
    assert graded.closed["all"].pinball.value == pytest.approx(0.0)


def test_a_truth_without_ranges_is_refused() -> None:
    """The error names the missing column."""
    predictions = quota_backtest()
    truth = truth_beside(predictions)
    bare = truth_of(truth.frame.drop(columns="attainment_p10_true"), QUOTAS)
    with pytest.raises(InputError, match="attainment_p10_true"):
        evaluate_quota(predictions, QUICK, bare)


def test_truth_may_know_some_rows_only() -> None:
    """Both are then evaluated on these rows alone."""
    predictions = quota_backtest()
    truth = truth_beside(predictions)
    some = truth_of(truth.frame[truth.frame["rep_id"] < "R10"], QUOTAS)
    graded = evaluate_quota(predictions, QUICK, some).truth
    assert graded is not None
    assert graded.groups["all"].n_rows == len(predictions.frame) / 2


def test_the_order_of_rows_changes_nothing() -> None:
    """Shuffled rows, baselines, segments and roll-ups give the same JSON."""
    predictions = quota_backtest(blur=0.2)
    truth = truth_beside(predictions)
    assert plain(evaluate_quota(mixed(predictions), QUICK, truth)) == plain(
        evaluate_quota(predictions, QUICK, truth)
    )


def test_capacity_flags_exactly_three_of_ten() -> None:
    """In every list as many as fit, the lowest first; of 20 reps 6, ties or not."""
    predictions = quota_backtest(reps=20)
    tied = replace(predictions, frame=predictions.frame.assign(p_attain=0.5))
    for forecasts in (predictions, tied):
        flags = flag_lowest(forecasts, "model", 0.3)
        assert set(np.bincount(forecasts.lists, weights=flags)) == {6}
    p = predictions.chance("model")
    flags = flag_lowest(predictions, "model", 0.3)
    for k in np.unique(predictions.lists):
        inside = predictions.lists == k
        assert p[inside & flags].max() <= p[inside & ~flags].min()


def test_a_lone_rep_is_flagged_and_twelve_give_three() -> None:
    """A lone rep is flagged; capacity is never overrun (3.6 of 12 are 3)."""
    for reps, expected in ((1, 1), (12, 3)):
        predictions = quota_backtest(reps=reps, periods=1)
        assert set(
            np.bincount(predictions.lists, weights=flag_lowest(predictions, "model", 0.3))
        ) == {expected}


def test_precision_and_recall_at_capacity_by_hand() -> None:
    """10 reps, 5 miss; the 3 lowest chances hold 2 of them: precision 2/3, recall 2/5."""
    single = quota_backtest(reps=10, periods=1)
    weekly = single.take(np.flatnonzero(single.weeks == 3))
    frame = weekly.frame.sort_values("rep_id").reset_index(drop=True)
    attained = [0.5, 0.5, 1.5, 0.5, 0.5, 0.5, 1.5, 1.5, 1.5, 1.5]
    frame = frame.assign(p_attain=np.linspace(0.1, 0.9, 10), attainment=attained)
    tiny = replace(QUICK, min_rep_periods=2)
    evaluation = evaluate_quota(replace(weekly, frame=frame), tiny).overall.model
    assert evaluation["precision"].value == pytest.approx(2 / 3)
    assert evaluation["recall"].value == pytest.approx(2 / 5)


def test_a_lasting_flag_by_hand() -> None:
    """A flag lasts from where it is raised, if it is held from there to the end."""
    single = quota_backtest(reps=1, periods=1)
    raised = np.zeros(WEEKS, dtype=bool)
    held = np.ones(WEEKS, dtype=bool)
    raised[[2, 6]] = True
    held[4] = False
    assert np.flatnonzero(lasting_flags(single, raised, held)).tolist() == [6, 7, 8, 9, 10, 11, 12]


def test_days_of_warning_by_hand() -> None:
    """All miss and are known from week 5 on: 13 - 5 weeks ahead, all flagged, none falsely."""
    predictions = quota_backtest()
    chance = np.where(predictions.weeks >= 5, 0.1, 0.9)
    frame = predictions.frame.assign(p_attain=chance, attainment=0.5)
    below, _ = evaluate_quota(replace(predictions, frame=frame), QUICK).warnings
    assert below.scores["model"]["lead_days"].value == 56
    assert below.scores["model"]["flagged"].value == 1.0
    low = below.scores["model"]["flagged"].low
    assert low is not None
    assert low < 1.0  # 80 of 80 are not every rep there could be
    assert below.scores["model"]["false_alarms"].value == 0.0
    assert below.misses_flagged["model"]["4"].value == 0.0
    assert below.misses_flagged["model"]["5"].value == 1.0


def test_never_flagged_counts_as_no_warning() -> None:
    """A model that sees no risk warns 0 days ahead, and stays in the median."""
    predictions = quota_backtest()
    frame = predictions.frame.assign(p_attain=0.9, attainment=0.5)
    below, few = evaluate_quota(replace(predictions, frame=frame), QUICK).warnings
    for warning in (below, few):
        assert warning.scores["model"]["lead_days"].value == 0
        assert warning.scores["model"]["flagged"].value == 0.0


def test_unknown_attainment_is_counted_and_scored_nowhere() -> None:
    """Running periods change no figure but the count of what waits."""
    predictions = quota_backtest()
    later = predictions.frame.assign(attainment=np.nan, p_attain=0.01)
    for column in ("period_start", "period_end", "cutoff"):
        later[column] += pd.Timedelta(weeks=4 * WEEKS)
    both = QuotaPredictions(
        pd.concat([predictions.frame, later], ignore_index=True),
        {n: pd.concat([b, b], ignore_index=True) for n, b in predictions.baselines.items()},
        predictions.rollups,
        {n: pd.concat([s, s], ignore_index=True) for n, s in predictions.segments.items()},
    )
    whole, part = evaluate_quota(both, QUICK), evaluate_quota(predictions, QUICK)
    assert whole.n_immature == len(later)
    waiting = {"n_immature": 0, "evidence": {}}
    assert replace(whole, **waiting) == replace(part, **waiting)


@pytest.mark.parametrize("attained", [0.5, 1.5])
def test_one_class_alone_is_not_measurable(attained: float) -> None:
    """Where all miss, or none, chances are withheld with the reason; ranges are still shown."""
    predictions = quota_backtest()
    same = replace(predictions, frame=predictions.frame.assign(attainment=attained))
    evaluation = evaluate_quota(same, QUICK, truth_beside(predictions))
    assert evaluation.overall.withheld is not None
    assert evaluation.overall.withheld.startswith("not measurable")
    assert evaluation.overall.model["auc"].value is None
    assert evaluation.overall.model["coverage"].value is not None
    plain(evaluation)


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_tiny_inputs_are_withheld_and_no_error(rows: int) -> None:
    """Next to no rows give reasons instead of figures."""
    predictions = quota_backtest(reps=2, periods=1)
    few = replace(predictions.take(np.arange(rows)), rollups=predictions.rollups.iloc[:rows])
    evaluation = evaluate_quota(few, QUICK)
    assert evaluation.overall.withheld
    assert evaluation.overall.withheld_ranges
    assert evaluation.warnings[0].withheld
    plain(evaluation)


def test_nothing_mature_is_no_error() -> None:
    """A backtest of the running period alone has forecasts and no figures."""
    predictions = quota_backtest(periods=1)
    evaluation = evaluate_quota(
        replace(predictions, frame=predictions.frame.assign(attainment=np.nan)), QUICK
    )
    assert evaluation.overall.n_rows == 0
    assert evaluation.n_immature == len(predictions.frame)
    plain(evaluation)


def test_a_right_model_is_calibrated_and_beats_pacing() -> None:
    """The truth's ranges hold 80 % within their interval, and no rule is better in any quarter."""
    evaluation = evaluate_quota(quota_backtest(reps=60), QUICK)
    assert not evaluation.early.model["coverage"].excludes(0.8)
    assert evaluation.early.verdict("linear pacing", "pinball") == "better"
    assert all(g.verdict("linear pacing", "pinball") != "worse" for g in evaluation.quarters)


def test_full_coverage_is_no_certainty() -> None:
    """Where every range held the interval still reaches below 100 %."""
    predictions = quota_backtest()
    wide = replace(predictions, frame=predictions.frame.assign(range_low=-9.0, range_high=9.0))
    covered = evaluate_quota(wide, QUICK).overall.model["coverage"]
    assert covered.value == 1.0
    assert covered.low is not None
    assert covered.low < 1.0


def test_how_often_ranges_should_hold_stands_beside_how_often_they_did() -> None:
    """Where steps in the distribution make ranges hold more, that is no fault of theirs."""
    predictions = quota_backtest()
    held = pd.Series(np.where(predictions.quarters == 3, 0.93, 0.8), predictions.frame.index)
    evaluation = evaluate_quota(
        replace(predictions, frame=predictions.frame.assign(p_in_range=held)), QUICK
    )
    assert [g.should_hold for g in evaluation.quarters] == pytest.approx([0.8, 0.8, 0.8, 0.93])
    assert json.loads(plain(evaluation))["overall"]["ranges_should_hold"] == pytest.approx(
        held.mean()
    )
    assert "even perfect ranges hold 93\u00a0% there" in " ".join(
        quota_verdict(evaluation).sentences
    )


def test_pooled_companies_are_resampled_by_company_and_period() -> None:
    """Reps of one company and period share a market, so they are drawn together."""
    predictions, other = quota_backtest(0), quota_backtest(1)
    pooled = QuotaPredictions(
        pd.concat(
            [predictions.frame.assign(**{COMPANY: "a"}), other.frame.assign(**{COMPANY: "b"})],
            ignore_index=True,
        )
    )
    evaluation = evaluate_quota(pooled, QUICK)
    assert evaluation.resampled == "company-periods"
    assert len(np.unique(pooled.clusters)) == 8
    assert evaluation.overall.n_rep_periods == 160
    assert evaluate_quota(predictions, QUICK).resampled == "rep-periods"


def test_few_totals_have_no_interval() -> None:
    """Four quarters of one company are four facts and no rate."""
    company = evaluate_quota(quota_backtest(), QUICK).rollups[0]
    assert (company.level, company.n_totals) == ("company", 4)
    off = company.middle["absolute_percentage_error"]
    assert off.value is not None
    assert off.low is None
    assert company.withheld is not None


def test_the_split_adds_up() -> None:
    """Closed, open and new are shares of all quotas, and in the end nearly all is closed."""
    weeks = evaluate_quota(quota_backtest(), QUICK).split
    assert [w.week for w in weeks] == list(range(WEEKS))
    assert weeks[0].parts[0] == pytest.approx(0.0)
    assert sum(weeks[-1].parts) == pytest.approx(weeks[-1].actual, abs=0.05)


def test_the_median_of_resamples_by_hand() -> None:
    """Row 1 draws the middle cluster twice and the last never: the median stays in the middle."""
    counts = np.array([[1, 1, 1], [0, 3, 0], [3, 0, 0], [0, 0, 0]], dtype=np.uint16)
    medians = median(np.array([5.0, 1.0, 3.0]), np.array([0, 1, 2]), counts)
    assert medians[:3].tolist() == [3.0, 1.0, 5.0]
    assert np.isnan(medians[3])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"p_attain": 1.2}, "probability"),
        ({"attainment_p10": 9.0}, "rise"),
        ({"rep_id": "same"}, "twice"),
    ],
)
def test_rows_that_cannot_be_scored_are_refused(change: dict[str, object], says: str) -> None:
    """Chances outside 0..1, crossing ranges and repeated keys are errors that say so."""
    predictions = quota_backtest(periods=1)
    with pytest.raises(InputError, match=says):
        replace(predictions, frame=predictions.frame.assign(**change))


def test_settings_out_of_range_are_refused() -> None:
    """A capacity of nothing is one clear error."""
    with pytest.raises(InputError, match="capacity"):
        evaluate_quota(quota_backtest(periods=1), replace(QUICK, capacity=0.0))
