"""The log of retrains: rows are added, and neither changed nor removed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table, and the triggers that keep it append-only."""
    op.create_table(
        "retrains",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("run", sa.String, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("event", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("mapping", sa.String),
        sa.Column("inputs", sa.JSON, nullable=False),
        sa.Column("result", sa.JSON, nullable=False),
        sa.Column("steps", sa.JSON, nullable=False),
        sa.UniqueConstraint("run", "event"),
        sqlite_autoincrement=True,
    )
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER retrains_no_{change.lower()} BEFORE {change} ON retrains "
            "BEGIN SELECT RAISE(ABORT, 'the log of retrains is append-only'); END"
        )
    # `INSERT OR REPLACE` removes the row it replaces without asking a trigger of DELETE.
    op.execute(
        "CREATE TRIGGER retrains_no_replace BEFORE INSERT ON retrains "
        "WHEN EXISTS (SELECT 1 FROM retrains "
        "WHERE id = NEW.id OR (run = NEW.run AND event = NEW.event)) "
        "BEGIN SELECT RAISE(ABORT, 'the log of retrains is append-only'); END"
    )
