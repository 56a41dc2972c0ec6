"""The command line, and homes that are made once."""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from serving.cli.main import main

# Tests are no package: what these share is found here by its plain name.
sys.path.append(str(Path(__file__).parent))

from outside import Result, Run, Walked, company, day, prepared


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run one command in this process."""

    def call(*arguments: str | Path) -> Result:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        said = capfd.readouterr()
        return Result(code, said.out, said.err)

    return call


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with data and no model, its name with spaces and signs; tests do not train in it."""
    home = prepared(tmp_path_factory.mktemp("e2e") / "Vertrieb Süd 销售", company())
    assert main(["ingest", str(home / "extract"), "--home", str(home)]) == 0
    return home


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with data and a champion; tests only read it."""
    home = prepared(tmp_path_factory.mktemp("e2e") / "mein Büro", company())
    assert main(["--home", str(home), "ingest", str(home / "extract")]) == 0
    assert main(["--home", str(home), "train"]) == 0
    return home


@pytest.fixture(scope="session")
def tested(loaded: Path, tmp_path_factory: pytest.TempPathFactory) -> Walked:
    """A backtest of four cutoffs, the last of them not ripe yet."""
    out = tmp_path_factory.mktemp("backtest") / "out put"
    span = ["--from", day(150), "--to", day(195), "--every", "15"]
    with redirect_stdout(io.StringIO()) as said:
        code = main(
            ["backtest", "leads", *span, "--home", str(loaded), "--out", str(out), "--json"]
        )
    assert code == 0
    return Walked(out, json.loads(said.getvalue()))
