"""Laws of forgetting in a home: what was ours to clean names nobody, and the rest is listed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import InputError, NotFoundError
from features.ingest.forgotten import KIND_OF_FAULT
from features.ingest.load import ingest
from features.params import FeatureParams, IngestParams
from features.storage.catalog import current, exclusive
from serving.access import tokens
from serving.access.backups import back_up_home, read_manifest, restore_home
from serving.access.forget import ForgetReport, Forgetting
from serving.access.people import Role
from serving.access.retention import expired, keep_until
from serving.access.tokens import Grant
from serving.store.database import Store
from serving.store.views import View, ViewLog

START = datetime(2025, 1, 1)
LEAD, REP = "lead-7", "rep-ada"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with data, scores, a report and a model's file that name a lead and its rep."""
    source = tmp_path / "extract"
    source.mkdir()
    leads = [
        {
            "lead_id": f"lead-{number}",
            "created_at": START + timedelta(days=number),
            "rep_id": REP if number == 7 else "rep-bo",
            "lost_at": START + timedelta(days=10 * number + 20) if number < 4 else None,
        }
        for number in range(10)
    ]
    reps = [
        {"rep_id": REP, "name": "Ada Abel", "left_at": None},
        {"rep_id": "rep-bo", "name": "Bo", "left_at": START + timedelta(days=30)},
        {"rep_id": "rep-bo2", "name": "Bo", "left_at": None},
    ]
    activities = [{"occurred_at": START + timedelta(days=99), "type": "call", "lead_id": "lead-5"}]
    for name, rows in (("leads", leads), ("reps", reps), ("activities", activities)):
        pq.write_table(pa.Table.from_pylist(rows), source / f"{name}.parquet")
    place = tmp_path / "home"
    ingest(str(source), place, FeatureParams())
    write_outputs(place)
    return place


def write_outputs(home: Path) -> None:
    """Write what scoring and reporting leave behind."""
    reasons = json.dumps({"items": [{"says": f"as {REP} knows lead-77"}]})
    scores = [
        {"lead_id": f"lead-{number}", "rep_id": REP, "p": 0.1, "reasons": reasons}
        for number in (6, 7)
    ]
    (home / "data" / "out").mkdir()
    pq.write_table(pa.Table.from_pylist(scores), home / "data" / "out" / "lead_scores.parquet")
    risks = [{"rep_id": REP, "p_attain": 0.2}, {"rep_id": "rep-bo", "p_attain": 0.3}]
    pq.write_table(pa.Table.from_pylist(risks), home / "data" / "rep_scores.parquet")
    past = pa.table({"rep_id": pa.array([REP, "rep-bo"]).dictionary_encode(), "p_attain": [0.1, 1]})
    (home / "data" / "forecast-history").mkdir()
    pq.write_table(past, home / "data" / "forecast-history" / "quota_predictions.parquet")
    (home / "data" / "report.html").write_text(f"<p>Ada Abel ({REP}) called {LEAD}, not lead-77")
    (home / "data" / "model.bin").write_bytes(b"\x00\xff" + REP.encode() + b"\x00")
    (home / "mlruns").mkdir()
    (home / "mlruns" / "bundle.txt").write_text(f"vocabulary: {REP}")
    ViewLog(Store(home)).add([View(START, "t", "Ben", "manager", REP, "rep outlook")])


def forgetting(home: Path) -> Forgetting:
    """Return what forgets in a home."""
    return Forgetting(Store(home), IngestParams())


def naming(home: Path, person: str) -> Iterator[Path]:
    """Return the files below a home that name somebody, parquet read and other bytes searched."""
    for path in sorted(home.rglob("*")):
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            cells = [str(cell) for column in table.columns for cell in column.to_pylist()]
            if any(person == cell or f"{person} " in cell for cell in cells):
                yield path
        elif path.is_file() and person.encode() in path.read_bytes().replace(b"lead-77", b""):
            yield path


def kept(report: ForgetReport) -> list[str]:
    """Return the names of the files that a report lists."""
    return [path.name for path, _ in report.files.kept]


