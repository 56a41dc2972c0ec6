"""How a CSV file is written: its encoding, the sign between its fields, and its header row."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace
from pathlib import Path

from features.errors import SourceError
from features.ingest.csv_headers import header_of
from features.ingest.encodings import (
    BY_LINE,
    HEAD,
    UTF8,
    encoding_of,
    is_utf8,
    no_text,
    older_encoding,
)
from features.ingest.latin_letters import Guess

LONGEST_LINE = 2 * 2**20
"""The engine takes sixteen such lines of memory per file at a time."""
REMEDY = "a CSV file is text with a header row and as many fields in every row"
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
        guess: how sure that encoding is.
        lines_before: lines above the header row.
        titles: what those hold, where the header was looked for below them.
    """

    names: tuple[str, ...]
    delimiter: str
    encoding: str = UTF8
    older: str | None = None
    guess: Guess | None = None
    lines_before: int = 0
    titles: tuple[str, ...] = ()


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
    guess = None
    if encoding == BY_LINE:
        guess = older_encoding(line for line in start.splitlines() if not is_utf8(line))
    older = guess.encoding if guess is not None else None
    form = layout(file, _decoded(start, encoding, older))
    return replace(form, encoding=encoding, older=older, guess=guess)


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
    if not others:
        return form
    guess = older_encoding(others)
    return replace(form, encoding=BY_LINE, older=guess.encoding, guess=guess)


def layout(file: Path, start: str, delimiter: str | None = None) -> CsvForm:
    """Find the header row, and the line above it that may name the separator.

    Args:
        file: the file, as errors name it.
        start: its beginning.
        delimiter: the sign between fields; None: as it looks.

    Raises:
        SourceError: it has no header row, or one that cannot be split.
    """
    first = io.StringIO(start, newline="").readline(LONGEST_LINE)
    told = _SEPARATOR_LINE.fullmatch(first)
    below = start[len(first) :] if told else start
    try:
        header = header_of(below, delimiter or (told[1] if told else None))
    except csv.Error as error:
        problem = f"its header row cannot be read: {error}"
        raise SourceError(str(file), problem, REMEDY) from None
    if not header.names:
        raise SourceError(str(file), "it has no header row", REMEDY)
    names = tuple(name.strip() for name in header.names)
    lines_before = header.lines_before + bool(told)
    return CsvForm(names, header.delimiter, lines_before=lines_before, titles=header.titles)
