"""Versions and daily snapshots of records are suggested as histories, and come in as changes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

sys.path.append(str(Path(__file__).parents[1]))

from mapped import load_folder, rows

from features.ingest.suggest.suggest import suggested
from features.params import IngestParams

STAGES = ("new", "offer", "signed")
DEALS = 12


def written(folder: Path, history: str) -> Path:
    """Write deals and a table with three states of each."""
    folder.mkdir()
    reps = "id,name\nR-01,Ada\nR-02,Ben\n"
    header = "Id,Owner,Created At,Amount,Closed At,Won"
    deals = [f"D-{n:03},R-0{1 + n % 2},2025-01-{1 + n:02},{1000 + n},," for n in range(DEALS)]
    (folder / "users.csv").write_text(reps)
    (folder / "deals.csv").write_text("\n".join([header, *deals]))
    (folder / "deal_states.csv").write_text(history)
    return folder


def versions() -> str:
    """Return versions of deals with the interval in which each held."""
    lines = ["Deal Id;Valid From;Valid To;Stage;Owner;Amount"]
    for n in range(DEALS):
        for place, stage in enumerate(STAGES):
            end = f"{1 + n:02}.0{place + 2}.2025" if place < len(STAGES) - 1 else ""
            start = f"{1 + n:02}.0{place + 1}.2025"
            lines.append(f"D-{n:03};{start};{end};{stage};R-0{1 + n % 2};{1000 + n},50")
    lines += [lines[-1].replace("D-011", "D-000").replace("12.03.2025", "28.04.2025")]
    return "\n".join(lines)


def snapshots() -> str:
    """Return three snapshots of all deals."""
    lines = ["Snapshot Date,Deal,Stage,Owner,Amount"]
    for place, stage in enumerate(STAGES):
        lines += [
            f"2025-0{place + 2}-01,D-{n:03},{stage},R-0{1 + n % 2},{1000 + n}" for n in range(DEALS)
        ]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("history", "shape"), [(versions(), "versions"), (snapshots(), "snapshots")]
)
def test_states_of_records_are_a_history(tmp_path: Path, history: str, shape: str) -> None:
    """The suggestion names the shape, its moments and the fields; each deal has its stages."""
    source = written(tmp_path / "in", history)
    text = suggested(str(source), IngestParams())
    (section,) = yaml.safe_load(text)["histories"][shape]
    assert section["entity"] == "deal"
    assert set(section["fields"]) == {"stage", "rep_id", "amount"}
    load_folder(tmp_path, text, source)
    changes = [row for row in rows(tmp_path, "changes") if row["field"] == "stage"]
    seen = [row["value"] for row in changes if row["entity_id"] == "D-003"]
    assert sorted(seen) == sorted(STAGES)


def test_a_table_with_one_state_of_each_record_is_none(tmp_path: Path) -> None:
    """A single extract with its date is left out, and said to be."""
    once = "\n".join(snapshots().splitlines()[: 1 + DEALS])
    text = suggested(str(written(tmp_path / "in", once)), IngestParams())
    assert "histories" not in yaml.safe_load(text)
    assert "tables left out, nothing here looks like them: deal_states" in text
