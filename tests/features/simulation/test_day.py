"""Laws of one day: skills, attention, chances and their bounds, and what comes from outside."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import kstest

from features.errors import InputError
from features.simulation.day import (
    Counterfactual,
    Exogenous,
    KeyedUniforms,
    Streams,
    Uniforms,
    mask_of,
)
from features.simulation.lead_work import attention, contact_chance, interest_after_contact
from features.simulation.machine import TROUBLE, Machine
from features.simulation.outside import open_quarter
from features.simulation.rows import Rows
from features.simulation.settings import PRESETS, CompanySettings, company_settings
from features.simulation.state import (
    BURN_IN,
    CAUSES,
    SKILLS,
    State,
    calendar_of,
    new_company,
    potentials,
)

SEEDS = range(3)


def machine(counterfactual: Counterfactual | None = None, **changes: Any) -> Machine:
    """Return what plays a small company."""
    settings = company_settings("small", seed=1, **changes)
    return Machine(settings, calendar_of(settings)[0], counterfactual or Counterfactual())


def played(plays: Machine, days: int, seed: int = 1) -> State:
    """Return a company after some days."""
    streams = Streams.of(seed)
    state = new_company(plays.settings, streams.staff)
    for _ in range(days):
        plays.step(state, streams)
    return state


def leads(count: int) -> Rows:
    """Return some leads of one world."""
    return Rows({"id": np.arange(count) * 3, "seat": np.arange(count) % 10})


def keyed(seed: int) -> KeyedUniforms:
    """Return luck by lead for worlds of ten seats."""
    return KeyedUniforms(np.random.SeedSequence(seed), 10, "id")


# Numbers for every row.


@pytest.mark.parametrize("seed", SEEDS)
def test_passing_over_numbers_is_drawing_them(seed: int) -> None:
    """What comes after does not depend on whether earlier numbers were looked at."""
    drawn, skipped = (Uniforms(np.random.Generator(np.random.PCG64(seed))) for _ in range(2))
    drawn.all(leads(137))
    skipped.skip(leads(137))
    assert np.array_equal(drawn.all(leads(9)), skipped.all(leads(9)))


def test_the_numbers_of_some_places_are_theirs_among_all() -> None:
    """A row keeps its number whichever others are asked for."""
    everywhere, somewhere = (Uniforms(np.random.Generator(np.random.PCG64(5))) for _ in range(2))
    places = np.array([7, 0, 3])
    assert np.array_equal(everywhere.all(leads(10))[places], somewhere.at(places, leads(10)))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lead_keeps_its_luck_whatever_stands_beside_it(seed: int) -> None:
    """Rows that are added, removed or put in another order change nobody else's numbers."""
    rows = leads(500)
    some = np.random.default_rng(seed).permutation(500)[:200]
    alone, among = keyed(seed), keyed(seed)
    for day in range(3):
        alone.begin(day)
        among.begin(day)
        for _ in range(2):
            assert np.array_equal(alone.all(rows.take(some)), among.all(rows)[some])
        assert np.array_equal(alone.at(some[:9], rows), among.some(rows)[some[:9]])
        assert np.array_equal(alone.normal(rows.take(some), 1, 2), among.normal(rows, 1, 2)[some])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_leads_luck_is_even_and_unlike_every_other(seed: int) -> None:
    """Numbers are uniform, and unrelated over leads, days, draws of a day and worlds."""
    luck, rows = keyed(seed), leads(2_000)
    numbers = []
    for day in range(20):
        luck.begin(day)
        numbers += [luck.all(rows), luck.all(rows)]
    table = np.array(numbers)
    assert kstest(table.ravel()[::7], "uniform").pvalue > 1e-4
    assert kstest(table[:, 0], "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(table)[np.triu_indices(len(table), 1)]).max() < 0.12
    worlds = leads(1_000).tiled(2)
    worlds["seat"] = np.repeat([0, 10], 1_000)
    first, second = np.split(luck.all(worlds), 2)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.12
    normal = luck.normal(rows, 3.0, 2.0)
    assert kstest((normal - 3) / 2, "norm").pvalue > 1e-4


def test_streams_of_one_seed_are_the_same_and_apart() -> None:
    """Each kind of event has numbers of its own; another seed changes all of them."""

    def first(*seed: int) -> list[float]:
        streams = Streams.of(*seed)
        generators = (streams.market, streams.staff, streams.arrivals)
        uniforms = (streams.leads, streams.deals)
        return [g.random() for g in generators] + [float(u.all(leads(1))[0]) for u in uniforms]

    assert first(1, 2) == first(1, 2)
    assert len({*first(1, 2), *first(1, 3), *first(2, 1)}) == 15


# Rows.


@pytest.mark.parametrize("seed", SEEDS)
def test_appended_rows_are_those_of_a_plain_concatenation(seed: int) -> None:
    """Whatever the sizes, and though memory is shared, all rows come out as they went in."""
    rng = np.random.default_rng(seed)
    rows, plain = Rows({"a": np.zeros(0, dtype=np.int64)}), np.zeros(0, dtype=np.int64)
    for size in rng.integers(0, 9, 40):
        more = rng.integers(0, 100, size)
        longer = rows.appended(Rows({"a": more}))
        assert np.array_equal(rows["a"], plain)
        rows, plain = longer, np.append(plain, more)
        if rng.random() < 0.2:
            rows["a"] = rows["a"] + 1
            plain = plain + 1
        assert np.array_equal(rows["a"], plain)


def test_rows_are_taken_by_mask_or_place() -> None:
    """Both pick the same rows; named columns alone are copied where some are named."""
    rows = Rows({"a": np.array([1, 2, 3]), "b": np.array([4, 5, 6])})
    mask = mask_of(3, np.array([0, 2]))
    assert mask.tolist() == [True, False, True]
    taken = rows.take(mask, "b")
    assert list(taken.columns) == ["b"]
    assert taken["b"].tolist() == rows.take(np.array([0, 2]))["b"].tolist() == [4, 6]
    taken["b"][0] = 9
    assert rows["b"].tolist() == [4, 5, 6]


# States.


def test_every_world_begins_as_the_same_company() -> None:
    """Seats, leads and deals repeat block after block, each at the seats of its own world."""
    state = played(machine(), 40)
    many, count = state.tiled(3), len(state.leads)
    assert (many.worlds, many.seats_each, len(many.leads)) == (3, len(state.seats), 3 * count)
    for world in range(3):
        block = slice(world * count, (world + 1) * count)
        assert np.array_equal(many.leads["id"][block], state.leads["id"])
        seats = many.leads["seat"][block] - world * many.seats_each
        assert np.array_equal(seats, state.leads["seat"])


def test_many_worlds_cannot_be_multiplied() -> None:
    """Only one company can be copied into many; a plain copy of many worlds is fine."""
    many = new_company(machine().settings, np.random.default_rng(1)).tiled(2)
    assert many.copy().worlds == 2
    with pytest.raises(InputError, match="2 worlds cannot be copied 3 times"):
        many.tiled(3)


def test_tidying_removes_what_has_ended_and_nothing_else() -> None:
    """Open leads and deals stay in their order."""
    state = played(machine(), 120)
    open_leads = state.leads["id"][state.leads["open"]]
    open_deals = state.deals["id"][state.deals["open"]]
    assert len(open_leads) < len(state.leads)
    state.tidy()
    assert np.array_equal(state.leads["id"], open_leads)
    assert np.array_equal(state.deals["id"], open_deals)


@pytest.mark.parametrize("start", [date(2024, 7, 1), date(2023, 1, 1), date(2024, 12, 1)])
def test_the_calendar_is_that_of_the_world(start: date) -> None:
    """Days and dates are each other's, quarters begin where they do, and weekends are free."""
    settings = company_settings("small", start=start)
    calendar, end = calendar_of(settings)
    assert calendar.date(BURN_IN) == start
    assert calendar.number(end) > calendar.number(start)
    for day in range(0, calendar.days, 17):
        moment = calendar.date(day)
        assert calendar.number(moment) == day
        assert calendar.workday[day] == (moment.weekday() < 5)
        quarter = (moment.year * 12 + moment.month - 1) // 3
        first = calendar.first
        assert calendar.quarter[day] == quarter - (first.year * 12 + first.month - 1) // 3
    opening = [calendar.date(day) for day in np.flatnonzero(calendar.opens)[1:]]
    assert all(day.day == 1 and day.month % 3 == 1 for day in opening)


def test_working_days_left_count_down_to_the_end_of_a_quarter() -> None:
    """The last working day of a quarter has one left, itself; weekends take none away."""
    calendar, _ = calendar_of(company_settings("small"))
    for day, following in pairwise(range(calendar.days - 100)):
        same = calendar.quarter[day] == calendar.quarter[following]
        left = calendar.workdays_left[following] if same else 0
        assert calendar.workdays_left[day] == left + int(calendar.workday[day])


SEASONS = PRESETS["seasons"]


def test_holidays_and_slow_weeks_stand_in_the_calendar() -> None:
    """Nobody works on Christmas 2024, in a slow week; other days are as without."""
    plain, _ = calendar_of(company_settings("small"))
    calendar, _ = calendar_of(company_settings("small", **SEASONS))
    assert (plain.pace == 1).all()
    assert not plain.holiday.any()
    christmas, monday, sunday, october = (
        calendar.number(date(2024, month, day))
        for month, day in ((12, 25), (12, 23), (12, 22), (10, 3))
    )
    assert calendar.holiday[[christmas, monday, sunday, october]].tolist() == [1, 0, 0, 1]
    assert calendar.workday[[christmas, monday, sunday, october]].tolist() == [0, 1, 0, 0]
    paces = [0.3 * 0.2, 0.3, 0.8, 0.2]
    assert calendar.pace[[christmas, monday, sunday, october]] == pytest.approx(paces)
    # A Sunday that is a holiday is a day without work like any Sunday.
    assert not calendar.holiday[calendar.number(date(2025, 4, 20))]
    assert np.array_equal(calendar.workday | calendar.holiday, plain.workday)
    usual = (calendar.pace == 1) & ~calendar.holiday
    assert np.array_equal(calendar.workday[usual], plain.workday[usual])
    # The last working days of a quarter come before Christmas.
    assert calendar.workdays_left[monday] == plain.workdays_left[monday] - 2


@pytest.mark.parametrize("code", ["0:0.5", "54:0.5", "1:0", "1:1.5", "1:-0.5", "30", "x:0.5"])
def test_a_slow_week_is_a_week_and_a_factor(code: str) -> None:
    """Weeks run from 1 to 53 and their factor from above 0 to 1."""
    with pytest.raises(ValidationError, match="slow_weeks"):
        company_settings("small", slow_weeks=(code,))


def test_an_unknown_country_has_no_company() -> None:
    """Its holidays cannot be listed."""
    with pytest.raises(ValidationError, match="no public holidays are listed for 'XX'"):
        company_settings("small", holidays="XX")


def test_weeks_that_are_not_slower_change_nothing() -> None:
    """With a factor of 1 in each week of the year, a company is the same to the last bit."""
    every_week = tuple(f"{week}:1.0" for week in range(1, 54))
    plain, same = (played(machine(slow_weeks=weeks), 200) for weeks in ((), every_week))
    for rows, others in ((plain.leads, same.leads), (plain.deals, same.deals)):
        assert all(np.array_equal(rows[name], others[name]) for name in rows.columns)


def test_nobody_works_on_a_holiday() -> None:
    """Leads may still become deals or be lost, seldom; no touch, no deal that moves or ends."""
    plays = machine(**SEASONS)
    streams = Streams.of(4)
    state = new_company(plays.settings, streams.staff)
    ended = {True: 0, False: 0}
    days = {True: 0, False: 0}
    for _ in range(366):
        rests = bool(plays.calendar.holiday[state.day])
        touches = state.leads["touches"].sum()
        day = plays.step(state, streams, with_chances=True)
        if rests:
            assert not {"touched", "deal_touched", "deal_staged", "won"} & set(day.masks)
            assert day.wins is None
            assert state.leads["touches"].sum() == touches
        if rests or plays.calendar.workday[day.number]:
            days[rests] += 1
            ended[rests] += day.masks["lost"].sum() + day.masks["converted"].sum()
        state.tidy()
    assert days[True] >= 8
    assert 0 < ended[True] / days[True] < 0.4 * ended[False] / days[False]


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_in_a_slow_week_everything_runs_at_its_factor(share: float) -> None:
    """Chances to become a deal or to win are those of the usual day, at the factor's rate."""
    every_week = tuple(f"{week}:{share}" for week in range(1, 54))
    state = played(machine(), 200)
    while not machine().calendar.workday[state.day]:
        machine().step(state, Streams.of(5))
    # Nobody is touched, so that all that differs is the pace.
    plain, slow = (machine(slow_weeks=w, capacity=1e-9) for w in ((), every_week))
    usual, slower = (
        plays.step(state.copy(), Streams.of(6), with_chances=True) for plays in (plain, slow)
    )
    old = len(state.leads)
    for before, after in ((usual.chance[:old], slower.chance[:old]), (usual.wins, slower.wins)):
        assert (before > 0).any()
        assert np.log1p(-after) == pytest.approx(share * np.log1p(-before), abs=1e-12)


def test_potentials_rise_in_equal_ratios_about_one() -> None:
    """From the poorest to the richest each territory is better by the same factor."""
    rates = potentials(company_settings("demo"))
    assert rates.mean() == pytest.approx(1)
    ratios = rates[1:] / rates[:-1]
    assert ratios == pytest.approx(np.full(len(ratios), ratios[0]))
    assert rates[-1] / rates[0] == pytest.approx(1.8 / 0.4)
    assert potentials(company_settings("demo", territories=1)).tolist() == [1]


# Skills.


@pytest.mark.parametrize("cause", TROUBLE)
def test_a_cause_harms_its_own_skills_and_no_other(cause: str) -> None:
    """Only the seat that has it works worse, by the factors of that cause."""
    plays = machine()
    state = new_company(plays.settings, np.random.default_rng(1))
    before = plays.skills_today(state)
    state.seats["cause"][2] = CAUSES.index(cause)
    after = plays.skills_today(state)
    for skill in SKILLS:
        factor = np.ones(len(state.seats))
        factor[2] = TROUBLE[cause].get(skill, 1.0)
        assert np.allclose(after[skill], before[skill] * factor, rtol=1e-12)
    assert np.array_equal(
        machine(Counterfactual(untroubled=True)).skills_today(state)["closing"], before["closing"]
    )


def test_a_new_rep_grows_into_the_work_and_an_empty_seat_does_none() -> None:
    """Volume rises in a line over the ramp; a counterfactual without a ramp skips it."""
    plays = machine(ramp_days=100.0)
    state = new_company(plays.settings, np.random.default_rng(1))
    own = state.seats["volume"].copy()
    for age, share in ((0, 0.4), (50, 0.7), (100, 1.0), (500, 1.0)):
        state.seats["hired"][:] = state.day - age
        assert plays.skills_today(state)["volume"] == pytest.approx(own * share)
    state.seats["hired"][:] = state.day
    ramped = machine(Counterfactual(ramped=True), ramp_days=100.0)
    assert ramped.skills_today(state)["volume"] == pytest.approx(own)
    state.seats["vacant"][0] = 5
    assert plays.skills_today(state)["volume"][0] == 0


def test_average_people_have_all_skills_alike() -> None:
    """Without differences between people every skill is 1, but for what befalls the seat."""
    plays = machine(Counterfactual(average=True, ramped=True))
    skills = plays.skills_today(new_company(plays.settings, np.random.default_rng(1)))
    assert all((skills[name] == 1).all() for name in SKILLS)


# Leads.


def test_contact_is_likeliest_at_the_first_touch_of_a_fresh_lead() -> None:
    """The chance falls with age and after a first touch, and rises with interest."""
    leads = Rows({"interest": np.array([1.0, 1.0, 1.0, 2.0]), "touches": np.array([0, 1, 0, 0]),
                  "created": np.array([10, 10, 0, 10])})  # fmt: skip
    fresh, touched, old, warm = contact_chance(machine(), leads, 10)
    assert fresh > touched
    assert fresh > old
    assert warm == pytest.approx(fresh * np.sqrt(2))


def test_a_contact_always_warms_up_to_a_limit() -> None:
    """Interest rises with a contact, never beyond 4."""
    interest = np.linspace(0, 4, 50)
    after = interest_after_contact(interest)
    assert (after[:-1] > interest[:-1]).all()
    assert after.max() == 4.0


def test_what_has_ended_needs_no_attention_and_what_is_hot_needs_most() -> None:
    """Attention is positive for open leads only, and grows with interest."""
    plays = machine()
    state = played(plays, 60)
    skills = plays.skills_today(state)
    needed = attention(state, skills)
    assert (needed[~state.leads["open"]] == 0).all()
    assert (needed[state.leads["open"]] > 0).all()
    state.leads["interest"] = state.leads["interest"] * 4
    assert attention(state, skills) == pytest.approx(needed * 2)


@pytest.mark.parametrize("changes", [{}, {"signal": 0.4}, {"shock_month": 3}, {"planted": 1.0}])
def test_chances_lie_between_nothing_and_certainty(changes: dict[str, float]) -> None:
    """Each lead's and deal's chance of a day is one; what has ended has none."""
    plays = machine(**changes)
    streams = Streams.of(2)
    state = new_company(plays.settings, streams.staff)
    for _ in range(100):
        day = plays.step(state, streams, with_chances=True)
        if day.chance is None:
            continue
        assert day.wins is not None
        assert ((day.chance >= 0) & (day.chance < 1)).all()
        assert ((day.wins >= 0) & (day.wins < 1)).all()
        assert not (day.masks["converted"] & day.masks["lost"]).any()
        assert not (day.masks["won"] & day.masks["deal_lost"]).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_numbers_are_given_once_and_amounts_are_multiples_of_fifty(seed: int) -> None:
    """No two leads or deals share a number; amounts stay whole even after haggling."""
    state = played(machine(), 150, seed)
    for rows, kind in ((state.leads, "lead"), (state.deals, "deal")):
        assert len(set(rows["id"].tolist())) == len(rows)
        assert rows["id"].max() < state.next_id[kind]
    assert (state.deals["amount"] % 5_000 == 0).all()
    assert (state.deals["amount"] >= 0).all()


# What comes from outside.


def test_a_cause_lasts_as_long_as_it_was_drawn_for() -> None:
    """One to three quarters after it began it is over, and only seats without one get another."""
    plays = machine(planted=1.0)
    streams = Streams.of(3)
    state = new_company(plays.settings, streams.staff)
    opening = np.flatnonzero(plays.calendar.opens)
    for day in opening[:6]:
        state.day = int(day)
        before, ends = state.seats["cause"].copy(), state.seats["cause_end"].copy()
        open_quarter(plays, state, streams, None)
        quarter = int(plays.calendar.quarter[day])
        lasting = (before > 0) & (ends > quarter)
        assert np.array_equal(state.seats["cause"][lasting], before[lasting])
        assert (state.seats["cause"] > 0).all()
        assert (state.seats["cause_end"] > quarter).all()
        assert (state.seats["cause_end"] <= quarter + 3).all()


def test_a_replay_meets_the_market_that_was() -> None:
    """What came from outside comes again, in every world."""
    plays = machine(drift=0.5)
    state = new_company(plays.settings, np.random.default_rng(1)).tiled(3)
    day = int(np.flatnonzero(plays.calendar.opens)[1])
    state.day = day
    open_quarter(plays, state, Streams.of(1), Exogenous(market={day: 0.25}))
    assert state.market.tolist() == [0.25] * 3


@pytest.mark.parametrize("settings", [company_settings("shock"), company_settings("demo")])
def test_a_market_breaks_after_the_month_named(settings: CompanySettings) -> None:
    """From the first day after those months everything is worse; without one it never is."""
    plays = Machine(settings, calendar_of(settings)[0])
    broken = plays.calendar.number(date(2026, 1, 1))
    assert not plays.is_shocked(broken - 1)
    assert plays.is_shocked(broken) == bool(settings.shock_month)
    assert plays.shock(broken - 1, "win") == 0
    assert (plays.shock(broken, "win") < 0) == bool(settings.shock_month)
