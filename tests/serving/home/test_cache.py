"""Laws of change: data and champions that come and go under a running service."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from starlette.testclient import TestClient

from features.errors import NotReady
from features.ingest.load import ingest
from features.params import FeatureParams
from serving.access import tokens
from serving.api.service import build_service
from serving.home import cache as cache_module
from serving.home.cache import ScoreCache
from serving.home.scored import LeadScores, Unavailable
from serving.settings import Settings
from serving.store.database import Store
from training.leads.score import NOT_TO_BE_CONTACTED
from training.tracking.records import RunRecord
from training.tracking.registry import Tracking


def test_nothing_is_ready_without_data(tmp_path: Path) -> None:
    """An empty home is alive but not ready, and says which command comes first."""
    _, secret = tokens.create(Store(tmp_path), "tests")
    headers = {"Authorization": f"Bearer {secret}"}
    with TestClient(build_service(tmp_path, Settings()).to_asgi(), headers=headers) as client:
        answer = client.post("/next_calls", json={"rep_id": "r1"})
        while "being computed" in answer.text:
            answer = client.post("/next_calls", json={"rep_id": "r1"})
        assert client.get("/livez").status_code == 200
        for response in (answer, client.get("/readyz"), client.post("/health")):
            assert response.status_code == 503
            assert "run `pacesetter ingest SOURCE` first" in response.json()["error"]
            assert response.headers["retry-after"] == "3"


def test_the_service_follows_its_home(tmp_path: Path, home: Path) -> None:
    """No data, no champion, a champion, another one, other data: each look sees what is there."""
    cache = ScoreCache(tmp_path, Settings())
    cache.look()
    with pytest.raises(NotReady, match="pacesetter ingest"):
        cache.current()

    source = str(home / "source")
    ingest(source, tmp_path, FeatureParams())
    cache.look()
    with pytest.raises(NotReady, match="pacesetter train leads"):
        cache.current()

    bundle = Tracking(home).champion("leads").bundle
    tracking = Tracking(tmp_path)
    tracking.log(RunRecord("leads", bundle, {}, "data"))
    cache.look()
    first, first_leads = cache.current(), cache.leads()
    assert first_leads.outlook.version == "1"

    cache.look()
    assert cache.current() is first, "nothing new, so nothing is computed again"

    grown_old = replace(first, scored_at=first.scored_at - timedelta(minutes=15))
    cache._current = grown_old  # noqa: SLF001 - else the test would take a quarter of an hour
    cache.look()
    assert cache.current().scored_at > grown_old.scored_at

    tracking.log(RunRecord("leads", bundle, {}, "data"))
    tracking.promote("leads", "2", "a test")
    cache.look()
    assert cache.leads().outlook.version == "2"

    earlier = first_leads.as_of - timedelta(days=30)
    ingest(source, tmp_path, FeatureParams(), data_until=earlier)
    cache.look()
    assert cache.leads().as_of == earlier
    assert first_leads.outlook.version == "1", "an answer begun on old scores ends on them"


def test_scores_that_cannot_be_made_are_not_made_up(tmp_path: Path, home: Path) -> None:
    """When the home holds nothing to score any more, old scores do not answer for it."""
    ingest(str(home / "source"), tmp_path, FeatureParams())
    bundle = Tracking(home).champion("leads").bundle
    Tracking(tmp_path).log(RunRecord("leads", bundle, {}, "data"))
    cache = ScoreCache(tmp_path, Settings())
    cache.look()
    assert len(cache.leads().table)

    (tmp_path / "only_reps").mkdir()
    (tmp_path / "only_reps" / "reps.csv").write_text("rep_id\nr1\n", encoding="utf-8")
    ingest(str(tmp_path / "only_reps"), tmp_path, FeatureParams())
    cache.look()
    with pytest.raises(NotReady, match="needs the table 'leads'"):
        cache.current()


def test_a_passing_fault_keeps_the_scores(
    tmp_path: Path, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Files that vanish while they are read cost no answer; health tells of it, the log once."""
    ingest(str(home / "source"), tmp_path, FeatureParams())
    bundle = Tracking(home).champion("leads").bundle
    Tracking(tmp_path).log(RunRecord("leads", bundle, {}, "data"))
    cache = ScoreCache(tmp_path, Settings())
    cache.look()
    before = cache.current()
    pointer = tmp_path / "data" / "current.json"
    right = pointer.read_text(encoding="utf-8")
    pointer.write_text(right.replace('"warehouse": "', '"warehouse": "0'), encoding="utf-8")
    cache.look()
    cache.look()
    assert cache.current() is before
    assert cache.problem is not None
    assert "new scores could not be made (" in cache.problem
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    assert errors[0].exc_info, "the log has the traceback"

    pointer.write_text(right, encoding="utf-8")
    cache.look()
    assert cache.problem is None


def test_one_kind_may_be_unavailable(home: Path) -> None:
    """Where there is no quota model, leads are answered, and reps are answered by the reason."""
    cache = ScoreCache(home, Settings())
    cache.look()
    current = cache.current()
    assert isinstance(current.leads, LeadScores)
    assert isinstance(current.reps, Unavailable)
    assert current.reps.fault is None
    assert cache.leads() is current.leads
    with pytest.raises(NotReady, match="needs the table 'deals'"):
        cache.reps()
    assert cache.problem is None, "what is not there yet is not a fault"


def test_past_moments_are_kept_within_bounds(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The moments asked for last are kept; older ones are let go, and computed again when asked."""
    monkeypatch.setattr(cache_module, "KEPT_MOMENTS", 1)
    cache = ScoreCache(home, Settings())
    cache.look()
    end = cache.leads().as_of
    assert cache.leads(end) is cache.leads()
    older, newer = end - timedelta(days=2), end - timedelta(days=1)
    first, second = cache.leads(older), cache.leads(newer)
    assert cache.leads(newer) is second
    again = cache.leads(older)
    assert again is not first, "it was let go"
    pd.testing.assert_frame_equal(again.table, first.table)


def test_scores_end_with_their_service(home: Path) -> None:
    """After `stop` no thread of it goes on."""
    cache = ScoreCache(home, Settings(), look_seconds=0.05)
    cache.start()
    cache.current(patience=60)
    assert (cache.leads().table["band"] != NOT_TO_BE_CONTACTED).any()
    cache.stop(patience=60)
    assert cache._thread is not None  # noqa: SLF001 - what is checked is that it ended
    assert not cache._thread.is_alive()  # noqa: SLF001 - likewise
