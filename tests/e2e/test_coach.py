"""`coach` from outside: sheets, files, JSON, the log, and what is said where data are missing."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from outside import Run, company, day, prepared, sellers

from serving.cli.main import main

CAUSES = [
    *("rep_id", "period_start", "as_of", "rank", "cause", "size", "low", "high", "share"),
    *("since", "p", "theirs", "evidence"),
]
GROUNDS = [
    *("rep_id", "period_start", "as_of", "metric", "actual", "expected", "residual", "low"),
    *("high", "shrunk"),
]


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with leads, deals and quotas, and without a model."""
    tables = {**company(leads=300), **sellers()}
    home = prepared(tmp_path_factory.mktemp("coach") / "Büro 4", tables)
    assert main(["ingest", str(home / "extract"), "--home", str(home)]) == 0
    return home


def test_everybody_s_sheets_and_the_contract_s_files(run: Run, sold: Path, tmp_path: Path) -> None:
    """Both frames have the contract's columns; each rep has sheets; the team sheet links them."""
    out = tmp_path / "out put"
    done = run("coach", "--all", "--out", out, "--home", sold, "--json")
    assert done.code == 0, done.err
    assert {Path(file) for file in done.data["files"]} == {p for p in out.rglob("*") if p.is_file()}
    assert list(pd.read_parquet(out / "rep_causes.parquet")) == CAUSES
    assert list(pd.read_parquet(out / "equal_grounds.parquet")) == GROUNDS
    assert (out / "team.html").is_file()
    assert len(list((out / "sheets").glob("*.rep.html"))) == done.data["reps"] == 3


def test_one_sheet_in_words_and_as_json(run: Run, sold: Path, tmp_path: Path) -> None:
    """The sheet works without a champion and says so; JSON holds the same and more."""
    words = run("coach", "anna", "--home", sold, "--voice", "rep", "--out", tmp_path)
    assert words.code == 0, words.err
    assert "# 1:1 sheet: Anna" in words.out
    assert "not for employment decisions" in words.out
    assert "`pacesetter train quota`" in " ".join(words.err.split())
    names = {f"anna.{voice}.{form}" for voice in ("manager", "rep") for form in ("html", "md")}
    assert {path.name for path in tmp_path.iterdir()} == names
    told = run("coach", "anna", "--home", sold, "--json").data
    assert set(told) >= {
        *("rep_id", "causes", "equal_grounds", "reasons", "advice", "goals", "pairings", "plan"),
        *("items", "missing", "purpose"),
    }
    assert any("pacesetter train quota" in says for says in told["missing"])


def test_an_earlier_moment_can_be_asked_for(run: Run, sold: Path) -> None:
    """At the very end of a period the sheet is about the period that ends."""
    told = run("coach", "anna", "--as-of", "2025-05-01", "--home", sold, "--json").data
    assert told["period_start"] == "2025-04-01T00:00:00Z"
    assert told["as_of"] == "2025-05-01T00:00:00Z"


def test_what_is_agreed_noted_and_contested_is_kept(run: Run, sold: Path) -> None:
    """Each is an item with a number and a writer, and stands on both readers' sheets."""
    asked = ("coach", "béla", "--home", sold)
    first = run(*asked, "--commit", "Two slots a day", "--due", "2025-09-01", "--by", "Ann")
    assert first.code == 0, first.err
    assert "kept as item 1: committed, due 2025-09-01" in first.err
    contest = ("--contest", "attained", "--text", "One deal is missing", "--by", "Béla")
    assert run(*asked, *contest).code == 0
    assert run(*asked, "--note", "A hard month", "--by", "Béla").code == 0
    assert run(*asked, "--done", "1", "--text", "kept", "--by", "Ann").code == 0
    told = run(*asked, "--json").data
    assert [(i["item"], i["event"], i["state"]) for i in told["items"]] == [
        (1, "committed", "done"),
        (2, "contested", "open"),
        (3, "note", "open"),
    ]
    assert told["contested"] == ["attained"]
    for said in told["says"].values():
        notes = " ".join(said["Notes and contested figures"])
        assert "One deal is missing" in notes
        assert "A hard month" in notes


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "say which rep, or --all"),
        (("anna", "--all"), "say which rep, or --all"),
        (("--all",), "--all needs --out DIR"),
        (("zoë",), "no rep has the id 'zoë'"),
        (("anna", "--commit", "x"), "--commit needs --by NAME"),
        (("anna", "--contest", "attained", "--by", "A"), "--contest needs --text"),
        (("anna", "--note", "x", "--done", "1", "--by", "A"), "one at a time: --note and --done"),
        (("anna", "--note", " ", "--by", "A"), "--note should be 1 to 2,000 characters"),
        (("anna", "--contest", "mood", "--text", "x", "--by", "A"), "no figure 'mood'; it has:"),
        (("anna", "--done", "99", "--by", "A"), "no open item 99"),
        (("anna", "--start-plan", "--by", "A"), "no plan is proposed for anna"),
        (("anna", "--due", "2025-09-01"), "--due and --measure go with --commit"),
        (("anna", "--by", "A"), "--text and --by go with"),
        (("--all", "--out", "x", "--note", "y", "--by", "A"), "--note is about one rep"),
    ],
)
def test_wrong_usage_is_one_sentence(
    run: Run, sold: Path, words: tuple[str, ...], says: str
) -> None:
    """Exit code 2, no traceback, and what would be right."""
    done = run("coach", *words, "--home", sold)
    assert done.code == 2
    assert says in " ".join(done.err.split())
    assert "Traceback" not in done.err


def test_without_quotas_the_rest_is_told(run: Run, loaded: Path, tmp_path: Path) -> None:
    """Leads alone make a sheet without causes, and the files are there without a row."""
    done = run("coach", "--all", "--out", tmp_path, "--home", loaded, "--json")
    assert done.code == 0, done.err
    assert any("needs the table" in says for says in done.data["missing"])
    assert pd.read_parquet(tmp_path / "rep_causes.parquet").empty
    assert list(pd.read_parquet(tmp_path / "equal_grounds.parquet")) == GROUNDS
    told = run("coach", "anna", "--home", loaded, "--as-of", day(150), "--json").data
    assert (told["causes"], told["quota"]) == ([], None)
    json.dumps(told)


def test_without_data_it_says_what_to_do(run: Run, tmp_path: Path) -> None:
    """The error names the command that comes first."""
    done = run("coach", "anna", "--home", tmp_path)
    assert done.code == 2
    assert "pacesetter ingest" in done.err
