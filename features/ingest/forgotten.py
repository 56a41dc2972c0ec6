"""People who asked to be forgotten: known by a keyed hash alone, and left out of every ingest.

HOME/data/forgotten.json holds the key and the hashes. A row that is about such a person is set
aside without what it holds; where another row refers to them, a pseudonym stands in the id's place,
so that what others did is still counted.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.errors import InputError
from features.ingest.columns import Amendment, Plan
from features.storage.engine import ident, parquet, rows, run, text, write
from features.storage.files import replace_atomically

KINDS = ("lead", "rep")
PREFIX = "forgotten-"
REASON = "the person asked to be forgotten; nothing of the row is kept"
KIND_OF_FAULT = "about a person who is forgotten"
OWNER_ONLY = 0o600
ABOUT: Mapping[str, Mapping[str, str]] = {
    "leads": {"lead_id": "lead"},
    "activities": {"lead_id": "lead"},
    "reps": {"rep_id": "rep"},
    "quotas": {"rep_id": "rep"},
}
"""Columns that say whom a whole row is about, with the kind of person; by table."""
REFERS: Mapping[str, Mapping[str, str]] = {
    "leads": {"rep_id": "rep"},
    "activities": {"rep_id": "rep"},
    "reps": {"manager_id": "rep"},
    "deals": {"lead_id": "lead", "rep_id": "rep"},
}
"""Columns that name somebody in a row about something else, with the kind of person; by table."""
FIELDS: Mapping[str, str] = {"lead_id": "lead", "rep_id": "rep", "manager_id": "rep"}
"""Fields whose changes name somebody in `value` and `old_value`, with the kind of person."""


@dataclass(frozen=True)
class Forgotten:
    """The people to leave out, none of whom can be read off it.

    Attributes:
        key: of the hashes; empty where nobody is forgotten.
        hashes: of each kind of person.
    """

    key: str = ""
    hashes: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def hash_of(self, kind: str, person_id: str) -> str:
        """Return the keyed hash of an id; without the key nobody can tell whose it is."""
        return hmac.digest(self.key.encode(), f"{kind} {person_id}".encode(), "sha256").hex()

    def pseudonym(self, kind: str, person_id: str) -> str:
        """Return what stands in the id's place where others refer to it."""
        return PREFIX + self.hash_of(kind, person_id)[:16]

    def among(self, kind: str, ids: Iterable[str]) -> dict[str, str]:
        """Return which of some ids are forgotten people's, each with its pseudonym."""
        hashes = self.hashes.get(kind, frozenset())
        if not hashes:
            return {}
        return {
            name: self.pseudonym(kind, name) for name in ids if self.hash_of(kind, name) in hashes
        }


def forgotten_people(home: Path) -> Forgotten:
    """Read who is forgotten in a home.

    Raises:
        InputError: the list cannot be read; ingesting without it would bring people back.
    """
    path = _path(home)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        hashes = {kind: frozenset(map(str, content[kind])) for kind in KINDS}
        return Forgotten(str(content["key"]), hashes)
    except (FileNotFoundError, NotADirectoryError):
        return Forgotten()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} cannot be read as the list of forgotten people: {error}; restore it from a "
            "backup, since without it an ingest would bring them back"
        ) from None


