"""Laws of a retrain's decisions: when a model is judged, by what, and what counts as a change."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest
import quota_company
from quota_company import QUARTERS, opened
from sellers import FEATURES, HORIZON, UNTIL

from features.evidence import EvidenceState
from features.storage.warehouse import Warehouse
from training.evidence import Evidence
from training.leads.bundle import Bundle
from training.leads.dataset import build_training_set
from training.leads.fit import fit_leads
from training.leads.later import lead_window
from training.loop.compare import compare
from training.loop.kinds import LEADS, QUOTA
from training.loop.record import TrainingRecord
from training.loop.results import Graded, Trained
from training.loop.retrain import JudgingWindow, Way, changes, course, model_to_register
from training.params import GateParams, RetrainParams, TrainingParams
from training.tracking.records import LoadedModel, RunRecord

DAY = timedelta(days=1)


def training(bundle: Bundle, *, is_tested: bool = True, is_honest: bool = True) -> TrainingRecord:
    """A training that made a model, and maybe a fallback for it."""
    grade = Graded(None) if is_tested else None  # type: ignore[arg-type] # nobody reads the figures
    run = RunRecord("leads", bundle, {}, "data")
    instead = replace(run, bundle=fallback_of(bundle))
    trained = Trained(bundle, (), None, grade, {}, None)
    return TrainingRecord(trained, run, None if is_honest else instead)


def fallback_of(bundle: Bundle) -> Bundle:
    """What stands in for a model that is not shown to know more."""
    return replace(bundle, evidence=Evidence(EvidenceState.NONE, "it is not shown to know more"))


def champion(bundle: Bundle, until: datetime) -> LoadedModel:
    """The model in use, which saw the data up to a moment."""
    return LoadedModel("leads", "1", "run", replace(bundle, until=until))


@pytest.mark.parametrize(
    ("days_after", "is_fallback", "is_honest", "was_champion", "way"),
    [
        (0, False, True, False, Way.TWIN),
        (-9, True, False, False, Way.TWIN),
        (1, False, True, False, Way.WAITS),
        (1, True, True, False, Way.BEATS_FALLBACK),
        (1, True, False, False, Way.WAITS),
        (-9, False, True, True, Way.WAS_CHAMPION),
        (1, True, True, True, Way.WAS_CHAMPION),
    ],
)
def test_what_decides(
    bundle: Bundle,
    days_after: int,
    is_fallback: bool,  # noqa: FBT001 - as above
    is_honest: bool,  # noqa: FBT001 - as above
    was_champion: bool,  # noqa: FBT001 - as above
    way: Way,
) -> None:
    """The table of cases: who saw data after J waits, unless a fallback is beaten by a test."""
    start = UNTIL - 50 * DAY
    window = JudgingWindow(start, UNTIL + 9 * DAY)
    used = fallback_of(bundle) if is_fallback else bundle
    now = champion(used, start + days_after * DAY)
    chosen = course(training(bundle, is_honest=is_honest), now, window, was_champion=was_champion)
    assert chosen.way is way
    assert chosen.until == (start if way is Way.TWIN else None)
    if way is Way.WAITS:
        assert f"once the data reaches {UNTIL + 9 * DAY:%Y-%m-%d}" in chosen.says


def test_the_first_and_the_same(bundle: Bundle) -> None:
    """Nothing has to be decided about a first model, nor about the champion itself."""
    first = course(training(bundle), None, None, was_champion=False)
    assert first.way is Way.FIRST
    same = LoadedModel("leads", "1", "run", bundle)
    window = JudgingWindow(UNTIL, UNTIL)
    assert course(training(bundle), same, window, was_champion=True).way is Way.SAME


def test_an_untested_model_follows_no_young_fallback(bundle: Bundle) -> None:
    """Without a test, or on nothing, a model waits; so it does where no window can be foreseen."""
    now = champion(fallback_of(bundle), UNTIL)
    window = JudgingWindow(None, None)
    untested = training(bundle, is_tested=False)
    empty = training(fallback_of(replace(bundle, until=UNTIL + DAY)))
    for made in (untested, empty):
        chosen = course(made, now, window, was_champion=False)
        assert chosen.way is Way.WAITS
        assert "no quota period that begins later is known yet" in chosen.says


def test_a_second_attempt_registers_what_the_first_did(bundle: Bundle) -> None:
    """The fallback stands in for a first model, and again where a killed retrain left it."""
    doubted = training(bundle, is_honest=False)
    first = model_to_register(doubted, None)
    assert first is doubted.fallback
    left = LoadedModel("leads", "1", "run", first.bundle)
    assert model_to_register(doubted, left) is doubted.fallback
    other = champion(bundle, UNTIL - 90 * DAY)
    assert model_to_register(doubted, other) is doubted.run
    assert model_to_register(training(bundle), None).bundle is bundle


@pytest.mark.parametrize("seed", range(20))
def test_a_lead_window_opens_on_the_day_that_is_told(seed: int) -> None:
    """From that moment on the champion saw nothing of the window; a second earlier it had."""
    chance = Random(seed)  # noqa: S311 - cases, no secret
    seen = datetime(2025, 1, 1) + timedelta(seconds=chance.randrange(10**7))
    horizon, days = chance.randrange(1, 60), chance.randrange(1, 60)
    told = lead_window(seen, horizon, days, seen).judged_from
    assert told is not None
    start = lead_window(told, horizon, days, seen).start
    earlier = lead_window(told - timedelta(seconds=1), horizon, days, seen).start
    assert start is not None
    assert earlier is not None
    assert earlier < seen <= start


def test_the_twin_of_a_model_is_what_was_made_then(
    history: Warehouse, quick: TrainingParams
) -> None:
    """Its window holds the days wanted, all of them new to it and to a champion of that age."""
    window = LEADS.steps.window(history, quick, UNTIL - 90 * DAY)
    assert window.start is not None
    past = history.until(window.start)
    made = build_training_set(past, HORIZON, FEATURES, quick)
    twin = fit_leads(made, past, FEATURES, quick)
    models = champion(twin, UNTIL - 90 * DAY), LoadedModel("leads", "2", "", twin)
    compared = compare(LEADS, history, models, GateParams(draws=40, every_days=1))
    assert len(compared.cutoffs) == quick.retrain.window_days + 1
    assert compared.cutoffs[0] == window.start
    assert compared.verdict.gain.value == 0


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A company ten days after its fifth quarter ended; quotas are known to the eighth."""
    rows = quota_company.sellers(QUARTERS[5] + 10 * DAY)
    return opened(rows, tmp_path_factory.mktemp("windows"))


