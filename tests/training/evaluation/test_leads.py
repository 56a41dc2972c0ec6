"""Laws of evaluating a backtest of leads."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from features.errors import InputError
from training.evaluation.lead_forecasts import Predictions
from training.evaluation.lead_group import EvaluationSettings
from training.evaluation.leads import Evaluation, evaluate

QUICK = EvaluationSettings(draws=60, floor_draws=20)
START = pd.Timestamp("2024-01-01")


def backtest(seed: int = 0, leads: int = 400, weeks: int = 6) -> Predictions:
    """Return a model that knows the chances, a blurred rival, and the base rate."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(1, 5, leads)
    won = rng.random((leads, weeks)) < chance[:, None]
    lead, week = map(np.ravel, np.indices((leads, weeks)))
    frame = pd.DataFrame(
        {
            "lead_id": [f"L{i}" for i in lead],
            "cutoff": START + pd.to_timedelta(7 * week, unit="D"),
            "horizon_days": 7,
            "p": chance[lead],
            "y": won.ravel().astype(float),
            "fold": 1 + week // 3,
        }
    )
    blurred = np.clip(chance[lead] + rng.normal(0, 0.15, len(lead)), 0.01, 0.99)
    baselines = {"base rate": np.full(len(lead), 1 / 6), "blurred": blurred}
    return Predictions(frame, baselines, {"source": np.where(lead % 3, "web", "fair")})


def at_end(predictions: Predictions, y: float) -> Predictions:
    """Return the same forecasts with one outcome for all."""
    return replace(predictions, frame=predictions.frame.assign(y=y))


def plain(evaluation: Evaluation) -> str:
    """Write as JSON, which refuses NaN."""
    return json.dumps(evaluation.to_json(), allow_nan=False)


@pytest.mark.parametrize("seed", range(4))
def test_figures_are_those_of_scikit_learn(seed: int) -> None:
    """The value beside every interval is the figure of the data themselves."""
    predictions = backtest(seed)
    evaluation = evaluate(predictions, QUICK)
    y = predictions.frame["y"]
    for name, p in predictions.named.items():
        scores = evaluation.overall.scores[name]
        assert scores["auc"].value == pytest.approx(roc_auc_score(y, p))
        assert scores["brier"].value == pytest.approx(brier_score_loss(y, p))


@pytest.mark.parametrize("seed", range(4))
def test_a_better_forecast_is_said_to_be_better(seed: int) -> None:
    """The true chances beat a base rate and a blurred copy, beyond chance; and not the reverse."""
    predictions = backtest(seed)
    overall = evaluate(predictions, QUICK).overall
    assert overall.verdict("base rate", "auc") == "better"
    assert overall.verdict("blurred", "brier") == "better"
    swapped = Predictions(
        predictions.frame.assign(p=predictions.baselines["blurred"]),
        {"truth": predictions.frame["p"].to_numpy()},
    )
    assert evaluate(swapped, QUICK).overall.verdict("truth", "brier") == "worse"


def test_a_forecast_is_never_better_than_itself() -> None:
    """The difference to a copy is exactly nothing, and undecided."""
    predictions = backtest()
    copy = replace(predictions, baselines={"copy": predictions.frame["p"].to_numpy()})
    overall = evaluate(copy, QUICK).overall
    assert all(d.value in (0.0, None) for d in overall.differences["copy"].values())
    assert {overall.verdict("copy", m) for m in overall.model} == {"undecided"}


def test_paired_differences_are_surer_than_the_figures() -> None:
    """What is hard about a month is hard for both, so a difference is known better than either."""
    predictions = backtest()
    near = predictions.frame["p"].to_numpy() * 0.97
    overall = evaluate(replace(predictions, baselines={"near": near}), QUICK).overall
    figure, gap = overall.model["log_loss"], overall.differences["near"]["log_loss"]
    assert figure.high is not None
    assert figure.low is not None
    assert gap.high is not None
    assert gap.low is not None
    assert gap.high - gap.low < (figure.high - figure.low) / 5


