"""The `training` section of params.yaml: what is forecast, how time is split, how trees grow."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from features.params import Section


class BoosterParams(Section):
    """How the trees grow. Names and meaning are LightGBM's.

    The fields that are worth tuning carry the range to search, as `search` in their JSON schema.

    Source: https://lightgbm.readthedocs.io/en/stable/Parameters.html
    """

    learning_rate: float = Field(
        default=0.03, gt=0, le=1, json_schema_extra={"search": [0.01, 0.1]}
    )
    num_leaves: int = Field(default=15, ge=2, json_schema_extra={"search": [4, 63]})
    min_data_in_leaf: int = Field(default=100, ge=1, json_schema_extra={"search": [20, 400]})
    feature_fraction: float = Field(default=0.2, gt=0, le=1, json_schema_extra={"search": [0.1, 1]})
    bagging_fraction: float = Field(default=0.7, gt=0, le=1, json_schema_extra={"search": [0.4, 1]})
    lambda_l2: float = Field(default=10.0, ge=0, json_schema_extra={"search": [0.1, 100]})
    cat_smooth: float = Field(default=20.0, ge=0)
    max_bin: int = Field(default=63, ge=3, le=255)
    max_rounds: int = Field(default=800, ge=1, description="trees at the most")
    early_stopping_rounds: int = Field(default=50, ge=1)
    bags: int = Field(default=3, ge=1, le=20, description="models of unlike seeds, averaged")
    seed: int = 20260101
    threads: int = Field(
        default=2, ge=1, description="boosters grown side by side, each on one thread"
    )


class SplitParams(Section):
    """How mature cutoffs are divided in time; between any two parts lies a gap of one horizon."""

    every_days: int = Field(default=2, ge=1, description="days between training cutoffs")
    max_snapshots: int = Field(
        default=200_000, ge=1_000, description="beyond this, cutoffs are taken further apart"
    )
    calibrate_share: float = Field(default=0.15, gt=0, lt=0.5, description="of the mature time")
    calibrate_min_days: int = Field(default=14, ge=1)
    calibrate_max_days: int = Field(default=90, ge=1)
    folds: int = Field(default=3, ge=2, description="time-ordered folds where history is short")


class LeadParams(Section):
    """The forecast of lead conversion."""

    horizon_days: int = Field(default=30, ge=1, description="how far the label looks ahead")
    refit_days: int = Field(default=7, ge=1, description="a backtest refits so often")
    most_refits: int = Field(default=8, ge=1, description="but at the most so many times")
    leave_out: tuple[str, ...] = Field(
        default=(), strict=False, description="features never used, by name"
    )
    allow_suspicious: tuple[str, ...] = Field(
        default=(), strict=False, description="features used although the audit suspects them"
    )


class QuotaParams(Section):
    """The forecast of each rep's quota attainment."""

    target: float = Field(default=1.0, gt=0, description="a miss is attainment below this")
    every_days: int = Field(default=7, ge=1, description="days between training cutoffs")
    max_snapshots: int = Field(
        default=500_000,
        ge=1000,
        description="open deals at training cutoffs; beyond this, cutoffs are taken further apart",
    )
    refit_days: int = Field(default=28, ge=1, description="a backtest refits so often")
    most_refits: int = Field(default=8, ge=1, description="but at the most so many times")
    feature_fraction: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="of open deals' features that each tree sees; the deadline is among them",
    )
    futures: int = Field(default=1000, ge=100, description="futures drawn for each rep")
    company_spread: float = Field(
        default=0.15, ge=0, description="log sd of the luck that all reps of a moment share"
    )
    capacity: float = Field(
        default=0.3, gt=0, lt=1, description="share of reps a manager can talk to"
    )


class EvaluationParams(Section):
    """How quality is measured."""

    draws: int = Field(default=200, ge=20, description="resamples behind every interval")
    level: float = Field(default=0.9, gt=0, lt=1, description="what the intervals cover")
    capacity: float = Field(
        default=0.2, gt=0, lt=1, description="share of open leads that can be called"
    )
    seed: int = 7


class ScoringParams(Section):
    """How scores become a work list."""

    priority: Literal["probability", "expected_value"] = "probability"
    reasons: int = Field(default=3, ge=1, le=10, description="reasons for, and against, each lead")


class TrainingParams(Section):
    """What can be learned, how, and how it is judged."""

    leads: LeadParams = LeadParams()
    quota: QuotaParams = QuotaParams()
    split: SplitParams = SplitParams()
    booster: BoosterParams = BoosterParams()
    evaluation: EvaluationParams = EvaluationParams()
    scoring: ScoringParams = ScoringParams()
