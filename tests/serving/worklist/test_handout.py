"""The edge of the list: what is kept, what is only looked at, and what stands beside each row."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from serving.home.home import Home
from serving.home.lead_outlook import LeadOutlook
from serving.params import WorklistParams
from serving.settings import Settings
from serving.store.database import Store
from serving.store.worklist import Arm, WorklistLog
from serving.worklist.handout import Handout
from serving.worklist.marks import NO_MARKS
from training.call_params import CallParams
from training.leads.score import NOT_TO_BE_CONTACTED

MONDAY = datetime(2025, 7, 7, 6)
PARAMS = WorklistParams(calls_a_day=8, hold_out=0.2, cool_down_days=3)


@pytest.fixture(scope="module")
def outlook(home: Path) -> LeadOutlook:
    """The small company and its champion."""
    return Home(home, Settings()).open_leads()


def handout(
    outlook: LeadOutlook, moment: datetime = MONDAY, params: WorklistParams = PARAMS
) -> Handout:
    """The lists of a moment."""
    scores = outlook.score(moment)
    return Handout(outlook.warehouse, scores, Settings().features, params, CallParams())


@pytest.fixture
def log(tmp_path: Path) -> WorklistLog:
    """An empty log."""
    return WorklistLog(Store(tmp_path))


def test_a_look_keeps_nothing_and_a_kept_list_stays(outlook: LeadOutlook, log: WorklistLog) -> None:
    """What would be made is what is made; the second who asks gets it again."""
    lists = handout(outlook)
    looked = lists.look(log)
    assert (log.of_day(MONDAY.date()), log.enrolments()) == ([], [])
    kept = lists.keep(log, "calls")
    assert [*looked] == [*kept] == log.of_day(MONDAY.date())
    evening = handout(outlook, MONDAY + timedelta(hours=12))
    assert [*evening.keep(log, "retrain")] == [*kept]


def test_whoever_was_listed_is_left_alone(outlook: LeadOutlook, log: WorklistLog) -> None:
    """On the two working days after nobody is listed again but by lot; then they may be."""
    first = {row.lead_id for row in handout(outlook).keep(log, "calls")}
    again = set[str]()
    for days in (1, 2):
        listed = handout(outlook, MONDAY + timedelta(days=days)).keep(log, "calls")
        assert not first & {row.lead_id for row in listed}
    again = {row.lead_id for row in handout(outlook, MONDAY + timedelta(days=3)).look(log)}
    assert first & again


def test_whoever_was_listed_counts_as_touched(outlook: LeadOutlook, log: WorklistLog) -> None:
    """Without a pause, too: the day after, worth less than by the scores alone; nobody else is."""
    soft = WorklistParams(calls_a_day=8, hold_out=0.0, cool_down_days=1)
    first = {row.lead_id for row in handout(outlook, params=soft).keep(log, "calls")}
    tuesday = handout(outlook, MONDAY + timedelta(days=1), soft)
    alone = tuesday.scores.set_index("lead_id")["priority"]
    worth = {row.lead_id: row.priority for row in tuesday.look(log)}
    touched = tuesday.warehouse["activities"].to_pandas()
    touched = set(touched.loc[touched["occurred_at"] >= MONDAY, "lead_id"])
    again = [lead for lead in first & set(worth) if lead not in touched]
    assert again
    assert all(worth[lead] < 0.9 * alone[lead] for lead in again)
    others = [lead for lead in worth if lead not in first]
    assert others
    assert all(worth[lead] == alone[lead] for lead in others)


def test_snoozed_leads_make_room_for_others(outlook: LeadOutlook, log: WorklistLog) -> None:
    """As many as were snoozed, once, behind those there are; a call that was made frees nothing.

    Lots are drawn anew each time: the lists are short beside the rep's 25 leads, so that enough
    are left whomever the lots hold out.
    """
    morning = handout(outlook, params=WorklistParams(calls_a_day=5, hold_out=0.1))
    kept = morning.keep(log, "calls")
    rep = max({row.rep_id for row in kept if row.rep_id}, key=lambda r: _open(morning, r))
    own = [row for row in kept if row.list_key == (False, rep)]
    assert len(own) == 5, "the rep with the most leads has a full list"
    snoozed, done = {row.lead_id for row in own[:3]}, own[4].lead_id
    marks = replace(NO_MARKS, done_on={done: MONDAY.date()})
    assert replace(morning, marks=marks).refill(log, "calls", {done}) == ()
    noon = replace(morning, marks=replace(marks, aside=frozenset(snoozed)))
    assert noon.refill(log, "calls", {"no such lead"}) == ()
    added = noon.refill(log, "calls", snoozed)
    assert [row.position for row in added] == [6, 7, 8]
    assert {row.list_key for row in added} == {(False, rep)}
    assert not {row.lead_id for row in added} & {row.lead_id for row in kept}
    assert [*log.of_day(MONDAY.date())] == [*kept, *added], "nothing that was there has moved"
    assert noon.refill(log, "calls", snoozed) == ()
    lots = log.enrolments()
    assert len({lot.lead_id for lot in lots}) == len(lots), "nobody has two lots"
    held_out = {lot.lead_id for lot in lots if lot.arm is Arm.HELD_OUT}
    assert not held_out & {row.lead_id for row in log.of_day(MONDAY.date())}


def _open(lists: Handout, rep: str | None) -> int:
    return int((lists.scores["rep_id"] == rep).sum())


def test_without_a_list_there_is_nothing_to_fill(outlook: LeadOutlook, log: WorklistLog) -> None:
    """Nor on a day that is over: what happened since cannot be undone."""
    lists = handout(outlook)
    aside = frozenset(row.lead_id for row in lists.look(log))
    noon = replace(lists, marks=replace(NO_MARKS, aside=aside))
    assert noon.refill(log, "calls", aside) == ()
    lists.keep(log, "calls")
    handout(outlook, MONDAY + timedelta(days=1)).keep(log, "calls")
    assert noon.refill(log, "calls", aside) == ()


def test_parts_stand_beside_each_row(outlook: LeadOutlook, log: WorklistLog) -> None:
    """The table has every listed lead with its chance and rank; nobody who must not be called."""
    lists = handout(outlook)
    rows = lists.table(lists.look(log))
    assert (rows["day"] == date(2025, 7, 7)).all()
    scores = lists.scores.set_index("lead_id")
    assert rows["p"].tolist() == scores.loc[rows["lead_id"], "p"].tolist()
    assert NOT_TO_BE_CONTACTED in set(scores["band"])
    assert NOT_TO_BE_CONTACTED not in set(rows["band"])
    assert rows.groupby("rep_id", dropna=False).size().max() <= 8


def test_without_leads_there_is_no_list(outlook: LeadOutlook, log: WorklistLog) -> None:
    """An empty table with the same columns."""
    lists = handout(outlook)
    nobody = replace(lists, scores=lists.scores.head(0))
    assert [*nobody.keep(log, "calls"), *nobody.look(log)] == []
    assert nobody.table(()).columns.tolist() == lists.table(lists.look(log)).columns.tolist()
