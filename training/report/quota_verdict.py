"""What a backtest of quotas means, in sentences that a manager and a sceptic can both check."""

from __future__ import annotations

from collections.abc import Iterator

from training.evaluation.bootstrap import Estimate
from training.evaluation.lead_forecasts import MODEL
from training.evaluation.quota import QuotaEvaluation
from training.evaluation.quota_group import QuotaGroup
from training.evaluation.totals import LevelTotals
from training.report.verdict import HeadlineFigure, Tone, Verdict
from training.report.words import between, listing, of_ten, percent

NEARLY_THE_ANSWER = 0.95
ENOUGH_PERIODS = 4
RIGHT = 0.8
MUCH_MORE = 0.04
"""Ranges that should hold this much more than 80 % get a sentence."""
QUARTERS = 4
TOTALS = {"company": "the company's total", "manager": "a manager's total"}
"""The levels of totals that get a sentence."""


def quota_verdict(evaluation: QuotaEvaluation) -> Verdict:
    """Sum an evaluation up in words."""
    if evaluation.early.withheld:
        return _too_early(evaluation)
    headline, tone = _headline(evaluation.early)
    sentences = (
        _flags(evaluation),
        _lead_time(evaluation),
        _quarters(evaluation),
        _ranges(evaluation),
        *_totals(evaluation.rollups),
    )
    return Verdict(headline, tone, sentences, _figures(evaluation), tuple(_warnings(evaluation)))


def _too_early(evaluation: QuotaEvaluation) -> Verdict:
    early = evaluation.early
    return Verdict(
        "Too early to tell: this history has too few quota periods to evaluate a forecast.",
        "warn",
        (
            (
                f"In {early.label} there are {early.n_rows:,} forecasts of "
                f"{early.n_rep_periods:,} rep-periods with a known attainment; the figures are "
                f"{early.withheld}."
            ),
            (
                f"{evaluation.n_immature:,} forecasts wait for their period to end (or have no "
                "quota to measure against); they are kept, and never counted as misses."
            ),
        ),
        (),
        tuple(_thin_evidence(evaluation)),
    )


def _headline(early: QuotaGroup) -> tuple[str, Tone]:
    names = list(early.differences)
    better, worse, undecided = (
        [name for name in names if early.verdict(name, "auc") == verdict]
        for verdict in ("better", "worse", "undecided")
    )
    if not names:
        return (
            "The model was tested on later periods, without a simple rule to compare it with.",
            "plain",
        )
    if worse:
        rank = "ranks" if len(worse) == 1 else "rank"
        return (
            f"Do not use this model yet: early in the period {listing(worse)} {rank} reps better.",
            "warn",
        )
    if not better:
        return (
            (
                "The model has not been shown to predict misses early better than simple rules: "
                "every difference could be chance."
            ),
            "warn",
        )
    if undecided:
        return (
            (
                f"In {early.label} the model predicts misses better than {listing(better)}; "
                f"against {listing(undecided)} the difference could be chance."
            ),
            "plain",
        )
    rules = f"all {len(names)} simple rules" if len(names) > 1 else "the simple rule"
    return (
        (
            f"In {early.label} of periods it had not seen, the model predicts who will miss quota "
            f"better than {rules}."
        ),
        "good",
    )


def _flags(evaluation: QuotaEvaluation) -> str:
    early, share = evaluation.early, evaluation.settings.capacity
    right, reached = early.model["precision"], early.model["recall"]
    words = (
        f"A manager who talks to the {of_ten(share)} reps with the lowest chances in {early.label} "
        f"is right about {of_ten(right.value)} of them ({between(right, as_percent=True)}) and "
        f"reaches {percent(reached.value)} of all who will miss."
    )
    rate = early.miss_rate.value or 0.0
    if rate > share:
        words += (
            f" No forecast could reach more than {percent(share / rate)}, because {percent(rate)} "
            "miss."
        )
    best = max(
        (name for name in early.scores if name != MODEL),
        key=lambda name: early.scores[name]["precision"].value or 0.0,
        default=None,
    )
    if best is not None:
        value = early.scores[best]["precision"].value
        words += f" The best simple rule ({best}) is right about {of_ten(value)}"
        is_open = early.verdict(best, "precision") == "undecided"
        words += "; the difference could be chance." if is_open else "."
    return words


def _lead_time(evaluation: QuotaEvaluation) -> str:
    warning = evaluation.warnings[1]
    if warning.withheld:
        return f"How early misses are flagged is {warning.withheld}."
    model = warning.scores[MODEL]
    words = (
        f"Half of the {warning.n_missed} misses were flagged for good at least "
        f"{_days(model['lead_days'])} before the period ended ({_day_range(model['lead_days'])}), "
        f"with {of_ten(evaluation.settings.capacity)} reps flagged at a time; "
        f"{percent(model['flagged'].value)} were flagged in the end."
    )
    rules = {name: scores for name, scores in warning.scores.items() if name != MODEL}
    best = max(rules, key=lambda name: rules[name]["lead_days"].value or 0.0, default=None)
    if best is not None:
        words += (
            f" The earliest simple rule ({best}) manages {_days(rules[best]['lead_days'])}; "
            f"{percent(rules[best]['false_alarms'].value)} of its early flags are false alarms, "
            f"against {percent(model['false_alarms'].value)} of the model's."
        )
    return words


