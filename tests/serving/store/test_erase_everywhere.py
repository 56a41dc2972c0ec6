"""Laws of erasing from what people do: no row names the person, whichever log it is in."""

from __future__ import annotations

import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect
from sqlalchemy.exc import DatabaseError

from serving.access import tokens
from serving.access.people import Role
from serving.access.tokens import Grant
from serving.store.actions import Absence, Act, Action, ActionLog
from serving.store.commits import CommitLog, RepCommit
from serving.store.database import Store
from serving.store.digests import DigestLog
from serving.store.erase import Erasure, erase_from_store
from serving.store.overrides import OverrideLog
from serving.store.posted import EventKind, PostedEvent, PostedLog
from serving.store.worklist import Arm, DayList, Enrolment, Listing, Place, Why, WorklistLog

AT = datetime(2026, 5, 20, 6)
DAY = date(2026, 5, 20)
LEAD, REP = "lead-7", "rep-3"
LEAD_ALIAS, REP_ALIAS = "forgotten-aa11", "forgotten-bb22"
OF_LEAD = Erasure("lead", {LEAD: LEAD_ALIAS})
OF_REP = Erasure("rep", {REP: REP_ALIAS}, {"Ada Abel": REP_ALIAS})
LOGS = (
    "work_actions", "absences", "posted_events", "rep_commits", "enrolments", "listings",
    "digests", "setting_overrides",
)  # fmt: skip


def lists() -> DayList:
    """The person's lead and another one, in a list and in a lot each."""
    ends = AT + timedelta(days=30)
    return DayList(
        [
            Listing(DAY, AT, REP, LEAD, 1, Why.ORDER, 9.0, "3"),
            Listing(DAY, AT, "rep-30", "lead-77", 1, Why.ORDER, 8.0, "3", pool_of=REP),
        ],
        [
            Enrolment(
                lead, 0, rep, AT, ends, Place.ON_THE_LIST, Arm.LISTED, 0.9, 0.1, 5.0, 9.0, "3"
            )
            for lead, rep in ((LEAD, REP), ("lead-77", "rep-30"))
        ],
    )


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store in which every log of the daily work names the lead, the rep, and others."""
    store = Store(tmp_path_factory.mktemp("filled"))
    WorklistLog(store).once(DAY, "Ada Abel", lambda _: lists())
    actions = ActionLog(store)
    actions.add(
        [
            Action("k1", LEAD, Act.WRONG, REP, None, f"{LEAD} is a test, says Ada Abel"),
            Action("k2", "lead-77", Act.DONE, "rep-30", None, "fine"),
        ],
        "Ada Abel",
    )
    actions.add_absences([Absence("a1", REP, DAY, DAY), Absence("a2", "rep-30", DAY, DAY)], "Ben")
    PostedLog(store).add(
        [
            PostedEvent(EventKind.LEAD, LEAD, {"lead_id": LEAD, "rep_id": REP}),
            PostedEvent(EventKind.ACTIVITY, "call-1", {"lead_id": LEAD, "rep_id": REP, "n": 7}),
            PostedEvent(EventKind.ACTIVITY, "call-2", {"lead_id": "lead-77", "rep_id": "rep-30"}),
        ],
        "crm",
    )
    CommitLog(store).add([RepCommit("c1", REP, AT, 5.0), RepCommit("c2", "rep-30", AT, 6.0)], "Ben")
    DigestLog(store).add(REP, {"top": [LEAD, "lead-77"], "chances": {REP: 0.5, "rep-30": 0.6}})
    OverrideLog(store).add("pages.talk_below", 0.4, "Ada Abel")
    return store


@pytest.fixture
def store(filled: Store, tmp_path: Path) -> Store:
    """A copy of that store."""
    shutil.copytree(filled.home / "data", tmp_path / "data")
    return Store(tmp_path)


def everything(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table."""
    with store.reading() as connection:
        return {
            name: [
                dict(row)
                for row in connection.exec_driver_sql(f'SELECT * FROM "{name}"').mappings()
            ]
            for name in inspect(connection).get_table_names()
        }


@pytest.mark.parametrize(
    ("erasure", "person", "other"), [(OF_LEAD, LEAD, "lead-77"), (OF_REP, REP, "rep-30")]
)
def test_no_log_names_the_person_any_more(
    store: Store, erasure: Erasure, person: str, other: str
) -> None:
    """Neither a column, nor a reason, nor a key, nor JSON; whoever's id begins alike stays."""
    before, _ = str(everything(store)), erase_from_store(store, erasure, AT)
    after = str(everything(store))
    assert person in before.replace(other, "")
    assert person not in after.replace(other, "")
    assert after.count(other) == before.count(other)
    if erasure is OF_REP:
        assert "Ada Abel" not in after


@pytest.mark.parametrize("erasure", [OF_LEAD, OF_REP])
def test_logs_keep_the_number_of_their_rows(store: Store, erasure: Erasure) -> None:
    """What a list is worth is counted from these rows, so none goes, and each keeps its number."""
    before = everything(store)
    erase_from_store(store, erasure, AT)
    after = everything(store)
    for name in LOGS:
        assert [row["id"] for row in after[name]] == [row["id"] for row in before[name]]
        assert [row["at"] for row in after[name]] == [row["at"] for row in before[name]]