def test_the_order_of_rows_changes_nothing() -> None:
    """Shuffled rows give the same JSON to the last digit that matters."""
    predictions = backtest()
    mixed = np.random.default_rng(1).permutation(len(predictions.frame))
    shuffled = Predictions(
        predictions.frame.iloc[mixed],
        {name: p[mixed] for name, p in predictions.baselines.items()},
        {name: np.asarray(part)[mixed] for name, part in predictions.segments.items()},
    )
    assert plain(evaluate(shuffled, QUICK)) == plain(evaluate(predictions, QUICK))


def test_immature_forecasts_are_counted_and_scored_nowhere() -> None:
    """Rows without an outcome change no figure; they are neither failures nor successes."""
    predictions = backtest()
    late = predictions.frame.assign(
        cutoff=predictions.frame["cutoff"] + pd.Timedelta(days=365), y=np.nan, p=0.99
    )
    both = Predictions(
        pd.concat([late, predictions.frame], ignore_index=True),
        {name: np.concatenate([p, p]) for name, p in predictions.baselines.items()},
    )
    evaluation = evaluate(both, QUICK)
    assert evaluation.n_immature == len(late)
    assert evaluation.overall == evaluate(replace(predictions, segments={}), QUICK).overall


def test_reliability_bins_add_up() -> None:
    """Every mature row is in one bin, and the bins' rates and sizes give the base rate."""
    evaluation = evaluate(backtest(), QUICK)
    sizes = [b.n_rows for b in evaluation.reliability]
    rates = [b.rate.value or 0 for b in evaluation.reliability]
    assert sum(sizes) == evaluation.overall.n_rows
    assert np.average(rates, weights=sizes) == pytest.approx(evaluation.overall.base_rate.value)
    assert sum(n for _, n in evaluation.histogram) == evaluation.overall.n_rows


def test_a_bin_without_conversions_is_not_certain_of_zero() -> None:
    """None of 400 leads converting leaves 0.75 % possible: 1 - 0.05 ** (1/400), exact."""
    predictions = backtest()
    evaluation = evaluate(at_end(predictions, 0.0), QUICK)
    rate = evaluation.overall.base_rate
    assert (rate.value, rate.low) == (0.0, None)
    lowest = replace(predictions, frame=predictions.frame.assign(y=0.0, p=0.1))
    (only,) = evaluate(lowest, QUICK).reliability
    assert only.rate.high == pytest.approx(1 - 0.05 ** (1 / 400))


def test_a_calibrated_forecast_has_an_error_near_its_noise_floor() -> None:
    """The true chances show no more calibration error than chance makes."""
    evaluation = evaluate(backtest(leads=1500), QUICK)
    ece = evaluation.overall.model["ece"].value
    assert ece is not None
    assert evaluation.ece_floor.value == pytest.approx(ece, rel=0.6)


def test_gains_begin_at_nothing_and_end_at_all() -> None:
    """Calling nobody finds nothing, calling everybody finds all, and the curve never falls."""
    for curve in evaluate(backtest(), QUICK).gains.values():
        assert (curve[0], curve[-1]) == pytest.approx((0, 1))
        assert (np.diff(curve) >= -1e-12).all()


def test_groups_add_up_to_the_whole() -> None:
    """Folds, cutoffs and the parts of a segment each hold every mature row once."""
    evaluation = evaluate(backtest(), QUICK)
    for parts in (evaluation.folds, evaluation.cutoffs, *evaluation.segments.values()):
        assert sum(part.n_rows for part in parts) == evaluation.overall.n_rows
    assert [fold.label for fold in evaluation.folds] == ["1", "2"]
    assert [part.label for part in evaluation.segments["source"]] == ["web", "fair"]


