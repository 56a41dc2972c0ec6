"""What is missing of a field's past is told in words that are true, with what to deliver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pyarrow as pa
import pytest
from engines import Engine
from extract import Extract

from features.field_history import FieldHistory
from features.params import FeatureParams
from training.checks.audit import audit
from training.checks.finding import Finding
from training.checks.histories import history_findings
from training.params import TrainingParams

BEGINS = datetime(2024, 5, 1)
END = datetime(2025, 6, 1)
EXTRACT = Extract(
    {name: [] for name in ("leads", "deals", "reps", "accounts")},
    END,
    {"accounts": {"city": pa.string()}},
)


def history(name: str, *counts: int, complete: bool = False) -> FieldHistory:
    """Say what is known of a field: entities, those from creation on, those before the log."""
    entity_type, field = name.split()
    entities, from_creation, before_log = counts
    return FieldHistory(entity_type, field, complete, entities, from_creation, before_log, BEGINS)


def findings_of(duckdb: Engine, *histories: FieldHistory) -> Sequence[Finding]:
    """Check an extract whose fields have these histories."""
    with duckdb.open(EXTRACT) as warehouse:
        return list(history_findings(replace(warehouse, histories=histories)))


def test_a_log_of_later_changes_only_is_a_warning(duckdb: Engine) -> None:
    """How many are known, what is treated as unknown, what is not used, what to deliver."""
    (finding,) = findings_of(duckdb, history("deal amount", 400, 120, 0))
    assert (finding.table, finding.column) == ("deals", "amount")
    assert (finding.kind, finding.severity) == ("incomplete_history", "warning")
    assert finding.says == (
        "deals.amount: known for 120 of the 400 deals with changes of it (30%) from their "
        "creation on. Before the first change shown, a deal's amount is treated as unknown, and "
        "the column in `deals` is never used, since it shows the end of the story. Deliver the "
        "value at creation: a `changes` row when a deal is created, or `old_value` with each row."
    )


def test_the_logs_beginning_is_told_apart(duckdb: Engine) -> None:
    """What is older than the log is no habit of the CRM; if that is all, it is an info."""
    (warning,) = findings_of(duckdb, history("deal amount", 400, 120, 80))
    assert warning.severity == "warning"
    assert "; the log begins on 2024-05-01, and 80 of them are older." in warning.says
    (info,) = findings_of(duckdb, history("lead source", 400, 320, 80, complete=True))
    assert info.severity == "info"
    assert "the log begins on 2024-05-01, and 80 of them are older." in info.says
    assert "the column in `leads` counts only where nothing ever changed" in info.says
    assert "never used" not in info.says
    (one,) = findings_of(duckdb, history("deal amount", 4, 2, 1))
    assert "and 1 of them is older." in one.says


@pytest.mark.parametrize("counts", [(400, 400, 0), (400, 390, 0), (400, 400, 80)])
def test_a_complete_history_is_not_told(duckdb: Engine, counts: tuple[int, int, int]) -> None:
    """Nor is the small share that a complete one may lack."""
    assert not findings_of(duckdb, history("lead source", *counts, complete=True))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lead rep_id", "a lead belongs to the rep of its last activity, and the column in"),
        ("deal rep_id", "a deal belongs to the rep of its last activity, and the column in"),
        ("lead stage", "a lead's stage is treated as unknown. Deliver"),
        ("rep territory", "3 of the 7 reps with changes of it (43%) from their hiring on."),
        ("rep territory", "a `changes` row when a rep is hired (with `hired_at` in `reps`), or"),
        ("account city", "an account's city is treated as unknown, and the column in `accounts`"),
        ("account city", "Deliver the value before the first change: `old_value` with each row"),
    ],
)
def test_the_words_fit_the_field(duckdb: Engine, name: str, words: str) -> None:
    """Owners fall back on work, a field without a column has none, accounts have no creation."""
    (finding,) = findings_of(duckdb, history(name, 7, 3, 0))
    assert words in finding.says


def test_check_tells_it_of_every_table(duckdb: Engine) -> None:
    """With or without leads: the audit itself shows them."""
    names = ("lead source", "deal amount", "rep team", "account city")
    with duckdb.open(EXTRACT) as warehouse:
        known = replace(warehouse, histories=tuple(history(name, 7, 3, 0) for name in names))
        findings = audit(known.until(None), FeatureParams(), TrainingParams())
    told = {(f.table, f.column) for f in findings if f.kind == "incomplete_history"}
    assert told == {
        ("leads", "source"),
        ("deals", "amount"),
        ("reps", "team"),
        ("accounts", "city"),
    }
