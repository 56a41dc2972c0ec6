"""What few or many leads at hand hide or take: of crowded periods, poor ground and new reps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lives import ANN, BOB, PARAMS, QUARTER, Life, company, drawn_deals, drawn_leads, observed

from training.coaching.causes.believed import believe
from training.coaching.causes.candidates import candidates_of, territories
from training.coaching.causes.crowding import crowding, log_load
from training.coaching.causes.ground import Grounds, quotas_of
from training.coaching.causes.ramp import Ramp
from training.coaching.causes.rows import first_touch_rows, qualifying_rows


def crowded(seed: int, exponent: float) -> list[Life]:
    """Draw leads of six reps who have 20 at hand in every other period, and 50 in between.

    What converts in a day falls with the leads at hand, by an exponent.
    """
    chance, lives = np.random.default_rng(seed), []
    for rep in range(6):
        for period in range(4):
            count = 50 if (rep + period) % 2 else 20
            rate = 0.012 * (count / 32) ** -exponent
            for converts in chance.exponential(1 / rate, count):
                first = float(QUARTER * period)
                ended = min(first + converts, first + QUARTER - 0.5)
                lives.append(Life(rep, first, ended, converts < QUARTER - 0.5, ((first, 0),)))
    return lives


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("exponent", [0.0, 0.8])
def test_what_fuller_periods_take_from_each_lead_is_learned(seed: int, exponent: float) -> None:
    """Each rep's full periods beside the own empty ones: nothing is lost, or most of the gain."""
    known = observed(company(crowded(seed, exponent), reps=6, periods=4))
    learned = crowding(known, first_touch_rows(known))
    assert learned["qualifying"] == pytest.approx(exponent, abs=0.35)
    assert learned["later"] == 0.0, "no lead has come to a later stage"


def test_ground_is_compared_at_the_same_load() -> None:
    """Ground that brings 20 leads in most quarters beside 50: what each loses is not its ground."""
    chance, lives = np.random.default_rng(0), []
    for rep in range(6):
        for period in range(4):
            count = 50 if (period == 3) != (rep % 2) else 20
            for converts in chance.exponential(1 / (0.012 * (count / 32) ** -0.8), count):
                first = float(QUARTER * period)
                is_won = converts < QUARTER - 0.5
                ended = first + min(converts, QUARTER - 0.5)
                lives.append(Life(rep, first, ended, bool(is_won), ((first, 0),)))
    known = observed(company(lives, reps=6, periods=4, territory=(0, 1) * 3))

    def readier(*, by_load: bool) -> float:
        rows = qualifying_rows(known, by_territory=False, by_load=by_load)
        seen, usual = (np.bincount(rows.rep % 2, each) for each in (rows.seen, rows.usual))
        return float(np.log(seen[0] / usual[0]) - np.log(seen[1] / usual[1]))

    assert readier(by_load=True) == pytest.approx(0.0, abs=0.15)
    assert readier(by_load=False) > 0.2, "few leads at hand pass for ready ones"


def test_leads_at_hand_are_held_against_the_own_mean() -> None:
    """Twenty leads in one quarter and forty in the next; nobody else's number counts."""
    lives = [
        Life(rep, QUARTER * period, QUARTER * (period + 1) - 1)
        for rep, few in ((ANN, 20), (BOB, 3))
        for period, times in enumerate((1, 2))
        for _ in range(few * times)
    ]
    load = log_load(observed(company(lives)))
    assert load[ANN] == pytest.approx([-np.log(2) / 2, np.log(2) / 2])
    assert load[BOB] == pytest.approx(load[ANN])


def test_what_new_reps_convert_counts_once_and_only_moves_are_slower_for_little_work() -> None:
    """A new rep's conversions show all that holds them back; quick moves on few leads do not."""
    leads, deals = drawn_leads(1, 60, (0.03, 0.03, 0.03)), drawn_deals(2, 40, (0.6, 0.6, 0.6))
    known = observed(company(leads, deals, reps=3, hired=(QUARTER - 10.0, -1000.0, -1000.0)))
    quotas = quotas_of(known)
    believed = replace(
        believe(known, PARAMS),
        ramp=Ramp(150.0, {"qualifying": 0.4, "volume": 0.6}),
        moves={"volume": {"first": 0.5, "later": 1.0, "qualifying": 0.3, "advance": 0.2},
               "follow_up": {"first": 1.0, "later": 0.0}},
    )  # fmt: skip
    grounds = territories(known, believed, PARAMS)
    candidates, _ = candidates_of(known, believed, quotas, grounds, PARAMS)
    (ramp,) = (each.mean for each in candidates if each.cause == "ramp")
    halfway = Ramp(150.0, {"qualifying": 0.4}).log_factor("qualifying", np.array([55.0]))
    assert ramp["qualifying"][1] == pytest.approx(halfway[0], rel=0.1)
    assert ramp["later"][1] == pytest.approx(2 * ramp["first"][1])
    assert ramp["later"][1] < ramp["first"][1] < 0
    assert "advance" not in ramp


def test_fewer_leads_on_poor_ground_get_more_work_each() -> None:
    """Poor ground costs what it brings less, but not the work that its leads are spared."""
    leads = [Life(rep, 180 * k / n, 180 * k / n + 40) for rep, n in ((ANN, 30), (BOB, 120))
             for k in range(n)]  # fmt: skip
    known = observed(company(leads, territory=(0, 1)))
    grounds, quotas = Grounds(*(np.array([-0.5, 0.3]) for _ in range(3))), quotas_of(known)
    believed = replace(
        believe(known, PARAMS), crowding={"qualifying": 0.2, "first": 0.0, "later": 0.4}
    )
    candidates, flow = candidates_of(known, believed, quotas, grounds, PARAMS)
    (poor,) = (each for each in candidates if each.cause == "territory")
    assert poor.rep == ANN
    assert poor.mean["qualifying"] == pytest.approx([-0.5 + 0.1] * 2)
    assert poor.mean["later"] == pytest.approx([0.2] * 2)
    assert flow.base["later"][ANN] == pytest.approx([-0.2] * 2), "level ground: fuller hands"
    assert flow.base["later"][BOB] == pytest.approx([0.0] * 2)
