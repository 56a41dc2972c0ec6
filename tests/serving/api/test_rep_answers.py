"""Laws of what the service says of reps: the same as the command line, nothing made up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from features.errors import NotReady
from features.ingest.load import ingest
from features.params import FeatureParams
from serving.access import tokens
from serving.api.service import build_service
from serving.home.cache import ScoreCache
from serving.home.home import Home
from serving.home.rep_outlook import QuotaOutlook
from serving.home.scored import RepScores, Unavailable
from serving.settings import Settings
from serving.store.database import Store
from training.tracking.records import RunRecord
from training.tracking.registry import Tracking

UNTIL = "2025-07-20T00:00:00Z"


def connect(home: Path) -> Iterator[TestClient]:
    """Run a real service of a home in this process, once it has looked."""
    _, secret = tokens.create(Store(home), "tests")
    headers = {"Authorization": f"Bearer {secret}"}
    with TestClient(build_service(home, Settings()).to_asgi(), headers=headers) as client:
        for _ in range(60):
            if "being computed" not in client.post("/health").text:
                break
        yield client


@pytest.fixture(scope="module")
def client(sales: Path) -> Iterator[TestClient]:
    """The service of a home with both kinds of forecasts."""
    yield from connect(sales)


@pytest.fixture(scope="module")
def outlook(sales: Path) -> QuotaOutlook:
    """What the command line asks."""
    return Home(sales, Settings()).open_quota()


@pytest.fixture(scope="module")
def forecasts(outlook: QuotaOutlook) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the command line would write, and the roll-ups."""
    return outlook.tables()


def ask(client: TestClient, path: str, status: int = 200, **body: Any) -> dict[str, Any]:
    """Ask with a JSON body and return the answer."""
    response = client.post(path, json=body)
    assert response.status_code == status, response.text
    answer: dict[str, Any] = response.json()
    return answer


def ids(answer: dict[str, Any]) -> list[str]:
    """Name the reps of an answer, in its order."""
    return [rep["rep_id"] for rep in answer["reps"]]


