"""Answers about the work list: today's lists, and what people said became of each lead."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from features.errors import NotFoundError
from features.params import WEEKDAYS, FeatureParams
from serving.api.failures import NotAllowed
from serving.api.lead_answers import header
from serving.api.office import Asker, Office
from serving.api.work_contracts import (
    Absences,
    AbsenceSent,
    ActionSent,
    ActionsRequest,
    Feedback,
    FeedbackRequest,
    FeedbackRow,
    ListedLead,
    Mark,
    Receipts,
    Received,
    WorkList,
    Worklist,
    WorklistRequest,
)
from serving.pages.desk import FREES
from serving.store.actions import Absence, Act, Action, KeptAction
from serving.store.keyed_log import Receipt
from serving.store.worklist import Listing

if TYPE_CHECKING:
    from datetime import date

    from serving.home.scored import LeadScores
    from serving.worklist.handout import Handout

EVERYBODY = ""
"""The pool of leads that nobody is there for."""
PARTS = ("p", "reach", "gain", "band", "call_evidence")
TEXTS = ("call_reasons", "reasons")
"""Parts of a lead that are kept as JSON."""


def worklist(office: Office, asker: Asker, request: WorklistRequest) -> Worklist:
    """Return the lists of the day that somebody may see, made and kept if nobody has yet.

    Raises:
        NotFoundError: nobody knows the rep.
        NotAllowed: the list is somebody else's.
        NotReady: there are no scores of leads.
    """
    scores = office.scores.leads()
    if request.rep_id is not None:
        asker.require(request.rep_id)
        if request.rep_id not in scores.reps:
            raise NotFoundError(f"no rep has the id {request.rep_id!r} in the data")
    if request.manager_id is not None:
        asker.require(request.manager_id)
    with office.scores.engine():
        handout = office.desk.handout(scores.outlook.warehouse, scores.table)
        listings = handout.keep(office.desk.lists, asker.name)
    day = _DayView(office, scores, handout, listings)
    team = None if request.manager_id is None else asker.tree.team(request.manager_id)
    lists = day.lists(
        lambda is_pool, whose: (
            _is_asked(is_pool, whose, request, team)
            and asker.sees(whose or None if is_pool else whose)
        )
    )
    if request.rep_id is not None and not lists:
        lists = [WorkList(rep_id=request.rep_id, pool_of=None, leads=[], set_aside=[])]
    return Worklist(
        **header(scores),
        horizon_days=scores.outlook.bundle.horizon_days,
        day=day.today,
        is_working_day=_works_on(day.today, office.desk.settings.features),
        lists=lists,
    )


def _is_asked(
    is_pool: bool,  # noqa: FBT001 - the first half of a list's key
    whose: str,
    request: WorklistRequest,
    team: AbstractSet[str] | None,
) -> bool:
    """Tell whether a list belongs to the rep or the team that a request names."""
    if request.rep_id is not None:
        return not is_pool and whose == request.rep_id
    if team is None:
        return True
    return whose in {request.manager_id, *team} or (is_pool and whose == EVERYBODY)


@dataclass(frozen=True)
class _DayView:
    """The lists of a day beside what people have said since.

    Attributes:
        office: what answers are made from.
        scores: of the leads.
        handout: made the lists.
        listings: their rows.
    """

    office: Office
    scores: LeadScores
    handout: Handout
    listings: Sequence[Listing]

    @property
    def today(self) -> date:
        """The business's day."""
        return self.office.desk.today(self.scores.as_of).day

    def lists(self, is_wanted: Callable[[bool, str], bool]) -> list[WorkList]:
        """Return the wanted lists of the day, each in its order."""
        table = self.scores.table
        keys = {row.list_key for row in self.listings if is_wanted(*row.list_key)}
        listings = [row for row in self.listings if row.list_key in keys]
        wanted = {row.lead_id for row in listings}
        rows = table[table["lead_id"].isin(wanted)].to_dict("records")
        parts = {str(row["lead_id"]): row for row in rows}
        ordered = sorted(listings, key=lambda row: (row.list_key, row.position))
        return [
            self._list(key, [self._lead(row, parts.get(row.lead_id)) for row in own])
            for key, own in groupby(ordered, key=lambda row: row.list_key)
        ]

    def _list(self, key: tuple[bool, str], leads: list[ListedLead]) -> WorkList:
        is_pool, whose = key
        aside = self.handout.marks.aside
        return WorkList(
            rep_id=None if is_pool else whose,
            pool_of=whose if is_pool else None,
            leads=[lead for lead in leads if lead.lead_id not in aside],
            set_aside=[lead for lead in leads if lead.lead_id in aside],
        )

    def _lead(self, listing: Listing, row: Mapping[Any, Any] | None) -> ListedLead:
        action = self.handout.marks.standing.get(listing.lead_id)
        if action is not None and not self._is_of_today(action):
            action = None
        values = {} if row is None else row
        return ListedLead(
            position=listing.position,
            lead_id=listing.lead_id,
            rep_id=listing.rep_id,
            why=listing.why,
            priority=listing.priority,
            **{name: _filled(values.get(name)) for name in PARTS},
            **{name: json.loads(values[name]) if name in values else None for name in TEXTS},
            state="open" if action is None else _state(action),
            mark=None if action is None else _mark(action),
        )

    def _is_of_today(self, action: KeptAction) -> bool:
        """Tell whether an action was made since the list; one that sets aside lasts longer."""
        if action.lead_id in self.handout.marks.aside:
            return True
        zone = self.office.desk.settings.features.timezone
        return _local(action.at, zone) >= self.today


