"""Laws of what is said of one rep, of key figures and of models: the same as everywhere else."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from service_people import SETTINGS, Service

from features.kpi.query import KpiQuery, measure
from serving.coaching.answer import to_json
from serving.coaching.gather import gather
from serving.coaching.pairs import propose_pairs
from serving.coaching.playbook import playbook
from serving.coaching.sheet import make_sheet
from serving.home.home import Home

UNTIL = "2025-07-20T00:00:00Z"


def sheet_of(service: Service, who: str, rep: str) -> dict[str, Any]:
    """A sheet, once the sheets are worked out."""
    deadline = time.monotonic() + 120
    while True:
        headers = {"Authorization": f"Bearer {service.secrets[who]}"}
        answer = service.client.post("/coach_sheet", json={"rep_id": rep}, headers=headers)
        if answer.status_code != 202:
            assert answer.status_code == 200, answer.text
            return dict(answer.json())
        assert "ask again" in answer.json()["waiting"]
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_the_sheet_is_that_of_the_terminal_and_the_rep_reads_it(
    service: Service, desk: Path
) -> None:
    """`coach REP --json` has the same causes, numbers and sentences; a rep gets no less."""
    company = gather(Home(desk, SETTINGS), None)
    expected = to_json(make_sheet(company, "r1", playbook(), propose_pairs(company)))
    answer = sheet_of(service, "m1", "r1")
    assert answer["sheet"]["says"] == expected["says"]
    assert len(answer["sheet"]["causes"]) == len(expected["causes"])
    assert answer["as_of"] == UNTIL
    assert "not for" in answer["purpose"]
    assert sheet_of(service, "r1", "r1") == answer
    for who in ("r3", "m2", "analyst"):
        service.ask(who, "/coach_sheet", 403, rep_id="r1")


def test_a_contested_figure_is_marked_until_it_is_answered(service: Service) -> None:
    """For both readers; a figure that the sheet does not have cannot be contested."""
    figures = [number["figure"] for number in sheet_of(service, "r1", "r1")["sheet"]["numbers"]]
    contest = {"rep_id": "r1", "what": "contest", "figure": figures[0], "text": "Not mine."}
    kept = service.ask("r1", "/annotations", **contest)
    assert kept["contested"] == [figures[0]]
    assert sheet_of(service, "m1", "r1")["sheet"]["contested"] == [figures[0]]
    assert "is contested already" in service.ask("r1", "/annotations", 400, **contest)["error"]
    nothing = {**contest, "figure": "no such figure"}
    assert "has no figure" in service.ask("r1", "/annotations", 400, **nothing)["error"]
    answer = {
        "rep_id": "r1", "what": "answer", "item": kept["kept"][0]["item"], "text": "Corrected.",
    }  # fmt: skip
    service.ask("r3", "/annotations", 403, **answer)
    assert service.ask("m1", "/annotations", **answer)["contested"] == []


def test_what_if_without_a_change_is_the_forecast(service: Service) -> None:
    """At 1, 1, 1 it is the outlook to the bit; more of everything makes quota no less likely."""
    outlook = service.ask("m1", "/rep_outlook", rep_id="r1")["periods"]
    same = service.ask("m1", "/what_if", rep_id="r1")
    names = ("p_attain", "attainment_p10", "attainment_p50", "attainment_p90")
    for row, period in zip(outlook, same["periods"], strict=True):
        assert period["now"] == period["then"]
        assert [period["now"][name] for name in names] == [row[name] for name in names]
    assert "association" in same["says"]
    more = service.ask("r1", "/what_if", rep_id="r1", volume=3, win_rate=2, deal_size=2)
    for period in more["periods"]:
        assert period["then"]["p_attain"] >= period["now"]["p_attain"]
        assert period["then"]["expected_new"] > 2 * period["now"]["expected_new"]
    service.ask("r1", "/what_if", 400, rep_id="r1", volume=0)
    service.ask("m2", "/what_if", 403, rep_id="r1")
    service.ask("admin", "/what_if", 404, rep_id="r9")


def test_reasons_of_a_rep_add_up(service: Service) -> None:
    """Base, points and rest are the chance in percent, beside the contrast with peers."""
    (period, *_) = service.ask("r1", "/explain_rep", rep_id="r1")["periods"]
    reasons = period["reasons"]
    points = sum(item["points"] for item in reasons["items"])
    total = reasons["base"] + points + reasons["rest"]
    assert total == pytest.approx(100 * period["p_attain"], abs=0.01)
    assert "contrast" in period


def test_what_a_rep_commits_to_is_kept_beside_the_forecast(service: Service) -> None:
    """Nothing is overwritten, a key counts once, and a period without a quota is refused."""
    before = service.ask("m1", "/rep_outlook", rep_id="r1")
    first = {"key": "c1", "rep_id": "r1", "commit": 8000.0, "best_case": 9900.0}
    service.ask("r1", "/forecasts", **first)
    again = service.ask("m1", "/forecasts", **first)
    assert again["received"]["is_repeated"]
    second = service.ask("m1", "/forecasts", key="c2", rep_id="r1", commit=7000.0)
    (period,) = second["periods"]
    assert [said["commit"] for said in period["said"]] == [8000.0, 7000.0]
    assert [said["by"] for said in period["said"]] == ["r1", "m1"]
    assert (period["period_start"], period["attained"]) == ("2025-07-01T00:00:00Z", None)
    assert service.ask("m1", "/rep_outlook", rep_id="r1") == before
    service.ask("r1", "/forecasts", 400, **{**first, "commit": 1.0})
    wrong = {**first, "key": "c3", "period_start": "2025-07-02"}
    error = service.ask("r1", "/forecasts", 404, **wrong)["error"]
    assert "no quota period that begins at 2025-07-02" in error
    service.ask("r3", "/forecasts", 403, **first)
    past = {"key": "c4", "rep_id": "r1", "period_start": "2025-06-01", "commit": 20_000.0}
    history = service.ask("r1", "/forecasts", **past)
    old = next(row for row in history["periods"] if row["period_start"].startswith("2025-06"))
    assert old["error"] == pytest.approx((20_000.0 - old["attained"]) / old["quota"])
    assert history["bias"]["verdict"] == "too few periods"


def test_key_figures_are_those_of_the_catalogue(service: Service, desk: Path) -> None:
    """A rep's figures are what `measure` says; a manager gets the team's, an analyst no reps."""
    names = ["deals_won", "win_rate"]
    warehouse = Home(desk, SETTINGS).warehouse()
    query = KpiQuery(names=names, by=("rep_id",), end=datetime(2025, 7, 20))
    frame = measure(warehouse, SETTINGS.features, SETTINGS.training.kpi, query)
    own = frame[frame["rep_id"] == "r1"]
    rows = service.ask("r1", "/kpis", names=names)["rows"]
    assert [row["numerator"] for row in rows] == own["numerator"].tolist()
    assert {row["rep_id"] for row in rows} == {"r1"}
    team = service.ask("m1", "/kpis", names=names)
    assert {row["rep_id"] for row in team["rows"]} == {"r1", "r2"}
    assert set(team["definitions"]) == set(names)
    company = service.ask("analyst", "/kpis", names=names, by="source")
    assert {row["rep_id"] for row in company["rows"]} == {None}
    service.ask("r1", "/kpis", 403, rep_id="r2")
    service.ask("analyst", "/kpis", 403, rep_id="r1")
    assert "no figure" in service.ask("admin", "/kpis", 400, names=["luck"])["error"]


def test_models_tell_what_they_are(service: Service) -> None:
    """For analysts: both champions, what they learned from, and who made them champions."""
    answer = service.ask("analyst", "/model_info")
    champions = {row["kind"]: row for row in answer["champions"]}
    assert set(champions) == {"leads", "quota"}
    assert all(row["is_in_use"] for row in champions.values())
    assert champions["leads"]["data"]["horizon"]
    assert answer["data_until"] == UNTIL
    assert answer["promotions"]
    service.ask("m1", "/model_info", 403)
