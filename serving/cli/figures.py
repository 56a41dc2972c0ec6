"""Figures of forecasts as tables in the terminal."""

from __future__ import annotations

from serving.cli.session import Session
from training.evaluation.bootstrap import Estimate
from training.evaluation.truth import TruthGrade
from training.loop.kinds import Kind
from training.loop.results import Graded

BESIDE_TRUTH = {
    "auc": "AUC",
    "expected_log_loss_gap_closed": "log-loss gap closed",
    "expected_brier_gap_closed": "Brier gap closed",
    "mean_distance_to_truth": "distance",
    "ece_to_truth": "ECE to truth",
}
"""What the terminal shows of the metrics where the true chances are known."""


def show_grade(session: Session, kind: Kind, title: str, graded: Graded) -> None:
    """Show how good every forecast was, in the same columns for `train` and `backtest`."""
    overall, console = graded.overall, session.console
    if overall.withheld:
        console.warn(f"how good it is cannot be said: {overall.withheld}")
        return
    rows = [[name, *(_cell(own[m]) for m in kind.headline)] for name, own in overall.scores.items()]
    console.show(title, ["forecast", *kind.headline.values()], rows)
    area = overall.model["auc"]
    if area.value is not None and area.low is not None:
        level = session.settings.training.evaluation.level
        console.say(
            f"the model's AUC is {area.value:.3f}, with {level:.0%} confidence between "
            f"{area.low:.3f} and {area.high:.3f}; 0.5 is chance"
        )


def show_truth(session: Session, graded: TruthGrade) -> None:
    """Show how near the forecasts came to the true chances."""
    rows = [[name, *(_cell(f[m]) for m in BESIDE_TRUTH)] for name, f in graded.forecasts.items()]
    rows.append(["the true chances", *(_cell(graded.ceiling[m]) for m in BESIDE_TRUTH)])
    title = f"Beside the true chances of {graded.n_rows:,} forecasts"
    session.console.show(title, ["forecast", *BESIDE_TRUTH.values()], rows)


def _cell(estimate: Estimate) -> str:
    return "-" if estimate.value is None else f"{estimate.value:.3f}"
