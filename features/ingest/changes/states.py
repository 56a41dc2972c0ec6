"""Versions and snapshots: states of a record, again and again; each difference is a change."""

from __future__ import annotations

from functools import partial

from features.ingest.changes.wanted import (
    KNOWN_AT,
    entity_id,
    field_value,
    known_at,
    names_of,
    own_texts,
)
from features.ingest.csv_rows import FAULT
from features.ingest.language.columns import IdStyle
from features.ingest.language.histories import SnapshotHistory, VersionHistory
from features.ingest.parsing import TextFormat
from features.ingest.shaping.plans import RowsPlan, ShapedColumn, plan_rows
from features.ingest.shaping.reader import Reader
from features.ingest.shaping.rows import RowsWanted, Wanted
from features.ingest.shaping.shaped_rows import Rules, Tally, shape_rows
from features.ingest.shaping.source import Shaping
from features.storage.engine import ident, row, run, text
from features.tables import ColumnKind

_AT, _END = "changed_at", "valid_to"


def state_shaping(
    reader: Reader,
    key: str,
    history: VersionHistory | SnapshotHistory,
    texts: TextFormat,
    ids: IdStyle,
) -> Shaping:
    """Plan the changes between the states of records.

    Args:
        reader: finds the source's table.
        key: where the mapping speaks of the history.
        history: what it says.
        texts: how times are read where it does not say.
        ids: how ids are made to look the same.

    Raises:
        MappingError: the source lacks the table or one of the columns.
    """
    columns = [entity_id(history.id, ids, key)]
    if isinstance(history, VersionHistory):
        columns.append(Wanted(_AT, ColumnKind.TIME, history.valid_from, f"{key}.valid_from"))
        if history.valid_to is not None:
            columns.append(Wanted(_END, ColumnKind.TIME, history.valid_to, f"{key}.valid_to"))
    else:
        columns.append(Wanted(_AT, ColumnKind.TIME, history.taken_at, f"{key}.taken_at"))
    columns += known_at(history, key)
    columns += [
        field_value(history.entity, field, shape, ids, f"{key}.fields.{field}")
        for field, shape in history.fields.items()
    ]
    wanted = RowsWanted(
        key,
        history.table,
        tuple(columns),
        own_moment=(_AT,),
        texts=own_texts(history.day_first, history.timezone, texts),
        rereads=True,
        where=history.where,
    )
    plan = plan_rows(reader, wanted)
    result = tuple(ShapedColumn(name, name) for name in names_of(history))
    return Shaping(plan.raw, result, partial(_shape, plan, history))


def _shape(
    plan: RowsPlan, history: VersionHistory | SnapshotHistory, rules: Rules, name: str
) -> Tally:
    """Make one row for each field that differs from the state before.

    Three states of one record with the fields stage and amount become three changes:

        moment    stage   amount      changes
        March 1   new     100         stage: new, amount: 100 (the first values)
        March 2   new     100         none
        March 3   won     100         stage: won, before it new
    """
    backend, states = plan.columns.reader.backend, f"{name} states"
    tally = shape_rows(plan, rules, states)
    known, is_known_earlier = "", "false"
    if history.known_at is not None:
        known = f"{KNOWN_AT}, "
        # What it repeats may be hidden where it is not.
        since = f"coalesce(try_cast({KNOWN_AT} AS TIMESTAMPTZ), state_at)"
        before = "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
        is_known_earlier = f"coalesce({since} < max({since}) OVER (record {before}), false)"
    queries = [
        f"SELECT source_row, {FAULT}, {text(history.entity)} AS entity_type, entity_id, {_AT}, "
        f"{known}{text(field)} AS field, {value} AS value, "
        f"lag({value}) OVER record AS old_value, row_number() OVER record AS place, "
        f"{is_known_earlier} AS is_known_earlier "
        "FROM distinct_states "
        "WINDOW record AS (PARTITION BY entity_id ORDER BY state_at, source_row)"
        for field, value in ((field, ident(f"value of {field}")) for field in history.fields)
    ]
    run(
        backend,
        f"CREATE OR REPLACE TEMP TABLE {ident(name)} AS WITH distinct_states AS MATERIALIZED "
        f"({_distinct(plan, states)}) SELECT * EXCLUDE (place, is_known_earlier) FROM "
        f"({' UNION ALL '.join(queries)}) WHERE place = 1 OR value IS DISTINCT FROM old_value "
        "OR is_known_earlier "
        "ORDER BY source_row, field",
    )
    (changes,) = row(backend, f"SELECT count(*) FROM {ident(name)}")
    run(backend, f"DROP TABLE {ident(states)}")
    what = "versions" if isinstance(history, VersionHistory) else "rows of snapshots"
    said = f"{plan.raw.where}, whose {what} tell {changes:,} changes"
    return Tally(said, tally.read, tally.shaped, tally.left_out)


def _distinct(plan: RowsPlan, states: str) -> str:
    """Return SQL of the states, each once; a version that ends no later than it begins is none."""
    staged = {column.name: column.staged for column in plan.result()}
    fields = [c.name for c in plan.result() if c.name not in ("entity_id", _AT, _END, KNOWN_AT)]
    values = [f"CAST({ident(staged[f])} AS VARCHAR) AS {ident(f'value of {f}')}" for f in fields]
    moments = ", ".join(f"{staged[n]} AS {n}" for n in (_AT, KNOWN_AT) if n in staged)
    identity = f"{FAULT}, {staged['entity_id']} AS entity_id, {moments}"
    first = f"{KNOWN_AT}, source_row" if KNOWN_AT in staged else "source_row"
    at, end = (f"try_cast({staged.get(n, 'NULL')} AS TIMESTAMPTZ)" for n in (_AT, _END))
    held = f"WHERE coalesce({end} > {at}, true)" if _END in staged else ""
    selected = ", ".join([f"source_row, {at} AS state_at", identity, *values])
    same = ", ".join(["entity_id", _AT, *(ident(f"value of {field}") for field in fields)])
    return (
        f"SELECT * FROM (SELECT {selected} FROM {ident(states)} {held}) "
        f"QUALIFY row_number() OVER (PARTITION BY {same} ORDER BY {first}) = 1"
    )