def test_a_forgotten_rep_is_in_no_file_but_those_that_are_listed(home: Path) -> None:
    """Scores, reports, warehouse and store are clean; a model's files are named with the reason."""
    assert {path.name for path in naming(home, REP)} > {"bundle.txt", "report.html", "store.sqlite"}
    report = forgetting(home).forget_one("rep", REP)
    assert sorted(path.name for path in naming(home, REP)) == ["bundle.txt", "model.bin"]
    assert kept(report) == ["model.bin", "bundle.txt"]
    (alias,) = report.pseudonyms
    text = (home / "data" / "report.html").read_text(encoding="utf-8")
    assert text == f"<p>{alias} ({alias}) called {LEAD}, not lead-77"
    assert pq.read_table(home / "data" / "rep_scores.parquet")["rep_id"].to_pylist() == ["rep-bo"]
    past = pq.read_table(home / "data" / "forecast-history" / "quota_predictions.parquet")
    assert past["rep_id"].to_pylist() == ["rep-bo"]
    scores = pq.read_table(home / "data" / "out" / "lead_scores.parquet").to_pylist()
    assert [row["lead_id"] for row in scores] == ["lead-6", LEAD]
    assert {row["rep_id"] for row in scores} == {alias}
    assert json.loads(scores[0]["reasons"])["items"][0]["says"] == f"as {alias} knows lead-77"


def test_a_forgotten_lead_leaves_the_others(home: Path) -> None:
    """Its score is gone; a lead whose id only begins alike is as it was."""
    report = forgetting(home).forget_one("lead", LEAD)
    assert list(naming(home, LEAD)) == []
    assert kept(report) == []
    scores = pq.read_table(home / "data" / "out" / "lead_scores.parquet").to_pylist()
    assert [row["lead_id"] for row in scores] == ["lead-6"]
    assert "lead-77" in scores[0]["reasons"]


def test_nobody_comes_back_by_ingesting_again(home: Path, tmp_path: Path) -> None:
    """The extract still holds them; the warehouse does not, and the report does not name them."""
    for kind, person in (("lead", LEAD), ("rep", REP)):
        forgetting(home).forget_one(kind, person)
    report = ingest(str(tmp_path / "extract"), home, FeatureParams())
    left_out = [t.quarantine_reasons.get(KIND_OF_FAULT, 0) for t in report.tables.values()]
    assert sum(left_out) == 2
    assert list(naming(home / "data" / "warehouses", LEAD)) == []
    assert list(naming(home / "data" / "warehouses", REP)) == []
    assert LEAD not in (home / "data" / "ingest-report.json").read_text(encoding="utf-8")


def test_whoever_is_not_there_is_not_forgotten(home: Path) -> None:
    """An unknown id is an error; one that was forgotten before is not, and changes nothing."""
    with pytest.raises(NotFoundError, match="the data hold no lead of the id 'lead-99'"):
        forgetting(home).forget_one("lead", "lead-99")
    assert not (home / "data" / "forgotten.json").exists()
    forgetting(home).forget_one("lead", LEAD)
    before = current(home)
    again = forgetting(home).forget_one("lead", LEAD)
    assert (again.warehouse, again.store, again.files.changed) == ({}, {}, ())
    assert current(home) == before


def test_an_interrupted_forgetting_is_finished_by_the_next(home: Path, tmp_path: Path) -> None:
    """The hash is kept first: the next ingest leaves them out, the next call cleans the rest."""
    with exclusive(home), pytest.raises(InputError, match="another ingest is at work"):
        forgetting(home).forget_one("rep", REP)
    assert list(naming(home / "data" / "warehouses", REP))
    ingest(str(tmp_path / "extract"), home, FeatureParams())
    assert REP not in str(pq.read_table(current(home).path / "reps.parquet").to_pylist())
    assert forgetting(home).forget_one("rep", REP).store == {"views": 1}
    assert sorted(path.name for path in naming(home, REP)) == ["bundle.txt", "model.bin"]


def test_a_name_that_two_share_stays(home: Path) -> None:
    """A rep's name is taken out where it is theirs alone; ids always are."""
    (home / "data" / "report.html").write_text("Bo of rep-bo")
    report = forgetting(home).forget_one("rep", "rep-bo")
    (alias,) = report.pseudonyms
    assert (home / "data" / "report.html").read_text(encoding="utf-8") == f"Bo of {alias}"


def test_a_token_s_rep_is_forgotten_without_data(tmp_path: Path) -> None:
    """A home that was never filled may hold tokens; they go too."""
    store = Store(tmp_path)
    tokens.create(store, "Ada Abel", Grant(Role.REP, REP))
    report = Forgetting(store, IngestParams()).forget_one("rep", REP)
    assert report.store == {"tokens": 1}
    assert b"Ada Abel" not in store.path.read_bytes()


def test_the_extract_of_a_home_stays_and_is_listed(home: Path, tmp_path: Path) -> None:
    """An extract that lies under the home is the CRM's: it is not changed, and is named."""
    inside = home / "data" / "sample"
    (tmp_path / "extract").rename(inside)
    ingest(str(inside), home, FeatureParams())
    before = (inside / "leads.parquet").read_bytes()
    report = forgetting(home).forget_one("lead", LEAD)
    assert (inside / "leads.parquet").read_bytes() == before
    assert kept(report) == ["leads.parquet"]
    assert "the extract that was read" in report.files.kept[0][1]


