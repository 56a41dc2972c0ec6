"""How the code measures up: sizes, types, comments and tests, floor by floor.

    python tests/bench/house.py            # print the tables; exit code 1 where a rule is broken
    python tests/bench/house.py --write    # write tests/bench/HOUSE.md too

What is counted:

- LOC: all lines of .py files.
- body: lines of a function without its signature and docstring; functions inside functions too.
- parameters: of a function, `self` and `cls` aside.
- annotated: the share of parameters and return values that have a type.
- comments: lines with a comment. One that holds only a noqa or a type-ignore does not count; one
  that gives the reason for it does.
- docstrings: the lines that docstrings of modules, classes and functions span.
- p90: the value below which nine in ten lie.
- tests:src: LOC of tests over LOC of source; for a floor, of the tests in the folder of its name.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).with_name("HOUSE.md")
FLOORS = ("features", "training", "serving")
HARD = (
    "features/history/versions.py",
    "features/history/windows.py",
    "features/history/counts.py",
    "features/as_of/owners.py",
    "features/as_of/past_periods.py",
    "training/evaluation/early_warning.py",
    "training/evaluation/bootstrap.py",
    "training/checks/health.py",
    "training/estimators/calibration.py",
    "training/quota/futures.py",
)
"""The modules whose formulas are hard to follow without a comment."""
LONGEST = 350
"""Lines of a module, at the most."""
LEAST_COMMENTS = 3.0
"""Comments in 100 lines of a hard module, at the least."""
LEAST_TESTS = 0.8
"""LOC of tests over LOC of source, at the least."""
BANNED = re.compile(r"Give\b")
"""How no docstring begins: it says what a function returns or does."""
SUPPRESSION = re.compile(
    r"#\s*(noqa(:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)?|type:\s*ignore(\[[\w, -]+\])?)"
)

Function = ast.FunctionDef | ast.AsyncFunctionDef
HEADER = (
    "", "files", "LOC", "file med/p90/max", "body med/p90/max", "parameters med/p90",
    "annotated", "comments/100", "docstrings/100", "tests:src",
)  # fmt: skip


@dataclass(frozen=True)
class Module:
    """One module, counted.

    Attributes:
        name: its path from the root, with slashes.
        lines: all its lines.
        bodies: lines of each function's body.
        parameters: of each function.
        typed: parameters and return values that have a type.
        typeable: all parameters and return values.
        comments: lines with a comment.
        docstrings: the first line of each docstring, with the line it stands in.
        docstring_lines: lines that docstrings span.
    """

    name: str
    lines: int
    bodies: tuple[int, ...]
    parameters: tuple[int, ...]
    typed: int
    typeable: int
    comments: int
    docstrings: tuple[tuple[int, str], ...]
    docstring_lines: int

    @property
    def comments_per_100(self) -> float:
        """Comments in 100 lines."""
        return per_100(self.comments, self.lines)


@dataclass(frozen=True)
class House:
    """All modules and tests of the product.

    Attributes:
        modules: the source.
        tests: name and lines of each file under tests/.
    """

    modules: tuple[Module, ...]
    tests: tuple[tuple[str, int], ...]

    @property
    def tests_to_source(self) -> float:
        """LOC of tests over LOC of source."""
        return ratio(self.test_lines(), sum(module.lines for module in self.modules))

    def floor(self, name: str) -> tuple[Module, ...]:
        """Return the modules of one floor."""
        return tuple(module for module in self.modules if module.name.startswith(f"{name}/"))

    def test_lines(self, folder: str = "tests/") -> int:
        """Count the lines of the tests in a folder."""
        return sum(lines for name, lines in self.tests if name.startswith(folder))


def read_house(root: Path) -> House:
    """Count every module of the floors and every test.

    Args:
        root: the folder that holds the floors and tests/.
    """
    modules = (measure(path, root) for floor in FLOORS for path in (root / floor).rglob("*.py"))
    tests = ((named(path, root), len(_text(path))) for path in (root / "tests").rglob("*.py"))
    return House(
        modules=tuple(sorted(modules, key=lambda module: module.name)),
        tests=tuple(sorted(tests)),
    )


def measure(path: Path, root: Path) -> Module:
    """Count one module."""
    lines = _text(path)
    tree = ast.parse("".join(lines))
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    parameters = [_parameters(function) for function in functions]
    docstrings = list(_docstrings(tree))
    typed = sum(parameter.annotation is not None for own in parameters for parameter in own)
    return Module(
        name=named(path, root),
        lines=len(lines),
        bodies=tuple(_body(function) for function in functions),
        parameters=tuple(len(own) for own in parameters),
        typed=typed + sum(function.returns is not None for function in functions),
        typeable=sum(len(own) + 1 for own in parameters),
        comments=_comments(lines),
        docstrings=tuple((node.lineno, text) for node, text in docstrings),
        docstring_lines=sum(_span(node, node) for node, _ in docstrings),
    )


def named(path: Path, root: Path) -> str:
    """Return a path from the root, with slashes on any system."""
    return path.relative_to(root).as_posix()


def _text(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines(keepends=True)


def _span(first: ast.stmt, last: ast.stmt) -> int:
    return (last.end_lineno or last.lineno) - first.lineno + 1


def _body(function: Function) -> int:
    """Count a function's lines below its docstring; 0 where there is only a docstring."""
    statements = function.body[ast.get_docstring(function) is not None :]
    return _span(statements[0], statements[-1]) if statements else 0


