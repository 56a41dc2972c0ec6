"""`pacesetter simulate` from outside: what it makes, what it refuses, and what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from outside import Run

QUICK = ("--preset", "small", "--reps", "4", "--months", "3")
BARE = ("--set", "replays=2", "--set", "cause_replays=1")


def test_it_makes_tables_and_truth(run: Run, tmp_path: Path) -> None:
    """The summary tells every file and its rows; ingest takes the folder as it is."""
    out = tmp_path / "company"
    told = run("simulate", "--out", out, *QUICK, *BARE, "--seed", "5", "--json")
    assert told.code == 0
    assert told.data["preset"] == "small"
    assert told.data["settings"]["seed"] == 5
    for name, rows in told.data["tables"].items():
        assert len(pd.read_parquet(out / f"{name}.parquet")) == rows
    for name, rows in told.data["truth"].items():
        assert len(pd.read_parquet(out / "truth" / f"{name}.parquet")) == rows
    assert run("ingest", out, "--home", tmp_path / "home").code == 0


def test_an_earlier_company_is_replaced_and_nothing_else_is(run: Run, tmp_path: Path) -> None:
    """A folder with a company in it may be used again; one with anything else is left alone."""
    out = tmp_path / "company"
    assert run("simulate", "--out", out, *QUICK, *BARE).code == 0
    first = pd.read_parquet(out / "leads.parquet")
    assert run("simulate", "--out", out, *QUICK, *BARE, "--seed", "2").code == 0
    assert not pd.read_parquet(out / "leads.parquet").equals(first)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "leads.csv").write_text("mine", encoding="utf-8")
    refused = run("simulate", "--out", foreign, *QUICK)
    assert refused.code == 2
    assert "not empty" in refused.err
    assert [path.name for path in foreign.iterdir()] == ["leads.csv"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--set", "ramp=3"), "no setting 'ramp'"),
        (("--set", "ramp_days"), "--set ramp_days=90"),
        (("--set", "ramp_days=long"), "ramp_days=long"),
        (("--set", "ramp_days=-1"), "ramp_days=-1"),
        (("--set", "planted=1.5"), "planted=1.5"),
        (("--set", "potential=0.4"), "potential=0.4"),
        (("--set", "potential=0.4,many"), "many"),
        (("--set", "start=soon"), "start=soon"),
        (("--preset", "huge"), "'huge'"),
        (("--reps", "0"), "--reps"),
    ],
    ids=str,
)
def test_what_cannot_be_is_one_clear_error(
    run: Run, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    """Unknown settings, presets and values end with 2, name what was given, and write nothing."""
    made = run("simulate", "--out", tmp_path / "company", *options)
    assert made.code == 2
    assert said in made.err
    assert "Traceback" not in made.err
    assert not (tmp_path / "company").exists()


def test_without_a_folder_it_says_what_is_missing(run: Run) -> None:
    """--out is needed, unless settings are only listed."""
    made = run("simulate")
    assert made.code == 2
    assert "--out" in made.err


def test_settings_are_read_by_their_type(run: Run, tmp_path: Path) -> None:
    """Numbers, pairs and dates come from text; an option of its own and --set mean the same."""
    changes = ("--set", "potential=0.5,1.5", "--set", "start=2023-01-01", "--set", "leave_yearly=0")
    made = run("simulate", "--out", tmp_path / "c", *QUICK, *BARE, *changes, "--json")
    assert made.data["settings"]["potential"] == [0.5, 1.5]
    assert made.data["settings"]["start"] == "2023-01-01"
    assert made.data["settings"]["reps"] == 4
    again = json.loads((tmp_path / "c" / "company.json").read_text(encoding="utf-8"))
    assert again["settings"] == made.data["settings"]
    assert pd.read_parquet(tmp_path / "c" / "leads.parquet")["created_at"].min().year >= 2022


def test_every_setting_is_listed_with_its_meaning(run: Run) -> None:
    """--settings tells the preset's values and ends without making anything."""
    listed = run("simulate", "--settings", "--preset", "shock", "--json")
    assert listed.code == 0
    assert listed.data["shock_month"]["value"] == "18"
    assert all(entry["meaning"] for entry in listed.data.values())
