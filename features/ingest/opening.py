"""A source by what people type: a folder, a workbook, or the URL of a database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features.ingest.database import database
from features.ingest.files import Source, is_database
from features.ingest.workbooks import open_files


@contextmanager
def opened(source: str) -> Iterator[Source]:
    """Open a source, and let go of its files and connections in the end.

    Args:
        source: a folder, a workbook, or the URL of a database.

    Raises:
        SourceError: there is no such source, or it cannot be read.
    """
    is_url = is_database(source)
    extract = database(source) if is_url else open_files(Path(source).expanduser().absolute())
    try:
        yield extract
    finally:
        extract.close()
