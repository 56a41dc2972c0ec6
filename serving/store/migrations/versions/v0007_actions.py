"""What people do at the work list, who is away, posted events, and what reps commit to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from serving.store.migrations.append_only import keep_append_only

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables, and the triggers that keep them append-only."""
    op.add_column("listings", sa.Column("pool_of", sa.String))
    _log(
        "work_actions",
        sa.Column("lead_id", sa.String, nullable=False),
        sa.Column("rep_id", sa.String),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("until", sa.DateTime),
        sa.Column("reason", sa.String),
        sa.Column("undoes", sa.String),
    )
    _log(
        "absences",
        sa.Column("rep_id", sa.String, nullable=False),
        sa.Column("first_day", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("undoes", sa.String),
    )
    _log(
        "posted_events",
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("row", sa.JSON, nullable=False),
    )
    _log(
        "rep_commits",
        sa.Column("rep_id", sa.String, nullable=False),
        sa.Column("period_start", sa.DateTime, nullable=False),
        sa.Column("made_at", sa.DateTime),
        sa.Column("amount", sa.Float, nullable=False),
        sa.Column("best_case", sa.Float),
    )


def _log(name: str, *columns: sa.Column[object]) -> None:
    """Make a log whose rows are told apart by the key that came with each."""
    op.create_table(
        name,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        *columns,
        sa.UniqueConstraint("key"),
        sqlite_autoincrement=True,
    )
    keep_append_only(name, "key = NEW.key", f"the log {name} is append-only")
