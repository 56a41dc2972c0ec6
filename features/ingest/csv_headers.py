"""Where the header row of a CSV file stands: above it reports write titles and blank lines.

The first row that most rows below it fit is the header:

    Leads, as of today
                                       nothing
    Id,Created,Owner                   the header
    L1,2025-03-31,anna

A row with names of ours is the header whatever stands around it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from features.tables import TABLES

DELIMITERS = (",", ";", "\t", "|")
_TITLES = 20
"""Lines among which the header is looked for."""
_ROWS = 60
"""Rows that are looked at."""
# Plain words, such as "stage", are also values.
_KNOWN = frozenset(name for table in TABLES.values() for name in table.by_name if "_" in name)
_FEWEST_KNOWN = 2
# A name may be a month, as in "2025-01", but seldom begins with any other number.
_MONTH = re.compile(r"\d{4}[-/. ]?\d{1,2}|\d{1,2}[-/. ]\d{4}")
_NUMBER = re.compile(r"[-+(]?\W?\d")


@dataclass(frozen=True)
class Header:
    """The header row of a CSV file.

    Attributes:
        names: as they are written.
        delimiter: the sign between fields.
        lines_before: lines above it.
        titles: what those hold, blank ones left out.
    """

    names: tuple[str, ...]
    delimiter: str
    lines_before: int = 0
    titles: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Row:
    before: int
    fields: list[str]

    @property
    def filled(self) -> int:
        return sum(bool(name.strip()) for name in self.fields)

    @property
    def is_told(self) -> bool:
        """Whether it names columns of ours."""
        names = {name.strip().lower() for name in self.fields}
        return len(names & _KNOWN) >= _FEWEST_KNOWN

    @property
    def is_named(self) -> bool:
        """Whether its cells can be names: texts, and each another one."""
        names = [name.strip() for name in self.fields if name.strip()]
        are_texts = all(_MONTH.fullmatch(name) or not _NUMBER.match(name) for name in names)
        return are_texts and len(set(names)) == len(names)


def likely_delimiter(header: str) -> str:
    """Return the sign that most likely stands between the names of a header."""
    return max(DELIMITERS, key=header.count)


def header_of(text: str, delimiter: str | None) -> Header:
    """Find the header row at the beginning of a file.

    Args:
        text: the beginning.
        delimiter: the sign between fields; None: as it looks.

    Raises:
        csv.Error: its first row cannot be split.
    """
    usual = delimiter or likely_delimiter(next(io.StringIO(text, newline=""), ""))
    rows = list(_rows(text, usual))
    place = _place(rows)
    if place == 0 and rows[0].before == 0 and len(rows[0].fields) > 1:
        return _header(text, rows[0], usual)
    found = [_header(text, rows[place], usual)] if place is not None else []
    for sign in () if delimiter else DELIMITERS:
        with suppress(csv.Error):
            other = list(_rows(text, sign))
            at = _place(other)
            if at is not None and len(other[at].fields) > 1:
                found.append(_header(text, other[at], sign))
    if found:
        return max(found, key=lambda header: len(header.names))
    return _header(text, rows[0], usual) if rows else Header((), usual)


def _header(text: str, row: _Row, delimiter: str) -> Header:
    above = islice(io.StringIO(text, newline=""), row.before)
    titles = tuple(line.strip() for line in above if line.strip(f" \t\r\n{delimiter}"))
    return Header(tuple(row.fields), delimiter, row.before, titles)


def _rows(text: str, delimiter: str) -> Iterator[_Row]:
    """Go through the first rows that are not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found, before = 0, 0
    while found < _ROWS:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            # Below the header, a line that is no row costs that line only.
            if not found:
                raise
            return
        if any(field.strip() for field in fields):
            found += 1
            yield _Row(before, fields)
        before = reader.line_num


def _place(rows: Sequence[_Row]) -> int | None:
    """Return which of the rows is the header; None where none looks like one.

    It is the first that fills most columns and that most rows below fit. A row with names of ours
    is the header whatever stands around it.
    """
    told = next((i for i, row in enumerate(rows) if row.is_told), None)
    if told is not None:
        return told
    head = [row for row in rows if row.before < _TITLES]
    widest = max((row.filled for row in rows), default=0)
    for i, row in enumerate(head):
        below = rows[i + 1 :]
        fitting = sum(fits(other.fields, len(row.fields)) for other in below)
        is_wide = 2 * row.filled > widest and 2 * fitting >= len(below)
        if is_wide and (i == 0 or row.is_named):
            return i
    return None


def fits(fields: Sequence[str], width: int) -> bool:
    """Return whether the fields of a line are a row of a table so wide."""
    return len(fields) == width or (len(fields) > width and not any(fields[width:]))
