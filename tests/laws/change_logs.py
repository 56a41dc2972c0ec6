"""How CRMs log changes: from creation on, or later ones only; and others that are not seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from random import Random

from extract import Extract, known_at
from pasts import DAWN, ENTITIES, NO_FIELDS, Row, Tables, last_of, logged, text, typed

HABITS = ("from creation", "from creation", "only later", "as it comes")
"""How a CRM may log a field; a field of each is in most companies."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Values = Callable[[str, str], Sequence[str | None]]
"""Gives the values that a field of a kind of entity may have."""
Field = tuple[str, str]
Entity = tuple[str, str | None, str]


def with_habits(rng: Random, tables: Tables, values: Values) -> list[Row]:
    """Give an extract's changes as CRMs of different habits would have logged them."""
    made = []
    for (kind, name), rows in sorted(_by_field(tables).items()):
        if not {row["entity_id"] for row in rows} & _ids(tables, kind):
            continue  # whether what nobody knows has a history is no law
        habit = rng.choice(HABITS)
        for entity_id, own in _by_entity(rows).items():
            made += _logged(rng, habit, own, creation(tables, kind, entity_id), values(kind, name))
    return made


def _ids(tables: Tables, kind: str) -> set[str]:
    table, key, _ = ENTITIES[kind]
    return {row[key] for row in tables.get(table, ())}


def _by_field(tables: Tables) -> dict[Field, list[Row]]:
    found: dict[Field, list[Row]] = defaultdict(list)
    for row in tables["changes"]:
        found[row["entity_type"], row["field"]].append(row)
    return found


def _by_entity(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["entity_id"]].append(row)
    return found


def creation(tables: Tables, kind: str, entity_id: str | None) -> datetime | None:
    """Tell when an entity came to be, if that is known."""
    table, key, clock = ENTITIES[kind]
    rows = (row for row in tables.get(table, ()) if row[key] == entity_id)
    return next((row.get(clock or "") for row in rows), None)


def _logged(
    rng: Random,
    habit: str,
    rows: Sequence[Row],
    created: datetime | None,
    values: Sequence[str | None],
) -> list[Row]:
    """One entity's changes of one field."""
    field = (rows[0]["entity_type"], rows[0]["field"])
    if field == ("deal", "rep_id") and created is not None:
        # A deal always has a rep in its own column, so something must tell who it was.
        wait = 2 * DAY if habit == "only later" else HOUR
        rows = [
            _moved(row, created + wait) if row["changed_at"] <= created else row for row in rows
        ]
        habit = "from creation" if habit == "as it comes" else habit
    if habit == "only later":
        return list(rows)
    if habit == "from creation" and created is not None and rng.randrange(2):
        wait = timedelta(0) if field == ("deal", "rep_id") else rng.choice((timedelta(0), 5 * HOUR))
        first = {**rows[0], "changed_at": created + wait, "known_at": None}
        return [{**first, "value": _filled(rng, values)}, *rows]
    if habit == "as it comes" and rng.randrange(2):
        return list(rows)
    return begun(rows, created, _filled(rng, values), rng)


def begun(
    rows: Sequence[Row], created: datetime | None, before: str | None, rng: Random | None = None
) -> list[Row]:
    """Let the first row of an entity's field tell what was there before, unless it is creation's.

    What later rows tell counts for nothing; with a generator some of them tell something else.
    """
    first = min(map(_first, rows))
    told = before if first[1] > (created or DAWN) else None
    return [
        {**row, "old_value": told if _first(row) == first else rng and rng.choice((None, "other"))}
        for row in rows
    ]


def _first(row: Row) -> tuple[datetime, datetime]:
    return max(row["changed_at"], known_at("changes", row)), row["changed_at"]


def _moved(row: Row, at: datetime) -> Row:
    known = row.get("known_at")
    return {**row, "changed_at": at, "known_at": None if known is None else max(known, at)}


def _filled(rng: Random, values: Sequence[str | None]) -> str:
    return rng.choice([value for value in values if value is not None])


def statuses(extract: Extract) -> dict[Field, bool]:
    """Tell of each field with a history whether it is complete, as ingest would find it."""
    return extract.pasts().complete


