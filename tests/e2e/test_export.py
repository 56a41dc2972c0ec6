"""`export leads` from outside: a file of a CRM's own shape, and nothing about reps."""

from __future__ import annotations

import csv
from pathlib import Path

from outside import Run


def test_scores_go_back_to_the_crm(run: Run, trained: Path, tmp_path: Path) -> None:
    """Every open lead by its own id, and how to import the file."""
    out = tmp_path / "to crm" / "scores.csv"
    exported = run(
        "export", "leads", "--for", "salesforce", "--out", out, "--json", "--home", trained
    )
    assert exported.code == 0, exported.err
    scored = run("score", "--out", tmp_path / "scores", "--json", "--home", trained)
    assert exported.data["leads"] == scored.data["rows_by_kind"]["leads"]
    assert "Data Loader" in exported.err
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == exported.data["leads"]
    assert all(row["Id"].startswith("L-") and row["Pacesetter_Reasons__c"] for row in rows)


def test_bad_usage_is_said(run: Run, trained: Path, tmp_path: Path) -> None:
    """An unknown CRM, a folder in the way, and forecasts of reps, which are not exported."""
    unknown = run("export", "leads", "--for", "siebel", "--out", tmp_path / "x.csv")
    assert unknown.code == 2
    assert "salesforce" in unknown.err
    assert run("export", "reps", "--for", "zoho", "--out", tmp_path / "x.csv").code == 2
    (tmp_path / "file").touch()
    blocked = run(
        *("export", "leads", "--for", "zoho"),
        *("--out", tmp_path / "file" / "x.csv", "--home", trained),
    )
    assert blocked.code == 2
    assert "cannot be written" in blocked.err
