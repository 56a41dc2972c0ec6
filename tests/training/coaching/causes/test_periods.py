"""How quota periods are laid out, and what holds of stays whatever lives they are cut from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lives import ANN, BOB, CLEO, QUARTER, Life, company, drawn_deals, drawn_leads, entities, us

from features.feature import DAY_US
from training.coaching.causes.company import Company, Entities
from training.coaching.causes.stays import (
    AGES,
    LOST,
    MOVES,
    PARTS,
    STAYS,
    WON,
    Periods,
    Stays,
    periods_of,
    stays_of,
)

RUSH = 9.0
RATES = (0.03, 0.01, 0.02)


def laid_out(known: Company, *, last: int = 1) -> Periods:
    """Lay out the periods that end with one of them."""
    return periods_of(known, us(last * QUARTER), us((last + 1) * QUARTER), RUSH)


def cut(lives: list[Life], as_of: float = 2 * QUARTER) -> tuple[Entities, Stays]:
    """Cut lives of three reps into stays over two quarters."""
    known = company(lives, reps=3)
    return known.leads, stays_of(known.leads, laid_out(known), us(as_of))


def test_periods_go_back_to_where_the_log_begins() -> None:
    """Two quotas, and a log that is five quarters old: five whole periods and no half one."""
    known = replace(company(), log_begins=us(-3.5 * QUARTER))
    periods = laid_out(known)
    assert len(periods) == 5
    assert periods.borders.tolist() == [us(k * QUARTER) for k in range(-3, 3)]


def test_without_an_earlier_quota_the_period_stands_alone() -> None:
    """A company in its first period has one; its days are those of the quota."""
    periods = laid_out(company(periods=1), last=0)
    assert len(periods) == 1
    assert periods.borders.tolist() == [0, us(QUARTER)]


def test_quotas_of_another_length_lay_out_no_periods() -> None:
    """A year's quota beside quarters does not make the quarters begin elsewhere."""
    known = company()
    year = known.quotas.iloc[:1].assign(start=us(-45), end=us(320))
    both = replace(known, quotas=known.quotas.merge(year, how="outer"))
    assert laid_out(both).borders.tolist() == laid_out(known).borders.tolist()


def test_later_quotas_lay_out_no_periods() -> None:
    """What is agreed for next quarter is no period of this one."""
    assert laid_out(company(periods=3)).borders.tolist() == laid_out(company()).borders.tolist()


@pytest.mark.parametrize("rush", [0.0, 1.0, 9.0, 90.0, 400.0])
def test_every_period_is_cut_into_parts_and_a_rush(rush: float) -> None:
    """Cuts rise, begin with the borders, and the rush is as long as is said, or the whole."""
    known = company()
    periods = periods_of(known, us(QUARTER), us(2 * QUARTER), rush)
    assert (np.diff(periods.cuts) >= 0).all()
    assert set(periods.borders[:-1].tolist()) <= set(periods.cuts.tolist())
    assert np.bincount(periods.period).tolist() == [PARTS + 1] * 2
    ends = np.append(periods.cuts[1:], periods.borders[-1])
    lengths = (ends - periods.cuts)[periods.is_rush] / DAY_US
    assert lengths == pytest.approx(np.full(2, min(rush, QUARTER)))


def test_a_moment_lies_in_the_period_that_it_begins() -> None:
    """Borders belong to what they begin; what lies outside is told as outside."""
    periods = laid_out(company())
    moments = np.array([us(-1), us(0), us(QUARTER) - 1, us(QUARTER), us(2 * QUARTER)])
    assert periods.of(moments).tolist() == [-1, 0, 0, 1, 2]


