"""The verb `digest`: letters as files and over a real mail server, and quiet the second time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from inbox import Inbox, smtp_server

from serving.cli.main import main
from serving.store.database import Store
from serving.store.digests import DigestLog


@pytest.fixture
def place(sales: Path, tmp_path: Path) -> Path:
    """A copy of the small company with leads, deals and quotas."""
    home = tmp_path / "home"
    shutil.copytree(sales, home)
    return home


def run(capfd: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, Any, str]:
    """Run the verb; returns the exit code, what it wrote as JSON, and what it said."""
    capfd.readouterr()
    code = main(["digest", *(str(a) for a in arguments), "--json"])
    said = capfd.readouterr()
    return code, json.loads(said.out) if said.out else None, said.err


def test_letters_are_written_once(
    place: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The first run writes a letter for everybody with news; the second is quiet, and says so."""
    out = tmp_path / "letters"
    code, answer, _ = run(capfd, "--home", place, "--out", out)
    assert code == 0
    assert answer["sent"] == 0
    names = {Path(file).name for file in answer["files"]}
    assert {"r1.html", "r3.html"} <= names
    letter = (out / "r1.html").read_text(encoding="utf-8")
    assert "R3" not in letter
    assert letter.count("<li") <= 5
    assert len(DigestLog(Store(place)).newest()) == len(names)
    code, answer, said = run(capfd, "--home", place, "--out", out)
    assert (code, answer["files"]) == (0, [])
    assert "nothing has changed" in said


def test_letters_are_sent_to_those_with_an_address(
    place: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Who has an address gets the letter, the others are named and keep the file."""
    inbox = Inbox()
    with smtp_server(inbox) as port:
        (place / "params.yaml").write_text(
            "serving: {digest: {host: 127.0.0.1, security: none, sender: pace@example.com, "
            f"port: {port}, addresses: {{r1: ann@example.com}}}}}}\n",
            encoding="utf-8",
        )
        code, answer, said = run(capfd, "--home", place, "--out", tmp_path / "out", "--send")
    assert (code, answer["sent"]) == (0, 1)
    (received,) = inbox.letters
    assert received["To"] == "ann@example.com"
    assert "R3 (r3) has no address" in said


def test_without_a_server_nothing_is_made(
    place: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """--send without settings is wrong usage: said before any work, and nothing is kept."""
    code, answer, said = run(capfd, "--home", place, "--out", tmp_path / "out", "--send")
    assert (code, answer) == (2, None)
    assert "serving.digest.host" in said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()
    assert not DigestLog(Store(place)).newest()
