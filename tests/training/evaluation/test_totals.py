"""Laws of totals: errors at mid-period, ranges, the split of the expected amount."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from attainments import quota_backtest

from training.evaluation.quota_forecasts import ROLLUP_COLUMNS
from training.evaluation.quota_group import QuotaSettings
from training.evaluation.totals import evaluate_totals, split_weeks, total_periods

START = pd.Timestamp("2024-01-01")
PERIOD = pd.Timedelta(days=100)
SETTINGS = QuotaSettings(draws=40, min_rep_periods=4)


def row(day: int, **values: Any) -> dict[str, Any]:
    """Return a total of the company, 40 % too low, whose range holds; columns may be changed."""
    total = {
        "level": "company",
        "group": "company",
        "period_start": START,
        "period_end": START + PERIOD,
        "cutoff": START + pd.Timedelta(days=day),
        "quota": 1000.0,
        "p10": 300.0,
        "p50": 600.0,
        "p90": 1200.0,
        "mean": 600.0,
        "actual": 1000.0,
    }
    return total | values


def table(*rows: dict[str, Any]) -> pd.DataFrame:
    """Return roll-ups with all their columns."""
    return pd.DataFrame(rows, columns=[*ROLLUP_COLUMNS])


def teams(number: int, **values: Any) -> pd.DataFrame:
    """Return as many managers, each with one total at mid-period."""
    return table(*(row(50, level="manager", group=f"m{k}", **values) for k in range(number)))


def test_mid_period_is_the_cutoff_closest_to_the_middle() -> None:
    """Of days 10, 45 and 90 of 100 the second counts; its error is that of its p50."""
    rollups = table(row(10, p50=100.0), row(45, p50=700.0), row(90, p50=990.0))
    (company,) = evaluate_totals(rollups, SETTINGS)
    assert company.middle["absolute_percentage_error"].value == pytest.approx(0.3)
    assert company.overall["absolute_percentage_error"].value == pytest.approx(0.3)


def test_a_cutoff_far_from_the_middle_is_not_mid_period() -> None:
    """Days 10 and 90 are no forecast of mid-period; over all weeks they count."""
    (company,) = evaluate_totals(table(row(10), row(90)), SETTINGS)
    assert company.middle["absolute_percentage_error"].value is None
    assert company.middle["coverage"].value is None
    assert company.overall["absolute_percentage_error"].value == pytest.approx(0.4)


def test_few_totals_have_figures_but_no_interval() -> None:
    """Three managers are three facts; four reach the minimum."""
    (few,), (enough,) = (evaluate_totals(teams(n), SETTINGS) for n in (3, 4))
    error = few.overall["absolute_percentage_error"]
    assert (error.value, error.low) == (pytest.approx(0.4), None)
    assert few.withheld == "3 totals are too few for an interval, 4 are needed"
    assert enough.withheld is None
    assert enough.overall["absolute_percentage_error"].low is not None


@pytest.mark.parametrize(
    ("actual", "covered"),
    [(300.0, 1.0), (299.995, 1.0), (299.9, 0.0), (1200.0, 1.0), (1200.1, 0.0)],
)
def test_a_range_holds_its_ends_and_the_cent_beside_them(actual: float, covered: float) -> None:
    """Files round money, so a cent beside the range is in it."""
    (managers,) = evaluate_totals(teams(3, actual=actual), SETTINGS)
    assert managers.overall["coverage"].value == covered


def test_ranges_that_all_held_are_not_certain() -> None:
    """Five of five ranges held: the interval still reaches below 100 %."""
    (managers,) = evaluate_totals(teams(5), SETTINGS)
    covered = managers.overall["coverage"]
    assert covered.value == 1.0
    assert covered.low == pytest.approx(0.05 ** (1 / 5))


def test_a_total_of_nothing_has_no_percentage_error() -> None:
    """It counts for the range, and the error is that of the other totals."""
    rollups = pd.concat([teams(3), table(row(50, level="manager", group="none", actual=0.0))])
    (managers,) = evaluate_totals(rollups, SETTINGS)
    assert managers.n_totals == 4
    assert managers.overall["absolute_percentage_error"].value == pytest.approx(0.4)
    assert managers.overall["coverage"].value == pytest.approx(3 / 4)


def test_levels_come_in_their_order_and_running_periods_count_nowhere() -> None:
    """Company, territory, manager, then others by name; a level with no known total is left out."""
    levels = ("region", "manager", "company", "area", "territory")
    rows = [row(50, level=level, group=level) for level in levels]
    rollups = table(*rows, row(50, level="running", actual=np.nan))
    order = [totals.level for totals in evaluate_totals(rollups, SETTINGS)]
    assert order == ["company", "territory", "manager", "area", "region"]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    """Shuffled roll-ups give the same JSON."""
    rng = np.random.default_rng(seed)
    rollups = teams(12).assign(p50=rng.uniform(500, 1500, 12), actual=rng.uniform(100, 1500, 12))
    mixed = rollups.sample(frac=1, random_state=seed)
    for first, second in zip(
        evaluate_totals(rollups, SETTINGS), evaluate_totals(mixed, SETTINGS), strict=True
    ):
        assert json.dumps(first.to_json()) == json.dumps(second.to_json())


def test_the_split_by_hand() -> None:
    """Two reps with quotas of 1 and 3 and 1 closed each: closed is half of all quotas."""
    known = quota_backtest(reps=2, periods=1)
    week = known.take(np.flatnonzero(known.weeks == 4))
    frame = week.frame.assign(
        quota=[1.0, 3.0],
        closed=1.0,
        expected_open=[0.5, 1.5],
        expected_new=[-0.5, 0.5],
        attainment=[0.5, 1.5],
    )
    (split,) = split_weeks(replace(week, frame=frame))
    assert (split.week, split.n_rows) == (4, 2)
    assert split.parts == pytest.approx((2 / 4, 2 / 4, 0 / 4))
    assert split.actual == pytest.approx((0.5 * 1 + 1.5 * 3) / 4)


def test_reps_without_a_quota_are_no_part_of_the_split() -> None:
    """A week in which nobody has a quota is left out."""
    known = quota_backtest(reps=2, periods=1)
    frame = known.frame.assign(quota=np.where(known.weeks == 3, 0.0, known.frame["quota"]))
    weeks = [split.week for split in split_weeks(replace(known, frame=frame))]
    assert weeks == [0, 1, 2, *range(4, 13)]


def test_total_periods_are_shares_of_quota_in_the_order_of_time() -> None:
    """Each period with its weeks; the running one has no actual total."""
    later = {"period_start": START + PERIOD, "period_end": START + 2 * PERIOD}
    running = row(125, **later, actual=np.nan)
    periods = total_periods(table(running, row(50), row(25, p50=500.0)))
    assert [period.label for period in periods] == ["2024-01-01", "2024-04-10"]
    assert [week.share_gone for week in periods[0].weeks] == [0.25, 0.5]
    assert [week.middle for week in periods[0].weeks] == [0.5, 0.6]
    assert (periods[0].actual, periods[1].actual) == (1.0, None)


def test_only_the_company_has_total_periods() -> None:
    """Managers and territories are not drawn, and neither is a company without quotas."""
    assert total_periods(pd.concat([teams(2), table(row(50, quota=0.0))])) == ()
