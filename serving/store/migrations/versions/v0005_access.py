"""Tokens, sessions, secrets, the log of views with its notes, and the people who are forgotten."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from serving.store.migrations.append_only import keep_append_only

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables, and the triggers that keep the logs among them append-only."""
    op.create_table(
        "tokens",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("rep_id", sa.String),
        sa.Column("sha256", sa.String, nullable=False, unique=True),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime),
        sa.Column("revoked_at", sa.DateTime),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sessions",
        sa.Column("sha256", sa.String, primary_key=True),
        sa.Column("token_id", sa.String, sa.ForeignKey("tokens.id"), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
        sa.Column("ended_at", sa.DateTime),
    )
    op.create_table(
        "secrets",
        sa.Column("purpose", sa.String, primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("secret", sa.String, nullable=False),
    )
    _make_logs()


def _make_logs() -> None:
    op.create_table(
        "views",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("viewer_id", sa.String, nullable=False),
        sa.Column("viewer", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("rep_id", sa.String, nullable=False, index=True),
        sa.Column("what", sa.String, nullable=False),
        sqlite_autoincrement=True,
    )
    keep_append_only("views", "1 = 0", "the log of views is append-only")
    op.create_table(
        "view_notes",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("view_id", sa.Integer, nullable=False, index=True),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sqlite_autoincrement=True,
    )
    keep_append_only("view_notes", "1 = 0", "notes beside views are append-only")
    op.create_table(
        "forgotten",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.UniqueConstraint("kind", "hash"),
        sqlite_autoincrement=True,
    )
    keep_append_only(
        "forgotten",
        "kind = NEW.kind AND hash = NEW.hash",
        "who was forgotten stays forgotten",
    )
