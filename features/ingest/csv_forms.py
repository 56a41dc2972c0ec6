"""How a CSV file is written: its encoding, the sign between its fields, and its header row."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace
from pathlib import Path

from features.errors import SourceError
from features.ingest.encodings import (
    BY_LINE,
    HEAD,
    UTF8,
    encoding_of,
    is_utf8,
    no_text,
    older_encoding,
)

LONGEST_LINE = 2 * 2**20
"""The engine takes sixteen such lines of memory per file at a time."""
REMEDY = "a CSV file is text with a header row and as many fields in every row"
_DELIMITERS = (",", ";", "\t", "|")
# Spreadsheets are told the separator in a line above the header.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)


@dataclass(frozen=True)
class CsvForm:
    """How a CSV file is written.

    Attributes:
        names: of its columns, without white space around them.
        delimiter: the sign between fields.
        encoding: as Python calls it, or `BY_LINE`.
        older: the encoding of the lines that are not UTF-8, where each is decoded by itself.
        lines_before: lines above the header row.
    """

    names: tuple[str, ...]
    delimiter: str
    encoding: str = UTF8
    older: str | None = None
    lines_before: int = 0


def form_of(file: Path) -> CsvForm:
    """Find out how a file is written from its beginning.

    Raises:
        SourceError: it is not text, or has no header row.
    """
    with file.open("rb") as opened:
        start = opened.read(HEAD)
    if (what := no_text(start)) is not None:
        problem = f"it is not UTF-8 text: it begins like {what}"
        raise SourceError(str(file), problem, REMEDY)
    encoding = encoding_of(start)
    older = None
    if encoding == BY_LINE:
        older = older_encoding(line for line in start.splitlines() if not is_utf8(line))
    return _form(file, _decoded(start, encoding, older), encoding, older)


def _decoded(start: bytes, encoding: str, older: str | None) -> str:
    """Return the beginning of a file as text; its last sign may be cut in half."""
    if older is None:
        return start.decode(encoding, errors="ignore").removeprefix("\ufeff")
    lines = start.splitlines(keepends=True)
    return "".join(decode_line(line, older) for line in lines)


def decode_line(line: bytes, older: str | None) -> str:
    """Decode one line: as UTF-8 where it is that, else in the older encoding."""
    if older is None or is_utf8(line):
        return line.decode(UTF8, errors="replace")
    return line.decode(older, errors="replace")


def by_line(file: Path, form: CsvForm) -> CsvForm:
    """Return a form whose lines are decoded one by one, if not all of them are UTF-8."""
    with file.open("rb") as lines:
        others = [line for line in lines if not is_utf8(line)]
    return replace(form, encoding=BY_LINE, older=older_encoding(others)) if others else form


def _form(file: Path, start: str, encoding: str, older: str | None) -> CsvForm:
    """Read the header row, and the line above it that may name the separator."""
    text = io.StringIO(start, newline="")
    first = text.readline(LONGEST_LINE)
    told = _SEPARATOR_LINE.fullmatch(first)
    if told is None:
        text.seek(0)
    header = text.readline(LONGEST_LINE)
    delimiter = told[1] if told else max(_DELIMITERS, key=header.count)
    text.seek(len(first) if told else 0)
    try:
        names = next(csv.reader(text, delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        problem = f"its header row cannot be read: {error}"
        raise SourceError(str(file), problem, REMEDY) from None
    if not any(name.strip() for name in names):
        raise SourceError(str(file), "it has no header row", REMEDY)
    stripped = tuple(name.strip() for name in names)
    return CsvForm(stripped, delimiter, encoding, older, 1 if told else 0)
