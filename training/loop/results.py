"""What training and backtesting return, alike for every kind of model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from features.ingest.commits import Commits
    from features.params import FeatureParams
    from training.evaluation.group import ForecastGroup
    from training.evaluation.lead_forecasts import Predictions
    from training.evaluation.leads import Evaluation
    from training.evaluation.quota import QuotaEvaluation
    from training.evaluation.quota_forecasts import QuotaPredictions
    from training.evaluation.truth import Truth, TruthGrade
    from training.params import TrainingParams
    from training.report.page import Driver
    from training.report.plots import FoldSpan
    from training.report.shift_plots import Unsteady
    from training.rolling import Range
    from training.tracking.loading import AnyBundle


FAIRNESS = "fairness.json"
"""The file that tells how groups of reps are treated."""


@dataclass(frozen=True)
class Recipe:
    """How features are built and models are fitted, from which data.

    Attributes:
        features: the section `features` of params.yaml.
        training: the section `training`.
        source: what reports call the data.
        extract: what the ingestion of the data said: rows read, accepted and quarantined, and why.
    """

    features: FeatureParams
    training: TrainingParams
    source: str = ""
    extract: Mapping[str, Any] = field(default_factory=dict)

    @property
    def data_name(self) -> str:
        """What the extract is called: the last part of where it came from."""
        return Path(str(self.extract.get("source", self.source))).name

    def to_json(self) -> dict[str, Any]:
        """Return both sections as plain values, to be remembered with a model."""
        return {
            "features": self.features.model_dump(mode="json"),
            "training": self.training.model_dump(mode="json"),
        }


@dataclass(frozen=True)
class Beside:
    """What forecasts are set beside, apart from their baselines.

    Attributes:
        truth: the true chances of a sample company.
        commits: what people committed to bring in, one more forecast of quota.
    """

    truth: Truth | None = None
    commits: Commits | None = None


@dataclass(frozen=True)
class Backtested:
    """Forecasts of the past, each by a model that knew only what was known then.

    Attributes:
        asked: the cutoffs.
        predictions: the forecasts beside their baselines, to be graded.
        frame: the rows of the contract's file.
        folds: what each model learned from and was tested on.
        settings: what the report shows of the settings.
        notes: what people should know, in sentences.
        drivers: the features that moved forecasts most, strongest first.
        unsteady: effects that did not hold in the past learned from, the clearest first.
        findings: what the audit found: `table, column, kind, severity, says`.
        extras: further figures for metrics.json.
    """

    asked: Range
    predictions: Predictions | QuotaPredictions
    frame: pd.DataFrame
    folds: tuple[FoldSpan, ...]
    settings: Mapping[str, object]
    notes: tuple[str, ...]
    drivers: tuple[Driver, ...] = ()
    unsteady: tuple[Unsteady, ...] = ()
    findings: tuple[Mapping[str, str], ...] = ()
    extras: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Graded:
    """How good forecasts were.

    Attributes:
        evaluation: the figures, beside baselines and with intervals.
        truth: the same beside the true chances, where those are known.
        extras: further figures for metrics.json.
        says: what people should know of the figures, in sentences.
    """

    evaluation: Evaluation | QuotaEvaluation
    truth: TruthGrade | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)
    says: tuple[str, ...] = ()

    @property
    def overall(self) -> ForecastGroup:
        """All rows with a known outcome."""
        return self.evaluation.overall

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values fit for JSON: no NaN, None where withheld."""
        truth = {"truth": self.truth.to_json()} if self.truth else {}
        return self.evaluation.to_json() | truth | dict(self.extras)


@dataclass(frozen=True)
class Fallback:
    """What forecasts in place of a model that is not shown to know more than it.

    Attributes:
        bundle: the model; its evidence is none and says why.
        why: what the test has not shown, in words.
        baseline: the simple forecast whose figures in the test are its own; a name that is not
            among them where it has none.
        fairness: how it treats groups of reps; None where that was not tested.
    """

    bundle: AnyBundle
    why: str
    baseline: str
    fairness: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Trained:
    """A model, and how one made the same way did on the newest mature past.

    Attributes:
        bundle: the model, learned from everything mature.
        notes: what people should know, in sentences.
        test: forecasts by a model that ended before the test window; None without room for one.
        grade: how good those were.
        pictures: of the model's trees, by file name.
        pages: further pages, by file name.
        fallback: what becomes champion in its place if there is none yet; None for a model that
            beats what needs no model, and where that could not be tested.
        labels: further tags of the model in the registry.
        fairness: how the model treated groups of reps in its test; None without a test.
    """

    bundle: AnyBundle
    notes: tuple[str, ...]
    test: Backtested | None
    grade: Graded | None
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    pages: Mapping[str, str] = field(default_factory=dict)
    fallback: Fallback | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    fairness: Mapping[str, Any] | None = None

    @property
    def artifacts(self) -> dict[str, str | bytes]:
        """Return what is kept beside the model, reports aside."""
        files: dict[str, str | bytes] = {"notes.json": json.dumps(self.notes, indent=2)}
        if self.grade is not None:
            files["metrics.json"] = json.dumps(self.grade.to_json(), indent=2)
        if self.fairness is not None:
            files[FAIRNESS] = json.dumps(self.fairness, indent=2)
        return {**files, **self.pages, **self.pictures}
