"""A forecast of quota attainment as data: trees as text, everything else as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from features.arrays import Floats
from features.build import Examples
from features.definitions.deal import deal_features
from features.definitions.rep import rep_features
from features.feature import FeatureSet
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from training.artifact import read_files, refuse_other_meaning, version_of, write_files
from training.estimators.boosting import Ensemble
from training.estimators.calibration import Calibrator
from training.evidence import Evidence
from training.quota.amounts import Amounts
from training.quota.dataset import deadlines_of
from training.quota.deal_regression import DealRegression
from training.quota.deals import DealModel
from training.quota.futures import DrawInputs, Futures, Spread, draw_futures, draw_inputs
from training.quota.new_business import NewBusiness

FORMAT = 4
QUOTA = "quota"
KEPT = 41
"""Quantiles of amounts in a bundle."""


@dataclass(frozen=True)
class QuotaBundle:
    """Everything a forecast of attainment needs.

    Attributes:
        until: nothing at or after this moment was seen.
        target: a miss is attainment below this.
        params: calendar and windows of the features.
        rep_words: the words features of reps were declared with.
        deal_words: the same for deals.
        fingerprints: of both declarations; forecasting with others is refused.
        deals: the chance of open deals.
        creation: business still to be created.
        amounts: what deals are worth.
        spread: luck in common.
        futures: how many are drawn.
        seed: of the chances.
        evidence: how much all this rests on.
        about: further facts for people.
    """

    until: datetime
    target: float
    params: FeatureParams
    rep_words: Vocabulary
    deal_words: Vocabulary
    fingerprints: tuple[str, str]
    deals: DealModel
    creation: NewBusiness
    amounts: Amounts
    spread: Spread
    futures: int
    seed: int
    evidence: Evidence
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def horizon(self) -> str:
        """How far it looks ahead, in words."""
        return "the quota period"

    @property
    def fingerprint(self) -> str:
        """Of both declarations, as one text."""
        return "-".join(self.fingerprints)

    @property
    def columns(self) -> tuple[str, ...]:
        """The features of open deals in use, those of the deadline among them."""
        return self.deals.columns

    def describe(self) -> list[dict[str, Any]]:
        """Tell what every feature of reps and deals means."""
        return [*self.rep_set.describe(), *self.deal_set.describe()]

    def predict(self, X: pd.DataFrame) -> Floats:
        """Forecast rows of features of open deals: the chance to be won before the deadline."""
        deals = self.deals
        return deals.calibrator.probability(deals.raw(X))

    @property
    def rep_set(self) -> FeatureSet:
        """What is declared of reps."""
        return rep_features(self.rep_words, self.params)

    @property
    def deal_set(self) -> FeatureSet:
        """What is declared of deals."""
        return deal_features(self.deal_words, self.params)

    def chances(self, reps: Examples, deals: Examples) -> DrawInputs:
        """Forecast each open deal, and the business still to be created."""
        claims = deadlines_of(reps, deals)
        margins = self.deals.margins(deals, claims)
        new = self.creation.expected(reps.X)
        return draw_inputs(reps, deals, claims, margins, new, self.amounts)

    def draw(self, reps: Examples, deals: Examples) -> Futures:
        """Draw the futures of every rep with a quota."""
        chances = self.chances(reps, deals)
        return draw_futures(reps, chances, self.spread, self.futures, self.seed)

    @property
    def version(self) -> str:
        """A short name made of the content: equal content, equal name."""
        return version_of(self.to_json(), self._texts())

    def _texts(self) -> tuple[str, ...]:
        return () if self.deals.ensemble is None else self.deals.ensemble.texts

    def to_json(self) -> dict[str, Any]:
        """Give everything but the trees as plain values."""
        deals = self.deals
        return {
            "format": FORMAT,
            "kind": QUOTA,
            "trees": len(self._texts()),
            "until": self.until.isoformat(),
            "target": self.target,
            "params": self.params.model_dump(mode="json"),
            "rep_words": self.rep_words.to_json(),
            "deal_words": self.deal_words.to_json(),
            "fingerprints": list(self.fingerprints),
            "deals": {
                "columns": list(deals.columns),
                "pace": None if deals.pace is None else deals.pace.to_json(),
                "calibrator": deals.calibrator.to_json(),
                "base_rate": deals.base_rate,
                "cycle_days": deals.cycle_days,
            },
            "creation": self.creation.to_json(),
            "amounts": self.amounts.to_json(),
            "spread": vars(self.spread),
            "futures": self.futures,
            "seed": self.seed,
            "evidence": self.evidence.to_json(),
            "about": dict(self.about),
        }

    def save(self, folder: Path) -> None:
        """Write the bundle into a new or empty folder."""
        write_files(folder, self.to_json(), self._texts())

    @classmethod
    def load(cls, folder: Path) -> QuotaBundle:
        """Read a bundle, and refuse one whose features mean something else by now."""
        plain, texts = read_files(folder, QUOTA, FORMAT)
        told = plain["deals"]
        columns = tuple(told["columns"])
        bundle = cls(
            until=datetime.fromisoformat(plain["until"]),
            target=plain["target"],
            params=FeatureParams.model_validate(plain["params"]),
            rep_words=Vocabulary.from_json(plain["rep_words"]),
            deal_words=Vocabulary.from_json(plain["deal_words"]),
            fingerprints=(plain["fingerprints"][0], plain["fingerprints"][1]),
            deals=DealModel(
                columns,
                None if told["pace"] is None else DealRegression.from_json(told["pace"]),
                Ensemble(texts, columns) if texts else None,
                Calibrator.from_json(told["calibrator"]),
                told["base_rate"],
                told["cycle_days"],
            ),
            creation=NewBusiness.from_json(plain["creation"]),
            amounts=Amounts.from_json(plain["amounts"]),
            spread=Spread(**plain["spread"]),
            futures=plain["futures"],
            seed=plain["seed"],
            evidence=Evidence.from_json(plain["evidence"]),
            about=plain["about"],
        )
        now = (bundle.rep_set.fingerprint, bundle.deal_set.fingerprint)
        refuse_other_meaning(folder, bundle.fingerprint, "-".join(now))
        return bundle
