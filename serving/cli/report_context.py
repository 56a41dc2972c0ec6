"""What a report says besides figures: folds, drivers, settings, notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from serving.cli.session import Session
from training.evaluation.leads import Evaluation
from training.leads.backtest import Backtest, Fold
from training.report.leads import Driver, FoldSpan, ReportContext
from training.rolling import Range

MOST_DRIVERS = 15


def context_of(
    session: Session,
    asked: Range,
    made: Backtest,
    judged: Evaluation,
    findings: Sequence[Mapping[str, str]],
) -> ReportContext:
    """Gather what the report tells besides figures."""
    first = made.folds[0]
    settings = {
        "cutoffs": f"{asked.start:%Y-%m-%d} to {asked.end:%Y-%m-%d}, every {asked.every_days} days",
        "horizon_days": judged.horizon_days,
        "refit_days": session.settings.training.leads.refit_days,
        **session.settings.training.booster.model_dump(),
    }
    left_out = {s["says"] for fold in made.folds for s in fold.about.get("left_out", ())}
    return ReportContext(
        source=session.home.name,
        folds=tuple(_span(fold) for fold in made.folds),
        drivers=tuple(Driver(i.label, i.points, _direction(i.direction)) for i in made.importance)[
            :MOST_DRIVERS
        ],
        findings=findings,
        settings=settings,
        notes=(*first.about["split"], made.last.evidence.says, *sorted(left_out)),
    )


def _direction(correlation: float) -> str:
    if correlation != correlation:  # noqa: PLR0124 - NaN: a category has no direction
        return "differs by value"
    if abs(correlation) < 0.3:  # noqa: PLR2004 - too weak to name a direction
        return "up and down"
    return "more raises the score" if correlation > 0 else "more lowers the score"


def _span(fold: Fold) -> FoldSpan:
    parts = fold.about.get("parts", {})

    def ends(name: str) -> tuple[datetime, datetime] | None:
        given = parts.get(name) or []
        moments = [datetime.fromisoformat(moment) for moment in given]
        return (moments[0], moments[1]) if moments else None

    train = ends("train") or (fold.cutoffs[0], fold.cutoffs[0])
    return FoldSpan(f"fold {fold.number + 1}", train, ends("calibrate"), fold.cutoffs)
