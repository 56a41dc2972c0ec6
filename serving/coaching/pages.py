"""Sheets and the team sheet as pages: self-contained HTML, and Markdown with the same words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from serving.coaching.advice import ASSOCIATION, PURPOSE, cause_sentence
from serving.coaching.causes import size_in_words
from serving.coaching.charts import causes_chart, path_chart, waterfall
from serving.coaching.commitments import became
from serving.coaching.figures import Number
from serving.coaching.goal_words import goal_sentence
from serving.coaching.sheet import Sheet
from serving.coaching.voice import MANAGER, REP, Voice
from serving.store.coaching import CoachingEvent
from serving.wording.reps import period_in_words
from training.report.card_page import as_markdown
from training.report.chart import Chart
from training.report.page import templates

POINTS = (
    "A point is one percent of quota. Sizes are what a cause takes from the expected attainment, "
    "with an interval that holds in 8 of 10 cases."
)
RIGHTS = {
    MANAGER: "{You} reads the same facts on a sheet of their own, may note something beside them "
    "and contest a figure. A contested figure is marked on both sheets.",
    REP: "This is everything that your manager reads about you here. You may note something beside "
    "it and contest a figure. A contested figure is marked on both sheets.",
}


@dataclass(frozen=True)
class Block:
    """A part of a sheet.

    Attributes:
        title: its heading.
        lines: paragraphs or list items.
        is_list: whether they are list items.
        chart: a drawing, if any.
        note: what to know when reading it.
    """

    title: str
    lines: tuple[str, ...]
    is_list: bool = False
    chart: Chart | None = None
    note: str = ""


@dataclass(frozen=True)
class Page:
    """A sheet in words for one reader.

    Attributes:
        title: whose sheet.
        kind: what kind of page.
        facts: where and when it is from.
        numbers: at most five.
        contested: names of contested figures.
        first: praise, opportunity and questions.
        blocks: the rest.
        purpose: what the page is for.
    """

    title: str
    kind: str
    facts: tuple[str, ...]
    numbers: tuple[Number, ...]
    contested: tuple[str, ...]
    first: tuple[Block, ...]
    blocks: tuple[Block, ...]
    purpose: str


def plain_line(text: str) -> str:
    """Keep a text on one line, and signs that would steer a terminal out of it."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


@cache
def _environment(form: str) -> Any:
    environment = templates(is_markup=form == "html", own="serving.coaching")
    environment.filters["md"] = as_markdown if form == "md" else plain_line
    return environment


def render(page: object, template: str, form: str) -> str:
    """Return a page as text.

    Args:
        page: a `Page` or a `TeamPage`.
        template: `sheet` or `team`.
        form: `html`, `md`, or `txt` for a terminal.
    """
    file = f"{template}.{'html' if form == 'html' else 'md'}.j2"
    return _environment(form).get_template(file).render(page=page)


def sheet_page(sheet: Sheet, voice: Voice) -> Page:
    """Put a sheet into words for its reader."""
    first = (
        Block("One thing that goes well", (sheet.praise,)),
        Block("One thing to talk about", (sheet.opportunity,)),
        Block("Two questions", sheet.questions, is_list=True),
    )
    blocks = [block for block in _blocks(sheet, voice) if block.lines or block.chart]
    return Page(
        title=f"1:1 sheet: {sheet.name}",
        kind="your sheet" if voice.is_rep else "the manager's sheet",
        facts=_facts(sheet),
        numbers=sheet.numbers,
        contested=tuple(sheet.contested),
        first=tuple(_spoken(block, voice) for block in first),
        blocks=tuple(_spoken(block, voice) for block in blocks),
        purpose=f"{PURPOSE} {voice.says(RIGHTS[voice.reader])}",
    )


def _spoken(block: Block, voice: Voice) -> Block:
    lines = tuple(voice.says(line) for line in block.lines)
    return replace(block, lines=lines, note=voice.says(block.note))


