"""A trained lead model as data: trees as text, everything else as JSON. Never a pickle.

A bundle is a folder: `bundle.json` and `trees-N.txt`, and for each segment with a model of its own
a folder `segment-N` with that model's trees; `calls` holds those of what a call is worth. The
bundle has everything scoring needs: the vocabulary
features were declared with, the columns in use, the regression beside the trees, the calibrator,
the segments, and what answers without trees: a rate by age, or one for everybody. It refuses to
score with features whose meaning has changed since.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit

from features.arrays import Floats
from features.build import Examples
from features.definitions.lead import conversion_features
from features.feature import FeatureSet
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from training.artifact import (
    read_files,
    read_trees,
    refuse_other_meaning,
    version_of,
    write_files,
    write_trees,
)
from training.calls.model import CallModel
from training.calls.order import last_touch_columns
from training.estimators.age_curve import AgeCurve
from training.estimators.calibration import Calibrator
from training.evidence import Evidence
from training.leads.blend import Blend
from training.leads.precedents import Precedent
from training.leads.segments import LeadSegment, own_rows, places

FORMAT = 7
SEGMENTED = 8
"""The format of a model with segments: as format 7 it would be read without them."""
NO_SEGMENT = "in no segment"
LEADS = "leads"
CALLS = "calls"
AGE_DAYS = "age_days"
"""The feature that the fallback forecasts by."""


@dataclass(frozen=True)
class Bundle:
    """Everything a forecast of lead conversion needs.

    Attributes:
        until: nothing at or after this moment was seen.
        horizon_days: how far the forecast looks ahead.
        params: calendar and windows of the features.
        vocabulary: the words of the data that features were declared with.
        columns: the features in use, in order.
        fingerprint: of their declarations; scoring with others is refused.
        blend: trees and regression; None where there was too little to learn from.
        calibrator: maps their margins to probabilities.
        base_rate: the share that converts, by which bands are drawn; the answer without trees and
            without an age curve.
        evidence: how much the model rests on.
        about: facts for people: parts in time, trees, what was left out and why.
        age_curve: the answer without trees; None for a model with trees.
        segments: parts of the leads in the order in which they claim them; none for one model of
            all leads.
        precedents: of each feature that may be a reason, what became of leads with a like value.
        calls: what a call is worth; None where past calls do not tell.
    """

    until: datetime
    horizon_days: int
    params: FeatureParams
    vocabulary: Vocabulary
    columns: tuple[str, ...]
    fingerprint: str
    blend: Blend | None
    calibrator: Calibrator
    base_rate: float
    evidence: Evidence
    about: Mapping[str, Any] = field(default_factory=dict)
    age_curve: AgeCurve | None = None
    segments: tuple[LeadSegment, ...] = ()
    precedents: Mapping[str, Precedent] = field(default_factory=dict)
    calls: CallModel | None = None

    @property
    def horizon(self) -> str:
        """How far it looks ahead, in words."""
        return f"{self.horizon_days} days"

    def describe(self) -> list[dict[str, Any]]:
        """Return what every feature in use means, one record each."""
        return self.feature_set.describe()

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return the chance of each row to convert within the horizon; what MLflow calls.

        Args:
            X: the columns in `used`; further ones change nothing.
        """
        return self.probability(X.reindex(columns=self.columns))

    @property
    def used(self) -> tuple[str, ...]:
        """The columns that a forecast depends on, in order."""
        if self.blend is None:
            return self.columns
        used = self.blend.used
        return tuple(name for name in self.columns if name in used)

    @property
    def feature_set(self) -> FeatureSet:
        """The features in use."""
        return self._only(self.columns)

    @property
    def listed_features(self) -> FeatureSet:
        """The features that a call list is made of: those in use, and those of calls."""
        of_calls = () if self.calls is None else self.calls.columns
        return self._only((*self.columns, *of_calls, *last_touch_columns(self.vocabulary)))

    def own_part(self, examples: Examples) -> Examples:
        """Return examples with the features in use alone, in their order."""
        return replace(examples, X=examples.X[[*self.columns]], feature_set=self.feature_set)

    def _only(self, names: Collection[str]) -> FeatureSet:
        declared = conversion_features(self.vocabulary, self.params, self.horizon_days)
        return declared.without(frozenset(declared.names) - frozenset(names))

    def margins(self, X: pd.DataFrame) -> Floats:
        """Return the calibrated log-odds of each row, from its segment's model if it has one."""
        margins = self._pooled_margins(X)
        for rows, blend, calibrator in own_rows(self.segments, X):
            margins[rows] = calibrator.margin(blend.margins(X[rows]))
        return margins

    def _pooled_margins(self, X: pd.DataFrame) -> Floats:
        if self.blend is None:
            return np.asarray(logit(self._without_trees(X)))
        return self.calibrator.margin(self.blend.margins(X))

    def pooled_probability(self, X: pd.DataFrame) -> Floats:
        """Return what the model of all leads says of each row, segments aside."""
        p: Floats = expit(self._pooled_margins(X))
        return p

    @property
    def labels(self) -> dict[str, str]:
        """The names of its segments, for the registry; nothing without segments."""
        names = (
            segment.name + (" (pooled)" if segment.blend is None else "")
            for segment in self.segments
        )
        return {"segments": ", ".join(names)} if self.segments else {}

    def segment_names(self, X: pd.DataFrame) -> npt.NDArray[np.object_]:
        """Return the name of each row's segment, `NO_SEGMENT` for rows in none."""
        # The place of a row in no segment is the last from the end.
        names = np.array([*(segment.name for segment in self.segments), NO_SEGMENT], dtype=object)
        return np.asarray(names[places(self.segments, X)])

    def probability(self, X: pd.DataFrame) -> Floats:
        """Return the chance of each row to convert within the horizon."""
        p: Floats = expit(self.margins(X))
        return p

    def _without_trees(self, X: pd.DataFrame) -> Floats:
        if self.age_curve is None:
            return np.full(len(X), self.base_rate)
        return self.age_curve.probability(X[AGE_DAYS].to_numpy())

    @property
    def version(self) -> str:
        """A short name made of the content: equal content, equal name."""
        own = [text for texts in self.segment_texts for text in texts]
        return version_of(self.to_json(), [*self.texts, *own, *self.call_texts])

    @property
    def texts(self) -> tuple[str, ...]:
        """The trees, each ensemble as text."""
        return () if self.blend is None else self.blend.trees.texts

    @property
    def segment_texts(self) -> tuple[tuple[str, ...], ...]:
        """The trees of each segment; none where it is pooled."""
        return tuple(segment.texts for segment in self.segments)

    @property
    def call_texts(self) -> tuple[str, ...]:
        """The trees of what a call is worth."""
        return () if self.calls is None else self.calls.texts

    def to_json(self) -> dict[str, Any]:
        """Return everything but the trees as plain values."""
        segments = {"segments": [segment.to_json() for segment in self.segments]}
        return {
            "format": SEGMENTED if self.segments else FORMAT,
            "kind": LEADS,
            "until": self.until.isoformat(),
            "horizon_days": self.horizon_days,
            "params": self.params.model_dump(mode="json"),
            "words": self.vocabulary.to_json(),
            "columns": list(self.columns),
            "fingerprint": self.fingerprint,
            "trees": len(self.texts),
            "blend": self.blend and self.blend.to_json(),
            "calibrator": self.calibrator.to_json(),
            "base_rate": self.base_rate,
            "evidence": self.evidence.to_json(),
            "about": dict(self.about),
            "age_curve": self.age_curve and self.age_curve.to_json(),
            "precedents": {name: each.to_json() for name, each in self.precedents.items()},
            "calls": self.calls and self.calls.to_json(),
            **(segments if self.segments else {}),
        }

    def save(self, folder: Path) -> None:
        """Write the bundle into a new or empty folder."""
        write_files(folder, self.to_json(), self.texts)
        for number, texts in enumerate(self.segment_texts):
            if texts:
                write_trees(_segment_folder(folder, number), texts)
        if self.call_texts:
            write_trees(folder / CALLS, self.call_texts)

    @classmethod
    def load(cls, folder: Path) -> Bundle:
        """Read a bundle.

        Raises:
            NotFoundError: there is none, it is of another kind or format, or its features have
                changed their meaning since.
        """
        plain, texts = read_files(folder, LEADS, FORMAT, SEGMENTED)
        own = tuple(
            read_trees(_segment_folder(folder, number), each["trees"])
            for number, each in enumerate(plain.get("segments", ()))
        )
        calls = plain["calls"]
        of_calls = read_trees(folder / CALLS, calls["trees"]) if calls else ()
        return cls.of_parts(plain, texts, own, of_calls, where=str(folder))

    @classmethod
    def of_parts(
        cls,
        plain: Mapping[str, Any],
        texts: tuple[str, ...],
        own: Sequence[tuple[str, ...]],
        of_calls: Sequence[str],
        *,
        where: str,
    ) -> Bundle:
        """Read a bundle from what its folder holds.

        Args:
            plain: what `to_json` returned.
            texts: the trees, each as text.
            own: the trees of each segment.
            of_calls: the trees of what a call is worth.
            where: the place it comes from, in words.

        Raises:
            NotFoundError: its features have changed their meaning since.
        """
        segments = (
            LeadSegment.from_json(each, trees)
            for each, trees in zip(plain.get("segments", ()), own, strict=True)
        )
        columns = tuple(plain["columns"])
        bundle = cls(
            until=datetime.fromisoformat(plain["until"]),
            horizon_days=plain["horizon_days"],
            params=FeatureParams.model_validate(plain["params"]),
            vocabulary=Vocabulary.from_json(plain["words"]),
            columns=columns,
            fingerprint=plain["fingerprint"],
            blend=Blend.from_json(plain["blend"], texts) if texts else None,
            calibrator=Calibrator.from_json(plain["calibrator"]),
            base_rate=plain["base_rate"],
            evidence=Evidence.from_json(plain["evidence"]),
            about=plain["about"],
            age_curve=AgeCurve.from_json(plain["age_curve"]) if plain["age_curve"] else None,
            segments=tuple(segments),
            precedents={n: Precedent.from_json(each) for n, each in plain["precedents"].items()},
            calls=CallModel.from_json(plain["calls"], of_calls) if plain["calls"] else None,
        )
        refuse_other_meaning(where, bundle.fingerprint, bundle.feature_set.fingerprint)
        if bundle.calls is not None:
            declared = bundle._only(bundle.calls.columns)
            refuse_other_meaning(where, bundle.calls.fingerprint, declared.fingerprint)
        return bundle


def _segment_folder(folder: Path, number: int) -> Path:
    return folder / f"segment-{number}"