@pytest.mark.parametrize(
    ("days", "start", "seen", "judged_from"),
    [
        (28, QUARTERS[4], QUARTERS[4], QUARTERS[5]),
        (28, QUARTERS[4], QUARTERS[4] + DAY, QUARTERS[6]),
        (100, QUARTERS[3], QUARTERS[3], QUARTERS[5]),
        (5000, None, QUARTERS[0], None),
    ],
)
def test_a_quota_window_is_whole_periods(
    sold: Warehouse, days: int, start: datetime | None, seen: datetime, judged_from: datetime | None
) -> None:
    """The newest ended quarter, or as many as are long enough; unknown where no quota goes on."""
    params = TrainingParams(retrain=RetrainParams(window_days=days))
    assert QUOTA.steps.window(sold, params, seen) == JudgingWindow(start, judged_from)


def test_changes_are_named() -> None:
    """What differs is listed by name, files and settings one by one; what is equal is not."""
    before = {"source": "a", "data": {"leads": [1], "reps": [2]}, "mapping": None}
    assert list(changes(before, before)) == []
    now = {"source": "a", "data": {"leads": [3], "deals": [2]}, "mapping": "x"}
    assert list(changes(before, now)) == ["data: deals, leads, reps", "mapping"]
    many = {"data": {str(n): n for n in range(7)}}
    assert list(changes({"data": {}}, many)) == ["data: 0, 1, 2, 3 and 3 more"]
