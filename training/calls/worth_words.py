"""What the lots have shown, in sentences that say no more than is known."""

from __future__ import annotations

from collections.abc import Iterator

from training.calls.holdout import Answer, Verdict, Wait, until_day
from training.evaluation.bootstrap import Estimate

BEGIN = (
    "the lots begin with the first list: `pacesetter calls` makes it, `retrain` does every night; "
    "serving.worklist.hold_out is the share of leads that leave or enter it by lot, and 0 is off"
)


def headline(answer: Answer) -> str:
    """Say in one sentence what may be said of the list."""
    effect, level = answer.conversion, f"{answer.asked.level:.0%}"
    if answer.verdict is Verdict.NO_LOTS:
        return "Not known: no lot has been drawn yet"
    if answer.verdict is Verdict.TOO_EARLY:
        return "Not yet known: too few leads have had their time"
    says = {
        Verdict.HELPS: "The list helps",
        Verdict.HARMS: "The list does harm",
        Verdict.NO_HARM: (
            f"The list does no harm beyond {_points(-(effect.low or 0.0))}; whether it helps is "
            "not yet known"
        ),
        Verdict.UNKNOWN: "Not yet known whether the list helps",
    }
    return (
        f"{says[answer.verdict]}: its effect on conversion is {_interval(effect)} "
        f"({level} interval)"
    )


def details(answer: Answer) -> Iterator[str]:
    """Yield what stands behind the headline, a sentence each."""
    if answer.began is None:
        yield BEGIN
        return
    listed = sum(arm.listed for arm in answer.arms)
    held_out = sum(arm.held_out for arm in answer.arms)
    yield (
        f"lots drawn since {answer.began:%Y-%m-%d}; by {answer.as_of:%Y-%m-%d} the time of "
        f"{listed:,} listed and {held_out:,} held-out leads is over, and {answer.waiting:,} wait"
    )
    if answer.verdict is Verdict.TOO_EARLY:
        least = f"{answer.asked.least_leads} leads and {answer.asked.least_converted} conversions"
        when = "" if answer.told_from is None else f"; not before {answer.told_from:%Y-%m-%d}"
        yield f"nothing is told below {least} in each arm{when}"
        return
    value = answer.value
    yield (
        f"converted value per listed lead: {_amount(value.value)} more than held out, between "
        f"{_amount(value.low)} and {_amount(value.high)}"
    )
    yield (
        "the interval may be looked at every day: it covers the effect on all days at once; "
        f"looked at once only, it would be {_interval(answer.once)}"
    )
    for wait in answer.waits:
        yield wait_words(answer, wait)


def wait_words(answer: Answer, wait: Wait) -> str:
    """Say when an effect of some size would show."""
    size = f"an effect of {_points(wait.size)}"
    day = until_day(answer.as_of, wait.days)
    if wait.days <= 0:
        return f"{size} would show by now"
    if day is None:
        return f"{size} would not show at the present number of lots ({wait.leads:,.0f} leads)"
    return (
        f"{size} would show in about {wait.days:,.0f} days ({day:%Y-%m-%d}), "
        f"after {wait.leads:,.0f} leads"
    )


def to_json(answer: Answer) -> dict[str, object]:
    """Return the answer as plain values."""
    return {
        "as_of": answer.as_of.isoformat(),
        "verdict": answer.verdict.value,
        "says": [headline(answer), *details(answer)],
        "level": answer.asked.level,
        "conversion": answer.conversion.to_json(),
        "conversion_looked_at_once": answer.once.to_json(),
        "value": answer.value.to_json(),
        "arms": [vars(arm) for arm in answer.arms],
        "waiting": answer.waiting,
        "began": None if answer.began is None else answer.began.isoformat(),
        "told_from": None if answer.told_from is None else answer.told_from.isoformat(),
        "would_show": [
            {
                "size": wait.size,
                "leads": round(wait.leads),
                "days": None if until_day(answer.as_of, wait.days) is None else round(wait.days),
            }
            for wait in answer.waits
        ],
        "looks": {
            name: [
                {
                    "day": look.day.isoformat(),
                    "listed": look.listed,
                    "held_out": look.held_out,
                    **look.effect.to_json(),
                }
                for look in looks
            ]
            for name, looks in answer.looks.items()
        },
    }


def _interval(effect: Estimate) -> str:
    return (
        f"{_signed(effect.value)} points, between {_signed(effect.low)} and {_signed(effect.high)}"
    )


def _signed(share: float | None) -> str:
    return "?" if share is None else f"{100 * share:+.1f}"


def _points(share: float) -> str:
    points = f"{100 * share:.1f}".removesuffix(".0")
    return f"{points} point" if points == "1" else f"{points} points"


def _amount(amount: float | None) -> str:
    return "?" if amount is None else f"{amount:+,.0f}"
