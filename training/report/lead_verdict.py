"""What an evaluation of leads means, in sentences that a manager and a sceptic can both check."""

from __future__ import annotations

from collections.abc import Iterator

from training.evaluation.bootstrap import Estimate
from training.evaluation.lead_group import LeadGroup
from training.evaluation.leads import Evaluation
from training.evaluation.splitting import POOLED
from training.report.verdict import HeadlineFigure, Tone, Verdict
from training.report.words import between, listing, percent, points

SUSPICIOUS_AUC = 0.9
RULE = "recency rule"
WORTH_A_WARNING = 0.1
"""Forecasts that are this share of the rate too high or too low are worth a warning."""
CLEARLY_EXTREME = 0.8
"""Below this calibration slope, interval included, forecasts are called too extreme."""


def lead_verdict(evaluation: Evaluation) -> Verdict:
    """Sum an evaluation up in words."""
    overall = evaluation.overall
    if overall.withheld:
        return _too_early(evaluation)
    headline, tone = _headline(evaluation)
    comparisons = (_comparison(overall, name) for name in overall.differences)
    return Verdict(
        headline,
        tone,
        (_calling(evaluation), _calibration(evaluation), *comparisons),
        _figures(evaluation),
        tuple(_warnings(evaluation)),
    )


def _too_early(evaluation: Evaluation) -> Verdict:
    overall = evaluation.overall
    waiting = (
        f"{evaluation.n_immature:,} forecasts wait for their {evaluation.horizon_days} days "
        "to pass; they are kept, and never counted as failures."
    )
    return Verdict(
        "Too early to tell: this history has too few outcomes to evaluate a forecast.",
        "warn",
        (f"{overall.n_rows:,} forecasts have a known outcome, {overall.withheld}.", waiting)
        if overall.n_rows
        else (waiting,),
        (),
        (),
    )


def _headline(evaluation: Evaluation) -> tuple[str, Tone]:
    overall = evaluation.overall
    # The pooled model is no simpler forecast; whether splitting helped is said apart.
    names = [name for name in overall.differences if name != POOLED]
    better, worse, undecided = (
        [name for name in names if overall.verdict(name, "auc") == verdict]
        for verdict in ("better", "worse", "undecided")
    )
    if reason := _refusal(evaluation, worse):
        return reason, "warn"
    if not names:
        return (
            "The model was tested on later months, without a simpler forecast to compare it with.",
            "plain",
        )
    if not undecided:
        rivals = f"all {len(names)} simpler forecasts" if len(names) > 1 else "the simpler forecast"
        return f"On later months it had not seen, the model ranks leads better than {rivals}.", (
            "good"
        )
    if not better:
        return (
            (
                "The model has not been shown to rank leads better than the simpler forecasts: "
                "every difference could be chance."
            ),
            "warn",
        )
    return (
        (
            f"The model ranks leads better than {listing(better)}; against {listing(undecided)} "
            "the difference could be chance."
        ),
        "plain",
    )


def _refusal(evaluation: Evaluation, better_rivals: list[str]) -> str | None:
    """Return why nobody should use the model, the gravest reason alone."""
    honesty = evaluation.honesty
    if _is_suspicious(evaluation.overall.model["auc"]):
        return "Too good to be true: look for a leak before anyone uses this model."
    if honesty is not None and honesty.failed:
        return f"{honesty.says[0].upper()}{honesty.says[1:]}."
    if better_rivals:
        rank = "ranks" if len(better_rivals) == 1 else "rank"
        return f"Do not use this model yet: {listing(better_rivals)} {rank} leads better."
    return None


def _calling(evaluation: Evaluation) -> str:
    overall, share = evaluation.overall, percent(evaluation.settings.capacity)
    captured = overall.model["capture"]
    words = (
        f"Calling the top {share} of the open leads finds {percent(captured.value)} of the "
        f"conversions of the next {evaluation.horizon_days} days "
        f"({between(captured, as_percent=True)})"
    )
    rule = overall.scores.get(RULE)
    if rule is not None and rule["capture"].value is not None:
        words += f"; the {RULE} finds {percent(rule['capture'].value)}"
    return words + f"; calling in random order finds {share}."