def keep_forgotten(home: Path, forgotten: Forgotten) -> None:
    """Write who is forgotten in a home, in one step."""
    path = _path(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    lists = {kind: sorted(forgotten.hashes.get(kind, ())) for kind in KINDS}
    content = {"key": forgotten.key, **lists}
    replace_atomically(path, json.dumps(content, indent=1) + "\n", mode=OWNER_ONLY)


def _path(home: Path) -> Path:
    return home / "data" / "forgotten.json"


@dataclass(frozen=True)
class Present:
    """The forgotten people that an extract holds: each id with its pseudonym, by kind."""

    people: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def is_any(self, kind: str, expression: str) -> str:
        """Return SQL that is true where an expression is the id of one of them."""
        ids = ", ".join(text(name) for name in self.people.get(kind, ()))
        return f"coalesce({expression} IN ({ids}), false)" if ids else "false"

    def renamed(self, kind: str, expression: str) -> str:
        """Return SQL of an expression with the pseudonym in the place of such an id."""
        people = self.people.get(kind, {})
        cases = " ".join(f"WHEN {text(name)} THEN {text(alias)}" for name, alias in people.items())
        return f"CASE {expression} {cases} ELSE {expression} END" if cases else expression

    def __bool__(self) -> bool:
        """Tell whether there is anybody."""
        return any(self.people.values())


def present_in(backend: Backend, plans: Iterable[Plan], forgotten: Forgotten) -> Present:
    """Find the forgotten people among the ids of an extract."""
    if not any(forgotten.hashes.values()):
        return Present()
    ids: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for plan in plans:
        for kind, sql in _named(plan):
            ids[kind].update(name for (name,) in rows(backend, sql) if name is not None)
    return Present({kind: forgotten.among(kind, sorted(ids[kind])) for kind in KINDS})


def _named(plan: Plan) -> Iterator[tuple[str, str]]:
    """Return queries of the ids that a table holds, each with the kind of person."""
    table = plan.matched.table.name
    for columns in (ABOUT.get(table, {}), REFERS.get(table, {})):
        for name, kind in columns.items():
            yield kind, f"SELECT DISTINCT {plan[name].value} FROM {plan.rows(plan[name])}"
    if table == "changes":
        entity, entity_type, changed = plan["entity_id"], plan["entity_type"], plan["field"]
        for kind in KINDS:
            source = plan.rows(entity, entity_type)
            is_kind = f"{entity_type.value} = {text(kind)}"
            yield kind, f"SELECT DISTINCT {entity.value} FROM {source} WHERE {is_kind}"
        for changed_field, kind in FIELDS.items():
            for name in ("value", "old_value"):
                source = plan.rows(changed, plan[name])
                is_field = f"{changed.value} = {text(changed_field)}"
                yield kind, f"SELECT DISTINCT {plan[name].value} FROM {source} WHERE {is_field}"


def with_pseudonyms(plan: Plan, present: Present) -> Plan:
    """Return a plan whose accepted rows name no forgotten person."""
    if not present:
        return plan
    amendments = {name: list(known) for name, known in plan.amendments.items()}
    table = plan.matched.table.name
    for name, condition, value in renamings(table, present, lambda n: plan[n].value):
        # Before what else is amended: of several the first counts.
        amendments.setdefault(name, []).insert(0, Amendment(condition, value))
    return replace(plan, amendments={name: tuple(known) for name, known in amendments.items()})


def renamings(
    table: str, present: Present, column: Callable[[str], str]
) -> Iterator[tuple[str, str, str]]:
    """Return the columns of a table that refer to people, each with a condition and its new value.

    Args:
        table: ours.
        present: the forgotten people.
        column: returns SQL of a column.
    """
    for name, kind in REFERS.get(table, {}).items():
        yield name, present.is_any(kind, column(name)), present.renamed(kind, column(name))
    if table == "changes":
        for name in ("value", "old_value"):
            for changed_field, kind in FIELDS.items():
                is_field = f"{column('field')} = {text(changed_field)}"
                condition = f"{is_field} AND {present.is_any(kind, column(name))}"
                yield name, condition, present.renamed(kind, column(name))


def is_about(table: str, present: Present, column: Callable[[str], str]) -> str | None:
    """Return SQL that is true in rows about forgotten people; None where a table has no such rows.

    Args:
        table: ours.
        present: the forgotten people.
        column: returns SQL of a column.
    """
    if not present:
        return None
    if table == "changes":
        entity, entity_type = column("entity_id"), column("entity_type")
        return " OR ".join(
            f"({entity_type} = {text(kind)} AND {present.is_any(kind, entity)})" for kind in KINDS
        )
    own = [present.is_any(kind, column(name)) for name, kind in ABOUT.get(table, {}).items()]
    return " OR ".join(own) or None


def reject_forgotten(backend: Backend, plan: Plan, rejected: str, present: Present) -> None:
    """Add the rows that are about forgotten people to the rejected ones."""
    table = plan.matched.table.name
    condition = is_about(table, present, lambda name: plan[name].value)
    if condition is None:
        return
    names = ("entity_type", "entity_id") if table == "changes" else ABOUT[table]
    needed = [plan[name] for name in names]
    run(
        backend,
        f"INSERT INTO {rejected} (source_row, rule, kind, reason) "
        f"SELECT source_row, -1, {text(KIND_OF_FAULT)}, {text(REASON)} "
        f"FROM {plan.rows(*needed)} WHERE {condition}",
    )


def blank(backend: Backend, quarantine: Path, present: Present) -> None:
    """Empty all that a quarantine file holds of rows about forgotten people."""
    if not present:
        return
    new = quarantine.with_suffix(".blanked")
    blank_rows(backend, quarantine, new, f"reason LIKE {text('%' + REASON + '%')}")
    new.replace(quarantine)


def blank_rows(backend: Backend, old: Path, new: Path, condition: str) -> None:
    """Copy a quarantine file without what it holds of the rows that meet a condition in SQL."""
    described = rows(backend, f"DESCRIBE SELECT * FROM {parquet(old)}")
    names = [str(name) for (name, *_) in described if name not in {"source_row", "reason"}]
    values = [
        f"CASE WHEN {condition} THEN NULL ELSE {ident(name)} END AS {ident(name)}" for name in names
    ]
    reason = f"CASE WHEN {condition} THEN {text(REASON)} ELSE reason END AS reason"
    select = f"SELECT {', '.join(['source_row', reason, *values])} FROM {parquet(old)}"
    write(backend, f"{select} ORDER BY source_row", new)
