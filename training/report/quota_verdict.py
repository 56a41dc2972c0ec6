"""What a backtest of quotas means, in sentences that a manager and a sceptic can both check."""

from __future__ import annotations

from training.evaluation.bootstrap import Estimate
from training.evaluation.lead_forecasts import MODEL
from training.evaluation.quota import QuotaEvaluation
from training.evaluation.quota_group import QuotaGroup
from training.evaluation.totals import LevelTotals
from training.report.lead_verdict import HeadlineFigure, Tone, Verdict, between, listing, percent

NEARLY_THE_ANSWER = 0.95
ENOUGH_PERIODS = 4
RIGHT = 0.8
MUCH_MORE = 0.04
"""Ranges that should hold so much more than they say are spoken of."""
TEN = 10


def quota_verdict(evaluation: QuotaEvaluation) -> Verdict:
    """Sum an evaluation up in words."""
    if evaluation.early.withheld:
        return _nothing_to_say(evaluation)
    headline, tone = _headline(evaluation.early)
    sentences = (
        _flags(evaluation),
        _lead(evaluation),
        _no_quarter(evaluation),
        _ranges(evaluation),
        *_totals(evaluation.rollups),
    )
    return Verdict(headline, tone, sentences, _figures(evaluation), _warnings(evaluation))


def of_ten(share: float | None) -> str:
    """Write a share as so many of ten; whole numbers where there is one.

    >>> of_ten(0.531), of_ten(0.9), of_ten(None)
    ('5.3 of 10', '9 of 10', 'withheld')
    """
    return "withheld" if share is None else f"{round(TEN * share, 1):g} of 10"


def _nothing_to_say(evaluation: QuotaEvaluation) -> Verdict:
    early = evaluation.early
    return Verdict(
        "Nothing can be said yet: this history holds too few quota periods to judge a forecast.",
        "warn",
        (
            (
                f"In {early.label} there are {early.n_rows:,} forecasts of {early.n_rep_periods:,} "
                f"rep-periods with a known attainment: {early.withheld}."
            ),
            (
                f"{evaluation.n_immature:,} forecasts wait for their period to end (or have no "
                "quota to measure against); they are kept, and counted nowhere as misses."
            ),
        ),
        (),
        tuple(_evidence(evaluation)),
    )


def _headline(early: QuotaGroup) -> tuple[str, Tone]:
    names = list(early.differences)
    sides = {n: early.verdict(n, "auc") for n in names}
    worse = [n for n in names if sides[n] == "worse"]
    better = [n for n in names if sides[n] == "better"]
    open_ = [n for n in names if sides[n] == "undecided"]
    if not names:
        return "Tested on later periods, against no simpler forecast.", "plain"
    if worse:
        return (
            f"Do not use this yet: early in the period {listing(worse)} ranks reps better.",
            "warn",
        )
    if not better:
        return (
            (
                "It has not been shown to know early misses better than simple rules: every "
                "difference lies within chance."
            ),
            "warn",
        )
    rules = f"all {len(names)} simple rules" if len(names) > 1 else "the simple rule"
    if open_:
        return (
            (
                f"In {early.label} it tells who will miss better than {listing(better)}; against "
                f"{listing(open_)} the difference lies within chance."
            ),
            "plain",
        )
    return (
        (
            f"In {early.label} of periods it had not seen, it tells who will miss better than "
            f"{rules}."
        ),
        "good",
    )


def _flags(evaluation: QuotaEvaluation) -> str:
    early, share = evaluation.early, evaluation.settings.capacity
    right, found = early.model["precision"], early.model["recall"]
    words = (
        f"A manager who talks to the {of_ten(share)} reps with the lowest chances in {early.label} "
        f"is right about {of_ten(right.value)} of them ({between(right, as_percent=True)}) and "
        f"meets {percent(found.value)} of all who will miss"
    )
    rate = early.miss_rate.value or 0.0
    if rate > share:
        words += f"; more than {percent(share / rate)} cannot be met, because {percent(rate)} miss"
    best = max(
        (n for n in early.scores if n != MODEL),
        key=lambda n: early.scores[n]["precision"].value or 0.0,
        default=None,
    )
    if best is not None:
        value = early.scores[best]["precision"].value
        words += f". The best simple rule there ({best}) is right about {of_ten(value)}"
        if early.verdict(best, "precision") == "undecided":
            words += "; that difference lies within chance"
    return words + "."


def _lead(evaluation: QuotaEvaluation) -> str:
    found = evaluation.warnings[1]
    if found.withheld:
        return f"How early a miss is known: {found.withheld}."
    mine = found.scores[MODEL]
    rivals = {n: s["lead_days"].value for n, s in found.scores.items() if n != MODEL}
    best = max(rivals, key=lambda n: rivals[n] or 0.0, default=None)
    words = (
        f"Half of the {found.n_missed} misses were flagged, for good, {_days(mine['lead_days'])} "
        f"or more before the period ended ({_day_range(mine['lead_days'])}), with flags for "
        f"{of_ten(evaluation.settings.capacity)} reps at a time; in the end "
        f"{percent(mine['flagged'].value)} were flagged"
    )
    if best is not None:
        words += (
            f". The earliest simple rule ({best}) manages {_days(found.scores[best]['lead_days'])}"
        )
        words += (
            f", and {percent(found.scores[best]['false_alarms'].value)} of its early flags are "
            f"false, against {percent(mine['false_alarms'].value)}"
        )
    return words + "."


