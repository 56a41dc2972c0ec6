"""Takes forgotten people out of the warehouse that is in place, as an ingest would leave them out.

A new warehouse takes its place in one step, and a new quarantine with it. The warehouses before it
are removed at once, though somebody may read them still: they hold what is to be gone.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ibis.backends.duckdb import Backend

from features.ingest.forgotten import (
    ABOUT,
    FIELDS,
    KINDS,
    REFERS,
    Forgotten,
    Present,
    blank_rows,
    is_about,
    renamings,
)
from features.ingest.profile import fingerprint
from features.params import IngestParams
from features.storage.catalog import WarehouseMeta, current, exclusive, publish
from features.storage.engine import engine, ident, parquet, row, rows, write
from features.storage.engine import text as quoted
from features.tables import TABLES


def erase_people(home: Path, forgotten: Forgotten, params: IngestParams) -> dict[str, int]:
    """Take forgotten people out of the current warehouse.

    Args:
        home: holds it.
        forgotten: the people.
        params: memory and threads of the engine.

    Returns:
        The rows that are gone, by table; nothing where nobody was there, and no new warehouse.

    Raises:
        NotReady: nothing was ingested yet.
        InputError: an ingest is at work.
    """
    with exclusive(home) as partial:
        meta = current(home)
        backend = engine(params.memory_gb, params.threads, partial / "spill")
        try:
            present = people_in(backend, meta.path, quarantined(home), forgotten)
            if not present:
                _remove_others(meta.path)
                return {}
            gone = {name: _copy(backend, meta.path, partial, name, present) for name in TABLES}
            _copy_quarantine(backend, home, partial, present)
            pointer = _pointer(home, backend, meta, partial)
        finally:
            backend.disconnect()
            shutil.rmtree(partial / "spill", ignore_errors=True)
        _remove_others(publish(home, partial, pointer, _report(home, pointer)))
    return {name: count for name, count in gone.items() if count}


def _remove_others(kept: Path) -> None:
    """Remove the warehouses before the current one."""
    for folder in kept.parent.iterdir():
        if folder.is_dir() and folder != kept and folder.suffix != ".partial":
            shutil.rmtree(folder, ignore_errors=True)


def quarantined(home: Path) -> list[Path]:
    """Return the files of the quarantine."""
    return sorted((home / "data" / "quarantine").glob("*.parquet"))


def people_in(
    backend: Backend, folder: Path, quarantine: Sequence[Path], forgotten: Forgotten
) -> Present:
    """Find the forgotten people among the ids of a warehouse and in any cell of a quarantine."""
    ids: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for table in TABLES:
        source = parquet(folder / f"{table}.parquet")
        named = [*ABOUT.get(table, {}).items(), *REFERS.get(table, {}).items()]
        queries = [(kind, f"SELECT DISTINCT {name} FROM {source}") for name, kind in named]
        if table == "changes":
            queries += [
                (kind, f"SELECT DISTINCT entity_id FROM {source} WHERE entity_type = '{kind}'")
                for kind in KINDS
            ]
            queries += [
                (kind, f"SELECT DISTINCT {name} FROM {source} WHERE field = {quoted(changed)}")
                for changed, kind in FIELDS.items()
                for name in ("value", "old_value")
            ]
        for kind, query in queries:
            ids[kind].update(name for (name,) in rows(backend, query) if name is not None)
    for path in quarantine:
        for name in _originals(backend, path):
            query = f"SELECT DISTINCT {ident(name)} FROM {parquet(path)}"
            cells = {str(cell) for (cell,) in rows(backend, query) if cell is not None}
            for kind in KINDS:
                ids[kind] |= cells
    return Present({kind: forgotten.among(kind, sorted(ids[kind])) for kind in KINDS})


def _originals(backend: Backend, path: Path) -> list[str]:
    """Return the columns of a quarantine file that hold what the source held."""
    described = rows(backend, f"DESCRIBE SELECT * FROM {parquet(path)}")
    return [str(name) for (name, *_) in described if name not in {"source_row", "reason"}]


def _copy_quarantine(backend: Backend, home: Path, partial: Path, present: Present) -> None:
    """Copy the quarantine; nothing is kept of a row with such an id in any of its cells."""
    target = partial / "quarantine"
    target.mkdir()
    for path in quarantined(home):
        names = _originals(backend, path)
        holds = [present.is_any(kind, ident(name)) for kind in KINDS for name in names]
        blank_rows(backend, path, target / path.name, " OR ".join(holds) or "false")


def _copy(backend: Backend, old: Path, new: Path, table: str, present: Present) -> int:
    """Copy a table without the rows about people, and return how many those were."""
    source, target = parquet(old / f"{table}.parquet"), new / f"{table}.parquet"
    cases: dict[str, str] = {}
    for name, condition, value in renamings(table, present, ident):
        before = cases.get(name, ident(name))
        cases[name] = f"CASE WHEN {condition} THEN {value} ELSE {before} END"
    replaced = ", ".join(f"{value} AS {ident(name)}" for name, value in cases.items())
    columns = f"* REPLACE ({replaced})" if replaced else "*"
    is_gone = is_about(table, present, ident)
    where = "" if is_gone is None else f" WHERE NOT coalesce({is_gone}, false)"
    write(backend, f"SELECT {columns} FROM {source}{where}", target)
    counts = [row(backend, f"SELECT count(*) FROM {parquet(f)}")[0] for f in (
        old / f"{table}.parquet", target)]  # fmt: skip
    return int(counts[0] - counts[1])


def _pointer(home: Path, backend: Backend, meta: WarehouseMeta, partial: Path) -> dict[str, Any]:
    """Return what will be said of the new warehouse: the same, but for its fingerprint."""
    pointer: dict[str, Any] = json.loads((home / "data" / "current.json").read_text("utf-8"))
    files = {name: partial / f"{name}.parquet" for name in sorted(meta.present)}
    until = meta.data_until if pointer["data_until"] is not None else None
    described = {k: v for k, v in pointer.items() if k not in {"warehouse", "before"}}
    return described | {"fingerprint": fingerprint(backend, files, until)}


def _report(home: Path, pointer: Mapping[str, Any]) -> str:
    """Return the report of the last ingest, of which only the fingerprint has changed."""
    path = home / "data" / "ingest-report.json"
    report = json.loads(path.read_text("utf-8")) | {"fingerprint": pointer["fingerprint"]}
    return json.dumps(report, indent=1, ensure_ascii=False)
