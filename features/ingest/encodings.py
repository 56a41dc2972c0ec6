"""In which encoding a text file is written: by its first bytes, else line by line.

A line that is UTF-8 is read as UTF-8, whatever the other lines are: months that were exported by
different programs may stand in one file. All other lines are of one older encoding.
The letters tell which (`features.ingest.latin_letters`); another script is told by its words, which
have no plain letters among them.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from pathlib import Path

from charset_normalizer import from_bytes

from features.ingest.latin_letters import Guess, guess_latin

UTF8 = "utf-8"
BY_LINE = "by line"
"""Some lines are not UTF-8: each is decoded by itself."""
HEAD = 2**20
_MARKS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_TEXT = (
    (b"PK\x03\x04", "a ZIP archive or a workbook"),
    (b"\xd0\xcf\x11\xe0", "an old workbook"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF document"),
    (b"PAR1", "a parquet file"),
    (b"SQLite format 3", "an SQLite database"),
)
_USUAL_SCRIPT = "cp1251"
_OTHER_SCRIPTS = (
    _USUAL_SCRIPT, "koi8_r", "cp1253", "cp1255", "cp1256", "shift_jis", "euc_jp", "gb18030", "big5",
    "euc_kr",
)  # fmt: skip
"""Encodings of other letters than Latin ones."""
# Plain letters around them would hide which script the other bytes are of.
_WORDS = re.compile(rb"[A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*")
# With fewer signs, a guess at another script would be one of many.
_FEWEST_SIGNS = 20
_MARKED_SHARE = 0.5
"""Words of Latin letters seldom have more marked letters than plain ones."""
_MANY_NULS = 0.2
_SAMPLE = 200_000


def no_text(start: bytes) -> str | None:
    """Return what kind of file begins so, if it is known not to be text."""
    return next((what for mark, what in _NO_TEXT if start.startswith(mark)), None)


def encoding_of(start: bytes) -> str:
    """Return the encoding of a file that begins with these bytes, `BY_LINE` if not all is UTF-8."""
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    # Latin texts in UTF-16 have a NUL beside every letter.
    for first, encoding in ((0, "utf-16-be"), (1, "utf-16-le")):
        half = start[first : len(start) // 2 * 2 : 2]
        if half and half.count(0) > _MANY_NULS * len(half):
            return encoding
    try:
        codecs.getincrementaldecoder(UTF8)().decode(start)
    except UnicodeDecodeError:
        return BY_LINE
    return UTF8


def older_encoding(lines: Iterable[bytes]) -> Guess:
    """Guess the encoding of lines that are not UTF-8: cp1252 unless much speaks for another."""
    words = [word for line in lines for word in _WORDS.findall(line)]
    sample = b" ".join(words)[:_SAMPLE]
    signs = sum(byte > 127 for byte in sample)  # noqa: PLR2004 - where ASCII ends
    latin = guess_latin(words)
    if signs <= _MARKED_SHARE * len(b"".join(sample.split())):
        return latin
    longest = max(words, key=len)
    if signs >= _FEWEST_SIGNS:
        best = from_bytes(sample, cp_isolation=[*_OTHER_SCRIPTS]).best()
        if best is not None and best.encoding in _OTHER_SCRIPTS:
            return Guess(best.encoding, example=longest.decode(best.encoding, "replace"))
    example, otherwise = (
        longest.decode(page, "replace") for page in (latin.encoding, _USUAL_SCRIPT)
    )
    return Guess(latin.encoding, _USUAL_SCRIPT, example, otherwise)


def is_utf8(line: bytes) -> bool:
    """Return whether a line can be read as UTF-8."""
    try:
        line.decode(UTF8)
    except UnicodeDecodeError:
        return False
    return True


def transcode(file: Path, encoding: str, target: Path) -> None:
    """Write a text file again as UTF-8, its line ends as they are.

    Raises:
        UnicodeDecodeError: it is not of that encoding throughout.
    """
    with (
        file.open(encoding=encoding, newline="") as read,
        target.open("w", encoding=UTF8, newline="") as written,
    ):
        while part := read.read(HEAD):
            written.write(part)