def _parameters(function: Function) -> list[ast.arg]:
    own = function.args
    starred = [extra for extra in (own.vararg, own.kwarg) if extra is not None]
    every = [*own.posonlyargs, *own.args, *own.kwonlyargs, *starred]
    return [parameter for parameter in every if parameter.arg not in {"self", "cls"}]


def _docstrings(tree: ast.Module) -> Iterator[tuple[ast.stmt, str]]:
    """Walk the docstrings: the statement, and its first line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | Function):
            text = ast.get_docstring(node)
            if text is not None:
                yield node.body[0], text.partition("\n")[0]


def _comments(lines: Sequence[str]) -> int:
    tokens = tokenize.generate_tokens(io.StringIO("".join(lines)).readline)
    comments = (token.string.strip() for token in tokens if token.type == tokenize.COMMENT)
    return sum(SUPPRESSION.fullmatch(comment) is None for comment in comments)


def per_100(count: int, lines: int) -> float:
    """Return how many there are in 100 lines; 0 where there are no lines."""
    return 100 * ratio(count, lines)


def ratio(part: int, whole: int) -> float:
    """Divide; 0 where there is nothing to divide by."""
    return part / whole if whole else 0.0


def p90(values: Sequence[int]) -> int:
    """Return the value below which nine in ten lie; 0 of nothing.

    >>> p90([3, 1, 2, 10, 5, 6, 7, 8, 9, 4])
    10
    """
    return sorted(values)[int(0.9 * len(values))] if values else 0


def long_modules(house: House) -> list[str]:
    """Name the modules that are longer than a reader's patience."""
    return [
        f"{module.name} has {module.lines} lines, {LONGEST} are the most"
        for module in house.modules
        if module.lines > LONGEST
    ]


def banned_docstrings(house: House) -> list[str]:
    """Name the docstrings that begin with "Give"."""
    return [
        f"{module.name}:{line}: the docstring should say what it returns or does: {text!r}"
        for module in house.modules
        for line, text in module.docstrings
        if BANNED.match(text)
    ]


def bare_formulas(house: House) -> list[str]:
    """Name the hard modules that have too few comments, or that are not there."""
    by_name = {module.name: module for module in house.modules}
    missing = [f"{name} is not there: was it renamed?" for name in HARD if name not in by_name]
    return missing + [
        f"{name} has {by_name[name].comments_per_100:.1f} comments in 100 lines, "
        f"{LEAST_COMMENTS:g} are the least"
        for name in HARD
        if name in by_name and by_name[name].comments_per_100 < LEAST_COMMENTS
    ]


def thin_tests(house: House) -> list[str]:
    """Say that there are too few tests for the source, if so."""
    share = house.tests_to_source
    if share >= LEAST_TESTS:
        return []
    return [f"tests:src is {share:.2f}, {LEAST_TESTS:g} is the least"]


RULES = (long_modules, banned_docstrings, bare_formulas, thin_tests)


def row(name: str, modules: Sequence[Module], tests: int) -> list[str]:
    """Return one line of the table.

    Args:
        name: what the line is about.
        modules: its modules.
        tests: LOC of their tests.
    """
    lines = [module.lines for module in modules]
    bodies = [body for module in modules for body in module.bodies]
    parameters = [count for module in modules for count in module.parameters]
    total = sum(lines)
    typed, typeable = (sum(getattr(m, key) for m in modules) for key in ("typed", "typeable"))
    return [
        name,
        str(len(modules)),
        f"{total:,}",
        f"{_middle(lines)} / {p90(lines)} / {max(lines, default=0)}",
        f"{_middle(bodies)} / {p90(bodies)} / {max(bodies, default=0)}",
        f"{_middle(parameters)} / {p90(parameters)}",
        f"{ratio(typed, typeable):.0%}",
        f"{per_100(sum(module.comments for module in modules), total):.1f}",
        f"{per_100(sum(module.docstring_lines for module in modules), total):.1f}",
        f"{ratio(tests, total):.2f}",
    ]


def _middle(values: Sequence[int]) -> str:
    return f"{median(values):g}" if values else "0"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown, its columns padded so that a terminal shows them too."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    every = [header, ["-" * width for width in widths], *rows]
    lines = (
        " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        for cells in every
    )
    return "".join(f"| {line} |\n" for line in lines)


def page(house: House, faults: Sequence[str]) -> str:
    """Return everything that is counted, as a page in Markdown."""
    floors = [row(name, house.floor(name), house.test_lines(f"tests/{name}/")) for name in FLOORS]
    floors.append(row("all", house.modules, house.test_lines()))
    hard = [
        [module.name, str(module.lines), f"{module.comments_per_100:.1f}"]
        for module in house.modules
        if module.name in HARD
    ]
    broken = "".join(f"- {fault}\n" for fault in faults) or "No rule is broken.\n"
    return "\n".join(
        [
            "# The code in figures\n\nCounted by `python tests/bench/house.py --write`.\n",
            table(HEADER, floors),
            "Comments where formulas are hard:\n",
            table(("module", "LOC", "comments/100"), hard),
            broken,
        ]
    )


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Print the tables and what breaks a rule.

    Args:
        arguments: of the command line.
        root: the folder that holds the floors and tests/.

    Returns:
        The exit code: 1 where a rule is broken, else 0.
    """
    parser = argparse.ArgumentParser(description="Count the code, and check its rules.")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} too")
    options = parser.parse_args(arguments)
    house = read_house(root)
    faults = [fault for rule in RULES for fault in rule(house)]
    text = page(house, faults)
    sys.stdout.write(text)
    if options.write:
        RESULTS.write_text(text, encoding="utf-8")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
