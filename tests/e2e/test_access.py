"""People at the command line: tokens with roles, forgetting, backup, restore, upgrade."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from outside import Run

from features.storage.catalog import current
from features.storage.shared import PostgresSchema
from serving.cli import session
from serving.cli.console import Console
from serving.settings import Settings
from serving.store.database import Store
from serving.store.views import ViewLog


@pytest.fixture
def home(loaded: Path, tmp_path: Path) -> Path:
    """A copy of a home with data that a test may write into."""
    place = tmp_path / "home"
    shutil.copytree(loaded, place)
    return place


def a_lead(home: Path) -> str:
    """Return the id of a lead that the call list of tests knows nothing special of."""
    leads: list[str] = pq.read_table(current(home).path / "leads.parquet")["lead_id"].to_pylist()
    return leads[17]


def test_a_token_says_role_rep_and_end(run: Run, tmp_path: Path) -> None:
    """What was asked for is listed; without anything it is an admin's and has no end."""
    home = ("--home", tmp_path)
    narrow = ("--role", "rep", "--rep", "R1", "--days", "30")
    assert run("token", "create", "Ann", *narrow, *home).code == 0
    assert run("token", "create", "all", *home).code == 0
    ann, full = run("token", "list", "--json", *home).data["tokens"]
    assert (ann["role"], ann["rep_id"]) == ("rep", "R1")
    created, expires = (datetime.fromisoformat(ann[n]) for n in ("created_at", "expires_at"))
    assert expires - created == timedelta(days=30)
    assert (full["role"], full["rep_id"], full["expires_at"]) == ("admin", None, None)
    listed = run("token", "list", *home)
    assert "manager" not in listed.out
    assert "R1" in listed.out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--role", "rep"], "add --rep ID"),
        (["--rep", "R1"], "--rep goes with --role rep or --role manager"),
        (["--role", "boss"], "'boss' is not one of"),
        (["--days", "0"], "--days"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(
    run: Run, tmp_path: Path, options: list[str], says: str
) -> None:
    """Exit code 2, a sentence, no traceback, and no token."""
    result = run("token", "create", "Ann", *options, "--home", tmp_path)
    assert result.code == 2
    assert says in result.err
    assert "Traceback" not in result.err
    assert run("token", "list", "--json", "--home", tmp_path).data["tokens"] == []


def test_a_forgotten_lead_does_not_come_back(run: Run, home: Path) -> None:
    """Forget, ingest again: the lead is in no table, the counts add up, --json says all."""
    lead = a_lead(home)
    result = run("forget", "lead", lead, "--home", home, "--json")
    assert result.code == 0
    assert result.data["warehouse"]["leads"] == 1
    assert result.data["pseudonyms"][0].startswith("forgotten-")
    assert {Path(entry["file"]).suffix for entry in result.data["kept"]} <= {".csv", ".parquet"}
    again = run("ingest", home / "extract", "--home", home, "--json")
    assert again.code == 0
    table = again.data["tables"]["leads"]
    assert (table["read"], table["accepted"], table["quarantined"]) == (700, 699, 1)
    assert lead not in again.out + again.err
    assert run("forget", "lead", lead, "--home", home).code == 0
    for wrong in (("lead", "nobody"), ("rep", "nobody")):
        refused = run("forget", *wrong, "--home", home)
        assert refused.code == 2
        assert "the data hold no" in refused.err


def test_retention_needs_days_and_counts_from_today(run: Run, home: Path) -> None:
    """0 days is a usage error; with days every lead that ended is gone, and open ones stay."""
    refused = run("forget", "expired", "--home", home)
    assert refused.code == 2
    assert "retention_days is 0" in refused.err
    params = home / "kept.yaml"
    params.write_text("serving: {access: {retention_days: 1}}\n", encoding="utf-8")
    result = run("forget", "expired", "--home", home, "--params", params, "--json")
    assert result.code == 0
    gone = result.data["lead"]["warehouse"]["leads"]
    again = run("forget", "expired", "--home", home, "--params", params, "--json")
    assert 0 < gone < 700
    assert "lead" not in again.data


def test_a_home_is_backed_up_and_restored(run: Run, home: Path, tmp_path: Path) -> None:
    """What was written after the backup is gone, whoever was forgotten since stays forgotten."""
    lead, copy = a_lead(home), tmp_path / "copy"
    assert run("token", "create", "before", "--home", home).code == 0
    backup = run("backup", copy, "--home", home, "--json")
    assert backup.code == 0
    assert "data/current.json" in backup.data["parts"]
    assert run("backup", copy, "--home", home).code == 2
    assert run("token", "create", "after", "--home", home).code == 0
    assert run("forget", "lead", lead, "--home", home).code == 0
    restored = run("restore", copy, "--home", home)
    assert restored.code == 0
    assert "forgotten again, since the backup is older: 1 person" in restored.err
    tokens = run("token", "list", "--home", home, "--json").data["tokens"]
    assert [token["name"] for token in tokens] == ["before"]
    assert run("restore", tmp_path / "nowhere", "--home", home).code == 2
    assert run("forget", "lead", "nobody", "--home", home).code == 2


def test_an_upgrade_takes_over_and_says_what_it_did(run: Run, tmp_path: Path) -> None:
    """Steps of the store by name, tokens of an earlier version by number; then nothing."""
    data = tmp_path / "data"
    data.mkdir()
    token = {"id": "0a1b2c3d", "name": "Ann", "created_at": "2025-01-02T03:04:05Z"}
    entry = {"token": token | {"revoked_at": None}, "sha256": "0" * 64}
    (data / "tokens.json").write_text(json.dumps({"tokens": [entry]}), encoding="utf-8")
    refused = run("token", "list", "--home", tmp_path)
    assert refused.code == 2
    assert "run `pacesetter upgrade`" in refused.err
    done = run("upgrade", "--home", tmp_path)
    assert done.code == 0
    assert "1 taken over from data/tokens.json, with full access" in done.err
    (listed,) = run("token", "list", "--home", tmp_path, "--json").data["tokens"]
    assert (listed["id"], listed["name"]) == ("0a1b2c3d", "Ann")
    again = run("upgrade", "--home", tmp_path, "--json")
    assert again.data == {"steps": [], "tokens": 0}
    assert "nothing to do" in again.err


def test_an_older_store_is_upgraded_by_name(run: Run, tmp_path: Path) -> None:
    """A store of an earlier version gets the steps that it lacks, and each is named."""
    store = Store(tmp_path)
    assert run("upgrade", "--home", tmp_path).code == 0
    with closing(sqlite3.connect(store.path)) as connection, connection:
        named = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        kept = {"promotions", "alembic_version", "sqlite_sequence"}
        for later in {name for (name,) in named} - kept:
            connection.execute(f"DROP TABLE {later}")
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    steps = run("upgrade", "--home", tmp_path, "--json").data["steps"]
    assert [step[:4] for step in steps[:2]] == ["0002", "0003"]


@pytest.fixture
def shared(postgres_url: str, tmp_path: Path) -> Iterator[Path]:
    """Settings of a company whose homes share a store; returns the file."""
    folder = tmp_path / "shared"
    folder.mkdir()
    params = tmp_path / "shared.yaml"
    database = {"url": postgres_url, "company": "acme_e2e", "folder": str(folder)}
    params.write_text(json.dumps({"serving": {"database": database}}), encoding="utf-8")
    yield params
    PostgresSchema(postgres_url, "acme_e2e").ask("DROP SCHEMA IF EXISTS acme_e2e CASCADE")


def test_machines_of_a_company_forget_together(
    run: Run, home: Path, shared: Path, tmp_path: Path
) -> None:
    """Whom one machine has forgotten, the next ingest of another one leaves out."""
    lead, other = a_lead(home), tmp_path / "other"
    forgotten = run("forget", "lead", lead, "--home", home, "--params", shared)
    assert forgotten.code == 0
    assert "other machines of this company" in forgotten.err
    report = run("ingest", home / "extract", "--home", other, "--params", shared, "--json").data
    assert report["tables"]["leads"]["accepted"] == 699
    token = run("token", "create", "Ann", "--home", home, "--params", shared)
    assert token.code == 0
    listed = run("token", "list", "--json", "--home", other, "--params", shared).data["tokens"]
    assert [entry["name"] for entry in listed] == ["Ann"]
    copy = tmp_path / "copy"
    assert run("backup", copy, "--home", home, "--params", shared).code == 0
    assert (copy / "store.jsonl").is_file()
    assert run("restore", copy, "--home", home, "--params", shared).code == 0


def test_a_look_from_the_terminal_is_kept(tmp_path: Path) -> None:
    """Whoever reads a rep's risk at the terminal is in the log by their name in the system."""
    here = session.Session(tmp_path, Settings(), Console(is_json=True), None)
    here.keep_view("R1", "explain rep")
    (view,) = ViewLog(Store(tmp_path)).of("R1")
    assert (view.viewer_id, view.what, view.role) == ("terminal", "explain rep", "admin")
    assert view.viewer
