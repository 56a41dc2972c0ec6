"""Laws of being forgotten: nothing of the person stays, what others did does, nobody returns."""

from __future__ import annotations

import json
import stat
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import InputError, NotReady
from features.ingest.erase import erase_people
from features.ingest.forgotten import Forgotten, forgotten_people, keep_forgotten
from features.ingest.load import ingest
from features.params import FeatureParams, IngestParams
from features.storage.catalog import current, ingest_report
from features.tables import TABLES

Rows = list[dict[str, Any]]
DAY = timedelta(days=1)
START = datetime(2025, 1, 1)
LEAD, REP, MANAGER = "lead-17", "rep-ada", "boss-1"
KEY = "k" * 64


def forget(**people: str) -> Forgotten:
    """Return the list of people that were named."""
    nobody = Forgotten(KEY, {"lead": frozenset(), "rep": frozenset()})
    hashes = {kind: frozenset({nobody.hash_of(kind, name)}) for kind, name in people.items()}
    return Forgotten(KEY, nobody.hashes | hashes)


def extract(folder: Path) -> Path:
    """Write an extract in which everybody is named wherever they can be."""
    leads = [
        {
            "lead_id": name,
            "created_at": START + number * DAY,
            "rep_id": REP if number % 2 else "rep-bo",
            "account_id": f"a{number}",
            "email": f"{name}@example.com",
            "converted_at": START + (number + 40) * DAY if number % 3 == 0 else None,
        }
        for number, name in enumerate(["lead-1", LEAD, "lead-170", "lead-2"])
    ]
    # A repeated key: the second row goes to the quarantine with all that it holds.
    leads.append(leads[1] | {"email": "second@example.com"})
    activities = [
        {
            "activity_id": f"x{number}",
            "lead_id": lead["lead_id"],
            "rep_id": rep,
            "occurred_at": START + (number + 5) * DAY,
            "type": "call",
        }
        for number, (lead, rep) in enumerate(
            (lead, rep) for lead in leads for rep in (REP, "rep-bo")
        )
    ]
    late = {"activity_id": "late", "lead_id": "lead-2", "rep_id": "rep-bo"}
    activities.append(activities[0] | late | {"occurred_at": START + 90 * DAY})
    reps = [
        {"rep_id": REP, "name": "Ada Abel", "manager_id": MANAGER},
        {"rep_id": "rep-bo", "name": "Bo Berg", "manager_id": MANAGER},
        {"rep_id": MANAGER, "name": "Max Main", "manager_id": None},
    ]
    deals = [
        {"deal_id": f"d{number}", "rep_id": rep, "lead_id": lead, "created_at": START + 8 * DAY,
         "amount": 10.0, "closed_at": START + 30 * DAY, "won": True}
        for number, (rep, lead) in enumerate([(REP, LEAD), ("rep-bo", LEAD), (REP, "lead-1")])
    ]  # fmt: skip
    changes = [
        {"entity_type": kind, "entity_id": name, "changed_at": START + (10 + number) * DAY,
         "field": changed, "value": value, "old_value": old}
        for number, (kind, name, changed, value, old) in enumerate([
            ("lead", LEAD, "stage", "met", "new"),
            ("lead", "lead-1", "stage", "met", "new"),
            ("lead", "lead-1", "rep_id", REP, "rep-bo"),
            ("lead", "lead-2", "rep_id", "rep-bo", REP),
            ("lead", "lead-2", "nickname", REP, None),
            ("rep", REP, "territory", "north", "south"),
            ("rep", "rep-bo", "manager_id", MANAGER, REP),
            ("deal", "d1", "lead_id", "lead-1", LEAD),
        ])
    ]  # fmt: skip
    quotas = [
        {"rep_id": rep, "period_start": START, "period_end": START + 90 * DAY, "amount": 5.0}
        for rep in (REP, "rep-bo")
    ]
    tables = {"leads": leads, "activities": activities, "reps": reps, "deals": deals,
              "changes": changes, "quotas": quotas}  # fmt: skip
    folder.mkdir(parents=True)
    for name, rows in tables.items():
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The extract."""
    return extract(tmp_path / "extract")


@pytest.fixture
def home(tmp_path: Path, source: Path) -> Path:
    """A home in which everybody is known."""
    place = tmp_path / "home"
    ingest(str(source), place, FeatureParams())
    return place


def table(home: Path, name: str) -> Rows:
    """Return the rows of a table of the current warehouse."""
    rows: Rows = pq.read_table(current(home).path / f"{name}.parquet").to_pylist()
    return rows


def cells(home: Path) -> set[str]:
    """Return every text in every parquet file below HOME/data."""
    found: set[str] = set()
    for file in (home / "data").rglob("*.parquet"):
        for column in duckdb.sql(f"SELECT * FROM '{file}'").fetch_arrow_table().columns:
            found.update(value for value in column.to_pylist() if isinstance(value, str))
    return found


def names(home: Path, person: str) -> set[str]:
    """Return the texts that name a person, but for a nickname that only sounds like them."""
    return {cell for cell in cells(home) if person in cell} - {"lead-170", "lead-170@example.com"}


def test_a_lead_is_gone_and_others_keep_what_they_did(home: Path) -> None:
    """Its rows are gone, of every table and of the quarantine; a deal stays under a pseudonym."""
    assert names(home, LEAD)
    forgotten = forget(lead=LEAD)
    gone = erase_people(home, forgotten, IngestParams())
    assert gone == {"leads": 1, "activities": 4, "changes": 3}
    assert not names(home, LEAD)
    # The column has a history, which holds its values at creation too.
    alias = forgotten.pseudonym("lead", LEAD)
    linked = [r["value"] for r in table(home, "changes") if r["field"] == "lead_id"]
    assert linked.count(alias) == 2
    assert {row["lead_id"] for row in table(home, "leads")} == {"lead-1", "lead-170", "lead-2"}


def test_a_rep_is_gone_and_the_deals_still_add_up(home: Path) -> None:
    """Row and quota are gone; leads, deals and handovers name a pseudonym, sums are as before."""
    before = sum(row["amount"] for row in table(home, "deals"))
    forgotten = forget(rep=REP)
    gone = erase_people(home, forgotten, IngestParams())
    assert gone["reps"] == gone["quotas"] == 1
    # A field that is called otherwise may hold the same letters and means somebody else.
    assert names(home, REP) == {REP}
    assert {r["value"] for r in table(home, "changes") if r["field"] == "nickname"} == {REP}
    assert sum(row["amount"] for row in table(home, "deals")) == before
    alias = forgotten.pseudonym("rep", REP)
    assert [row["rep_id"] for row in table(home, "activities")].count(alias) == 5
    assert alias in cells(home)


@pytest.mark.parametrize("people", [{"lead": LEAD}, {"rep": REP}, {"lead": LEAD, "rep": MANAGER}])
def test_erasing_is_what_an_ingest_without_them_makes(
    home: Path, source: Path, people: dict[str, str]
) -> None:
    """The warehouse after erasing is, to the fingerprint, that of the extract read again."""
    forgotten = forget(**people)
    erase_people(home, forgotten, IngestParams())
    erased = current(home)
    assert ingest_report(home)["fingerprint"] == erased.fingerprint
    keep_forgotten(home, forgotten)
    ingest(str(source), home, FeatureParams())
    assert current(home).fingerprint == erased.fingerprint
    for kind, name in people.items():
        assert names(home, name) <= {REP}, kind


def test_a_report_counts_them_and_does_not_name_them(home: Path, source: Path) -> None:
    """Every row is accounted for; the quarantine says that one was left out and holds nothing."""
    keep_forgotten(home, forget(lead=LEAD))
    report = ingest(str(source), home, FeatureParams())
    leads = report.tables["leads"]
    assert (leads.read, leads.accepted, leads.quarantined) == (5, 3, 2)
    assert leads.quarantine_reasons["about a person who is forgotten"] == 2
    assert LEAD not in (home / "data" / "ingest-report.json").read_text(encoding="utf-8")
    quarantine = pq.read_table(home / "data" / "quarantine" / "leads.parquet").to_pylist()
    assert [row["source_row"] for row in quarantine] == [1, 4]
    for row in quarantine:
        filled = {name for name, value in row.items() if value is not None}
        assert filled == {"source_row", "reason"}
        assert row["reason"] == "the person asked to be forgotten; nothing of the row is kept"
    for name in TABLES.keys() & report.tables.keys():
        counts = report.tables[name]
        assert counts.read == counts.accepted + counts.quarantined


def test_the_quarantine_keeps_what_is_about_others(home: Path, source: Path) -> None:
    """A row of somebody else stays as it was set aside; a person who is only there is found."""
    rows = pq.read_table(source / "leads.parquet").to_pylist()
    rows += [rows[0] | {"email": "twice"}, rows[0] | {"lead_id": "only-here", "created_at": None}]
    pq.write_table(pa.Table.from_pylist(rows), source / "leads.parquet")
    ingest(str(source), home, FeatureParams())
    erase_people(home, forget(lead="only-here"), IngestParams())
    quarantine = pq.read_table(home / "data" / "quarantine" / "leads.parquet").to_pylist()
    assert [row["source_row"] for row in quarantine] == [4, 5, 6]
    assert [row["email"] for row in quarantine] == ["second@example.com", "twice", None]
    assert not names(home, "only-here")


def test_nobody_is_forgotten_twice(home: Path) -> None:
    """A person who is not there changes nothing, not even the warehouse's name."""
    erase_people(home, forget(lead=LEAD), IngestParams())
    before = current(home)
    assert erase_people(home, forget(lead=LEAD), IngestParams()) == {}
    assert erase_people(home, forget(rep="nobody"), IngestParams()) == {}
    assert current(home) == before


