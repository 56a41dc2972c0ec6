"""Simple forecasts, checked by hand: what a model must beat has to be right itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from extract import Extract, Row
from scipy.special import expit, logit
from sellers import FEATURES

from features.build import Examples
from features.storage.warehouse import Warehouse
from training.checks.suspicion import Suspicion
from training.evaluation.honesty import BASE_RATE
from training.leads.baselines import (
    LOGISTIC,
    NAIVE_BAYES,
    RECENCY,
    STAGE,
    Baseline,
    closing_examples,
    fit_baselines,
)
from training.leads.dataset import TrainingSet

Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def fitted(history: Warehouse, training_set: TrainingSet) -> dict[str, Baseline]:
    """All baselines, learned from the whole training_set."""
    return {b.name: b for b in fit_baselines(history.until(None), training_set, FEATURES)}


def only(training_set: TrainingSet, *names: str) -> TrainingSet:
    """Take some features, as if there were no others."""
    declared = training_set.examples.feature_set
    kept = declared.without(frozenset(declared.names) - frozenset(names))
    examples = Examples(training_set.examples.keys, training_set.examples.X[list(names)], kept)
    return replace(training_set, examples=examples)


def forecast(history: Warehouse, training_set: TrainingSet, name: str, X: pd.DataFrame) -> Floats:
    """Fit all baselines and ask one."""
    (baseline,) = (
        b for b in fit_baselines(history.until(None), training_set, FEATURES) if b.name == name
    )
    return baseline.forecast(X)


def resolved(extract: Extract) -> dict[str, tuple[Row, bool]]:
    """Name the leads that ended, and whether they were won."""
    return {
        row["lead_id"]: (row, row.get("converted_at") is not None)
        for row in extract.rows("leads")
        if row.get("converted_at") or row.get("lost_at")
    }


def test_the_base_rate_is_a_share_of_rows(history: Warehouse, training_set: TrainingSet) -> None:
    """Conversions and a half, over rows and five, for everybody."""
    small = only(training_set, "days_since_touch")
    p = forecast(history, small, BASE_RATE, small.examples.X.iloc[:3])
    expected = (training_set.y.sum() + 0.5) / (len(training_set.y) + 5)
    assert p == pytest.approx([expected] * 3)


def test_the_recency_rule_by_hand(history: Warehouse, training_set: TrainingSet) -> None:
    """Ten days since a touch, ten rows each: each tenth has its own share, pulled to the mean."""
    days = np.repeat(np.arange(10.0), 10)
    y = np.concatenate([np.ones(10), np.zeros(80), np.tile([1.0, 0.0], 5)])
    small = only(training_set, "days_since_touch")
    X = pd.DataFrame({"days_since_touch": np.append(days, np.nan)})
    keys = training_set.examples.keys.iloc[: len(X)]
    examples = Examples(keys, X, small.examples.feature_set)
    fitted = replace(small, examples=examples, y=np.append(y, 1.0))
    asked = pd.DataFrame({"days_since_touch": [0.0, 5.0, 9.0, np.nan, 400.0]})
    rate = (16 + 0.5) / (101 + 5)
    counts = ((10, 10), (0, 10), (5, 10), (1, 1), (5, 10))
    shares = [(won + 10 * rate) / (rows + 10) for won, rows in counts]
    assert forecast(history, fitted, RECENCY, asked) == pytest.approx(shares)


def test_stage_alone_is_a_count(history: Warehouse, training_set: TrainingSet) -> None:
    """Of each stage, and of no stage: ten imagined rows at the base rate beside the real ones."""
    small = only(training_set, "stage")
    stages = small.examples.X["stage"].tolist()
    rate = (training_set.y.sum() + 0.5) / (len(training_set.y) + 5)
    (declared,) = small.examples.feature_set
    assert declared.categories is not None
    asked = [*map(float, range(len(declared.categories))), np.nan]
    expected = []
    for code in asked:
        labels = [
            y
            for y, stage in zip(training_set.y, stages, strict=True)
            if stage == code or (np.isnan(stage) and np.isnan(code))
        ]
        expected.append((sum(labels) + 10 * rate) / (len(labels) + 10))
    p = forecast(history, small, STAGE, pd.DataFrame({"stage": asked}))
    assert p == pytest.approx(expected)
    assert len(set(expected)) > 2
    never = forecast(history, small, STAGE, pd.DataFrame({"stage": [len(asked) + 3.0]}))
    assert never == pytest.approx([rate])


def test_without_stages_to_trust_stage_alone_is_the_base_rate(
    history: Warehouse, training_set: TrainingSet
) -> None:
    """No stage among the features, or one that the audit suspects."""
    suspicion = Suspicion("stage", "too good", 0.99, left_out=True)
    X = training_set.examples.X.iloc[:4]
    rates = forecast(history, training_set, BASE_RATE, X)
    for blind in (only(training_set, "age_days"), replace(training_set, suspicions=(suspicion,))):
        np.testing.assert_array_equal(forecast(history, blind, STAGE, X), rates)
    assert (forecast(history, training_set, STAGE, X) != rates).any()


def test_closing_values_are_from_before_the_closing(
    history: Warehouse, training_set: TrainingSet, extract: Extract
) -> None:
    """The touches counted are those that had happened, and were known, before the lead ended."""
    examples, won = closing_examples(history.until(None), training_set, FEATURES)
    ended = resolved(extract)
    assert set(examples.keys["lead_id"]) == set(ended)
    counted = dict.fromkeys(ended, 0)
    for row in extract.rows("activities"):
        if row["lead_id"] in ended:
            lead, is_won = ended[row["lead_id"]]
            end = lead["converted_at"] if is_won else lead["lost_at"]
            known = row["known_at"] or row["occurred_at"]
            counted[row["lead_id"]] += row["occurred_at"] < end and known < end
    names = examples.keys["lead_id"]
    np.testing.assert_array_equal(examples.X["touches_all"], [counted[n] for n in names])
    np.testing.assert_array_equal(won, [float(ended[n][1]) for n in names])


def test_naive_bayes_by_hand(
    history: Warehouse, training_set: TrainingSet, extract: Extract
) -> None:
    """One field's odds: how often each word stood on won and on lost leads, one added to each."""
    small = only(training_set, "leads_source")
    words = training_set.vocabulary.columns["leads.source"]
    assert words is not None
    ends = [(row["source"], is_won) for row, is_won in resolved(extract).values()]
    won = [source for source, is_won in ends if is_won]
    lost = [source for source, is_won in ends if not is_won]
    bins = len(words) + 2
    prior = logit((len(won) + 0.5) / (len(ends) + 1))
    asked = pd.DataFrame({"leads_source": np.arange(len(words), dtype=float)})
    expected = [
        prior
        + np.log((won.count(word) + 1) / (len(won) + bins))
        - np.log((lost.count(word) + 1) / (len(lost) + bins))
        for word in words
    ]
    p = forecast(history, small, NAIVE_BAYES, asked)
    assert p == pytest.approx(expit(expected))
    never = forecast(history, small, NAIVE_BAYES, pd.DataFrame({"leads_source": [np.nan]}))
    assert never == pytest.approx(
        [expit(prior + np.log(1 / (len(won) + bins)) - np.log(1 / (len(lost) + bins)))]
    )


