"""`kpi` from outside: a page, files, JSON, a table, and what it says when asked wrongly."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from outside import Run, company, day, prepared

from serving.cli.main import main


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with leads and activities alone."""
    place = prepared(tmp_path_factory.mktemp("kpi") / "Büro 5", company(leads=200))
    assert main(["--home", str(place), "ingest", str(place / "extract")]) == 0
    return place


def test_it_writes_a_page_and_files(run: Run, home: Path, tmp_path: Path) -> None:
    """A page without a script, parquet and CSV of the same rows, and all of it as JSON."""
    out = tmp_path / "figures"
    done = run("kpi", "--home", home, "--by", "source", "--as-of", day(150), "--out", out, "--json")
    assert done.code == 0, done.err
    page = Path(done.data["files"]["page"]).read_text(encoding="utf-8")
    assert "<script" not in page
    assert "not for employment decisions" in page
    assert done.data["absent"]["bookings"] == "the table deals is not loaded"
    assert {row["source"] for row in done.data["slices"]} >= {"web", "fair", "referral"}
    frame = pd.read_parquet(out / "kpis.parquet")
    assert set(frame["group"]) == {"company", "rep_id", "source"}
    assert frame["period_start"].max() < pd.Timestamp(day(150))
    assert "not for employment decisions" in done.err


def test_without_a_folder_it_shows_a_table(run: Run, home: Path) -> None:
    """The newest months in the terminal, and nothing is written."""
    before = sorted(home.rglob("*"))
    done = run("kpi", "--home", home)
    assert done.code == 0, done.err
    assert "Leads received" in done.out
    assert sorted(home.rglob("*")) == before


def test_wrong_questions_are_answered_in_a_sentence(run: Run, home: Path) -> None:
    """No such column, two subjects, a moment before all data: exit code 2 and the reason."""
    for options, words in (
        (["--by", "colour"], "no column 'colour' to slice by"),
        (["--team", "a", "--rep", "b"], "not both"),
        (["--as-of", "2001-01-01"], "nothing had happened before 2001-01-01"),
        (["--every", "quota"], "choose day, week, month or quarter"),
    ):
        done = run("kpi", "--home", home, *options)
        assert done.code == 2, options
        assert words in done.err
        assert "Traceback" not in done.err
