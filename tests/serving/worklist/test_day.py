"""Laws of the call list: capacity, cool-down, the long tail, and lots that stand and are fair."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from listed import MORNING, leads_of_a_rep, lots

from serving.params import WorklistParams
from serving.store.worklist import Arm, Enrolment, Place, Why
from serving.worklist.day import RepList, make_day, make_list

DAY = MORNING.date()
SEEDS = range(12)


def names(listed: RepList) -> list[str]:
    """The leads of a list."""
    return [lead.lead_id for lead, _ in listed.leads]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("share", [0.0, 0.05, 0.5])
def test_a_list_keeps_to_its_places_and_bars_whom_it_must(seed: int, share: float) -> None:
    """Never more than the places, nobody twice, nobody who cools or must not be contacted."""
    leads = leads_of_a_rep(seed)
    able = {lead.lead_id for lead in leads if lead.rank is not None and not lead.is_cooling}
    for places in (0, 1, 7, 20, 500):
        listed = names(make_list(leads, places, lots(share), 0.1))
        assert len(set(listed)) == len(listed) <= places
        assert set(listed) <= able
        if not share:
            assert len(listed) == min(places, len(able))


@pytest.mark.parametrize("seed", SEEDS)
def test_without_lots_the_best_are_listed_and_the_longest_waiting(seed: int) -> None:
    """18 of 20 places go by rank; of the others, the two that wait longest have the rest."""
    leads = [lead for lead in leads_of_a_rep(seed) if lead.may_be_listed]
    listed = make_list(leads, 20, lots(0), 0.1)
    by_rank = sorted(leads, key=lambda lead: lead.rank or 0)
    others = sorted(by_rank[18:], key=lambda lead: (lead.waiting_since, lead.rank))
    assert {lead.lead_id for lead, why in listed.leads if why is Why.ORDER} == {
        lead.lead_id for lead in by_rank[:18]
    }
    assert [lead for lead, why in listed.leads if why is Why.LONG_TAIL] == sorted(
        others[:2], key=lambda lead: lead.rank or 0
    )
    ranks = [lead.rank for lead, _ in listed.leads]
    assert ranks == sorted(ranks, key=lambda rank: rank or 0)


def test_no_lead_starves() -> None:
    """With a long tail, whoever is never good enough is listed in the end, and without it never."""
    for long_tail, is_reached in ((0.1, True), (0.0, False)):
        leads = [replace(lead, is_cooling=False) for lead in leads_of_a_rep(3)]
        able = {lead.lead_id for lead in leads if lead.may_be_listed}
        reached: set[str] = set()
        for day in range(25):
            listed = names(make_list(leads, 20, lots(0, days_on=day), long_tail))
            reached |= set(listed)
            now = MORNING + timedelta(days=day)
            leads = [
                replace(lead, waiting_since=now) if lead.lead_id in listed else lead
                for lead in leads
            ]
        assert (reached == able) == is_reached


@pytest.mark.parametrize("seed", SEEDS)
def test_a_share_of_0_draws_no_lot(seed: int) -> None:
    """Nobody is enrolled, and nobody is on the list by lot."""
    listed = make_list(leads_of_a_rep(seed), 20, lots(0), 0.1)
    assert not listed.enrolments
    assert all(why is not Why.LOT for _, why in listed.leads)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_morning_gives_the_same_list(seed: int) -> None:
    """Whatever the order the leads come in; another secret gives other lots."""
    leads = [*leads_of_a_rep(seed), *leads_of_a_rep(seed + 50, rep_id="r2")]
    params = WorklistParams(calls_by_rep={"r2": 5})
    day = make_day(leads, lots(), params, DAY)
    assert make_day(leads[::-1], lots(), params, DAY) == day
    by_rep = [row.rep_id for row in day.listings]
    assert by_rep.count("r2") == 5
    assert [row.position for row in day.listings if row.rep_id == "r2"] == [1, 2, 3, 4, 5]
    others = [make_day(leads, lots(secret=f"s{k}"), params, DAY).enrolments for k in range(5)]
    assert any(other != day.enrolments for other in others)


def test_the_pool_has_a_list_of_its_own() -> None:
    """Leads without an owner are one pool, with the places of anybody."""
    day = make_day(leads_of_a_rep(1, rep_id=None), lots(0), WorklistParams(calls_a_day=6), DAY)
    assert [row.rep_id for row in day.listings] == [None] * 6


@pytest.mark.parametrize("seed", SEEDS)
def test_lots_do_what_they_say(seed: int) -> None:
    """Whom a lot holds out is not listed, whom it lets in is, and everybody listed had a lot."""
    listed = make_list(leads_of_a_rep(seed, 90), 20, lots(0.3), 0.1)
    present = set(names(listed))
    entered = {lead.lead_id for lead, why in listed.leads if why is Why.LOT}
    for lot in listed.enrolments:
        if lot.arm is Arm.HELD_OUT:
            assert lot.lead_id not in present
        elif lot.place is Place.NEXT_IN_LINE:
            assert lot.lead_id in entered
        expected = 0.7 if lot.place is Place.ON_THE_LIST else 0.5
        assert lot.propensity == expected


def test_propensities_are_the_frequencies_of_many_lots() -> None:
    """Over 600 secrets, each lead is listed as often as its propensity says, beyond chance."""
    leads = leads_of_a_rep(5)
    drawn: dict[tuple[str, Place], list[bool]] = {}
    for secret in range(600):
        for lot in make_list(leads, 12, lots(0.2, str(secret)), 0.1).enrolments:
            drawn.setdefault((lot.lead_id, lot.place), []).append(lot.arm is Arm.LISTED)
    for (_, place), arms in drawn.items():
        said = 0.8 if place is Place.ON_THE_LIST else 0.5
        error = np.sqrt(said * (1 - said) / len(arms))
        assert abs(np.mean(arms) - said) < 4 * error
        if place is Place.ON_THE_LIST:
            assert len(arms) == 600
        else:
            assert abs(len(arms) / 600 - 0.2) < 4 * np.sqrt(0.16 / 600)
    places = [place for _, place in drawn]
    assert (places.count(Place.ON_THE_LIST), places.count(Place.NEXT_IN_LINE)) == (12, 12)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_enrolled_lead_keeps_its_arm_for_its_whole_time(seed: int) -> None:
    """For 30 days no lead is enrolled twice; who is held out stays out, who is let in stays in."""
    leads = [lead for lead in leads_of_a_rep(seed, 90) if lead.may_be_listed]
    earlier: dict[str, Enrolment] = {}
    for day in range(30):
        listed = make_list(leads, 20, lots(0.1, days_on=day, earlier=earlier), 0.1)
        assert not earlier.keys() & {lot.lead_id for lot in listed.enrolments}
        earlier |= {lot.lead_id: lot for lot in listed.enrolments}
        present = set(names(listed))
        for lot in earlier.values():
            if lot.arm is Arm.HELD_OUT:
                assert lot.lead_id not in present
            elif lot.place is Place.NEXT_IN_LINE:
                assert lot.lead_id in present
    after = make_list(leads, 20, lots(0.1, days_on=30, earlier=earlier), 0.1)
    again = [lot for lot in after.enrolments if lot.lead_id in earlier]
    assert again
    assert {lot.number for lot in again} == {1}


def test_a_lot_of_before_outlives_the_switch() -> None:
    """Turned off, no lot is drawn; leads that are held out come back when their time is over."""
    leads = [lead for lead in leads_of_a_rep(4, 30) if lead.may_be_listed]
    first = make_list(leads, 20, lots(0.5), 0.0)
    earlier = {lot.lead_id: lot for lot in first.enrolments}
    held = {name for name, lot in earlier.items() if lot.arm is Arm.HELD_OUT}
    assert held
    assert not held & set(names(make_list(leads, 60, lots(0, days_on=29, earlier=earlier), 0.0)))
    assert held <= set(names(make_list(leads, 60, lots(0, days_on=30, earlier=earlier), 0.0)))
