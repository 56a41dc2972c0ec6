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
from training.leads.baselines import (
    BASE_RATE,
    LOGISTIC,
    NAIVE_BAYES,
    RECENCY,
    Baseline,
    closing_examples,
    fit_baselines,
)
from training.leads.dataset import TrainingSet

Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def fitted(history: Warehouse, lesson: TrainingSet) -> dict[str, Baseline]:
    """All baselines, learned from the whole lesson."""
    return {b.name: b for b in fit_baselines(history.until(None), lesson, FEATURES)}


def only(lesson: TrainingSet, *names: str) -> TrainingSet:
    """Take some features, as if there were no others."""
    declared = lesson.examples.feature_set
    kept = declared.without(frozenset(declared.names) - frozenset(names))
    examples = Examples(lesson.examples.keys, lesson.examples.X[list(names)], kept)
    return replace(lesson, examples=examples)


def forecast(history: Warehouse, lesson: TrainingSet, name: str, X: pd.DataFrame) -> Floats:
    """Fit all baselines and ask one."""
    (found,) = (b for b in fit_baselines(history.until(None), lesson, FEATURES) if b.name == name)
    return found.forecast(X)


def resolved(extract: Extract) -> dict[str, tuple[Row, bool]]:
    """Name the leads that ended, and whether they were won."""
    return {
        row["lead_id"]: (row, row.get("converted_at") is not None)
        for row in extract.rows("leads")
        if row.get("converted_at") or row.get("lost_at")
    }


def test_the_base_rate_is_a_share_of_rows(history: Warehouse, lesson: TrainingSet) -> None:
    """Conversions and a half, over rows and five, for everybody."""
    small = only(lesson, "days_since_touch")
    p = forecast(history, small, BASE_RATE, small.examples.X.iloc[:3])
    expected = (lesson.y.sum() + 0.5) / (len(lesson.y) + 5)
    assert p == pytest.approx([expected] * 3)


def test_the_recency_rule_by_hand(history: Warehouse, lesson: TrainingSet) -> None:
    """Ten days since a touch, ten rows each: each tenth has its own share, pulled to the mean."""
    days = np.repeat(np.arange(10.0), 10)
    y = np.concatenate([np.ones(10), np.zeros(80), np.tile([1.0, 0.0], 5)])
    small = only(lesson, "days_since_touch")
    X = pd.DataFrame({"days_since_touch": np.append(days, np.nan)})
    keys = lesson.examples.keys.iloc[: len(X)]
    examples = Examples(keys, X, small.examples.feature_set)
    fitted = replace(small, examples=examples, y=np.append(y, 1.0))
    asked = pd.DataFrame({"days_since_touch": [0.0, 5.0, 9.0, np.nan, 400.0]})
    rate = (16 + 0.5) / (101 + 5)
    counts = ((10, 10), (0, 10), (5, 10), (1, 1), (5, 10))
    shares = [(won + 10 * rate) / (rows + 10) for won, rows in counts]
    assert forecast(history, fitted, RECENCY, asked) == pytest.approx(shares)


def test_closing_values_are_from_before_the_closing(
    history: Warehouse, lesson: TrainingSet, extract: Extract
) -> None:
    """The touches counted are those that had happened, and were known, before the lead ended."""
    examples, won = closing_examples(history.until(None), lesson, FEATURES)
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


def test_naive_bayes_by_hand(history: Warehouse, lesson: TrainingSet, extract: Extract) -> None:
    """One field's odds: how often each word stood on won and on lost leads, one added to each."""
    small = only(lesson, "leads_source")
    words = lesson.words.columns["leads.source"]
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
    fitted: dict[str, Baseline], lesson: TrainingSet
) -> None:
    """It tells the training rows apart, and gives a chance to values it never met."""
    X = lesson.examples.X
    p = fitted[LOGISTIC].forecast(X)
    assert p[lesson.y == 1].mean() > 1.3 * p[lesson.y == 0].mean()
    empty = fitted[LOGISTIC].forecast(X.iloc[:2].mul(np.nan))
    assert np.isfinite(empty).all()


def test_logistic_regression_does_without_what_is_suspected(
    history: Warehouse, lesson: TrainingSet
) -> None:
    """With a suspected stage neither the stage nor a rank within it moves the forecast."""
    stage = Suspicion("stage", "too good", 0.99, left_out=True)
    few = only(lesson, "stage", "rank_age_days", "touches_all")
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
    history: Warehouse, lesson: TrainingSet, label: float
) -> None:
    """Where all rows ended alike, the regression has nothing to regress on."""
    small = only(lesson, "days_since_touch")
    alike = replace(small, y=np.full(len(lesson.y), label))
    X = lesson.examples.X.iloc[:4]
    p = forecast(history, alike, LOGISTIC, X)
    assert p == pytest.approx(forecast(history, alike, BASE_RATE, X))


def test_no_rows_are_forecast_by_all(fitted: dict[str, Baseline], lesson: TrainingSet) -> None:
    """A cutoff without open leads breaks no baseline."""
    for baseline in fitted.values():
        assert baseline.forecast(lesson.examples.X.iloc[:0]).shape == (0,)
