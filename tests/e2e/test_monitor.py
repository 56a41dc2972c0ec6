"""`monitor` from outside: exit codes, words, JSON and a page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from outside import Run, company, day, prepared

from serving.cli.main import main


@pytest.fixture(scope="module")
def learned_early(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose champion has learned from the first half of the extract."""
    home = prepared(tmp_path_factory.mktemp("monitor") / "Büro 3", company())
    assert main(["--home", str(home), "ingest", str(home / "extract")]) == 0
    assert main(["--home", str(home), "train", "leads", "--until", day(110)]) == 0
    return home


def test_a_calm_company_ends_with_0_and_a_page(run: Run, learned_early: Path) -> None:
    """Nothing is out of the ordinary: said in words, as JSON, and on a page without a script."""
    done = run("monitor", "--home", learned_early, "--as-of", day(180), "--json")
    assert done.code == 0, done.err
    assert "nothing is out of the ordinary" in done.err
    assert done.data["findings"] == []
    assert done.data["champions"]["lead conversion"]["version"] == "1"
    page = Path(done.data["report"])
    assert page == learned_early / "data" / "monitor" / f"{day(180)}T0000" / "report.html"
    text = page.read_text(encoding="utf-8")
    assert "No alarm" in text
    assert "<script" not in text


def test_loading_that_stopped_ends_with_1(run: Run, learned_early: Path) -> None:
    """The time of the clock tells that nothing has come in for weeks."""
    done = run("monitor", "--home", learned_early, "--as-of", day(230), "--json")
    assert done.code == 1
    (finding,) = (f for f in done.data["findings"] if f["what"] == "stale")
    assert finding["severity"] == "alarm"
    assert set(finding) >= {"what", "where", "size", "expected", "low", "high", "says"}
    assert "loading has stopped" in done.err


def test_calls_that_are_loaded_twice_end_with_1(
    run: Run, learned_early: Path, tmp_path: Path
) -> None:
    """A loader that writes the last ten days of calls once more is named as what it is."""
    tables = company()
    home = prepared(tmp_path / "twice", tables)
    copies = [
        {**row, "activity_id": f"again {row['activity_id']}"}
        for row in tables["activities"]
        if row["occurred_at"] >= day(190) and row["type"] == "call"
    ]
    home = prepared(home, {**tables, "activities": [*tables["activities"], *copies]})
    assert run("ingest", home / "extract", "--home", home).code == 0
    (home / "mlruns").symlink_to(learned_early / "mlruns")
    done = run("monitor", "--home", home, "--json")
    assert done.code == 1, done.err
    assert "repeated rows" in {f["what"] for f in json.loads(done.out)["findings"]}


def test_without_a_model_it_says_what_to_do(run: Run, loaded: Path) -> None:
    """Bad usage is 2: there is nothing to compare with."""
    done = run("monitor", "--home", loaded)
    assert done.code == 2
    assert "pacesetter train" in done.err
