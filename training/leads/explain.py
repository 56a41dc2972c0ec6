"""Reasons for a score, in percentage points that add up to it.

Trees explain themselves in log-odds (path-dependent TreeSHAP, Lundberg et al. 2020). People read
percent. With raw margin m, its base b and the calibrated probability g, every feature's log-odds
are multiplied by the same rate (g(m) - g(b)) / (m - b), the slope of the chord from the base to the
lead. So the points of all features and the base add up to the probability exactly, and keep their
signs and proportions.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.arrays import Floats
from features.build import Examples
from features.feature import Feature, Unit
from training.estimators.boosting import Ensemble
from training.leads.bundle import Bundle

NEAR = 1e-9
_SAME = {
    "active_days": "touch",
    "duration_hours": "touch",
    "first_touch": "touch",
    "overdue": "touch",
    "between_touches": "touch",
    "reps_rate_best": "reps_rate",
    "stage_changes": "stage",
}
"""Names that are about the same thing although they are called otherwise."""


@dataclass(frozen=True)
class Explanation:
    """Points of every feature for every row.

    Attributes:
        base: percentage points of a lead of which nothing is known.
        points: rows x features; base + the sum of a row = 100 p.
        probability: p.
        features: what the columns are.
    """

    base: float
    points: Floats
    probability: Floats
    features: tuple[Feature, ...]


def explain(bundle: Bundle, examples: Examples) -> Explanation:
    """Split each probability into percentage points of the features."""
    features = tuple(bundle.feature_set)
    if bundle.ensemble is None:
        p = bundle.probability(examples.X)
        return Explanation(100 * bundle.base_rate, np.zeros((len(p), 0)), p, ())
    phi, base = _log_odds(bundle.ensemble, examples)
    raw = base + phi.sum(axis=1)
    p, p0 = bundle.calibrator.probability(raw), bundle.calibrator.probability(np.array([base]))[0]
    away = raw - base
    near = np.abs(away) < NEAR
    rate = np.where(near, p * (1 - p), (p - p0) / np.where(near, 1.0, away))
    return Explanation(float(100 * p0), 100 * phi * rate[:, None], p, features)


def _log_odds(ensemble: Ensemble, examples: Examples) -> tuple[Floats, float]:
    made = ensemble.contributions(examples.X)
    return made[:, :-1], float(made[0, -1]) if len(made) else 0.0


def topic(name: str) -> str:
    """Name what a feature is about, its window and its way of counting aside.

    >>> topic("type_call_14d") == topic("days_since_type_call")
    True
    """
    plain = re.sub(r"_(\d+d|all|mean|days|working_hours)$", "", name.removeprefix("standing_"))
    plain = re.sub(r"^(days|working_hours|duration_hours)_", "", plain)
    plain = re.sub(r"^(since_first|since|in)_", "", plain)
    return _SAME.get(plain, "touch" if plain.startswith("touch") else plain)


def reasons(explanation: Explanation, examples: Examples, each_side: int) -> list[dict[str, Any]]:
    """Put every row's strongest reasons into the contract's form.

    Features about one topic (the same activity in several windows) are added up and spoken for by
    the strongest of them, so that three reasons are three different things.

    Returns:
        One `{"base", "items", "rest"}` a row; base + points + rest = 100 p.
    """
    topics = [topic(f.name) for f in explanation.features]
    names = sorted(set(topics))
    index = np.array([names.index(t) for t in topics], dtype=int)
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
    against = [int(t) for t in order[:each_side] if sums[t] < 0]
    speaking = [int(t) for t in order[::-1][:each_side] if sums[t] > 0]
    items = [
        _item(explanation, examples, row, t, float(sums[t]), index) for t in speaking + against
    ]
    base, total = round(explanation.base, 4), float(100 * explanation.probability[row])
    rest = total - base - sum(item["points"] for item in items)
    return {"base": base, "items": items, "rest": round(rest, 4)}


def _item(
    explanation: Explanation,
    examples: Examples,
    row: int,
    place: int,
    points: float,
    index: npt.NDArray[np.int_],
) -> dict[str, Any]:
    members = np.flatnonzero(index == place)
    own = explanation.points[row, members] * np.sign(points)
    feature = explanation.features[int(members[int(np.argmax(own))])]
    value = examples.X[feature.name].to_numpy()[row]
    return {
        "feature": feature.name,
        "label": feature.says,
        "value": say_value(feature, float(value)),
        "points": round(points, 4),
        "side": "for" if points > 0 else "against",
        "who": feature.who.value,
    }


def say_value(feature: Feature, value: float) -> str:
    """Say a feature's value as a person would.

    >>> from features.feature import Aggregate, Aggregation, Relation, Who
    >>> count = Aggregate(Aggregation.COUNT)
    >>> say_value(Feature("n", Relation.TOUCHES, count, "calls", Who.REP), 3.0)
    '3'
    """
    if np.isnan(value):
        return "none yet"
    if feature.categories is not None:
        place = int(value)
        return feature.categories[place] if place < len(feature.categories) else "another"
    if feature.name.startswith("is_"):
        return "yes" if value else "no"
    if feature.unit is Unit.SHARE:
        return f"{value:.2f}"
    if float(value).is_integer() or abs(value) >= 100:  # noqa: PLR2004 - no decimals worth reading
        return f"{value:,.0f}"
    return f"{value:,.1f}"


def as_json(made: dict[str, Any]) -> str:
    """Write one row's reasons for a table."""
    return json.dumps(made, ensure_ascii=False)
