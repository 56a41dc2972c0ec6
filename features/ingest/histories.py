"""The histories of fields, laid down so that readers look at `changes` alone.

Columns of entities show the end of the story; what they held at a moment comes from `changes`.
CRMs log that in different ways: from the creation on, only later changes, with the value before or
without it. Here each field that has any rows gets rows for the values at creation, as far as they
can be known, and its own column is emptied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.field_history import FieldHistory
from features.ingest.columns import Plan
from features.ingest.quarantine import AFTER_END
from features.snapshot import DELETED_AT, NEVER
from features.storage.engine import ident, parquet, row, rows, run, text, write
from features.tables import ENTITY_TABLES, TABLES, Table

ALWAYS = "TIMESTAMP '0001-01-01'"
"""The creation of what has no moment of creation."""
_NOT_FIELDS = ("created_at", "hired_at", "won", DELETED_AT)
CHANGES_ORDER = ("entity_type", "entity_id", "changed_at", "field")


@dataclass(frozen=True)
class _Entities:
    """The entities of one kind.

    Attributes:
        kind: lead, deal, rep or account.
        table: their table.
        file: the accepted rows.
        types: the type of each column in the warehouse.
    """

    kind: str
    table: Table
    file: Path
    types: Mapping[str, str]

    @property
    def key(self) -> str:
        """The column of their id."""
        return self.table.key[0]

    @property
    def created(self) -> str:
        """SQL of when an entity was created; NULL where nothing tells."""
        if self.kind == "rep":
            return "hired_at"
        return "created_at" if "created_at" in self.types else "CAST(NULL AS TIMESTAMP)"

    @property
    def gone_at(self) -> str:
        """SQL of when an entity was deleted; NULL where none was."""
        return DELETED_AT if DELETED_AT in self.types else "CAST(NULL AS TIMESTAMP)"

    @property
    def not_fields(self) -> tuple[str, ...]:
        """Names whose rows in `changes` are no history: the row's own id and moments."""
        return (self.key, *_NOT_FIELDS, *self.table.end_of_story)


def lay_down(
    backend: Backend, files: Mapping[str, Path], complete_share: float
) -> tuple[FieldHistory, ...]:
    """Rewrite the accepted tables so that `changes` holds all of every history.

    Args:
        backend: the engine, with what `read_changes` left in it.
        files: the accepted tables, absent ones without rows; those rewritten are replaced.
        complete_share: of the entities that have a history of a field, the share whose history
            must reach back to their creation before it counts as complete.

    Returns:
        The fields that have a history.
    """
    histories: list[FieldHistory] = []
    empty = f"SELECT {_columns(backend)[0]} FROM accepted_changes LIMIT 0"
    run(backend, f"CREATE OR REPLACE TEMP TABLE at_creation AS {empty}")
    for kind, name in ENTITY_TABLES.items():
        described = rows(backend, f"DESCRIBE SELECT * FROM {parquet(files[name])}")
        types = {str(entry[0]): str(entry[1]) for entry in described}
        entities = _Entities(kind, TABLES[name], files[name], types)
        _first_rows(backend, entities, "accepted_changes", "first_rows")
        _restore(backend, entities)
        found = _histories(backend, entities, complete_share)
        for history in found:
            _lay_rows(backend, entities, history)
        _empty(backend, entities, [history.field for history in found])
        histories += found
    _rewrite_changes(backend, files["changes"])
    return tuple(histories)


def read_changes(backend: Backend, file: Path, plan: Plan, rejected: str) -> None:
    """Hold what was read of `changes` for `lay_down`: accepted rows, and those after the end.

    Args:
        backend: the engine.
        file: the accepted rows.
        plan: how the table is read.
        rejected: the table of faults that `quarantine.reject` made.
    """
    scan = parquet(file)
    run(backend, f"CREATE OR REPLACE TEMP VIEW accepted_changes AS SELECT * FROM {scan}")
    columns = [column.name for column in plan.matched.table.columns]
    values = {name: plan.amended(name) for name in columns}
    values["known_at"] = f"coalesce({values['known_at']}, {values['changed_at']})"
    if plan.deleted_at:
        values[DELETED_AT] = "CAST(NULL AS TIMESTAMP)"
    selected = ", ".join(f"{value} AS {ident(name)}" for name, value in values.items())
    run(
        backend,
        f"CREATE OR REPLACE TEMP TABLE later_changes AS SELECT {selected} "
        f"FROM {plan.rows(*(plan[name] for name in columns))} "
        f"WHERE source_row IN (SELECT source_row FROM {rejected} GROUP BY source_row "
        f"HAVING bool_and(suffix(kind, {text(AFTER_END)})))",
    )


