"""Changes of settings by an admin, and the digests that were sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from serving.store.migrations.append_only import keep_append_only

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the tables, and the triggers that keep them append-only."""
    op.create_table(
        "setting_overrides",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("value", sa.JSON),
        sqlite_autoincrement=True,
    )
    keep_append_only("setting_overrides", "1 = 0", "the log of settings is append-only")
    op.create_table(
        "digests",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("reader", sa.String, nullable=False, index=True),
        sa.Column("items", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    keep_append_only("digests", "1 = 0", "the log of digests is append-only")
