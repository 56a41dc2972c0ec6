"""What an evaluation means, in sentences that a sales manager and a sceptic can both check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from training.evaluation.bootstrap import Estimate
from training.evaluation.lead_group import LeadGroup
from training.evaluation.leads import Evaluation, ReliabilityBin

SUSPICIOUS_AUC = 0.9
RULE = "recency rule"

_NBSP = "\N{NO-BREAK SPACE}"

Tone = Literal["good", "plain", "warn"]


@dataclass(frozen=True)
class HeadlineFigure:
    """A key figure: the number, what it is, and how sure it is."""

    value: str
    says: str
    sure: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class Verdict:
    """The top of a report.

    Attributes:
        headline: the answer in one sentence.
        tone: whether it is good news.
        sentences: what stands behind it.
        figures: the key figures; none where all are withheld.
        warnings: what should make a reader stop.
    """

    headline: str
    tone: Tone
    sentences: tuple[str, ...]
    figures: tuple[HeadlineFigure, ...]
    warnings: tuple[str, ...]


def lead_verdict(evaluation: Evaluation) -> Verdict:
    """Sum an evaluation up in words."""
    overall = evaluation.overall
    if overall.withheld:
        return _nothing_to_say(evaluation)
    headline, tone = _headline(overall)
    return Verdict(
        headline,
        tone,
        (_calling(evaluation), _saying(evaluation), *_rivals(overall)),
        _figures(evaluation),
        _warnings(evaluation),
    )


def percent(share: float | None, digits: int = 0) -> str:
    """Write a share as a percentage; small ones keep a digit so they do not read as nothing."""
    if share is None:
        return "withheld"
    points = 100 * share
    if digits == 0 and 0 < abs(points) < 9.95:  # noqa: PLR2004 - below ten a digit tells
        digits = 1
    return f"{points:.{digits}f}{_NBSP}%"


def between(figure: Estimate, *, as_percent: bool = False, digits: int = 2) -> str:
    """Write an interval."""
    if figure.low is None or figure.high is None:
        return "no interval"
    if as_percent:
        return f"{percent(figure.low)} to {percent(figure.high)}"
    return f"{figure.low:.{digits}f} to {figure.high:.{digits}f}"


def _nothing_to_say(evaluation: Evaluation) -> Verdict:
    overall = evaluation.overall
    waiting = (
        f"{evaluation.n_immature:,} forecasts wait for their {evaluation.horizon_days} days "
        "to pass; they are kept, and counted nowhere as failures."
    )
    return Verdict(
        "Nothing can be said yet: this history holds too few outcomes to judge a forecast.",
        "warn",
        (
            f"Of {overall.n_rows:,} forecasts with a known outcome: {overall.withheld}.",
            waiting,
        ),
        (),
        (),
    )


def _headline(overall: LeadGroup) -> tuple[str, Tone]:
    names = list(overall.differences)
    better = [n for n in names if overall.verdict(n, "auc") == "better"]
    worse = [n for n in names if overall.verdict(n, "auc") == "worse"]
    if _suspicious(overall.model["auc"]):
        return "Too good to be true: look for a leak before anybody uses this model.", "warn"
    open_ = [n for n in names if n not in better and n not in worse]
    if worse:
        return f"Do not use this model yet: {listing(worse)} ranks leads better.", "warn"
    if not names:
        return "The model has been tested on later data, against no simpler forecast.", "plain"
    if not open_:
        rivals = f"all {len(names)} simpler forecasts" if len(names) > 1 else "the simpler forecast"
        return (
            (
                "On later months that it had not seen, the model ranks leads better than "
                f"{rivals} it was tested against."
            ),
            "good",
        )
    if not better:
        return (
            (
                "The model has not been shown to rank leads better than the simpler forecasts: "
                "every difference lies within chance."
            ),
            "warn",
        )
    return (
        (
            f"The model ranks leads better than {listing(better)}; "
            f"against {listing(open_)} the difference lies within chance."
        ),
        "plain",
    )


def _calling(evaluation: Evaluation) -> str:
    overall, share = evaluation.overall, percent(evaluation.settings.capacity)
    found = overall.model["capture"]
    words = (
        f"Calling the top {share} of the open leads finds {percent(found.value)} of the "
        f"conversions of the next {evaluation.horizon_days} days "
        f"({between(found, as_percent=True)})"
    )
    rule = overall.scores.get(RULE)
    if rule is not None and rule["capture"].value is not None:
        words += f"; the {RULE} finds {percent(rule['capture'].value)}"
    return words + f"; calling in random order finds {share}."


def _saying(evaluation: Evaluation) -> str:
    bins = evaluation.reliability
    low, high = bins[0], bins[-1]
    words = f"When it says {percent(high.mean_forecast)}, {percent(high.rate.value)} happen"
    if len(bins) > 1:
        words += f"; when it says {percent(low.mean_forecast)}, {percent(low.rate.value)} happen"
    ece, floor = evaluation.overall.model["ece"], evaluation.ece_floor
    words += f". On average it is {percent(ece.value, 1)} away from what happens"
    if floor.value is not None:
        words += (
            f"; a perfect forecast of these leads would show {percent(floor.value, 1)} "
            "by chance alone"
        )
    return words + "."


def _rivals(overall: LeadGroup) -> tuple[str, ...]:
    return tuple(_rival(overall, name) for name in overall.differences)


def _rival(overall: LeadGroup, name: str) -> str:
    gap = overall.differences[name]["auc"]
    size = f"AUC {gap.value:+.3f}, {_signed(gap)}" if gap.value is not None else "withheld"
    order = {
        "better": f"Ranks honestly better than {name} ({size}).",
        "worse": f"Ranks worse than {name} ({size}).",
        "undecided": f"Not shown to rank better than {name}: the interval holds 0 ({size}).",
    }[overall.verdict(name, "auc")]
    odds = {
        "better": "Its probabilities are better too.",
        "worse": "Its probabilities are worse.",
        "undecided": "For the probabilities the difference lies within chance.",
    }[overall.verdict(name, "brier")]
    return f"{order} {odds}"


def _signed(gap: Estimate) -> str:
    if gap.low is None or gap.high is None:
        return "no interval"
    return f"{gap.low:+.3f} to {gap.high:+.3f}"


def _figures(evaluation: Evaluation) -> tuple[HeadlineFigure, ...]:
    model, share = evaluation.overall.model, percent(evaluation.settings.capacity)
    top: ReliabilityBin = evaluation.reliability[-1]
    area, found, lift = model["auc"], model["capture"], model["lift"]
    return (
        HeadlineFigure(
            percent(found.value),
            f"of conversions are among the top {share} of leads",
            between(found, as_percent=True),
        ),
        HeadlineFigure(
            f"{lift.value or 0:.1f}x",
            f"as many conversions per call as in random order, calling {share}",
            between(lift, digits=1) + "x",
        ),
        HeadlineFigure(
            f"{area.value or 0:.2f}",
            "AUC: how often a lead that converts is ranked above one that does not",
            between(area),
            "warn" if _suspicious(area) else "plain",
        ),
        HeadlineFigure(
            f"{percent(top.mean_forecast)} → {percent(top.rate.value)}",
            "said, and happened, for the leads with the highest forecasts",
            between(top.rate, as_percent=True) + " happened",
        ),
    )


def _suspicious(area: Estimate) -> bool:
    return area.value is not None and area.value > SUSPICIOUS_AUC


def _warnings(evaluation: Evaluation) -> tuple[str, ...]:
    model, found = evaluation.overall.model, []
    if _suspicious(model["auc"]):
        found.append(
            f"An AUC of {model['auc'].value:.2f} is too good for selling: look for a leak. Real "
            "lead models lie between 0.60 and 0.80. A field that is filled in once the outcome is "
            "known, or a time that is not when it was known, is the usual cause."
        )
    said, came = model["mean_forecast"].value, evaluation.overall.base_rate.value
    if said and came and model["calibration_intercept"].excludes(0.0):
        off = said / came - 1
        if abs(off) > 0.1:  # noqa: PLR2004 - a tenth of the rate is worth a word
            found.append(
                f"As a whole the forecasts are too {'high' if off > 0 else 'low'}: on average it "
                f"said {percent(said)}, and {percent(came)} happened. The order is not affected."
            )
    slope = model["calibration_slope"]
    if slope.high is not None and slope.high < 0.8:  # noqa: PLR2004 - clearly, not by a hair
        found.append(
            f"The forecasts are too extreme (calibration slope {slope.value:.2f}): what it calls "
            "hot converts less often than said, what it calls cold more often."
        )
    return tuple(found)


def listing(names: list[str]) -> str:
    """Join names with commas and a last `and`.

    >>> listing(["a", "b", "c"])
    'a, b and c'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
