"""Laws of the verb `commits`: rows are added once, and what came of them stands beside them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from serving.cli.main import main
from serving.home.home import Home
from serving.settings import Settings
from serving.store.commits import CommitLog

ROWS = """rep_id,period_start,made_at,amount
r1,2025-05-01,2025-05-03,9000
r1,2025-05-01,2025-05-28,100
r1,2025-06-01,2025-06-20,12000
r1,2025-07-01,2025-07-02,8000
r2,2025-06-02,2025-06-03,5000
r2,2025-06-01,2025-06-03,much
"""


@pytest.fixture
def place(sales: Path, tmp_path: Path) -> Path:
    """A copy of the company with deals and quotas."""
    copy = tmp_path / "home"
    shutil.copytree(sales, copy)
    (tmp_path / "said.csv").write_text(ROWS, encoding="utf-8")
    return copy


def run(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """Run the verb; returns its JSON."""
    assert main(["commits", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_rows_are_added_once_and_judged_by_the_middle(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Four rows are kept, two set aside with reasons; May is judged by what was said on May 3."""
    file = str(place.parent / "said.csv")
    first = run(capsys, file, "--home", str(place), "--by", "Ann")
    assert first["file"] == {"read": 6, "kept": 4, "repeated": 0, "quarantined": 2}
    assert (place / "data" / "quarantine" / "commits.parquet").is_file()
    again = run(capsys, file, "--home", str(place), "--by", "Ben")
    assert again["file"] == {"read": 6, "kept": 0, "repeated": 4, "quarantined": 2}
    may, june, july = again["periods"]
    assert [said["amount"] for said in may["said"]] == [9000.0, 100.0]
    assert {said["by"] for row in again["periods"] for said in row["said"]} == {"Ann"}
    assert (may["judged"], june["judged"], july["attained"]) == (9000.0, 12000.0, None)
    for row in (may, june):
        assert row["error"] == pytest.approx((row["judged"] - row["attained"]) / row["quota"])
    (bias,) = again["bias"]
    assert (bias["rep_id"], bias["periods"]) == ("r1", 2)
    assert bias["mean_error"] == pytest.approx((may["error"] + june["error"]) / 2)


def test_without_a_file_nothing_is_read(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was entered by hand shows; nothing said, nothing shown."""
    empty = run(capsys, "--home", str(place))
    assert empty == {"file": None, "periods": [], "bias": []}
    assert CommitLog(Home(place, Settings()).store).all() == []
