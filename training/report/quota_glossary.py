"""What each metric of a backtest of quotas means in one sentence, and how it is written."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from training.report.lead_glossary import TERMS, Term

_ALL = (
    Term(
        "auc",
        "AUC",
        "number",
        "higher",
        "How often a rep who misses had a lower chance than one who makes quota; 0.5 is a coin "
        "toss. For every forecast it rises towards 1 as the period ends.",
    ),
    Term(
        "precision",
        "Flags that were right",
        "share",
        "higher",
        "A manager flags as many reps with the lowest chances as there is time for: the share of "
        "them that missed in the end (precision at capacity).",
    ),
    Term(
        "recall",
        "Misses among the flags",
        "share",
        "higher",
        "The share of all misses that was among these flags at that moment (recall at capacity). "
        "Where more reps miss than can be flagged, no forecast reaches 100 %.",
    ),
    Term(
        "brier",
        "Brier score",
        "number",
        "lower",
        "The mean squared distance between chance and outcome (1 or 0).",
        digits=4,
    ),
    TERMS["log_loss"],
    Term(
        "pinball",
        "Pinball loss",
        "number",
        "lower",
        "How far p10, p50 and p90 lie from the final attainment, in quotas; wide ranges cost, and "
        "so do ranges that fail.",
        digits=4,
    ),
    Term(
        "coverage",
        "Coverage",
        "share",
        "near 80 %",
        "How often the final attainment lay in the 80 % range: less than 80 % means too narrow, "
        "more means too wide. The range of a simple rule, and of the truth, is p10 to p90.",
    ),
    Term(
        "between",
        "From p10 to p90",
        "share",
        "near 80 %",
        "How often the final attainment lay from p10 to p90. Late in a period, when much of the "
        "probability lies on what is closed already, that is more than 80 %: such a step lies "
        "wholly above p10.",
    ),
    Term(
        "width",
        "Width of the range",
        "number",
        "",
        "The mean width of the 80 % range, in quotas.",
        digits=2,
    ),
    TERMS["ece"],
    Term(
        "mean_forecast",
        "Mean chance",
        "share",
        "near the share that makes quota",
        "The average chance; compare it with the share that made quota.",
    ),
    Term(
        "calibration_slope",
        "Calibration slope",
        "number",
        "near 1",
        "Below 1 the chances are too extreme, above 1 too timid.",
        digits=2,
    ),
)
QUOTA_TERMS = {term.key: term for term in _ALL}
RULES: Mapping[str, str] = MappingProxyType(
    {
        "linear pacing": "what is closed so far, divided by the share of the period that is gone.",
        "seasonal pacing": "what is closed so far, divided by the share that reps usually have "
        "closed by that day.",
        "coverage rule": "what is closed so far, plus each open deal's amount times its owner's "
        "win rate in the deal's stage, of the last year.",
        "due deals": "the same with only those open deals that are expected to close within the "
        "period.",
        "last period": "what the rep attained in the period before.",
        "human commits": "what was committed to.",
    }
)
"""What each rule says, after its name; a line and its errors in the past make it a distribution."""
