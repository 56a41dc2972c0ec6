"""What a wheel holds, and what its installation brings along."""

from __future__ import annotations

import email
import importlib
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ("features", "training", "serving")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of this source, built aside so that the source stays as it is."""
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for floor in FLOORS:
        shutil.copytree(ROOT / floor, source / floor, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "tests").mkdir()
    (source / "tests" / "test_nothing.py").touch()
    done = subprocess.run(
        [
            sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
            "--no-index", "--wheel-dir", str(place), str(source),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = place.glob("pacesetter-*.whl")
    return zipfile.ZipFile(built)


def told(wheel: zipfile.ZipFile, name: str) -> str:
    """Read a file of the wheel's own description."""
    (path,) = (n for n in wheel.namelist() if n.endswith(f".dist-info/{name}"))
    return wheel.read(path).decode()


def normal(requirement: str) -> str:
    """Take a requirement's name, as indexes compare it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=!~;]", requirement.strip())[0]).lower()


def test_the_wheel_holds_the_three_floors_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    """Top-level names are exactly features, training and serving."""
    assert set(told(wheel, "top_level.txt").split()) == set(FLOORS)
    tops = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" not in name}
    assert tops == set(FLOORS)


def test_the_wheel_holds_every_file_of_the_floors(wheel: zipfile.ZipFile) -> None:
    """Modules and templates that work in the source are there when it is installed."""
    kept = {
        path.relative_to(ROOT).as_posix()
        for floor in FLOORS
        for path in (ROOT / floor).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert any(name.endswith(".j2") for name in kept)
    assert kept == {name for name in wheel.namelist() if ".dist-info/" not in name}


def test_the_command_is_there(wheel: zipfile.ZipFile) -> None:
    """`pacesetter` leads to a function that answers."""
    found = re.search(r"^pacesetter = (\S+):(\S+)$", told(wheel, "entry_points.txt"), re.MULTILINE)
    assert found is not None
    assert callable(getattr(importlib.import_module(found[1]), found[2]))


def test_the_wheel_is_never_uploaded_and_says_its_licence(wheel: zipfile.ZipFile) -> None:
    """Its description carries the version, the licence, and the mark that an index refuses."""
    about = email.message_from_string(told(wheel, "METADATA"))
    assert about["Version"] == PYPROJECT["project"]["version"]
    assert about["License-Expression"] == "Apache-2.0"
    assert "Private :: Do Not Upload" in (about.get_all("Classifier") or [])
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())


def pins(name: str) -> dict[str, str]:
    """Read a lock: name -> the line."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return {normal(line): line for line in lines if line and not line.startswith((" ", "#"))}


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_every_line_of_a_lock_is_one_version(lock: str) -> None:
    """A lock leaves nothing to choose."""
    for line in pins(lock).values():
        assert re.match(r"^[\w.-]+(\[[\w,-]+\])?==[\w.!+]+( ;.*)?$", line), line


def test_the_lock_pins_every_runtime_dependency() -> None:
    """What pyproject asks for is in the lock."""
    asked = {normal(r) for r in PYPROJECT["project"]["dependencies"]}
    assert asked <= set(pins("requirements.lock"))


def test_the_development_lock_adds_and_never_contradicts() -> None:
    """Tools and Spark are locked too, beside the very versions that people run."""
    project, run, dev = (
        PYPROJECT["project"],
        pins("requirements.lock"),
        pins("requirements-dev.lock"),
    )
    groups = PYPROJECT["dependency-groups"]
    asked = {normal(r) for r in [*groups["dev"], *groups["build"]]}
    asked |= {normal(r) for r in project["optional-dependencies"]["spark"]}
    assert asked <= set(dev)
    assert {name: line for name, line in run.items() if dev.get(name, line) != line} == {}


def test_what_the_product_imports_is_asked_for() -> None:
    """Every third party that a module imports is named in pyproject, not merely there by chance."""
    names = {"yaml": "pyyaml", "sklearn": "scikit-learn", "ibis": "ibis-framework"}
    wanted = set()
    for floor in FLOORS:
        for path in (ROOT / floor).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            found = re.findall(
                r"^\s*(?:import|from) (\w+)(?:\.[\w.]+)?(?: import| as|$)", text, re.MULTILINE
            )
            wanted |= set(found) - set(sys.stdlib_module_names) - set(FLOORS)
    project = PYPROJECT["project"]
    optional = (r for group in project["optional-dependencies"].values() for r in group)
    asked = {normal(r) for r in (*project["dependencies"], *optional)}
    assert {normal(names.get(name, name)) for name in wanted} <= asked
