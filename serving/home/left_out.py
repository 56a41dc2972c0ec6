"""Posted events and the people who asked to be forgotten: as an ingest treats their rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from features.ingest.forgotten import FIELDS, PREFIX, Forgotten
from serving.store.posted import EventKind, PostedEvent


def without_forgotten(events: Iterable[PostedEvent], forgotten: Forgotten) -> list[PostedEvent]:
    """Leave out events about forgotten people; where others refer to them, a pseudonym stands.

    Args:
        events: posted; after somebody was forgotten, the store itself holds pseudonyms.
        forgotten: the people.
    """
    rows = list(events)
    leads = forgotten.among("lead", {_subject(row, "lead") for row in rows} - {""})
    reps = forgotten.among("rep", _reps_in(rows) - {""})
    gone = {"lead": leads, "rep": reps}
    kept = [row for row in rows if not any(_is_about(row, kind, gone[kind]) for kind in gone)]
    return [_renamed(row, reps) for row in kept] if reps else kept


def _subject(event: PostedEvent, kind: str) -> str:
    """Return the lead or rep that an event is about; empty for none of that kind."""
    row = event.row
    if event.kind is EventKind.CHANGE:
        return str(row["entity_id"]) if row["entity_type"] == kind else ""
    return str(row.get("lead_id") or "") if kind == "lead" else ""


def _is_about(event: PostedEvent, kind: str, gone: Iterable[str]) -> bool:
    subject = _subject(event, kind)
    return bool(subject) and (subject in gone or subject.startswith(PREFIX))


def _reps_in(events: Iterable[PostedEvent]) -> set[str]:
    named = set[str]()
    for event in events:
        named |= {_subject(event, "rep"), str(event.row.get("rep_id") or "")}
        if FIELDS.get(event.row.get("field", "")) == "rep":
            named.add(str(event.row.get("value") or ""))
    return named


def _renamed(event: PostedEvent, reps: dict[str, str]) -> PostedEvent:
    row = {
        name: reps.get(value, value)
        if name == "rep_id" or (name == "value" and isinstance(value, str))
        else value
        for name, value in event.row.items()
    }
    return replace(event, row=row)
