"""Laws of grading forecasts against known chances."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from features.errors import InputError
from training.evaluation.lead_group import EvaluationSettings
from training.evaluation.truth import LEADS, QUOTAS, Truth, TruthGrade, grade, read_truth, truth_of
from training.evaluation.truth_metrics import CONSTANT, FIGURES, pairwise_area
from training.report.truth_page import truth_page

QUICK = EvaluationSettings(draws=80)
START = pd.Timestamp("2024-01-01")
GAPS = [name for name in FIGURES if "gap_closed" in name]


def company(seed: int = 0, leads: int = 500, months: int = 4) -> tuple[pd.DataFrame, Truth]:
    """Return outcomes of leads over cutoffs, and their true chances."""
    rng = np.random.default_rng(seed)
    lead, month = map(np.ravel, np.indices((leads, months)))
    chance = np.clip(rng.beta(1, 9, leads)[lead] * rng.uniform(0.8, 1.2, len(lead)), 0.001, 0.9)
    keys = pd.DataFrame(
        {
            "lead_id": [f"L{i}" for i in lead],
            "cutoff": START + pd.to_timedelta(28 * month, unit="D"),
        }
    )
    y = (rng.random(len(lead)) < chance).astype(float)
    known = keys.assign(horizon_days=30, p_true=chance)
    return keys.assign(y=y), truth_of(known, LEADS)


def chances(truth: Truth) -> Any:
    """Return the true chances."""
    return truth.frame["p_true"].to_numpy()


def graded(named: dict[str, Any], frame: pd.DataFrame, truth: Truth) -> TruthGrade:
    """Grade forecasts, of which `base rate` is the one that knew only its past."""
    return grade(truth, frame, named, QUICK, "base rate")


def value(result: TruthGrade, forecast: str, figure: str) -> float:
    """Return a figure that must be there."""
    number = result.forecasts[forecast][figure].value
    assert number is not None, figure
    return number


@pytest.mark.parametrize("seed", range(3))
def test_the_truth_closes_the_gap_and_the_base_rate_none_of_it(seed: int) -> None:
    """This holds for every loss, on what happened and in expectation."""
    frame, truth = company(seed)
    rate = np.full(len(frame), frame["y"].mean())
    result = graded({"model": chances(truth), "base rate": rate}, frame, truth)
    for name in GAPS:
        assert value(result, "model", name) == pytest.approx(1.0)
        assert result.ceiling[name].value == pytest.approx(1.0)
        start = "base rate" if name.endswith("from_baseline") else CONSTANT
        assert value(result, start, name) == pytest.approx(0.0)
    assert value(result, "base rate", "log_loss_gap_closed") == pytest.approx(0.0)
    assert value(result, "model", "mean_distance_to_truth") == 0.0
    assert value(result, "model", "ece_to_truth") == 0.0
    assert value(result, "model", "auc_below_ceiling") == 0.0
    assert value(result, "base rate", "expected_auc") == pytest.approx(0.5)
    assert value(result, CONSTANT, "ece_to_truth") == 0.0


def test_a_base_rate_that_is_off_closes_less_than_nothing() -> None:
    """The constant knew the mean of these rows, so a base rate that is off does worse than it."""
    frame, truth = company()
    result = graded({"model": chances(truth), "base rate": np.full(len(frame), 0.3)}, frame, truth)
    assert value(result, "base rate", "expected_log_loss_gap_closed") < 0
    assert value(result, "base rate", "expected_log_loss_gap_closed_from_baseline") == 0


def test_better_forecasts_close_more() -> None:
    """The more noise lies on the chances, the less of the gap is closed."""
    frame, truth = company()
    rng = np.random.default_rng(1)
    noise = rng.normal(size=len(frame))
    odds = np.log(chances(truth) / (1 - chances(truth)))
    named = {f"{s}": 1 / (1 + np.exp(-odds - s * noise)) for s in (0.0, 0.2, 0.6, 1.5)}
    result = graded({"model": named["0.0"], **named}, frame, truth)
    for figure, rises in (
        ("expected_log_loss_gap_closed", False),
        ("expected_brier_gap_closed", False),
        ("expected_auc", False),
        ("mean_distance_to_truth", True),
    ):
        values = [value(result, name, figure) for name in named]
        assert values == sorted(values, reverse=not rises), figure


def test_no_order_of_rows_matters() -> None:
    """Neither that of the forecasts nor that of the truth."""
    frame, truth = company()
    rng = np.random.default_rng(2)
    p = rng.random(len(frame))
    there, back = rng.permutation(len(frame)), rng.permutation(len(frame))
    shuffled = replace(truth, frame=truth.frame.iloc[back])
    result = graded({"model": p}, frame, truth)
    other = graded({"model": p[there]}, frame.iloc[there], shuffled)
    assert json.dumps(result.to_json()) == json.dumps(other.to_json())


def test_figures_are_those_of_scikit_learn_and_of_counting_pairs() -> None:
    """On outcomes; and in expectation, over all pairs of different rows."""
    frame, truth = company(leads=60)
    p = np.round(np.random.default_rng(3).random(len(frame)), 1).clip(0.1, 0.9)
    result = graded({"model": p}, frame, truth)
    assert value(result, "model", "auc") == pytest.approx(roc_auc_score(frame["y"], p))
    assert result.ceiling["auc"].value == pytest.approx(roc_auc_score(frame["y"], chances(truth)))
    assert value(result, "model", "log_loss") == pytest.approx(log_loss(frame["y"], p))
    q = chances(truth)
    pairs = q[:, None] * (1 - q[None, :])
    np.fill_diagonal(pairs, 0.0)
    right = (p[:, None] > p[None, :]) + 0.5 * (p[:, None] == p[None, :])
    assert value(result, "model", "expected_auc") == pytest.approx(
        (pairs * right).sum() / pairs.sum()
    )


def test_what_is_expected_is_the_mean_of_what_could_happen() -> None:
    """Over many draws of the outcomes."""
    frame, truth = company(leads=300)
    q = chances(truth)
    p = np.clip(q * 1.3, 0.01, 0.95)
    rng = np.random.default_rng(4)
    happened = [(rng.random(len(q)) < q).astype(float) for _ in range(300)]
    result = graded({"model": p}, frame, truth)
    losses = [log_loss(y, p) for y in happened]
    areas = [roc_auc_score(y, p) for y in happened]
    assert value(result, "model", "expected_log_loss") == pytest.approx(np.mean(losses), abs=2e-3)
    assert value(result, "model", "expected_auc") == pytest.approx(np.mean(areas), abs=5e-3)


def test_a_row_is_not_a_pair_with_itself() -> None:
    """Two rows: the only pair that counts is the one between them."""
    area = pairwise_area(
        np.array([0.2, 0.8]), np.array([0.0, 0.5]), np.array([1.0, 0.5]), np.ones((1, 2))
    )
    assert area == pytest.approx([1.0])


def test_leads_not_rows_are_resampled() -> None:
    """The same leads at four times as many cutoffs are no further evidence."""
    frame, truth = company(months=1)
    p = np.clip(chances(truth) * np.random.default_rng(5).uniform(0.5, 2, len(frame)), 0.01, 0.9)
    later = [pd.to_timedelta(7 * k, unit="D") for k in range(4)]
    many = pd.concat([frame.assign(cutoff=frame["cutoff"] + d) for d in later])
    known = pd.concat([truth.frame.assign(cutoff=truth.frame["cutoff"] + d) for d in later])
    once = graded({"model": p}, frame, truth)
    again = graded({"model": np.tile(p, 4)}, many, replace(truth, frame=known))
    for figure in ("expected_log_loss_gap_closed", "auc", "auc_below_ceiling", "brier"):
        a, b = once.model[figure], again.model[figure]
        assert (a.low, a.high) == pytest.approx((b.low, b.high)), figure


def test_what_is_not_known_yet_counts_in_expectation_alone() -> None:
    """Rows without outcome have a true chance all the same."""
    frame, truth = company()
    frame.loc[frame["cutoff"] > START, "y"] = np.nan
    p = np.full(len(frame), 0.2)
    result = graded({"model": p}, frame, truth)
    assert (result.n_rows, result.n_known) == (len(frame), len(frame) // 4)
    none = graded({"model": p}, frame.assign(y=np.nan), truth)
    assert none.model["auc"].value is None
    assert none.model["expected_auc"].value is not None
    json.dumps(none.to_json(), allow_nan=False)


def test_only_rows_that_both_have_count() -> None:
    """A cutoff or a lead that only one of them has is left out, and left-out leads are counted."""
    frame, truth = company()
    last = frame["cutoff"].max()
    fewer = replace(truth, frame=truth.frame[truth.frame["cutoff"] < last].iloc[1:])
    result = graded({"model": np.full(len(frame), 0.2)}, frame, fewer)
    assert (result.n_rows, result.n_unmatched, len(result.cutoffs)) == (1499, 1, 3)


def test_reps_and_their_quotas_are_graded_by_the_same_sums() -> None:
    """Keys, the true chance and the cluster are all that differs."""
    rng = np.random.default_rng(6)
    rep, week = map(np.ravel, np.indices((40, 6)))
    keys = pd.DataFrame(
        {
            "rep_id": [f"R{i}" for i in rep],
            "period_start": START,
            "cutoff": START + pd.to_timedelta(7 * week, unit="D"),
        }
    )
    q = rng.beta(2, 2, len(keys))
    truth = truth_of(keys.assign(p_attain_true=q), QUOTAS)
    frame = keys.assign(y=(rng.random(len(q)) < q).astype(float))
    result = grade(truth, frame, {"model": q}, QUICK)
    assert value(result, "model", "expected_brier_gap_closed") == pytest.approx(1.0)
    assert result.to_json()["n_reps"] == 40
    assert "single rep" in " ".join(truth_page(result).sentences)


def test_another_horizon_or_no_common_cutoff_is_one_clear_error() -> None:
    """The error says what the truth has."""
    frame, truth = company()
    assert truth.at_horizon(30).cutoffs == truth.cutoffs
    with pytest.raises(InputError, match=r"within 30 days.* 14 days.*--horizon-days 30"):
        truth.at_horizon(14)
    with pytest.raises(InputError, match="2024-01-01, 2024-01-29"):
        truth.require([datetime(2024, 1, 2)])
    with pytest.raises(InputError, match="2024-01-01, 2024-01-29"):
        graded({"model": np.ones(3) / 2}, frame.iloc[:3].assign(cutoff=datetime(2020, 1, 1)), truth)
    with pytest.raises(InputError, match="nothing that was forecast"):
        graded({"model": np.ones(3) / 2}, frame.iloc[:3].assign(lead_id=list("abc")), truth)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"p_true": 1.5}, "probability"),
        ({"p_true": np.nan}, "probability"),
        ({"lead_id": "L1"}, "two rows of L1"),
    ],
)
def test_invalid_truth_is_refused(change: dict[str, Any], says: str) -> None:
    """Chances out of range, and keys with two rows."""
    _, truth = company()
    with pytest.raises(InputError, match=says):
        truth_of(truth.frame.assign(**change), LEADS)
    with pytest.raises(InputError, match="holds no row"):
        truth_of(truth.frame.iloc[:0], LEADS)


def test_the_company_or_its_truth_may_be_named(tmp_path: Path) -> None:
    """Both folders are found; others are refused in words."""
    _, truth = company()
    (tmp_path / "truth").mkdir()
    with pytest.raises(InputError, match=r"holds no truth/lead_probability\.parquet"):
        read_truth(tmp_path, LEADS)
    path = tmp_path / "truth" / LEADS.name
    truth.frame.to_parquet(path, index=False)
    for place in (tmp_path, tmp_path / "truth"):
        pd.testing.assert_frame_equal(read_truth(place, LEADS).frame, truth.frame)
    truth.frame.drop(columns="p_true").to_parquet(path, index=False)
    with pytest.raises(InputError, match="lacks the columns p_true"):
        read_truth(tmp_path, LEADS)
    path.write_bytes(b"no parquet")
    with pytest.raises(InputError, match="cannot be read as parquet"):
        read_truth(tmp_path, LEADS)


def test_every_figure_has_words() -> None:
    """metrics.json explains every figure it holds."""
    frame, truth = company()
    p = np.full(len(frame), 0.2)
    result = graded({"model": p, "base rate": p}, frame, truth).to_json()
    assert set(result["model"]) == set(result["ceiling"]) == set(result["means"])
