"""The pages about one rep: today, the quarter, the 1:1 sheet."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast

from markupsafe import Markup
from starlette.responses import Response

from features.clock import utc_now
from features.errors import InputError, NotFoundError
from serving.access.people import Role
from serving.coaching.pages import Page, sheet_page
from serving.pages.desk import FREES
from serving.pages.facts import Facts
from serving.pages.frame import Visit
from serving.pages.quarter import quarter_of
from serving.pages.today import SAID, today_of
from serving.pages.trust import PURPOSE, trust_lines
from serving.store.actions import Act, Action, KeptAction
from serving.store.coaching import CoachingEvent, CoachingLine, CoachingLog
from serving.store.commits import CommitLog, RepCommit
from serving.store.views import View
from serving.worklist.marks import not_undone
from training.quota.what_if import Factors
from training.report.chart import Chart

SNOOZE_DAYS = 7
LONGEST_TEXT = 2000
MOST_AMOUNT = 1e12
MOST_VIEWS, FIRST_VIEWS = 100, 5
LEAST, MOST = 0.5, 2.0
"""Factors of the sliders: beyond, the model has seen nothing like it."""


def today(visit: Visit) -> Response:
    """Show the list of the day."""
    facts, rep_id = visit.facts, visit.rep_id
    marks = _standing(visit, facts)
    made = today_of(facts, rep_id, marks, visit.region)
    if isinstance(made, str):
        return visit.page("missing.html.j2", title="Today", says=made)
    return visit.page(
        "today.html.j2",
        today=made,
        rep_id=rep_id,
        is_pool=visit.person.role is Role.MANAGER and rep_id == visit.person.rep_id,
        acts=[act.value for act in SAID],
        trust=_trust(facts, "leads", visit),
        purpose=PURPOSE,
        as_of=facts.data_until,
    )


def _standing(visit: Visit, facts: Facts) -> dict[str, KeptAction]:
    """Return what was said last of each lead, as far as it is of the list's day."""
    said = visit.desk.work.actions.all(since=facts.made_at - timedelta(days=1))
    return {action.lead_id: action for action in not_undone(said)}


def act(visit: Visit) -> Response:
    """Keep what somebody did with a lead of their list, or take it back.

    Raises:
        InputError: the action is none of ours, or a reason is missing.
        NotFoundError: the lead is not on the list.
    """
    facts, rep_id, form = visit.facts, visit.rep_id, visit.form
    if isinstance(facts.leads, str):
        raise InputError(facts.leads)
    lead = form.get("lead_id", "")
    if lead not in {row.lead_id for row in facts.leads.lists.get(rep_id, ())}:
        raise NotFoundError(f"lead {lead[:40]!r} is not on this list")
    what = form.get("act", "")
    if what not in set(Act):
        raise InputError(f"{what[:40]!r} is nothing that can be done with a lead")
    reason = form.get("reason", "").strip()[:LONGEST_TEXT] or None
    action = Act(what)
    if action is Act.WRONG and reason is None:
        raise InputError("say why it is wrong: the reason is what makes the list better")
    until = utc_now() + timedelta(days=SNOOZE_DAYS) if action is Act.SNOOZE else None
    undoes = form.get("undoes") if action is Act.UNDO else None
    key = form.get("key") or secrets.token_hex(8)
    row = Action(key[:64], lead, action, rep_id, until, reason, undoes)
    visit.desk.work.actions.add([row], visit.person.name)
    visit.desk.refill({lead} if action in FREES else (), visit.person.name)
    said = "taken back" if action is Act.UNDO else SAID[action]
    return visit.back("/today", f"{lead}: {said}", rep_id=rep_id)


def quarter(visit: Visit) -> Response:
    """Show the quota period."""
    facts, rep_id, voice = visit.facts, visit.rep_id, visit.voice(visit.rep_id)
    commits = CommitLog(visit.desk.store).all(rep_id)
    made = quarter_of(facts, rep_id, voice, visit.region, commits, _factors(visit))
    if isinstance(made, str):
        return visit.page("missing.html.j2", title="Quarter", says=made)
    is_own = voice.is_rep
    visit.keep_view("quarter", rep_id)
    return visit.page(
        "quarter.html.j2",
        quarter=made,
        rep_id=rep_id,
        is_own=is_own,
        name=voice.name,
        least=LEAST,
        most=MOST,
        views=newest_of_each(visit.access.views_of(visit.person, MOST_VIEWS)) if is_own else (),
        first_views=FIRST_VIEWS,
        notes=_notes(visit, rep_id),
        trust=_trust(facts, "quota", visit),
        purpose=PURPOSE,
        as_of=facts.data_until,
    )


def _factors(visit: Visit) -> Factors:
    """Return where the sliders stand.

    Raises:
        InputError: one of them is no number, or lies outside.
    """
    values = {}
    for name in ("volume", "win_rate", "deal_size"):
        text = visit.request.query_params.get(name, "100")
        try:
            value = float(text) / 100
        except ValueError:
            raise InputError(
                f"{name} should be a number of percent, it was {text[:20]!r}"
            ) from None
        if not LEAST <= value <= MOST:
            raise InputError(
                f"{name} should be {100 * LEAST:.0f} to {100 * MOST:.0f} percent, "
                f"it was {text[:20]}"
            )
        values[name] = value
    return Factors(**values)


