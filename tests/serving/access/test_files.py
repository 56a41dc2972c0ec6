"""Laws of cleaning files: what names somebody is cleaned or listed, and nothing else is touched."""

from __future__ import annotations

import stat
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from serving.access.files import erase_from_files
from serving.access.policy import headers_of, new_nonce, page_policy
from serving.store.erase import Erasure

ALIAS = "forgotten-0123456789abcdef"
LEAD = Erasure("lead", {"L-1": ALIAS})
ODD = Erasure("lead", {"a b/ä": ALIAS, "x.y": ALIAS})
MANY = Erasure("lead", {f"L-{number}": f"{ALIAS}{number}" for number in range(40)})


@pytest.mark.parametrize(
    ("erasure", "text", "cleaned"),
    [
        (LEAD, "L-1", ALIAS),
        (LEAD, "lead L-1, (L-1)", f"lead {ALIAS}, ({ALIAS})"),
        (LEAD, "L-11 L-1-2 XL-1 _L-1", "L-11 L-1-2 XL-1 _L-1"),
        (LEAD, '{"lead_id":"L-1"}', f'{{"lead_id":"{ALIAS}"}}'),
        (LEAD, "l-1", "l-1"),
        (ODD, "see a b/ä.", f"see {ALIAS}."),
        (ODD, "a b/äh and x.y.z", f"a b/äh and {ALIAS}.z"),
        (MANY, "L-39 then L-3", f"{ALIAS}39 then {ALIAS}3"),
        (MANY, "L-40", "L-40"),
    ],
)
def test_an_id_is_found_as_a_whole_word(erasure: Erasure, text: str, cleaned: str) -> None:
    """Longer ids that begin or end alike belong to others, however many are looked for."""
    assert erasure.clean(text) == cleaned
    assert erasure.clean(text.encode()) == cleaned.encode()
    assert erasure.clean({"k": [text, 1, None]}) == {"k": [cleaned, 1, None]}


def test_a_file_keeps_its_place_and_rights(tmp_path: Path) -> None:
    """A cleaned file may be read by whom it was before; others keep their very bytes and times."""
    data = tmp_path / "data"
    data.mkdir()
    named, other = data / "a.csv", data / "b.csv"
    named.write_text("lead_id\nL-1\n")
    named.chmod(0o640)
    other.write_text("lead_id\nL-2\n")
    before = other.stat().st_mtime_ns
    report = erase_from_files(tmp_path, LEAD, None)
    assert report.changed == (named,)
    assert report.kept == ()
    assert stat.S_IMODE(named.stat().st_mode) == 0o640
    assert named.read_text() == f"lead_id\n{ALIAS}\n"
    assert other.stat().st_mtime_ns == before


def test_types_and_order_of_a_parquet_file_stay(tmp_path: Path) -> None:
    """Only rows about the person go; columns keep their types, rows their order."""
    data = tmp_path / "data"
    data.mkdir()
    table = pa.table(
        {
            "lead_id": pa.array(["L-3", "L-1", None, "L-2"]),
            "p": pa.array([0.1, 0.2, 0.3, None]),
            "at": pa.array([1, 2, 3, 4], pa.timestamp("us")),
            "says": pa.array(["like L-1", "x", None, "y"], pa.large_string()),
        }
    )
    pq.write_table(table, data / "scores.parquet")
    erase_from_files(tmp_path, LEAD, None)
    cleaned = pq.read_table(data / "scores.parquet")
    assert cleaned.schema.equals(table.schema)
    assert cleaned["lead_id"].to_pylist() == ["L-3", None, "L-2"]
    assert cleaned["says"].to_pylist() == [f"like {ALIAS}", None, "y"]


def test_what_is_not_ours_is_listed_and_left(tmp_path: Path) -> None:
    """Files elsewhere in the home, links and broken files stay as they are."""
    for name in ("data", "mlruns", "notes"):
        (tmp_path / name).mkdir()
    files = {
        "mlruns/bundle.txt": b"L-1",
        "notes/mine.txt": b"L-1",
        "data/blob.bin": b"\xff L-1 \xfe",
        "data/broken.parquet": b"no parquet, L-1",
        "notes/others.txt": b"L-2",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "data" / "link.txt").symlink_to(tmp_path / "notes" / "mine.txt")
    report = erase_from_files(tmp_path, LEAD, None)
    assert {path.name for path, _ in report.kept} == {
        "bundle.txt", "mine.txt", "blob.bin", "broken.parquet",
    }  # fmt: skip
    for name, content in files.items():
        assert (tmp_path / name).read_bytes() == content


def test_policies_allow_what_they_say() -> None:
    """Data allow nothing; a page its own files and its nonce; HTTPS is told where it was used."""
    data, page = headers_of(None, is_https=False), headers_of(new_nonce(), is_https=True)
    assert data["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "Strict-Transport-Security" not in data
    assert page["Strict-Transport-Security"].startswith("max-age=")
    assert page.keys() > data.keys()
    rules = dict(rule.strip().split(" ", 1) for rule in page_policy("N").split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self' 'nonce-N'"
    assert rules["form-action"] == rules["connect-src"] == "'self'"
    assert rules["base-uri"] == rules["frame-ancestors"] == "'none'"
    assert new_nonce() != new_nonce()