def _first_rows(backend: Backend, entities: _Entities, source: str, name: str) -> None:
    """Find the row of each field that could be shown first, for entities of a kind."""
    # By when it could be shown, not by when it was made: an extract made earlier, which lacks rows
    # that were shown late, then names the same row. (The first row that is shown at all decides.)
    skipped = ", ".join(text(field) for field in entities.not_fields)
    deleted_at = _columns(backend, source)[1]
    run(
        backend,
        f"""
        CREATE OR REPLACE TEMP TABLE {name} AS
        SELECT id, field, first_at, begins.shown_at AS shown_at, begins.changed_at AS changed_at,
            begins.old_value AS old_value, e.created AS created,
            e.gone_at AS gone_at, least(begins.deleted_at, e.gone_at) AS deleted_at
        FROM (
            SELECT entity_id AS id, field, min(changed_at) AS first_at,
                min(struct_pack(
                    shown_at := greatest(changed_at, known_at), changed_at := changed_at,
                    value := value, old_value := old_value, deleted_at := {deleted_at}
                )) AS begins
            FROM {source} WHERE entity_type = {text(entities.kind)} AND field NOT IN ({skipped})
            GROUP BY id, field
        ) JOIN (
            SELECT {entities.key} AS own_id, {entities.created} AS created,
                {entities.gone_at} AS gone_at
            FROM {parquet(entities.file)}
        ) e ON id = own_id
        """,
    )


def _columns(backend: Backend, source: str = "accepted_changes") -> tuple[str, str]:
    """Return SQL of all columns of held changes, their deletion among them, and of that one."""
    if DELETED_AT in _names(backend, source):
        return "*", DELETED_AT
    nothing = "CAST(NULL AS TIMESTAMP)"
    return f"*, {nothing} AS {DELETED_AT}", nothing


def _names(backend: Backend, source: str) -> list[str]:
    return [str(name) for name, *_ in rows(backend, f"DESCRIBE {source}")]


def _restore(backend: Backend, entities: _Entities) -> None:
    """Put own columns back to their value as of the declared end, where later rows tell of it.

    An extract made at that end would have held it:

        rows of the field before the end    they tell the value; the column is emptied below
        rows after it only                  what the first of them says was there before
        none at all                         the column has held this value from the creation on
    """
    _first_rows(backend, entities, "later_changes", "later_rows")
    known = {field for (field,) in rows(backend, "SELECT DISTINCT field FROM later_rows")}
    fields = [name for name in entities.types if name in known]
    if not fields:
        return
    joins, replaced = [], []
    for place, name in enumerate(fields):
        joins.append(
            f"LEFT JOIN (SELECT id AS id_{place}, old_value AS old_{place} FROM later_rows "
            f"WHERE field = {text(name)}) ON {entities.key} = id_{place}"
        )
        old = f"TRY_CAST(old_{place} AS {entities.types[name]})"
        replaced.append(
            f"CASE WHEN id_{place} IS NULL THEN {ident(name)} ELSE {old} END AS {ident(name)}"
        )
    helpers = ", ".join(f"id_{i}, old_{i}" for i in range(len(fields)))
    _replace(
        backend,
        entities.file,
        f"SELECT * EXCLUDE ({helpers}) REPLACE ({', '.join(replaced)}) "
        f"FROM {parquet(entities.file)} {' '.join(joins)} ORDER BY {entities.key}",
    )


def _histories(backend: Backend, entities: _Entities, complete_share: float) -> list[FieldHistory]:
    """Judge each field that has rows: does its history reach back to the creation?

    Of leads created on days 1, 8 and 9, where the log of a field begins on day 5:

        created on day 1, first row on day 5               before the log: not counted
        created on day 8, first row that day               reaches back
        created on day 9, first row on day 20, `old_value` reaches back: it tells what was there
        created on day 9, first row on day 20, without     does not

    Where all are older than the log, all are counted. What has no moment of creation reaches back
    by `old_value` alone.
    """
    counted = rows(
        backend,
        """
        SELECT field, min(begins) AS begins, count(*), count(*) FILTER (reaches),
            count(*) FILTER (older), count(*) FILTER (reaches AND NOT older)
        FROM (
            SELECT field, begins,
                old_value IS NOT NULL OR coalesce(first_at <= created + INTERVAL 1 DAY, false)
                    AS reaches,
                coalesce(created < begins, false) AS older
            FROM (SELECT *, min(first_at) OVER (PARTITION BY field) AS begins FROM first_rows)
        ) GROUP BY field ORDER BY field
        """,
    )
    found = []
    for field, begins, every, reaching, older, reaching_since in counted:
        considered, good = (every - older, reaching_since) if every > older else (every, reaching)
        is_complete = good >= complete_share * considered
        found.append(
            FieldHistory(entities.kind, field, is_complete, every, reaching, older, begins)
        )
    return found