def _facts(sheet: Sheet) -> tuple[str, ...]:
    facts = [f"as of {sheet.company.as_of:%Y-%m-%d %H:%M} UTC"]
    if sheet.period is not None:
        facts.append(f"quota period {period_in_words(sheet.period.start, sheet.period.end)}")
    return tuple(facts)


def _blocks(sheet: Sheet, voice: Voice) -> Sequence[Block]:
    told = sheet.told
    said = [cause_sentence(cause) for cause in (*told, *sheet.open)]
    causes = tuple(line for line in said if line not in sheet.opportunity)
    path = path_chart(sheet.company, sheet.rep_id, sheet.period)
    return [
        Block("Last time's commitments", _commitments(sheet), is_list=True),
        Block(
            _causes_title(sheet),
            causes,
            is_list=True,
            chart=causes_chart(told),
            note=POINTS if told else "",
        ),
        Block("From quota to expected attainment", (), chart=waterfall(sheet)),
        Block("What may be tried", _advice(sheet, voice), is_list=True, note=ASSOCIATION),
        Block("Goals to choose from", tuple(map(goal_sentence, sheet.goals)), is_list=True),
        Block("A colleague to try it with", _pair(sheet)),
        Block("A plan, if both want one", _plan(sheet), is_list=True, note=_plan_note(sheet)),
        Block("The period so far", (), chart=path),
        Block("Notes and contested figures", _notes(sheet), is_list=True),
        Block("Limits of this sheet", sheet.company.inputs.missing, is_list=True),
    ]


def _causes_title(sheet: Sheet) -> str:
    return "Where the gap comes from" if sheet.is_short else "What kept more from coming"


def _advice(sheet: Sheet, voice: Voice) -> tuple[str, ...]:
    return tuple(
        f"{piece.play.wording(sheet.name, for_rep=voice.is_rep)} Because of "
        f"{piece.cause.label.lower()}: {size_in_words(piece.cause)}. Have at hand: "
        f"{piece.play.needs}. Something may be seen after about {piece.play.weeks} weeks."
        for piece in sheet.advice
    )


def _commitments(sheet: Sheet) -> tuple[str, ...]:
    return tuple(
        f"{item.began.item}. {item.began.text} (agreed {item.began.at:%Y-%m-%d}). "
        f"{became(sheet.company, item)}"
        for item in sheet.items
        if item.began.event is CoachingEvent.COMMITTED
    )


def _pair(sheet: Sheet) -> tuple[str, ...]:
    pair = sheet.pair
    other = None if pair is None else pair.other(sheet.rep_id)
    if pair is None or other is None:
        return ()
    return (pair.invites(sheet.rep_id, sheet.company.name(other)),)


def _plan(sheet: Sheet) -> tuple[str, ...]:
    started = [item for item in sheet.items if item.began.event is CoachingEvent.STEP]
    if started and not sheet.plan:
        return tuple(
            f"{item.began.item}. By {item.began.due:%Y-%m-%d}: {item.began.text} "
            f"{became(sheet.company, item)}"
            for item in started
        )
    return tuple(f"By {step.due:%Y-%m-%d} ({step.who}): {step.text}" for step in sheet.plan)


def _plan_note(sheet: Sheet) -> str:
    started = [item for item in sheet.items if item.began.event is CoachingEvent.STEP]
    if sheet.plan:
        return "Proposed. It starts only when somebody starts it: `coach REP --start-plan`."
    done = sum(not item.is_open for item in started)
    return f"{done} of {len(started)} steps are done or dropped." if started else ""


def _notes(sheet: Sheet) -> tuple[str, ...]:
    notes = []
    for item in sheet.items:
        line = item.began
        if line.event is CoachingEvent.NOTE:
            about = f" on {line.figure}" if line.figure else ""
            notes.append(f"{line.by}, {line.at:%Y-%m-%d}{about}: {line.text}")
        elif line.event is CoachingEvent.CONTESTED:
            answers = "".join(f" {late.by} answered: {late.text}" for late in item.later)
            notes.append(
                f"{item.began.item}. {line.by} contests the figure {line.figure} "
                f"({line.at:%Y-%m-%d}): {line.text}{answers}"
            )
    return tuple(notes)
