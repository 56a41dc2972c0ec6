"""The log of retrains: rows are added, and neither changed nor removed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from serving.store.migrations.append_only import keep_append_only

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
    keep_append_only(
        "retrains", "run = NEW.run AND event = NEW.event", "the log of retrains is append-only"
    )
