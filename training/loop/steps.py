"""The steps that every kind of model takes, as one value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from features.ingest.commits import Commits
    from features.progress import Progress
    from features.storage.warehouse import Warehouse
    from training.evaluation.later import (
        CalibrationCheck,
        JudgingWindow,
        LaterCutoffs,
        LaterForecasts,
    )
    from training.evaluation.truth import Truth
    from training.loop.results import Backtested, Graded, Recipe, Trained
    from training.params import TrainingParams
    from training.report.page import ReportContext
    from training.rolling import BuiltFold, Range
    from training.tracking.loading import AnyBundle


@dataclass(frozen=True)
class Steps:
    """What is done with a kind of model.

    Attributes:
        train: learn a model and test one made the same way on the newest mature past.
        backtest: forecast every cutoff of a range by models of that time.
        truth: read the true chances of a sample company, refusing what the range cannot use.
        grade: say how good forecasts were.
        report: render the page people read.
        score: forecast everything that is open or running at a moment.
        later: the cutoffs at or after a moment with a known outcome, every so many days.
        forecast: what a model says at such cutoffs, beside what happened.
        checks: the same for monitoring, with what a sound model may be off by.
        window: where a new model's twin can be compared with a champion that saw the data up to a
            moment.
        fold: what is learned before a moment and forecast from it on, built once, fitted often.
    """

    train: Callable[[Warehouse, Recipe, Progress], Trained]
    backtest: Callable[[Warehouse, Range, Recipe, Progress, Commits | None], Backtested]
    truth: Callable[[Path, Range, TrainingParams], Truth]
    grade: Callable[[Backtested, TrainingParams, Truth | None, Progress], Graded]
    report: Callable[[Graded, ReportContext], str]
    score: Callable[[Warehouse, AnyBundle, str, datetime, TrainingParams], pd.DataFrame]
    later: Callable[[Warehouse, AnyBundle, datetime, int], LaterCutoffs]
    forecast: Callable[[Warehouse, AnyBundle, Sequence[datetime]], LaterForecasts]
    checks: Callable[[Warehouse, AnyBundle, Sequence[datetime]], tuple[CalibrationCheck, ...]]
    window: Callable[[Warehouse, TrainingParams, datetime], JudgingWindow]
    fold: Callable[[Warehouse, datetime, Recipe], BuiltFold]
