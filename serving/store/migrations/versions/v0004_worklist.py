"""Call lists as they were handed out, the lots drawn for them, and the secret behind the lots."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from serving.store.migrations.append_only import keep_append_only

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables, and the triggers that keep them append-only."""
    op.create_table(
        "lot_secret",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("secret", sa.String, nullable=False),
        sa.CheckConstraint("id = 1", name="one_secret"),
    )
    keep_append_only("lot_secret", "1 = 1", "the secret of the lots never changes")
    op.create_table(
        "enrolments",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("lead_id", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("rep_id", sa.String),
        sa.Column("enrolled_at", sa.DateTime, nullable=False),
        sa.Column("ends_at", sa.DateTime, nullable=False),
        sa.Column("place", sa.String, nullable=False),
        sa.Column("arm", sa.String, nullable=False),
        sa.Column("propensity", sa.Float, nullable=False),
        sa.Column("p", sa.Float, nullable=False),
        sa.Column("value", sa.Float, nullable=False),
        sa.Column("priority", sa.Float, nullable=False),
        sa.Column("model_version", sa.String, nullable=False),
        sa.UniqueConstraint("lead_id", "number"),
        sqlite_autoincrement=True,
    )
    keep_append_only(
        "enrolments",
        "lead_id = NEW.lead_id AND number = NEW.number",
        "the log of lots is append-only",
    )
    op.create_table(
        "listings",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("as_of", sa.DateTime, nullable=False),
        sa.Column("rep_id", sa.String),
        sa.Column("lead_id", sa.String, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("why", sa.String, nullable=False),
        sa.Column("priority", sa.Float, nullable=False),
        sa.Column("model_version", sa.String, nullable=False),
        sa.UniqueConstraint("day", "lead_id"),
        sqlite_autoincrement=True,
    )
    keep_append_only(
        "listings",
        "day = NEW.day AND lead_id = NEW.lead_id",
        "the log of call lists is append-only",
    )