def test_guards_are_up_again(store: Store) -> None:
    """After the erasure no row of a log can be changed, as before it."""
    erase_from_store(store, OF_LEAD, AT)
    erase_from_store(store, OF_REP, AT)
    with store.reading() as connection:
        for name in LOGS:
            for change in (f"DELETE FROM {name}", f"UPDATE {name} SET at = at"):
                with pytest.raises(DatabaseError, match="append-only"):
                    connection.exec_driver_sql(change)


def test_a_forgotten_leads_rows_hang_together(store: Store) -> None:
    """Under the pseudonym its lot, its listing and what was said of it are still one lead's."""
    erase_from_store(store, OF_LEAD, AT)
    log = WorklistLog(store)
    assert [lot.lead_id for lot in log.enrolments()] == [LEAD_ALIAS, "lead-77"]
    assert set(log.of_leads([LEAD_ALIAS])) == {LEAD_ALIAS}
    first, second = ActionLog(store).all()
    assert (first.lead_id, first.reason) == (
        LEAD_ALIAS, f"{LEAD_ALIAS} is a test, says Ada Abel",
    )  # fmt: skip
    assert (second.lead_id, second.reason, second.rep_id) == ("lead-77", "fine", "rep-30")
    posted = {event.id: event.row for event in PostedLog(store).all()}
    assert posted["call-1"] == {"lead_id": LEAD_ALIAS, "rep_id": REP, "n": 7}


def test_a_forgotten_reps_numbers_hang_together(store: Store) -> None:
    """Commits, absences and digests are the pseudonym's; other reps' are as they were."""
    erase_from_store(store, OF_REP, AT)
    assert [row.rep_id for row in CommitLog(store).all()] == [REP_ALIAS, "rep-30"]
    assert [row.rep_id for row in ActionLog(store).absences()] == [REP_ALIAS, "rep-30"]
    digests = DigestLog(store).newest()
    assert dict(digests[REP_ALIAS].items) == {
        "top": [LEAD, "lead-77"], "chances": {REP_ALIAS: 0.5, "rep-30": 0.6},
    }  # fmt: skip
    assert [row.by for row in OverrideLog(store).all()] == [REP_ALIAS]
    assert [row.pool_of for row in WorklistLog(store).of_day(DAY)] == [None, REP_ALIAS]


def test_the_file_holds_no_trace(store: Store) -> None:
    """Not even pages that are free hold what was erased, nor does the log of changes."""
    assert b"Ada Abel" in b"".join(file.read_bytes() for file in store.path.parent.iterdir())
    erase_from_store(store, OF_REP, AT)
    left = b"".join(file.read_bytes() for file in store.path.parent.iterdir())
    assert b"Ada Abel" not in left
    assert REP_ALIAS.encode() in left


def test_whoever_is_not_there_changes_nothing(store: Store) -> None:
    """An id that nobody has leaves every row as it is."""
    before = everything(store)
    assert erase_from_store(store, Erasure("lead", {"lead-0": LEAD_ALIAS}), AT) == {}
    assert everything(store) == before


@pytest.mark.parametrize("word", ["lead", "activity", "wrong", "order", "listed", "on the list"])
def test_a_person_called_like_a_word_of_ours_breaks_no_log(store: Store, word: str) -> None:
    """Columns that hold one of a few words keep them, so every log can still be read."""
    kept = [lot.arm for lot in WorklistLog(store).enrolments()]
    erase_from_store(store, Erasure("rep", {word: REP_ALIAS}, {word: REP_ALIAS}), AT)
    assert [event.kind for event in PostedLog(store).all()] == [
        EventKind.LEAD, EventKind.ACTIVITY, EventKind.ACTIVITY,
    ]  # fmt: skip
    assert [row.action for row in ActionLog(store).all()] == [Act.WRONG, Act.DONE]
    assert [row.why for row in WorklistLog(store).of_day(DAY)] == [Why.ORDER] * 2
    assert [lot.arm for lot in WorklistLog(store).enrolments()] == kept


@pytest.mark.parametrize("word", [*map(str, Role)])
def test_a_token_called_like_a_role_keeps_its_role(store: Store, word: str) -> None:
    """Its name goes and its access too; roles of other tokens stand."""
    tokens.create(store, word, Grant(Role.REP, REP))
    tokens.create(
        store, "boss", Grant(Role(word), "rep-30" if word in ("rep", "manager") else None)
    )
    erase_from_store(store, Erasure("rep", {REP: REP_ALIAS}, {word: REP_ALIAS}), AT)
    own, boss = tokens.list_tokens(store)
    assert (own.name, own.role, own.revoked_at) == (REP_ALIAS, Role.REP, AT)
    assert (boss.name, boss.role, boss.revoked_at) == ("boss", Role(word), None)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("lead-7", LEAD_ALIAS),
        ("call lead-7, then lead-77", f"call {LEAD_ALIAS}, then lead-77"),
        ("my-lead-7", "my-lead-7"),
        ("lead-7: lead-7!", f"{LEAD_ALIAS}: {LEAD_ALIAS}!"),
        ("", ""),
    ],
)
def test_a_text_is_cleaned_by_whole_words(text: str, clean: str) -> None:
    """An id within a longer one is another id; in JSON, bytes and keys it is found as well."""
    assert OF_LEAD.clean(text) == clean
    assert OF_LEAD.clean(text.encode()) == clean.encode()
    assert OF_LEAD.clean({text: [text, 7, None, True]}) == {clean: [clean, 7, None, True]}


def test_bytes_that_are_no_text_stay() -> None:
    """Nothing can be read in them, so nobody is named."""
    assert OF_LEAD.clean(b"\xff\xfelead-7") == b"\xff\xfelead-7"
