"""What each figure about quota attainment means in one sentence, and how it is written."""

from __future__ import annotations

from training.report.lead_glossary import TERMS, Term

_ALL = (
    Term(
        "auc",
        "AUC",
        "number",
        "higher",
        "How often a rep who misses was given a lower chance than one who makes quota; 0.5 is a "
        "coin. It rises towards 1 by itself as the period ends, for every forecast.",
    ),
    Term(
        "precision",
        "Flags that were right",
        "share",
        "higher",
        "Of the reps with the lowest chances, as many as a manager has time for, the share that "
        "missed in the end (precision at capacity).",
    ),
    Term(
        "recall",
        "Misses among the flags",
        "share",
        "higher",
        "Of all reps that missed in the end, the share that was among these flags at that moment "
        "(recall at capacity). Where more miss than can be flagged, nobody reaches 100 %.",
    ),
    Term(
        "brier",
        "Brier score",
        "number",
        "lower",
        "The mean squared distance between the chance and what happened (1 or 0).",
        digits=4,
    ),
    TERMS["log_loss"],
    Term(
        "pinball",
        "Pinball loss",
        "number",
        "lower",
        "How far the range and its middle lie from what was attained, in quotas; wide ranges cost, "
        "and so do ranges that miss.",
        digits=4,
    ),
    Term(
        "coverage",
        "Coverage",
        "share",
        "as it is",
        "How often attainment came to lie within the 80 % range; 80 % is right, more is too "
        "cautious, less too bold. The range of a simple rule, and of the truth, is p10 to p90.",
    ),
    Term(
        "between",
        "From p10 to p90",
        "share",
        "as it is",
        "How often attainment came to lie from p10 to p90. Late in a period, where much of the "
        "chance lies on what is closed, that is more than 80 %: the whole of such a step lies "
        "above p10.",
    ),
    Term(
        "width",
        "Width of the range",
        "number",
        "as it is",
        "Of the 80 % range, in quotas.",
        digits=2,
    ),
    TERMS["ece"],
    Term(
        "mean_forecast",
        "Mean chance",
        "share",
        "as it is",
        "What was said on average; set it against the share that made quota.",
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
