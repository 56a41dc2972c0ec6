"""The coaching log: commitments, plans, notes and contested figures, added and never changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from serving.store.migrations.append_only import keep_append_only

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table, and the triggers that keep it append-only."""
    op.create_table(
        "coaching",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("rep_id", sa.String, nullable=False),
        sa.Column("item", sa.Integer, nullable=False),
        sa.Column("event", sa.String, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("figure", sa.String),
        sa.Column("due", sa.DateTime),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.UniqueConstraint("rep_id", "item", "event", "at"),
        sqlite_autoincrement=True,
    )
    keep_append_only(
        "coaching",
        "rep_id = NEW.rep_id AND item = NEW.item AND event = NEW.event AND at = NEW.at",
        "the coaching log is append-only",
    )
