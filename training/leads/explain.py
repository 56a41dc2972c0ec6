"""Reasons for a score, in percentage points that add up to it.

The model explains itself in log-odds: its trees by path-dependent TreeSHAP (Lundberg et al. 2020),
the regression beside them by its weights. People read percent. With raw margin m, its base b and
the calibrated probability g, every feature's log-odds are multiplied by the same rate
(g(m) - g(b)) / (m - b), the slope of the chord from the base to the lead. So the points of all
features and the base add up to the probability exactly, and keep their signs and proportions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Floats
from features.build import Examples
from features.definitions.time_ahead import DAYS_AHEAD
from features.feature import Feature, Unit
from training.estimators.calibration import Calibrator
from training.leads.blend import Blend
from training.leads.bundle import Bundle
from training.leads.segments import own_rows

NEAR = 1e-9
DAYS_FROM_HOURS = 48.0
"""Times are said in days from so many hours on."""
FIGURES = 10.0
"""From here on a number is read without decimals."""


@dataclass(frozen=True)
class Explanation:
    """Points of every feature for every row.

    Attributes:
        base: percentage points of a lead of which nothing is known, in each row's segment.
        points: rows x features; base + the sum of a row = 100 p.
        probability: p.
        features: what the columns are.
    """

    base: Floats
    points: Floats
    probability: Floats
    features: tuple[Feature, ...]


def explain(bundle: Bundle, examples: Examples) -> Explanation:
    """Split each probability into percentage points of the features.

    A lead in a segment with a model of its own is explained by that model, from that model's base.
    """
    features, X = tuple(bundle.feature_set), examples.X
    if bundle.blend is None:
        # By age alone the way from the base rate is age's; without a curve there is no way to go.
        p = bundle.probability(X)
        points = np.repeat(100 * (p - bundle.base_rate)[:, None], len(features), axis=1)
        return Explanation(np.full(len(X), 100 * bundle.base_rate), points, p, features)
    columns = bundle.columns
    base, points, p = _shares(bundle.blend, bundle.calibrator, X, columns)
    for rows, blend, calibrator in own_rows(bundle.segments, X):
        base[rows], points[rows], p[rows] = _shares(blend, calibrator, X[rows], columns)
    return Explanation(base, points, p, features)


def _shares(
    blend: Blend, calibrator: Calibrator, X: pd.DataFrame, columns: Sequence[str]
) -> tuple[Floats, Floats, Floats]:
    """Return one model's base in percentage points, every column's points, and p, row by row."""
    phi, base = _log_odds(blend, X, columns)
    raw = base + phi.sum(axis=1)
    p, p0 = calibrator.probability(raw), calibrator.probability(np.array([base]))[0]
    away = raw - base
    near = np.abs(away) < NEAR
    rate = np.where(near, p * (1 - p), (p - p0) / np.where(near, 1.0, away))
    return np.full(len(X), 100 * p0), 100 * phi * rate[:, None], p


def _log_odds(blend: Blend, X: pd.DataFrame, columns: Sequence[str]) -> tuple[Floats, float]:
    """Return what each column adds to the log-odds, and the base that it is added to.

    A column that only says which segment a lead is in adds nothing.
    """
    contributions = blend.contributions(X)
    phi = contributions[:, :-1]
    used = [*blend.trees.columns, *({DAYS_AHEAD} & {*columns})]
    if used != [*columns]:
        phi = pd.DataFrame(phi, columns=used).reindex(columns=[*columns], fill_value=0.0).to_numpy()
    return phi, float(contributions[0, -1]) if len(contributions) else 0.0


def reasons(explanation: Explanation, examples: Examples, each_side: int) -> list[dict[str, Any]]:
    """Put every row's strongest reasons into the contract's form.

    Features of one topic (the same activity in several windows) are added up and spoken for by the
    strongest of them, so that three reasons are three different things.

    Returns:
        One `{"base", "items", "rest"}` a row; base + points + rest = 100 p.
    """
    topics = [feature.topic for feature in explanation.features]
    names = sorted(set(topics))
    index = np.array([names.index(topic) for topic in topics], dtype=int)
    sums = np.zeros((len(explanation.points), len(names)))
    for column, place in enumerate(index):
        sums[:, place] += explanation.points[:, column]
    return [
        _row(explanation, examples, row, sums[row], index, each_side)
        for row in range(len(explanation.points))
    ]


def _row(
    explanation: Explanation,
    examples: Examples,
    row: int,
    sums: Floats,
    index: npt.NDArray[np.int_],
    each_side: int,
) -> dict[str, Any]:
    order = np.argsort(sums, kind="stable")
    against = [int(topic) for topic in order[:each_side] if sums[topic] < 0]
    speaking = [int(topic) for topic in order[::-1][:each_side] if sums[topic] > 0]
    items = [
        _item(explanation, examples, row, topic, float(sums[topic]), index)
        for topic in speaking + against
    ]
    base, total = round(float(explanation.base[row]), 4), float(100 * explanation.probability[row])
    rest = total - base - sum(item["points"] for item in items)
    return {"base": base, "items": items, "rest": round(rest, 4)}


def _item(
    explanation: Explanation,
    examples: Examples,
    row: int,
    topic: int,
    points: float,
    index: npt.NDArray[np.int_],
) -> dict[str, Any]:
    members = np.flatnonzero(index == topic)
    own = explanation.points[row, members] * np.sign(points)
    feature = explanation.features[int(members[int(np.argmax(own))])]
    value = examples.X[feature.name].to_numpy()[row]
    return {
        "feature": feature.name,
        "label": feature.about.label,
        "value": say_value(feature, float(value)),
        "points": round(points, 4),
        "side": "for" if points > 0 else "against",
        "who": feature.who.value,
    }


def say_value(feature: Feature, value: float) -> str:
    """Say a feature's value in a sentence, as its declaration words it.

    >>> from features.feature import Aggregate, Aggregation, Relation
    >>> from features.texts import About, Phrase, Who
    >>> wait, about = Aggregate(Aggregation.SINCE_LAST), About("touch", "activity", Who.REP)
    >>> last = Phrase("last touched {} ago", "no touch yet")
    >>> wait = Feature("x", Relation.TOUCHES, wait, "wait", about, Unit.DAYS, phrase=last)
    >>> say_value(wait, 5.0), say_value(wait, 0.125), say_value(wait, float("nan"))
    ('last touched 5 days ago', 'last touched 3 hours ago', 'no touch yet')
    """
    return feature.phrase.says(value, lambda number: _in_words(feature, number))


def _in_words(feature: Feature, value: float) -> str:
    """Write a value as its unit is read."""
    if feature.categories is not None:
        place = int(value)
        return feature.categories[place] if place < len(feature.categories) else "another"
    return WRITERS.get(feature.unit, _number)(value)


def _percent(share: float) -> str:
    """Write a share; only all of it is 100 %, and only nothing of it 0 %."""
    whole = round(100 * share)
    if whole == 0 and share > 0:
        return "less than 1 %"
    if whole == 100 and share < 1:  # noqa: PLR2004 - percent
        return "more than 99 %"
    return f"{whole} %"


def _time(hours: float) -> str:
    """Write a length of time in the unit that fits it: minutes, hours, or days from two on."""
    if abs(hours) >= DAYS_FROM_HOURS:
        return _quantity(hours / 24, "day")
    if abs(hours) >= 1:
        return _quantity(hours, "hour")
    return _quantity(60 * hours, "minute") if 60 * abs(hours) >= 1 else "less than a minute"


def _quantity(number: float, one: str) -> str:
    words = _number(number)
    return f"{words} {one}" if words == "1" else f"{words} {one}s"


def _number(value: float) -> str:
    """Write a number with no more decimals than are worth reading: 0.27, 1.3, 12, 4,200."""
    if abs(value) >= FIGURES or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.2g}"


WRITERS: Mapping[Unit, Callable[[float], str]] = {
    Unit.BOOLEAN: lambda value: "yes" if value else "no",
    Unit.SHARE: _percent,
    Unit.DAYS: lambda days: _time(24 * days),
    Unit.HOURS: _time,
    Unit.WORKING_HOURS: lambda hours: (
        _quantity(hours, "working hour") if hours >= 1 else "less than a working hour"
    ),
}
"""How values of a unit are written; those of the others are plain numbers."""


def as_json(row: dict[str, Any]) -> str:
    """Write one row's reasons for a table."""
    return json.dumps(row, ensure_ascii=False)
