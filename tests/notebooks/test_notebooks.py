"""The notebooks run from top to bottom on a small company, and their pairs agree."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "notebooks").glob("[0-9][0-9]-*.py"))
NAMES = [source.stem for source in SOURCES]


def notebook(folder: Path, *cells: str) -> Path:
    """Write a notebook of some cells."""
    path = folder / "00-broken.py"
    path.write_text("".join(f"# %%\n{cell}\n\n" for cell in cells), encoding="utf-8")
    return path


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_a_notebook_runs_and_shows_something(run: ModuleType, home: Path, source: Path) -> None:
    """No cell fails or warns, and there is a picture; without a real log it says so."""
    executed = run.execute(source, {"PACESETTER_HOME": str(home), "DATA": ""})
    outputs = [o for cell in executed.notebook.cells for o in cell.get("outputs", ())]
    assert any("image/png" in output.get("data", {}) for output in outputs)


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_the_pair_is_in_sync_and_without_outputs(run: ModuleType, source: Path) -> None:
    """What Jupyter opens is the text that is reviewed, and nothing else."""
    text = source.with_suffix(".ipynb").read_text(encoding="utf-8")
    assert text == run.as_ipynb(source), "run `make notebooks`"
    cells: list[dict[str, Any]] = json.loads(text)["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def test_there_are_seven_and_no_other_file_pretends_to_be_one() -> None:
    """Each .ipynb has its source, and the numbers run from 1 to 7."""
    assert [name[:2] for name in NAMES] == [f"{number:02}" for number in range(1, 8)]
    assert {p.stem for p in (ROOT / "notebooks").glob("*.ipynb")} == set(NAMES)


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_a_notebook_reads_as_a_story(source: Path) -> None:
    """It begins with a title and a question, and ends with what it says and what it does not."""
    text = source.read_text(encoding="utf-8")
    first, *_, last = [part for part in text.split("# %% [markdown]\n")[1:] if part.strip()]
    assert first.startswith(f"# # {int(source.stem[:2])}. ")
    assert "?**" in first
    assert last.startswith("# ## What this says, and what it does not\n")


def test_the_own_feature_takes_about_ten_lines() -> None:
    """The body that declares it, without its docstring, has at most a dozen lines."""
    (source,) = (s for s in SOURCES if s.stem.endswith("own-feature"))
    tree = ast.parse(source.read_text(encoding="utf-8"))
    (function,) = (
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and "Iterator[Feature]" in ast.unparse(node)
    )
    body = function.body[1:]
    assert body[-1].end_lineno is not None
    assert body[-1].end_lineno - body[0].lineno + 1 <= 12


def test_a_failing_cell_is_named(run: ModuleType, tmp_path: Path) -> None:
    """The error names the notebook, the cell, and what went wrong."""
    broken = notebook(tmp_path, "1 + 1", "1 / 0")
    with pytest.raises(run.NotebookError, match=r"00-broken.py, cell 2: (.|\n)*ZeroDivisionError"):
        run.execute(broken, {})


def test_a_warning_is_a_failure(run: ModuleType, tmp_path: Path) -> None:
    """What a cell writes to stderr would stand in the page; it is fixed instead."""
    warns = notebook(tmp_path, "import warnings", "warnings.warn('look here')")
    with pytest.raises(run.NotebookError, match=r"cell 2 warns: (.|\n)*look here"):
        run.execute(warns, {})


def test_a_pair_is_written_once(run: ModuleType, tmp_path: Path, monkeypatch: Any) -> None:
    """A second look at the same text changes nothing: cells keep their names."""
    source = notebook(tmp_path, "1 + 1").rename(tmp_path / "01-small.py")
    monkeypatch.setattr(run, "FOLDER", tmp_path)
    assert [path.name for path in run.sync()] == ["01-small.ipynb"]
    assert run.sync() == []
    source.write_text("# %%\n2 + 2\n", encoding="utf-8")
    assert [path.name for path in run.sync()] == ["01-small.ipynb"]


def test_a_home_is_made_once(run: ModuleType, home: Path) -> None:
    """With a home that is whole nothing is done: a company that does not exist is not missed."""
    before = sorted(home.rglob("*"))
    run.prepare(home, ("--preset", "no such company"))
    assert sorted(home.rglob("*")) == before
