"""Laws of header rows: titles above them are read past and said, and no row is lost for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from mapped import load_folder

from features.errors import InputError
from features.ingest.csv_forms import form_of

ROWS = "L1,2025-01-01,a\nL2,2025-01-02,b\n"


def form(folder: Path, content: str) -> tuple[tuple[str, ...], int, tuple[str, ...]]:
    """Return the names of the header, how many lines stand above it, and what they hold."""
    file = folder / "t.csv"
    file.write_text(content, encoding="utf-8")
    found = form_of(file)
    return found.names, found.lines_before, found.titles


@pytest.mark.parametrize(
    ("above", "lines"),
    [
        ("", 0),
        ("\n\n", 2),
        ("Leads\n\n", 2),
        ("Leads, as of today\nReport generated on 2025-05-01, by J. Doe\n\n", 3),
        ("Leads,,\n,,\n", 2),
        ('"Leads\nof today"\n', 2),
    ],
)
@pytest.mark.parametrize("header", ["lead_id,created_at,rep_id\n", "Nr,Angelegt,Besitzer\n"])
def test_the_header_is_found_below_titles(
    tmp_path: Path, above: str, lines: int, header: str
) -> None:
    """By its names, or because the rows below it have as many fields as it has."""
    names, before, titles = form(tmp_path, f"{above}{header}{ROWS}")
    assert (names, before) == (tuple(header.strip().split(",")), lines)
    assert bool(titles) == bool(above.strip())


def test_a_title_as_wide_as_the_rows_is_told_by_our_names_alone(tmp_path: Path) -> None:
    """Of other names nobody can tell."""
    title = "Leads,as of,today\n"
    assert form(tmp_path, f"{title}lead_id,created_at,rep_id\n{ROWS}")[1] == 1
    assert form(tmp_path, f"{title}Nr,Angelegt,Besitzer\n{ROWS}")[1] == 0


def test_titles_are_told_with_any_sign_between_the_fields(tmp_path: Path) -> None:
    """The title may hold another of the signs than the rows do."""
    rows = "Nr;Angelegt;Besitzer\nL1;2025-01-01;a\n"
    assert form(tmp_path, f"Leads, as of today\n{rows}")[:2] == (("Nr", "Angelegt", "Besitzer"), 1)
    assert form(tmp_path, f"sep=;\nLeads\n{rows}")[:2] == (("Nr", "Angelegt", "Besitzer"), 2)


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,2,3,4\n5,6,7,8\n",
        "a;b\n1;2,3,4,5\n2;3,4,5,6\n",
        f"a,b,c\n{ROWS}\nTotal\nPage 1\nPage 2\nPage 3\n",
        "note\nfirst\nsecond\n",
        "a,b\n",
    ],
)
def test_a_first_line_that_may_be_the_header_is_the_header(tmp_path: Path, content: str) -> None:
    """Rows that do not fit it, and lines below the table, do not make a header of data."""
    assert form(tmp_path, content)[1] == 0


@pytest.mark.parametrize("title", ["Leads\n", '"Leads, ""new""\nof today"\n', "\n"])
def test_every_row_below_a_title_is_read_and_the_title_is_said(tmp_path: Path, title: str) -> None:
    """With the line in which the header was found; a blank line needs no words."""
    (tmp_path / "in").mkdir()
    content = f"{title}lead_id,created_at,rep_id\n{ROWS}"
    (tmp_path / "in" / "leads.csv").write_text(content, encoding="utf-8")
    report = load_folder(tmp_path, "{}", tmp_path / "in")
    assert (report.tables["leads"].read, report.tables["leads"].accepted) == (2, 2)
    says = [finding.says for finding in report.findings if finding.kind == "header_row"]
    expected = f"its header was found in line {title.count(chr(10)) + 1}"
    assert [expected in one and "Leads" in one for one in says] == [True] * bool(title.strip())


def test_the_line_that_a_mapping_names_counts(tmp_path: Path) -> None:
    """What looks like a header is then asked no more."""
    (tmp_path / "in").mkdir()
    content = f"Leads,as of,today\nNr,Angelegt,Besitzer\n{ROWS}"
    (tmp_path / "in" / "leads.csv").write_text(content, encoding="utf-8")
    columns = "leads: {columns: {lead_id: Nr, created_at: Angelegt}}"
    with pytest.raises(InputError, match="found Leads, as of, today"):
        load_folder(tmp_path, columns, tmp_path / "in")
    mapping = f"sources: {{leads: {{header_row: 2}}}}\n{columns}"
    assert load_folder(tmp_path, mapping, tmp_path / "in").tables["leads"].accepted == 2


def test_exports_with_two_separators_in_one_file_are_read_and_said(tmp_path: Path) -> None:
    """A line that has the right number of fields with the other sign is a row; a footer is not."""
    (tmp_path / "in").mkdir()
    rows = 'L1,2025-01-01,a\nL2;2025-01-02;b\nL3;2025-01-03;"b;c"\nL4,2025-01-04,a\n'
    content = f"lead_id,created_at,rep_id\n{rows}Report; new\n"
    (tmp_path / "in" / "leads.csv").write_text(content, encoding="utf-8")
    report = load_folder(tmp_path, "{}", tmp_path / "in")
    assert (report.tables["leads"].accepted, report.tables["leads"].quarantined) == (4, 1)
    (said,) = [finding.says for finding in report.findings if finding.kind == "separator"]
    assert said.startswith("its separator changes at line 3 (',' and ';')")
