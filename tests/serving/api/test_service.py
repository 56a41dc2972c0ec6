"""Laws of the service: what it answers, from the same scores as the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from features.errors import NotReady
from serving.access import tokens
from serving.api.service import build_service
from serving.home.cache import ScoreCache
from serving.home.home import Home
from serving.settings import Settings
from serving.store.database import Store

Tables = dict[str, list[dict[str, Any]]]


def connect(home: Path, settings: Settings) -> Iterator[TestClient]:
    """Run a real service of a home in this process, with a token in every request."""
    _, secret = tokens.create(Store(home), "tests")
    headers = {"Authorization": f"Bearer {secret}"}
    with TestClient(build_service(home, settings).to_asgi(), headers=headers) as client:
        yield client


@pytest.fixture(scope="module")
def client(home: Path) -> Iterator[TestClient]:
    """The service of the small company, once it is ready."""
    for client in connect(home, Settings()):
        wait(client)
        yield client


def wait(client: TestClient) -> None:
    """Ask until there are scores; each question waits a little by itself."""
    for _ in range(60):
        if client.post("/health").status_code == 200:
            return
    pytest.fail(client.post("/health").text)


@pytest.fixture(scope="module")
def scores(home: Path) -> pd.DataFrame:
    """What the command line would write."""
    return Home(home, Settings()).open_leads().score()


def ask(client: TestClient, path: str, status: int = 200, **body: Any) -> dict[str, Any]:
    """Ask with a JSON body and return the answer."""
    response = client.post(path, json=body)
    assert response.status_code == status, response.text
    answer: dict[str, Any] = response.json()
    return answer


def inline(tables: Tables, lead_id: str) -> dict[str, Any]:
    """Return a request with a lead of the extract and its activities."""

    def plain(row: dict[str, Any]) -> dict[str, Any]:
        return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items()}

    return {
        "leads": [plain(row) for row in tables["leads"] if row["lead_id"] == lead_id],
        "activities": [plain(row) for row in tables["activities"] if row["lead_id"] == lead_id],
    }


@pytest.mark.parametrize("rep", ["r1", "r2", "r3", None])
def test_next_calls_are_the_first_of_the_scores(
    client: TestClient, scores: pd.DataFrame, rep: str | None
) -> None:
    """A rep's calls are the leads that `score` ranks first, in that order, with the same p."""
    answer = ask(client, "/next_calls", rep_id=rep, limit=3)
    own = scores["rep_id"].isna() if rep is None else scores["rep_id"] == rep
    expected = scores[own].head(3)
    assert [call["lead_id"] for call in answer["calls"]] == list(expected["lead_id"])
    assert [call["p"] for call in answer["calls"]] == list(expected["p"])
    assert [call["rank"] for call in answer["calls"]] == [1, 2, 3]
    assert answer["as_of"] == "2025-07-20T00:00:00Z"
    assert "not for decisions on employment" in answer["note"]


def test_reasons_add_up(client: TestClient) -> None:
    """Base, points and rest of every lead add up to 100 p within 0.01, and some have reasons."""
    answer = ask(client, "/next_calls", rep_id="r1", limit=1000)
    for call in answer["calls"]:
        reasons = call["reasons"]
        points = sum(item["points"] for item in reasons["items"])
        total = reasons["base"] + points + reasons["rest"]
        assert total == pytest.approx(100 * call["p"], abs=0.01)
    assert any(call["reasons"]["items"] for call in answer["calls"])


def test_nobody_is_told_to_call_who_does_not_want_it(
    client: TestClient, scores: pd.DataFrame
) -> None:
    """A lead that asked not to be contacted is scored, but stands in no call list."""
    barred = set(scores.loc[scores["band"] == "do not contact", "lead_id"])
    listed = set()
    for rep in ("r1", "r2", "r3", None):
        calls = ask(client, "/next_calls", rep_id=rep, limit=1000)["calls"]
        listed |= {call["lead_id"] for call in calls}
    assert barred
    assert listed == set(scores["lead_id"]) - barred


def test_a_list_is_as_long_as_the_settings_say(home: Path) -> None:
    """Without a limit, as many leads are listed as `list_length` tells."""
    settings = Settings.model_validate({"serving": {"list_length": 2}})
    for client in connect(home, settings):
        wait(client)
        assert len(ask(client, "/next_calls", rep_id="r1")["calls"]) == 2


