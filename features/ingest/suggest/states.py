"""Tables that hold each record in several states: versions with an interval, or daily snapshots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from features.ingest.suggest.guess import TableGuess
from features.ingest.suggest.keys import Reference
from features.ingest.suggest.profile import NEARLY_ALL, ColumnLook, Kind, TableLook
from features.ingest.suggest.words import likeness, words

State = tuple[str, dict[str, Any], str]
_OF = {"deals": "deal", "leads": "lead", "reps": "rep", "accounts": "account"}
_MOMENTS = ("valid_from", "valid_to", "taken_at")
_SEVERAL = 1.5
"""States of a record, on average, from which a table holds several."""
_HISTORIES = ("rep_id", "amount", "expected_close_at", "territory", "account_id", "value")


def find_states(
    tables: Mapping[str, TableLook],
    guesses: Sequence[TableGuess],
    taken: set[str],
    references: Sequence[Reference],
) -> Iterator[State]:
    """Go through tables with states of a record: their shape, their section and the evidence.

    Args:
        tables: of the source.
        guesses: of tables of ours.
        taken: tables that something else was guessed for.
        references: columns that refer to another table.
    """
    for name, table in tables.items():
        if name in taken:
            continue
        for guess in guesses:
            entity = _OF.get(guess.table)
            hits = [r for r in references if r.table == name and r.to == guess.source.name]
            if entity is None or not hits:
                continue
            state = _state(table, guess, max(hits, key=lambda r: r.shared), entity)
            if state is not None:
                yield state
                break


def _state(table: TableLook, guess: TableGuess, reference: Reference, entity: str) -> State | None:
    key = table.columns[reference.column]
    repeats = Counter(key.values)
    if not repeats or len(key.values) < _SEVERAL * len(repeats):
        return None
    fields = dict(_fields(table, guess, key.name))
    called = words().states
    since, until, taken = (_called(table, called[moment]) for moment in _MOMENTS)
    when = since or taken
    if not fields or when is None or not _is_one_each(key, when):
        return None
    section: dict[str, Any] = {"entity": entity, "table": table.name, "id": key.name}
    why = f"{len(key.values) / len(repeats):.1f} rows for each {guess.source.name}"
    if since is not None:
        section["valid_from"] = _moment(since)
        if until is not None:
            section["valid_to"] = _moment(until)
        return "versions", {**section, "fields": fields}, f"{why}, each valid from {since.name}"
    if taken is None or len(taken.distinct) > len(key.values) / _SEVERAL:
        return None
    section["taken_at"] = _moment(taken)
    days = f"{len(taken.distinct):,} snapshots"
    return "snapshots", {**section, "fields": fields}, f"{why}, in {days}"


def _is_one_each(key: ColumnLook, when: ColumnLook) -> bool:
    """Tell whether a record is there once at each moment: else it is somebody else's id."""
    pairs = [pair for pair in zip(key.cells, when.cells, strict=True) if None not in pair]
    return bool(pairs) and len(set(pairs)) >= NEARLY_ALL * len(pairs)


def _fields(table: TableLook, guess: TableGuess, key: str) -> Iterator[tuple[str, Any]]:
    """Go through the fields whose states the table holds: columns that the entity has too."""
    known = {c.source.name: ours for ours, c in guess.columns.items() if ours in _HISTORIES}
    others = {**words().fields, "rep_id": words().references["rep_id"]}
    used = {key}
    for name, look in table.columns.items():
        ours = known.get(name)
        if ours is None:
            likes = {field: likeness(name, called) for field, called in others.items()}
            best = max(likes, key=lambda field: likes[field])
            ours = best if likes[best] else None
        if ours is not None and name not in used and look.kind is not Kind.EMPTY:
            used.add(name)
            is_comma = look.kind is Kind.NUMBER and look.decimal == ","
            yield ours, {"column": name, "number": {"decimal": ","}} if is_comma else name


def _called(table: TableLook, names: tuple[str, ...]) -> ColumnLook | None:
    times = [look for look in table.columns.values() if look.kind in {Kind.TIME, Kind.EMPTY}]
    likes = [(likeness(look.name, names), look) for look in times]
    score, look = max(likes, key=lambda item: item[0], default=(0.0, None))
    return look if score else None


def _moment(look: ColumnLook) -> Any:
    return {"column": look.name, **look.time_words} if look.time_words else look.name
