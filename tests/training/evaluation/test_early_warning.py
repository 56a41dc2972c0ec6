"""Laws of early warning: who is flagged, which flags last, and how many of them are wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from attainments import WEEKS, mixed, quota_backtest

from training.evaluation.bootstrap import resample
from training.evaluation.early_warning import (
    EarlyWarning,
    evaluate_early_warning,
    flag_lowest,
    lasting_flags,
)
from training.evaluation.quota_forecasts import QuotaPredictions
from training.evaluation.quota_group import QuotaSettings

FEW = QuotaSettings(draws=30, min_rep_periods=1, capacity=0.5)


def period(chances: Sequence[Sequence[float]], attainment: Sequence[float]) -> QuotaPredictions:
    """Return reps of one period, with the chances they were given week by week.

    Args:
        chances: for every rep one chance for each of the 13 weeks.
        attainment: of every rep in the end.
    """
    backtest = quota_backtest(reps=len(chances), periods=1)
    rep = backtest.frame["rep_id"].str[1:].astype(int).to_numpy()
    table = np.array(chances)
    frame = backtest.frame.assign(
        p_attain=table[rep, backtest.weeks], attainment=np.array(attainment)[rep]
    )
    return replace(backtest, frame=frame, baselines={}).mature()


def warnings(known: QuotaPredictions, settings: QuotaSettings = FEW) -> tuple[EarlyWarning, ...]:
    """Evaluate by both rules: chance below one half, and the lowest at capacity."""
    clusters = int(known.clusters.max()) + 1
    return evaluate_early_warning(known, resample(clusters, settings.draws, 0), settings)


def ahead(first_week: int) -> list[float]:
    """Return chances that are low from one week on."""
    return [0.9] * first_week + [0.1] * (WEEKS - first_week)


def test_days_ahead_are_the_median_over_misses_by_hand() -> None:
    """Misses known from weeks 2, 6 and 9 on: the middle one is known 7 weeks ahead."""
    known = period([ahead(2), ahead(6), ahead(9), [0.9] * WEEKS], [0.5, 0.5, 0.5, 1.5])
    below, _ = warnings(known)
    assert (below.n_missed, below.n_made_quota) == (3, 1)
    assert below.scores["model"]["lead_days"].value == 7 * (WEEKS - 6)
    assert below.scores["model"]["flagged"].value == 1.0


def test_misses_flagged_rise_week_by_week() -> None:
    """A third of the misses by week 2, two thirds by week 6, all by week 9; and never back."""
    known = period([ahead(2), ahead(6), ahead(9), [0.9] * WEEKS], [0.5, 0.5, 0.5, 1.5])
    below, _ = warnings(known)
    shares = [below.misses_flagged["model"][str(week)].value or 0.0 for week in below.weeks]
    assert [shares[1], shares[2], shares[6], shares[9]] == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert shares == sorted(shares)


def test_a_chance_that_recovers_once_costs_all_flags_before() -> None:
    """Low in weeks 1 to 4 and from 8 on, but above one half in week 5: known from week 8."""
    chances = [0.9, 0.1, 0.1, 0.1, 0.1, 0.6, 0.6, 0.6, *[0.1] * 5]
    below, _ = warnings(period([chances], [0.5]))
    assert below.scores["model"]["lead_days"].value == 7 * (WEEKS - 8)


def test_false_alarms_count_flags_of_the_early_weeks_only() -> None:
    """One miss flagged in all weeks 2 to 6, one success in two of them: 2 of 7 flags are wrong."""
    success = [0.1, 0.1, 0.1, 0.1, *[0.9] * 9]
    below, _ = warnings(period([[0.1] * WEEKS, success], [0.5, 1.5]))
    assert below.scores["model"]["false_alarms"].value == pytest.approx(2 / 7)
    assert below.flags_wrong["model"]["1"].value == pytest.approx(1 / 2)
    assert below.flags_wrong["model"]["5"].value == pytest.approx(0)


def test_at_capacity_a_flag_needs_one_of_the_lowest_places() -> None:
    """Two misses with room for one flag: the second is flagged when the first recovers."""
    known = period([[0.1] * 6 + [0.4] * 7, [0.3] * WEEKS], [0.5, 0.5])
    _, few = warnings(known)
    assert few.scores["model"]["flagged"].value == 1.0
    lasting = lasting_flags(known, flag_lowest(known, "model", 0.5), known.chance("model") < 0.5)
    weeks = {rep: known.weeks[lasting & (known.rep_periods == rep)].min() for rep in (0, 1)}
    assert weeks == {0: 0, 1: 6}


@pytest.mark.parametrize(
    ("raised", "held", "lasts"),
    [
        ("-----", "xxxxx", "-----"),
        ("x----", "xxxxx", "xxxxx"),
        ("x----", "xx-xx", "-----"),
        ("x---x", "xx-xx", "----x"),
        ("-x---", "xxxx-", "-----"),
        ("--x--", "-----", "-----"),
        ("xxxxx", "--xxx", "--xxx"),
    ],
)
def test_a_flag_lasts_if_it_is_raised_and_held_to_the_end(
    raised: str, held: str, lasts: str
) -> None:
    """The cases of one rep-period, cutoff by cutoff."""
    known = quota_backtest(reps=1, periods=1)
    five = known.take(np.arange(5))
    marks = [np.array([mark == "x" for mark in row]) for row in (raised, held)]
    assert "".join("x" if lasting else "-" for lasting in lasting_flags(five, *marks)) == lasts


def test_flags_of_one_period_do_not_last_into_the_next() -> None:
    """Each rep-period is on its own, however its rows are mixed."""
    known = quota_backtest(reps=3, periods=2)
    held = np.ones(len(known.frame), dtype=bool)
    for forecasts in (known, mixed(known)):
        raised = (forecasts.rep_periods == 0) & (forecasts.weeks == 4)
        flags = lasting_flags(forecasts, raised, held)
        assert set(forecasts.rep_periods[flags]) == {0}
        assert sorted(forecasts.weeks[flags]) == list(range(4, WEEKS))


@pytest.mark.parametrize(("reps", "capacity", "flagged"), [(20, 0.3, 6), (12, 0.3, 3), (1, 0.3, 1)])
def test_as_many_as_fit_wholly_are_flagged_and_at_least_one(
    reps: int, capacity: float, flagged: int
) -> None:
    """3.6 of 12 are 3."""
    known = quota_backtest(reps=reps, periods=1)
    flags = flag_lowest(known, "model", capacity)
    assert set(np.bincount(known.lists, weights=flags)) == {flagged}


def test_a_capacity_that_rounds_down_by_a_bit_is_not_lost() -> None:
    """0.29 * 100 is 28.999999999999996 to a computer, and 29 reps to a manager."""
    known = quota_backtest(reps=100, periods=1)
    first = known.take(np.flatnonzero(known.weeks == 0))
    assert flag_lowest(first, "model", 0.29).sum() == 29


def test_of_equal_chances_the_lower_median_is_flagged_first() -> None:
    """Three tied reps, room for one: the one who is expected to attain least."""
    known = quota_backtest(reps=3, periods=1)
    week = known.take(np.flatnonzero(known.weeks == 0))
    middle = [0.9, 0.4, 0.6]
    frame = week.frame.assign(
        p_attain=0.2,
        attainment_p10=0.1,
        attainment_p50=middle,
        attainment_p90=1.0,
    )
    assert flag_lowest(replace(week, frame=frame), "model", 0.34).tolist() == [False, True, False]


def test_periods_that_were_not_watched_have_no_lead_time() -> None:
    """Forecast from the middle on only, a miss could not have been flagged early."""
    known = period([ahead(2), ahead(6)], [0.5, 0.5])
    late = known.take(np.flatnonzero((known.rep_periods == 0) | (known.weeks >= 6)))
    below, _ = warnings(late)
    assert below.n_missed == 1
    assert below.scores["model"]["lead_days"].value == 7 * (WEEKS - 2)


def test_too_few_misses_withhold_everything_with_the_reason() -> None:
    """Figures are withheld, the counts are not."""
    known = period([ahead(2), ahead(6), [0.9] * WEEKS], [0.5, 0.5, 1.5])
    for warning in warnings(known, replace(FEW, min_rep_periods=3)):
        assert warning.withheld is not None
        assert warning.withheld.startswith("not measurable: 2 misses")
        assert warning.scores["model"]["lead_days"].value is None
        assert {week.value for week in warning.misses_flagged["model"].values()} == {None}
        assert (warning.n_missed, warning.n_made_quota) == (2, 1)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    """Shuffled rows give the same warnings, ties included."""
    predictions = quota_backtest(seed, reps=12, blur=0.2)
    rounded = predictions.frame.assign(p_attain=predictions.frame["p_attain"].round(1))
    tied = replace(predictions, frame=rounded)
    assert warnings(mixed(tied).mature()) == warnings(tied.mature())


@pytest.mark.parametrize("seed", range(3))
def test_flagging_everybody_is_early_and_often_wrong(seed: int) -> None:
    """A forecast of 0 for all warns as early as can be, and its false alarms are the successes."""
    known = quota_backtest(seed, reps=30).mature()
    alarmist = replace(known, frame=known.frame.assign(p_attain=0.0))
    below, _ = warnings(alarmist)
    scores = below.scores["model"]
    assert scores["flagged"].value == 1.0
    assert scores["lead_days"].value == 7 * WEEKS
    assert scores["false_alarms"].value == pytest.approx(np.mean(known.attainment >= 1))


def test_json_keeps_its_keys() -> None:
    """The names in metrics.json are fixed; attributes may be called otherwise."""
    below, _ = warnings(period([ahead(2)], [0.5]))
    assert list(below.to_json()) == [
        *("raised", "withheld", "n_missed", "n_made", "model", "baselines", "difference"),
        *("misses_flagged_by_week", "flags_wrong_by_week"),
    ]
