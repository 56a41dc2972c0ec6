"""A trained quota model as data: trees as text, everything else as JSON. Never a pickle."""

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
from training.quota.deal_regression import COLUMNS, DealRegression
from training.quota.deals import DealModel
from training.quota.futures import DrawInputs, Futures, Spread, draw_futures, draw_inputs
from training.quota.new_business import NewBusiness

FORMAT = 4
QUOTA = "quota"


@dataclass(frozen=True)
class QuotaBundle:
    """Everything a forecast of attainment needs.

    Attributes:
        until: nothing at or after this moment was seen.
        target: a miss is attainment below this.
        params: calendar and windows of the features.
        rep_vocabulary: the words of the data that features of reps were declared with.
        deal_vocabulary: the same for deals.
        fingerprints: of both declarations; forecasting with others is refused.
        deals: the chances of open deals.
        new_business: wins still to be created.
        amounts: what deals are worth.
        spread: luck in common.
        n_futures: how many are drawn for each rep.
        seed: of the random numbers.
        evidence: how much the model rests on.
        about: facts for people: the periods learned from, and how many rows there were.
    """

    until: datetime
    target: float
    params: FeatureParams
    rep_vocabulary: Vocabulary
    deal_vocabulary: Vocabulary
    fingerprints: tuple[str, str]
    deals: DealModel
    new_business: NewBusiness
    amounts: Amounts
    spread: Spread
    n_futures: int
    seed: int
    evidence: Evidence
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def horizon(self) -> str:
        """How far it looks ahead, in words."""
        return "the quota period"

    @property
    def fingerprint(self) -> str:
        """The fingerprints of both declarations, as one text."""
        return "-".join(self.fingerprints)

    @property
    def columns(self) -> tuple[str, ...]:
        """The features of open deals in use, those of the deadline last."""
        return self.deals.columns

    def describe(self) -> list[dict[str, Any]]:
        """Return what every feature of reps and deals means, one record each."""
        return [*self.rep_set.describe(), *self.deal_set.describe()]

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return the chance of each open deal to be won before its deadline; what MLflow calls.

        Args:
            X: the columns in `used`: features of open deals and of the deadline; further ones
                change nothing.
        """
        deals = self.deals
        every = dict.fromkeys((*deals.columns, *sorted(COLUMNS)))
        return deals.calibrator.probability(deals.raw(X.reindex(columns=[*every])))

    @property
    def used(self) -> tuple[str, ...]:
        """The columns that the chance of an open deal depends on, in order."""
        used = self.deals.used
        order = dict.fromkeys((*self.deals.columns, *sorted(used)))
        return tuple(name for name in order if name in used)

    @property
    def rep_set(self) -> FeatureSet:
        """The declared features of reps."""
        return rep_features(self.rep_vocabulary, self.params)

    @property
    def deal_set(self) -> FeatureSet:
        """The declared features of deals."""
        return deal_features(self.deal_vocabulary, self.params)

    def draw_inputs(self, reps: Examples, deals: Examples) -> DrawInputs:
        """Forecast each open deal and the new business of each rep: what futures are drawn from.

        Args:
            reps: reps with a running quota.
            deals: open deals at the same cutoffs.
        """
        deadlines = deadlines_of(reps, deals)
        margins = self.deals.margins(deals, deadlines)
        new = self.new_business.expected(reps.X)
        return draw_inputs(reps, deals, deadlines, margins, new, self.amounts)

    def draw_from(self, reps: Examples, inputs: DrawInputs) -> Futures:
        """Draw the futures of every rep from inputs that are there already."""
        return draw_futures(reps, inputs, self.spread, self.n_futures, self.seed)

    def draw(self, reps: Examples, deals: Examples) -> Futures:
        """Draw the futures of every rep with a running quota; see `draw_inputs`."""
        return self.draw_from(reps, self.draw_inputs(reps, deals))

    @property
    def version(self) -> str:
        """A short name made of the content: equal content, equal name."""
        return version_of(self.to_json(), self._texts())

    def _texts(self) -> tuple[str, ...]:
        return () if self.deals.ensemble is None else self.deals.ensemble.texts

    def to_json(self) -> dict[str, Any]:
        """Return everything but the trees as plain values."""
        deals = self.deals
        return {
            "format": FORMAT,
            "kind": QUOTA,
            "trees": len(self._texts()),
            "until": self.until.isoformat(),
            "target": self.target,
            "params": self.params.model_dump(mode="json"),
            "rep_words": self.rep_vocabulary.to_json(),
            "deal_words": self.deal_vocabulary.to_json(),
            "fingerprints": list(self.fingerprints),
            "deals": {
                "columns": list(deals.columns),
                "pace": None if deals.regression is None else deals.regression.to_json(),
                "calibrator": deals.calibrator.to_json(),
                "base_rate": deals.base_rate,
                "cycle_days": deals.cycle_days,
            },
            "creation": self.new_business.to_json(),
            "amounts": self.amounts.to_json(),
            "spread": vars(self.spread),
            "futures": self.n_futures,
            "seed": self.seed,
            "evidence": self.evidence.to_json(),
            "about": dict(self.about),
        }

    def save(self, folder: Path) -> None:
        """Write the bundle into a new or empty folder."""
        write_files(folder, self.to_json(), self._texts())

    @classmethod
    def load(cls, folder: Path) -> QuotaBundle:
        """Read a bundle.

        Raises:
            NotFoundError: there is none, it is of another kind or format, or its features have
                changed their meaning since.
        """
        plain, texts = read_files(folder, QUOTA, FORMAT)
        bundle = cls(
            until=datetime.fromisoformat(plain["until"]),
            target=plain["target"],
            params=FeatureParams.model_validate(plain["params"]),
            rep_vocabulary=Vocabulary.from_json(plain["rep_words"]),
            deal_vocabulary=Vocabulary.from_json(plain["deal_words"]),
            fingerprints=(plain["fingerprints"][0], plain["fingerprints"][1]),
            deals=_deal_model(plain["deals"], texts),
            new_business=NewBusiness.from_json(plain["creation"]),
            amounts=Amounts.from_json(plain["amounts"]),
            spread=Spread(**plain["spread"]),
            n_futures=plain["futures"],
            seed=plain["seed"],
            evidence=Evidence.from_json(plain["evidence"]),
            about=plain["about"],
        )
        declared = f"{bundle.rep_set.fingerprint}-{bundle.deal_set.fingerprint}"
        refuse_other_meaning(str(folder), bundle.fingerprint, declared)
        return bundle


def _deal_model(plain: Mapping[str, Any], texts: tuple[str, ...]) -> DealModel:
    """Read back the model of open deals from its plain values and its trees."""
    columns, regression = tuple(plain["columns"]), plain["pace"]
    return DealModel(
        columns=columns,
        regression=None if regression is None else DealRegression.from_json(regression),
        ensemble=Ensemble(texts, columns) if texts else None,
        calibrator=Calibrator.from_json(plain["calibrator"]),
        base_rate=plain["base_rate"],
        cycle_days=plain["cycle_days"],
    )
