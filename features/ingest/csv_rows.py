"""The rows of a CSV file that the engine refuses, read line by line.

A line that is no row costs that line only: it is kept as a row with a fault, which the quarantine
then holds. What stands below the table in a report, and a quote that opens and never closes, are
such lines.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from features.ingest.csv_forms import LONGEST_LINE, CsvForm, decode_line
from features.ingest.csv_headers import DELIMITERS, fits
from features.ingest.latin_letters import Guess

FAULT = "row_fault"
"""The staged column that says what is wrong with a line that is no row."""
NO_ROW = "a line that is no row of the table"
"""What such a line is called among the reasons."""
_LACKING = "\ufffd"
"""Stands for bytes that mean nothing in the encoding of their line."""
_BATCH = 50_000
_SHOWN = 60
_FEWEST_SIGNS = 2


class Remark(NamedTuple):
    """Something odd about a file as a whole that was coped with.

    Attributes:
        kind: a word for machines.
        says: the sentence, without the file.
        lines: of how many it is true.
        example: one of them.
        is_doubtful: it could be meant otherwise.
    """

    kind: str
    says: str
    lines: int
    example: str
    is_doubtful: bool = False


class _Line(NamedTuple):
    number: int
    text: str


class _Lines:
    """The lines of a file, some of which can be taken back."""

    def __init__(self, file: Path, form: CsvForm) -> None:
        self._source = self._read(file, form)
        self._back: deque[_Line] = deque()
        self.taken: list[_Line] = []
        self.ends: dict[str, int] = {}
        self.signs: dict[str, int] = {}
        self.older = 0
        self.first_older = ""
        self.lacking = 0

    def _read(self, file: Path, form: CsvForm) -> Iterator[_Line]:
        number = 0
        with file.open("rb") as opened:
            for block in opened:
                for line in block.splitlines(keepends=True):
                    number += 1
                    text = decode_line(line, form.older)
                    self._note(line, text, number, form)
                    yield _Line(number, text.removeprefix("\ufeff") if number == 1 else text)

    def _note(self, line: bytes, text: str, number: int, form: CsvForm) -> None:
        if form.older is not None and not line.isascii():
            try:
                line.decode()
            except UnicodeDecodeError:
                self.older += 1
                self.lacking += _LACKING in text
                self.first_older = self.first_older or f"line {number}: {text.strip()[:_SHOWN]}"

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else next(self._source)
        self.taken.append(line)
        return line.text

    def row_ends(self) -> None:
        """Remember with which sign the row at hand ends; signs inside of a row do not count."""
        line = self.taken[-1]
        end = line.text[len(line.text.rstrip("\r\n")) :][-2:]
        if end:
            self.ends.setdefault(end, line.number)

    def take_back(self) -> _Line:
        """Keep the first line taken for the row at hand, and give the others back."""
        first, *others = self.taken
        self._back.extendleft(reversed(others))
        return first


def write_rows(file: Path, form: CsvForm, target: Path) -> list[Remark]:
    """Write a CSV file's rows to a parquet file of texts, with the faults of lines that are none.

    Args:
        file: the CSV file, in UTF-8 or decoded line by line.
        form: how it is written.
        target: the parquet file, with columns c0, c1 … and `FAULT`.

    Returns:
        What was odd about the file as a whole.
    """
    names = [*(f"c{i}" for i in range(len(form.names))), FAULT]
    schema = pa.schema([(name, pa.string()) for name in names])
    csv.field_size_limit(LONGEST_LINE)
    lines = _Lines(file, form)
    batch: list[list[str | None]] = []
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for row in _rows(lines, form):
            batch.append(row)
            if len(batch) == _BATCH:
                writer.write_batch(_columns(batch, schema))
                batch = []
        writer.write_batch(_columns(batch, schema))
    return list(_remarks(file, lines, form))


def title_remarks(form: CsvForm) -> list[Remark]:
    """Say what stands above a header row that was looked for."""
    if not form.titles:
        return []
    place = form.lines_before + 1
    says = (
        f"its header was found in line {place}; what stands above it was not read (if that is "
        "wrong, say header_row under sources in a mapping)"
    )
    shown = " / ".join(title[:_SHOWN] for title in form.titles[:3])
    return [Remark("header_row", says, len(form.titles), shown)]


def _columns(batch: list[list[str | None]], schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*batch, strict=True) if batch else ([] for _ in schema)
    return pa.record_batch([pa.array(c, pa.string()) for c in columns], schema=schema)


def _rows(lines: _Lines, form: CsvForm) -> Iterator[list[str | None]]:
    """Go through the rows, the header left out; lines that are none get a fault.

    a,b,c        fits three columns                    accepted
    a,b,c,,      what is beyond the header is empty    accepted
    "Report"     one field instead of three            a fault
    a;b;c        three fields with another sign        accepted: exports put into one file
    "a,b,c       the quote never closes                a fault, the next line is read on
                 an empty line                         no row at all
    """
    width = len(form.names)
    reader = csv.reader(lines, delimiter=form.delimiter, strict=True)
    for _ in range(form.lines_before):
        next(lines, None)
    is_header = True
    while True:
        lines.taken = []
        try:
            fields = next(reader)
            problem = ""
        except StopIteration:
            return
        except csv.Error as error:
            fields, problem = [], str(error)
        if problem or (fields and not fits(fields, width)):
            line = lines.take_back()
            sign, others = _with_other_sign(line.text, form.delimiter, width)
            if not problem and len(fields) == 1 and others:
                lines.signs.setdefault(sign, line.number)
                yield [*others, None]
            else:
                yield _faulty(line, len(fields), width, problem)
            continue
        lines.row_ends()
        if fields and not is_header:
            yield [*fields[:width], None]
        is_header = is_header and not fields


def _with_other_sign(line: str, sign: str, width: int) -> tuple[str, list[str]]:
    """Return the fields of a line that is a row with another sign between them; none otherwise."""
    for other in DELIMITERS:
        if other != sign and line.count(other) >= _FEWEST_SIGNS:
            with suppress(csv.Error, StopIteration):
                fields = next(csv.reader([line], delimiter=other, strict=True))
                if len(fields) == width:
                    return other, fields
    return sign, []


def _faulty(line: _Line, fields: int, width: int, problem: str) -> list[str | None]:
    """Return a row that keeps the line in its first column, with what is wrong with it."""
    text = line.text.strip("\r\n")
    wrong = problem or f"{fields} fields, the header has {width}"
    fault = f"line {line.number} is no row of the table ({wrong}): {text[:_SHOWN]}"
    return [text, *[None] * (width - 1), fault]


def _remarks(file: Path, lines: _Lines, form: CsvForm) -> Iterator[Remark]:
    if lines.older:
        says = f"{lines.older:,} lines are not UTF-8 and were read as {form.older}"
        guess = form.guess or Guess(str(form.older))
        if guess.other is None:
            says += f", like '{guess.example}'" if guess.example else ""
            says += ": if letters look wrong, save the file as UTF-8"
        else:
            says += (
                f", '{guess.example}'; its letters do not rule out {guess.other}, which reads "
                f"'{guess.otherwise}': save the file as UTF-8, or say which is right in a mapping, "
                f"sources: {{{file.stem}: {{encoding: {guess.other}}}}}"
            )
        if lines.lacking:
            says += f"; {lines.lacking:,} of them hold signs that {form.older} lacks"
        is_doubtful = guess.other is not None or lines.lacking > 0
        yield Remark("encoding", says, lines.older, lines.first_older, is_doubtful)
    if len(lines.ends) > 1:
        words = {"\r\n": "CRLF", "\n": "LF", "\r": "CR"}
        at = max(lines.ends.values())
        listed = " and ".join(words[end] for end in lines.ends)
        says = f"its line ends change at line {at} ({listed}): it was read line by line"
        yield Remark("line_ends", says, 1, f"line {at}")
    for sign, number in lines.signs.items():
        says = (
            f"its separator changes at line {number} ('{form.delimiter}' and '{sign}'): rows with "
            "either were read"
        )
        yield Remark("separator", says, 1, f"line {number}")
