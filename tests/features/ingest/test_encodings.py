"""Laws of encodings: told by first bytes, else line by line, and never read as another script."""

from __future__ import annotations

from pathlib import Path

import pytest
from mapped import column, load_folder

from features.errors import SourceError
from features.ingest.csv_forms import by_line, decode_line, form_of
from features.ingest.csv_rows import FAULT, write_rows
from features.ingest.encodings import BY_LINE, encoding_of, is_utf8, no_text, older_encoding
from features.ingest.latin_letters import Guess

TEXT = "lead_id,city\na,Größe\n"
CITIES = {
    "cp1251": "Москва Санкт-Петербург Новосибирск Екатеринбург Казань",
    "cp1253": "Αθήνα Θεσσαλονίκη Πάτρα Ηράκλειο Λάρισα",
    "gb18030": "北京市 上海市 广州市 深圳市 有限公司 股份公司",
}
NAMES = [
    ("cp1250", "Łukasz Wiśniewski Kraków Gdańsk Łódź Paweł Dąbrowski Jabłoński Wrocław Poznań"),
    ("cp1250", "Dvořák Černý Příbram Třebíč Žďár Kateřina Jiří Plzeň Růžička Šťastný Králové"),
    ("cp1250", "Győr Szőke Erdős Tűzoltó Nagykőrös Hódmezővásárhely Őze Bárány Üllői Béla"),
    ("cp1252", "Müller Söhne Jäger Straße Größe Österreich Übung Weiß Schäfer Groß Böhm"),
    ("cp1252", "Société Générale François Hélène Besançon Orléans Crédit Château Noël Forêt"),
    ("cp1252", "Sørensen Jørgensen Århus Ørsted Ærø Møller København Bjørn Næstved Åberg"),
    ("cp1254", "Şahin Öztürk Güneş Çelik Ağaoğlu Eskişehir Doğan Şimşek Muğla İzmir Çağlar"),
    ("mac_roman", "Müller Söhne Jäger Straße Größe Österreich Übung Weiß Schäfer Groß Böhm"),
    ("mac_roman", "Société Générale François Hélène Besançon Orléans Crédit Château Noël Forêt"),
    ("cp850", "Müller Söhne Jäger Straße Größe Österreich Übung Weiß Schäfer Groß Böhm"),
]


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
    assert older_encoding(lines).encoding == encoding


@pytest.mark.parametrize(("encoding", "text"), NAMES)
def test_latin_letters_are_told_by_the_languages_they_make_words_of(
    encoding: str, text: str
) -> None:
    """Central European ones from Western ones, and those of a Mac from those of Windows."""
    guess = older_encoding([f"L1,{text}\n".encode(encoding)])
    assert guess.other is None
    assert text.encode(encoding).decode(guess.encoding) == text


def test_what_few_letters_do_not_tell_is_said_with_both_readings() -> None:
    """A single name is read as Western letters, and the other reading stands beside it."""
    guess = older_encoding(["Kateřina\n".encode("cp1250")])
    readings = {guess.example, guess.otherwise}
    assert {guess.encoding, guess.other} == {"cp1250", "cp1252"}
    assert readings == {"Kateřina", "Kateøina"}
    guess = older_encoding(["Москва\n".encode("cp1251")])
    assert (guess.encoding, guess.other, guess.otherwise) == ("cp1252", "cp1251", "Москва")


@pytest.mark.parametrize("count", [1, 2, 4, 8])
@pytest.mark.parametrize(("encoding", "text"), NAMES)
def test_a_wrong_reading_is_never_taken_in_silence(encoding: str, text: str, count: int) -> None:
    """However few of the words there are: they are read right, or the doubt is said."""
    words = text.split()
    for first in range(0, len(words), count):
        some = " ".join(words[first : first + count])
        guess = older_encoding([some.encode(encoding)])
        assert guess.other or some.encode(encoding).decode(guess.encoding) == some


def test_the_option_that_ends_a_doubt_is_named_with_the_file(tmp_path: Path) -> None:
    """And what the file says in its lines is counted, with signs its encoding lacks."""
    file = tmp_path / "leads.csv"
    file.write_bytes("lead_id,city\na,Kateřina\n".encode("cp1250") + b"b,\x81\n")
    (remark,) = write_rows(file, form_of(file), tmp_path / "t.parquet")
    assert remark.is_doubtful
    assert "sources: {leads: {encoding: cp125" in remark.says
    assert "'Kateřina'" in remark.says
    assert "'Kateøina'" in remark.says
    assert "1 of them hold signs that cp125" in remark.says


def test_a_table_is_read_in_the_encoding_that_a_mapping_names(tmp_path: Path) -> None:
    """What was doubtful no longer is, and nothing is said of it."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "leads.csv").write_bytes(
        "lead_id,created_at,city\na,2025-01-01,Kateřina\n".encode("cp1250")
    )
    load_folder(tmp_path, "sources: {leads: {encoding: cp1250}}", tmp_path / "in")
    assert column(tmp_path, "leads", "city") == ["Kateřina"]


def test_few_letters_are_read_as_western_ones() -> None:
    """Of a single name nobody can tell more than that; what was taken is said elsewhere."""
    assert older_encoding(["Müller\n".encode("cp1252")]) == Guess("cp1252", example="Müller")
    assert older_encoding([]) == Guess("cp1252")


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
