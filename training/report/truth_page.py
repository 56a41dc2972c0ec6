"""What a report says of forecasts beside the truth: a few sentences, a table, and a chart."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from training.evaluation.bootstrap import Estimate
from training.evaluation.truth import TruthGrade
from training.report.chart import Chart, Point
from training.report.lead_verdict import between, percent
from training.report.plots import diagonal_panel, share_label

SIZE = (560, 360)


@dataclass(frozen=True)
class TruthColumn:
    """A figure of the table: its name in metrics.json, its words, and how it is written."""

    figure: str
    title: str
    better: str
    as_percent: bool = False
    digits: int = 3


COLUMNS = (
    TruthColumn("auc", "AUC on what happened", "higher"),
    TruthColumn("auc_below_ceiling", "below the ceiling", "lower"),
    TruthColumn(
        "log_loss_gap_closed", "Log-loss gap closed, on what happened", "higher", as_percent=True
    ),
    TruthColumn(
        "expected_log_loss_gap_closed",
        "Log-loss gap closed, in expectation",
        "higher",
        as_percent=True,
    ),
    TruthColumn(
        "expected_brier_gap_closed", "Brier gap closed, in expectation", "higher", as_percent=True
    ),
    TruthColumn(
        "mean_distance_to_truth", "Distance to the true chance", "lower", as_percent=True, digits=1
    ),
    TruthColumn(
        "ece_to_truth", "Calibration error to the truth", "lower", as_percent=True, digits=1
    ),
)


@dataclass(frozen=True)
class TruthPage:
    """A section of the report.

    Attributes:
        grade: the figures.
        sentences: what they say.
        columns: of the table.
        chart: said and true, group by group.
    """

    grade: TruthGrade
    sentences: tuple[str, ...]
    columns: tuple[TruthColumn, ...]
    chart: Markup

    @staticmethod
    def write(figure: Estimate, column: TruthColumn) -> str:
        """Write a figure."""
        if figure.value is None:
            return "withheld"
        if column.as_percent:
            return percent(figure.value, column.digits if column.digits == 1 else 0)
        return f"{figure.value:.{column.digits}f}"

    @staticmethod
    def interval(figure: Estimate, column: TruthColumn) -> str:
        """Write its interval; nothing where there is none."""
        if figure.low is None:
            return ""
        return between(figure, as_percent=column.as_percent, digits=column.digits)


def truth_page(grade: TruthGrade) -> TruthPage:
    """Turn figures into a section of the report."""
    return TruthPage(grade, _sentences(grade), COLUMNS, forecast_and_truth(grade))


def _sentences(grade: TruthGrade) -> tuple[str, ...]:
    model, ceiling = grade.model, grade.ceiling
    closed, happened = model["expected_log_loss_gap_closed"], model["log_loss_gap_closed"]
    found = [
        (
            "This company was made by a machine whose state is known, so the true chance of every "
            f"{grade.file.noun} is known too, from playing its future many times. No model saw "
            "any of it."
        )
    ]
    if closed.value is not None:
        words = (
            f"Between saying the same for all and knowing every chance, the model closes "
            f"{percent(closed.value)} of the gap in log loss ({between(closed, as_percent=True)})"
        )
        if happened.value is not None:
            words += (
                f"; on what happened to come about, {percent(happened.value)} "
                f"({between(happened, as_percent=True)})"
            )
        found.append(words + ".")
    area, best, below = model["auc"], ceiling["auc"], model["auc_below_ceiling"]
    if area.value is not None and best.value is not None:
        found.append(
            f"Nobody can rank better than the truth does: its AUC on these outcomes is "
            f"{best.value:.3f}, because part of an outcome is chance. The model's is "
            f"{area.value:.3f}, which is {below.value or 0:.3f} below it "
            f"({between(below, digits=3)})."
        )
    off, distance = model["ece_to_truth"], model["mean_distance_to_truth"]
    found.append(
        f"In groups of like forecasts it says {percent(off.value, 1)} too much or too little on "
        f"average; for a single {grade.file.noun} it is {percent(distance.value, 1)} away from the "
        "true chance."
    )
    return tuple(found)


def forecast_and_truth(grade: TruthGrade) -> Markup:
    """Draw the true chances behind groups of like forecasts."""
    high = 1.06 * max(max(b.mean_forecast, b.high, b.mean_truth) for b in grade.bins) or 1.0
    points = [
        Point(
            b.mean_forecast,
            b.mean_truth,
            f"said {share_label(b.mean_forecast)} ({b.n_rows} forecasts), true "
            f"{share_label(b.mean_truth)}, most between {share_label(b.low)} and "
            f"{share_label(b.high)}",
            (b.low, b.high),
        )
        for b in grade.bins
    ]
    panel = diagonal_panel((56, 14, 534, 310), high, points, "forecast = truth", "forecast")
    says = "; ".join(
        f"said {share_label(b.mean_forecast)}, true {share_label(b.mean_truth)}" for b in grade.bins
    )
    return Chart(SIZE, "Forecast and truth", says, [panel]).to_svg()
