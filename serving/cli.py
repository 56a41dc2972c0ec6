"""The command line: every verb of pacesetter, its options, and its exit code."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import rich_click as click

from features.errors import PacesetterError
from serving.console import Console
from serving.settings import Settings

EPILOG = "Times are UTC. Words and progress go to stderr, data to stdout; --json makes it JSON."
INTERRUPTED = 130
UNREAD = 141
COLLECT_AFTER = (100_000, 20, 100)
"""New objects before the collector looks. Queries are compiled from hundreds of thousands of small
ones, which it would walk again and again: a sixth of the time `score` takes on a small company."""


@dataclass
class Common:
    """What every verb shares; options may stand before or after the verb."""

    home: Path | None = None
    params: Path | None = None
    is_json: bool = False

    def merged(self, home: Path | None, params: Path | None, *, is_json: bool) -> Common:
        """Let options after the verb win over those before it."""
        return Common(home or self.home, params or self.params, is_json or self.is_json)


@dataclass(frozen=True)
class Session:
    """What a verb works with."""

    home: Path
    settings: Settings
    console: Console
    params: Path | None


class Moment(click.ParamType[datetime]):
    """A moment like 2024-03-01 or 2024-03-01T12:00; with a zone it is converted to UTC."""

    name = "time"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,  # noqa: ARG002 - click's own signature
    ) -> datetime:
        """Read it, or say what would be right."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no time; write it like 2024-03-01 or 2024-03-01T12:00", param)
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        return moment


def common(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options every verb takes."""
    options = (
        click.option(
            "--home",
            type=click.Path(path_type=Path, file_okay=False),
            help="Folder under which all is kept: data/ and mlruns/.  [default: this folder]",
        ),
        click.option(
            "--params",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Settings.  [default: HOME/params.yaml, ./params.yaml, the packaged defaults]",
        ),
        click.option("--json", "is_json", is_flag=True, help="Write JSON to stdout."),
    )
    for option in reversed(options):
        verb = option(verb)
    return verb


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Print the version that is installed, or that there is none, and end."""
    if not value or ctx.resilient_parsing:
        return
    try:
        click.echo(f"pacesetter {version('pacesetter')}")
    except PackageNotFoundError:
        click.echo("pacesetter, run from its source without being installed")
    ctx.exit()


def verb(function: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the common options and its session."""

    @common
    @click.pass_context
    def wrapped(
        ctx: click.Context,
        /,
        home: Path | None,
        params: Path | None,
        is_json: bool,  # noqa: FBT001 - click passes flags by name
        **options: Any,
    ) -> None:
        given = ctx.ensure_object(Common).merged(home, params, is_json=is_json)
        place = (given.home or Path()).resolve()
        settings = Settings.load(place, given.params)
        console = Console(is_json=given.is_json)
        function(Session(place, settings, console, given.params), **options)

    wrapped.__name__, wrapped.__doc__ = function.__name__, function.__doc__
    for option in getattr(function, "__click_params__", []):
        wrapped.__click_params__.append(option)  # type: ignore[attr-defined] # click's own mark
    return wrapped


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@common
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
@click.pass_context
def pacesetter(
    ctx: click.Context,
    home: Path | None,
    params: Path | None,
    is_json: bool,  # noqa: FBT001 - click passes flags by name
) -> None:
    """Forecasts for sales teams, from the history of a CRM: whom to call next, and why.

    Start with `pacesetter demo`, or with your own extract:
    `pacesetter ingest FOLDER`, `pacesetter train`, `pacesetter score --out DIR`.
    """
    ctx.obj = Common(home, params, is_json)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 0 done, 1 a check failed, 2 bad input or usage."""
    from serving import verbs  # noqa: PLC0415 - the verbs register themselves on this group

    gc.set_threshold(*COLLECT_AFTER)
    try:
        result = verbs.GROUP.main(
            list(arguments) if arguments is not None else None,
            prog_name="pacesetter",
            standalone_mode=False,
        )
    except click.UsageError as error:
        Console(is_json=False).fail(_usage(error))
        return error.exit_code
    except click.ClickException as error:
        error.show(sys.stderr)
        return error.exit_code
    except PacesetterError as error:
        Console(is_json=False).fail(str(error))
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        Console(is_json=False).say("stopped")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read stdout has seen enough, as `| head` does; nothing more can be written there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    return result if isinstance(result, int) else 0


def _usage(error: click.UsageError) -> str:
    """Say in one sentence what was wrong with a command, and where its help is."""
    what = error.format_message().rstrip(".")
    return what if error.ctx is None else f"{what}; see `{error.ctx.command_path} --help`"
