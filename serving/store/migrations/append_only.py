"""Triggers that let rows of a log be added, and neither changed nor removed."""

from __future__ import annotations

from alembic import op

NOTHING_ELSE = "1 = 0"
"""For a log whose rows only an equal `id` could replace."""


def keep_append_only(table: str, same: str, says: str) -> None:
    """Guard a log, on whichever database the migration runs.

    Args:
        table: the log.
        same: in SQL, when an older row would be replaced by `NEW`, beside an equal `id`.
        says: what the database answers to whoever tries.
    """
    if op.get_bind().dialect.name == "postgresql":
        _on_postgres(table, says)
    else:
        _on_sqlite(table, same, says)


def _on_sqlite(table: str, same: str, says: str) -> None:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{says}'); END"
    for change in ("UPDATE", "DELETE"):
        name = f"{table}_no_{change.lower()}"
        op.execute(f"CREATE TRIGGER {name} BEFORE {change} ON {table} {refuse}")
    _refuse_replacing(table, same, refuse)


def _refuse_replacing(table: str, same: str, refuse: str) -> None:
    # `INSERT OR REPLACE` removes the row it replaces without asking a trigger of DELETE.
    # SQLite would look at every row for a condition that no index knows, even one never met.
    others = "" if same == NOTHING_ELSE else f" OR ({same})"
    op.execute(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608 - constants
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id{others}) {refuse}"
    )


def look_up_ids_alone(table: str, says: str) -> None:
    """Make the guard of a log anew, of which `id` alone tells rows apart, where it is slow.

    Args:
        table: the log.
        says: what the database answers to whoever tries.
    """
    if op.get_bind().dialect.name == "postgresql":
        return
    op.execute(f"DROP TRIGGER {table}_no_replace")
    _refuse_replacing(table, NOTHING_ELSE, f"BEGIN SELECT RAISE(ABORT, '{says}'); END")


def _on_postgres(table: str, says: str) -> None:
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{says}'; END $$"
    )
    # `INSERT ... ON CONFLICT DO UPDATE` asks this trigger too.
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
    )
