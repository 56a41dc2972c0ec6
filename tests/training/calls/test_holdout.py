"""Laws of the answer "does the list help?": right on average, honest about luck, and patient."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from lot_samples import ASKED, HORIZON, START, lots

from training.calls.holdout import Answer, Verdict, answer
from training.calls.lots import CONVERSION, VALUE, Lots
from training.calls.worth_words import details, headline, to_json

END = START + timedelta(days=122)
SEEDS = range(60)


def told(effect: float, seed: int, **how: float) -> Answer:
    """The answer when all is known."""
    return answer(lots(seed, effect, **how), END, ASKED)  # type: ignore[arg-type] # numbers


def first(count: int, drawn: Lots) -> Lots:
    """The first of some lots."""
    return Lots(**{name: values[:count] for name, values in vars(drawn).items()})


@pytest.mark.parametrize("outcome", [CONVERSION, VALUE])
def test_the_effect_is_right_on_average(outcome: str) -> None:
    """Over 60 companies the mean of the estimates is the true effect, within its own error."""
    drawn = [lots(seed, 0.05, share=0.2) for seed in SEEDS]
    means = [own.scores(outcome).mean() for own in drawn]
    truths = [0.05 * (own.value.mean() if outcome == VALUE else 1.0) for own in drawn]
    error = np.std(means) / np.sqrt(len(means))
    assert abs(np.mean(means) - np.mean(truths)) < 4 * error
    assert np.mean(truths) > 10 * error


def test_each_score_is_the_table_of_its_docstring() -> None:
    """Four leads by hand."""
    few = first(4, lots(1))
    arms, outcomes = np.array([True, True, False, False]), np.array([1.0, 0.0, 1.0, 0.0])
    few = replace(few, is_listed=arms, converted=outcomes, p=np.full(4, 0.2))
    assert few.scores(CONVERSION) == pytest.approx([0.8 / 0.95, -0.2 / 0.95, -16.0, 4.0])
    assert few.scores(VALUE) == pytest.approx(few.scores(CONVERSION) * few.value)


@pytest.mark.parametrize("effect", [0.0, 0.04])
def test_the_interval_covers_the_effect_on_all_days_at_once(effect: float) -> None:
    """Looked at every day, it misses in at most 10 % of companies, and seldom says a false "helps".

    At the end it is less than twice as wide as one that is looked at once.
    """
    answers = [told(effect, seed) for seed in SEEDS]
    missed = [
        any(
            look.effect.low is not None and look.effect.excludes(effect)
            for look in own.looks[CONVERSION]
        )
        for own in answers
    ]
    assert np.mean(missed) <= 0.10
    widths = [
        (own.conversion.high - own.conversion.low) / (own.once.high - own.once.low)  # type: ignore[operator] # both are told
        for own in answers
    ]
    assert max(widths) < 2
    if not effect:
        helped = [own.verdict is Verdict.HELPS for own in answers]
        assert np.mean(helped) <= 0.05


def test_it_says_as_much_as_it_knows() -> None:
    """A large effect helps, its reverse harms, none is not yet known, or harmless where clear."""
    assert told(0.2, 1).verdict is Verdict.HELPS
    assert told(-0.2, 1, share=0.3).verdict is Verdict.HARMS
    assert told(0.0, 1).verdict is Verdict.UNKNOWN
    assert told(0.0, 5, a_day=2000, share=0.4).verdict is Verdict.NO_HARM
    assert told(0.2, 1, days=2).verdict is Verdict.TOO_EARLY
    assert answer(first(0, lots(1)), END, ASKED).verdict is Verdict.NO_LOTS


def test_words_say_no_more_than_the_verdict() -> None:
    """Nothing of a figure before there is one, how to begin where nothing was drawn."""
    none, early = answer(first(0, lots(1)), END, ASKED), told(0.2, 1, days=2)
    assert headline(none) == "Not known: no lot has been drawn yet"
    assert "`pacesetter calls` makes it" in " ".join(details(none))
    assert "%" not in " ".join([headline(early), *details(early)])
    helps, unknown = told(0.2, 1), told(0.0, 1)
    assert headline(helps).startswith("The list helps: its effect on conversion is +")
    assert "(90% interval)" in headline(helps)
    assert headline(unknown).startswith("Not yet known whether the list helps")
    said = " ".join(details(answer(lots(4, known_days=92), START + timedelta(days=92), ASKED)))
    assert "an effect of 1 point would show in about" in said
    harmless = headline(told(0.0, 5, a_day=2000, share=0.4))
    assert harmless.startswith("The list does no harm beyond 0.")
    assert "not yet known" in harmless
    assert to_json(none)["conversion"] == {"value": None, "low": None, "high": None}


def test_only_leads_whose_time_is_over_count() -> None:
    """Known to day 60, those of the first 31 days count, each day's at once; the rest waits."""
    half = answer(lots(2, known_days=60), START + timedelta(days=60), ASKED)
    assert half.waiting == 50 * (92 - 31)
    (arms,) = half.arms
    assert arms.listed + arms.held_out == 50 * 31
    looks = half.looks[CONVERSION]
    assert [look.listed + look.held_out for look in looks] == [50 * k for k in range(1, 32)]
    assert (looks[0].day, looks[-1].day) == (datetime(2026, 1, 31), datetime(2026, 3, 2))
    assert looks[0].effect.value is None


