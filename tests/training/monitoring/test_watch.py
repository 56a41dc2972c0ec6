"""A whole run: it sees nothing after its moment, says what it cannot judge, and makes a page."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from extract import Extract
from quota_company import FEATURES as QUOTA_FEATURES
from quota_company import QUARTERS, opened
from quota_company import TRAINING as QUOTA_TRAINING
from quota_company import sellers as quota_sellers
from sellers import FEATURES, HORIZON, START, UNTIL, open_warehouse

from features.storage.warehouse import Warehouse
from training.leads.dataset import build_training_set
from training.leads.fit import fit_leads
from training.loop.kinds import LEADS, QUOTA
from training.monitor_params import MonitorParams
from training.monitoring.deviation import Deviation, Severity, worst_first
from training.monitoring.page import render
from training.monitoring.watch import Champion, Watched, mature_cutoffs, watch
from training.params import TrainingParams
from training.quota.fit import learn_quota

AS_OF = UNTIL - timedelta(days=40)
LEARNED = START + timedelta(days=150)


@pytest.fixture(scope="module")
def params(quick: TrainingParams) -> TrainingParams:
    """Windows of two weeks: the company is less than a year old."""
    monitor = MonitorParams(window_days=14, every_days=7, reference_windows=2, minimum_leads=20)
    return quick.model_copy(update={"monitor": monitor})


@pytest.fixture(scope="module")
def champion(history: Warehouse, params: TrainingParams) -> Champion:
    """A model of the middle of the company's life."""
    past = history.until(LEARNED)
    bundle = fit_leads(build_training_set(past, HORIZON, FEATURES, params), past, FEATURES, params)
    steps = LEADS.steps
    return Champion(LEADS.subject, "1", bundle, steps.later, steps.checks)


@pytest.fixture(scope="module")
def watched(history: Warehouse, champion: Champion, params: TrainingParams) -> Watched:
    """What a run in the company's eighth month sees."""
    return watch(history, [champion], params, AS_OF)


def test_nothing_after_the_moment_changes_anything(
    watched: Watched, extract: Extract, champion: Champion, params: TrainingParams, tmp_path: Path
) -> None:
    """The extract as it would have been made then gives the same findings, notes and figures."""
    then = watch(open_warehouse(extract.cut(AS_OF), tmp_path), [champion], params, AS_OF)
    assert then.to_json() == watched.to_json()


def test_a_run_says_what_it_compared(watched: Watched) -> None:
    """Windows and calibration are named with their dates; outcomes are those after learning."""
    assert any("earlier comparisons of the same kind" in note for note in watched.notes)
    calibrated = watched.calibration[LEADS.subject]
    assert calibrated.weeks[0].cutoff >= LEARNED
    assert calibrated.weeks[-1].cutoff + timedelta(days=HORIZON) <= AS_OF


def test_a_new_champion_has_no_outcomes_yet(
    history: Warehouse, champion: Champion, params: TrainingParams
) -> None:
    """Right after learning nothing is mature, and the day on which something will be is said."""
    early = watch(history, [champion], params, LEARNED + timedelta(days=3))
    note = early.calibration[LEADS.subject].note
    assert "no outcome of a later forecast is mature yet" in note
    assert f"{LEARNED + timedelta(days=HORIZON):%Y-%m-%d}" in note


def test_weeks_whose_outcomes_are_entered_late_are_left_out(
    history: Warehouse, champion: Champion, params: TrainingParams
) -> None:
    """The newest cutoffs of leads go, as many days of them as outcomes are late."""
    few = params.model_copy(
        update={"monitor": params.monitor.model_copy(update={"calibration_weeks": 4})}
    )
    past = history.until(AS_OF)
    on_time, late = (mature_cutoffs(past, champion, days, few) for days in (0, 14))
    assert len(on_time.cutoffs) == len(late.cutoffs) == 4
    assert late.cutoffs[2:] == on_time.cutoffs[:2]
    assert late.mature_from == on_time.mature_from + timedelta(days=14)  # type: ignore[operator]


@pytest.fixture(scope="module")
def sellers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, Champion]:
    """A company ten days after its sixth quarter, and a model of its fourth."""
    place = tmp_path_factory.mktemp("sellers")
    history = opened(quota_sellers(QUARTERS[6] + timedelta(days=10)), place)
    bundle = learn_quota(history.until(QUARTERS[4]), QUOTA_FEATURES, QUOTA_TRAINING)
    steps = QUOTA.steps
    return history, Champion(QUOTA.subject, "2", bundle, steps.later, steps.checks)


def test_a_quarter_whose_end_is_entered_late_is_left_out_whole(
    sellers: tuple[Warehouse, Champion], params: TrainingParams
) -> None:
    """All deals of a quarter are due at its end, so ten days of late entries cost all its weeks."""
    history, champion = sellers
    on_time, late = (mature_cutoffs(history, champion, days, params) for days in (9, 14))
    assert max(on_time.cutoffs) >= QUARTERS[6] - timedelta(days=7)
    assert max(late.cutoffs) < QUARTERS[5]


def test_deals_are_watched_beside_reps(
    sellers: tuple[Warehouse, Champion], params: TrainingParams
) -> None:
    """Deals have a sentence, a figure in the JSON and a chart of their own."""
    history, champion = sellers
    calm = watch(history, [champion], params)
    assert set(calm.calibration) == {"quota attainment", "open deals"}
    assert not [d for d in calm.alarms if d.what == "calibration"]
    assert calm.to_json()["calibration"]["open deals"]["value"] == pytest.approx(1.0, abs=0.3)
    assert any(note.startswith("open deals:") for note in calm.notes)
    assert "forecast? open deals" in render(calm, "data")


def test_a_moment_far_after_the_data_is_an_alarm(
    history: Warehouse, champion: Champion, params: TrainingParams
) -> None:
    """Loading that has stopped is seen where the clock is passed; findings are those of the end."""
    late = watch(history, [champion], params, UNTIL + timedelta(days=12))
    assert "stale" in {alarm.what for alarm in late.alarms}
    assert late.as_of == UNTIL


def test_without_a_champion_rows_are_watched_all_the_same(
    history: Warehouse, params: TrainingParams
) -> None:
    """There is nothing to compare forecasts with, and volume is judged."""
    alone = watch(history, [], params, AS_OF)
    assert not alone.drift
    assert alone.volume


def test_the_page_shows_findings_and_escapes_what_it_is_given(watched: Watched) -> None:
    """Words of the data are text, the worst finding comes first, and nothing is fetched."""
    finding = Deviation(
        "volume", "<b>call</b>", 900, 450, 400, 500, Severity.ALARM, "twice <i>as</i> many"
    )
    info = replace(finding, severity=Severity.INFO, where="quiet")
    page = render(replace(watched, deviations=tuple(worst_first([info, finding]))), "data")
    assert "1 alarm: look" in page
    assert "&lt;b&gt;call&lt;/b&gt;" in page
    assert "<b>call" not in page
    assert page.index("&lt;b&gt;call") < page.index("quiet")
    assert page.count("<svg") > 5
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_the_page_of_a_calm_run_says_so(watched: Watched) -> None:
    """Without an alarm the headline says that there is none."""
    assert "No alarm" in render(replace(watched, deviations=()), "data")
