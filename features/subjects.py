"""What snapshots are taken of: leads, deals, and reps with a quota."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Subject:
    """A kind of thing that is described as of a cutoff.

    Attributes:
        kind: its name, as `changes` and feature sets say it.
        key: the column that holds its id, in its own table and in those that refer to it.
        table: its own table.
        keys: the columns that name its examples, which are ordered by id and cutoff.
        age: the column of its snapshots that holds its age in microseconds.
        own_fields: fields of `changes` that are no features as they are: they have features of
            their own, or are ids.
        stages_of: the kind of thing whose stages it goes by.
    """

    kind: str
    key: str
    table: str
    keys: tuple[str, ...]
    age: str
    own_fields: tuple[str, ...]
    stages_of: str


LEAD = Subject(
    "lead",
    "lead_id",
    "leads",
    ("lead_id", "cutoff", "owner"),
    "lead_age_us",
    ("stage", "rep_id", "account_id"),
    "lead",
)
DEAL = Subject(
    "deal",
    "deal_id",
    "deals",
    ("deal_id", "cutoff", "owner", "amount", "expected_close_at", "lead_id", "created_at"),
    "deal_age_us",
    ("stage", "rep_id", "amount", "expected_close_at", "lead_id", "account_id"),
    "deal",
)
REP = Subject(
    "rep",
    "rep_id",
    "reps",
    (
        "rep_id",
        "period_start",
        "period_end",
        "cutoff",
        "quota",
        "attained",
        "manager_id",
        "role",
        "team",
        "territory",
        "segment",
        "has_left",
        "hired_at",
    ),
    "rep_age_us",
    ("stage",),
    "deal",
)
"""A rep in a quota period. A rep's columns are described as they stood, so no further fields."""

SUBJECTS = {subject.kind: subject for subject in (LEAD, DEAL, REP)}
