"""What a score would be if one reason were as usual for the team."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.arrays import Bools
from features.build import Examples
from features.feature import Feature, Segment
from training.leads.bundle import Bundle
from training.leads.explain import explain
from training.leads.precedents import in_words
from training.leads.reasons import Units, shown

LEAST_PEERS = 20
"""Open leads of a team without which the usual values are those of all open leads."""
HALF = 0.5
TEAM, COMPANY = "the team's", "the company's"


@dataclass(frozen=True)
class Usual:
    """Values of the middle open lead.

    Attributes:
        middle: of each feature; NaN where most leads have none.
        whose: whose leads they are taken from, in words.
    """

    middle: pd.Series
    whose: str

    @classmethod
    def around(cls, examples: Examples, row: int) -> Usual:
        """Take the middle of the open leads of a lead's team, or of all where that has too few.

        Args:
            examples: all open leads at the moment.
            row: the lead.
        """
        peers, whose = _team_of(examples, row), TEAM
        if peers.sum() < LEAST_PEERS:
            peers, whose = np.ones(len(examples.X), np.bool_), COMPANY
        X = examples.X[peers]
        values = {f.name: _middle(X[f.name], f) for f in examples.feature_set}
        return cls(pd.Series(values, dtype=np.float64), whose)


def _team_of(examples: Examples, row: int) -> Bools:
    """Return which leads have an owner in the same team; none where teams are not known."""
    for feature in examples.feature_set:
        if feature.segment is Segment.TEAM:
            team = examples.X[feature.name].to_numpy()
            return np.asarray(team == team[row])
    return np.zeros(len(examples.X), np.bool_)


def _middle(values: pd.Series, feature: Feature) -> float:
    if values.isna().mean() > HALF:
        return np.nan
    if feature.categories is not None:
        return float(values.mode().iloc[0])
    return float(values.median())


def with_usual(
    bundle: Bundle, examples: Examples, row: int, reasons: Mapping[str, Any], each_side: int
) -> dict[str, Any]:
    """Add to a lead's reasons what the score would be at usual values, and say each in a sentence.

    The features behind a reason are set to usual values, and the model forecasts anew: what it
    would say of such a lead, not what would become of this one.

    Args:
        bundle: the model.
        examples: all open leads at the moment.
        row: the lead.
        reasons: of that lead, from `reasons`.
        each_side: the same as they were made with.
    """
    alone = examples.take(np.arange(len(examples.X)) == row)
    items: Sequence[Mapping[str, Any]] = reasons["items"]
    if not items:
        return dict(reasons)
    explanation, usual = explain(bundle, alone), Usual.around(examples, row)
    units = Units.of(explanation, each_side)
    changed = pd.concat([alone.X] * len(items), ignore_index=True)
    for place, unit in enumerate(shown(units, 0, each_side)):
        members = np.flatnonzero(units.members(0, unit))
        names = [explanation.features[int(k)].name for k in members]
        changed.loc[place, names] = usual.middle[names]
    at_usual = 100 * bundle.probability(changed)
    spoken = [
        {**item, "at_usual": round(float(p), 4), "says": _says(item, float(p), usual, bundle)}
        for item, p in zip(items, at_usual, strict=True)
    ]
    return {**reasons, "items": spoken}


def _says(item: Mapping[str, Any], at_usual: float, usual: Usual, bundle: Bundle) -> str:
    """Say a reason in sentences: the value, what became of such leads, the score at the usual."""
    sentences = [
        f"{item['label']}: {item['value']}",
        in_words(item["history"], bundle.horizon),
        f"at {usual.whose} usual the score would be {at_usual:.0f}",
    ]
    return ". ".join(s[0].upper() + s[1:] for s in sentences if s) + "."
