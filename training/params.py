"""The `training` section of params.yaml: what is forecast, how time is split, how trees grow.

A field's `search` range is where `tune` looks for a better value: on a logarithmic scale where its
ends are ten times apart. A field without one is not worth tuning; `only` names the kind of model
that reads it, where another does not.
"""

from __future__ import annotations

from pydantic import Field, field_validator

from features.params import KpiParams, Section
from training.call_params import CallParams
from training.coaching_params import CoachingParams
from training.monitor_params import MonitorParams

PLACES = ("role", "team", "territory", "segment")
"""Columns of reps by which groups are always compared."""


class BoosterParams(Section):
    """How the trees grow. Names and meaning are LightGBM's, but for `bags` and `threads`.

    The fields that are worth tuning carry the range to search, as `search` in their JSON schema.

    Source: https://lightgbm.readthedocs.io/en/stable/Parameters.html
    """

    learning_rate: float = Field(
        default=0.03, gt=0, le=1, json_schema_extra={"search": [0.01, 0.1]}
    )
    num_leaves: int = Field(default=15, ge=2, json_schema_extra={"search": [4, 63]})
    min_data_in_leaf: int = Field(default=100, ge=1, json_schema_extra={"search": [20, 400]})
    feature_fraction: float = Field(
        default=0.2, gt=0, le=1, json_schema_extra={"search": [0.1, 1], "only": "leads"}
    )
    bagging_fraction: float = Field(default=0.7, gt=0, le=1, json_schema_extra={"search": [0.4, 1]})
    lambda_l2: float = Field(default=10.0, ge=0, json_schema_extra={"search": [0.1, 100]})
    cat_smooth: float = Field(default=20.0, ge=0)
    max_bin: int = Field(default=63, ge=3, le=255)
    max_rounds: int = Field(default=800, ge=1, description="trees in a booster, at most")
    early_stopping_rounds: int = Field(
        default=50, ge=1, description="trees without a gain on later rows before growing stops"
    )
    bags: int = Field(default=3, ge=1, le=20, description="boosters with different seeds, averaged")
    seed: int = 20260101
    threads: int = Field(
        default=2, ge=1, description="boosters fitted in parallel, each on one thread"
    )


class CalibrationParams(Section):
    """How far a calibrator may bend forecasts."""

    ridge: float = Field(
        default=20.0,
        gt=0,
        description="weight of the pull towards no change",
        json_schema_extra={"search": [2, 200]},
    )
    swing_days: float = Field(
        default=30.0,
        gt=0,
        description="length of a calibration window that is trusted by half",
        json_schema_extra={"search": [5, 180]},
    )


class SplitParams(Section):
    """How mature cutoffs are split in time, with a gap of one horizon between any two parts."""

    every_days: int = Field(default=2, ge=1, description="days between training cutoffs")
    max_snapshots: int = Field(
        default=200_000,
        ge=1_000,
        description="open leads at training cutoffs; beyond this, cutoffs lie further apart",
    )
    calibrate_share: float = Field(
        default=0.15, gt=0, lt=0.5, description="share of the mature days kept for calibration"
    )
    calibrate_min_days: int = Field(default=14, ge=1, description="but at least so many days")
    calibrate_max_days: int = Field(default=90, ge=1, description="and at most so many")
    folds: int = Field(
        default=3, ge=2, description="time-ordered folds for early stopping, where history is short"
    )


class SegmentParams(Section):
    """A part of the leads that is to have a model of its own."""

    name: str = Field(min_length=1, max_length=40, description="what reports call it")
    where: str = Field(
        min_length=1,
        max_length=2000,
        description="the condition on a lead's features, as in SQL: leads_source = 'web'",
    )


class LeadParams(Section):
    """What a lead model forecasts, and which features it may use."""

    horizon_days: int = Field(default=30, ge=1, description="how far the label looks ahead")
    refit_days: int = Field(default=7, ge=1, description="days between a backtest's refits")
    most_refits: int = Field(default=8, ge=1, description="refits of a backtest, at most")
    inverse_ridge: float = Field(
        default=0.05,
        gt=0,
        description="of the regression beside the trees: the smaller, the closer weights stay to 0",
        json_schema_extra={"search": [0.002, 1]},
    )
    leave_out: tuple[str, ...] = Field(
        default=(), strict=False, description="features never used, by name"
    )
    allow_suspicious: tuple[str, ...] = Field(
        default=(),
        strict=False,
        description="features used although the audit suspects them of leakage",
    )
    segments: tuple[SegmentParams, ...] = Field(
        default=(),
        strict=False,
        max_length=20,
        description="parts of the leads with models of their own, the first match counts: "
        "{name: web, where: \"leads_source = 'web'\"}; quota models have none",
    )

    @field_validator("segments")
    @classmethod
    def _names_differ(cls, segments: tuple[SegmentParams, ...]) -> tuple[SegmentParams, ...]:
        names = [segment.name for segment in segments]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two segments are named {', '.join(repeated)}; names must differ")
        return segments


