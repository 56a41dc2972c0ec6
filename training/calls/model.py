"""What is learned of calls: the chance to reach somebody today, and what that adds to a chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from features.arrays import Floats
from training.calls.answers import Answers
from training.calls.risk import RiskEffects
from training.estimators.effects import EffectModel
from training.estimators.predictor import Predictor, mean_of


@dataclass(frozen=True)
class CallModel:
    """What a call to a lead is worth, apart from the lead's value.

    Attributes:
        columns: the features in use, in order.
        fingerprint: of their declarations; estimates from others are refused.
        answers: which activities were taken as attempts.
        reach: the chance that an attempt gets through on the day.
        gain: what getting through adds to the chance to convert within the horizon, feature by
            feature.
        risk: the same by where a lead stands and how likely it is to convert; both count alike.
        about: facts for people: how many attempts, the average gain, overlap, balance, placebos.
    """

    columns: tuple[str, ...]
    fingerprint: str
    answers: Answers
    reach: Predictor
    gain: EffectModel
    risk: RiskEffects
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def usual_reach(self) -> float:
        """The share of past attempts that got through."""
        return float(self.about["reached"])

    def estimates(self, X: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
        """Return reach, gain and the chance to convert without being reached, all from 0 to 1.

        A gain below 0 would say that being reached puts people off; none is believed of a single
        lead, so it counts as 0.
        """
        own = X.loc[:, list(self.columns)]
        reach = mean_of(self.reach.margins(own), is_chance=True)
        _, chance = self.gain.arms.means(own)
        gain = (self.gain.effect(own) + self.risk.effect(own, chance)) / 2
        return reach, np.clip(gain, 0.0, 1.0), np.clip(chance, 0.0, 1.0)

    @property
    def texts(self) -> tuple[str, ...]:
        """All trees in LightGBM's own text format."""
        return (*self.reach.texts, *self.gain.texts)

    def to_json(self) -> dict[str, Any]:
        """Return everything but the trees as plain values."""
        return {
            "columns": list(self.columns),
            "fingerprint": self.fingerprint,
            "answers": self.answers.to_json(),
            "reach": self.reach.to_json(),
            "gain": self.gain.to_json(),
            "risk": self.risk.to_json(),
            "about": dict(self.about),
            "trees": len(self.texts),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any], texts: Sequence[str]) -> CallModel:
        """Return the model that `to_json` and `texts` wrote down."""
        left = list(texts)
        reach = Predictor.from_json(plain["reach"], left)
        return cls(
            columns=tuple(plain["columns"]),
            fingerprint=plain["fingerprint"],
            answers=Answers.from_json(plain["answers"]),
            reach=reach,
            gain=EffectModel.from_json(plain["gain"], left),
            risk=RiskEffects.from_json(plain["risk"]),
            about=plain["about"],
        )