def test_the_whole_company_is_the_table_of_the_command_line(
    client: TestClient, forecasts: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    """Without a manager every rep with a running quota is listed, to the bit as `score` has it."""
    answer, (table, _) = ask(client, "/at_risk_reps"), forecasts
    assert ask(client, "/at_risk_reps", manager_id=None) == answer
    assert ids(answer) == list(table["rep_id"])
    assert set(ids(answer)) == {"r1", "r2", "r3", "r4", "r5"}
    assert answer["as_of"] == UNTIL
    assert "not for decisions on employment" in answer["note"]
    assert answer["team"] == []
    for rep, row in zip(answer["reps"], table.to_dict("records"), strict=True):
        for name in ("quota", "attained", "p_attain", "attainment_p10", "attainment_p90"):
            assert rep[name] == row[name], name
        assert rep["at_risk"] == (rep["p_attain"] < 0.5)
        assert rep["attainment_p10"] <= rep["attainment_p50"] <= rep["attainment_p90"]
        assert rep["reasons"] == json.loads(row["reasons"])
    order = [(rep["has_left"], rep["p_attain"]) for rep in answer["reps"]]
    assert order == sorted(order), "the least likely first, who has left last"
    assert (answer["total"], answer["offset"]) == (5, 0)


def test_reasons_add_up(client: TestClient) -> None:
    """Base, points and rest make the chance within 0.01 of a percentage point."""
    for rep in ask(client, "/at_risk_reps")["reps"]:
        reasons = rep["reasons"]
        points = sum(item["points"] for item in reasons["items"])
        total = reasons["base"] + points + reasons["rest"]
        assert total == pytest.approx(100 * rep["p_attain"], abs=0.01)
        assert {item["who"] for item in reasons["items"]} <= {"rep", "company", "market"}


def test_a_team_is_what_its_reps_may_bring_together(
    client: TestClient, forecasts: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    """A manager gets the own reps, one roll-up for each calendar, and the company's beside it."""
    answer = ask(client, "/at_risk_reps", manager_id="m2")
    assert set(ids(answer)) == {"r3", "r4"}
    assert [(team["group"], team["reps"]) for team in answer["team"]] == [("m2", 1), ("m2", 1)]
    assert {team["period_start"][:10] for team in answer["team"]} == {"2025-07-01"}
    assert {team["period_end"][:10] for team in answer["team"]} == {"2025-08-01", "2025-10-01"}
    assert [team["level"] for team in answer["company"]] == ["company", "company"]
    monthly = next(t for t in answer["company"] if t["period_end"].startswith("2025-08"))
    assert monthly["reps"] == 4
    assert monthly["quota"] == 22000.0
    every = ask(client, "/at_risk_reps")["reps"]
    own = [rep for rep in every if rep["period_end"].startswith("2025-08")]
    assert monthly["closed"] == pytest.approx(sum(rep["attained"] for rep in own))
    parts = sum(rep["attained"] + rep["expected_open"] + rep["expected_new"] for rep in own)
    assert monthly["mean"] == pytest.approx(parts)
    here = [rep for rep in own if not rep["has_left"]]
    assert monthly["at_risk"] == sum(rep["at_risk"] for rep in here)
    assert monthly["left"] == len(own) - len(here) == 1
    assert monthly["p10"] <= monthly["p50"] <= monthly["p90"]
    lows = sum(rep["quota"] * rep["attainment_p10"] for rep in own if rep["quota"])
    assert monthly["p10"] > lows, "quantiles are not added: not all have bad luck at once"
    rows = forecasts[1]
    row = rows[(rows["level"] == "company") & (rows["quota"] == 22000.0)].iloc[0]
    assert [monthly[name] for name in ("p10", "p50", "p90")] == list(row[["p10", "p50", "p90"]])


def test_what_is_odd_is_said(client: TestClient) -> None:
    """A rep who has left comes last, and a rep without a quota has none to make."""
    every = {rep["rep_id"]: rep for rep in ask(client, "/at_risk_reps")["reps"]}
    assert [name for name, rep in every.items() if rep["has_left"]] == ["r4"]
    assert list(every)[-1] == "r4"
    assert every["r4"]["says"].startswith("Has left the company; no further sales are expected. ")
    assert every["r4"]["chance_withheld"] == every["r4"]["range_withheld"]
    assert every["r5"]["manager_id"] is None
    assert every["r5"]["says"].startswith("No quota to make. ")
    assert every["r5"]["range_withheld"] == "there is no quota to measure against"
    assert every["r1"]["says"].startswith("Has already made the quota of 9,000. ")
    assert any("% chance to make the quota of " in rep["says"] for rep in every.values())


def test_the_list_is_cut_into_pages(client: TestClient) -> None:
    """Pages follow each other without gap or repetition; totals are of all reps on each of them."""
    whole = ask(client, "/at_risk_reps")
    pages = [ask(client, "/at_risk_reps", limit=2, offset=start) for start in (0, 2, 4, 6)]
    assert [len(page["reps"]) for page in pages] == [2, 2, 1, 0]
    assert [rep for page in pages for rep in page["reps"]] == whole["reps"]
    for page, start in zip(pages, (0, 2, 4, 6), strict=True):
        assert (page["total"], page["offset"]) == (5, start)
        assert page["company"] == whole["company"]
    own = ask(client, "/at_risk_reps", manager_id="m2", limit=1)
    assert (ids(own), own["total"]) == (["r3"], 2)


def test_ranges_are_withheld_in_words_and_given_as_numbers(client: TestClient) -> None:
    """A range that says nothing is a number still, and its sentence tells why it does not show."""
    for rep in ask(client, "/at_risk_reps")["reps"]:
        wide = rep["range_high"] - rep["range_low"] > 1.5
        known = rep["evidence"] == "enough" and not rep["has_left"]
        assert (rep["range_withheld"] is None) == (known and not wide and rep["quota"] > 0)
        shown = " cases attainment ends " in rep["says"]
        assert shown == (rep["range_withheld"] is None)


def test_one_rep_is_the_rep_of_the_list(client: TestClient, outlook: QuotaOutlook) -> None:
    """`rep_outlook` says what `at_risk_reps` says of a rep, and what `explain rep` says."""
    listed = ask(client, "/at_risk_reps", manager_id="m1")["reps"]
    answer = ask(client, "/rep_outlook", rep_id="r2")
    assert answer["periods"] == [rep for rep in listed if rep["rep_id"] == "r2"]
    assert answer["model_version"] == "1"
    (explained,) = outlook.one_rep("r2")
    for name in ("p_attain", "says", "range_withheld", "chance_withheld", "manager_id"):
        assert explained[name] == answer["periods"][0][name], name


def test_who_is_not_known_is_not_found(client: TestClient) -> None:
    """An unknown manager or rep is answered by 404, and by those who are known."""
    error = ask(client, "/at_risk_reps", 404, manager_id="nobody")["error"]
    assert error == "no manager has the id 'nobody'; known managers are, for example: m1, m2, m9"
    error = ask(client, "/rep_outlook", 404, rep_id="nobody")["error"]
    assert error == (
        "no rep has the id 'nobody'; reps with a running quota are, for example: r1, r2, r3, r4, r5"
    )
    error = ask(client, "/rep_outlook", 404, rep_id="r9")["error"]
    assert f"rep 'r9' has no quota whose period runs as of {UNTIL}: the rep never has one" in error


def test_a_manager_whose_reps_have_no_quota_has_an_empty_list(client: TestClient) -> None:
    """A manager the extract knows is answered, and told why nobody is listed."""
    answer = ask(client, "/at_risk_reps", manager_id="m9")
    assert (answer["reps"], answer["team"]) == ([], [])
    assert len(answer["company"]) == 2
    assert answer["note"].startswith("No rep of manager m9 has a quota whose period runs")


def test_another_moment_is_answered_as_the_command_line_would(
    client: TestClient, outlook: QuotaOutlook
) -> None:
    """Forecasts as of a past moment are those of `score --as-of`; hindsight is admitted."""
    expected = outlook.score(datetime(2025, 5, 12))
    answer = ask(client, "/at_risk_reps", as_of="2025-05-12T02:00:00+02:00")
    assert ids(answer) == list(expected["rep_id"])
    assert [rep["p_attain"] for rep in answer["reps"]] == list(expected["p_attain"])
    assert "it knows what came after" in answer["note"]
    assert not any(rep["has_left"] for rep in answer["reps"]), "r4 leaves later"


def test_before_all_quotas_nobody_is_at_risk(client: TestClient) -> None:
    """As of a moment in no period the lists are empty, and the note says so."""
    answer = ask(client, "/at_risk_reps", as_of="2024-05-12")
    assert (answer["reps"], answer["team"], answer["company"]) == ([], [], [])
    assert "No rep has a quota whose period runs as of 2024-05-12T00:00:00Z" in answer["note"]


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/at_risk_reps", {"manager": "m1"}, "unknown key 'manager'"),
        ("/at_risk_reps", {"manager_id": 1.5}, "is 1.5, but should be a string"),
        ("/at_risk_reps", {"limit": 0}, "should be greater than or equal to 1"),
        ("/at_risk_reps", {"limit": 1001}, "should be less than or equal to 1000"),
        ("/at_risk_reps", {"offset": -1}, "should be greater than or equal to 0"),
        ("/rep_outlook", {}, "'rep_id' is missing, but required"),
        ("/rep_outlook", {"rep_id": None}, "should not be empty"),
        ("/rep_outlook", {"rep_id": "r1", "as_of": 17}, "should be a time like"),
    ],
)
def test_wrong_questions_are_refused_in_words(
    client: TestClient, path: str, body: dict[str, Any], says: str
) -> None:
    """A body that does not fit is answered by 400, with what would be right."""
    response = client.post(path, json=body)
    assert response.status_code == 400
    assert says in response.json()["error"]


