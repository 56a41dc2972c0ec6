"""What we depend on is checked by a check that can fail."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def _module(name: str) -> ModuleType:
    """Import a neighbour; tests are no package."""
    spec = importlib.util.spec_from_file_location(f"supply_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


licences, lock = _module("licences"), _module("lock")


@pytest.fixture
def supply(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the command's module, which imports its neighbours by their plain names."""
    monkeypatch.setitem(sys.modules, "licences", licences)
    monkeypatch.setitem(sys.modules, "lock", lock)
    return _module("__main__")


@pytest.mark.parametrize(
    ("licence", "is_allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("AGPL-3.0-or-later", False),
        ("UNKNOWN", False),
        ("MIT OR GPL-2.0-only", True),
        ("MIT AND GPL-2.0-only", False),
        ("BSD-2-Clause AND Apache-2.0 WITH LLVM-exception", True),
    ],
)
def test_of_alternatives_one_suffices_and_of_joined_licences_all_count(
    licence: str,
    is_allowed: bool,  # noqa: FBT001 - a table of cases
) -> None:
    """`MIT OR GPL` can be kept to, `MIT AND GPL` cannot."""
    assert licences.is_allowed(licence) is is_allowed


def test_a_package_of_another_licence_than_listed_is_named() -> None:
    """So a changed or a new licence is looked at by a person."""
    page = licences.page({"one": "MIT", "two": "ISC"}, {"one", "two"}, {"one"})
    assert not list(licences.problems({"one": "MIT", "two": "ISC"}, {"one", "two"}, page))
    (problem,) = licences.problems({"one": "BSD", "two": "ISC"}, {"one", "two"}, page)
    assert "LICENCES.md shows MIT for one" in problem
    (problem,) = licences.problems({"new": "MIT"}, {"new"}, page)
    assert "nothing for new" in problem


def test_every_locked_package_is_installed_in_its_version() -> None:
    """The check passes here, and fails for other versions and for none."""
    locked = lock.locked(ROOT / "requirements-dev.lock")
    assert len(locked) > 200
    assert not list(lock.differences(locked, lock.versions()))
    other = dict.fromkeys(locked, "0")
    assert len(list(lock.differences(locked, other))) == len(locked)
    assert len(list(lock.differences(locked, {}))) == len(locked)


def test_a_marker_picks_the_line_of_this_machine(tmp_path: Path) -> None:
    """Comments and lines for other machines say nothing about this one."""
    path = tmp_path / "x.lock"
    path.write_text(
        "one==1 ; python_full_version < '3.0'\none==2 ; python_full_version >= '3.0'\n    # via\n"
        "Two_Words==3\n"
    )
    assert lock.locked(path) == {"one": {"2"}, "two-words": {"3"}}


def test_a_published_weakness_is_a_problem_until_accepted(
    supply: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be read accuses nobody."""
    weak = {"name": "one", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
    sound = {"name": "two", "version": "1", "vulns": []}
    unread = {"name": "three", "skip_reason": "not found"}
    (line,) = supply.weaknesses([weak, sound, unread])
    assert "one 1: PYSEC-1, mended in 1.1" in line
    monkeypatch.setitem(supply.WEAKNESSES_ACCEPTED, "PYSEC-1", "we never call it")
    assert supply.weaknesses([weak, sound, unread]) == []
