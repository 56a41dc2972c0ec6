"""Laws of encodings: told by first bytes, else line by line, and never read as another script."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import SourceError
from features.ingest.csv_forms import by_line, decode_line, form_of
from features.ingest.csv_rows import FAULT, write_rows
from features.ingest.encodings import BY_LINE, encoding_of, is_utf8, no_text, older_encoding

TEXT = "lead_id,city\na,Größe\n"
CITIES = {
    "cp1251": "Москва Санкт-Петербург Новосибирск Екатеринбург Казань",
    "cp1253": "Αθήνα Θεσσαλονίκη Πάτρα Ηράκλειο Λάρισα",
    "gb18030": "北京市 上海市 广州市 深圳市 有限公司 股份公司",
}


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("cp1252", BY_LINE),
    ],
)
def test_first_bytes_tell_the_encoding(written: str, found: str) -> None:
    """By their mark, by NULs beside every letter, or by what is no UTF-8."""
    assert encoding_of(TEXT.encode(written)) == found


def test_a_sign_cut_in_half_at_the_end_is_no_other_encoding() -> None:
    """The beginning of a file may end within a letter."""
    assert encoding_of("Größe".encode()[:3]) == "utf-8"


@pytest.mark.parametrize("encoding", CITIES)
def test_another_script_is_told_by_its_words(encoding: str) -> None:
    """However much plain text stands around them."""
    lines = [f"L{i},2025-01-01,{CITIES[encoding]}\n".encode(encoding) for i in range(5)]
    assert older_encoding(lines) == encoding


def test_few_letters_are_read_as_western_ones() -> None:
    """Of a single name nobody can tell more than that; what was taken is said elsewhere."""
    assert older_encoding(["Müller\n".encode("cp1252")]) == "cp1252"
    assert older_encoding([]) == "cp1252"


def test_lines_of_two_programs_are_each_read_in_their_own_encoding(tmp_path: Path) -> None:
    """A month in UTF-8 and one in cp1252 in one file both keep their letters."""
    assert decode_line("Größe".encode(), "cp1252") == "Größe"
    assert decode_line("Größe".encode("cp1252"), "cp1252") == "Größe"
    assert is_utf8("Größe".encode())
    file = tmp_path / "t.csv"
    file.write_bytes(TEXT.encode() + "b,Müller\n".encode("cp1252"))
    form = by_line(file, form_of(file))
    assert form.older == "cp1252"
    (remark,) = write_rows(file, form, tmp_path / "t.parquet")
    assert (remark.kind, remark.lines, remark.example) == ("encoding", 1, "line 3: b,Müller")


def test_a_file_that_ends_lines_in_two_ways_says_where(tmp_path: Path) -> None:
    """The first line with another end is named; ends inside of quotes do not count."""
    file = tmp_path / "t.csv"
    file.write_bytes(b'a,b\n1,"x\r\ny"\n2,z\r\n3,z\n')
    (remark,) = write_rows(file, form_of(file), tmp_path / "t.parquet")
    assert remark.kind == "line_ends"
    assert "line 4" in remark.example
    assert FAULT == "row_fault"


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"PK\x03\x04", "workbook"),
        (b"%PDF-1", "PDF"),
        (b"PAR1", "parquet"),
        (b"\x1f\x8b", "gzip"),
    ],
)
def test_what_is_no_text_is_refused_by_its_kind(tmp_path: Path, start: bytes, what: str) -> None:
    """A workbook or archive with the name of a CSV file is named as what it is."""
    assert what in str(no_text(start))
    (tmp_path / "t.csv").write_bytes(start)
    with pytest.raises(SourceError, match=f"it is not UTF-8 text: it begins like .*{what}"):
        form_of(tmp_path / "t.csv")


@pytest.mark.parametrize("line", ["sep=;\r\n", '"sep=;"\n', "SEP=|\n"])
def test_a_line_that_names_the_separator_is_no_header(tmp_path: Path, line: str) -> None:
    """Spreadsheets are told the separator so."""
    sign = line.lower().split("sep=")[1][0]
    (tmp_path / "t.csv").write_text(f"{line}a{sign}b, c\n1{sign}2\n")
    form = form_of(tmp_path / "t.csv")
    assert (form.names, form.delimiter, form.lines_before) == (("a", "b, c"), sign, 1)
