"""Laws of change: data and champions that come and go under a running service."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from features.errors import NotReady
from features.ingest.load import ingest
from features.params import FeatureParams
from serving.access import tokens
from serving.api.service import build_service
from serving.home.cache import ScoreCache
from serving.home.scored import there
from serving.settings import Settings
from training.leads.score import NOT_TO_BE_CONTACTED
from training.tracking.records import RunRecord
from training.tracking.registry import Tracking


def test_nothing_is_ready_without_data(tmp_path: Path) -> None:
    """An empty home is alive but not ready, and says which command comes first."""
    _, secret = tokens.create(tmp_path, "tests")
    headers = {"Authorization": f"Bearer {secret}"}
    with TestClient(build_service(tmp_path, Settings()).to_asgi(), headers=headers) as client:
        answer = client.post("/next_calls", json={"rep_id": "r1"})
        while "being made" in answer.text:
            answer = client.post("/next_calls", json={"rep_id": "r1"})
        assert client.get("/livez").status_code == 200
        for response in (answer, client.get("/readyz"), client.post("/health")):
            assert response.status_code == 503
            assert "run `pacesetter ingest SOURCE` first" in response.json()["error"]
            assert response.headers["retry-after"] == "3"


def test_the_service_follows_its_home(tmp_path: Path, home: Path) -> None:
    """No data, no champion, a champion, another one, other data: each look sees what is there."""
    made = ScoreCache(tmp_path, Settings())
    made.look()
    with pytest.raises(NotReady, match="pacesetter ingest"):
        made.sheet()

    source = str(home / "source")
    ingest(source, tmp_path, FeatureParams())
    made.look()
    with pytest.raises(NotReady, match="pacesetter train leads"):
        made.sheet()

    bundle = Tracking(home).champion("leads").bundle
    tracking = Tracking(tmp_path)
    tracking.log(RunRecord("leads", bundle, {}, "data"))
    made.look()
    first = made.sheet()
    assert there(first.leads).outlook.version == "1"

    made.look()
    assert made.sheet() is first, "nothing new, so nothing is made anew"

    grown_old = replace(first, made_at=first.made_at - timedelta(minutes=15))
    made._sheet = grown_old  # noqa: SLF001 - else the test would take a quarter of an hour
    made.look()
    assert made.sheet().made_at > grown_old.made_at

    tracking.log(RunRecord("leads", bundle, {}, "data"))
    tracking.promote("leads", "2", "a test")
    made.look()
    assert there(made.sheet().leads).outlook.version == "2"

    earlier = there(first.leads).as_of - timedelta(days=30)
    ingest(source, tmp_path, FeatureParams(), data_until=earlier)
    made.look()
    assert there(made.sheet().leads).as_of == earlier
    assert there(first.leads).outlook.version == "1", "an answer begun on old scores ends on them"


def test_scores_that_cannot_be_made_are_not_made_up(tmp_path: Path, home: Path) -> None:
    """When the home holds nothing to score any more, old scores do not answer for it."""
    ingest(str(home / "source"), tmp_path, FeatureParams())
    bundle = Tracking(home).champion("leads").bundle
    Tracking(tmp_path).log(RunRecord("leads", bundle, {}, "data"))
    made = ScoreCache(tmp_path, Settings())
    made.look()
    assert len(there(made.sheet().leads).table)

    (tmp_path / "only_reps").mkdir()
    (tmp_path / "only_reps" / "reps.csv").write_text("rep_id\nr1\n", encoding="utf-8")
    ingest(str(tmp_path / "only_reps"), tmp_path, FeatureParams())
    made.look()
    with pytest.raises(NotReady, match="needs the table 'leads'"):
        made.sheet()


def test_a_passing_fault_keeps_the_scores(
    tmp_path: Path, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Files that vanish while they are read cost no answer; health tells of it, the log once."""
    ingest(str(home / "source"), tmp_path, FeatureParams())
    bundle = Tracking(home).champion("leads").bundle
    Tracking(tmp_path).log(RunRecord("leads", bundle, {}, "data"))
    made = ScoreCache(tmp_path, Settings())
    made.look()
    before = made.sheet()
    pointer = tmp_path / "data" / "current.json"
    moved = pointer.read_text(encoding="utf-8").replace('"warehouse": "', '"warehouse": "0')
    pointer.write_text(moved, encoding="utf-8")
    made.look()
    made.look()
    assert made.sheet() is before
    assert made.problem is not None
    assert "could not be made" in made.problem
    assert len([r for r in caplog.records if r.levelname == "ERROR"]) == 1


def test_scores_end_with_their_service(home: Path) -> None:
    """After `stop` no thread of it goes on."""
    made = ScoreCache(home, Settings(), look_seconds=0.05)
    made.start()
    leads = there(made.sheet(patience=60).leads)
    assert (leads.table["band"] != NOT_TO_BE_CONTACTED).any()
    made.stop(patience=60)
    assert made._thread is not None  # noqa: SLF001 - what is checked is that it ended
    assert not made._thread.is_alive()  # noqa: SLF001
