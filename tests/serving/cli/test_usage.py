"""Laws of the command line: what it shows works, what is wrong is said in one sentence, with 2."""

from __future__ import annotations

import json
import re
import shlex
from datetime import datetime
from pathlib import Path

import click
import pytest

from features.errors import InputError, NotReady
from serving.cli.commands import pacesetter
from serving.cli.console import Console
from serving.cli.main import INTERRUPTED, main
from serving.cli.session import Common, MomentParam, Session
from serving.params import ServingParams
from serving.settings import Settings


def verbs(
    group: click.Group, before: tuple[str, ...] = ()
) -> list[tuple[tuple[str, ...], click.Command]]:
    """Return every verb with its words."""
    found: list[tuple[tuple[str, ...], click.Command]] = []
    for name, command in sorted(group.commands.items()):
        words = (*before, name)
        found += verbs(command, words) if isinstance(command, click.Group) else [(words, command)]
    return found


VERBS = verbs(pacesetter)
NAMES = [" ".join(words) for words, _ in VERBS]
EXAMPLES = [
    line.strip()
    for _, command in VERBS
    for line in (command.help or "").splitlines()
    if line.strip().startswith("pacesetter ")
]
SHELL = re.compile(r"\$\(.*?\)")
"""What a shell works out before the command sees it."""
CALM = re.compile(r"^error: .+", re.DOTALL)


def failed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run a command that must fail as bad usage, and return what it says."""
    assert main(list(words)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert CALM.match(said.err)
    assert "Traceback" not in said.err
    return said.err


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_a_help_text_can_be_typed(example: str) -> None:
    """The words of each example are taken by the parser of its verb, nothing is left over."""
    alone = re.split(r" (?:>|\|\|?|&&) ", SHELL.sub("2026-01-01", example), maxsplit=1)[0]
    words = shlex.split(alone)[1:]
    command: click.Command = pacesetter
    context = click.Context(pacesetter, info_name="pacesetter")
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    parsed = command.make_context(command.name, words, parent=context)
    assert parsed.args == []


def test_there_are_examples() -> None:
    """The law above holds of something."""
    assert len(EXAMPLES) > len(VERBS) / 2


@pytest.mark.parametrize(("words", "command"), VERBS, ids=NAMES)
def test_every_verb_takes_the_common_options(
    words: tuple[str, ...], command: click.Command
) -> None:
    """Home, settings and JSON, each with a help text; no option of a verb is without one."""
    options = {option for parameter in command.params for option in parameter.opts}
    assert {"--home", "--params", "--json"} <= options
    helps = [p.help for p in command.params if isinstance(p, click.Option)]
    assert all(helps), words


@pytest.mark.parametrize(("words", "command"), VERBS, ids=NAMES)
def test_a_verb_is_told_in_a_line(words: tuple[str, ...], command: click.Command) -> None:
    """The first line of each help text is a sentence, and the short one fits a terminal."""
    first = (command.help or "").strip().splitlines()[0]
    assert first[0].isupper(), words
    assert len(command.get_short_help_str(limit=80)) <= 80


@pytest.mark.parametrize(("words", "command"), VERBS, ids=NAMES)
def test_an_option_that_is_not_there_is_named(
    words: tuple[str, ...], command: click.Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence says which option, and where the help of the verb is."""
    says = failed(capsys, *words, "--no-such-option")
    assert "--no-such-option" in says
    assert f"pacesetter {' '.join(words)} --help" in " ".join(says.split())
    assert command.name == words[-1]


