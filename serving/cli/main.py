"""The command line: every verb of pacesetter, its options, and its exit code."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

import rich_click as click

from features.errors import PacesetterError
from serving.cli.commands import pacesetter
from serving.cli.console import Console
from serving.settings import ignore_stray_variables

INTERRUPTED = 130
UNREAD = 141
COLLECT_AFTER = (100_000, 20, 100)
"""New objects before the collector looks. Queries are compiled from hundreds of thousands of small
ones, which it would walk again and again: a sixth of the time `score` takes on a small company."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 0 done, 1 a check failed, 2 bad input or usage."""
    gc.set_threshold(*COLLECT_AFTER)
    ignore_stray_variables()
    try:
        result = pacesetter.main(
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
