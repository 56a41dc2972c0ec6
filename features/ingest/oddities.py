"""What reads but cannot be meant: years far from the rest, and words of another system."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.ingest.finding import DataFinding, share
from features.storage.engine import moment, parquet, row, rows
from features.tables import ENTITY_TABLES, TABLES, ColumnKind

_YEAR = timedelta(days=365)
_LEAST_BEFORE = 3 * _YEAR
_MOST_AHEAD = 10 * _YEAR
_FIRST, _LAST = datetime(1, 1, 1), datetime(9999, 12, 31)
_LONG_AGO = 60 * _YEAR
_OLD_ANYWAY = ("hired_at",)
"""Moments that may lie long before an extract begins."""
_ENTITY_WORDS = {
    "lead": ("leads", "contact", "contacts", "prospect", "prospects", "00q"),
    "deal": ("deals", "opportunity", "opportunities", "oppty", "opp", "potential", "potentials"),
    "rep": ("reps", "user", "users", "owner", "owners", "salesperson", "employee"),
    "account": ("accounts", "company", "companies", "organization", "organisation", "customer"),
}
_FIELD_WORDS = {
    "stage": ("stage", "stagename", "dealstage", "leadstage", "salesstage"),
    "rep_id": ("repid", "owner", "ownerid", "hubspotownerid", "assignedto", "assignedtoid"),
    "amount": ("amount", "dealamount", "opportunityamount"),
    "expected_close_at": ("expectedcloseat", "closedate", "expectedclosedate"),
    "manager_id": ("managerid",),
    "territory": ("territory",),
}
_SHOWN = 3
_MOST_DISTINCT = 0.85


def far_dates(
    backend: Backend, files: Mapping[str, Path], until: datetime | None
) -> Iterator[DataFinding]:
    """Say which moments of accepted rows lie years before the others, or years ahead of the end.

    What lies implausibly far beyond the end of events was set aside before (`extent`).

    Args:
        backend: the engine.
        files: the accepted tables that are present.
        until: the end of the data.
    """
    if until is None:
        return
    for name, file in files.items():
        columns = [c.name for c in TABLES[name].columns if c.kind is ColumnKind.TIME]
        if not columns:
            continue
        selected = ", ".join(f"min({c}), max({c})" for c in columns)
        ends = row(backend, f"SELECT {selected} FROM {parquet(file)}")
        for place, column in enumerate(columns):
            first, last = ends[2 * place : 2 * place + 2]
            if first is None:
                continue
            ahead = _moved(until, _MOST_AHEAD)
            if last > ahead:
                is_far = f"{column} > {moment(ahead)}"
                words = f"more than ten years after the data ends ({until:%Y-%m-%d})"
                yield _far(backend, name, column, file, is_far, words)
            low = _lowest_usual(backend, file, column, first, until)
            if low is not None:
                words = f"years before the others, of which 99 % begin in {low[1]:%Y}"
                yield _far(backend, name, column, file, f"{column} < {moment(low[0])}", words)


def _lowest_usual(
    backend: Backend, file: Path, column: str, first: datetime, until: datetime
) -> tuple[datetime, datetime] | None:
    """Return the earliest moment that is no stray, and the 1 % quantile; None without any stray.

    A stray lies before the 1 % quantile by more than three years, and by more than three times
    what lies between that quantile and the median.
    """
    if column in _OLD_ANYWAY:
        limit = _moved(until, -_LONG_AGO)
        return (limit, limit) if first < limit else None
    if until - first <= _LEAST_BEFORE:
        return None
    low, middle = row(
        backend,
        f"SELECT quantile_disc({column}, 0.01), quantile_disc({column}, 0.5) FROM {parquet(file)}",
    )
    least = _moved(low, -max(_LEAST_BEFORE, 3 * (middle - low)))
    return (least, low) if first < least else None


def _moved(at: datetime, by: timedelta) -> datetime:
    """Return a moment moved, no further than moments go."""
    if by > _LAST - at:
        return _LAST
    return _FIRST if by < _FIRST - at else at + by


def _far(
    backend: Backend, name: str, column: str, file: Path, is_far: str, words: str
) -> DataFinding:
    count, of, example = row(
        backend,
        f"SELECT count(*) FILTER ({is_far}), count({column}), min({column}) FILTER ({is_far}) "
        f"FROM {parquet(file)}",
    )
    says = f"{share(count, of)} moments lie {words}, like {example:%Y-%m-%d}: is the year right?"
    return DataFinding(name, column, "far_date", "warning", says, count, of, str(example))


def planned(
    backend: Backend, files: Mapping[str, Path], until: datetime | None
) -> Iterator[DataFinding]:
    """Say which activities lie after the end of the data: they are planned and set no end.

    Args:
        backend: the engine.
        files: the accepted tables that are present.
        until: the end of the data.
    """
    if until is None or "activities" not in files:
        return
    count, last, of = row(
        backend,
        f"SELECT count(*) FILTER (occurred_at > {moment(until)}), max(occurred_at), count(*) "
        f"FROM {parquet(files['activities'])}",
    )
    if count:
        days = (last - until).days
        says = (
            f"{share(count, of)} activities lie after the end of the data, up to {last:%Y-%m-%d} "
            f"({days:,} days after {until:%Y-%m-%d %H:%M}): they were known before they happen, so "
            "they are planned, or their year is wrong, and set no end of the data"
        )
        yield DataFinding(
            "activities", "occurred_at", "planned", "warning", says, count, of, str(last)
        )


def manager_circles(backend: Backend, files: Mapping[str, Path]) -> Iterator[DataFinding]:
    """Say which reps are their own manager, or manage somebody above themselves."""
    if "reps" not in files:
        return
    scan = parquet(files["reps"])
    count, example, of = row(
        backend,
        f"WITH RECURSIVE up AS (SELECT rep_id, manager_id FROM {scan} WHERE manager_id IS NOT NULL "
        f"UNION SELECT up.rep_id, r.manager_id FROM up JOIN {scan} r ON r.rep_id = up.manager_id "
        "WHERE r.manager_id IS NOT NULL) SELECT count(*) FILTER (rep_id = manager_id), "
        f"min(rep_id) FILTER (rep_id = manager_id), (SELECT count(*) FROM {scan}) FROM up",
    )
    if count:
        says = (
            f"{share(count, of)} reps are above themselves, like '{example}': a rep cannot be "
            "their own manager, nor manage somebody above them"
        )
        yield DataFinding("reps", "manager_id", "circle", "warning", says, count, of, example)


def change_words(backend: Backend, files: Mapping[str, Path]) -> Iterator[DataFinding]:
    """Say which entity types and fields of `changes` are words of another system for ours."""
    if "changes" not in files:
        return
    changes = parquet(files["changes"])
    counted = rows(
        backend,
        f"SELECT entity_type, field, count(*) FROM {changes} GROUP BY ALL ORDER BY 3 DESC, 1, 2",
    )
    total = sum(count for *_, count in counted)
    types: dict[str, int] = {}
    fields: dict[tuple[str, str], int] = {}
    for kind, field, count in counted:
        if kind not in ENTITY_TABLES:
            types[kind] = types.get(kind, 0) + count
        right = _right_field(field)
        if right is not None:
            fields[field, right] = fields.get((field, right), 0) + count
    for kind, count in list(types.items())[:_SHOWN]:
        right = next((ours for ours, words in _ENTITY_WORDS.items() if kind in words), None)
        say = f"say '{right}'" if right else f"it is one of {', '.join(ENTITY_TABLES)}"
        says = (
            f"{share(count, total)} changes are of the entity_type '{kind}', which is not known "
            f"and counts for nothing: {say}"
        )
        yield DataFinding(
            "changes", "entity_type", "unknown_word", "warning", says, count, total, kind
        )
    for (field, right), count in list(fields.items())[:_SHOWN]:
        says = (
            f"{share(count, total)} changes are of the field '{field}': if that is what we call "
            f"'{right}', say '{right}'"
        )
        yield DataFinding("changes", "field", "unknown_word", "warning", says, count, total, field)


def _right_field(field: str) -> str | None:
    """Return our name of a field that another system calls so; None where it is ours already."""
    plain = "".join(sign for sign in field.lower() if sign.isalnum())
    right = next((ours for ours, words in _FIELD_WORDS.items() if plain in words), None)
    return None if right == field else right


def repeated_activities(backend: Backend, files: Mapping[str, Path]) -> Iterator[DataFinding]:
    """Say whether activities are there twice though no id says so, as where two exports overlap.

    Those with only a day are left out: two calls of a day may be two calls.
    """
    if "activities" not in files:
        return
    same = "occurred_at, type, lead_id, deal_id, rep_id, direction, outcome, duration_s"
    timed = f"{parquet(files['activities'])} WHERE occurred_at <> date_trunc('day', occurred_at)"
    # An estimate costs little, and is off by a few percent.
    total, about = row(
        backend, f"SELECT count(*), approx_count_distinct(hash({same})) FROM {timed}"
    )
    if about > _MOST_DISTINCT * total:
        return
    (count,) = row(
        backend,
        f"SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM {timed} GROUP BY {same})",
    )
    if count > (1 - _MOST_DISTINCT) * total:
        says = (
            f"{share(int(count), total)} activities with a time of day repeat another one in every "
            "column but the id: if exports overlap, leave one of each out"
        )
        yield DataFinding("activities", None, "repeated", "warning", says, int(count), total)