def test_logistic_regression_learns_the_companys_reasons(
    fitted: dict[str, Baseline], training_set: TrainingSet
) -> None:
    """It tells the training rows apart, and gives a chance to values it never met."""
    X = training_set.examples.X
    p = fitted[LOGISTIC].forecast(X)
    assert p[training_set.y == 1].mean() > 1.3 * p[training_set.y == 0].mean()
    empty = fitted[LOGISTIC].forecast(X.iloc[:2].mul(np.nan))
    assert np.isfinite(empty).all()


def test_logistic_regression_does_without_what_is_suspected(
    history: Warehouse, training_set: TrainingSet
) -> None:
    """With a suspected stage neither the stage nor a rank within it moves the forecast."""
    stage = Suspicion("stage", "too good", 0.99, left_out=True)
    few = only(training_set, "stage", "rank_age_days", "touches_all")
    few = replace(few, suspicions=(stage,))
    (logistic,) = (
        b for b in fit_baselines(history.until(None), few, FEATURES) if b.name == LOGISTIC
    )
    X = few.examples.X
    other = X.assign(stage=0.0, rank_age_days=0.5)
    np.testing.assert_array_equal(logistic.forecast(X), logistic.forecast(other))
    assert np.ptp(logistic.forecast(X)) > 0


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_kind_of_outcome_gives_the_base_rate(
    history: Warehouse, training_set: TrainingSet, label: float
) -> None:
    """Where all rows ended alike, the regression has nothing to regress on."""
    small = only(training_set, "days_since_touch")
    alike = replace(small, y=np.full(len(training_set.y), label))
    X = training_set.examples.X.iloc[:4]
    p = forecast(history, alike, LOGISTIC, X)
    assert p == pytest.approx(forecast(history, alike, BASE_RATE, X))


def test_no_rows_are_forecast_by_all(
    fitted: dict[str, Baseline], training_set: TrainingSet
) -> None:
    """A cutoff without open leads breaks no baseline."""
    for baseline in fitted.values():
        assert baseline.forecast(training_set.examples.X.iloc[:0]).shape == (0,)


@pytest.mark.parametrize("seed", range(4))
def test_recency_gives_every_lead_a_share_of_its_past(
    history: Warehouse, training_set: TrainingSet, seed: int
) -> None:
    """Whatever the days, the forecast lies between the least and the greatest share there was."""
    rng = np.random.default_rng(seed)
    count = 400
    days = rng.exponential(20, count)
    days[rng.random(count) < 0.2] = np.nan
    y = (rng.random(count) < np.where(days < 10, 0.5, 0.1)).astype(np.float64)
    small = only(training_set, "days_since_touch")
    keys = training_set.examples.keys.iloc[:count]
    X = pd.DataFrame({"days_since_touch": days})
    drawn = replace(small, examples=Examples(keys, X, small.examples.feature_set), y=y)
    asked = pd.DataFrame({"days_since_touch": [0.0, 5.0, 40.0, 1e6, -3.0, np.nan]})
    p = forecast(history, drawn, RECENCY, asked)
    assert ((p > 0) & (p < 1)).all()
    assert p[0] == p[4]
    assert p[0] > p[2]
    # Shares of the bins, weighted by their rows, are the company's rate but for the prior.
    own = forecast(history, drawn, RECENCY, X)
    assert own.mean() == pytest.approx(y.mean(), abs=0.02)


def test_naive_bayes_ignores_a_field_that_tells_nothing(
    history: Warehouse, training_set: TrainingSet
) -> None:
    """A field that is empty on every lead, won or lost, adds nothing to the other fields' odds."""
    alone = only(training_set, "leads_source")
    X = alone.examples.X.iloc[:50]
    p = forecast(history, alone, NAIVE_BAYES, X)
    assert len(set(np.round(p, 12))) <= len(set(X["leads_source"].dropna())) + 1
    np.testing.assert_array_equal(p, forecast(history, alone, NAIVE_BAYES, X.iloc[::-1])[::-1])
