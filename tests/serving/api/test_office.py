"""Laws of who asks, and of answers that are made once for as long as the data stay."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from service_people import SETTINGS

from features.errors import InputError, InTheMaking, NotFoundError, NotReady
from serving.access.people import Person, Role
from serving.access.rights import ManagerTree
from serving.api.failures import NotAllowed, TooEarly, failure
from serving.api.office import MOST_ANSWERS, Asker, Office
from serving.api.people_contracts import AnnotationSent, CoachSheetRequest
from serving.api.person_answers import annotate, coach_sheet
from serving.home.cache import ScoreCache
from serving.home.live import LiveData
from serving.pages.desk import Desk
from serving.store.posted import EventKind, PostedEvent

TREE = ManagerTree({"r1": "m1", "r2": "m1", "m1": "top", "r3": "m2"})
SEES: dict[tuple[Role, str | None], set[str | None]] = {
    (Role.REP, "r1"): {"r1"},
    (Role.MANAGER, "m1"): {"r1", "r2", "m1", None},
    (Role.MANAGER, "top"): {"r1", "r2", "m1", "top", None},
    (Role.ANALYST, None): set(),
    (Role.ADMIN, None): {"r1", "r2", "r3", "m1", "m2", "top", "unknown", None},
}
EVERYBODY = ("r1", "r2", "r3", "m1", "m2", "top", "unknown", None)


@pytest.mark.parametrize(("role", "rep_id"), SEES)
def test_who_sees_whom(role: Role, rep_id: str | None) -> None:
    """What belongs to nobody is for those who hand it out; the rest is as the table has it."""
    asker = Asker(Person("t1", "Ann", role, rep_id), TREE, {})
    seen = SEES[role, rep_id]
    assert {whom for whom in EVERYBODY if asker.sees(whom)} == seen
    assert asker.visible(name for name in EVERYBODY if name) == seen - {None}
    for whom in EVERYBODY:
        if whom in seen:
            asker.require(whom)
        else:
            with pytest.raises(NotAllowed, match="managers above and by an admin"):
                asker.require(whom)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InputError("a"), 400),
        (NotAllowed("b"), 403),
        (NotFoundError("c"), 404),
        (NotReady("d"), 503),
    ],
)
def test_each_error_has_its_status(error: InputError, status: int) -> None:
    """In words; whoever has to wait is told for how long."""
    answer = failure(error)
    assert answer.status_code == status
    assert str(error) in bytes(answer.body).decode()
    assert ("retry-after" in answer.headers) == (status == 503)


@pytest.fixture
def office(desk: Path) -> Office:
    """The office of the company, without a running service."""
    return Office.of(Desk(desk, SETTINGS, ScoreCache(desk, SETTINGS)))


def test_before_the_first_sheets_there_is_an_answer_but_no_failure(office: Office) -> None:
    """Who reads one is told to come back, who writes beside one that nothing was kept."""
    asker = Asker(Person("t1", "Ann", Role.ADMIN, None), TREE, {})
    note = AnnotationSent(rep_id="r1", what="note", text="Was ill.")
    with pytest.raises(InTheMaking) as waits:
        coach_sheet(office, CoachSheetRequest(rep_id="r1"))
    with pytest.raises(TooEarly, match="nothing was kept") as early:
        annotate(office, asker, note)
    assert office.coaching.lines("r1") == []
    for error, status in ((waits.value, 202), (early.value, 409)):
        answer = failure(error)
        assert (answer.status_code, "retry-after" in answer.headers) == (status, True)
    office.facts.problem = "the pages could not be made"
    with pytest.raises(NotReady, match="could not be made") as broken:
        office.sheet("r1")
    assert failure(broken.value).status_code == 503


def test_an_answer_is_made_once_until_the_data_change(office: Office) -> None:
    """A posted event makes it anew, and the data that are handed over hold it."""
    made: list[LiveData] = []

    def make(live: LiveData) -> int:
        made.append(live)
        return len(live.events)

    assert [office.data.once("a", make) for _ in range(3)] == [0, 0, 0]
    assert (office.data.once("b", make), len(made)) == (0, 2)
    office.home.posted.add([PostedEvent(EventKind.LEAD, "office", {"lead_id": "office"})], "x")
    assert [office.data.once("a", make) for _ in range(2)] == [1, 1]
    assert len(made) == 3


def test_of_many_answers_the_last_are_kept(office: Office) -> None:
    """Memory does not grow with the number of questions."""
    calls: list[int] = []
    for key in range(MOST_ANSWERS + 1):
        office.data.once(key, lambda _, key=key: calls.append(key))
    office.data.once(MOST_ANSWERS, lambda _: calls.append(-1))
    assert len(calls) == MOST_ANSWERS + 1
    office.data.once(0, lambda _: calls.append(-2))
    assert calls[-1] == -2


def test_one_question_at_a_time_looks_at_the_data(office: Office) -> None:
    """The connection is not for two threads."""
    at_once, most = 0, 0

    def ask() -> None:
        nonlocal at_once, most
        with office.data.open() as live:
            at_once += 1
            most = max(most, at_once)
            assert live.extract.arrow(live.extract["leads"].count().as_table()).num_rows == 1
            at_once -= 1

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
