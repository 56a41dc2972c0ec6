"""Figures of forecasts as tables in the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from serving.cli.session import Session
from training.evaluation.bootstrap import Estimate
from training.evaluation.group import ForecastGroup
from training.evaluation.leads import Evaluation
from training.evaluation.truth import TruthGrade

SHOWN = {
    "auc": "AUC",
    "average_precision": "avg. precision",
    "lift": "lift at capacity",
    "brier": "Brier",
    "ece": "ECE",
}
"""What the terminal shows of the metrics, and what they are called there."""


BESIDE_TRUTH = {
    "auc": "AUC",
    "expected_log_loss_gap_closed": "log-loss gap closed",
    "expected_brier_gap_closed": "Brier gap closed",
    "mean_distance_to_truth": "distance",
    "ece_to_truth": "ECE to truth",
}
"""The same where the true chances are known."""


def _say_truth(session: Session, graded: TruthGrade) -> None:
    """Show how near the forecasts came to the true chances."""
    rows = [[name, *(_cell(f[m]) for m in BESIDE_TRUTH)] for name, f in graded.forecasts.items()]
    rows.append(["the true chances", *(_cell(graded.ceiling[m]) for m in BESIDE_TRUTH)])
    title = f"Beside the true chances of {graded.n_rows:,} forecasts"
    session.console.show(title, ["forecast", *BESIDE_TRUTH.values()], rows)


def show_scores(session: Session, title: str, judged: Evaluation) -> None:
    """Show how good every forecast was, in the same columns for `train` and `backtest`."""
    if judged.overall.withheld:
        session.console.warn("too few outcomes among these forecasts to say how good they are")
        return
    show_figures(session, title, judged.overall, SHOWN)
    area = judged.overall.model["auc"]
    if area.value is not None and area.low is not None:
        level = session.settings.training.evaluation.level
        session.console.say(
            f"the model's AUC is {area.value:.3f}, with {level:.0%} confidence between "
            f"{area.low:.3f} and {area.high:.3f}; 0.5 is chance"
        )


def show_figures(
    session: Session, title: str, overall: ForecastGroup, shown: Mapping[str, str]
) -> None:
    """Show some figures of every forecast, in columns."""
    rows = [[name, *(_cell(own[m]) for m in shown)] for name, own in overall.scores.items()]
    session.console.show(title, ["forecast", *shown.values()], rows)


def _cell(estimate: Estimate) -> str:
    return "-" if estimate.value is None else f"{estimate.value:.3f}"
