"""Laws of the work list at work: who sees which, and that what people say is kept, once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from service_people import SETTINGS, Service, running

from features.clock import utc_now, zulu
from serving.home.home import Home
from serving.home.today import WorkDesk


def leads_of(answer: dict[str, Any], rep: str) -> list[str]:
    """The open part of a rep's list."""
    (own,) = (row for row in answer["lists"] if row["rep_id"] == rep)
    return [lead["lead_id"] for lead in own["leads"]]


def state_of(service: Service, lead_id: str) -> str:
    """What the list says became of a lead."""
    for own in service.ask("admin", "/worklist")["lists"]:
        for lead in (*own["leads"], *own["set_aside"]):
            if lead["lead_id"] == lead_id:
                return str(lead["state"])
    return "not listed"


def test_the_list_is_that_of_the_terminal(service: Service, desk: Path) -> None:
    """The same leads in the same order as `calls` makes and keeps, with the same chances."""
    answer = service.ask("admin", "/worklist")
    outlook = Home(desk, SETTINGS).open_leads()
    handout = WorkDesk(desk, SETTINGS).handout(outlook.warehouse, outlook.score())
    rows = handout.table(handout.keep(WorkDesk(desk, SETTINGS).lists, "calls"))
    for rep in ("r1", "r2", "r3"):
        own = rows[rows["rep_id"] == rep]
        assert leads_of(answer, rep) == own["lead_id"].tolist()
    assert answer["day"] == "2025-07-20"
    assert not answer["is_working_day"]
    assert max(len(own["leads"]) for own in answer["lists"]) == 4
    assert {lead["state"] for own in answer["lists"] for lead in own["leads"]} == {"open"}
    assert "do not contact" not in {
        lead["band"] for own in answer["lists"] for lead in own["leads"]
    }


def test_each_role_gets_its_own_lists(service: Service) -> None:
    """A rep one list, a manager the team's and the pool, an admin all, an analyst none."""

    def whose(who: str, **body: Any) -> set[str | None]:
        return {own["rep_id"] for own in service.ask(who, "/worklist", **body)["lists"]}

    assert whose("r1") == {"r1"}
    assert whose("m1") == {"r1", "r2", None}
    assert whose("m1", rep_id="r2") == {"r2"}
    assert whose("m2") == {"r3", None}
    assert whose("admin") == {"r1", "r2", "r3", None}
    service.ask("r1", "/worklist", 403, rep_id="r2")
    service.ask("m2", "/worklist", 403, rep_id="r1")
    service.ask("m2", "/worklist", 403, manager_id="m1")
    service.ask("analyst", "/worklist", 403)
    assert "no rep has the id" in service.ask("admin", "/worklist", 404, rep_id="zz")["error"]


def test_a_key_counts_once_and_an_undo_takes_it_back(service: Service) -> None:
    """Sent twice it is one row; the same key for something else is refused; undo is another row."""
    lead = leads_of(service.ask("r1", "/worklist"), "r1")[0]
    done = {"key": "k1", "lead_id": lead, "action": "done"}
    first = service.ask("r1", "/worklist/actions", actions=[done])["received"]
    again = service.ask("r1", "/worklist/actions", actions=[done, done])["received"]
    assert [row["is_repeated"] for row in (*first, *again)] == [False, True, True]
    assert {row["at"] for row in (*first, *again)} == {first[0]["at"]}
    other = {**done, "action": "skip"}
    error = service.ask("r1", "/worklist/actions", 400, actions=[other])["error"]
    assert "was used before, for something else" in error
    assert state_of(service, lead) == "done"
    undo = {"key": "k2", "lead_id": lead, "action": "undo", "undoes": "k1"}
    service.ask("r1", "/worklist/actions", actions=[undo])
    assert state_of(service, lead) == "open"
    unknown = {**undo, "key": "k3", "undoes": "never"}
    service.ask("r1", "/worklist/actions", 404, actions=[unknown])


def test_snoozed_and_wrong_leads_leave_the_list_until_their_time(service: Service) -> None:
    """They are set aside at once; one whose time is over is back."""
    first, second, third = leads_of(service.ask("r1", "/worklist"), "r1")[:3]
    later, before = (zulu(utc_now() + timedelta(days=days)) for days in (2, -1))
    actions = [
        {"key": "s1", "lead_id": first, "action": "snooze", "until": later},
        {"key": "s2", "lead_id": second, "action": "snooze", "until": before},
        {"key": "w1", "lead_id": third, "action": "wrong", "reason": "=HYPERLINK(1) <b>"},
    ]
    service.ask("r1", "/worklist/actions", actions=actions)
    (own,) = service.ask("r1", "/worklist")["lists"]
    assert {lead["lead_id"] for lead in own["set_aside"]} == {first, third}
    assert second in {lead["lead_id"] for lead in own["leads"]}
    marks = {lead["lead_id"]: lead["mark"] for lead in own["set_aside"]}
    assert marks[third]["reason"] == "=HYPERLINK(1) <b>"
    assert marks[first]["by"] == "r1"


