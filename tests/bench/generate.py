"""A made-up company of any size, written as an ingest would: files sorted by lead and time."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from features.ingest.parsing import SQL_TYPES
from features.snapshot import grid
from features.storage.catalog import WarehouseMeta
from features.tables import TABLES, ColumnKind

DAY_US = 86_400_000_000
DAYS = 730
START = datetime(2023, 1, 1)
END = START + timedelta(days=DAYS)
EVERY_DAYS = 28
SNAPSHOTS_A_LEAD = 4.0
TYPES = ("email", "call", "web_visit", "note", "meeting", "form", "linkedin", "sms")
TYPE_SHARES = (0.38, 0.22, 0.18, 0.08, 0.05, 0.04, 0.03, 0.02)
DIRECTIONS = ("outbound", "inbound", "internal")
DIRECTION_SHARES = (0.6, 0.3, 0.1)
OUTCOMES = ("connected", "no_answer", "replied", "bounced")
STAGES = ("new", "contacted", "qualified")
REPS = 200
LATE_SHARE = 0.05

CUTOFFS = grid(START + timedelta(days=EVERY_DAYS), END, EVERY_DAYS)

Ints = npt.NDArray[np.int64]


def generate(folder: Path, activities: int, snapshots: int, seed: int = 7) -> WarehouseMeta:
    """Write the tables once; a folder that holds them already is used again."""
    meta = WarehouseMeta(
        folder,
        frozenset({"leads", "activities", "reps", "changes"}),
        END,
        declared=True,
        fingerprint="bench",
        source="bench",
    )
    if (folder / "done").exists():
        return meta
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    leads = round(snapshots / SNAPSHOTS_A_LEAD)
    start = np.datetime64(START, "us").astype(np.int64)
    created = start + (rng.random(leads) * DAYS * DAY_US).astype(np.int64)
    # Open for as long as makes the wanted number of snapshots, those cut off at the end aside.
    open_days = EVERY_DAYS * SNAPSHOTS_A_LEAD * 1.083 * rng.uniform(0.6, 1.4, leads)
    ended = created + (open_days * DAY_US).astype(np.int64)
    ids = np.char.add("L", np.char.zfill(np.arange(leads).astype(str), 7))
    rep = rng.integers(0, REPS, leads)
    won = rng.random(leads) < 0.25
    _write(folder, "leads", _leads(rng, ids, created, ended, rep, won))
    _write(folder, "activities", _activities(rng, activities, ids, created, ended, rep))
    _write(folder, "changes", _changes(rng, ids, created, ended))
    names = pa.array(_rep_ids(np.arange(REPS)))
    _write(
        folder,
        "reps",
        {
            "rep_id": names,
            "name": names,
            "hired_at": _times(start - rng.integers(0, 1000, REPS) * DAY_US),
        },
    )
    for name in TABLES:
        if name not in meta.present:
            _write(folder, name, {})
    (folder / "done").touch()
    return meta


def _leads(
    rng: np.random.Generator,
    ids: npt.NDArray[np.str_],
    created: Ints,
    ended: Ints,
    rep: Ints,
    won: npt.NDArray[np.bool_],
) -> dict[str, pa.Array]:
    over = ended < np.datetime64(END, "us").astype(np.int64)
    owned = rng.random(len(ids)) < 0.9
    return {
        "lead_id": pa.array(ids),
        "created_at": _times(created),
        "rep_id": pa.array(_rep_ids(rep), mask=~owned),
        "source": _words(rng.integers(0, 4, len(ids)), ("web", "fair", "partner", "list")),
        "value": pa.array(rng.lognormal(9, 1, len(ids)).round()),
        "converted_at": _times(ended, over & won),
        "lost_at": _times(ended, over & ~won),
    }


def _activities(
    rng: np.random.Generator,
    count: int,
    ids: npt.NDArray[np.str_],
    created: Ints,
    ended: Ints,
    rep: Ints,
) -> dict[str, pa.Array]:
    busy = rng.lognormal(0.0, 1.0, len(ids))
    lead = np.sort(rng.choice(len(ids), count, p=busy / busy.sum()))
    end = np.datetime64(END, "us").astype(np.int64)
    life = np.minimum(ended, end)[lead] - created[lead]
    occurred = created[lead] + (rng.beta(1, 2, count) * life).astype(np.int64)
    order = np.lexsort((occurred, lead))
    lead, occurred = lead[order], occurred[order]
    delay = rng.exponential(4 * DAY_US, count).astype(np.int64)
    known = occurred + np.where(rng.random(count) < LATE_SHARE, delay, 0)
    kind = rng.choice(len(TYPES), count, p=TYPE_SHARES)
    talks = np.isin(kind, (TYPES.index("call"), TYPES.index("meeting")))
    outcome = rng.integers(0, len(OUTCOMES) + 1, count)
    by = np.where(rng.random(count) < 0.8, rep[lead], rng.integers(0, REPS, count))
    return {
        "occurred_at": _times(occurred),
        "type": _words(kind, TYPES),
        "lead_id": _words(lead, ids),
        "rep_id": _words(by, _rep_ids(np.arange(REPS))),
        "direction": _words(rng.choice(len(DIRECTIONS), count, p=DIRECTION_SHARES), DIRECTIONS),
        "outcome": _words(outcome, (*OUTCOMES, None)),
        "duration_s": pa.array(np.where(talks, rng.exponential(300, count).round(), 0.0)),
        "known_at": _times(known),
    }


def _changes(
    rng: np.random.Generator, ids: npt.NDArray[np.str_], created: Ints, ended: Ints
) -> dict[str, pa.Array]:
    """Every lead's way through the first stages, as far as it comes."""
    place = np.tile(np.arange(len(STAGES)), len(ids))
    lead = np.repeat(np.arange(len(ids)), len(STAGES))
    moments = created[lead] + place * (ended - created)[lead] // (len(STAGES) + 1)
    reached = (place <= rng.integers(0, len(STAGES), len(ids))[lead]) & (
        moments < np.datetime64(END, "us").astype(np.int64)
    )
    lead, moments, place = lead[reached], moments[reached], place[reached]
    return {
        "entity_type": pa.array(["lead"] * len(lead)),
        "entity_id": _words(lead, ids),
        "changed_at": _times(moments),
        "field": pa.array(["stage"] * len(lead)),
        "value": _words(place, STAGES),
        "known_at": _times(moments),
    }


