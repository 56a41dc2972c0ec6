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
FLOORS = ("features", "training", "serving")
PAPERS = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in ("README.md", "GUIDE.md", "DESIGN.md", "CHANGELOG.md")
}
README, GUIDE, DESIGN = (PAPERS[name] for name in ("README.md", "GUIDE.md", "DESIGN.md"))
PRESENT = ("README.md", "GUIDE.md", "DESIGN.md")
"""Papers about the product as it is; the changelog may name what is gone."""
MOST_README_LINES = 120
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
    """Walk every verb, `explain lead` as well as `train`, with the command that answers it."""
    for name, command in group.commands.items():
        words = (*before, name)
        if isinstance(command, click.Group):
            yield from commands(command, words)
        else:
            yield " ".join(words), command


VERBS = dict(commands(pacesetter))


def blocks(text: str) -> str:
    """Return the lines of a paper's code blocks."""
    return "\n".join(re.findall(r"^```\w*\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE))


def code_spans(text: str) -> list[str]:
    """Return what stands between backticks in a paper's sentences and comments."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)


def commands_shown(text: str) -> list[tuple[str, ...]]:
    """Return the words after `pacesetter` on the lines of a paper's blocks."""
    lines = [line.partition("#")[0].split() for line in blocks(text).splitlines()]
    return [tuple(words[1:]) for words in lines if len(words) > 1 and words[0] == "pacesetter"]


def commands_named(text: str) -> list[tuple[str, ...]]:
    """Return the words after `pacesetter` in a paper's blocks and sentences, each line once."""
    spans = [span.split() for span in code_spans(text)]
    told = [tuple(words[1:]) for words in spans if len(words) > 1 and words[0] == "pacesetter"]
    return list(dict.fromkeys([*commands_shown(text), *told]))


def slug(heading: str) -> str:
    """Return the address that a heading gets where Markdown is shown."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def headings(text: str) -> list[str]:
    """Return the headings of a paper, its code blocks aside."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"^#{1,4} (.+)$", prose, flags=re.MULTILINE)


def links(names: tuple[str, ...] = tuple(PAPERS)) -> list[tuple[str, str]]:
    """Return every link inside the repository, with the paper it stands in."""
    pairs = ((name, link) for name in names for link in re.findall(r"\]\(([^)]+)\)", PAPERS[name]))
    return list(dict.fromkeys(pair for pair in pairs if "://" not in pair[1]))


def paths() -> list[tuple[str, str]]:
    """Return every module, folder or file that papers name in backticks."""
    pattern = re.compile(rf"({'|'.join(FLOORS)}|tests)/[\w./]*")
    spans = ((name, span) for name in PRESENT for span in code_spans(PAPERS[name]))
    return list(dict.fromkeys(pair for pair in spans if pattern.fullmatch(pair[1])))


def figures(text: str) -> set[str]:
    """Return the figures of a text: whatever has a decimal point, and percentages."""
    return set(re.findall(r"\d[\d,]*\.\d+|\d+(?= %)", text))


def text_files() -> list[Path]:
    """Return the files that are handed on: git's where there is git, else all that look written."""
    asked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],  # noqa: S607 - whichever git there is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode == 0:
        files = [ROOT / name for name in asked.stdout.splitlines()]
    else:
        files = [
            path
            for path in ROOT.rglob("*")
            if not any(
                part.startswith(".") or part in IGNORED for part in path.relative_to(ROOT).parts
            )
        ]
    return [path for path in files if path.is_file() and path.suffix in TEXT]


def section(text: str, heading: str) -> str:
    """Return one part of a paper, up to the next heading of its rank."""
    rank = re.escape(heading.split(maxsplit=1)[0])
    (part,) = re.findall(
        rf"^{re.escape(heading)}\n(.*?)(?=^{rank} |\Z)", text, flags=re.DOTALL | re.MULTILINE
    )
    return part


@pytest.mark.parametrize(
    ("paper", "words"),
    [(name, words) for name in PRESENT for words in commands_named(PAPERS[name])],
)
def test_every_command_that_is_named_exists(paper: str, words: tuple[str, ...]) -> None:
    """A command in a paper names a verb that is there, with options it takes."""
    name = " ".join(words[:2]) if " ".join(words[:2]) in VERBS else words[0]
    assert name in VERBS, f"{paper}: pacesetter {' '.join(words)}"
    known = {option for param in VERBS[name].params for option in param.opts}
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_is_in_the_readme(name: str) -> None:
    """Whoever reads the README meets every verb; `token`'s three stand for each other."""
    told = {" ".join(words[:2]) for words in commands_named(README)}
    told |= {words[0] for words in commands_named(README)}
    assert name in told or name.split(maxsplit=1)[0] in told or f"make {name}" in README


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_is_shown_in_the_guide(name: str) -> None:
    """The guide has a command line of each verb to copy; `demo` stands in the README."""
    shown = {" ".join(words[: len(name.split())]) for words in commands_shown(GUIDE)}
    assert name in shown or f"make {name}" in README


@pytest.mark.parametrize("name", VERBS)
def test_every_option_is_told_by_help(name: str) -> None:
    """Each verb says what it is for, and each of its options what it means."""
    command = VERBS[name]
    assert command.help
    assert not [o.name for o in command.params if isinstance(o, click.Option) and not o.help]


def keys(group: type[BaseModel], before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Walk the place of every setting."""
    for name, field in group.model_fields.items():
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


@pytest.mark.parametrize("paper", PRESENT)
def test_every_setting_that_is_named_exists(paper: str) -> None:
    """What a paper calls `training.leads.horizon_days` is a place in params.yaml."""
    pattern = re.compile(rf"({'|'.join(FLOORS)})(\.\w+)+")
    named = {span for span in code_spans(PAPERS[paper]) if pattern.fullmatch(span)}
    places = [place[:depth] for place in keys(Settings) for depth in range(1, len(place) + 1)]
    assert named <= {".".join(place) for place in places}


@pytest.mark.parametrize("paper", PRESENT)
def test_every_make_target_that_is_named_exists(paper: str) -> None:
    """What a paper asks to make can be made."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    spans = [*blocks(PAPERS[paper]).splitlines(), *code_spans(PAPERS[paper])]
    named = {span.split()[1] for span in spans if re.match(r"make \w", span)}
    assert named <= set(re.findall(r"^(\w+):", makefile, flags=re.MULTILINE))


@pytest.mark.parametrize(("paper", "link"), links())
def test_every_link_leads_somewhere(paper: str, link: str) -> None:
    """A link inside the repository leads to a file, and to a heading of it where it names one."""
    name, _, anchor = link.partition("#")
    target = ROOT / (name or paper)
    assert target.is_file()
    if anchor:
        assert anchor in {slug(h) for h in headings(target.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("paper", PRESENT)
def test_a_heading_is_met_once(paper: str) -> None:
    """No two headings of a paper share an address, so that a link leads to one place."""
    slugs = [slug(heading) for heading in headings(PAPERS[paper])]
    assert len(slugs) == len(set(slugs))


@pytest.mark.parametrize(("paper", "path"), paths())
def test_every_module_that_is_named_exists(paper: str, path: str) -> None:
    """A path in backticks is a folder, a file, or a module without its ending."""
    place = ROOT / path
    assert place.exists() or place.with_suffix(".py").is_file(), f"{paper}: {path}"


@pytest.mark.parametrize("paper", PRESENT)
def test_every_name_is_a_word_of_the_code(paper: str) -> None:
    """A name in backticks (a class, a column, a setting) occurs in the product: none is stale."""
    files = [path for floor in FLOORS for path in (ROOT / floor).rglob("*") if path.is_file()]
    files += [ROOT / "params.yaml", ROOT / "pyproject.toml", ROOT / "Makefile"]
    code = {
        word
        for path in files
        if path.suffix in TEXT
        for word in re.findall(r"\w+", path.read_text(encoding="utf-8"))
    }
    named = {span for span in code_spans(PAPERS[paper]) if re.fullmatch(r"[A-Za-z]\w*", span)}
    assert named <= code


def test_the_readme_fits_three_screens() -> None:
    """The README is read at one sitting; the rest stands in the guide."""
    assert len(README.splitlines()) <= MOST_README_LINES


def test_the_readme_sends_readers_to_every_topic() -> None:
    """Each part of the guide is linked from the README, and from the guide's own contents."""
    topics = [slug(line) for line in re.findall(r"^## (.+)$", GUIDE, flags=re.MULTILINE)]
    assert topics
    assert set(topics) <= {link.partition("#")[2] for _, link in links(("README.md",))}
    contents = GUIDE[: GUIDE.index("\n## ")]
    assert re.findall(r"\]\(#([^)]+)\)", contents) == topics


def test_the_index_names_every_decision_once() -> None:
    """The index of DESIGN.md links each entry exactly once, in the order in which they stand."""
    index = re.findall(r"^- \[.+?\]\(#([^)]+)\)", section(DESIGN, "## Index"), flags=re.MULTILINE)
    entries = [slug(line) for line in re.findall(r"^### (.+)$", DESIGN, flags=re.MULTILINE)]
    assert index == entries


def test_every_decision_has_a_date_and_says_what_was_decided() -> None:
    """An entry begins with its date and holds a decision; entries of the appendix are logs."""
    decisions = DESIGN[: DESIGN.index("\n## Appendix")]
    entries = re.findall(r"^### (.+)\n\n(.*?)(?=^#|\Z)", decisions, flags=re.DOTALL | re.MULTILINE)
    assert entries
    dated = re.compile(r"\*\d{4}-\d\d-\d\d\.\* \*\*(Context|Decision)\.\*\*")
    assert not [title for title, text in entries if not dated.match(text)]
    assert not [title for title, text in entries if "**Decision.**" not in text]


def test_the_readme_claims_nothing_that_the_guide_does_not() -> None:
    """Every figure of quality in the README stands in the guide, with what it was measured on."""
    claimed = figures(section(README, "## How good is it?"))
    assert claimed
    assert claimed <= figures(section(GUIDE, "## How good is it, in full"))


def test_the_changelog_tells_of_this_version() -> None:
    """The version that is packaged has its section, with a date."""
    version = re.escape(PROJECT["version"])
    assert re.search(
        rf"^## \[{version}\] - \d{{4}}-\d\d-\d\d$", PAPERS["CHANGELOG.md"], flags=re.MULTILINE
    )


def test_no_file_names_a_place_of_one_machine() -> None:
    """No text that is handed on holds a path of the machine it was written on."""
    places = {
        path.relative_to(ROOT).as_posix(): hit.group()
        for path in text_files()
        if path != Path(__file__)
        and (hit := MACHINE.search(path.read_text(encoding="utf-8"))) is not None
    }
    assert not places


@pytest.mark.parametrize("name", LOCKS)
def test_locks_name_no_index(name: str) -> None:
    """A lock file says what, never where from: every machine has its own index."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert INDEX.search(text) is None
    assert "://" not in text
    assert not re.search(r"^-", text, flags=re.MULTILINE)


@pytest.mark.parametrize("paper", PRESENT)
def test_nothing_says_what_is_still_to_come(paper: str) -> None:
    """No paper about the product holds a placeholder."""
    assert not re.findall(r"^(?:TODO|TBD|FIXME|MEASURED)\b", PAPERS[paper], flags=re.MULTILINE)
