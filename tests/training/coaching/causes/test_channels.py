"""What each channel sees of a company written by hand: planted faults, and what is usual."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lives import (
    ANN,
    BOB,
    CLEO,
    PARAMS,
    QUARTER,
    Life,
    company,
    drawn_deals,
    drawn_leads,
    observed,
    us,
)

from training.coaching.causes.channels import (
    Channel,
    chosen,
    counted,
    deal_size,
    lead_mix,
    stretched,
    volume,
)
from training.coaching.causes.ground import grounds_of, overset, quotas_of
from training.coaching.causes.ramp import Ramp
from training.coaching.causes.rows import (
    closing_rows,
    load_class,
    qualifying_rows,
    touch_rows,
)
from training.coaching.causes.spells import THETA, normal, poisson
from training.coaching.causes.stays import first_owner, last_owner
from training.coaching.causes.waits import waiting_rows

NO_RAMP = Ramp(0.0, {})


def pointed(channel: Channel, rep: int, period: int) -> float:
    """Return the log factor at which a channel points for a rep and a period."""
    return float(THETA[channel.log_likelihood[rep, period].argmax()])


def spoken(channel: Channel) -> np.ndarray:
    """Return by rep and period how much a channel says: the range of its log-likelihood."""
    return np.asarray(np.ptp(channel.log_likelihood, axis=-1))


@pytest.mark.parametrize("seed", range(3))
def test_who_converts_half_as_often_is_seen_to(seed: int) -> None:
    """Of three reps with alike leads, the one at half the rate has a factor clearly below 0.

    Not as low as a half: the rep's own leads are part of the usual, and slow ones pile up.
    """
    known = observed(company(drawn_leads(seed, 250, (0.015, 0.03, 0.03)), reps=3))
    channel = counted(known, "qualifying", qualifying_rows(known), NO_RAMP, None)
    assert channel.seen.sum() == pytest.approx(channel.usual.sum(), rel=0.02)
    both = channel.log_likelihood.sum(axis=1)
    assert THETA[both[ANN].argmax()] < -0.15
    assert THETA[both[ANN].argmax()] < min(THETA[both[rep].argmax()] for rep in (BOB, CLEO)) - 0.15


@pytest.mark.parametrize("seed", range(3))
def test_who_loses_more_deals_is_seen_to(seed: int) -> None:
    """Deals that go on with chance 0.45 instead of 0.75: the odds lie well below the like."""
    known = observed(company((), drawn_deals(seed, 150, (0.45, 0.75, 0.75)), reps=3))
    channel = chosen(known, "closing", closing_rows(known), NO_RAMP)
    both = channel.log_likelihood.sum(axis=1)
    assert THETA[both[ANN].argmax()] < -0.4
    assert min(THETA[both[rep].argmax()] for rep in (BOB, CLEO)) > -0.1
    assert channel.seen.sum() == pytest.approx(channel.usual.sum(), rel=0.02)


def test_what_other_causes_explain_is_not_seen_again() -> None:
    """A factor of a half that is explained leaves half of the usual to be held against."""
    known = observed(company(drawn_leads(1, 60, (0.03, 0.03))))
    rows = qualifying_rows(known)
    plain = counted(known, "qualifying", rows, NO_RAMP, None)
    less = counted(known, "qualifying", rows, NO_RAMP, np.full((2, 2), np.log(0.5)))
    assert less.usual == pytest.approx(plain.usual / 2)
    assert less.seen == pytest.approx(plain.seen)
    nothing = counted(known, "qualifying", rows, NO_RAMP, np.zeros((2, 2)))
    assert nothing.log_likelihood == pytest.approx(plain.log_likelihood)


def test_new_reps_are_held_against_what_is_usual_for_new_reps() -> None:
    """A ramp lowers the usual of who is new, and of nobody else."""
    known = observed(company(drawn_leads(1, 60, (0.03, 0.03)), hired=(0.0, -1000.0)))
    rows = qualifying_rows(known)
    plain = counted(known, "qualifying", rows, NO_RAMP, None)
    ramped = counted(known, "qualifying", rows, Ramp(90.0, {"qualifying": 0.6}), None)
    assert ramped.usual[ANN, 0] < 0.9 * plain.usual[ANN, 0]
    assert ramped.usual[ANN, 1] == pytest.approx(plain.usual[ANN, 1], rel=0.02)
    assert ramped.usual[BOB] == pytest.approx(plain.usual[BOB])


def daily(rep: int, first: int, last: int, count: int) -> list[tuple[int, int, int]]:
    """Log so many touches on every day of a span."""
    return [(rep, day, count) for day in range(first, last)]


def test_half_of_the_usual_work_is_seen_as_half() -> None:
    """A rep who logs 5 instead of 10 a day in the last of four quarters, beside two who go on."""
    touches = [
        *daily(ANN, 0, 270, 10), *daily(ANN, 270, 360, 5),
        *daily(BOB, 0, 360, 3), *daily(CLEO, 0, 360, 20),
    ]  # fmt: skip
    channel = volume(observed(company(reps=3, periods=4, touches=touches)), NO_RAMP, PARAMS)
    assert pointed(channel, ANN, 3) == pytest.approx(np.log(0.5), abs=0.1)
    assert abs(pointed(channel, ANN, 0)) < 0.11
    assert all(abs(pointed(channel, rep, 3)) < 0.11 for rep in (BOB, CLEO))
    assert channel.usual[ANN, 3] == pytest.approx(900, rel=0.05)


def getting_going(
    rep: int, hired: int, usual: float, since: int = 10_000
) -> list[tuple[int, int, int]]:
    """Log what a new rep does who lacks 0.6 at first and nothing after 150 days.

    From the day `since` on, half of that.
    """
    days = np.arange(hired, 360)
    share = 1 - 0.6 * np.clip(1 - (days - hired) / 150, 0, 1)
    counts = np.rint(usual * share * np.where(days >= since, 0.5, 1.0)).astype(int)
    return [(rep, int(day), int(count)) for day, count in zip(days, counts, strict=True)]


RAMP = Ramp(150.0, {"volume": 0.6})


def test_a_new_rep_who_gets_going_as_others_do_is_at_the_own_usual() -> None:
    """Less work in the first months is the ramp's: it points to no spell, then or later."""
    touches = [*getting_going(ANN, 80, 40), *daily(BOB, 0, 360, 10), *daily(CLEO, 0, 360, 20)]
    known = observed(company(reps=3, periods=4, touches=touches, hired=(80.0, -1000.0, -1000.0)))
    channel = volume(known, RAMP, PARAMS)
    assert all(abs(pointed(channel, ANN, k)) < 0.11 for k in range(1, 4))
    assert channel.usual[ANN, 1] < 0.8 * channel.usual[ANN, 3]