def test_the_warehouse_before_is_not_kept(home: Path, source: Path) -> None:
    """No older folder is left in which the person could be found."""
    ingest(str(source), home, FeatureParams())
    assert len(list((home / "data" / "warehouses").iterdir())) == 2
    erase_people(home, forget(lead=LEAD), IngestParams())
    (only,) = (home / "data" / "warehouses").iterdir()
    assert only == current(home).path


def test_without_data_there_is_nothing_to_erase(tmp_path: Path) -> None:
    """An empty home says so."""
    with pytest.raises(NotReady):
        erase_people(tmp_path, forget(lead=LEAD), IngestParams())


def test_the_list_tells_nobody_who_is_on_it(tmp_path: Path) -> None:
    """It holds hashes that need the key, each kind has its own, and only its owner reads it."""
    forgotten = forget(lead="same", rep="same")
    keep_forgotten(tmp_path, forgotten)
    path = tmp_path / "data" / "forgotten.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "same" not in path.read_text(encoding="utf-8")
    assert forgotten_people(tmp_path) == forgotten
    assert forgotten.hashes["lead"] != forgotten.hashes["rep"]
    other = Forgotten("x" * 64, forgotten.hashes)
    assert other.among("lead", ["same"]) == {}
    assert set(forgotten.among("lead", ["same", "other"])) == {"same"}


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"key": "k"}', '{"key": "k", "lead": 1, "rep": []}']
)
def test_a_broken_list_stops_an_ingest(home: Path, source: Path, content: str) -> None:
    """Nobody is brought back because the list cannot be read."""
    (home / "data" / "forgotten.json").write_text(content, encoding="utf-8")
    before = current(home)
    with pytest.raises(InputError, match=r"forgotten\.json cannot be read"):
        ingest(str(source), home, FeatureParams())
    assert current(home) == before
    assert json.loads((home / "data" / "current.json").read_text())["warehouse"] == before.path.name
