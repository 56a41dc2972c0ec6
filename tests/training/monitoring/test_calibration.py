"""Outcomes beside forecasts: right ones stay in peace, wrong ones are found, the immature wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from features.arrays import Bools
from training.evaluation.later import CalibrationCheck, LaterForecasts
from training.leads.later import level_error
from training.monitor_params import MonitorParams
from training.monitoring.calibration import judge_calibration
from training.monitoring.deviation import Severity
from training.quota.later import shared_error

PARAMS = MonitorParams()
CUTOFFS = [datetime(2025, 3, 1) + timedelta(days=7 * k) for k in range(10)]


def forecasts(seed: int, factor: float = 1.0, north: float = 1.0) -> LaterForecasts:
    """Draw leads seen at five cutoffs each, whose true chances are the forecasts times a factor."""
    rng = np.random.default_rng(seed)
    leads = 1_500
    chance = rng.beta(2, 14, leads)
    part = rng.choice(["north", "south"], leads)
    y = rng.random(leads) < chance * factor * np.where(part == "north", north, 1.0)
    first = rng.integers(0, 5, leads)
    lead = np.repeat(np.arange(leads), 5)
    place = first[lead] + np.tile(np.arange(5), leads)
    moments = np.array(CUTOFFS, dtype="datetime64[us]")[place]
    return LaterForecasts(
        event="a lead converts within 30 days",
        keys=pd.DataFrame({"lead_id": lead.astype(str), "cutoff": moments}),
        p=chance[lead],
        y=y[lead].astype(float),
        segments=pd.DataFrame({"team": part[lead]}),
        owners=pd.Series(["nobody knows"] * len(lead)).where(lead < 0),
    )


def leads(whole: LaterForecasts, error: float = 0.0) -> CalibrationCheck:
    """What a champion of leads is judged by, whose level may be off by an error."""
    return CalibrationCheck("leads", "leads", whole, is_alarming=True, level_error=error)


def some(whole: LaterForecasts, rows: Bools) -> LaterForecasts:
    """Return some rows."""
    return replace(
        whole, keys=whole.keys[rows], p=whole.p[rows], y=whole.y[rows],
        segments=whole.segments[rows], owners=whole.owners[rows],
    )  # fmt: skip


def owned(seed: int, spread: float, factor: float = 1.0) -> LaterForecasts:
    """Draw forecasts whose leads belong to twenty owners who are not equally lucky."""
    rng = np.random.default_rng(seed)
    right = forecasts(seed, 0.0)
    lead = right.keys["lead_id"].astype(int).to_numpy()
    owner = rng.integers(0, 20, 1_500)
    luck = np.exp(rng.normal(-(spread**2) / 2, spread, 20))[owner] * factor
    chance = pd.Series(right.p).groupby(lead).first().to_numpy()
    y = rng.random(1_500) < chance * luck
    return replace(right, y=y[lead].astype(float), owners=pd.Series(owner[lead].astype(str)))


def open_deals(seed: int, factor: float = 1.0, luck: float = 0.15) -> CalibrationCheck:
    """Draw deals of one quarter at three cutoffs; owners and the quarter have luck in common.

    Args:
        seed: of everything.
        factor: of the chances; at 1 the champion is right but for luck.
        luck: standard deviation of the quarter's luck, in log-odds; the champion counts on it.
    """
    rng = np.random.default_rng(seed)
    n = 1_500
    chance = rng.beta(2, 4, n)
    owner = rng.integers(0, 40, n)
    odds = logit(chance) + rng.normal(0, luck) + rng.normal(0, 0.2, 40)[owner]
    won = rng.random(n) < expit(odds) * factor
    deal = np.repeat(np.arange(n), 3)
    p = chance[deal]
    quarter = np.full(len(p), np.datetime64("2025-07-01", "us"))
    moments = np.array(CUTOFFS, dtype="datetime64[us]")[np.tile(np.arange(3), n)]
    forecast = LaterForecasts(
        event="an open deal is won before the quota period ends",
        keys=pd.DataFrame({"deal_id": deal.astype(str), "cutoff": moments, "period_end": quarter}),
        p=p,
        y=won[deal].astype(float),
        segments=pd.DataFrame(index=range(len(p))),
        owners=pd.Series(owner[deal].astype(str)),
    )
    error = shared_error(p, quarter, luck, 8)
    return CalibrationCheck("open deals", "deals", forecast, True, 0.02, error)  # noqa: FBT003 - it alarms


def alarm_share(spread: float, factor: float) -> float:
    """Return the share of forty companies that alarm."""
    judged = (judge_calibration(leads(owned(seed, spread, factor)), PARAMS) for seed in range(40))
    return float(np.mean([any(d.what == "calibration" for d in c.deviations) for c in judged]))


def test_luck_that_the_leads_of_one_owner_share_is_no_alarm() -> None:
    """Owners with better and worse quarters make no alarm; a company that is off makes one."""
    assert alarm_share(spread=0.6, factor=1.0) <= 0.025
    assert alarm_share(spread=0.2, factor=0.6) >= 0.95


def test_a_quarter_of_ordinary_luck_is_no_alarm() -> None:
    """Sound models of deals stay in peace in the quarters they count on, good ones and bad ones."""
    judged = [judge_calibration(open_deals(seed), PARAMS) for seed in range(60)]
    assert sum(bool(c.deviations) for c in judged) <= 1
    # Without the allowance the same quarters would be taken for a changed market.
    blind = [
        judge_calibration(replace(open_deals(seed), shared_error=0.0), PARAMS) for seed in range(60)
    ]
    assert sum(bool(c.deviations) for c in blind) > 1


@pytest.mark.parametrize(("factor", "luck"), [(0.65, 0.15), (0.75, 0.05), (1.5, 0.15)])
def test_a_market_that_breaks_shows_in_its_deals(factor: float, luck: float) -> None:
    """A third fewer wins are found; a quarter fewer, where quarters have little luck in common."""
    judged = [judge_calibration(open_deals(seed, factor, luck), PARAMS) for seed in range(40)]
    alarms = [d for c in judged for d in c.deviations if d.severity is Severity.ALARM]
    assert len(alarms) >= 36
    assert {d.where for d in alarms} == {"open deals"}


def test_right_forecasts_seldom_alarm() -> None:
    """Of 80 companies with right forecasts, next to no interval leaves out 1, and none alarms."""
    found = [judge_calibration(leads(forecasts(seed)), PARAMS) for seed in range(80)]
    assert np.mean([c.ratio.excludes(1.0) for c in found]) <= 0.05
    assert sum(bool(c.deviations) for c in found) <= 1


def test_what_a_champion_cannot_know_of_its_level_is_no_alarm() -> None:
    """Champions whose level is off as their own calibration windows would have it stay in peace."""
    error = level_error(160, 45)
    assert error == pytest.approx(0.6 / 160**0.5)
    off = np.exp(np.random.default_rng(1).normal(0, error, 60))
    alarms = {}
    for allowed in (0.0, error):
        alarms[allowed] = sum(
            bool(judge_calibration(leads(forecasts(k, factor), allowed), PARAMS).deviations)
            for k, factor in enumerate(off)
        )
    assert alarms[error] <= 1
    assert alarms[error] <= alarms[0.0]


@pytest.mark.parametrize("factor", [0.6, 1.5])
@pytest.mark.parametrize("seed", range(4))
def test_wrong_forecasts_alarm(seed: int, factor: float) -> None:
    """Chances that are too high or too low by half are found, and the direction is said."""
    wrong = judge_calibration(leads(forecasts(seed, factor)), PARAMS)
    assert wrong.deviations[0].severity is Severity.ALARM
    assert ("too high" if factor < 1 else "too low") in wrong.deviations[0].says
    assert wrong.ratio.value == pytest.approx(factor, rel=0.2)


def test_a_segment_is_judged_beside_the_rest() -> None:
    """A part in which half as many convert is a warning; the part where all is right is none."""
    wrong = judge_calibration(leads(forecasts(1, north=0.35)), PARAMS)
    segments = {d.where for d in wrong.deviations if d.severity is Severity.WARNING}
    assert "team north" in segments


def test_immature_outcomes_do_not_count() -> None:
    """Forecasts whose outcome is unknown change no figure."""
    whole = forecasts(2)
    young = np.where(whole.keys["cutoff"] >= np.datetime64(CUTOFFS[7]), np.nan, whole.y)
    known = ~np.isnan(young)
    cut = some(whole, known)
    with_young = replace(whole, y=young)
    judged = [judge_calibration(leads(f), PARAMS) for f in (cut, with_young)]
    assert judged[0] == judged[1]
    assert max(week.cutoff for week in judged[0].weeks) < CUTOFFS[7]


def test_too_few_outcomes_are_said() -> None:
    """Where next to nothing is known yet, a sentence stands in place of a ratio."""
    few = forecasts(3)
    little = some(few, np.arange(len(few.y)) < 40)
    judged = judge_calibration(leads(little), PARAMS)
    assert judged.ratio.value is None
    assert "too few outcomes" in judged.note
