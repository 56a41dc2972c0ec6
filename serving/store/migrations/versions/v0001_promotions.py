"""The promotion log: rows are added, and neither changed nor removed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the table, and the triggers that keep it append-only."""
    op.create_table(
        "promotions",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("from_version", sa.String),
        sa.Column("to_version", sa.String, nullable=False),
        sa.Column("how", sa.String, nullable=False),
        sa.Column("by", sa.String),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("figures", sa.JSON, nullable=False),
        sa.Column("data_fingerprint", sa.String, nullable=False),
        sa.Column("feature_fingerprint", sa.String, nullable=False),
        sa.Column("model_version", sa.String, nullable=False),
        sa.UniqueConstraint("kind", "at"),
        sqlite_autoincrement=True,
    )
    if op.get_bind().dialect.name == "postgresql":
        _guard_on_postgres()
    else:
        _guard_on_sqlite()


def _guard_on_sqlite() -> None:
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER promotions_no_{change.lower()} BEFORE {change} ON promotions "
            "BEGIN SELECT RAISE(ABORT, 'the promotion log is append-only'); END"
        )
    # `INSERT OR REPLACE` removes the row it replaces without asking a trigger of DELETE.
    op.execute(
        "CREATE TRIGGER promotions_no_replace BEFORE INSERT ON promotions "
        "WHEN EXISTS (SELECT 1 FROM promotions "
        "WHERE id = NEW.id OR (kind = NEW.kind AND at = NEW.at)) "
        "BEGIN SELECT RAISE(ABORT, 'the promotion log is append-only'); END"
    )


def _guard_on_postgres() -> None:
    op.execute(
        "CREATE FUNCTION promotions_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the promotion log is append-only'; END $$"
    )
    # `INSERT ... ON CONFLICT DO UPDATE` asks this trigger too.
    op.execute(
        "CREATE TRIGGER promotions_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON promotions "
        "FOR EACH STATEMENT EXECUTE FUNCTION promotions_append_only()"
    )
