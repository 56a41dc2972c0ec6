"""Scoring runs, and the scores of leads and reps that each of them made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables. Runs are pruned, so rows may be removed; none is ever changed."""
    op.create_table(
        "score_runs",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("as_of", sa.DateTime, nullable=False),
        sa.Column("made_at", sa.DateTime, nullable=False),
        sa.Column("model_version", sa.String, nullable=False),
        sa.Column("data_fingerprint", sa.String, nullable=False),
        sa.Column("row_count", sa.Integer, nullable=False),
        sa.Column("horizon_days", sa.Integer),
        sa.Column("teams", sa.JSON, nullable=False),
        sa.UniqueConstraint("kind", "key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "lead_scores",
        _run(),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("lead_id", sa.String, nullable=False),
        sa.Column("rep_id", sa.String),
        *(sa.Column(name, sa.Double, nullable=False) for name in ("p", "score")),
        *(sa.Column(name, sa.Double) for name in ("reach", "gain")),
        sa.Column("priority", sa.Double, nullable=False),
        sa.Column("rank", sa.Integer),
        *(sa.Column(name, sa.String, nullable=False) for name in ("band", "evidence")),
        *(sa.Column(name, sa.LargeBinary, nullable=False) for name in ("reasons", "call_reasons")),
        sa.Column("call_evidence", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "position"),
    )
    op.create_index("lead_scores_of_lead", "lead_scores", ["lead_id", "run_id"])
    op.create_table(
        "rep_scores",
        _run(),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("rep_id", sa.String, nullable=False),
        *(sa.Column(name, sa.DateTime, nullable=False) for name in ("period_start", "period_end")),
        *(sa.Column(name, sa.Double, nullable=False) for name in NUMBERS),
        *(sa.Column(name, sa.Boolean, nullable=False) for name in ("at_risk", "has_left")),
        *(sa.Column(name, sa.String, nullable=False) for name in ("evidence", "evidence_says")),
        sa.Column("manager_id", sa.String),
        sa.Column("reasons", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "position"),
    )
    op.create_index("rep_scores_of_rep", "rep_scores", ["rep_id", "run_id"])


NUMBERS = (
    *("quota", "attained", "p_attain", "attainment_p10", "attainment_p50", "attainment_p90"),
    *("expected_open", "expected_new", "range_low", "range_high", "p_in_range"),
)


def _run() -> sa.Column[int]:
    run = sa.ForeignKey("score_runs.id", ondelete="CASCADE")
    return sa.Column("run_id", sa.Integer, run, nullable=False)