def _local(moment: datetime, zone: str) -> date:
    from serving.worklist.marks import local_day  # noqa: PLC0415 - takes seconds

    return local_day(moment, zone)


def _works_on(day: date, features: FeatureParams) -> bool:
    from features.days_off import public_holidays  # noqa: PLC0415 - with the libraries above

    off = {*public_holidays(features.holidays, day.year, day.year), *features.days_off}
    return WEEKDAYS[day.weekday()] in features.working_days and day not in off


def _filled(value: Any) -> Any:
    return None if value is None or value != value else value  # noqa: PLR0124 - NaN


def _state(action: KeptAction) -> Any:
    return action.action.value


def _mark(action: KeptAction) -> Mark:
    return Mark(
        key=action.key, at=action.at, by=action.by, until=action.until, reason=action.reason
    )


def act(office: Office, asker: Asker, request: ActionsRequest) -> Receipts:
    """Keep what somebody did with leads, all rows or none.

    Raises:
        NotFoundError: a lead, or an action to take back, is not known.
        NotAllowed: a lead is somebody else's.
        InputError: a key was used before for something else.
    """
    owners = _owners(office, asker)
    kept = office.desk.actions.all()
    known = {row.key: row.lead_id for row in kept} | {a.key: a.lead_id for a in request.actions}
    for sent in request.actions:
        _require_lead(sent, owners, asker)
        if sent.undoes is not None and known.get(sent.undoes) != sent.lead_id:
            raise NotFoundError(
                f"no action on lead {sent.lead_id!r} has the key {sent.undoes!r}; undo names the "
                "key of an action on the same lead"
            )
    actions = [
        Action(
            key=sent.key,
            lead_id=sent.lead_id,
            action=Act(sent.action),
            rep_id=owners.get(sent.lead_id),
            until=sent.until,
            reason=sent.reason,
            undoes=sent.undoes,
        )
        for sent in request.actions
    ]
    received = receipts(office.desk.actions.add(actions, asker.name))
    freed = {row.lead_id for row in actions if row.action in FREES}
    office.facts.refill(freed, asker.name)
    return Receipts(received=received)


def _owners(office: Office, asker: Asker) -> Mapping[str, str | None]:
    """Return the owner of every lead: of an open one as scored, else as the data end."""
    table = office.scores.leads().table
    scored = {
        str(lead): rep if isinstance(rep, str) else None
        for lead, rep in zip(table["lead_id"], table["rep_id"], strict=True)
    }
    return {**asker.owners, **scored}


def _require_lead(sent: ActionSent, owners: Mapping[str, str | None], asker: Asker) -> None:
    if sent.lead_id not in owners or not asker.sees(owners[sent.lead_id]):
        # The same words for a lead that is not there: whose lead it is would be told otherwise.
        raise NotAllowed(
            f"lead {sent.lead_id!r} is not among your leads or those of your team, so nothing was "
            "kept"
        )


def receipts(rows: Iterable[Receipt]) -> list[Received]:
    """Return receipts as the API writes them."""
    return [Received(key=row.key, at=row.at, is_repeated=row.is_repeated) for row in rows]


def add_absence(office: Office, asker: Asker, request: AbsenceSent) -> Absences:
    """Keep days on which a rep is away, and return those that stand.

    Raises:
        NotFoundError: there is no absence to take back.
        NotAllowed: the rep is somebody else.
        InputError: the key was used before for something else.
    """
    asker.require(request.rep_id)
    log = office.desk.actions
    own = [row.key for row in log.all_absences() if row.rep_id == request.rep_id]
    sent = Absence(**request.model_dump())
    if sent.undoes is not None and sent.undoes not in own:
        raise NotFoundError(
            f"rep {request.rep_id!r} has no absence with the key {sent.undoes!r}; there are: "
            f"{', '.join(own) or 'none'}"
        )
    (receipt,) = receipts(log.add_absences([sent], asker.name))
    standing = [row for row in log.absences() if row.rep_id == request.rep_id]
    return Absences(received=receipt, absences=[AbsenceSent(**vars(row)) for row in standing])


def feedback(office: Office, request: FeedbackRequest) -> Feedback:
    """Return what people said about listed leads, beside what the list had said, without names."""
    actions = office.desk.actions.all()
    undone = {row.undoes for row in actions}
    numbered = [
        (number, row)
        for number, row in enumerate(actions, 1)
        if row.action is not Act.UNDO and number > request.after
    ][: request.limit]
    listed = office.desk.lists.of_leads({row.lead_id for _, row in numbered})
    rows = [
        FeedbackRow(
            number=number,
            at=row.at,
            lead_id=row.lead_id,
            action=row.action.value,
            reason=row.reason,
            until=row.until,
            is_undone=row.key in undone,
            **_as_listed(row, listed.get(row.lead_id, ()), office),
        )
        for number, row in numbered
    ]
    return Feedback(rows=rows, last=rows[-1].number if rows else request.after)


def _as_listed(action: KeptAction, listings: Sequence[Listing], office: Office) -> dict[str, Any]:
    """Return what the newest list by the action's day had said of its lead."""
    day = _local(action.at, office.desk.settings.features.timezone)
    listing = next((row for row in reversed(listings) if row.day <= day), None)
    names = ("position", "why", "priority", "model_version")
    if listing is None:
        return dict.fromkeys(("listed_on", *names))
    return {"listed_on": listing.day, **{name: getattr(listing, name) for name in names}}