class QuotaParams(Section):
    """What a quota model forecasts, and how many futures it draws."""

    target: float = Field(default=1.0, gt=0, description="a miss is attainment below this")
    every_days: int = Field(default=7, ge=1, description="days between training cutoffs")
    max_snapshots: int = Field(
        default=500_000,
        ge=1000,
        description="open deals at training cutoffs; beyond this, cutoffs lie further apart",
    )
    refit_days: int = Field(default=28, ge=1, description="days between a backtest's refits")
    most_refits: int = Field(default=8, ge=1, description="refits of a backtest, at most")
    feature_fraction: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="share of a deal's features that each tree sees; the deadline is one of them",
        json_schema_extra={"search": [0.2, 1]},
    )
    inverse_ridge: float = Field(
        default=0.3,
        gt=0,
        description="of the regression below the trees: the smaller, the closer weights stay to 0",
        json_schema_extra={"search": [0.01, 10]},
    )
    futures: int = Field(default=1000, ge=100, description="futures drawn for each rep")
    company_spread: float = Field(
        default=0.15,
        ge=0,
        description="sd of the luck that all reps share, on the log scale",
        json_schema_extra={"search": [0.03, 0.5]},
    )
    capacity: float = Field(
        default=0.3, gt=0, lt=1, description="share of reps a manager can talk to"
    )


class EvaluationParams(Section):
    """How forecasts are graded."""

    draws: int = Field(default=200, ge=20, description="resamples behind every interval")
    level: float = Field(default=0.9, gt=0, lt=1, description="coverage of the intervals")
    capacity: float = Field(
        default=0.2, gt=0, lt=1, description="share of open leads that can be called"
    )
    seed: int = 7


class GateParams(Section):
    """When a challenger takes the champion's place."""

    level: float = Field(
        default=0.9,
        gt=0,
        lt=1,
        description="coverage of the intervals; a rule is broken by luck in half of the rest",
    )
    margin: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of the champion's log loss by which a challenger may be worse; "
        "0: it has to be better beyond luck",
    )
    minimum_rows: int = Field(
        default=200,
        ge=1,
        description="forecasts below which a comparison, or a segment, is unjudged",
    )
    every_days: int = Field(default=7, ge=1, description="days between the cutoffs compared")
    draws: int = Field(default=400, ge=20, description="resamples behind every interval")
    seed: int = 7


class RetrainParams(Section):
    """How a retrain judges the model it has made."""

    window_days: int = Field(
        default=28,
        ge=1,
        description="days of known outcomes that are kept from a new model's twin, to judge it on; "
        "for quota whole periods that are at least as long",
    )


class FairnessParams(Section):
    """Which groups of reps a model is audited for, and how; see the model card."""

    groups: tuple[str, ...] = Field(
        default=(),
        strict=False,
        description="further columns of reps to compare by, such as gender or age_group; role, "
        "team, territory and segment are compared wherever the data have them",
    )
    minimum_reps: int = Field(
        default=5, ge=2, description="reps below which a group's figures are withheld"
    )
    level: float = Field(
        default=0.9,
        gt=0,
        lt=1,
        description="coverage of the intervals; a fair model is suspected in at most the rest",
    )

    @property
    def attributes(self) -> tuple[str, ...]:
        """All columns of reps to compare by."""
        return tuple(dict.fromkeys((*PLACES, *self.groups)))


class CardParams(Section):
    """What a model card says that no data can tell."""

    contact: str = Field(default="", description="who answers questions about the models")


class TuneParams(Section):
    """How `tune` searches."""

    trials: int = Field(
        default=30, ge=1, description="settings that are tried, the present ones included"
    )
    folds: int = Field(
        default=3, ge=1, description="periods of the past that each of them forecasts, one by one"
    )
    every_days: int = Field(default=7, ge=1, description="days between the cutoffs forecast")
    seed: int = 11


class ScoringParams(Section):
    """How many reasons each score gets."""

    reasons: int = Field(
        default=3, ge=1, le=10, description="reasons for a lead, and as many against it, at most"
    )


class TrainingParams(Section):
    """Which models are trained, how, and how they are graded."""

    leads: LeadParams = LeadParams()
    quota: QuotaParams = QuotaParams()
    split: SplitParams = SplitParams()
    booster: BoosterParams = BoosterParams()
    calibration: CalibrationParams = CalibrationParams()
    evaluation: EvaluationParams = EvaluationParams()
    gate: GateParams = GateParams()
    retrain: RetrainParams = RetrainParams()
    tune: TuneParams = TuneParams()
    monitor: MonitorParams = MonitorParams()
    scoring: ScoringParams = ScoringParams()
    fairness: FairnessParams = FairnessParams()
    card: CardParams = CardParams()
    coaching: CoachingParams = CoachingParams()
    kpi: KpiParams = KpiParams()
    calls: CallParams = CallParams()
