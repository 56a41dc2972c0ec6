"""The code's own measure: rules that every module keeps, and a counter that counts right."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


def load(path: Path) -> ModuleType:
    """Import a script that is in no package by its path."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look their module up by its name
    spec.loader.exec_module(module)
    return module


house = load(ROOT / "tests" / "bench" / "house.py")
MEASURED = house.read_house(ROOT)

MODULE = '''"""A module.

Of three lines of docstring.
"""

# Why it is so.
ONE = 1  # noqa: ERA001
TWO = 2  # noqa: ERA001 - a reason counts as a comment


class Thing:
    """Give nobody this docstring."""

    def measure(self, first: int, *rest: int, last=None) -> int:
        """Add up."""
        total = first + sum(rest)  # type: ignore[operator]
        return total

    def only_words(self):
        """Do nothing."""
'''
"""20 lines, two comments, 7 lines of docstrings, two functions."""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A product of one module and one test of ten lines."""
    for floor in house.FLOORS:
        (tmp_path / floor).mkdir()
    (tmp_path / "features" / "thing.py").write_text(MODULE, encoding="utf-8")
    tests = tmp_path / "tests" / "features"
    tests.mkdir(parents=True)
    (tests / "test_thing.py").write_text("ONE = 1\n" * 10, encoding="utf-8")
    return tmp_path


def test_no_module_is_longer_than_a_readers_patience() -> None:
    """No module of the product has more than 350 lines."""
    assert house.long_modules(MEASURED) == []


def test_docstrings_say_what_is_returned_or_done() -> None:
    """No docstring of the product begins with "Give"."""
    assert house.banned_docstrings(MEASURED) == []


def test_hard_formulas_are_explained() -> None:
    """The ten modules with the hardest formulas have 3 comments or more in 100 lines."""
    assert house.bare_formulas(MEASURED) == []


def test_there_are_enough_tests() -> None:
    """There are at least 80 lines of tests for 100 lines of source."""
    assert house.thin_tests(MEASURED) == []


def test_a_module_is_counted_as_by_hand(small: Path) -> None:
    """Lines, bodies, parameters, types, comments and docstrings of a module counted by hand."""
    (module,) = house.read_house(small).modules
    assert module.name == "features/thing.py"
    assert module.lines == 20
    assert module.bodies == (2, 0)  # only_words has nothing below its docstring
    assert module.parameters == (3, 0)  # first, rest, last
    assert (module.typed, module.typeable) == (3, 5)  # untyped: last, what only_words returns
    assert module.comments == 2  # "Why it is so", and the noqa that has a reason
    assert module.docstring_lines == 4 + 1 + 1 + 1


def test_each_broken_rule_is_named(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A product that breaks the rules ends with 1 and one sentence for each fault."""
    long = "features/long.py"
    (small / long).write_text("ONE = 1\n" * 351, encoding="utf-8")
    assert house.main([], small) == 1
    said = capsys.readouterr().out
    assert f"{long} has 351 lines, 350 are the most" in said
    assert "features/thing.py:12: the docstring should say" in said
    assert f"{house.HARD[0]} is not there" in said
    assert "tests:src is 0.03, 0.8 is the least" in said  # 10 lines of tests for 20 + 351


def test_a_product_that_keeps_the_rules_ends_with_0(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Short, commented and tested modules break no rule."""
    (small / "features" / "thing.py").unlink()
    for name in house.HARD:
        (small / name).parent.mkdir(parents=True, exist_ok=True)
        (small / name).write_text("# Why.\n", encoding="utf-8")
    assert house.main([], small) == 0
    assert "No rule is broken." in capsys.readouterr().out