def test_half_of_the_work_is_seen_of_a_new_rep_too() -> None:
    """Ninety days after joining the rep does half of what the ramp would let them do.

    Touches hardly fall, since the rep gets going meanwhile; beside the way of others they do.
    """
    touches = getting_going(ANN, 90, 40, since=180)
    others = [*daily(BOB, 0, 360, 10), *daily(CLEO, 0, 360, 20)]
    known = observed(
        company(reps=3, periods=3, touches=[t for t in [*touches, *others] if t[1] < 270],
                hired=(90.0, -1000.0, -1000.0))
    )  # fmt: skip
    channel = volume(known, RAMP, PARAMS)
    assert channel.seen[ANN, 2] > 0.6 * channel.seen[ANN, 1]
    gap = pointed(channel, ANN, 1) - pointed(channel, ANN, 2)
    assert gap == pytest.approx(np.log(2), abs=0.15)
    assert spoken(channel)[ANN, 1] < spoken(channel)[BOB, 1]


def test_logging_habits_are_nobodys_spell() -> None:
    """Who logs a fifth of what others log, always, is at their own usual."""
    touches = [*daily(ANN, 0, 360, 2), *daily(BOB, 0, 360, 10), *daily(CLEO, 0, 360, 10)]
    channel = volume(observed(company(reps=3, periods=4, touches=touches)), NO_RAMP, PARAMS)
    assert all(pointed(channel, rep, k) == 0.0 for rep in range(3) for k in range(4))


def test_a_quiet_season_is_the_companys() -> None:
    """Where all do half as much in one quarter, nobody's factor lies below 0."""
    touches = []
    for rep in range(3):
        touches += [*daily(rep, 0, 180, 10), *daily(rep, 180, 270, 5), *daily(rep, 270, 360, 10)]
    channel = volume(observed(company(reps=3, periods=4, touches=touches)), NO_RAMP, PARAMS)
    assert all(abs(pointed(channel, rep, 2)) < 0.11 for rep in range(3))


def test_who_logs_nothing_and_who_was_hardly_there_says_nothing() -> None:
    """No touches at all, or less than ten days of a period: no evidence of little work."""
    touches = [*daily(ANN, 0, 180, 10), *daily(BOB, 85, 180, 10)]
    channel = volume(observed(company(reps=3, touches=touches)), NO_RAMP, PARAMS)
    assert spoken(channel)[CLEO].max() < 1e-3
    assert spoken(channel)[BOB, 0] < 1e-3
    assert spoken(channel)[ANN].min() > 1


