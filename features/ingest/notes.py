"""What was accepted but is worth knowing: counts for each table, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.ingest.columns import Field, Plan
from features.ingest.quarantine import accepted_rows
from features.ingest.references import references_of
from features.storage.engine import ident, parquet, row
from features.tables import ENTITY_TABLES, Table


def reading_notes(backend: Backend, plan: Plan, rejected: str) -> dict[str, int]:
    """Count the values of accepted rows that were emptied or rewritten while they were read."""
    counts: dict[str, str] = {}
    counted, only = [], accepted_rows(backend, rejected)
    for field in plan.fields:
        before = len(counts)
        if plan.is_plain and field.is_text and field.is_same:
            continue
        if not field.always_parses and (field.column is None or not field.column.required):
            counts[unreadable_note(field)] = f"count(*) FILTER ({field.unreadable})"
        if field.note:
            # Of CSV texts some are rewritten, of another type all are.
            is_rewritten = (
                f"{field.written} <> {field.value}" if plan.matched.raw.is_csv else "true"
            )
            counts[f"{field.name}: {field.note}"] = f"count({field.value}) FILTER ({is_rewritten})"
        if len(counts) > before:
            counted.append(field)
    if amended := dict(_amended(plan)):
        counts |= amended
        counted = list({f.name: f for f in (*counted, *_schema(plan), *plan.beside)}.values())
    elif counted and plan.matched.raw.is_csv:
        # In other rows every value is as it is written.
        only += f" AND ({' OR '.join(f'{field.written} IS NOT NULL' for field in counted)})"
    return _counted(backend, counts, f"{plan.rows(*counted)} WHERE {only}")


def unreadable_note(field: Field) -> str:
    """Return what a report calls the values of a column that cannot be read."""
    kind = field.kind.value if field.kind else "whole number"
    return f"{field.name}: cannot be read as {'an' if kind == 'id' else 'a'} {kind}, emptied"


def _schema(plan: Plan) -> Iterator[Field]:
    return (field for field in plan.fields if field.column is not None)


def _amended(plan: Plan) -> Iterator[tuple[str, str]]:
    """Go through the values that were replaced: words, and SQL of the count."""
    for name, amendments in plan.amendments.items():
        earlier: list[str] = []
        for amendment in amendments:
            is_first = "".join(f" AND NOT coalesce({condition}, false)" for condition in earlier)
            earlier.append(amendment.condition)
            if amendment.note:
                count = f"count(*) FILTER ({amendment.condition}{is_first})"
                yield f"{name}: {amendment.note}", count


def content_notes(backend: Backend, plan: Plan, files: Mapping[str, Path]) -> dict[str, int]:
    """Count what is odd in an accepted table, by itself and beside the other tables.

    Args:
        backend: the engine.
        plan: how the table was read.
        files: the accepted tables that are present, this one among them.
    """
    table = plan.matched.table
    rows = parquet(files[table.name])
    notes = _counted(backend, dict(_own_notes(plan)), rows)
    for note, odd_rows in _notes_beside_others(table, plan, files):
        notes |= _counted(backend, {note: "count(*)"}, odd_rows)
    return notes


def _own_notes(plan: Plan) -> Iterator[tuple[str, str]]:
    """Go through the notes that need only this table: words, and SQL of the count."""
    table = plan.matched.table
    for field in plan.schema_fields():
        # Once filled from the event time, a known_at no longer shows that it was empty.
        if field.column is not None and not field.column.required and field.name != table.known_at:
            yield f"{field.name}: empty", f"count(*) - count({ident(field.name)})"
    if table.known_at is not None and table.event_time is not None:
        before = f"{table.known_at} < {table.event_time}"
        yield f"known_at: before {table.event_time}", f"count(*) FILTER ({before})"
    if table.name == "activities":
        yield "neither lead_id nor deal_id", "count(*) FILTER (lead_id IS NULL AND deal_id IS NULL)"
        yield "duration_s: negative", "count(*) FILTER (duration_s < 0)"
    if table.name == "leads":
        both = "converted_at IS NOT NULL AND lost_at IS NOT NULL"
        yield "both converted and lost", f"count(*) FILTER ({both})"
    if table.name == "deals":
        yield "won without closed_at", "count(*) FILTER (closed_at IS NULL AND won)"
    if table.name == "changes":
        kinds = tuple(ENTITY_TABLES)
        yield "entity_type: not known", f"count(*) FILTER (entity_type NOT IN {kinds})"
    if table.name == "quotas":
        yield "amount: not above zero", "count(*) FILTER (amount <= 0)"


def _notes_beside_others(
    table: Table, plan: Plan, files: Mapping[str, Path]
) -> Iterator[tuple[str, str]]:
    """Go through the notes that need another table: words, and SQL of the rows to count."""
    own = parquet(files[table.name])
    columns = {field.name for field in plan.schema_fields()}
    for reference in references_of(table.name, columns, files):
        yield reference.note, reference.unmatched
    if table.name == "activities" and "lead_id" in columns and "leads" in files:
        yield (
            "occurred_at: before the lead was created",
            (
                f"{own} a JOIN {parquet(files['leads'])} l ON a.lead_id = l.lead_id "
                "WHERE a.occurred_at < l.created_at"
            ),
        )


def _counted(backend: Backend, counts: Mapping[str, str], source: str) -> dict[str, int]:
    """Run all counts in one scan and return those above 0."""
    if not counts:
        return {}
    numbers = row(backend, f"SELECT {', '.join(counts.values())} FROM {source}")
    return {note: int(n) for note, n in zip(counts, numbers, strict=True) if n}