@pytest.mark.parametrize(
    ("action", "needs"),
    [("snooze", "'until'"), ("wrong", "'reason'"), ("undo", "'undoes'")],
)
def test_an_action_without_what_it_needs_is_refused(
    service: Service, action: str, needs: str
) -> None:
    """The message says what is missing."""
    body = [{"key": "n", "lead_id": "L1", "action": action}]
    assert needs in service.ask("r1", "/worklist/actions", 400, actions=body)["error"]


def test_nobody_acts_on_leads_of_others(service: Service) -> None:
    """Another rep's lead, one of nobody, and one that is not there: refused, and nothing kept."""
    lists = service.ask("admin", "/worklist")["lists"]
    others = [own["leads"][0]["lead_id"] for own in lists if own["rep_id"] in {"r2", None}]
    mine = leads_of(service.ask("r1", "/worklist"), "r1")[-1]
    for number, lead in enumerate((*others, "no such lead")):
        body = [
            {"key": f"a{number}", "lead_id": mine, "action": "skip"},
            {"key": f"b{number}", "lead_id": lead, "action": "skip"},
        ]
        service.ask("r1", "/worklist/actions", 403, actions=body)
    assert state_of(service, mine) == "open"
    service.ask("m1", "/worklist/actions", actions=[body[0]])
    assert state_of(service, mine) == "skip"


def test_feedback_tells_no_names(service: Service) -> None:
    """What was said stands beside what the list had said; reps are not in it, nor is who spoke."""
    answer = service.ask("analyst", "/feedback")
    rows = {row["lead_id"]: row for row in answer["rows"] if row["action"] == "wrong"}
    assert [row["reason"] for row in rows.values()] == ["=HYPERLINK(1) <b>"]
    assert all(row["listed_on"] == "2025-07-20" and row["position"] for row in answer["rows"])
    assert {row["is_undone"] for row in answer["rows"] if row["action"] == "done"} == {True}
    assert not {"by", "rep_id"} & set().union(*answer["rows"])
    rest = service.ask("analyst", "/feedback", after=answer["rows"][0]["number"])
    assert rest["rows"] == answer["rows"][1:]
    for who in ("r1", "m1"):
        service.ask(who, "/feedback", 403)


def test_the_leads_of_an_absent_rep_are_in_the_managers_pool(service: Service, desk: Path) -> None:
    """Not on the day's kept list, but on the next one; a manager says so, and takes it back."""
    away = {"key": "h1", "rep_id": "r2", "first_day": "2025-07-19", "last_day": "2025-07-22"}
    service.ask("r3", "/absences", 403, **away)
    kept = service.ask("m1", "/absences", **away)
    assert [row["key"] for row in kept["absences"]] == ["h1"]
    outlook = Home(desk, SETTINGS).open_leads()
    scores = outlook.score()
    own = set(scores.loc[scores["rep_id"] == "r2", "lead_id"])

    def pools() -> set[str | None]:
        work = WorkDesk(desk, SETTINGS)
        today = work.today(outlook.moment())
        handout = work.handout(outlook.warehouse, scores)
        assert handout.marks.away == {row.rep_id for row in work.actions.absences()}
        assert handout.day == today.day
        state = work.lists.state(handout.day)
        return {row.pool_of for row in handout.make(state).listings if row.lead_id in own}

    assert pools() == {"m1"}
    undo = {**away, "key": "h2", "undoes": "h1"}
    for _ in range(2):
        assert service.ask("m1", "/absences", **undo)["absences"] == []
    assert pools() == {None}
    bad = {**away, "key": "h3", "last_day": "2025-07-01"}
    assert "ends on the day it begins" in service.ask("m1", "/absences", 400, **bad)["error"]


def test_what_people_said_survives_a_restart(service: Service, desk: Path) -> None:
    """Another service of the same home shows the same states."""
    before = service.ask("admin", "/worklist")["lists"]
    with running(desk, SETTINGS) as another:
        assert another.ask("admin", "/worklist")["lists"] == before