def test_a_rep_without_open_leads_has_an_empty_list(client: TestClient) -> None:
    """A rep the extract knows is answered, one it does not know is not found."""
    assert ask(client, "/next_calls", rep_id="r9")["calls"] == []
    error = ask(client, "/next_calls", 404, rep_id="nobody")["error"]
    assert "no rep has the id 'nobody'; known reps are, for example: r1" in error


def test_an_explanation_is_the_lead_of_the_list(client: TestClient) -> None:
    """`explain_lead` says of a lead what `next_calls` said of it."""
    listed = ask(client, "/next_calls", rep_id="r2", limit=1)
    explained = ask(client, "/explain_lead", lead_id=listed["calls"][0]["lead_id"])
    assert {key: explained[key] for key in listed["calls"][0]} == listed["calls"][0]
    assert explained["model_version"] == "1"
    assert explained["horizon_days"] == 14


@pytest.mark.parametrize(
    ("lead", "says"),
    [
        ("L9999", "no lead has the id 'L9999' in the data"),
        ("L000", "only open leads are scored"),
    ],
)
def test_a_lead_that_is_not_open_is_not_found(client: TestClient, lead: str, says: str) -> None:
    """What cannot be explained is answered by 404 with the reason."""
    assert says in ask(client, "/explain_lead", 404, lead_id=lead)["error"]


def test_a_lead_is_not_seen_before_it_is_there(client: TestClient, tables: Tables) -> None:
    """As of its own creation a lead is not open yet: the border is half-open."""
    lead = tables["leads"][40]
    moment = lead["created_at"].isoformat() + "Z"
    error = ask(client, "/explain_lead", 404, lead_id=lead["lead_id"], as_of=moment)["error"]
    assert "which is not before the as_of" in error
    later = (lead["created_at"] + timedelta(microseconds=1)).isoformat()
    assert (
        ask(client, "/explain_lead", lead_id=lead["lead_id"], as_of=later)["as_of"] == later + "Z"
    )


def test_inline_leads_score_as_if_they_were_ingested(
    client: TestClient, scores: pd.DataFrame, tables: Tables
) -> None:
    """A lead sent with its own activities has exactly the chance it has in the warehouse."""
    for row in scores.sample(3, random_state=0).to_dict("records"):
        answer = ask(client, "/score_leads", **inline(tables, row["lead_id"]))
        (score,) = answer["scores"]
        assert (score["lead_id"], score["p"]) == (row["lead_id"], row["p"])
        assert score["reasons"] == json.loads(row["reasons"])
        assert answer["ignored"] == []


def test_inline_activities_change_the_score(
    client: TestClient, scores: pd.DataFrame, tables: Tables
) -> None:
    """A lead is scored on the activities sent: more calls than in the data, another chance."""
    lead = next(row for row in tables["leads"] if row["lead_id"] == scores["lead_id"].iloc[0])
    body = inline(tables, lead["lead_id"])
    before = ask(client, "/score_leads", **body)["scores"][0]["p"]
    for day in range(1, 6):
        at = (lead["created_at"] + timedelta(days=day)).isoformat()
        body["activities"].append({"lead_id": lead["lead_id"], "occurred_at": at, "type": "call"})
    assert ask(client, "/score_leads", **body)["scores"][0]["p"] != before


def test_no_inline_lead_is_dropped(client: TestClient) -> None:
    """Each lead of the request is scored or answered with why not, in the order of the request."""
    leads = [
        {"lead_id": "late", "created_at": "2025-07-20"},
        {"lead_id": "won", "created_at": "2025-07-01", "converted_at": "2025-07-02T10:00:00Z"},
        {
            "lead_id": 12345678901234567890,
            "created_at": "2025-07-10T23:00:00+02:00",
            "mood": "good",
        },
        {"lead_id": "lost", "created_at": "2025-07-01", "lost_at": "2025-07-03"},
    ]
    answer = ask(client, "/score_leads", leads=leads)
    assert [score["lead_id"] for score in answer["scores"]] == ["12345678901234567890"]
    whys = {lead["lead_id"]: lead["why"].partition("2025")[0] for lead in answer["not_scored"]}
    assert whys == {
        "late": "lead 'late' was created on ",
        "won": "lead 'won' was won on ",
        "lost": "lead 'lost' was lost on ",
    }
    assert answer["ignored"] == ["leads.mood"]


