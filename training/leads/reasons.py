"""Reasons for a score: topics, or themes where topics are too weak, strongest first.

A feature has a topic, and a topic has a theme. The points of a lead are told by theme, and a strong
topic is told by itself for as long as the reasons that are shown still say most of all there is to
say. With three reasons on each side, and points that are all for the lead:

| theme              | points of its topics  | told as                                     |
|--------------------|-----------------------|---------------------------------------------|
| our work on it     | calls 6, pace 1       | calls: 6; our work on it, otherwise: 1      |
| how far it has come| stage 4, time in it 1 | how far it has come: 5                      |
| whose it is        | territory 1, load 1   | whose it is: 2                              |

Apart, the stage (4) and the time in it (1) would leave 3 of 14 points untold, which is too much.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.arrays import Bools, Floats, Ints
from features.build import Examples
from features.feature import Feature, Unit
from features.texts import group_of
from training.leads.explain import Explanation
from training.leads.precedents import Precedent
from training.leads.values import say_value

LEAST_SHOWN = 0.8
"""Topics stand alone only while the reasons shown hold this share of all points."""
STRONG = 0.2
"""A topic of this share of all points may stand alone."""
UNKNOWN = "not known"
TIMES = (Unit.DAYS, Unit.HOURS, Unit.WORKING_HOURS)


@dataclass(frozen=True)
class Units:
    """What the points of leads are told as: themes first, then topics.

    Attributes:
        labels: of each unit, as people read it.
        themes: how many of the units are themes.
        theme: the theme of each topic.
        topic: the topic of each feature.
        points: rows x units; a unit that a row does not use has none.
        alone: rows x topics: whether the topic stands alone in the row.
    """

    labels: tuple[str, ...]
    themes: int
    theme: Ints
    topic: Ints
    points: Floats
    alone: Bools

    @classmethod
    def of(cls, explanation: Explanation, each_side: int) -> Units:
        """Choose how every row is told.

        Args:
            explanation: points of every feature.
            each_side: reasons that are shown for a lead, and as many against it, at most.
        """
        about = {f.topic: f.about for f in explanation.features}
        topics = sorted(about)
        themes = sorted({about[name].theme.value for name in topics})
        topic = np.array([topics.index(f.topic) for f in explanation.features], np.int64)
        theme = np.array([themes.index(about[name].theme.value) for name in topics], np.int64)
        of_topics = _summed(explanation.points, topic, len(topics))
        points, alone = _apart(of_topics, theme, len(themes), each_side)
        labels = (*themes, *(about[name].label for name in topics))
        return cls(labels, len(themes), theme, topic, points, alone)

    def members(self, row: int, unit: int) -> Bools:
        """Return which features speak in a row's unit."""
        if unit >= self.themes:
            return self.topic == unit - self.themes
        inside = (self.theme == unit) & ~self.alone[row]
        return inside[self.topic]

    def label(self, row: int, unit: int) -> str:
        """Return what a row's unit is called: a theme of which one topic is left is that topic."""
        if unit >= self.themes:
            return self.labels[unit]
        inside, alone = self.theme == unit, self.alone[row]
        left = np.flatnonzero(inside & ~alone)
        if len(left) == 1:
            return self.labels[self.themes + int(left[0])]
        return f"{self.labels[unit]}, otherwise" if alone[inside].any() else self.labels[unit]


def share_shown(points: Floats, each_side: int) -> Floats:
    """Return the share of each row's points that so many reasons on either side hold.

    Args:
        points: rows x units.
        each_side: reasons for, and as many against.
    """
    kept = min(each_side, points.shape[1])
    best, worst = (
        np.sort(np.clip(side, 0.0, None), axis=1)[:, -kept:].sum(axis=1)
        for side in (points, -points)
    )
    total = np.abs(points).sum(axis=1)
    return np.asarray((best + worst) / np.where(total > 0, total, 1.0))


def _summed(points: Floats, place: Ints, count: int) -> Floats:
    sums = np.zeros((len(points), count))
    for column, at in enumerate(place):
        sums[:, at] += points[:, column]
    return sums