def alike(extract: Extract, moment: datetime) -> Extract:
    """Leave out the changes of fields that an extract made at a moment would judge otherwise.

    Whether a field has a history, and whether that is complete, is a property of an extract; the
    law compares extracts in which it is the same.
    """
    while unlike := {
        field for field, _ in statuses(extract).items() ^ statuses(extract.cut(moment)).items()
    }:
        rows = extract.rows("changes")
        kept = [row for row in rows if (row["entity_type"], row["field"]) not in unlike]
        extract = extract.but("changes", kept)
    return extract


def reconciled(
    rng: Random, before: Extract, after: Extract, moment: datetime, values: Values
) -> Extract:
    """Make an extract with other unseen changes lawful, and edit the own columns they overrule.

    - A first row tells what was there before it (`old_value`).
    - Where no row is left, the own column is what it was at the moment.
    - Where there is a row, the own column may be anything.

    Args:
        rng: draws the own columns.
        before: the extract as it was.
        after: the same with other rows that cannot be seen at the moment.
        moment: as of which both must look alike.
        values: that fields may have.
    """
    then = before.cut(moment)
    old, new = logged(before.tables), logged(after.tables)
    changes, tables = list(after.rows("changes")), dict(after.tables)
    for kind, (table, key, _) in ENTITIES.items():
        known, types = {row[key]: row for row in then.rows(table)}, before.types[table]
        rows = [dict(row) for row in after.rows(table)]
        for at in sorted({at for at in {*old, *new} if at[0] == kind}, key=str):
            _, entity_id, name = at
            if entity_id not in known or name not in types or name in NO_FIELDS[kind]:
                continue
            stood, shown = text(known[entity_id].get(name)), new.get(at, [])
            value = rng.choice(values(kind, name)) if shown else stood
            if value is not None or at[::2] != ("deal", "rep_id"):
                for row in (row for row in rows if row[key] == entity_id):
                    row[name] = typed(value, types[name])
            if shown and not last_of([r for r in shown if r.available_at < moment])[0]:
                created = creation(after.tables, kind, entity_id)
                changes = _with_before(changes, at, created, stood)
        tables[table] = tuple(rows)
    return Extract({**tables, "changes": tuple(changes)}, after.data_until, after.attributes)


def _with_before(
    changes: Sequence[Row], at: Entity, created: datetime | None, stood: str | None
) -> list[Row]:
    def is_own(row: Row) -> bool:
        return (row["entity_type"], row["entity_id"], row["field"]) == at

    own = [row for row in changes if is_own(row)]
    if created is not None and stood is not None:
        own = [_moved(row, created + HOUR) if row["changed_at"] <= created else row for row in own]
    return [*(row for row in changes if not is_own(row)), *begun(own, created, stood)]


def with_same_histories(before: Extract, after: Extract) -> Extract:
    """Take back the changes of fields whose history would be judged otherwise, and their columns.

    Where that is not enough, because entities came to be at another time, all changes and entities
    of that kind are taken back.
    """
    made = _taken_back(before, after, _unlike(before, after))
    if kinds := {kind for kind, _ in _unlike(before, made)}:
        made = _taken_back(before, made, {(k, n) for k, _, n in logged(made.tables) if k in kinds})
        tables = {table: before.rows(table) for k, (table, _, _) in ENTITIES.items() if k in kinds}
        made = Extract({**made.tables, **tables}, made.data_until, made.attributes)
    assert not _unlike(before, made)
    return made


def _unlike(before: Extract, after: Extract) -> set[Field]:
    return {field for field, _ in statuses(before).items() ^ statuses(after).items()}


def _taken_back(before: Extract, after: Extract, fields: AbstractSet[Field]) -> Extract:
    def is_taken(row: Row) -> bool:
        return (row["entity_type"], row["field"]) in fields

    kept = [row for row in after.rows("changes") if not is_taken(row)]
    back = [row for row in before.rows("changes") if is_taken(row)]
    tables = {**after.tables, "changes": (*kept, *back)}
    for kind, (table, key, _) in ENTITIES.items():
        names, columns = {name for k, name in fields if k == kind}, set(before.types[table])
        own = {row[key]: row for row in before.rows(table)}
        tables[table] = tuple(
            {**row, **{n: own[row[key]].get(n) for n in names & columns}}
            if row[key] in own
            else row
            for row in after.rows(table)
        )
    return Extract(tables, after.data_until, after.attributes)