def _calibration(evaluation: Evaluation) -> str:
    bins = evaluation.reliability
    low, high = bins[0], bins[-1]
    words = f"When it says {percent(high.mean_forecast)}, {percent(high.rate.value)} convert"
    if len(bins) > 1:
        words += f"; when it says {percent(low.mean_forecast)}, {percent(low.rate.value)} convert"
    ece, floor = evaluation.overall.model["ece"], evaluation.ece_floor
    words += f". On average its probabilities are off by {points(ece.value)}"
    if floor.value is not None:
        words += (
            f"; those of a perfect forecast of these leads would be off by {points(floor.value)}, "
            "by chance alone"
        )
    return words + "."


def _comparison(overall: LeadGroup, name: str) -> str:
    gap = overall.differences[name]["auc"]
    size = f"AUC {gap.value:+.3f}, {_signed(gap)}" if gap.value is not None else "withheld"
    ranking = {
        "better": f"It ranks leads better than {name} ({size})",
        "worse": f"It ranks leads worse than {name} ({size})",
        "undecided": f"It has not been shown to rank leads better than {name}: the interval of "
        f"the difference includes 0 ({size})",
    }[overall.verdict(name, "auc")]
    probabilities = {
        "better": "its probabilities are better",
        "worse": "its probabilities are worse",
        "undecided": "the difference between the probabilities could be chance",
    }[overall.verdict(name, "brier")]
    return f"{ranking}; {probabilities}."


def _signed(gap: Estimate) -> str:
    if gap.low is None or gap.high is None:
        return "no interval"
    return f"{gap.low:+.3f} to {gap.high:+.3f}"


def _figures(evaluation: Evaluation) -> tuple[HeadlineFigure, ...]:
    model, share = evaluation.overall.model, percent(evaluation.settings.capacity)
    top = evaluation.reliability[-1]
    area, captured, lift = model["auc"], model["capture"], model["lift"]
    return (
        HeadlineFigure(
            percent(captured.value),
            f"of the conversions are among the top {share} of the leads",
            between(captured, as_percent=True),
        ),
        HeadlineFigure(
            f"{lift.value or 0:.1f}x",
            f"as many conversions per call as in random order, when calling {share}",
            between(lift, digits=1) + "x",
        ),
        HeadlineFigure(
            f"{area.value or 0:.2f}",
            "AUC: how often a lead that converts is ranked above one that does not",
            between(area),
            "warn" if _is_suspicious(area) else "plain",
        ),
        HeadlineFigure(
            f"{percent(top.mean_forecast)} → {percent(top.rate.value)}",
            "forecast and actual conversion of the leads with the highest forecasts",
            f"actual: {between(top.rate, as_percent=True)}",
        ),
    )


def _is_suspicious(area: Estimate) -> bool:
    return area.value is not None and area.value > SUSPICIOUS_AUC


def _warnings(evaluation: Evaluation) -> Iterator[str]:
    model = evaluation.overall.model
    if _is_suspicious(model["auc"]):
        yield (
            f"An AUC of {model['auc'].value:.2f} is too good to be true: look for a leak. Real "
            "lead models lie between 0.60 and 0.80. The usual cause is a field that is filled in "
            "once the outcome is known, or a timestamp earlier than the moment of entry."
        )
    forecast, rate = model["mean_forecast"].value, evaluation.overall.base_rate.value
    is_off = model["calibration_intercept"].excludes(0.0)
    if forecast and rate and is_off and abs(forecast / rate - 1) > WORTH_A_WARNING:
        yield (
            f"Overall the forecasts are too {'high' if forecast > rate else 'low'}: "
            f"{percent(forecast)} on average, while {percent(rate)} converted. The ranking is not "
            "affected."
        )
    slope = model["calibration_slope"]
    if slope.high is not None and slope.high < CLEARLY_EXTREME:
        yield (
            f"The forecasts are too extreme (calibration slope {slope.value:.2f}): hot leads "
            "convert less often than forecast, and cold leads more often."
        )