def _days(figure: Estimate) -> str:
    return "withheld" if figure.value is None else f"{figure.value:.0f} days"


def _day_range(figure: Estimate) -> str:
    if figure.low is None or figure.high is None:
        return "no interval"
    return f"{figure.low:.0f} to {figure.high:.0f}"


def _quarters(evaluation: QuotaEvaluation) -> str:
    known = [group for group in evaluation.quarters if group.withheld_ranges is None]
    if not known:
        return "There are too few rep-periods to compare its ranges with those of simple rules."
    worse = [
        f"those of {name} in the {group.label}"
        for group in evaluation.quarters
        for name in group.differences
        if group.verdict(name, "pinball") == "worse"
    ]
    if worse:
        return f"Its ranges are clearly worse than {listing(worse)} of the period."
    quarters = "any quarter" if len(known) == QUARTERS else f"any of the {len(known)} quarters seen"
    return f"No simple rule has clearly better ranges in {quarters} of the period."


def _ranges(evaluation: QuotaEvaluation) -> str:
    overall = evaluation.overall
    covered = overall.model["coverage"]
    words = (
        f"Of its 80 % ranges, {percent(covered.value)} held ({between(covered, as_percent=True)}; "
        f"{overall.n_rows:,} ranges of {overall.n_rep_periods:,} rep-periods)."
    )
    late = [g for g in evaluation.quarters if g.n_rows and g.should_hold > RIGHT + MUCH_MORE]
    if late:
        last = late[-1]
        held = last.model["coverage"].value
        words += (
            f" In the {last.label} of the period a single amount (nothing more is won) often "
            f"carries more than {percent(RIGHT)} of the probability, so even perfect ranges hold "
            f"{percent(last.should_hold)} there"
        )
        words += "." if held is None else f"; {percent(held)} did."
    return words


def _totals(rollups: tuple[LevelTotals, ...]) -> Iterator[str]:
    for totals in rollups:
        error = totals.middle["absolute_percentage_error"]
        if error.value is None or totals.level not in TOTALS:
            continue
        number = f"{totals.n_totals} totals" if totals.n_totals > 1 else "one total"
        certainty = f"only {number}, too few for an interval"
        if error.low is not None:
            certainty = f"{between(error, as_percent=True)}; {number}"
        yield (
            f"At mid-period, the forecast of {TOTALS[totals.level]} was off by "
            f"{percent(error.value)} in the median ({certainty})."
        )


def _figures(evaluation: QuotaEvaluation) -> tuple[HeadlineFigure, ...]:
    early, warning = evaluation.early, evaluation.warnings[1]
    right, area = early.model["precision"], early.model["auc"]
    covered = evaluation.overall.model["coverage"]
    days = warning.scores[MODEL]["lead_days"]
    is_bold = covered.excludes(RIGHT) and (covered.value or 0.0) < RIGHT
    return (
        HeadlineFigure(
            of_ten(right.value),
            f"flags in {early.label} were right, with {of_ten(evaluation.settings.capacity)} reps "
            "flagged",
            f"{between(right, as_percent=True)}; {early.n_rep_periods:,} rep-periods",
        ),
        HeadlineFigure(
            _days(days),
            "before the end of the period, half of the misses had been flagged for good",
            f"{_day_range(days)} days; {warning.n_missed} misses",
        ),
        HeadlineFigure(
            f"{area.value or 0:.2f}",
            f"AUC in {early.label}: how often a rep who misses had the lower chance",
            between(area),
        ),
        HeadlineFigure(
            percent(covered.value),
            "of the 80 % ranges held",
            f"{between(covered, as_percent=True)}; {evaluation.overall.n_rows:,} ranges",
            "warn" if is_bold else "plain",
        ),
    )


def _warnings(evaluation: QuotaEvaluation) -> Iterator[str]:
    yield from _thin_evidence(evaluation)
    first = next((g for g in evaluation.quarters if g.label.startswith("1st")), None)
    area = first.model["auc"].value if first else None
    if area is not None and area > NEARLY_THE_ANSWER:
        yield (
            f"Already in the first quarter of the period the AUC is {area:.2f}: either the quota "
            "itself gives the answer away (it was set with knowledge of the results, or hardly "
            "anyone can miss it), or a field leaks. Check before anyone relies on this."
        )
    if evaluation.n_periods < ENOUGH_PERIODS:
        number = "one period" if evaluation.n_periods == 1 else f"{evaluation.n_periods} periods"
        yield (
            f"Only {number} could be evaluated. The intervals show what other reps would have done "
            "in these markets, not what a different market would have done to all of them."
        )


def _thin_evidence(evaluation: QuotaEvaluation) -> Iterator[str]:
    total = sum(evaluation.evidence.values())
    thin = total - evaluation.evidence.get("enough", 0)
    if thin:
        yield (
            f"{thin:,} of {total:,} forecasts rest on thin evidence, such as reps who have just "
            "joined. Files hold numbers for them too; pages withhold the range and say why."
        )
