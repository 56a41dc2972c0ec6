"""What becomes of events that are posted: checked against the data, kept, and laid over them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from features.clock import utc_now, zulu
from features.errors import InputError
from serving.api.event_contracts import EventsKept, EventsRequest
from serving.api.office import Asker, Office
from serving.api.work_answers import receipts
from serving.store.posted import EventKind, PostedEvent, PostedLog

if TYPE_CHECKING:
    from features.storage.warehouse import Warehouse

FOLLOWS = "Scores follow within a minute."


def post_events(office: Office, asker: Asker, request: EventsRequest) -> EventsKept:
    """Check events against the data, and keep all of them or none; see `keep_events`."""
    return keep_events(office, asker.name, request)


def keep_events(office: Office, by: str, request: EventsRequest) -> EventsKept:
    """Check events against the data, and keep all of them or none.

    Args:
        office: what answers are made from.
        by: who posts them, for the log.
        request: the events.

    Raises:
        InputError: there are too many or none, a value is not what its column holds, or an id was
            used before for another event.
        NotReady: there is no data yet.
    """
    sent = _events(request)
    _require_count(len(sent), office.scores.params.most_posted_events)
    events = _allowed(office, sent)
    current = office.scores.current()
    parts = (current.leads, current.reps)
    warehouse = next(part.outlook.warehouse for part in parts if hasattr(part, "outlook"))
    ignored, waiting = _checked(warehouse, events)
    kept = receipts(PostedLog(office.desk.lists.store).add(events, by))
    return EventsKept(
        received=[
            receipt.model_copy(update={"key": event.id})
            for receipt, event in zip(kept, events, strict=True)
        ],
        ignored=ignored,
        waiting=waiting,
        left_out=len(sent) - len(events),
        note=_note(current.data_until),
    )


def _require_count(count: int, most: int) -> None:
    if not 0 < count <= most:
        raise InputError(
            f"the request has {count} events; send 1 to {most}, more of them in several requests"
        )


def _allowed(office: Office, events: list[PostedEvent]) -> list[PostedEvent]:
    """Leave out events about people who were forgotten: nothing brings them back."""
    from features.ingest.forgotten import forgotten_people  # noqa: PLC0415 - takes seconds
    from serving.home.left_out import without_forgotten  # noqa: PLC0415 - takes seconds

    return without_forgotten(events, forgotten_people(office.desk.place))


def _events(request: EventsRequest) -> list[PostedEvent]:
    """Return every event with its id, as plain values for the store."""
    from serving.home.live import change_id  # noqa: PLC0415 - takes seconds

    events = list[PostedEvent]()
    for activity in request.activities:
        row = _plain(activity.model_dump())
        events.append(PostedEvent(EventKind.ACTIVITY, activity.activity_id, row))
    for lead in request.leads:
        events.append(PostedEvent(EventKind.LEAD, lead.lead_id, _plain(lead.model_dump())))
    for change in request.changes:
        plain = _plain(change.model_dump(by_alias=True))
        events.append(PostedEvent(EventKind.CHANGE, change_id(plain), plain))
    return events


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def _checked(warehouse: Warehouse, events: list[PostedEvent]) -> tuple[list[str], list[str]]:
    """Refuse what does not fit, and return the keys without a column and the fields that wait."""
    from serving.home.inline_rows import fit_rows  # noqa: PLC0415 - takes seconds
    from serving.home.live import TABLE_OF, takes_effect  # noqa: PLC0415 - takes seconds

    ignored: set[str] = set()
    waiting: set[str] = set()
    for kind, table in TABLE_OF.items():
        own = [event.row for event in events if event.kind is kind]
        ignored |= fit_rows(warehouse, table, own)[1]
        if kind is EventKind.CHANGE:
            waits = [row for row in own if not takes_effect(warehouse, row)]
            waiting |= {f"{row['entity_type']}.{row['field']}" for row in waits}
    return sorted(ignored), sorted(waiting)


def _note(data_until: datetime) -> str:
    from serving.worklist.marks import FRESH  # noqa: PLC0415 - takes seconds

    if utc_now() - data_until <= FRESH:
        return FOLLOWS
    return (
        f"{FOLLOWS} The data end at {zulu(data_until)}: leads without a posted event look idle "
        "since then. Ingest newer data."
    )