def test_both_kinds_are_served_and_health_names_both(client: TestClient) -> None:
    """One service answers about leads and about reps; health names both models."""
    assert client.get("/readyz").json()["kinds"] == ["leads", "quota"]
    assert ask(client, "/next_calls", rep_id="r1", limit=1)["calls"]
    state = ask(client, "/health")
    assert (state["leads"]["model_version"], state["quota"]["model_version"]) == ("1", "1")
    assert state["quota"]["reps"] == 5
    assert state["quota"]["evidence"] == "enough"
    assert "ended quota periods" in state["quota"]["evidence_says"]
    assert state["lacking"] == []


def test_quota_alone_is_served(tmp_path: Path, sales: Path) -> None:
    """Without a lead model, reps are answered; questions about leads are answered by 503."""
    ingest(str(sales / "source"), tmp_path, FeatureParams())
    Tracking(tmp_path).log(RunRecord("quota", Tracking(sales).champion("quota").bundle, {}, "data"))
    for client in connect(tmp_path):
        assert client.get("/readyz").json()["kinds"] == ["quota"]
        assert len(ids(ask(client, "/at_risk_reps"))) == 5
        for path, body in (("/next_calls", {"rep_id": "r1"}), ("/explain_lead", {"lead_id": "L1"})):
            error = ask(client, path, 503, **body)["error"]
            assert "no leads model is champion" in error
            assert "run `pacesetter train leads`" in error
        state = ask(client, "/health")
        assert state["leads"] is None
        assert state["quota"]["reps"] == 5
        assert "run `pacesetter train leads`" in state["lacking"][0]


def test_leads_alone_are_served(tmp_path: Path, sales: Path) -> None:
    """Without a quota model, leads are answered; a first one is picked up, so is the next."""
    ingest(str(sales / "source"), tmp_path, FeatureParams())
    tracking, known = Tracking(tmp_path), Tracking(sales)
    tracking.log(RunRecord("leads", known.champion("leads").bundle, {}, "data"))
    cache = ScoreCache(tmp_path, Settings())
    cache.look()
    assert cache.current().kinds == ["leads"]
    with pytest.raises(NotReady, match="no quota model is champion") as caught:
        cache.reps()
    assert "run `pacesetter train quota`" in str(caught.value)

    bundle = known.champion("quota").bundle
    tracking.log(RunRecord("quota", bundle, {}, "data"))
    cache.look()
    assert cache.current().kinds == ["leads", "quota"]
    tracking.log(RunRecord("quota", bundle, {}, "data"))
    tracking.promote("quota", "2", "a test")
    cache.look()
    assert cache.reps().outlook.version == "2"


def test_a_fault_of_one_kind_does_not_silence_the_other(
    sales: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where forecasts of reps fail unexpectedly, leads are served, and health names the problem."""

    def fails(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(RepScores, "of", fails)
    cache = ScoreCache(sales, Settings())
    cache.look()
    cache.look()
    current = cache.current()
    assert current.kinds == ["leads"]
    assert isinstance(current.reps, Unavailable)
    assert isinstance(current.reps.fault, ZeroDivisionError)
    assert cache.problem == current.reps.why
    assert cache.problem == (
        "quota forecasts could not be made (ZeroDivisionError); see the log of the service"
    )
    assert len([r for r in caplog.records if r.levelname == "ERROR"]) == 1
