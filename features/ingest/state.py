"""What a source holds now, told cheaply, so that reading it again can be spared.

| a source        | is taken for unchanged while                                                |
|-----------------|-----------------------------------------------------------------------------|
| folder of files | it has the same files, each of the same size, time and SHA-256              |
| database        | every table has as many rows, and the same greatest key, `known_at`, and    |
|                 | moments of events and ends                                                  |

A row that is edited in a database without touching any of these goes unnoticed; reading everything
anew (`retrain --full`) sees it.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from features.errors import SourceError
from features.ingest.changes.source import mapped_source
from features.ingest.database import database
from features.ingest.files import is_database, table_files
from features.ingest.mapping import load_mapping
from features.ingest.match import Matched, match
from features.ingest.presets.choose import choose, preset_name
from features.ingest.shaping.reader import Reader
from features.ingest.workbooks import open_files, workbooks
from features.params import IngestParams
from features.storage.engine import engine

Mark = tuple[str | None, ...]
"""What tells one state of a file or table from another."""


@dataclass(frozen=True)
class SourceState:
    """What a source held at a moment.

    Attributes:
        name: the folder or URL, without any password.
        marks: of every file, by its name, or of every table that is ours.
    """

    name: str
    marks: Mapping[str, Mark]


def source_state(source: str, mapping: Path | None, params: IngestParams) -> SourceState:
    """Look at a source without reading its rows into this machine's memory.

    Args:
        source: a folder, or the URL of a database.
        mapping: the YAML file with the source's names; says which tables of a database are ours.
        params: how an extract is read.

    Raises:
        InputError: the source or the mapping cannot be used.
    """
    if is_database(source):
        return _database_state(source, mapping, params)
    path = Path(source).expanduser().absolute()
    name = open_files(path).name
    if path.is_file():
        return SourceState(name, {path.name: _file_mark(path)})
    files = [file for files in table_files(path).values() for file in files]
    by_file = load_mapping(None if preset_name(mapping) else mapping).sources.values()
    named = {source.file for source in by_file if source.file}
    files += [*workbooks(path), *(path / file for file in sorted(named))]
    return SourceState(name, {file.name: _file_mark(file) for file in files})


def _file_mark(file: Path) -> Mark:
    try:
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        about = file.stat()
    except OSError as error:
        raise SourceError(str(file), error.strerror or "no access", "allow reading it") from None
    return (str(about.st_size), str(about.st_mtime_ns), digest)


def _database_state(source: str, mapping: Path | None, params: IngestParams) -> SourceState:
    opened = database(source)
    try:
        with tempfile.TemporaryDirectory() as temporary:
            backend = engine(params.memory_gb, params.threads, Path(temporary))
            try:
                mappings = choose(backend, opened, mapping).mappings
                reader = Reader(backend, opened, Path(temporary) / "shaping", mappings.where)
                with mapped_source(reader, mappings, params) as (mapped, left):
                    matches = match(backend, mapped, left, params)
            finally:
                backend.disconnect()
        marks = {matched.table.name: _table_mark(matched) for matched in matches}
    finally:
        opened.close()
    return SourceState(opened.name, marks)


def _table_mark(matched: Matched) -> Mark:
    table = matched.table
    clocks = (table.event_time, table.known_at, *table.events, *table.end_of_story)
    wanted = dict.fromkeys(name for name in (*table.key, *clocks) if name is not None)
    columns = [matched.columns[name].name for name in wanted if name in matched.columns]
    return () if matched.raw.greatest is None else matched.raw.greatest(columns)