def _lay_rows(backend: Backend, entities: _Entities, history: FieldHistory) -> None:
    """Add a field's rows at creation: from `old_value`, and from own columns nobody changed."""
    kind, field = text(entities.kind), text(history.field)
    # The value before is known from the creation on where an extract made earlier would show it in
    # the own column. Where there is none, or it is not used, no extract tells it before the row
    # that does: a row which cannot be seen yet changes nothing.
    is_shown = history.complete and history.field in entities.types
    known = "creation" if is_shown else "shown_at"
    columns = f"entity_type, entity_id, changed_at, field, value, known_at, {DELETED_AT}"
    told = f"{kind}, id, creation, {field}, old_value"
    source = (
        f"(SELECT *, coalesce(created, {ALWAYS}) AS creation FROM first_rows WHERE field = {field})"
    )
    is_told = "old_value IS NOT NULL AND changed_at > creation"
    if DELETED_AT in _names(backend, "accepted_changes"):
        source = _first_left(source, kind, field)
        known = f"greatest({known}, left_from)"
    run(
        backend,
        f"INSERT INTO at_creation ({columns}) "
        f"SELECT {told}, {known}, {DELETED_AT} FROM {source} WHERE {is_told}",
    )
    if history.complete and history.field in entities.types:
        own = ident(history.field)
        run(
            backend,
            f"INSERT INTO at_creation ({columns}) SELECT {kind}, {entities.key}, creation, "
            f"{field}, CAST({own} AS VARCHAR), creation, {entities.gone_at} "
            f"FROM (SELECT *, coalesce({entities.created}, {ALWAYS}) AS creation "
            f"FROM {parquet(entities.file)}) WHERE {own} IS NOT NULL AND {entities.key} NOT IN "
            f"(SELECT id FROM first_rows WHERE field = {field})",
        )


def _first_left(first_rows: str, kind: str, field: str) -> str:
    """Return SQL of the rows that come first once those before them are deleted, and since when.

    Of an entity's rows of a field, the first told by a deleted one, the second not deleted:

        first    deleted on day 9    tells of the creation up to day 9
        second                       tells of it after day 9: `left_from`

    Args:
        first_rows: SQL of the first rows of the field.
        kind: SQL of the kind of entity.
        field: SQL of the name of the field.
    """
    never = f"TIMESTAMP '{NEVER}'"
    return f"""(
        SELECT id, creation, shown_at, old_value, changed_at, left_from,
            least(gone_at, CASE WHEN ends < {never} THEN ends END) AS {DELETED_AT}
        FROM (
            SELECT *, max(ends) OVER (
                PARTITION BY id ORDER BY shown_at, changed_at, value, old_value
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS left_from
            FROM (
                SELECT f.id, f.creation, greatest(c.changed_at, c.known_at) AS shown_at, f.gone_at,
                    c.changed_at, c.value, c.old_value, coalesce(c.{DELETED_AT}, {never}) AS ends
                FROM {first_rows} f JOIN accepted_changes c ON f.id = c.entity_id
                WHERE c.entity_type = {kind} AND c.field = {field}
            )
        ) WHERE left_from IS NULL OR left_from < ends
    )"""


def _empty(backend: Backend, entities: _Entities, fields: list[str]) -> None:
    """Empty the own columns of fields that have a history."""
    emptied = ", ".join(
        f"CAST(NULL AS {entities.types[name]}) AS {ident(name)}"
        for name in fields
        if name in entities.types
    )
    if emptied:
        scan = parquet(entities.file)
        _replace(backend, entities.file, f"SELECT * REPLACE ({emptied}) FROM {scan}")


def _rewrite_changes(backend: Backend, file: Path) -> None:
    """Put the rows at creation among the others."""
    added, deleted = row(backend, f"SELECT count(*), count({DELETED_AT}) FROM at_creation")
    if added:
        columns = _names(backend, "accepted_changes")
        columns += [DELETED_AT] if deleted and DELETED_AT not in columns else []
        names = ", ".join(ident(name) for name in columns)
        _replace(
            backend,
            file,
            f"SELECT {names} FROM (SELECT * FROM {parquet(file)} UNION ALL BY NAME "
            f"SELECT * FROM at_creation) ORDER BY {', '.join(CHANGES_ORDER)}, hash({names})",
        )


def _replace(backend: Backend, file: Path, select: str) -> None:
    rewritten = file.with_suffix(".rewritten")
    write(backend, select, rewritten)
    rewritten.replace(file)
