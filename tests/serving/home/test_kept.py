"""Laws of kept scores: what the store has is what would be made, and a failing store stops none."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.errors import InputError
from serving.home.cache import ScoreCache
from serving.home.home import Home
from serving.home.kept import KeptScores
from serving.home.lead_outlook import LeadOutlook
from serving.home.scoring import stale_data
from serving.settings import Settings
from serving.store.database import Store
from serving.store.scores import ScoreLog

SETTINGS = Settings()


@pytest.fixture
def log(tmp_path: Path) -> ScoreLog:
    """An empty log."""
    return ScoreLog(Store(tmp_path))


def test_scores_of_leads_come_back_to_the_bit(log: ScoreLog, home: Path) -> None:
    """What is read is what was made, and what anybody would make: values, types and order."""
    outlook = Home(home, SETTINGS).open_leads()
    kept = KeptScores(log, SETTINGS)
    made, why = kept.leads(outlook)
    read, _ = kept.leads(outlook)
    assert why is None
    pd.testing.assert_frame_equal(made, outlook.score())
    pd.testing.assert_frame_equal(read, made)


def test_forecasts_of_reps_come_back_to_the_bit(log: ScoreLog, sales: Path) -> None:
    """The same of reps and of teams."""
    outlook = Home(sales, SETTINGS).open_quota()
    kept = KeptScores(log, SETTINGS)
    made, read = kept.reps(outlook), kept.reps(outlook)
    for ours, again, plain in zip(made[:2], read[:2], outlook.tables(), strict=True):
        pd.testing.assert_frame_equal(ours, plain)
        pd.testing.assert_frame_equal(again, plain)
    assert len(log.runs("quota")) == 1


def test_other_settings_are_another_run(log: ScoreLog, home: Path) -> None:
    """A setting that scores depend on names another run, and so does another model."""
    few = Settings.model_validate({"training": {"scoring": {"reasons": 1}}})
    for settings in (SETTINGS, few, SETTINGS):
        outlook = Home(home, settings).open_leads()
        table, _ = KeptScores(log, settings).leads(outlook)
        sides = [len(json.loads(text)["items"]) for text in table["reasons"]]
        assert max(sides) <= 2 * settings.training.scoring.reasons
    assert len(log.runs("leads")) == 1, "the newest of the day stays"


def test_a_service_that_starts_finds_the_scores(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two services on one store make one run: the second one scores nothing."""
    first = ScoreCache(home, SETTINGS)
    first.look()
    monkeypatch.setattr(LeadOutlook, "score", lambda *_: pytest.fail("it was scored again"))
    second = ScoreCache(home, SETTINGS)
    second.look()
    pd.testing.assert_frame_equal(second.leads().table, first.leads().table)


def test_a_store_that_fails_stops_no_answer(tmp_path: Path, home: Path) -> None:
    """Where the store cannot be used, scores are made all the same, and the reason is said."""
    (tmp_path / "data").write_text("in the way", encoding="utf-8")
    outlook = Home(home, SETTINGS).open_leads()
    table, why = KeptScores(ScoreLog(Store(tmp_path)), SETTINGS).leads(outlook)
    assert len(table)
    assert why is not None


def test_what_cannot_be_scored_is_not_the_stores_fault(
    log: ScoreLog, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of scoring comes through as it is, and is not tried twice."""
    tries: list[int] = []

    def refuse(*_: Any) -> pd.DataFrame:
        tries.append(1)
        raise InputError("too little")

    outlook = Home(home, SETTINGS).open_leads()
    monkeypatch.setattr(LeadOutlook, "score", refuse)
    with pytest.raises(InputError, match="too little"):
        KeptScores(log, SETTINGS).leads(outlook)
    assert len(tries) == 1


def test_trends_need_runs_of_then(log: ScoreLog, home: Path) -> None:
    """With a run of 7 days before, each lead of both has a trend over 7 days and none over 28."""
    outlook = Home(home, SETTINGS).open_leads()
    kept = KeptScores(log, SETTINGS)
    week_before = outlook.moment() - timedelta(days=7)
    earlier = replace(outlook, warehouse=outlook.warehouse.until(week_before))
    then, _ = kept.leads(earlier)
    now, _ = kept.leads(outlook)
    trends = kept.trends(now)
    assert set(trends) == set(then["lead_id"]) & set(now["lead_id"])
    scores = now.set_index("lead_id")["score"], then.set_index("lead_id")["score"]
    for lead, (trend,) in trends.items():
        assert (trend.days, trend.since) == (7, week_before)
        assert trend.change == scores[0][lead] - scores[1][lead]
    assert any(trend.moved is not None for (trend,) in trends.values())
    assert kept.trends(then) == {}


@pytest.mark.parametrize(
    ("clock", "says"),
    [
        (datetime(2026, 5, 13), None),
        (datetime(2026, 5, 20), "The data end at 2026-05-10T00:00:00Z, 10 days ago"),
        (datetime(2026, 5, 1), "clock says 2026-05-01T00:00:00Z, before the end of the data"),
    ],
)
def test_old_data_and_a_wrong_clock_are_said(clock: datetime, says: str | None) -> None:
    """As the docstring's table has it."""
    found = stale_data(datetime(2026, 5, 10), clock, 4)
    assert found is None if says is None else says in (found or "")
