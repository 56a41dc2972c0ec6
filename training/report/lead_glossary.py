"""What each metric of a backtest of leads means in one sentence, and how its figure is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from training.evaluation.bootstrap import Estimate
from training.evaluation.honesty import AGE, BASE_RATE
from training.evaluation.splitting import POOLED
from training.report.words import percent

Unit = Literal["number", "share", "times"]


@dataclass(frozen=True)
class Term:
    """A metric and its words.

    Attributes:
        key: in metrics.json.
        title: its name on the page.
        unit: how its figures are written.
        better: which figures are better, as in "higher is better"; empty where none are.
        meaning: what it measures, in a sentence.
        digits: decimal places of a plain number.
    """

    key: str
    title: str
    unit: Unit
    better: str
    meaning: str
    digits: int = 3

    @property
    def direction(self) -> str:
        """Which figures are better, in words."""
        return f"{self.better} is better" if self.better else ""

    def write(self, value: float | None, *, signed: bool = False) -> str:
        """Write a figure in its unit.

        A signed share is a difference between shares, so it is written in percentage points.

        >>> TERMS["lift"].write(2.346), TERMS["auc"].write(-0.0123, signed=True)
        ('2.35x', '-0.012')
        >>> TERMS["capture"].write(0.123, signed=True), TERMS["auc"].write(-0.0001, signed=True)
        ('+12.3 pts', '0.000')
        """
        if value is None:
            return "withheld"
        if self.unit == "share":
            return _number(100 * value, 1, signed=True) + " pts" if signed else percent(value)
        if self.unit == "times":
            return _number(value, 2, signed=signed) + "x"
        return _number(value, self.digits, signed=signed)

    def interval(self, figure: Estimate, *, signed: bool = False) -> str:
        """Write an interval in the metric's unit; empty where there is none."""
        if figure.low is None or figure.high is None:
            return ""
        ends = self.write(figure.low, signed=signed), self.write(figure.high, signed=signed)
        return " to ".join(ends)


def _number(value: float, digits: int, *, signed: bool) -> str:
    """Write a number; what rounds to nothing is written without a sign."""
    rounded = round(value, digits)
    if rounded == 0:
        return f"{0:.{digits}f}"
    return f"{rounded:{'+' if signed else ''}.{digits}f}"


_ALL = (
    Term(
        "auc",
        "AUC",
        "number",
        "higher",
        "How often a lead that converts is ranked above one that does not; 0.5 is a coin toss, 1 "
        "is perfect, and above 0.9 is a reason to look for a leak.",
    ),
    Term(
        "capture",
        "Conversions found",
        "share",
        "higher",
        "The share of all conversions among the top leads a team can call, within each cutoff.",
    ),
    Term(
        "lift",
        "Lift at capacity",
        "times",
        "higher",
        "How many times as many conversions a call finds as in random order, at capacity.",
    ),
    Term(
        "top_decile_lift",
        "Lift, top tenth",
        "times",
        "higher",
        "The same for the best tenth of each cutoff's list.",
    ),
    Term(
        "average_precision",
        "Average precision",
        "number",
        "higher",
        "The share of conversions among the leads called so far, averaged over all conversions; "
        "a random order gives the base rate.",
    ),
    Term(
        "brier",
        "Brier score",
        "number",
        "lower",
        "The mean squared distance between probability and outcome (1 or 0).",
        digits=4,
    ),
    Term(
        "brier_skill",
        "Brier skill",
        "number",
        "higher",
        "How much lower the Brier score is than that of forecasting the base rate of these rows "
        "everywhere; 0 is no improvement.",
    ),
    Term(
        "log_loss",
        "Log loss",
        "number",
        "lower",
        "The mean surprise at the outcome; being sure and wrong costs most.",
        digits=4,
    ),
    Term(
        "ece",
        "Calibration error (ECE)",
        "share",
        "lower",
        "How far forecasts lie from what happened, on average over 15 groups of equally many "
        "forecasts.",
    ),
    Term(
        "mean_forecast",
        "Mean forecast",
        "share",
        "near the base rate",
        "The average forecast; compare it with the share that converted.",
    ),
    Term(
        "calibration_intercept",
        "Calibration intercept",
        "number",
        "near 0",
        "Above 0 the forecasts are too low overall, below 0 too high (log-odds).",
    ),
    Term(
        "calibration_slope",
        "Calibration slope",
        "number",
        "near 1",
        "Below 1 the forecasts are too extreme, above 1 too timid.",
    ),
)
TERMS = {term.key: term for term in _ALL}
RIVALS: Mapping[str, str] = MappingProxyType(
    {
        BASE_RATE: "the share of past leads that converted, the same for every lead.",
        AGE: "the share among past leads of a similar age, as far as age has held.",
        "stage alone": "the share among past leads that stood in the same stage.",
        "recency rule": "the share among past leads with a similar wait since the last activity.",
        "naive Bayes on closing values": "how often each value stood on leads when they were won "
        "or lost, added up as if the fields were independent; what many CRMs ship.",
        "logistic regression": "a straight-line model of the same features.",
        POOLED: "one model of all leads, without separate models for segments.",
    }
)
"""What each simpler forecast says, after its name."""