def _days(figure: Estimate) -> str:
    return "withheld" if figure.value is None else f"{figure.value:.0f} days"


def _day_range(figure: Estimate) -> str:
    if figure.low is None or figure.high is None:
        return "no interval"
    return f"{figure.low:.0f} to {figure.high:.0f}"


def _no_quarter(evaluation: QuotaEvaluation) -> str:
    worse = [
        f"{name} in the {group.label}"
        for group in evaluation.quarters
        for name in group.differences
        if group.verdict(name, "pinball") == "worse"
    ]
    judged = [g for g in evaluation.quarters if g.withheld_ranges is None]
    if not judged:
        return "Ranges: too few rep-periods to compare with simple rules."
    if worse:
        return f"Its ranges are worse than {listing(worse)} of the period, beyond chance."
    quarters = "any quarter" if len(judged) == 4 else f"any of the {len(judged)} quarters seen"  # noqa: PLR2004 - a whole
    return f"No simple rule has better ranges in {quarters} of the period, beyond chance."


def _ranges(evaluation: QuotaEvaluation) -> str:
    overall = evaluation.overall
    covered = overall.model["coverage"]
    words = (
        f"Of its 80 % ranges, {percent(covered.value)} held ({between(covered, as_percent=True)}; "
        f"{overall.n_rows:,} ranges of {overall.n_rep_periods:,} rep-periods)"
    )
    late = [g for g in evaluation.quarters if g.n_rows and g.should_hold > RIGHT + MUCH_MORE]
    if late:
        last = late[-1]
        words += (
            f". In the {last.label} of the period more than 80\u00a0% of the chance often lies on "
            "a single amount (nothing more is won), so even perfect ranges hold "
            f"{percent(last.should_hold)} there"
        )
        held = last.model["coverage"].value
        words += "" if held is None else f"; {percent(held)} did"
    return words + "."


def _totals(rollups: tuple[LevelTotals, ...]) -> list[str]:
    found = []
    for one in rollups:
        off = one.middle["absolute_percentage_error"]
        if off.value is None or one.level == "territory":
            continue
        many = f"{one.n_totals} totals" if one.n_totals > 1 else "one total"
        what = "The company's total" if one.level == "company" else "A manager's total"
        sure = between(off, as_percent=True) if off.low is not None else f"only {many}: no rate yet"
        words = f"{what} was {percent(off.value)} off at mid-period in the median ({sure}"
        words += f"; {many})." if off.low is not None else ")."
        found.append(words)
    return found


def _figures(evaluation: QuotaEvaluation) -> tuple[HeadlineFigure, ...]:
    early, found = evaluation.early, evaluation.warnings[1]
    right, area, covered = (
        early.model["precision"],
        early.model["auc"],
        evaluation.overall.model["coverage"],
    )
    lead = found.scores[MODEL]["lead_days"]
    off = covered.excludes(RIGHT) and (covered.value or 0.0) < RIGHT
    return (
        HeadlineFigure(
            of_ten(right.value),
            f"flags in {early.label} were right, flagging "
            f"{of_ten(evaluation.settings.capacity)} reps",
            f"{between(right, as_percent=True)}; {early.n_rep_periods:,} rep-periods",
        ),
        HeadlineFigure(
            _days(lead),
            "before the period's end half of the misses were flagged, for good",
            f"{_day_range(lead)} days; {found.n_missed} misses",
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
            "warn" if off else "plain",
        ),
    )


def _warnings(evaluation: QuotaEvaluation) -> tuple[str, ...]:
    found = _evidence(evaluation)
    first = next((g for g in evaluation.quarters if g.label.startswith("1st")), None)
    area = first.model["auc"].value if first else None
    if area is not None and area > NEARLY_THE_ANSWER:
        found.append(
            f"Already in the first quarter of the period the AUC is {area:.2f}: either the quota "
            "itself nearly tells the answer (it was set with knowledge of the results, or "
            "hardly anybody can miss it), or a field leaks. Check before anybody trusts this."
        )
    if evaluation.n_periods < ENOUGH_PERIODS:
        many = "one period" if evaluation.n_periods == 1 else f"{evaluation.n_periods} periods"
        found.append(
            f"Only {many} could be judged. The intervals tell what other reps would have shown in "
            "these markets, not what another market would have done to all of them."
        )
    return tuple(found)


def _evidence(evaluation: QuotaEvaluation) -> list[str]:
    total = sum(evaluation.evidence.values())
    poor = total - evaluation.evidence.get("enough", 0)
    if not poor:
        return []
    return [
        (
            f"{poor:,} of {total:,} forecasts rest on thin evidence, such as reps who have just "
            "come. Files hold numbers for them too; pages withhold the range and say why."
        )
    ]