def test_weeks_of_touches_are_set_beside_the_own_usual_week() -> None:
    """Ten a day make a usual week of seven tenths of ten; days at risk are a week each."""
    rows = touch_rows(observed(company(reps=2, touches=daily(ANN, 0, 140, 10))))
    assert set(rows.rep) == {ANN}
    assert rows.seen == pytest.approx(np.full(20, 7.0))
    assert rows.usual == pytest.approx(np.full(20, 7.0), rel=0.01)
    assert (rows.days == 7).all()


def test_smaller_deals_are_seen_in_their_period() -> None:
    """Amounts at half of what alike deals have, in one rep's last quarter."""
    chance = np.random.default_rng(2)
    deals = [
        Life(rep, day, value=chance.lognormal(5, 0.3) / (2 if rep == ANN and day > 90 else 1))
        for rep in range(3) for day in chance.uniform(0, 180, 60)
    ]  # fmt: skip
    channel = deal_size(observed(company((), deals, reps=3)), PARAMS)
    assert pointed(channel, ANN, 1) == pytest.approx(np.log(0.5), abs=0.21)
    assert abs(pointed(channel, ANN, 0)) <= 0.21
    assert channel.days.sum() == 180
    richer = [replace(deal, value=deal.value * 100) for deal in deals]
    again = deal_size(observed(company((), richer, reps=3)), PARAMS)
    assert again.log_likelihood == pytest.approx(channel.log_likelihood)


def test_poor_sources_are_seen_and_one_source_is_no_mix() -> None:
    """All leads from the source that hardly converts: below 0. One source for all: exactly 0."""
    leads = [
        Life(rep, float(k), k + 20.0, source=source, won=k % (3 if source == 0 else 30) == 0)
        for rep, source in ((ANN, 1), (BOB, 0), (CLEO, 0)) for k in range(150)
    ]  # fmt: skip
    channel = lead_mix(observed(company(leads, reps=3)))
    assert pointed(channel, ANN, 1) < -0.5
    assert pointed(channel, BOB, 1) > 0
    alike = [replace(lead, source=0) for lead in leads]
    flat = lead_mix(observed(company(alike, reps=3)))
    assert all(pointed(flat, rep, k) == 0.0 for rep in range(3) for k in range(2))


@pytest.mark.parametrize("slope", [0.25, 0.5, 1.0])
def test_a_stretched_likelihood_points_further_out(slope: float) -> None:
    """What moves another channel by a share is seen there at the share of its own factor."""
    likelihood = normal(np.array([-0.4 * slope]), np.array([0.01]))
    assert THETA[stretched(likelihood, slope)[0].argmax()] == pytest.approx(-0.4, abs=0.11)


def test_stretching_by_one_changes_nothing_and_by_none_leaves_nothing() -> None:
    """The ends of what a slope may be."""
    likelihood = poisson(np.array([[7.0, 30.0]]), np.array([[20.0, 20.0]]))
    assert stretched(likelihood, 1.0) == pytest.approx(likelihood)
    assert np.ptp(stretched(likelihood, 0.0), axis=-1) == pytest.approx(np.zeros((1, 2)))


def test_owners_are_the_first_and_the_last() -> None:
    """A lead that goes from one to another and on; one that nobody had."""
    lives = [Life(ANN, 0, handed=((10, BOB), (20, CLEO))), Life(-1, 5), Life(BOB, 400)]
    stays = observed(company(lives, reps=3)).leads
    assert first_owner(stays, 3).tolist() == [ANN, -1, -1]
    assert last_owner(stays, 3).tolist() == [CLEO, -1, -1]


def test_load_is_the_leads_at_hand() -> None:
    """Who has ten leads at once is in a higher class than who has one."""
    lives = [*(Life(ANN, 1) for _ in range(10)), Life(BOB, 1)]
    known = observed(company(lives))
    load = load_class(known, known.leads)
    assert load[known.leads.rep == ANN].min() > load[known.leads.rep == BOB].max()


def test_sold_deals_wait_on_others_in_their_stage_alone() -> None:
    """Rows of waiting are those of the stage for papers, with an event for each that left it."""
    known = observed(company((), drawn_deals(3, 60, (0.7, 0.7))))
    rows = waiting_rows(known)
    there = known.deals.stage == 2
    assert rows.days.sum() == pytest.approx(known.deals.days[there].sum())
    assert rows.seen.sum() == known.deals.place[there & (known.deals.end == 2)].size


