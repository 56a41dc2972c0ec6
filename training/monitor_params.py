"""The section `training.monitor`: when monitoring says that something has changed."""

from __future__ import annotations

from pydantic import Field

from features.params import Section


class MonitorParams(Section):
    """When monitoring says that something has changed."""

    window_days: int = Field(default=28, ge=7, description="days of the newest leads looked at")
    every_days: int = Field(default=14, ge=1, description="days between the cutoffs of a window")
    reference_windows: int = Field(
        default=3, ge=1, description="earlier windows that the newest is compared with"
    )
    past_windows: int = Field(
        default=13, ge=3, description="comparisons of the past that tell what is usual, at most"
    )
    minimum_past: int = Field(
        default=5, ge=3, description="comparisons of the past without which nothing is judged"
    )
    false_alarms: float = Field(
        default=0.005,
        gt=0,
        lt=0.5,
        description="chance of a false alarm in each group of checks, if the past is any guide",
    )
    psi: float = Field(
        default=0.2, gt=0, description="population stability index from which a shift is material"
    )
    segment_psi: float = Field(
        default=0.1, gt=0, description="the same for the mean over all features within a segment"
    )
    minimum_leads: int = Field(
        default=100, ge=10, description="leads below which a segment's features are not judged"
    )
    volume_up: float = Field(
        default=1.6, gt=1, description="times the usual rows of a week from which there are many"
    )
    volume_down: float = Field(
        default=0.4, gt=0, lt=1, description="times the usual rows of a week below which few"
    )
    minimum_rows: int = Field(
        default=30, ge=5, description="usual rows of a week below which volume is not judged"
    )
    repeated_share: float = Field(
        default=0.05, gt=0, lt=1, description="share of activities that repeat another one"
    )
    late_share: float = Field(
        default=0.15, gt=0, lt=1, description="further share of rows that came a day late or more"
    )
    calibration_ratio: float = Field(
        default=1.15, gt=1, description="outcomes over forecast (or the reverse) that is material"
    )
    calibration_error: float = Field(
        default=1.05, ge=1, description="the same that a sound model is off by anyway"
    )
    calibration_weeks: int = Field(default=13, ge=1, description="newest mature weeks looked at")
    level: float = Field(default=0.99, gt=0.5, lt=1, description="coverage of the intervals")
    response_days: int = Field(
        default=7, ge=1, description="days within which a customer may answer a touch"
    )
    stale_days: int = Field(
        default=4, ge=1, description="days before --as-of without a row: loading has stopped"
    )
