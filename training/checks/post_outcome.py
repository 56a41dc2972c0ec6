"""Rows from after the outcome: activities that come with the conversion, rewritten columns."""

from __future__ import annotations

from collections.abc import Iterator

import ibis
import ibis.expr.types as ir

from features.history.vocabulary import Vocabulary
from features.storage.warehouse import Warehouse
from features.tables import LEADS
from training.checks.column_auc import FEWEST
from training.checks.finding import Finding

NEAR_SECONDS = 600
MOST = 0.9
"""Share of an activity's rows near or after the conversion that makes it a part of it."""


def post_outcome_findings(warehouse: Warehouse, vocabulary: Vocabulary) -> Iterator[Finding]:
    """Name kinds of activities that come with the conversion, and columns that were rewritten."""
    if vocabulary.types:
        yield from _with_conversion(warehouse, "type")
    if vocabulary.outcomes:
        yield from _with_conversion(warehouse, "outcome")
    yield from _rewritten(warehouse, vocabulary)


def _with_conversion(warehouse: Warehouse, column: str) -> Iterator[Finding]:
    """Find words of a column whose rows nearly all come with the conversion or after it.

    Rows just before the conversion are visible to a forecast made minutes before it: a warning.
    Rows at or after it never are, since the lead is closed by then: an info.
    """
    rows, leads = warehouse["activities"], warehouse["leads"]
    rows = rows.filter(rows.lead_id.notnull() & rows[column].notnull())
    joined = rows.inner_join(leads.select("lead_id", "converted_at"), "lead_id")
    gap = joined.occurred_at.delta(joined.converted_at, unit="second")
    grouped = joined.group_by(word=joined[column]).aggregate(
        n=joined.count(),
        leads=joined.lead_id.nunique(),
        just_before=((gap >= -NEAR_SECONDS) & (gap < 0)).sum(),
        at_or_after=(gap >= 0).sum(),
    )
    for row in sorted(warehouse.arrow(grouped).to_pylist(), key=lambda r: str(r["word"])):
        before, after = row["just_before"] or 0, row["at_or_after"] or 0
        with_it = before + after
        if row["leads"] < FEWEST or with_it < MOST * row["n"]:
            continue
        what = (
            f"activities.{column} '{row['word']}' comes with or after the conversion "
            f"({with_it:,} of {row['n']:,} rows)"
        )
        if before > after:
            says = (
                f"{what}, mostly minutes before it: it is the conversion, not a sign of it; "
                "check that converted_at is not stamped late"
            )
            yield Finding("activities", column, "with_conversion", "warning", says)
        else:
            says = f"{what}: no forecast sees it, since its lead is closed by then"
            yield Finding("activities", column, "with_conversion", "info", says)


def _rewritten(warehouse: Warehouse, vocabulary: Vocabulary) -> Iterator[Finding]:
    """Find columns of leads that hold another value now than when the lead was created."""
    leads, changes = warehouse["leads"], warehouse["changes"]
    rows = changes.filter(changes.entity_type == "lead")
    fields = warehouse.arrow(rows.select("field").distinct())["field"].to_pylist()
    skipped = {LEADS.key[0], LEADS.event_time, *LEADS.end_of_story}
    for name in sorted(set(fields) & set(leads.columns) - skipped):
        counts = _rewrites(warehouse, rows.filter(rows.field == name), name)
        if counts["n"] < FEWEST or not counts["changed"]:
            continue
        is_used = f"leads.{name}" in vocabulary.columns
        do = (
            "it is used as if known at creation: leave the column out, its history is enough"
            if is_used
            else "what it was at a moment comes from `changes`, and the column is not used"
        )
        says = (
            f"leads.{name} was rewritten after creation for {counts['changed']:,} of "
            f"{counts['n']:,} leads with a history in `changes`: {do}"
        )
        yield Finding("leads", name, "rewritten", "warning" if is_used else "info", says)


def _rewrites(warehouse: Warehouse, rows: ir.Table, name: str) -> dict[str, int]:
    """Count leads with a history of a field, and those whose field changed after creation.

    A field changed if its value now is not its first value, or if any change came after the
    creation. Numbers are compared as numbers, so that "10" and "10.0" are the same.
    """
    leads = warehouse["leads"].select("lead_id", "created_at", now=name)
    histories = rows.group_by(lead_id=rows.entity_id).aggregate(
        first=rows["value"].argmin(rows.changed_at), last_at=rows.changed_at.max()
    )
    joined = leads.inner_join(histories, "lead_id")
    is_other = (
        joined.now.cast("float64") != joined["first"].try_cast("float64")
        if joined.now.type().is_numeric()
        else joined.now.cast("string") != joined["first"]
    )
    later = joined.last_at > joined.created_at
    changed = is_other.fill_null(ibis.literal(value=False)) | later
    counts = warehouse.arrow(joined.aggregate(n=joined.count(), changed=changed.sum()))
    return {key: int(value or 0) for key, value in counts.to_pylist()[0].items()}