def test_retention_forgets_who_ended_long_ago(home: Path) -> None:
    """A lead by its end and a rep by leaving, before the moment and not at it; 0 days keep all."""
    before = START + timedelta(days=40)
    assert expired(home, "lead", before) == ["lead-0", "lead-1"]
    assert expired(home, "lead", before + timedelta(microseconds=1)) == [
        "lead-0", "lead-1", "lead-2",
    ]  # fmt: skip
    assert expired(home, "rep", START + timedelta(days=30)) == []
    assert expired(home, "rep", START + timedelta(days=31)) == ["rep-bo"]
    assert keep_until(30, before) == START + timedelta(days=10)
    with pytest.raises(InputError, match="retention_days is 0"):
        keep_until(0, before)
    forgetting(home).forget("lead", expired(home, "lead", before))
    assert expired(home, "lead", before) == []


def everything(home: Path) -> dict[str, Any]:
    """Return what a home holds, but for names that change with every write."""
    meta = current(home)
    files = {p.name: p.read_bytes() for p in (home / "mlruns").iterdir()}
    return {"fingerprint": meta.fingerprint, "files": files, "views": ViewLog(Store(home)).of(REP)}


def test_a_backup_brings_a_home_back(home: Path, tmp_path: Path) -> None:
    """Warehouse, models and store are as they were, in the same home and in an empty one."""
    tokens.create(Store(home), "Ann")
    before = everything(home)
    report = back_up_home(Store(home), tmp_path / "copy")
    assert read_manifest(tmp_path / "copy") == report
    (home / "mlruns" / "bundle.txt").write_text("another")
    ViewLog(Store(home)).add([View(START, "t", "Ben", "manager", REP, "later")])
    ingest(str(tmp_path / "extract"), home, FeatureParams(), data_until=START + timedelta(days=50))
    assert everything(home) != before
    for place in (home, tmp_path / "new"):
        restore_home(Store(place), tmp_path / "copy")
        assert everything(place) == before
        assert [token.name for token in tokens.list_tokens(Store(place))] == ["Ann"]
    assert (
        not list(home.rglob("*.new")) + list(home.rglob("*.old")) + list(tmp_path.glob("*partial"))
    )


def test_a_backup_brings_nobody_back_who_was_forgotten_since(home: Path, tmp_path: Path) -> None:
    """Of them only the hash is known; they are found by it in what was put back, and erased."""
    back_up_home(Store(home), tmp_path / "copy")
    forgetting(home).forget_one("lead", LEAD)
    forgetting(home).forget_one("rep", REP)
    _, known = restore_home(Store(home), tmp_path / "copy")
    assert list(naming(home / "data" / "warehouses", LEAD))
    assert forgetting(home).again(known) == 2
    assert list(naming(home / "data" / "warehouses", LEAD)) == []
    assert REP.encode() not in Store(home).path.read_bytes()
    ingest(str(tmp_path / "extract"), home, FeatureParams())
    assert list(naming(home / "data" / "warehouses", REP)) == []
    assert forgetting(home).again(known) == 0


def test_hashes_of_another_home_find_nobody(home: Path, tmp_path: Path) -> None:
    """A backup with a key of its own cannot be searched by the hashes of this home, and says so."""
    forgetting(home).forget_one("lead", LEAD)
    back_up_home(Store(home), tmp_path / "copy")
    other = tmp_path / "other"
    ingest(str(tmp_path / "extract"), other, FeatureParams())
    forgetting(other).forget_one("lead", "lead-1")
    _, known = restore_home(Store(other), tmp_path / "copy")
    assert forgetting(other).again(known) is None


@pytest.mark.parametrize("damage", ["no folder", "no manifest", "no store", "no part"])
def test_what_is_no_backup_is_refused(home: Path, tmp_path: Path, damage: str) -> None:
    """The error names what is missing, and the home's data are as they were."""
    copy = tmp_path / "copy"
    back_up_home(Store(home), copy)
    before = everything(home)
    if damage == "no manifest":
        (copy / "backup.json").write_text("[]")
    elif damage == "no store":
        (copy / "store.sqlite").unlink()
    elif damage == "no part":
        (copy / "data" / "current.json").unlink()
    with pytest.raises(InputError):
        restore_home(Store(home), tmp_path / "nowhere" if damage == "no folder" else copy)
    assert everything(home) == before


def test_a_backup_replaces_nothing(home: Path, tmp_path: Path) -> None:
    """A folder that is there already is refused, and nothing half made is left."""
    (tmp_path / "copy").mkdir()
    with pytest.raises(InputError, match="is there already"):
        back_up_home(Store(home), tmp_path / "copy")
    assert not list((tmp_path / "copy").iterdir())