def test_zones_mean_the_same_moment(
    client: TestClient, tables: Tables, scores: pd.DataFrame
) -> None:
    """A time with a zone is the moment it names: Tokyo's morning is UTC's night."""
    body = inline(tables, scores["lead_id"].iloc[0])
    born = datetime.fromisoformat(body["leads"][0]["created_at"])
    plain = ask(client, "/score_leads", **body)
    body["leads"][0]["created_at"] = (born + timedelta(hours=9)).isoformat() + "+09:00"
    assert ask(client, "/score_leads", **body) == plain


def test_attributes_are_what_their_columns_hold(client: TestClient) -> None:
    """A word where the data hold numbers is refused, with the place and what would be right."""
    lead = {"lead_id": "x", "created_at": "2025-07-01", "employees": "many"}
    error = ask(client, "/score_leads", 400, leads=[lead])["error"]
    assert error == "'leads[0].employees' is \"many\"; in the data this column holds whole numbers"


def test_too_many_leads_are_refused(client: TestClient) -> None:
    """More leads than the settings allow are refused before any work."""
    leads = [{"lead_id": n, "created_at": "2025-07-01"} for n in range(501)]
    error = ask(client, "/score_leads", 400, leads=leads)["error"]
    assert error == (
        "the request has 501 leads, at most 500 are allowed; send them in several requests"
    )


def test_an_earlier_moment_is_answered_as_the_command_line_would(
    client: TestClient, home: Path
) -> None:
    """Scores as of another moment are those of `score --as-of`, and hindsight is admitted."""
    moment = datetime(2025, 5, 1)
    expected = Home(home, Settings()).open_leads().score(moment)
    answer = ask(client, "/next_calls", rep_id="r3", limit=3, as_of="2025-05-01T02:00:00+02:00")
    own = expected[expected["rep_id"] == "r3"].head(3)
    assert [call["p"] for call in answer["calls"]] == list(own["p"])
    assert "it knows what came after" in answer["note"]


def test_a_moment_beyond_the_data_is_admitted(client: TestClient) -> None:
    """An answer for a time after the extract's end says how far the data go."""
    answer = ask(client, "/next_calls", rep_id="r3", as_of="2025-08-01")
    assert "The data end at 2025-07-20T00:00:00Z" in answer["note"]


def test_health_tells_how_old_things_are(client: TestClient, scores: pd.DataFrame) -> None:
    """Health names model, data and their ages."""
    state = client.post("/health").json()
    assert state["status"] == "ready"
    assert state["leads"]["model_version"] == "1"
    assert state["leads"]["trained_until"] == state["data_until"] == "2025-07-20T00:00:00Z"
    assert state["data_age_days"] > 0
    assert state["leads"]["open_leads"] == len(scores)
    assert state["problem"] is None


def test_many_requests_at_once_share_one_computation(home: Path) -> None:
    """Of requests for the same moment only one computes, and all get the very same table."""
    cache = ScoreCache(home, Settings())
    cache.look()
    moment = datetime(2025, 6, 1)
    with ThreadPoolExecutor(8) as pool:
        tables = list(pool.map(lambda _: cache.leads(moment).table, range(8)))
    assert len({id(table) for table in tables}) == 1


def test_requests_at_once_are_all_answered(client: TestClient, scores: pd.DataFrame) -> None:
    """Readers and writers of one DuckDB connection never meet: every answer is right."""

    def status(number: int) -> int:
        if number % 3:
            lead = str(scores["lead_id"].iloc[number])
            return client.post("/explain_lead", json={"lead_id": lead}).status_code
        leads = [{"lead_id": number, "created_at": "2025-07-01"}]
        return client.post("/score_leads", json={"leads": leads}).status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(status, range(12))) == {200}


def test_scores_wait_for_their_first_look(home: Path) -> None:
    """Before anything was computed a question is told to come back, not held."""
    with pytest.raises(NotReady, match="still being computed; try again"):
        ScoreCache(home, Settings()).current(patience=0)
