"""The warehouse on disk: one folder per extract, and one small file that points to it.

    HOME/data/current.json               which warehouse is current, and what it holds
    HOME/data/warehouses/<id>/           the tables; the one before is kept for those reading it
    HOME/data/warehouses/<id>.partial/   an ingest at work, or what a killed one left behind
    HOME/data/ingest-report.json         what was read, accepted and quarantined
    HOME/data/quarantine/<table>.parquet the quarantined rows

A reader follows the pointer, and the pointer is replaced in one step once everything it
points to is complete: whenever an ingest dies, the warehouse before it is what is read.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from features.errors import InputError, LockedError, NotReady
from features.field_history import FieldHistory
from features.storage.files import held, replace_atomically

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
        histories: the fields that have a history.
    """

    path: Path
    present: frozenset[str]
    data_until: datetime
    declared: bool
    fingerprint: str
    source: str
    mapping: Path | None = None
    histories: tuple[FieldHistory, ...] = ()


def current(home: Path) -> WarehouseMeta:
    """Find the current warehouse.

    Raises:
        NotReady: nothing has been ingested under this home, or only by an older version.
        InputError: the pointer to it cannot be read.
    """
    content = _pointer(home)
    if content is None:
        raise NotReady(f"no data yet in {home}: run `pacesetter ingest SOURCE` first")
    if "histories" not in content:
        raise NotReady(
            f"the data in {home} was ingested by an older version: run `pacesetter ingest SOURCE`"
        )
    return described(_warehouses(home) / content["warehouse"], content)


def described(folder: Path, content: Mapping[str, Any]) -> WarehouseMeta:
    """Return what a pointer says of the warehouse in a folder."""
    until, mapping = content["data_until"], content["mapping"]
    return WarehouseMeta(
        path=folder,
        present=frozenset(content["present"]),
        data_until=NO_EVENTS if until is None else datetime.fromisoformat(until),
        declared=content["data_until_declared"],
        fingerprint=content["fingerprint"],
        source=content["source"],
        mapping=None if mapping is None else Path(mapping),
        histories=tuple(_field_history(plain) for plain in content["histories"]),
    )


def _field_history(plain: dict[str, Any]) -> FieldHistory:
    return FieldHistory(**{**plain, "log_begins": datetime.fromisoformat(plain["log_begins"])})


@contextmanager
def exclusive(home: Path) -> Iterator[Path]:
    """Hold the home for one ingest, with an empty folder to fill.

    Yields:
        The folder; it is removed when the block ends, unless `publish` has moved it.

    Raises:
        InputError: another ingest is at work, or the home cannot be written to.
    """
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}.partial"
    partial = _warehouses(home) / name
    with ExitStack() as stack:
        try:
            _warehouses(home).mkdir(parents=True, exist_ok=True)
            stack.enter_context(held(home / "data" / "ingest.lock", wait=False))
        except LockedError as error:
            raise InputError(
                f"another ingest is at work in {home} (process {error.holder}); wait until it ends"
            ) from None
        except OSError as error:
            raise InputError(f"cannot write under {home / 'data'}: {error.strerror}") from None
        _remove_leftovers(home)
        partial.mkdir()
        stack.callback(shutil.rmtree, partial, ignore_errors=True)
        yield partial


def publish(home: Path, partial: Path, pointer: Mapping[str, Any], report: str) -> Path:
    """Make a filled folder the current warehouse.

    Args:
        home: holds the warehouses.
        partial: the folder that `exclusive` made.
        pointer: what `current` will say of the warehouse.
        report: the ingest's report, as JSON.

    Returns:
        Where the warehouse is now.
    """
    # Readers follow the pointer, so the folder has its final name before the pointer is replaced,
    # and the warehouse before it stays for those who read it still.
    last = _pointer(home)
    final = partial.with_suffix("")
    before = last["warehouse"] if last else None
    content = {"warehouse": final.name, "before": before, **pointer}
    quarantine = home / "data" / "quarantine"
    (partial / "quarantine").mkdir(exist_ok=True)
    partial.rename(final)
    replace_atomically(home / "data" / "current.json", json.dumps(content, indent=1) + "\n")
    shutil.rmtree(quarantine, ignore_errors=True)
    (final / "quarantine").rename(quarantine)
    replace_atomically(home / "data" / "ingest-report.json", report + "\n")
    _remove(home, keep={final.name, before})
    return final


def _pointer(home: Path) -> dict[str, Any] | None:
    path = home / "data" / "current.json"
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {error}; remove it and ingest again") from None
    return content


def _remove_leftovers(home: Path) -> None:
    """Remove what killed ingests left: partial folders, full ones never pointed to, half files."""
    for name in ("current.json", "ingest-report.json"):
        for path in (home / "data").glob(f"{name}.*.new"):
            path.unlink(missing_ok=True)
    pointer = _pointer(home)
    _remove(home, keep={pointer["warehouse"], pointer["before"]} if pointer else set())


def _remove(home: Path, keep: set[str | None]) -> None:
    """Remove warehouses but those named; other things that lie beside them stay."""
    for path in _warehouses(home).iterdir():
        if _ID.fullmatch(path.name) and path.name not in keep:
            shutil.rmtree(path, ignore_errors=True)


def _warehouses(home: Path) -> Path:
    return home / "data" / "warehouses"
