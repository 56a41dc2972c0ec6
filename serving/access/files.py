"""What the files of a home hold of forgotten people: taken out where we wrote them, else listed.

Scores, reports and other files under HOME/data are ours to change. The extract that was read, and
the models, are not: a changed model would not be the one that was checked, and the extract belongs
to the CRM. Those that still name somebody are listed, so that nobody believes otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import InputError
from features.storage.files import ANYBODY, replace_atomically
from serving.store.erase import Erasure

if TYPE_CHECKING:
    import pyarrow as pa

TEXTS = frozenset({".json", ".html", ".csv", ".md", ".txt", ".log", ".yaml", ".yml"})
OWN = frozenset({"forgotten.json", "tokens.json"})
STORE = "store.sqlite*"
MOST_BYTES = 512 * 2**20
"""Files beyond this are listed as not looked into."""


@dataclass(frozen=True)
class FilesReport:
    """What became of a home's files.

    Attributes:
        changed: those from which people were taken out.
        kept: those that still name somebody, or may, each with the reason.
    """

    changed: tuple[Path, ...]
    kept: tuple[tuple[Path, str], ...]


def erase_from_files(home: Path, erasure: Erasure, source: Path | None) -> FilesReport:
    """Take people out of the files under a home.

    Args:
        home: the folder.
        erasure: the people.
        source: the folder of the extract that was read; it is left as it is, and listed.
    """
    changed: list[Path] = []
    kept: list[tuple[Path, str]] = []
    for path in _files(home):
        reason = _why_kept(home, path, source)
        if path.stat().st_size > MOST_BYTES:
            kept.append((path, "too large to be looked into"))
        elif reason is not None:
            if _names_somebody(path, erasure):
                kept.append((path, reason))
        elif _cleaned(path, erasure):
            changed.append(path)
    return FilesReport(tuple(changed), tuple(kept))


def _files(home: Path) -> Iterator[Path]:
    """Return all files of a home but the store and the warehouse, which have ways of their own."""
    for path in sorted(home.rglob("*")):
        inside = path.relative_to(home).parts
        if path.is_symlink() or not path.is_file() or inside[:2] == ("data", "warehouses"):
            continue
        if path.name in OWN or path.suffix == ".lock" or path.match(STORE):
            continue
        yield path


def _why_kept(home: Path, path: Path, source: Path | None) -> str | None:
    """Say why a file is not ours to change; None where it is."""
    if source is not None and path.is_relative_to(source):
        return "the extract that was read; ask for a new one, or erase it there"
    inside = path.relative_to(home).parts
    if inside[0] == "mlruns":
        return "a model or its record; train again and remove the old ones"
    if inside[0] != "data":
        return "not written by pacesetter; look into it yourself"
    if path.suffix in TEXTS or _is_parquet(path):
        return None
    return "neither text nor parquet; remove it if nobody needs it"


def _names_somebody(path: Path, erasure: Erasure) -> bool:
    if _is_parquet(path):
        return any(erasure.clean(value) != value for value in _cells(path))
    content = path.read_bytes()
    text = content.decode("utf-8", errors="replace")
    return erasure.clean(text) != text


def _is_parquet(path: Path) -> bool:
    """Tell whether a file is parquet by its name and by its content."""
    import pyarrow as pa  # noqa: PLC0415 - takes a second
    import pyarrow.parquet as pq  # noqa: PLC0415 - takes a second

    if path.suffix != ".parquet":
        return False
    try:
        pq.read_schema(path)
    except (OSError, pa.ArrowInvalid):
        return False
    return True


def _table(path: Path) -> pa.Table:
    """Read a parquet file; texts that are kept as numbers of a dictionary come back as texts."""
    import pyarrow as pa  # noqa: PLC0415 - takes a second
    import pyarrow.parquet as pq  # noqa: PLC0415 - takes a second

    table = pq.read_table(path)
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            plain = table.column(place).cast(field.type.value_type)
            table = table.set_column(place, field.name, plain)
    return table


def _cells(path: Path) -> Iterator[str]:
    """Return every different text in a parquet file."""
    import pyarrow as pa  # noqa: PLC0415 - takes a second

    for column in _table(path).columns:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            yield from (value for value in column.unique().to_pylist() if value is not None)


def _cleaned(path: Path, erasure: Erasure) -> bool:
    """Take people out of one file; returns whether any were in it."""
    if _is_parquet(path):
        return _cleaned_parquet(path, erasure)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
    cleaned = erasure.clean(text)
    if cleaned == text:
        return False
    try:
        replace_atomically(path, cleaned, mode=path.stat().st_mode & ANYBODY)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; run it again") from None
    return True


def _cleaned_parquet(path: Path, erasure: Erasure) -> bool:
    """Remove rows about people, and put pseudonyms where other rows name them."""
    if not _names_somebody(path, erasure):
        return False
    import pyarrow as pa  # noqa: PLC0415 - takes a second
    import pyarrow.parquet as pq  # noqa: PLC0415 - takes a second

    table = _table(path)
    subject = "lead_id" if "lead_id" in table.column_names else "rep_id"
    if subject == f"{erasure.kind}_id" and subject in table.column_names:
        is_other = [value not in erasure.people for value in table[subject].to_pylist()]
        table = table.filter(pa.array(is_other))
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            values = [erasure.clean(value) for value in table.column(place).to_pylist()]
            table = table.set_column(place, field, pa.array(values, field.type))
    new = path.with_name(f"{path.name}.new")
    pq.write_table(table, new)
    new.replace(path)
    return True
