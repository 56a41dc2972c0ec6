"""A CRM's export from outside: known by its headers, named, read again, or suggested."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml
from outside import Run, company


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """The sample company's leads and reps in Zoho's shape."""
    tables, folder = company(leads=120), tmp_path / "zoho export"
    folder.mkdir()
    leads = pd.DataFrame(tables["leads"]).rename(
        columns={
            "lead_id": "Record Id",
            "created_at": "Created Time",
            "rep_id": "Lead Owner.id",
            "source": "Lead Source",
            "converted_at": "Converted Date Time",
            "lost_at": "Lost Time",
        }
    )
    leads.assign(Gender=["male", "female"] * 60).to_csv(folder / "Leads.csv", index=False)
    users = pd.DataFrame(tables["reps"]).rename(columns={"rep_id": "User Id", "name": "Full Name"})
    users.to_csv(folder / "Users.csv", index=False)
    return folder


def test_an_export_comes_in_by_itself(run: Run, export: Path, tmp_path: Path) -> None:
    """What it was read as, what is missing, and what no model will use is said."""
    ingested = run("ingest", export, "--home", tmp_path / "home", "--json")
    assert ingested.code == 0, ingested.err
    assert ingested.data["preset"] == "zoho"
    assert ingested.data["tables"]["leads"]["accepted"] == 120
    assert "read as Zoho CRM (preset zoho): Leads, Users" in ingested.err
    assert "not there: Deals (deals)" in ingested.err
    assert "leads.Gender looks like gender, by its name" in ingested.err


def test_a_named_preset_is_remembered(run: Run, export: Path, tmp_path: Path) -> None:
    """The next one reads by the same name, and a wrong name is said with what would be right."""
    home = tmp_path / "home"
    named = run("ingest", export, "--home", home, "--mapping", "zoho")
    assert named.code == 0, named.err
    pointer = json.loads((home / "data" / "current.json").read_text(encoding="utf-8"))
    assert pointer["mapping"] == "zoho"
    wrong = run("ingest", export, "--home", home, "--mapping", "pipedrive")
    assert wrong.code == 2
    assert "does not look like Pipedrive" in wrong.err
    absent = run("ingest", export, "--home", home, "--mapping", "siebel")
    assert absent.code == 2
    assert "siebel" in absent.err


def test_a_mapping_is_suggested_and_nothing_is_written(
    run: Run, export: Path, tmp_path: Path
) -> None:
    """YAML on stdout, as it is or within JSON; the home stays empty."""
    home = tmp_path / "home"
    suggested = run("ingest", export, "--home", home, "--suggest-mapping")
    assert suggested.code == 0, suggested.err
    assert yaml.safe_load(suggested.out)["leads"]["table"] == "Leads"
    assert "# " in suggested.out
    as_json = run("ingest", export, "--home", home, "--suggest-mapping", "--json")
    assert as_json.data["mapping"] == suggested.out
    assert not (home / "data").exists()
    nowhere = run("ingest", tmp_path / "nowhere", "--suggest-mapping")
    assert nowhere.code == 2
    assert "there is no such" in nowhere.err
