"""The promotion log: rows are added, and neither changed nor removed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from serving.store.migrations.append_only import keep_append_only

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
    keep_append_only(
        "promotions", "kind = NEW.kind AND at = NEW.at", "the promotion log is append-only"
    )
