"""The section of a report on forecasts and true chances: a few sentences, a chart and a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from training.evaluation.bootstrap import Estimate
from training.evaluation.truth import TruthGrade
from training.report.chart import Chart, Point
from training.report.plots import diagonal_panel, share_label
from training.report.words import between, percent, points

SIZE = (560, 360)


@dataclass(frozen=True)
class TruthColumn:
    """A metric of the table: its key in metrics.json, its title, and how it is written."""

    metric: str
    title: str
    better: str
    as_percent: bool = False
    digits: int = 3


COLUMNS = (
    TruthColumn("auc", "AUC on outcomes", "higher"),
    TruthColumn("auc_below_ceiling", "Below the ceiling", "lower"),
    TruthColumn("log_loss_gap_closed", "Log-loss gap closed, outcomes", "higher", as_percent=True),
    TruthColumn(
        "expected_log_loss_gap_closed", "Log-loss gap closed, expected", "higher", as_percent=True
    ),
    TruthColumn(
        "expected_brier_gap_closed", "Brier gap closed, expected", "higher", as_percent=True
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
        sentences: what they mean.
        columns: of the table.
        chart: forecasts and true chances, group by group.
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
        """Write its interval; empty where there is none."""
        if figure.low is None:
            return ""
        return between(figure, as_percent=column.as_percent, digits=column.digits)


def truth_page(grade: TruthGrade) -> TruthPage:
    """Turn figures into a section of the report."""
    return TruthPage(grade, tuple(_sentences(grade)), COLUMNS, forecast_and_truth(grade))


def _sentences(grade: TruthGrade) -> Iterator[str]:
    model, ceiling, noun = grade.model, grade.ceiling, grade.file.noun
    yield (
        f"This is a simulated company. Its future was replayed many times, so the true chance of "
        f"every {noun} is known. No model saw any of it."
    )
    expected, happened = model["expected_log_loss_gap_closed"], model["log_loss_gap_closed"]
    if expected.value is not None:
        words = (
            "Between forecasting the same chance for all and knowing every true chance, the model "
            f"closes {percent(expected.value)} of the gap in expected log loss "
            f"({between(expected, as_percent=True)})"
        )
        if happened.value is not None:
            words += (
                f", and {percent(happened.value)} on the outcomes that occurred "
                f"({between(happened, as_percent=True)})"
            )
        yield words + "."
    area, best, below = model["auc"], ceiling["auc"], model["auc_below_ceiling"]
    if area.value is not None and best.value is not None:
        yield (
            "No forecast can rank better than the true chances. Their AUC on these outcomes is "
            f"{best.value:.3f}, because part of every outcome is luck; the model's is "
            f"{area.value:.3f}, which is {below.value or 0:.3f} less ({between(below, digits=3)})."
        )
    error, distance = model["ece_to_truth"], model["mean_distance_to_truth"]
    yield (
        f"In groups of similar forecasts the model is off by {points(error.value)} on average; for "
        f"a single {noun} it is {points(distance.value)} away from the true chance."
    )


def forecast_and_truth(grade: TruthGrade) -> Markup:
    """Draw the true chances behind groups of similar forecasts."""
    high = 1.06 * max(max(b.mean_forecast, b.high, b.mean_truth) for b in grade.bins) or 1.0
    points = [
        Point(
            b.mean_forecast,
            b.mean_truth,
            f"forecast {share_label(b.mean_forecast)} ({b.n_rows} forecasts), true "
            f"{share_label(b.mean_truth)}, most between {share_label(b.low)} and "
            f"{share_label(b.high)}",
            (b.low, b.high),
        )
        for b in grade.bins
    ]
    panel = diagonal_panel((56, 14, 534, 310), high, points, "forecast = truth", "forecast")
    says = "; ".join(
        f"forecast {share_label(b.mean_forecast)}, true {share_label(b.mean_truth)}"
        for b in grade.bins
    )
    return Chart(SIZE, "Forecast and truth", says, [panel]).to_svg()