def _apart(of_topics: Floats, theme: Ints, themes: int, each_side: int) -> tuple[Floats, Bools]:
    """Let strong topics stand alone, the strongest first, while enough is told.

    The last topic that is left of a theme is the theme: taking it out would change nothing.
    """
    count = of_topics.shape[1]
    rows = np.arange(len(of_topics))
    points = np.hstack([_summed(of_topics, theme, themes), np.zeros_like(of_topics)])
    alone = np.zeros(of_topics.shape, np.bool_)
    left = np.tile(np.bincount(theme, minlength=themes), (len(rows), 1))
    strength = np.abs(of_topics)
    for _ in range(min(count, round(1 / STRONG))):
        topic = strength.argmax(axis=1)
        size = of_topics[rows, topic]
        apart = points.copy()
        apart[rows, theme[topic]] -= size
        apart[rows, themes + topic] = size
        wanted = (np.abs(size) > 0) & (np.abs(size) >= STRONG * np.abs(points).sum(axis=1))
        wanted &= (left[rows, theme[topic]] > 1) & (share_shown(apart, each_side) >= LEAST_SHOWN)
        points[wanted] = apart[wanted]
        alone[rows[wanted], topic[wanted]] = True
        left[rows[wanted], theme[topic[wanted]]] -= 1
        strength[rows, topic] = 0.0
    return points, alone


def reasons(
    explanation: Explanation,
    examples: Examples,
    each_side: int,
    precedents: Mapping[str, Precedent],
) -> list[dict[str, Any]]:
    """Put every row's strongest reasons into the contract's form.

    Args:
        explanation: points of every feature.
        examples: the rows that were explained.
        each_side: reasons for a lead, and as many against it, at most.
        precedents: of features, what became of leads with a like value.

    Returns:
        One `{"base", "items", "rest"}` a row; base + points + rest = 100 p.
    """
    units = Units.of(explanation, each_side) if len(explanation.features) else None
    X = examples.X[[feature.name for feature in explanation.features]].to_numpy(np.float64)
    voices = _Voices(explanation, X, precedents)
    return [
        _row(explanation, units, row, each_side, voices) for row in range(len(explanation.points))
    ]


def shown(units: Units, row: int, each_side: int) -> list[int]:
    """Return the units that a row shows: those for the lead, then those against it."""
    points = units.points[row]
    order = np.argsort(points, kind="stable")
    speaking = [int(unit) for unit in order[::-1][:each_side] if points[unit] > 0]
    return speaking + [int(unit) for unit in order[:each_side] if points[unit] < 0]


@dataclass(frozen=True)
class _Voices:
    """What is needed to say a feature's value."""

    explanation: Explanation
    X: Floats
    precedents: Mapping[str, Precedent]

    def item(self, row: int, unit: int, units: Units) -> dict[str, Any]:
        """Let the strongest feature of a unit speak for it."""
        points = float(units.points[row, unit])
        members = np.flatnonzero(units.members(row, unit))
        own = self.explanation.points[row, members] * np.sign(points)
        place = int(members[int(np.argmax(own))])
        feature, value = self.explanation.features[place], float(self.X[row, place])
        precedent = self.precedents.get(feature.name)
        return {
            "feature": feature.name,
            "label": units.label(row, unit),
            "value": say_value(feature, value),
            "points": round(points, 4),
            "side": "for" if points > 0 else "against",
            "who": feature.who.value,
            "group": group_of(feature.who, is_data_issue=is_data_issue(feature, value)),
            "history": None if precedent is None else precedent.of(value),
        }


def _row(
    explanation: Explanation, units: Units | None, row: int, each_side: int, voices: _Voices
) -> dict[str, Any]:
    places = [] if units is None else shown(units, row, each_side)
    items = [] if units is None else [voices.item(row, unit, units) for unit in places]
    base, total = round(float(explanation.base[row]), 4), float(100 * explanation.probability[row])
    rest = total - base - sum(item["points"] for item in items)
    return {"base": base, "items": items, "rest": round(rest, 4)}


def is_data_issue(feature: Feature, value: float) -> bool:
    """Say whether a value tells more of the records than of the lead.

    A value that ought to be there and is not, or a length of time below 0.
    """
    if np.isnan(value):
        return feature.phrase.empty == UNKNOWN
    return feature.unit in TIMES and value < 0


def as_json(row: dict[str, Any]) -> str:
    """Write one row's reasons for a table."""
    return json.dumps(row, ensure_ascii=False)