def test_small_parts_are_pooled_and_empty_ones_named() -> None:
    """Beyond the largest few, parts share one line; a missing value is `unknown`."""
    predictions = backtest()
    part = pd.Series([f"s{int(lead[1:]) % 40}" for lead in predictions.frame["lead_id"]])
    part[part == "s0"] = None
    many = replace(predictions, segments={"source": part})
    labels = [p.label for p in evaluate(many, replace(QUICK, max_levels=5)).segments["source"]]
    assert len(labels) == 5
    assert labels[-1] == "36 smaller ones"
    all_parts = evaluate(many, replace(QUICK, max_levels=50)).segments["source"]
    assert "unknown" in [p.label for p in all_parts]


def test_ordered_parts_keep_their_order() -> None:
    """An ordered categorical is shown in its own order, not by size."""
    predictions = backtest()
    ages = pd.Categorical(
        np.where(np.arange(len(predictions.frame)) % 5, "old", "new"), ["new", "old"], ordered=True
    )
    parts = evaluate(replace(predictions, segments={"age": pd.Series(ages)}), QUICK).segments["age"]
    assert [p.label for p in parts] == ["new", "old"]


def test_a_small_group_is_withheld_in_words() -> None:
    """Fewer than 10 leads of either outcome give no figure but a reason."""
    predictions = backtest()
    few = np.where(predictions.frame["lead_id"].isin(["L1", "L2", "L3"]), "few", "many")
    parts = evaluate(replace(predictions, segments={"s": few}), QUICK).segments["s"]
    withheld = next(p for p in parts if p.label == "few")
    assert withheld.withheld is not None
    assert withheld.withheld.startswith("too few")
    assert withheld.model["auc"].value is None
    assert withheld.to_json()["difference"]["blurred"]["auc"]["verdict"] == "undecided"


@pytest.mark.parametrize(
    "case", ["no mature rows", "no rows", "no conversion", "all convert", "a single lead"]
)
def test_histories_too_thin_to_evaluate_still_give_valid_json(case: str) -> None:
    """Whatever is missing, figures are null, a reason is given, and nothing breaks."""
    whole = backtest(leads=1 if case == "a single lead" else 60)
    cases = {
        "no mature rows": at_end(whole, np.nan),
        "no rows": Predictions(
            whole.frame.iloc[:0], {"base rate": np.empty(0)}, {"source": np.empty(0)}
        ),
        "no conversion": at_end(whole, 0.0),
        "all convert": at_end(whole, 1.0),
        "a single lead": whole,
    }
    evaluation = evaluate(cases[case], QUICK)
    assert "too few" in str(evaluation.overall.withheld)
    assert json.loads(plain(evaluation))["overall"]["model"]["auc"]["value"] is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"p": 1.2}, "probability"),
        ({"p": np.nan}, "probability"),
        ({"y": 2.0}, "y must be"),
        ({"lead_id": "same", "cutoff": START}, "twice"),
    ],
    ids=["above 1", "empty", "no outcome", "repeated"],
)
def test_rows_that_cannot_be_scored_are_refused(change: dict[str, Any], says: str) -> None:
    """A value out of range or a repeated key is one clear error, never a wrong figure."""
    with pytest.raises(InputError, match=says):
        Predictions(backtest(leads=20).frame.assign(**change))


def test_columns_and_lengths_must_fit() -> None:
    """A missing column, a short baseline or one that takes the model's name is refused."""
    predictions = backtest(leads=20)
    with pytest.raises(InputError, match="lack the columns fold"):
        Predictions(predictions.frame.drop(columns="fold"))
    with pytest.raises(InputError, match="baseline 'short' has 3 rows"):
        Predictions(predictions.frame, {"short": np.zeros(3)})
    with pytest.raises(InputError, match="cannot be named 'model'"):
        Predictions(predictions.frame, {"model": predictions.frame["p"].to_numpy()})
    with pytest.raises(InputError, match="capacity must lie"):
        evaluate(predictions, EvaluationSettings(capacity=0.0))