def test_looks_of_the_past_do_not_change() -> None:
    """What was known on a day stays, whatever comes later: the interval is tuned beforehand."""
    early = answer(lots(3, known_days=60), START + timedelta(days=60), ASKED).looks[VALUE]
    late = answer(lots(3), END, ASKED).looks[VALUE]
    assert late[: len(early)] == early
    assert len(late) > len(early)


def test_waits_are_counted_from_leads_that_are_to_come() -> None:
    """Smaller effects take longer; leads enrolled already have their day; without lots, never."""
    now = START + timedelta(days=92)
    running = answer(lots(4, known_days=92), now, ASKED)
    days, leads = ([getattr(wait, name) for wait in running.waits] for name in ("days", "leads"))
    assert days == sorted(days, reverse=True)
    assert days[0] == pytest.approx((leads[0] - 50 * 92) / 50 + HORIZON, rel=0.05)
    ended = answer(lots(4), START + timedelta(days=200), ASKED)
    assert ended.waits[0].days == float("inf")
    assert "would not show at the present number of lots" in " ".join(details(ended))
    few = answer(lots(4, days=40, known_days=35, a_day=400), START + timedelta(days=35), ASKED)
    assert 0 < few.waits[-1].days <= 40


def test_few_conversions_tell_nothing() -> None:
    """With two hundred held-out leads of which four converted, nothing is told; with five it is."""
    drawn = lots(8)
    held = np.flatnonzero(~drawn.is_listed)
    for count, is_told in ((4, False), (5, True)):
        converted = drawn.converted.copy()
        converted[held] = 0.0
        converted[held[:count]] = 1.0
        known = answer(replace(drawn, converted=converted), END, ASKED)
        assert (known.verdict is not Verdict.TOO_EARLY) == is_told


def test_it_says_when_something_can_be_told() -> None:
    """The day on which the fiftieth held-out lead has had its time, if so many are drawn."""
    early = answer(lots(6, known_days=30, a_day=200), START + timedelta(days=30), ASKED)
    assert early.verdict is Verdict.TOO_EARLY
    drawn = lots(6, a_day=200)
    fiftieth = np.flatnonzero(~drawn.is_listed)[49] // 200
    assert early.told_from == START + timedelta(days=int(fiftieth) + HORIZON)
    assert f"not before {early.told_from:%Y-%m-%d}" in " ".join(details(early))
    assert answer(lots(6, days=2), END, ASKED).told_from is None
