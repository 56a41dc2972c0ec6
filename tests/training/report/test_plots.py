"""Laws of the charts: what they show is what the figures say, and nothing is drawn of nothing."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest
from attainments import WEEKS, quota_backtest, truth_beside
from markupsafe import Markup

from training.evaluation.bootstrap import WITHHELD, Estimate
from training.evaluation.lead_forecasts import Predictions
from training.evaluation.lead_group import EvaluationSettings
from training.evaluation.leads import Evaluation, ReliabilityBin, evaluate
from training.evaluation.quota import QuotaEvaluation, evaluate_quota
from training.evaluation.quota_group import QuotaSettings
from training.evaluation.totals import SplitWeek, TotalPeriod, TotalWeek
from training.evaluation.truth import QUOTAS, TruthGrade, grade
from training.report import plots, quota_plots
from training.report.chart import RIVALS
from training.report.plots import FoldSpan, day_ticks, month_ticks, rival_styles, value_range
from training.report.truth_page import forecast_and_truth, truth_page

START = datetime(2024, 1, 15)
DAY = timedelta(days=1)


@cache
def leads() -> Evaluation:
    """Evaluate a model of leads once, over five cutoffs."""
    rng = np.random.default_rng(0)
    chance = rng.beta(2, 6, 500)
    week = np.arange(500) % 5
    frame = pd.DataFrame(
        {
            "lead_id": [f"L{k}" for k in range(500)],
            "cutoff": pd.Timestamp("2024-01-01") + pd.to_timedelta(7 * week, unit="D"),
            "horizon_days": 30,
            "p": chance,
            "y": (rng.random(500) < chance).astype(float),
            "fold": 1,
        }
    )
    rules = {"base rate": np.full(500, 0.25), "recency rule": rng.random(500)}
    return evaluate(Predictions(frame, rules), EvaluationSettings(draws=20, floor_draws=5))


@cache
def quotas() -> QuotaEvaluation:
    """Evaluate a model of quotas beside the truth once."""
    predictions = quota_backtest(blur=0.1)
    settings = QuotaSettings(draws=20, floor_draws=5)
    return evaluate_quota(predictions, settings, truth_beside(quota_backtest()))


def parsed(svg: Markup) -> ET.Element:
    """Return a chart, parsed."""
    return ET.fromstring(str(svg))  # noqa: S314 - our own text


def texts(svg: Markup) -> list[str]:
    """Return everything that is written in a chart."""
    return [element.text or "" for element in parsed(svg).iter("text")]


def hovers(svg: Markup) -> list[str]:
    """Return what hovering shows in a chart."""
    return [element.text or "" for element in parsed(svg).iter("title")][1:]


def says(svg: Markup) -> str:
    """Return the description of a chart."""
    return parsed(svg).findtext("desc") or ""


def fold(label: str, days: int, *, calibrated: bool = True) -> FoldSpan:
    """Return a fold that was tested some days after the start."""
    train = (START, START + (days - 60) * DAY)
    calibrate = (START + (days - 30) * DAY, START + (days - 10) * DAY) if calibrated else None
    return FoldSpan(label, train, calibrate, (START + days * DAY, START + (days + 7) * DAY))


def test_every_fold_has_its_row_and_its_dates() -> None:
    """What it was trained, calibrated and tested on, and what was left out between."""
    svg = plots.time_split([fold("fold 1", 100), fold("fold 2", 130)], 30)
    assert {"fold 1", "fold 2"} <= set(texts(svg))
    assert says(svg).startswith(
        "fold 1: trained on 2024-01-15 to 2024-02-24, calibrated on 2024-03-25 to 2024-04-14, "
        "tested on 2024-04-24 to 2024-05-01; fold 2:"
    )
    assert "left out: 2024-02-24 to 2024-03-25" in hovers(svg)
    assert "tested on: 2024-04-24 to 2024-05-02" in hovers(svg)


def test_a_fold_without_calibration_has_one_gap() -> None:
    """From the end of training to the first test."""
    svg = plots.time_split([fold("fold 1", 100, calibrated=False)], 30)
    assert "calibrated" not in says(svg)
    assert len([words for words in hovers(svg) if words.startswith("left out")]) == 1


def test_folds_without_tests_are_not_drawn() -> None:
    """Nothing was tested, so there is nothing to show."""
    assert plots.time_split([], 30) == ""
    assert plots.time_split([replace(fold("fold 1", 100), tests=())], 30) == ""


@pytest.mark.parametrize(
    ("days", "labels"),
    [
        (20, ["Feb 2024"]),
        (200, ["Feb 2024", "Mar 2024", "Apr 2024", "May 2024", "Jun 2024", "Jul 2024", "Aug 2024"]),
        (700, ["Apr 2024", "Jul 2024", "Oct 2024", "Jan 2025", "Apr 2025", "Jul 2025", "Oct 2025"]),
        (5000, ["Jan 2026", "Jan 2028", "Jan 2030", "Jan 2032", "Jan 2034", "Jan 2036"]),
    ],
    ids=["a month", "months", "quarters", "years"],
)
def test_months_are_skipped_evenly_until_labels_have_room(days: int, labels: list[str]) -> None:
    """Every month, quarter or year, on its first day; never more than nine."""
    ticks = month_ticks(START, START + days * DAY)
    written = [words for _, words in ticks]
    assert written[: len(labels)] == labels
    assert len(written) <= plots.MOST_MONTHS
    for place, words in ticks:
        assert f"{START + place * DAY:%d %b %Y}" == f"01 {words}"


def test_days_are_marked_at_the_ends_and_between() -> None:
    """Four labels, evenly apart."""
    first = float(datetime(2024, 1, 1).toordinal())
    ticks = day_ticks([first, first + 30])
    assert [words for _, words in ticks] == [
        *("01 Jan 2024", "11 Jan 2024", "21 Jan 2024", "31 Jan 2024")
    ]


def test_the_key_of_gains_is_sorted_by_what_is_found() -> None:
    """Each forecast with the share it finds at capacity, the best first."""
    svg = plots.gains(leads())
    key = [words for words in texts(svg) if words.endswith(("model", "base rate", "recency rule"))]
    shares = [float(words.split()[0]) for words in key]
    assert len(key) == 3
    assert shares == sorted(shares, reverse=True)
    captured = leads().overall.model["capture"].value or 0.0
    assert f"{round(100 * captured):.3g} %  model" in key
    assert says(svg).startswith("At 20 %: model ")


def test_gains_without_conversions_are_not_drawn() -> None:
    """There is nothing to find."""
    assert plots.gains(replace(leads(), gains={})) == ""


def test_every_reliability_bin_is_a_point_with_its_numbers() -> None:
    """And every bar of the histogram counts its forecasts."""
    bins = (
        ReliabilityBin(0.0, 0.1, 30, 0.05, Estimate(0.04, 0.0, 0.1)),
        ReliabilityBin(0.1, 0.4, 30, 0.25, Estimate(0.3)),
    )
    svg = plots.reliability(bins, ((0.2, 40), (0.4, 20)))
    assert says(svg) == "forecast 5 %, happened 4 %; forecast 25 %, happened 30 %"
    assert "forecast 25 % (30 forecasts), happened: 30 %" in hovers(svg)
    assert "40 forecasts of 0 % to 20 %" in hovers(svg)
    assert "perfectly calibrated" in texts(svg)
    assert plots.reliability((), ()) == ""


def test_cutoffs_are_drawn_in_order_with_their_numbers() -> None:
    """The AUC beside a coin; forecast beside conversion."""
    area, rates = plots.auc_over_time(leads().cutoffs), plots.rates_over_time(leads().cutoffs)
    expected = [f"{c.label} {c.model['auc'].value:.3g}" for c in leads().cutoffs]
    assert says(area) == "; ".join(expected)
    assert {"model", "a coin"} <= set(texts(area))
    assert {"forecast", "converted", "0 %"} <= set(texts(rates))


@pytest.mark.parametrize("draw", [plots.auc_over_time, plots.rates_over_time])
def test_a_line_needs_two_cutoffs(draw: object) -> None:
    """One cutoff, or only withheld ones, is no line."""
    assert callable(draw)
    withheld = [replace(cutoff, withheld="too few") for cutoff in leads().cutoffs]
    assert draw(leads().cutoffs[:1]) == draw(withheld) == draw([]) == ""
    assert draw([*withheld, *leads().cutoffs[:2]]) != ""


def test_the_range_of_values_holds_intervals_and_references() -> None:
    """Withheld figures do not count."""
    figures = [Estimate(0.6, 0.55, 0.7), Estimate(0.8), WITHHELD]
    assert value_range(figures, [0.5]) == (0.5, 0.8)
    assert value_range(figures, [0.9]) == (0.55, 0.9)


def test_an_interval_band_passes_over_estimates_without_one() -> None:
    """Its ends are those of the others, in order."""
    (band,) = plots.interval_band([1, 2, 3], [Estimate(5, 4, 6), Estimate(5), Estimate(7, 6, 9)])
    assert band == plots.Band([1, 3], [4, 6], [6, 9])
    assert plots.interval_band([1], [WITHHELD]) == []


@pytest.mark.parametrize("rivals", [0, 1, 6, 8])
def test_every_rival_has_a_style(rivals: int) -> None:
    """The model has its own; beyond six the styles are used again."""
    names = [f"r{k}" for k in range(rivals)]
    styles = rival_styles(["model", *names])
    assert styles["model"] == "model"
    assert len({styles[name] for name in names}) == min(rivals, RIVALS)


def test_warnings_write_the_model_of_every_other_week() -> None:
    """Of ten misses, flagged by then; of ten flags, wrong."""
    warning = quotas().warnings[1]
    svg = quota_plots.warnings(warning)
    flagged = 10 * (warning.misses_flagged["model"]["4"].value or 0.0)
    wrong = 10 * (warning.flags_wrong["model"]["4"].value or 0.0)
    assert f"week 4: {flagged:.1f} of 10 flagged, {wrong:.1f} of 10 flags wrong" in says(svg)
    assert f"week 4: {flagged:.1f} of 10" in hovers(svg)
    assert texts(svg).count("linear pacing") == 2


def test_withheld_warnings_are_not_drawn() -> None:
    """And neither is a single week."""
    warning = quotas().warnings[1]
    assert quota_plots.warnings(replace(warning, withheld="too few")) == ""
    assert quota_plots.warnings(replace(warning, weeks=(3,))) == ""


def test_a_week_without_a_figure_is_passed_over() -> None:
    """Lines go on where there is a figure again, and no number is written."""
    warning = quotas().warnings[1]
    own = {**warning.misses_flagged["model"], "4": WITHHELD}
    svg = quota_plots.warnings(
        replace(warning, misses_flagged={**warning.misses_flagged, "model": own})
    )
    assert not any(words.startswith("week 4:") for words in hovers(svg))
    assert any(words.startswith("week 6:") for words in hovers(svg))


def test_ranking_by_week_shows_the_truth_where_it_is_known() -> None:
    """Beside model, rules and a coin."""
    known, unknown = quotas(), replace(quotas(), truth=None)
    assert "the true chances" in texts(quota_plots.auc_by_week(known))
    assert "the true chances" not in texts(quota_plots.auc_by_week(unknown))
    assert {"model", "linear pacing", "a coin"} <= set(texts(quota_plots.auc_by_week(unknown)))
    week = known.weeks[5].model["auc"].value
    assert f"week 5 {week:.3f}" in says(quota_plots.auc_by_week(known))
    assert quota_plots.auc_by_week(replace(known, weeks=known.weeks[:1])) == ""


def test_the_split_names_every_part() -> None:
    """A negative part hangs down and is written with its sign."""
    weeks = (SplitWeek(0, 5, (0.1, 0.5, 0.3), 1.0), SplitWeek(1, 5, (0.6, 0.5, -0.1), 1.0))
    svg = quota_plots.split(weeks)
    assert says(svg) == (
        "week 0: 10 % closed, 50 % from open deals, 30 % still to be created; "
        "week 1: 60 % closed, 50 % from open deals, -10 % still to be created"
    )
    assert "week 1: 60 % of all quotas closed (5 rows)" in hovers(svg)
    assert len(hovers(svg)) == 6
    assert quota_plots.split(()) == ""


def test_totals_show_the_latest_periods_and_the_running_one() -> None:
    """Four at most; what has not ended is said to be running."""
    weeks = (TotalWeek(0.1, 0.5, 0.8, 1.2), TotalWeek(0.9, 0.7, 0.9, 1.0))
    ended = [TotalPeriod(f"2024-0{k}-01", 0.93, weeks) for k in range(1, 6)]
    running = TotalPeriod("2024-06-01", None, weeks)
    svg = quota_plots.totals([*ended, running])
    panels = [words for words in texts(svg) if words.startswith("from ")]
    assert panels == [
        *(f"from 2024-0{k}-01: ended at 93 %" for k in (3, 4, 5)),
        "from 2024-06-01: still running",
    ]
    assert says(svg).endswith("2024-06-01: first 80 %, last 90 %, actual not known yet")
    assert hovers(svg) == ["actual: 93 %"] * 3


def test_a_period_seen_once_has_no_course() -> None:
    """One week is no line, so such a period is left out."""
    single = TotalPeriod("2024-01-01", 1.0, (TotalWeek(0.5, 0.8, 1.0, 1.1),))
    assert quota_plots.totals([single]) == ""


@cache
def truth_grade() -> TruthGrade:
    """Grade a blurred forecast of 40 reps beside their true chances."""
    predictions = quota_backtest(reps=40, periods=2, blur=0.2)
    truth = truth_beside(quota_backtest(reps=40, periods=2))
    frame = predictions.frame.assign(y=(predictions.attainment >= 1).astype(float))
    named = {"model": predictions.chance("model")}
    settings = EvaluationSettings(draws=20, floor_draws=5)
    return grade(replace(truth, file=QUOTAS), frame, named, settings)


def test_truth_is_drawn_bin_by_bin() -> None:
    """As many points as bins, with what was forecast and what was true."""
    result = truth_grade()
    svg = forecast_and_truth(result)
    assert len(hovers(svg)) == len(result.bins)
    assert says(svg).count("; ") == len(result.bins) - 1
    first = result.bins[0]
    assert f"({first.n_rows} forecasts), true {100 * first.mean_truth:.3g} %" in hovers(svg)[0]


def test_sentences_on_the_truth_hold_its_figures() -> None:
    """The share of the gap, both AUCs, and the distance of a single rep."""
    result = truth_grade()
    text = " ".join(truth_page(result).sentences)
    assert "the true chance of every rep is known" in text
    assert f"is {result.ceiling['auc'].value:.3f}, because part of every outcome is luck" in text
    assert f"the model's is {result.model['auc'].value:.3f}" in text
    distance = 100 * (result.model["mean_distance_to_truth"].value or 0.0)
    assert f"for a single rep it is {distance:.1f} percentage points away" in text


def test_no_chart_holds_a_number_that_is_none() -> None:
    """Neither NaN nor infinity is drawn anywhere."""
    charts = [
        plots.gains(leads()),
        plots.reliability(leads().reliability, leads().histogram),
        quota_plots.split(quotas().split),
        quota_plots.totals(quotas().totals),
        quota_plots.auc_by_week(quotas()),
    ]
    for svg in charts:
        assert svg
        assert not re.search(r"\b(nan|inf)\b", str(svg).lower())
    assert len(quotas().split) == WEEKS
