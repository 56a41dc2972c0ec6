"""The warehouse on disk: one folder per extract, and one small file that points to it.

    HOME/data/current.json               which warehouse is current, and what it holds
    HOME/data/warehouses/<id>/           the tables; the one before is kept for those reading it
    HOME/data/warehouses/<id>.partial/   an ingest at work, or what a killed one left behind
    HOME/data/ingest-report.json         what was read, accepted and turned away
    HOME/data/quarantine/<table>.parquet the rows turned away

A reader follows the pointer, and the pointer is replaced in one step once everything it
points to is complete: whenever an ingest dies, the warehouse before it is what is read.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from features.errors import InputError, NotReady

NO_EVENTS = datetime.min  # noqa: DTZ901 - stored times are naive UTC
"""`data_until` of an extract without a single event: nothing in it is ever mature."""

_ID = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}(\.partial)?")


@dataclass(frozen=True)
class WarehouseMeta:
    """The current warehouse.

    Attributes:
        path: the folder that holds `<table>.parquet` for every table of the schema.
        present: tables the source held; the others are there without rows.
        data_until: events are known up to here; `NO_EVENTS` if there are none.
        declared: `data_until` was given, not found in the data.
        fingerprint: of the accepted content; the same input gives the same.
        source: the folder or URL it was read from, without a password.
        mapping: the mapping file it was read with.
    """

    path: Path
    present: frozenset[str]
    data_until: datetime
    declared: bool
    fingerprint: str
    source: str
    mapping: Path | None = None


def current(home: Path) -> WarehouseMeta:
    """Find the current warehouse.

    Raises:
        NotReady: nothing has been ingested under this home.
    """
    content = _pointer(home)
    if content is None:
        raise NotReady(f"no data yet in {home}: run `pacesetter ingest SOURCE` first")
    until, mapping = content["data_until"], content["mapping"]
    return WarehouseMeta(
        path=_warehouses(home) / content["warehouse"],
        present=frozenset(content["present"]),
        data_until=NO_EVENTS if until is None else datetime.fromisoformat(until),
        declared=content["data_until_declared"],
        fingerprint=content["fingerprint"],
        source=content["source"],
        mapping=None if mapping is None else Path(mapping),
    )


@contextmanager
def exclusive(home: Path) -> Iterator[Path]:
    """Hold the home for one ingest, and give it an empty folder to fill.

    The lock belongs to the open file, so the system releases it when its holder dies, however
    it dies; the number written into it is for people.
    """
    partial = (
        _warehouses(home) / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}.partial"
    )
    try:
        _warehouses(home).mkdir(parents=True, exist_ok=True)
        lock = (home / "data" / "ingest.lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write under {home / 'data'}: {error.strerror}") from None
    with lock:
        _take(lock, home)
        _remove_leftovers(home)
        partial.mkdir()
        try:
            yield partial
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def publish(home: Path, partial: Path, pointer: Mapping[str, Any], report: str) -> Path:
    """Make a filled folder the current warehouse; returns where it is now."""
    last = _pointer(home)
    final = partial.with_suffix("")
    before = last["warehouse"] if last else None
    content = {"warehouse": final.name, "before": before, **pointer}
    quarantine = home / "data" / "quarantine"
    (partial / "quarantine").mkdir(exist_ok=True)
    partial.rename(final)
    _replace(home / "data" / "current.json", json.dumps(content, indent=1))
    shutil.rmtree(quarantine, ignore_errors=True)
    (final / "quarantine").rename(quarantine)
    _replace(home / "data" / "ingest-report.json", report)
    _remove(home, keep={final.name, before})
    return final


def _take(lock: Any, home: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "another process"
        raise InputError(
            f"another ingest is at work in {home} (process {holder}); wait until it ends"
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()


def _pointer(home: Path) -> dict[str, Any] | None:
    path = home / "data" / "current.json"
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {error}; remove it and ingest again") from None
    return content


def _replace(path: Path, content: str) -> None:
    new = path.with_name(path.name + ".new")
    with new.open("w", encoding="utf-8") as file:
        file.write(content + "\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _remove_leftovers(home: Path) -> None:
    """Remove what killed ingests left: partial folders, and full ones never pointed to."""
    pointer = _pointer(home)
    _remove(home, keep={pointer["warehouse"], pointer["before"]} if pointer else set())


def _remove(home: Path, keep: set[str | None]) -> None:
    """Remove warehouses but those named; other things that lie beside them are not ours."""
    for path in _warehouses(home).iterdir():
        if _ID.fullmatch(path.name) and path.name not in keep:
            shutil.rmtree(path, ignore_errors=True)


def _warehouses(home: Path) -> Path:
    return home / "data" / "warehouses"
