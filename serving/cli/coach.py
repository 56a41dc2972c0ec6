"""`coach` as the command line runs it: 1:1 sheets, and what people agree on and contest."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from serving.cli.session import MomentParam, Session, verb

if TYPE_CHECKING:
    from serving.coaching.company import Company
    from serving.coaching.sheet import Sheet
    from serving.store.coaching import CoachingLine

LONGEST, SHOWN = 2_000, 40
"""Characters of a text that are kept, and that an error shows."""
WRITES = ("commit", "start_plan", "note", "contest", "done", "drop", "answer")
"""Options that write; one at a time."""
ONLY_LOG = ("note", "done", "drop", "answer")
"""Those that need nothing but the log."""
WANT_TEXT = (["contest"], ["answer"])
"""Those that make no sense without a reason."""


@click.command("coach", short_help="Make the 1:1 sheet of a rep, or everybody's.")
@click.argument("rep_id", metavar="REP", required=False)
@click.option("--all", "is_all", is_flag=True, help="Everybody, into --out: sheets and files.")
@click.option("--as-of", type=MomentParam(), help="The cutoff.  [default: the extract's end]")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Where to write.")
@click.option(
    "--voice",
    type=click.Choice(["manager", "rep"]),
    default="manager",
    show_default=True,
    help="Whom the printed sheet speaks to; both hold the same facts.",
)
@click.option("--commit", metavar="TEXT", help="Keep what was agreed; needs --by.")
@click.option("--due", type=MomentParam(), help="By when, with --commit.")
@click.option("--measure", metavar="NAME", help="What tells whether it worked, with --commit.")
@click.option("--start-plan", is_flag=True, help="Start the proposed plan; needs --by.")
@click.option("--note", metavar="TEXT", help="Note something beside the sheet; needs --by.")
@click.option("--contest", metavar="FIGURE", help="Contest a figure; needs --text and --by.")
@click.option("--done", type=click.IntRange(1), metavar="N", help="Item N is done; needs --by.")
@click.option("--drop", type=click.IntRange(1), metavar="N", help="Item N is dropped; needs --by.")
@click.option(
    "--answer", type=click.IntRange(1), metavar="N", help="Answer contested figure N, with --text."
)
@click.option("--text", metavar="TEXT", help="Why, or what became of it.")
@click.option("--by", metavar="NAME", help="Who writes; the log keeps it with the time.")
@verb
def coach(
    session: Session,
    rep_id: str | None,
    is_all: bool,  # noqa: FBT001 - click passes flags by name
    as_of: datetime | None,
    out: Path | None,
    voice: str,
    **writes: Any,
) -> None:
    """Say where a rep's gap to quota comes from, and what may be tried: the 1:1 sheet.

    One praise, one thing to talk about, two questions, last time's commitments and what became of
    them, at most five numbers. With --out the sheet is written as HTML and Markdown, in the
    manager's words and in the rep's; both hold the same facts. With --all: everybody's sheets, the
    team sheets, rep_causes.parquet and equal_grounds.parquet.

    Nothing starts by itself: --commit and --start-plan keep what people agree on, --note and
    --contest what they see otherwise. The log only grows; it keeps who wrote, and when. A contested
    figure is marked on both sheets until --answer.

    With --json: `causes`, `equal_grounds`, `reasons`, `advice`, `goals`, `pairings`, `plan`,
    `items` (what was agreed, noted and contested) and `missing`. For coaching, not for employment
    decisions.

    \b
    pacesetter coach R0000017
    pacesetter coach R0000017 --voice rep --as-of 2026-07-01
    pacesetter coach --all --out coaching
    pacesetter coach R0000017 --commit "Two slots a day" --measure promptness --by "Ann Lee"
    pacesetter coach R0000017 --contest attained --text "One deal is not mine" --by "Rosa Dahl"
    """
    asked = [name for name in WRITES if writes[name]]
    _check_usage(rep_id, asked, writes, is_all=is_all, has_out=out is not None)
    session.require_extract()
    from serving.cli.backtest import made_folder
    from serving.coaching.gather import gather
    from serving.home.home import Home

    if out is not None:
        made_folder(out)
    home = Home(session.home, session.settings)
    is_log = bool(asked) and asked[0] in ONLY_LOG
    company = gather(home, as_of, rep_id, session.console.progress, is_log=is_log, is_team=is_all)
    for says in company.inputs.missing:
        session.console.warn(says)
    if is_all and out is not None:
        _everybody(session, company, out)
        return
    sheet = _sheet(company, str(rep_id))
    if asked:
        lines = _write(sheet, asked[0], writes)
        _keep(session, home, lines)
        return
    session.keep_view(str(rep_id), "coach sheet")
    _one(session, sheet, voice, out)


def _check_usage(
    rep_id: str | None, asked: list[str], writes: dict[str, Any], *, is_all: bool, has_out: bool
) -> None:
    """Refuse combinations that mean nothing, each with what would be right."""
    options = [f"--{name.replace('_', '-')}" for name in asked]
    first = options[0] if options else ""
    is_bare = {name: not (writes[name] or "").strip() for name in ("text", "by")}
    problems = {
        "say which rep, or --all for everybody: `coach REP`, `coach --all`": (
            is_all == (rep_id is not None)
        ),
        "--all needs --out DIR: it writes a sheet for everybody": is_all and not has_out,
        f"{first} is about one rep: name them instead of --all": is_all and asked,
        f"one at a time: {' and '.join(options)} were both given": len(asked) > 1,
        f"{first} needs --by NAME: the log keeps who wrote it": asked and is_bare["by"],
        f"{first} needs --text: say why": asked[:1] in WANT_TEXT and is_bare["text"],
        "--due and --measure go with --commit": (
            (writes["due"] or writes["measure"]) and asked != ["commit"]
        ),
        "--text and --by go with what is written, such as --note or --commit": (
            not asked and (writes["text"] or writes["by"])
        ),
    }
    for says, is_wrong in problems.items():
        if is_wrong:
            raise click.UsageError(says)
    for name in ("commit", "note", "text", "by"):
        text = writes[name]
        if text is not None and (not text.strip() or len(text) > LONGEST):
            raise click.UsageError(
                f"--{name} should be 1 to {LONGEST:,} characters, it was {text[:SHOWN]!r}"
            )


def _sheet(company: Company, rep_id: str) -> Sheet:
    from serving.coaching.pairs import propose_pairs
    from serving.coaching.playbook import playbook
    from serving.coaching.sheet import make_sheet

    return make_sheet(company, rep_id, playbook(), propose_pairs(company))


def _everybody(session: Session, company: Company, out: Path) -> None:
    from serving.coaching.write import write_all

    files = write_all(company, out, session.console.progress)
    session.console.say(f"{len(company.present())} sheets; begin with {out / 'team.html'}")
    session.console.give(
        {
            "files": [str(file) for file in files],
            "reps": len(company.present()),
            "causes": len(company.inputs.causes),
            "equal_grounds": len(company.inputs.grounds),
            "missing": list(company.inputs.missing),
        }
    )


def _one(session: Session, sheet: Sheet, voice: str, out: Path | None) -> None:
    from serving.coaching.answer import to_json
    from serving.coaching.pages import render, sheet_page
    from serving.coaching.voice import Voice
    from serving.coaching.write import write_sheet

    answer = to_json(sheet)
    if out is not None:
        files = write_sheet(sheet, out)
        answer["files"] = [str(file) for file in files]
        session.console.say(f"the sheet: {files[0]}")
    session.console.write(render(sheet_page(sheet, Voice(voice, sheet.name)), "sheet", "txt"))
    session.console.give(answer)


def _write(sheet: Sheet, action: str, writes: dict[str, Any]) -> list[CoachingLine]:
    """Return the lines that an option asks for."""
    from features.clock import utc_now
    from serving.coaching.actions import Writer
    from serving.store.coaching import CoachingEvent

    writer = Writer(sheet, writes["by"].strip(), utc_now())
    text = (writes["text"] or "").strip()
    if action == "commit":
        return writer.commit(writes["commit"].strip(), writes["due"], writes["measure"])
    if action == "start_plan":
        return writer.start_plan()
    if action == "note":
        return writer.note(writes["note"].strip())
    if action == "contest":
        return writer.contest(writes["contest"], text)
    ends = {
        "done": CoachingEvent.DONE,
        "drop": CoachingEvent.DROPPED,
        "answer": CoachingEvent.ANSWERED,
    }
    return writer.close(ends[action], writes[action], text)


def _keep(session: Session, home: Any, lines: list[CoachingLine]) -> None:
    from serving.coaching.gather import log_of

    kept = log_of(home).add(lines)
    for line in kept:
        due = "" if line.due is None else f", due {line.due:%Y-%m-%d}"
        session.console.say(f"kept as item {line.item}: {line.event.value}{due}: {line.text}")
    session.console.give({"items": [line.to_json() for line in kept]})
