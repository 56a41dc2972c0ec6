"""The parts of key figures: periods, spread quotas, words, declarations, and why one is absent."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pandas as pd
import pytest
from by_hand import DAY_0, Opened, day

from features.errors import FeatureError, InputError
from features.feature import Unit
from features.kpi.available import absent
from features.kpi.catalogue import KPIS
from features.kpi.declare import Fact, Kpi, Made, Part, Since
from features.kpi.periods import (
    Period,
    before,
    calendar_periods,
    period_of,
    quota_periods,
    year_before,
)
from features.kpi.quotas import spread_quotas
from features.kpi.words import Recognised, matching
from features.params import Every, FeatureParams, KpiParams

CALENDAR: tuple[Every, ...] = ("day", "week", "month", "quarter")


@pytest.mark.parametrize("every", CALENDAR)
def test_every_moment_lies_in_one_period(every: Every) -> None:
    """Over three years with a leap day: the period holds it, and begins where the last ended."""
    previous = period_of(DAY_0, every)
    for hours in range(0, 3 * 366 * 24, 11):
        moment = DAY_0 + timedelta(hours=hours)
        period = period_of(moment, every)
        assert period.holds(moment)
        assert period_of(period.start, every) == period
        assert not period.holds(period.end)
        assert period in (previous, period_of(previous.end, every))
        assert before(period_of(previous.end, every), every) == previous
        previous = period


@pytest.mark.parametrize(
    ("every", "start", "earlier"),
    [
        ("day", datetime(2024, 2, 29), datetime(2023, 2, 28)),
        ("week", datetime(2024, 1, 1), datetime(2023, 1, 2)),
        ("month", datetime(2024, 3, 1), datetime(2023, 3, 1)),
        ("quarter", datetime(2024, 10, 1), datetime(2023, 10, 1)),
    ],
)
def test_a_year_before_is_the_same_period(every: Every, start: datetime, earlier: datetime) -> None:
    """Weeks keep their Monday; the leap day has the 28th before it."""
    assert year_before(start, every) == earlier
    assert period_of(earlier, every).start == earlier


@pytest.mark.parametrize("every", CALENDAR)
def test_no_more_periods_than_asked_for_and_none_before_the_data(every: Every) -> None:
    """The newest so many; data of a single day have a single period."""
    last = DAY_0 + timedelta(days=800)
    assert len(calendar_periods(every, last, 3, DAY_0)) == 3
    day_one = calendar_periods(every, DAY_0 + timedelta(hours=1), 30, DAY_0)
    assert [period.start for period in day_one] == [period_of(DAY_0, every).start]
    assert calendar_periods(every, last, 1, DAY_0)[0].holds(last - timedelta(microseconds=1))


def test_data_that_end_as_a_period_ends_leave_no_empty_one() -> None:
    """Seen up to midnight of the 1st of February: January is the last month."""
    periods = calendar_periods("month", datetime(2024, 2, 1), 5, DAY_0)
    assert [(p.start, p.end) for p in periods] == [(DAY_0, datetime(2024, 2, 1))]


def test_quota_periods_never_overlap() -> None:
    """Where half-years, quarters and odd spans are mixed, those most reps have are kept."""
    half, odd = (day(0), day(182)), (day(80), day(120))
    quarters = [(day(91.0 * k), day(91.0 * (k + 1))) for k in range(4)]
    periods = quota_periods([*quarters * 3, half, half, odd], 9)
    assert [(p.start, p.end) for p in periods] == quarters
    assert all(a.end <= b.start for a, b in pairwise(quota_periods([half, odd, *quarters], 9)))
    assert [(p.start, p.end) for p in quota_periods(quarters, 2)] == quarters[-2:]


def test_without_quotas_there_are_no_quota_periods() -> None:
    """The error says what can be chosen instead."""
    with pytest.raises(InputError, match="choose day, week, month or quarter"):
        quota_periods([], 9)


def quotas(*rows: tuple[str, float, float, float]) -> pd.DataFrame:
    """Return quotas of reps: start, end and amount."""
    frame = pd.DataFrame(rows, columns=["rep_id", "period_start", "period_end", "quota"])
    for name in ("period_start", "period_end"):
        frame[name] = [day(number) for number in frame[name]]
        frame[name] = frame[name].astype("datetime64[us]")
    return frame


@pytest.mark.parametrize("every", CALENDAR)
@pytest.mark.parametrize("days", [31, 91])
def test_what_is_spread_adds_up_to_the_quota(every: Every, days: int) -> None:
    """Over the periods that it touches, whatever their length, but for rounding of thousandths."""
    periods = calendar_periods(every, day(days), 10_000, DAY_0)
    spread = spread_quotas(quotas(("a", 0, days, 1000.0), ("b", 0, days, 1.0)), periods)
    total = spread.groupby("rep_id")["quota"].sum() / 1000
    assert total["a"] == pytest.approx(1000, abs=0.0005 * len(periods) + 0.001)
    assert total["b"] == pytest.approx(1, abs=0.0005 * len(periods) + 0.001)
    assert (spread["reps"] == 1).all()


def test_a_quota_falls_into_no_period_that_it_does_not_touch() -> None:
    """One that ends as a period begins is not asked for in it; without quotas there are no rows."""
    january, february = (period_of(DAY_0 + timedelta(days=d), "month") for d in (0, 40))
    assert spread_quotas(quotas(("a", 0, 31, 5.0)), [january, february])["at"].tolist() == [DAY_0]
    nothing = spread_quotas(quotas(), [january])
    assert len(nothing) == 0
    assert list(nothing.columns) == ["at", "rep_id", "quota", "reps"]


def test_two_quotas_of_one_rep_in_a_period_are_one() -> None:
    """A year in two halves: in the month in which both lie they are added up."""
    both = quotas(("a", 0, 15, 15.0), ("a", 15, 31, 32.0))
    spread = spread_quotas(both, [period_of(DAY_0, "month")])
    assert spread[["rep_id", "quota", "reps"]].to_numpy().tolist() == [["a", 47_000, 1]]


@pytest.mark.parametrize(
    ("value", "word", "is_met"),
    [
        ("Phone Calls", "call", True),
        ("CALL (missed)", "call", True),
        ("recall", "call", False),
        ("e-mail", "mail", True),
        ("Proposal/Price quote", "quote", True),
        ("", "call", False),
        ("Angebot_offer", "offer", True),
    ],
)
def test_a_word_is_met_where_it_begins(value: str, word: str, *, is_met: bool) -> None:
    """In any case of letters and behind any sign, and not in the middle of another word."""
    assert matching([value], [word]) == ((value,) if is_met else ())


def test_values_are_told_once_and_by_name() -> None:
    """Whatever their order, and whichever word they meet."""
    found = matching(["call back", "Anruf", "call", "call back"], ["call", "back"])
    assert found == ("call", "call back")
    assert matching(["call"], []) == ()


def test_what_was_recognised_is_said() -> None:
    """Each kind that was found, in a sentence with its values; what was not is left out."""
    said = list(Recognised(calls=("Dial", "call"), lead_stages=("offer",)).says())
    assert said == [
        "Calls: activities of type Dial, call.",
        "Proposals: leads that reach the stage offer.",
    ]
    assert list(Recognised().says()) == []
    deals_first = Recognised(deal_stages=("quote",), lead_stages=("x",), proposals=("y",))
    assert list(deals_first.says()) == ["Proposals: deals that reach the stage quote."]


def test_a_declaration_that_contradicts_itself_is_refused() -> None:
    """A ratio needs a denominator, a change what it is against, and nothing else may have them."""
    ratio, change, plain = KPIS["win_rate"], KPIS["growth"], KPIS["bookings"]
    for wrong in (
        lambda: replace(ratio, denominator=None),
        lambda: replace(plain, denominator=Part(Fact.QUOTAS, "quota")),
        lambda: replace(change, since=None),
        lambda: replace(plain, since=Since.YEAR),
        lambda: replace(plain, made=Made.RATIO),
    ):
        with pytest.raises(FeatureError, match="figure "):
            wrong()


@pytest.mark.parametrize("name", KPIS)
def test_every_figure_is_declared_in_words_and_by_facts_it_needs(name: str) -> None:
    """A name for pages, sentences, cases to rest on, and the tables of the facts it adds up."""
    kpi: Kpi = KPIS[name]
    assert kpi.name == name
    assert kpi.label[:1].isupper()
    assert kpi.says.endswith(".")
    assert kpi.counted in kpi.parts
    facts = {part.fact for part in kpi.parts}
    tables = {table for need in kpi.needs for table in need.split("|")}
    wanted = {
        Fact.QUOTAS: "quotas", Fact.ACTIVITIES: "activities", Fact.LEADS_CREATED: "leads",
        Fact.LEADS_ENDED: "leads", Fact.DEALS_CREATED: "deals", Fact.DEALS_CLOSED: "deals",
        Fact.DEALS_DUE: "deals", Fact.PIPELINE: "deals", Fact.PROPOSALS: "deals",
        Fact.ACCEPTED: "deals",
    }  # fmt: skip
    assert {wanted[fact] for fact in facts} <= tables
    if kpi.unit is Unit.SHARE and kpi.made is not Made.CHANGE:
        assert kpi.made is Made.RATIO


def test_names_and_labels_are_each_figures_own() -> None:
    """No two figures are called alike; what is set against a quota is no estimate."""
    assert len({kpi.label for kpi in KPIS.values()}) == len(KPIS)
    assert not KPIS["attainment"].is_estimate
    assert not KPIS["bookings"].is_estimate
    assert KPIS["win_rate"].is_estimate
    assert KPIS["cycle_days"].is_estimate


def test_what_is_absent_says_why(opened: Opened) -> None:
    """Deals without dates, accounts, quotas or histories: each figure names what it lacks."""
    deals = [{"deal_id": "d", "rep_id": "a", "created_at": day(1), "amount": 5.0}]
    with opened(until=9, deals=deals) as warehouse:
        why = absent(warehouse, Recognised())
    assert why["attainment"] == "the table quotas is not loaded"
    assert why["slipped"] == "deals have no expected closing date"
    assert why["repeat_share"] == "deals name no accounts"
    assert why["calls"] == "the table activities is not loaded"
    assert "no stage and no activity type" in why["proposals_made"]
    assert why["renewal_rate"].startswith("no renewals are loaded")
    assert not {"bookings", "win_rate", "deals_opened"} & set(why)


def test_settings_hold_words_in_small_letters() -> None:
    """A word of the settings that no value could begin with would never be met."""
    params = KpiParams()
    for name in type(params).model_fields:
        if name.endswith("_words"):
            for word in getattr(params, name):
                assert matching([word], [word]) == (word,)
                assert word == word.lower()
    assert FeatureParams().known_at_creation == ()
    assert Period(day(0), day(1)) < Period(day(1), day(2))
