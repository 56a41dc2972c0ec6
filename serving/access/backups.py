"""Backup and restore of a home: the store, what an ingest made, the models and the settings.

A backup is a folder. It is filled under another name and renamed when it is whole. Restoring puts
its parts in their places one by one, each in one step, the store last.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from features.clock import utc_now, zulu
from features.errors import InputError
from features.ingest.forgotten import Forgotten, forgotten_people
from features.storage.catalog import exclusive
from serving.access.tokens import Clock
from serving.settings import FILE
from serving.store.backup import back_up, put_back
from serving.store.database import Store

MANIFEST = "backup.json"
PARTS = (
    FILE,
    "data/current.json",
    "data/ingest-report.json",
    "data/forgotten.json",
    "data/quarantine",
    "data/cards",
    "mlruns",
)
"""What is copied as it is, if it is there; the warehouse and the store have ways of their own."""
POINTER = "data/current.json"


@dataclass(frozen=True)
class BackupReport:
    """What a backup holds.

    Attributes:
        folder: where it is.
        made_at: when it was made, naive UTC.
        parts: what it holds.
    """

    folder: Path
    made_at: datetime
    parts: tuple[str, ...]


def back_up_home(store: Store, folder: Path, clock: Clock = utc_now) -> BackupReport:
    """Copy a home into a new folder, while it is in use.

    Args:
        store: of the home.
        folder: must not be there yet.
        clock: tells the time, naive UTC.

    Raises:
        InputError: the folder is there already, or an ingest is at work.
    """
    if folder.exists():
        raise InputError(f"{folder} is there already; name a new folder for the backup")
    home = store.home
    partial = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}.partial")
    try:
        partial.mkdir(parents=True)
        # No ingest in between: the pointer and the warehouse that it names belong together.
        with exclusive(home):
            parts = [part for part in (*PARTS, *_warehouse(home)) if (home / part).exists()]
            for part in parts:
                _copy(home / part, partial / part)
            back_up(store, partial)
        report = BackupReport(folder, clock().replace(microsecond=0), tuple(parts))
        content = {"made_at": zulu(report.made_at), "parts": parts}
        (partial / MANIFEST).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        partial.rename(folder)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return report


def restore_home(store: Store, folder: Path) -> tuple[BackupReport, Forgotten]:
    """Put a backup in a home's place.

    Args:
        store: of the home.
        folder: a backup.

    Returns:
        What was put back, and who was forgotten in the home before: they are in a backup that is
        older than that, and whoever restores has to let them be forgotten again.

    Raises:
        InputError: the folder is no backup, or an ingest is at work.
    """
    report = read_manifest(folder)
    home = store.home
    known = forgotten_people(home)
    try:
        with exclusive(home):
            # The pointer comes last of the files: what it names is there by then.
            for part in sorted(report.parts, key=lambda part: part == POINTER):
                _replace(folder / part, home / part)
            put_back(store, folder)
    except OSError as error:
        raise InputError(
            f"cannot restore into {home}: {error.strerror}; what was put back so far stays, run "
            "it again when the cause is gone"
        ) from None
    return report, known


def read_manifest(folder: Path) -> BackupReport:
    """Read what a backup holds.

    Raises:
        InputError: the folder is no backup, or lacks a part.
    """
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        made_at = datetime.fromisoformat(content["made_at"]).replace(tzinfo=None)
        parts = tuple(str(part) for part in content["parts"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder} is no backup: {path.name} cannot be read ({error}); name a folder that "
            "`pacesetter backup` has made"
        ) from None
    missing = [part for part in parts if not (folder / part).exists()]
    if missing:
        raise InputError(f"{folder} is no whole backup: {', '.join(missing)} is missing")
    return BackupReport(folder, made_at, parts)


def _warehouse(home: Path) -> Iterator[str]:
    """Return the folder of the warehouse that is in place, relative to the home."""
    pointer = home / POINTER
    if pointer.exists():
        name = json.loads(pointer.read_text(encoding="utf-8"))["warehouse"]
        yield f"data/warehouses/{name}"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        # SQLite's own files beside a database belong to a state that is copied whole.
        beside = shutil.ignore_patterns("*.db-wal", "*.db-shm", "*.lock")
        shutil.copytree(source, target, copy_function=_copy_file, ignore=beside)
    else:
        _copy_file(str(source), str(target))


def _copy_file(source: str, target: str) -> None:
    """Copy one file; a database by SQLite itself, since somebody may be writing into it."""
    if not source.endswith(".db"):
        shutil.copy2(source, target)
        return
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def _replace(source: Path, target: Path) -> None:
    """Put a copy in the place of a file or folder; what was there before is gone afterwards."""
    new = target.with_name(f"{target.name}.{secrets.token_hex(4)}.new")
    _copy(source, new)
    if target.is_dir():
        old = target.with_name(f"{target.name}.{secrets.token_hex(4)}.old")
        target.rename(old)
        new.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    else:
        new.replace(target)
