"""Runs all notebooks on a sample company and writes them as pages: `make notebooks`.

The text of a notebook is `NN-name.py`. `NN-name.ipynb` beside it is made from that text, without
outputs, for those who open it in Jupyter. What a notebook shows comes from a home that is made
once: a company, its warehouse, and a champion of each kind.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter
from nbconvert.filters import strip_ansi

from serving.cli.main import main as pacesetter

FOLDER = Path(__file__).parent
BUILT = FOLDER.parent / "build" / "notebooks"
SAMPLE = (
    *("--preset", "demo", "--seed", "1", "--reps", "24", "--months", "18"),
    *("--set", "lead_cutoffs=8", "--set", "replays=100", "--set", "cause_replays=30"),
    *("--set", "quota_quarters=3", "--set", "quota_every=14"),
)
"""The company: large enough for every notebook to have something to show, small enough to wait."""
QUICK = """\
training:
  leads: {most_refits: 2}
  quota: {most_refits: 1, futures: 400, every_days: 14}
  split: {every_days: 14}
  tune: {trials: 12, folds: 2, every_days: 14}
"""
"""The home's params.yaml: fewer refits and cutoffs, so that all notebooks take minutes."""
READY = "ready"
"""Stands in a home that is whole."""
QUIET = ("--IPKernelApp.log_level=40",)
"""The kernel's own words (that it listens at a port of this machine) are none of the notebook's."""
NO_WIDGETS = {"PYTHONWARNINGS": "ignore:IProgress not found"}
"""Libraries that could draw a progress bar in Jupyter miss the package for it; we draw none."""
AT_ONCE = 2
"""Notebooks that run side by side: trees grow on two threads, and everything else on one."""
SECONDS = 600
"""A cell that takes longer hangs."""


class NotebookError(Exception):
    """A notebook failed; the message names it, and the cell."""


@dataclass(frozen=True)
class Executed:
    """A notebook that has run.

    Attributes:
        notebook: its cells with their outputs.
        seconds: how long it took.
    """

    notebook: nbformat.NotebookNode
    seconds: float


def sources() -> list[Path]:
    """Return the texts of all notebooks, in their order."""
    return sorted(FOLDER.glob("[0-9][0-9]-*.py"))


def read(source: Path) -> nbformat.NotebookNode:
    """Read a notebook's text; its cells are numbered, so that the same text gives the same file."""
    notebook = jupytext.read(source)
    for number, cell in enumerate(notebook.cells, 1):
        cell["id"] = f"cell-{number}"
    return notebook


def as_ipynb(source: Path) -> str:
    """Return the text of the .ipynb beside a notebook's source."""
    return jupytext.writes(read(source), fmt="ipynb") + "\n"


def sync() -> list[Path]:
    """Write every .ipynb that differs from its source; returns those that did."""
    changed = []
    for source in sources():
        path, text = source.with_suffix(".ipynb"), as_ipynb(source)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def prepare(home: Path, company: Sequence[str] = SAMPLE, params: str = QUICK) -> None:
    """Make the home that notebooks look at, unless it is there already.

    Args:
        home: the folder; `company/` in it gets the sample company.
        company: options of `pacesetter simulate`.
        params: the text of the home's params.yaml.

    Raises:
        NotebookError: a step failed; the command has said why.
    """
    if (home / READY).is_file():
        return
    home.mkdir(parents=True, exist_ok=True)
    (home / "params.yaml").write_text(params, encoding="utf-8")
    extract = str(home / "company")
    for verb in (("simulate", "--out", extract, *company), ("ingest", extract), ("train",)):
        if code := pacesetter([*verb, "--home", str(home)]):
            raise NotebookError(f"`pacesetter {verb[0]}` ended with {code}, in {home}")
    (home / READY).touch()


def execute(source: Path, environment: Mapping[str, str]) -> Executed:
    """Run a notebook from top to bottom.

    Args:
        source: its text.
        environment: variables for its kernel, beside those of this process.

    Raises:
        NotebookError: a cell failed, took too long, or wrote to stderr, as warnings do.
    """
    started, notebook = time.monotonic(), read(source)
    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        extra_arguments=[*QUIET],
        resources={"metadata": {"path": str(FOLDER)}},
    )
    try:
        client.execute(env={**os.environ, **NO_WIDGETS, **environment})
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise NotebookError(
            f"{source.name}, {_where(notebook)}: {strip_ansi(str(error))}"
        ) from None
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", ()):
            if output.get("name") == "stderr":
                raise NotebookError(f"{source.name}, cell {number} warns: {output['text']}")
    return Executed(notebook, time.monotonic() - started)


def _where(notebook: nbformat.NotebookNode) -> str:
    """Name the last cell that was begun, counted as Jupyter shows them, text included."""
    begun = [
        number
        for number, cell in enumerate(notebook.cells, 1)
        if "iopub.execute_input" in cell.metadata.get("execution", {})
    ]
    return f"cell {begun[-1]}" if begun else "before its first cell"


def write_page(executed: Executed, path: Path) -> None:
    """Write a notebook with its outputs as one page that asks no network for anything."""
    exporter = HTMLExporter(mathjax_url="", require_js_url="", mermaid_js_url="")
    page, _ = exporter.from_notebook_node(
        executed.notebook, resources={"metadata": {"name": path.stem}}
    )
    path.write_text(page, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all notebooks and say where their pages are; 1 if one of them failed."""
    parser = argparse.ArgumentParser(description="Run all notebooks on a sample company.")
    parser.add_argument("--out", type=Path, default=BUILT, help="folder for the pages and the home")
    parser.add_argument("--data", type=Path, help="an extract of real leads, for the second one")
    parser.add_argument("--only", default="", help="run the notebooks whose name holds this text")
    options = parser.parse_args(arguments)
    out, wanted = options.out.resolve(), [s for s in sources() if options.only in s.name]
    environment = {"PACESETTER_HOME": str(out / "home")}
    if options.data:
        environment["DATA"] = str(options.data.resolve())
    for path in sync():
        _say(f"{path.name} was written from its source")
    try:
        prepare(out / "home")
    except NotebookError as error:
        _say(f"error: {error}")
        return 1

    def attempt(source: Path) -> bool:
        _say(f"{source.stem} ...")
        try:
            executed = execute(source, environment)
        except NotebookError as error:
            _say(f"error: {error}")
            return False
        page = out / f"{source.stem}.html"
        write_page(executed, page)
        _say(f"{source.stem}: {executed.seconds:.0f} s, {page}")
        return True

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return 0 if all(list(pool.map(attempt, wanted))) else 1


def _say(words: str) -> None:
    sys.stderr.write(words + "\n")


if __name__ == "__main__":
    sys.exit(main())
