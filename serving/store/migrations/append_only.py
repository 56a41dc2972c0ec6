"""Triggers that let rows of a log be added, and neither changed nor removed."""

from __future__ import annotations

from alembic import op


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
    # `INSERT OR REPLACE` removes the row it replaces without asking a trigger of DELETE.
    op.execute(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608 - constants
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id OR ({same})) {refuse}"
    )


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