@pytest.mark.parametrize("factor", [0.2, 0.5])
def test_what_is_usual_of_waits_is_without_known_delays(factor: float) -> None:
    """Held against the own delay, a rep is usual, and the others are as they are without that rep.

    What is expected of everybody with the delay adds up to what was seen.
    """
    deals = drawn_deals(3, 200, (0.7, 0.7))
    known = observed(company((), deals, reps=3))
    held_up = np.ones(known.shape)
    held_up[ANN] = factor
    rows = waiting_rows(known, held_up)
    delay = np.where(rows.rep == ANN, factor, 1.0)
    assert (rows.usual * delay).sum() == pytest.approx(rows.seen.sum(), rel=0.02)
    plain = waiting_rows(known)
    assert rows.usual.sum() > plain.usual.sum()
    none = waiting_rows(known, np.ones(known.shape))
    assert none.usual == pytest.approx(plain.usual)


def asked(amounts: np.ndarray, **parts: object) -> np.ndarray:
    """Return the excess of each rep's quota of the last period."""
    reps, periods = amounts.shape
    known = company(reps=reps, periods=periods, quota=amounts, **parts)  # type: ignore[arg-type]
    return np.asarray(quotas_of(observed(known)).excess)


@pytest.mark.parametrize("seed", range(3))
def test_only_a_quota_above_those_of_the_like_is_an_excess(seed: int) -> None:
    """Growth from period to period and richer territories are no excess; 40 % for one rep is."""
    chance = np.random.default_rng(seed)
    territory = np.arange(9) % 3
    level = 1000 * np.array([1.0, 1.5, 0.7])[territory]
    amounts = (
        level[:, None] * np.array([1.0, 1.1, 1.3, 1.2]) * np.exp(chance.normal(0, 0.01, (9, 4)))
    )
    usual = asked(amounts, territory=territory.tolist())
    assert np.abs(usual).max() < 0.06
    amounts[4, 3] *= 1.4
    raised = asked(amounts, territory=territory.tolist())
    assert raised[4] == pytest.approx(np.log(1.4), abs=0.06)
    assert np.abs(np.delete(raised, 4)).max() < 0.06


def test_a_quota_in_another_currency_has_the_same_excess() -> None:
    """Only ratios count; and what is twice as high for all is nobody's excess."""
    amounts = np.array([[100.0, 110.0], [100.0, 110.0], [100.0, 200.0]])
    assert asked(amounts * 117) == pytest.approx(asked(amounts))


def test_who_has_no_quota_now_has_no_excess() -> None:
    """Quotas that are over are compared with, and told of nobody."""
    known = company(reps=2, periods=2)
    gone = known.quotas[(known.quotas["rep"] == ANN) | (known.quotas["start"] == 0)]
    quotas = quotas_of(observed(replace(known, quotas=gone)))
    assert np.isfinite(quotas.amount).tolist() == [True, False]
    assert overset(quotas, PARAMS).tolist() == [False, False]
    assert (quotas.start[ANN], quotas.end[ANN]) == (us(QUARTER), us(2 * QUARTER))


def test_one_territory_is_level_ground() -> None:
    """Where there is nothing to compare with, no rep's ground is poor or rich."""
    known = observed(company(drawn_leads(1, 40, (0.03, 0.03))))
    grounds = grounds_of(known, np.zeros((2, 1)), 0.2, 0.3)
    for part in (grounds.arrivals, grounds.value, grounds.conversion):
        assert part.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("seed", range(3))
def test_ground_with_half_of_the_leads_is_half_of_the_ground(seed: int) -> None:
    """Leads a seat, 40 beside 80, of half the worth; and level ground promises their mean."""
    chance = np.random.default_rng(seed)
    leads = [
        Life(rep, float(day), value=50.0 * (1 + rep))
        for rep, count in enumerate((40, 80))
        for day in chance.uniform(0, 180, count)
    ]
    known = observed(company(leads, territory=(0, 1)))
    grounds = grounds_of(known, np.array([[10.0, 20.0], [10.0, 20.0]]), 0.2, 0.3)
    assert np.exp(grounds.arrivals[1] - grounds.arrivals[0]) == pytest.approx(2.0, rel=0.05)
    assert np.exp(grounds.value[1] - grounds.value[0]) == pytest.approx(2.0)
    promise = np.exp(grounds.arrivals + grounds.value + grounds.conversion)
    assert promise.mean() == pytest.approx(1.0)


def test_ground_rich_in_leads_alone_is_held_against_the_mean_number_of_leads() -> None:
    """Worth and readiness are alike: 40 and 80 leads a seat are two and four thirds of level."""
    leads = [Life(rep, 180 * k / n) for rep, n in enumerate((40, 80)) for k in range(n)]
    known = observed(company(leads, territory=(0, 1)))
    grounds = grounds_of(known, np.array([[20.0, 20.0], [20.0, 20.0]]), 0.2, 0.0)
    assert np.exp(grounds.arrivals) == pytest.approx([2 / 3, 4 / 3], rel=0.02)
    assert np.exp(grounds.value) == pytest.approx([1.0, 1.0])
