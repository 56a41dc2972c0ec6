"""Rows from after the outcome: activities that come with the conversion."""

from __future__ import annotations

from collections.abc import Iterator

from features.history.vocabulary import Vocabulary
from features.storage.warehouse import Warehouse
from training.checks.column_auc import FEWEST
from training.checks.finding import Finding

NEAR_SECONDS = 600
MOST = 0.9
"""Share of an activity's rows near or after the conversion that makes it a part of it."""


def post_outcome_findings(warehouse: Warehouse, vocabulary: Vocabulary) -> Iterator[Finding]:
    """Name kinds of activities that come with the conversion."""
    if vocabulary.types:
        yield from _with_conversion(warehouse, "type")
    if vocabulary.outcomes:
        yield from _with_conversion(warehouse, "outcome")


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