def _rep_ids(places: Ints) -> list[str]:
    return [f"R{place:03d}" for place in places]


def _times(us: Ints, filled: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    return pa.array(us, mask=None if filled is None else ~filled).cast(pa.timestamp("us"))


def _words(places: Ints, words: Any) -> pa.Array:
    made = pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32)), pa.array(words))
    return made.cast(pa.string())


def _write(folder: Path, name: str, columns: dict[str, pa.Array]) -> None:
    """Write a table of the schema, columns that are not given empty, as an ingest does."""
    rows = len(next(iter(columns.values()))) if columns else 0
    kinds = {column.name: column.kind for column in TABLES[name].columns}
    types = {
        ColumnKind.ID: pa.string(),
        ColumnKind.TEXT: pa.string(),
        ColumnKind.NUMBER: pa.float64(),
        ColumnKind.TIME: pa.timestamp("us"),
        ColumnKind.BOOLEAN: pa.bool_(),
    }
    assert set(SQL_TYPES) == set(types), "a kind of column was added"
    table = pa.table(
        {
            column: columns.get(column, pa.nulls(rows, types[kind])).cast(types[kind])
            for column, kind in kinds.items()
        }
    )
    pq.write_table(table, folder / f"{name}.parquet", compression="zstd", row_group_size=122_880)