@pytest.mark.parametrize("seed", range(4))
def test_every_day_of_a_life_within_the_periods_is_in_one_stay(seed: int) -> None:
    """Days at risk add up to the days from creation to the end, cut at the borders."""
    lives = drawn_leads(seed, 30, RATES)
    leads, stays = cut(lives, as_of=150)
    end = np.minimum(leads.ended, us(150))
    truth = np.maximum(end - np.maximum(leads.created, 0), 0) / DAY_US
    days = np.bincount(stays.place, stays.days, len(lives))
    assert days == pytest.approx(truth)
    assert (stays.days > 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_every_end_is_told_once(seed: int) -> None:
    """A lead that ended by the moment has one end, of its kind; an open one has none."""
    lives = drawn_leads(seed, 30, RATES)
    leads, stays = cut(lives, as_of=150)
    is_over = leads.ended <= us(150)
    ends = np.bincount(stays.place[np.isin(stays.end, [WON, LOST])], minlength=len(lives))
    assert ends.tolist() == is_over.astype(int).tolist()
    won = np.zeros(len(lives), dtype=bool)
    won[stays.place[stays.end == WON]] = True
    assert won.tolist() == (is_over & leads.is_won).tolist()


@pytest.mark.parametrize("seed", range(4))
def test_nothing_after_the_moment_changes_a_stay(seed: int) -> None:
    """Ends, moves and owners that come later leave every stay before as it is."""
    lives = drawn_leads(seed, 20, RATES)
    then = [
        replace(
            life,
            ended=None if life.ended is None or life.ended > 100 else life.ended,
            won=life.won and (life.ended or 0) <= 100,
        )
        for life in lives if life.created < 100
    ]  # fmt: skip
    later = [replace(life, handed=((120, CLEO),), stages=(*life.stages, (130, 2)))
             for life in lives if life.created < 100]  # fmt: skip
    _, one = cut(then, as_of=100)
    _, two = cut(later, as_of=100)
    for name, values in vars(one).items():
        assert values.tolist() == vars(two)[name].tolist(), name


@pytest.mark.parametrize("seed", range(3))
def test_the_order_in_which_changes_are_told_changes_nothing(seed: int) -> None:
    """Owners and stages in any order of rows are cut the same."""
    lives = [
        Life(
            ANN, 5, 80, won=True, stages=((5, 0), (20, 1), (33, 2)), handed=((12, BOB), (60, CLEO))
        ),
        Life(BOB, 11, None, stages=((11, 0), (95, 1)), handed=((101, ANN),)),
    ]
    leads, stays = cut(lives)
    chance = np.random.default_rng(seed)
    mixed = replace(
        leads,
        owner=leads.owner.iloc[chance.permutation(len(leads.owner))],
        stage=leads.stage.iloc[chance.permutation(len(leads.stage))],
    )
    other = stays_of(mixed, laid_out(company(reps=3)), us(2 * QUARTER))
    for name, values in vars(stays).items():
        assert values.tolist() == vars(other)[name].tolist(), name


def test_a_move_is_told_with_where_it_went() -> None:
    """Of three stages two moves are seen, each from its stage to the next; the last is an end."""
    _, stays = cut([Life(ANN, 0, 50, won=True, stages=((0, 0), (10, 2), (30, 1)))])
    moved = stays.end == MOVES
    assert list(zip(stays.stage[moved], stays.after[moved], strict=True)) == [(0, 2), (2, 1)]
    assert stays.stage[stays.end == WON].tolist() == [1]
    assert (stays.after[~moved] == -1).all()


def test_ages_count_from_creation_whoever_owns_it() -> None:
    """A lead handed on is not new again."""
    _, stays = cut([Life(ANN, 0, None, handed=((40, BOB),))])
    of_bob = stays.rep == BOB
    edges = (0.0, *AGES, np.inf)
    for age, start in zip(stays.age, stays.start / DAY_US, strict=True):
        assert edges[age] <= start < edges[age + 1]
    assert stays.age[of_bob].min() == np.searchsorted(AGES, 40, side="right")


def test_nobodys_days_are_nobodys() -> None:
    """While a lead has no owner its days are at nobody's risk, and are not lost."""
    _, stays = cut([Life(-1, 0, 30, won=True, handed=((10, ANN),))])
    assert stays.days[stays.rep == -1].sum() == pytest.approx(10)
    assert stays.days[stays.rep == ANN].sum() == pytest.approx(20)
    assert stays.rep[stays.end == WON].tolist() == [ANN]


def test_what_ended_as_it_was_created_has_no_days() -> None:
    """A lead of no length has no stay; one from after the moment has none either."""
    _, stays = cut([Life(ANN, 5, 5, won=True), Life(ANN, 170)], as_of=100)
    assert len(stays.days) == 0


def test_what_came_before_the_periods_counts_from_their_beginning() -> None:
    """Days before the first period are in none; the age goes on as if they were."""
    _, stays = cut([Life(ANN, -100, 20, won=True, stages=((-100, 0),))])
    assert stays.days.sum() == pytest.approx(20)
    assert stays.start.min() == 0
    assert stays.age.min() == np.searchsorted(AGES, 100, side="right")
    assert stays.stage.tolist() == [0] * len(stays.stage)


def test_of_no_leads_there_are_no_stays() -> None:
    """Every column is there, and empty."""
    stays = stays_of(entities([]), laid_out(company()), us(100))
    assert {len(values) for values in vars(stays).values()} == {0}


@pytest.mark.parametrize("seed", range(3))
def test_some_stays_are_the_same_stays(seed: int) -> None:
    """Taking by owner and putting together again loses and doubles nothing."""
    lives = drawn_deals(seed, 20, (0.5, 0.8))
    _, stays = cut(lives)
    parts = [stays.take(stays.rep == rep) for rep in (-1, ANN, BOB, CLEO)]
    assert sum(len(part.days) for part in parts) == len(stays.days)
    assert sum(part.days.sum() for part in parts) == pytest.approx(stays.days.sum())
    assert sum(int((part.end == STAYS).sum()) for part in parts) == (stays.end == STAYS).sum()