def newest_of_each(views: Sequence[View]) -> list[View]:
    """Return the newest of the views by one person, of one page, on one day.

    Those with a note are all kept.

    Args:
        views: the newest first.
    """
    met, kept = set(), []
    for view in views:
        same = (view.viewer_id, view.what, view.at.date())
        if view.notes or same not in met:
            kept.append(view)
        met.add(same)
    return kept


def _notes(visit: Visit, rep_id: str) -> list[CoachingLine]:
    lines = CoachingLog(visit.desk.store).lines(rep_id)
    return [line for line in lines if line.event is CoachingEvent.NOTE]


def note(visit: Visit) -> Response:
    """Keep a note beside a rep's figures."""
    rep_id, text = visit.rep_id, _text(visit, "text")
    line = CoachingLine(utc_now(), visit.person.name, rep_id, CoachingEvent.NOTE, text)
    CoachingLog(visit.desk.store).add([line])
    return visit.back("/quarter", "Your note is kept.", rep_id=rep_id)


def annotate(visit: Visit) -> Response:
    """Keep what a rep says of a view of their figures."""
    number = visit.form.get("view", "")
    if not number.isdecimal():
        raise InputError("say which view the note is about")
    visit.access.annotate(visit.person, int(number), _text(visit, "text"))
    return visit.back("/quarter", "Your note stands beside the view.")


def commit(visit: Visit) -> Response:
    """Keep what a rep commits to; nothing earlier is replaced."""
    rep_id, region = visit.rep_id, visit.region
    amount, best = _amount(visit, "amount"), _amount(visit, "best_case", is_needed=False)
    if amount is None:
        raise InputError("write the amount that you commit to")
    if best is not None and best < amount:
        raise InputError("the best case should not be below the amount committed to")
    start = _period_start(visit, rep_id)
    row = RepCommit(secrets.token_hex(8), rep_id, start, amount, None, best)
    CommitLog(visit.desk.store).add([row], visit.person.name)
    return visit.back("/quarter", f"Kept: {region.amount(amount)}.", rep_id=rep_id)


def _period_start(visit: Visit, rep_id: str) -> datetime:
    quota = visit.facts.quota
    forecast = None if isinstance(quota, str) else quota.first(rep_id)
    if forecast is None:
        raise NotFoundError("there is no quota period to commit to")
    return forecast.period_start


def _amount(visit: Visit, name: str, *, is_needed: bool = True) -> float | None:
    text = "".join(visit.form.get(name, "").split())
    if not text and not is_needed:
        return None
    if not text.isdecimal() or float(text) > MOST_AMOUNT:
        raise InputError(f"an amount should be whole digits such as 25000, it was {text[:20]!r}")
    return float(text)


def _text(visit: Visit, name: str) -> str:
    text = visit.form.get(name, "").strip()
    if not text or len(text) > LONGEST_TEXT:
        raise InputError(f"write 1 to {LONGEST_TEXT:,} characters")
    return text


def sheet(visit: Visit) -> Response:
    """Show the 1:1 sheet in the reader's words.

    Raises:
        NotFoundError: there is no sheet of the rep.
    """
    facts, rep_id = visit.facts, visit.rep_id
    if facts.coaching is None:
        return visit.page(
            "wait.html.j2", says="The sheets are being worked out; this takes a minute."
        )
    if rep_id not in facts.coaching.sheets:
        raise NotFoundError(f"there is no sheet of {facts.staff.name(rep_id)}: they have left")
    visit.keep_view("1:1 sheet", rep_id)
    return visit.page(
        "sheet_page.html.j2",
        page=_fresh_sheet(visit, rep_id),
        rep_id=rep_id,
        trust=_trust(facts, "quota", visit),
        as_of=facts.data_until,
    )


def _fresh_sheet(visit: Visit, rep_id: str) -> Page:
    """Return a rep's sheet in the reader's words, with what was agreed and contested by now."""
    facts = visit.facts
    assert facts.coaching is not None  # noqa: S101 - asked before
    coaching, voice = facts.coaching, visit.voice(rep_id)
    lines = CoachingLog(visit.desk.store).lines(rep_id)
    return facts.once(
        ("sheet", rep_id, voice.reader, len(lines)),
        lambda: drawn(sheet_page(coaching.sheet(rep_id, lines), voice)),
    )


@dataclass(frozen=True)
class Drawn:
    """A chart that was drawn already.

    Attributes:
        svg: its markup.
    """

    svg: Markup

    def to_svg(self) -> Markup:
        """Return the markup."""
        return self.svg


def drawn(page: Page) -> Page:
    """Return a page whose charts are drawn."""
    blocks = [
        block
        if block.chart is None
        else replace(block, chart=cast("Chart", Drawn(block.chart.to_svg())))
        for block in page.blocks
    ]
    return replace(page, blocks=tuple(blocks))


def _trust(facts: Facts, kind: str, visit: Visit) -> list[str]:
    model = facts.models.get(kind)
    return [] if model is None else trust_lines(model, visit.region)
