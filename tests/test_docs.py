"""What the papers say is what the product does, and nothing in them belongs to one machine."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from pydantic import BaseModel

from serving.cli.commands import pacesetter
from serving.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = ("requirements.lock", "requirements-dev.lock")
TEXT = {
    "", ".cfg", ".css", ".html", ".in", ".ipynb", ".j2", ".js", ".json", ".lock", ".md", ".py",
    ".sh", ".toml", ".txt", ".yaml", ".yml",
}  # fmt: skip
IGNORED = {"data", "build", "dist", "mlruns"}
MACHINE = re.compile(r"(?<![\w.$}>/-])/(?:work|tmp|root|home/\w+|Users/\w+)/\w")
INDEX = re.compile(
    r"(?i)--(?:extra-)?index-url\s+\S|--find-links|--trusted-host|\bpypi\.org|files\.pythonhosted|"
    r"[/.@]simple/|artifactory|nexus|devpi"
)


def commands(group: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Give every verb, `explain lead` as well as `train`, with what answers it."""
    for name, command in group.commands.items():
        words = (*before, name)
        if isinstance(command, click.Group):
            yield from commands(command, words)
        else:
            yield " ".join(words), command


VERBS = dict(commands(pacesetter))


def told_commands() -> list[list[str]]:
    """Give the words of every `pacesetter …` line in the README's blocks."""
    blocks = re.findall(r"```\w*\n(.*?)```", README, flags=re.DOTALL)
    lines = [line.split("#")[0].split() for block in blocks for line in block.splitlines()]
    return [words[1:] for words in lines if words and words[0] == "pacesetter"]


def text_files() -> list[Path]:
    """Give the files that are handed on: git's where there is git, else all that look written."""
    asked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],  # noqa: S607 - whichever git there is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode == 0:
        found = [ROOT / name for name in asked.stdout.splitlines()]
    else:
        found = [
            path
            for path in ROOT.rglob("*")
            if not any(
                part.startswith(".") or part in IGNORED for part in path.relative_to(ROOT).parts
            )
        ]
    return [path for path in found if path.is_file() and path.suffix in TEXT]


@pytest.mark.parametrize("words", told_commands(), ids=" ".join)
def test_every_command_in_the_readme_exists(words: list[str]) -> None:
    """A command line of the README names a verb that is there, with options it takes."""
    name = " ".join(words[:2]) if " ".join(words[:2]) in VERBS else words[0]
    known = {option for param in VERBS[name].params for option in param.opts}
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_is_in_the_readme(name: str) -> None:
    """Whoever reads the README meets every verb; `token`'s three stand for each other."""
    told = {" ".join(words[:2]) for words in told_commands()} | {w[0] for w in told_commands()}
    assert name in told or name.split(maxsplit=1)[0] in told or f"make {name}" in README


@pytest.mark.parametrize("name", VERBS)
def test_every_option_is_told_by_help(name: str) -> None:
    """Each verb says what it is for, and each of its options what it means."""
    command = VERBS[name]
    assert command.help
    assert not [o.name for o in command.params if isinstance(o, click.Option) and not o.help]


def keys(section: type[BaseModel], before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give every setting's place."""
    for name, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from keys(kind, (*before, name))
        else:
            yield (*before, name)


@pytest.mark.parametrize("place", list(keys(Settings)), ids=".".join)
def test_params_yaml_tells_every_setting(place: tuple[str, ...]) -> None:
    """Each setting stands in params.yaml with its packaged default."""
    told = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    default: Any = Settings().model_dump(mode="json")
    for step in place:
        told, default = told[step], default[step]
    assert told == default


@pytest.mark.parametrize("target", re.findall(r"`?make (\w+)", README))
def test_every_make_target_in_the_readme_exists(target: str) -> None:
    """What the README asks to make can be made."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", README))
def test_every_file_the_readme_links_to_exists(link: str) -> None:
    """A link inside the repository leads somewhere."""
    assert (ROOT / link).exists()


def test_the_changelog_tells_of_this_version() -> None:
    """The version that is packaged has its section, with a date."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version = re.escape(PROJECT["version"])
    assert re.search(rf"^## \[{version}\] - \d{{4}}-\d\d-\d\d$", changelog, flags=re.MULTILINE)


def test_no_file_names_a_place_of_one_machine() -> None:
    """No text that is handed on holds a path of the machine it was written on."""
    found = {
        path.relative_to(ROOT).as_posix(): hit.group()
        for path in text_files()
        if path != Path(__file__)
        and (hit := MACHINE.search(path.read_text(encoding="utf-8"))) is not None
    }
    assert not found


@pytest.mark.parametrize("name", LOCKS)
def test_locks_name_no_index(name: str) -> None:
    """A lock file says what, never where from: every machine has its own index."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert INDEX.search(text) is None
    assert "://" not in text
    assert not re.search(r"^-", text, flags=re.MULTILINE)


def test_nothing_says_what_is_still_to_come() -> None:
    """The README holds no placeholder."""
    assert not re.findall(r"^(?:TODO|TBD|FIXME|MEASURED)\b", README, flags=re.MULTILINE)
