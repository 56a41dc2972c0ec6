"""The warehouse on disk: one pointer, the folder before it kept, leftovers removed."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from features.errors import InputError, NotReady
from features.storage.catalog import NO_EVENTS, current, exclusive, publish

POINTER: dict[str, Any] = {
    "present": ["leads", "activities"],
    "data_until": "2024-06-01T12:00:00",
    "data_until_declared": True,
    "fingerprint": "abc",
    "source": "somewhere",
    "mapping": None,
    "histories": [],
}


def ingest(home: Path, mark: str, **changes: Any) -> Path:
    """Publish a folder that holds one file."""
    with exclusive(home) as partial:
        (partial / "leads.parquet").write_text(mark)
        (partial / "quarantine").mkdir()
        (partial / "quarantine" / "leads.parquet").write_text(f"quarantined of {mark}")
        return publish(home, partial, {**POINTER, **changes}, json.dumps({"mark": mark}))


def warehouses(home: Path) -> list[str]:
    """Name what lies where warehouses do."""
    return sorted(path.name for path in (home / "data" / "warehouses").iterdir())


def test_without_an_ingest_there_is_nothing(tmp_path: Path) -> None:
    """The error says which step must come first."""
    with pytest.raises(NotReady, match="run `pacesetter ingest SOURCE` first"):
        current(tmp_path)


def test_what_was_published_is_current(tmp_path: Path) -> None:
    """With all that its pointer says."""
    path = ingest(tmp_path, "one", mapping="map.yaml")
    meta = current(tmp_path)
    assert meta.path == path
    assert (meta.path / "leads.parquet").read_text() == "one"
    assert meta.present == {"leads", "activities"}
    assert (meta.data_until, meta.declared) == (datetime(2024, 6, 1, 12), True)
    assert (meta.fingerprint, meta.source, meta.mapping) == ("abc", "somewhere", Path("map.yaml"))
    report = (tmp_path / "data" / "ingest-report.json").read_text()
    assert report == '{"mark": "one"}\n'
    quarantine = tmp_path / "data" / "quarantine" / "leads.parquet"
    assert quarantine.read_text() == "quarantined of one"
    assert not (meta.path / "quarantine").exists()


def test_an_extract_without_events_ends_before_all_times(tmp_path: Path) -> None:
    """So that nothing in it is ever mature."""
    ingest(tmp_path, "one", data_until=None)
    assert current(tmp_path).data_until == NO_EVENTS


def test_the_warehouse_before_stays_for_its_readers(tmp_path: Path) -> None:
    """That one, and no older one."""
    folders = [ingest(tmp_path, mark) for mark in ("one", "two", "three")]
    assert [path.exists() for path in folders] == [False, True, True]
    assert current(tmp_path).path == folders[2]


def test_an_unpublished_folder_is_removed(tmp_path: Path) -> None:
    """What an ingest began and did not publish leaves no trace; the one before stays current."""
    path = ingest(tmp_path, "one")
    with exclusive(tmp_path) as partial:
        (partial / "leads.parquet").write_text("half")
    assert not partial.exists()
    assert current(tmp_path).path == path


def test_leftovers_of_the_dead_are_removed_and_nothing_else(tmp_path: Path) -> None:
    """Folders and files of killed ingests go; what somebody else put there stays."""
    path = ingest(tmp_path, "one")
    beside, data = path.parent, tmp_path / "data"
    (beside / "20240101T000000-0123abcd.partial").mkdir()
    (beside / "20240101T000000-0123abcd").mkdir()
    (beside / "my notes").mkdir()
    (data / "current.json.0123abcd.new").write_text("half")
    (data / "tokens.json.0123abcd.new").write_text("another's")
    with exclusive(tmp_path):
        assert [name for name in warehouses(tmp_path) if not name.endswith(".partial")] == [
            path.name,
            "my notes",
        ]
    assert sorted(file.name for file in data.glob("*.new")) == ["tokens.json.0123abcd.new"]


def test_a_second_ingest_is_refused_at_once(tmp_path: Path) -> None:
    """It says who is at work, and takes nothing away from the first."""
    with exclusive(tmp_path) as partial:
        said = r"another ingest is at work in .*wait until it ends"
        with pytest.raises(InputError, match=said), exclusive(tmp_path):
            pytest.fail("two ingests at once")
        assert partial.exists()
    with exclusive(tmp_path):
        pass


def test_a_home_that_cannot_be_written_to_is_said(tmp_path: Path) -> None:
    """A file where the folder should be."""
    (tmp_path / "data").write_text("a file")
    with pytest.raises(InputError, match=r"cannot write under .*data: "), exclusive(tmp_path):
        pytest.fail("an ingest without a folder")


@pytest.mark.parametrize("content", ["", "{", "\ufffd"])
def test_a_damaged_pointer_is_said(tmp_path: Path, content: str) -> None:
    """With what to do about it."""
    ingest(tmp_path, "one")
    (tmp_path / "data" / "current.json").write_text(content)
    with pytest.raises(InputError, match=r"current\.json: .*remove it and ingest again"):
        current(tmp_path)