@pytest.mark.parametrize(("words", "command"), VERBS, ids=NAMES)
def test_a_file_of_settings_that_is_not_there_is_named(
    words: tuple[str, ...],
    command: click.Command,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """Before anything else is done, whatever the verb needs beside it."""
    needed = [p for p in command.params if p.required]
    filled: list[str] = []
    for parameter in needed:
        kind = parameter.type
        value = kind.choices[0] if isinstance(kind, click.Choice) else "2026-01-01"
        filled += [value] if isinstance(parameter, click.Argument) else [parameter.opts[0], value]
    absent = tmp_path / "absent.yaml"
    says = failed(
        capsys, *words, *map(str, filled), "--home", str(tmp_path), "--params", str(absent)
    )
    assert "absent.yaml" in says
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("scores", "No such command 'scores'"),
        ("token", "--help"),
        ("token create", "Missing argument 'NAME'"),
        ("token create ada --role boss", "'boss' is not one of"),
        ("token create ada --days 0", "0 is not in the range"),
        ("score --as-of yesterday", "'yesterday' is no time; write it like 2024-03-01"),
        ("kpi --team a --rep b", "give --team or --rep, not both"),
        ("kpi --every decade", "'decade' is not one of"),
        ("promote", "say which model"),
        ("promote leads --log --version 3", "--log only shows"),
        ("simulate", "--out DIR is missing"),
        ("train deals", "'deals' is not one of"),
        ("train quota --horizon-days 30", "--horizon-days is for leads"),
        ("export leads --for oracle --out x.csv", "'oracle' is not one of"),
    ],
)
def test_wrong_words_are_answered_in_words(
    line: str, says: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What was wrong, with what was given, and where the help is or what would be right."""
    code = main([*shlex.split(line), "--home", str(tmp_path)])
    told = capsys.readouterr()
    assert code == 2
    assert says in " ".join(f"{told.err} {told.out}".split())
    assert "Traceback" not in told.err


@pytest.mark.parametrize("name", ["Q3 #2", "100%", "why?"])
def test_a_home_that_can_keep_no_model_is_refused_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Otherwise the training would say so, after minutes."""
    (tmp_path / "leads.csv").write_text("lead_id,created_at\nL1,2025-01-01\n", encoding="utf-8")
    home = tmp_path / name
    said = failed(capsys, "--home", str(home), "ingest", str(tmp_path))
    assert "choose another --home" in said
    assert not (home / "data").exists()


def test_without_a_verb_the_verbs_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing was asked, so nothing was done: bad usage, with the list of what there is."""
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    said = capsys.readouterr().out
    assert all(name in said for name in pacesetter.commands)


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("score --out {out}", "ingest"), ("train leads", "ingest"), ("check", "ingest"),
        ("kpi", "ingest"), ("commits", "ingest"), ("calls --out {out}", "ingest"),
    ],
)  # fmt: skip
def test_a_home_without_data_says_what_comes_first(
    line: str, first: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The verb to run before this one is named, and nothing is made."""
    words = shlex.split(line.format(out=tmp_path / "out"))
    says = failed(capsys, *words, "--home", str(tmp_path / "home"))
    assert f"pacesetter {first}" in " ".join(says.split())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("a is wrong"), 2),
        (NotReady("run b first"), 2),
        (KeyboardInterrupt(), INTERRUPTED),
    ],
)
def test_an_error_has_its_exit_code_and_no_traceback(
    error: BaseException,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Bad input is 2, an interruption is 130; the words are the error's own."""

    @click.command("fails")
    def fails() -> None:
        raise error

    monkeypatch.setitem(pacesetter.commands, "fails", fails)
    assert main(["fails"]) == code
    said = capsys.readouterr().err
    assert (str(error) or "stopped") in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01", datetime(2026, 3, 1)),
        ("2026-03-01T12:30", datetime(2026, 3, 1, 12, 30)),
        ("2026-03-01T12:30:00Z", datetime(2026, 3, 1, 12, 30)),
        ("2026-03-01T00:30+02:00", datetime(2026, 2, 28, 22, 30)),
        ("2026-03-01T20:00-05:00", datetime(2026, 3, 2, 1, 0)),
    ],
)
def test_a_moment_with_a_zone_becomes_utc(text: str, moment: datetime) -> None:
    """Also where that is another day."""
    read = MomentParam().convert(text, None, None)
    assert (read, read.tzinfo) == (moment, None)
    assert MomentParam().convert(read, None, None) == read


@pytest.mark.parametrize("text", ["", "today", "2026-13-01", "01.03.2026", "2026-02-30", "12:00"])
def test_what_is_no_moment_is_refused_with_an_example(text: str) -> None:
    """The message shows what was given and how it is written."""
    with pytest.raises(click.BadParameter, match="write it like 2024-03-01"):
        MomentParam().convert(text, None, None)


def test_options_after_the_verb_win() -> None:
    """Each on its own; what stands only before the verb counts."""
    before = Common(Path("a"), Path("p"), is_json=False)
    assert before.merged(Path("b"), None, is_json=True) == Common(
        Path("b"), Path("p"), is_json=True
    )
    assert Common(None, None, is_json=True).merged(None, None, is_json=False).is_json


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """A session in an empty home."""
    return Session(tmp_path, Settings(serving=ServingParams()), Console(is_json=False), None)


def test_another_horizon_changes_that_alone(session: Session) -> None:
    """For leads; quota looks as far as its period, and without a number nothing changes."""
    changed = session.looking_ahead(45, "leads")
    assert changed.settings.training.leads.horizon_days == 45
    assert session.settings.training.leads.horizon_days != 45
    assert changed.settings.training.quota == session.settings.training.quota
    assert session.looking_ahead(None, "quota") is session
    with pytest.raises(click.UsageError, match="for leads"):
        session.looking_ahead(45, "quota")


@pytest.mark.parametrize(
    ("as_of", "is_warned"),
    [(None, False), (datetime(2026, 3, 1), True), (datetime(2026, 5, 1), False)],
)
def test_hindsight_is_warned_of(
    session: Session, capsys: pytest.CaptureFixture[str], as_of: datetime | None, *, is_warned: bool
) -> None:
    """A champion that learned from what came after the moment asked about knows too much."""
    fresh = Session(session.home, session.settings, Console(is_json=False), None)
    fresh.warn_of_hindsight(datetime(2026, 5, 1), as_of)
    assert ("knows what came after" in capsys.readouterr().err) == is_warned


@pytest.mark.parametrize("words", ["[red]x[/red]", "[/]", "a [b", "50 % [link=x]y"])
def test_words_of_others_are_no_markup(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Names and paths with brackets are shown as they are, in words, warnings and tables."""
    console = Console(is_json=False)
    console.say(words)
    console.warn(words)
    console.fail(words)
    console.show(words, [words], [[words]])
    said = capsys.readouterr()
    assert said.err.count(words) == 3
    assert said.out.count(words) == 3


def test_json_is_alone_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    """Asked for JSON, tables and texts are left out, and letters stay letters."""
    console = Console(is_json=True)
    console.show("T", ["a"], [["1"]])
    console.write("text")
    console.say("said")
    console.give({"name": "Zoë", "at": datetime(2026, 1, 2)})
    told = capsys.readouterr()
    assert json.loads(told.out) == {"name": "Zoë", "at": "2026-01-02 00:00:00"}
    assert "Zoë" in told.out
    assert told.err == "said\n"


def test_without_json_no_document_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    """What people read stands on stdout, and nothing else."""
    console = Console(is_json=False)
    console.give({"a": 1})
    console.write("text\n")
    assert capsys.readouterr().out == "text\n"
