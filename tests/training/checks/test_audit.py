"""Features that know too much are suspected; features that are merely good are not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from features.build import Examples
from features.feature import Expression, Feature, FeatureSet, Relation, Unit
from features.texts import About, Who
from training.checks.suspicion import suspicious_features

Floats = npt.NDArray[np.float64]
LEADS, CUTOFFS = 600, 5


def _examples(
    columns: dict[str, Floats], leads: npt.NDArray[np.str_], words: int | None = None
) -> Examples:
    """Examples whose columns are numbers or, given a count of words, categories."""
    categories = None if words is None else tuple(f"w{i}" for i in range(words))
    unit = Unit.AMOUNT if words is None else Unit.CATEGORY
    declared = tuple(
        Feature(
            name,
            Relation.LEAD,
            Expression(lambda r: r.x),
            name,
            About(name, name, Who.LEAD),
            unit,
            categories=categories,
        )
        for name in columns
    )
    place = pd.Series(leads).groupby(leads).cumcount()
    cutoffs = pd.Timestamp("2025-01-01") + pd.to_timedelta(place, unit="D")
    keys = pd.DataFrame({"lead_id": leads, "cutoff": cutoffs, "owner": "r"})
    return Examples(keys, pd.DataFrame(columns), FeatureSet("lead", declared))


def _outcomes(seed: int) -> tuple[np.random.Generator, npt.NDArray[np.str_], Floats]:
    """Leads seen at several cutoffs, one in five converting."""
    rng = np.random.default_rng(seed)
    leads = np.repeat(np.array([f"l{i:04d}" for i in range(LEADS)]), CUTOFFS)
    return rng, leads, np.repeat((rng.random(LEADS) < 0.2).astype(np.float64), CUTOFFS)


@pytest.mark.parametrize("seed", range(5))
def test_an_answer_is_suspected_and_an_honest_column_is_not(seed: int) -> None:
    """A copy of the label is left out; a column with an AUC near 0.85 and noise stay."""
    rng, leads, y = _outcomes(seed)
    columns = {
        "answer": y + 0.1 * rng.standard_normal(len(y)),
        "strong": 1.5 * y + rng.standard_normal(len(y)),
        "noise": rng.standard_normal(len(y)),
    }
    suspicions = suspicious_features(_examples(columns, leads), y, ())
    assert [(s.feature, s.left_out) for s in suspicions] == [("answer", True)]
    assert suspicions[0].auc > 0.99
    assert "training.leads.allow_suspicious" in suspicions[0].says


def test_a_person_can_vouch_for_a_feature() -> None:
    """A suspected feature that is allowed by name is named but not left out."""
    _, leads, y = _outcomes(1)
    suspicions = suspicious_features(_examples({"answer": -y}, leads), y, ["answer"])
    assert [(s.feature, s.left_out) for s in suspicions] == [("answer", False)]


def test_being_missing_can_be_the_answer() -> None:
    """A column that is filled for converting leads only is suspected, whatever it holds."""
    rng, leads, y = _outcomes(2)
    column = np.where(y == 1, rng.standard_normal(len(y)), np.nan)
    assert [s.feature for s in suspicious_features(_examples({"x": column}, leads), y, ())] == ["x"]


def test_an_answer_without_order_is_found() -> None:
    """A number tells the label as well when the high and the low ones convert, not the middle."""
    rng, leads, y = _outcomes(3)
    column = np.where(y == 1, rng.choice([-9.0, 9.0], len(y)), rng.standard_normal(len(y)))
    assert [s.feature for s in suspicious_features(_examples({"x": column}, leads), y, ())] == ["x"]


@pytest.mark.parametrize("seed", range(3))
def test_an_identifier_is_no_answer(seed: int) -> None:
    """Categories unlike in every lead tell nothing of other leads, so they are not suspected."""
    _, leads, y = _outcomes(seed)
    codes = np.repeat(np.random.default_rng(seed).permutation(LEADS), CUTOFFS).astype(np.float64)
    assert suspicious_features(_examples({"x": codes}, leads, words=LEADS), y, ()) == ()


def test_a_category_that_answers_is_found() -> None:
    """A category is judged by the rates its words have on other leads."""
    rng, leads, y = _outcomes(4)
    codes = np.where(y == 1, rng.integers(0, 3, len(y)), rng.integers(3, 9, len(y)))
    examples = _examples({"x": codes.astype(np.float64)}, leads, words=9)
    assert [s.feature for s in suspicious_features(examples, y, ())] == ["x"]


def test_few_leads_support_no_suspicion() -> None:
    """Nineteen converting leads are too few, however many rows they have."""
    leads = np.repeat(np.array([f"l{i:03d}" for i in range(219)]), 50)
    y = np.repeat((np.arange(219) < 19).astype(np.float64), 50)
    assert suspicious_features(_examples({"x": y}, leads), y, ()) == ()


def test_nothing_is_suspected_of_no_rows() -> None:
    """An extract without mature labels has no suspicions."""
    empty = np.empty(0)
    assert suspicious_features(_examples({"x": empty}, np.empty(0, dtype=str)), empty, ()) == ()


def test_the_same_rows_give_the_same_suspicions() -> None:
    """The audit throws no dice."""
    rng, leads, y = _outcomes(6)
    examples = _examples({"a": y, "b": rng.standard_normal(len(y))}, leads)
    assert suspicious_features(examples, y, ()) == suspicious_features(examples, y, ())


def test_a_column_that_tells_who_but_not_when_is_found() -> None:
    """A column that shows the end of the story from the first day on is suspected.

    Its leads convert only after their fourth cutoff, so that most of their rows are no conversion
    yet, and one in four of the others is still open when the rows end.
    """
    rng = np.random.default_rng(7)
    won = rng.random(LEADS) < 0.2
    later = ~won & (rng.random(LEADS) < 0.25)
    rows = np.where(later, CUTOFFS + 2, CUTOFFS)
    leads = np.repeat(np.array([f"l{i:04d}" for i in range(LEADS)]), rows)
    last = np.append(leads[1:] != leads[:-1], True)
    y = (np.repeat(won, rows) & last).astype(np.float64)
    end = np.repeat((won | later).astype(np.float64), rows)
    strong = np.repeat(won + 0.9 * rng.standard_normal(LEADS), rows)
    suspicions = suspicious_features(_examples({"end": end, "strong": strong}, leads), y, ())
    assert [s.feature for s in suspicions] == ["end"]
