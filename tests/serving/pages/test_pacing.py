"""Laws of the pacing curve: it rises with deals, ends where the period stands, and says so."""

from __future__ import annotations

import re
from datetime import timedelta
from random import Random
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from made import END, NOW, START, forecast

from features.evidence import EvidenceState
from serving.pages.pacing import Pace, closed_path, pacing_chart
from serving.pages.quarter import pace_of
from serving.pages.region import region_of
from training.report.chart import Band, Line, Point

EN = region_of("en-US")
DAYS = (END - START) / timedelta(days=1)
PACE = Pace(START, END, NOW, 100.0, 40.0, 50.0, 70.0, 110.0)
AT_NOW: Any = SimpleNamespace(as_of=NOW)
"""All that a pace asks of the facts of quotas."""


def deals(seed: int, count: int = 30) -> pd.DataFrame:
    """Random deals of three reps, before, within and after the period, some without an amount."""
    chance = Random(seed)  # noqa: S311 - no secret
    rows = [
        {
            "rep_id": chance.choice("abc"),
            "at": START + timedelta(days=chance.uniform(-30, 34)),
            "amount": chance.choice([chance.uniform(1, 9), float("nan")]),
        }
        for _ in range(count)
    ]
    return pd.DataFrame(rows).astype({"at": "datetime64[us]"})


@pytest.mark.parametrize("seed", range(25))
def test_the_curve_is_the_sum_of_the_deals_in_the_period(seed: int) -> None:
    """Whatever the order of rows, it never falls, and ends at what these reps closed."""
    won = deals(seed)
    x, y = closed_path(won, ["a", "b"], PACE)
    own = won[won["rep_id"].isin(["a", "b"]) & (won["at"] >= START)]
    assert y[-1] == pytest.approx(own["amount"].sum())
    assert y == sorted(y)
    assert x == sorted(x)
    assert closed_path(won.sample(frac=1, random_state=seed), ["b", "a"], PACE) == (x, y)


@pytest.mark.parametrize("seed", range(10))
def test_the_curves_of_reps_add_up(seed: int) -> None:
    """The team's curve ends at the sum of the ends of its reps' curves."""
    won = deals(seed)
    alone = [closed_path(won, [rep], PACE)[1][-1] for rep in "abc"]
    assert closed_path(won, [*"abc"], PACE)[1][-1] == pytest.approx(sum(alone))


def test_the_edges_of_a_period_belong_to_one_period_each() -> None:
    """A deal of the first moment counts, one of the end's moment belongs to the next period."""
    won = pd.DataFrame({"rep_id": "a", "at": pd.to_datetime([START, END]), "amount": [3.0, 5.0]})
    later = Pace(START, END, END + timedelta(days=9), 100.0, 3.0)
    x, y = closed_path(won, ["a"], later)
    assert y[-1] == 3.0
    assert x[-1] == DAYS  # the curve does not run out of the period


def test_without_a_deal_the_curve_is_flat() -> None:
    """From the first day to today at 0."""
    empty = deals(0)[:0]
    assert closed_path(empty, ["a"], PACE) == ([0.0, 35.0], [0.0, 0.0])


def test_the_band_opens_at_today_and_ends_at_the_forecast() -> None:
    """It begins in what is closed, and on the last day spans the range, the middle within it."""
    chart = pacing_chart(([0.0, 35.0], [0.0, 40.0]), PACE, EN)
    (panel,) = chart.panels
    (band,) = (mark for mark in panel.marks if isinstance(mark, Band))
    assert list(band.x) == [35.0, DAYS]
    assert (list(band.low), list(band.high)) == ([40.0, 50.0], [40.0, 110.0])
    middle = next(m for m in panel.marks if isinstance(m, Line) and m.label == "middle")
    assert list(middle.y) == [40.0, 70.0]


def test_the_even_pace_ends_at_the_quota_on_the_last_day() -> None:
    """And today's point stands at what is closed, with its amount in words."""
    (panel,) = pacing_chart(([0.0, 35.0], [0.0, 40.0]), PACE, EN).panels
    even = next(m for m in panel.marks if isinstance(m, Line) and m.label == "even pace")
    assert (list(even.x), list(even.y)) == ([0, DAYS], [0, 100.0])
    (point,) = (mark for mark in panel.marks if isinstance(mark, Point))
    assert (point.x, point.y) == (35.0, 40.0)


@pytest.mark.parametrize("high", [80.0, 400.0])
@pytest.mark.parametrize("now", [10.0, 900.0])
def test_nothing_is_drawn_above_the_axis(high: float, now: float) -> None:
    """Closed, quota and range all fit, whichever is highest."""
    pace = Pace(START, END, NOW, 100.0, now, 50.0, 70.0, high)
    (panel,) = pacing_chart(([0.0, 35.0], [0.0, now]), pace, EN).panels
    assert panel.y.high > max(100.0, now, high)


def test_a_withheld_range_is_neither_drawn_nor_said() -> None:
    """Without a range there is no band and no middle, and the words name no end."""
    chart = pacing_chart(([0.0, 35.0], [0.0, 40.0]), Pace(START, END, NOW, 100.0, 40.0), EN)
    (panel,) = chart.panels
    assert not any(isinstance(mark, Band) for mark in panel.marks)
    assert "8 of 10" not in chart.says
    assert chart.says.endswith("; the quota is 100")


@pytest.mark.parametrize("days", [1, 20, 45, 80, 91])
def test_days_below_the_curve_never_run_into_each_other(days: int) -> None:
    """First and last day are always named; today only where there is room between them."""
    pace = Pace(START, END, START + timedelta(days=days), 100.0, 0.0)
    svg = str(pacing_chart(([0.0, float(days)], [0.0, 0.0]), pace, EN).to_svg())
    labels = re.findall(r">([A-Z][a-z]{2} \d+, 2026)<", svg)
    assert {"Jul 1, 2026", "Sep 30, 2026"} <= set(labels)
    assert len(labels) == (3 if days == 45 else 2)


@pytest.mark.parametrize("p50", [0.1, 0.7, 3.0])
def test_the_middle_stays_within_the_range_that_is_shown(p50: float) -> None:
    """The range for people may be narrower than the draws; the middle does not leave it."""
    pace = pace_of(forecast(attainment_p50=p50), AT_NOW)
    assert pace.low is not None
    assert pace.middle is not None
    assert pace.high is not None
    assert (pace.low, pace.high) == (40.0, 100.0)
    assert pace.low <= pace.middle <= pace.high


@pytest.mark.parametrize(
    "odd",
    [
        {"evidence": EvidenceState.THIN},
        {"evidence": EvidenceState.NONE},
        {"has_left": True},
        {"range_low": 0.1, "range_high": 1.9},
    ],
)
def test_what_words_withhold_the_curve_withholds(odd: dict[str, Any]) -> None:
    """Thin evidence, a leaver, a range too wide to plan with: what is closed is all there is."""
    pace = pace_of(forecast(**odd), AT_NOW)
    assert (pace.low, pace.middle, pace.high) == (None, None, None)
    assert (pace.quota, pace.closed, pace.as_of) == (100.0, 30.0, NOW)
