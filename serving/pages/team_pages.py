"""The pages about a team: who needs a talk, and how past forecasts have done."""

from __future__ import annotations

from starlette.responses import Response

from serving.access.people import Role
from serving.pages.frame import Visit
from serving.pages.history import past_of
from serving.pages.settings import team_settings
from serving.pages.team import team_of
from serving.pages.trust import PURPOSE, trust_lines
from serving.store.commits import CommitLog


def _manager(visit: Visit) -> str | None:
    """Return whose team is asked for; None is everybody's, which only an admin may ask for."""
    named = visit.request.query_params.get("manager_id")
    if visit.person.role is Role.ADMIN:
        return named or None
    return named or visit.person.rep_id


def team(visit: Visit) -> Response:
    """Show a team."""
    facts, manager = visit.facts, _manager(visit)
    commits = {row.rep_id: row for row in CommitLog(visit.desk.store).all()}
    settings, region = team_settings(visit.settings), visit.region
    is_caused = facts.coaching is not None
    made = facts.once(
        ("team", manager, settings, frozenset(commits.values()), region, is_caused),
        lambda: team_of(facts, manager, settings, commits, region),
    )
    if isinstance(made, str):
        return visit.page("missing.html.j2", title="Team", says=made)
    model = facts.models.get("quota")
    visit.keep_view("team", *(member.rep_id for member in made.members))
    return visit.page(
        "team_page.html.j2",
        team=made,
        manager_id=manager,
        teams=[(m, facts.staff.name(m)) for m in _below(visit, manager)],
        threshold=settings.talk_below,
        waits=not is_caused,
        trust=[] if model is None else trust_lines(model, region),
        purpose=PURPOSE,
        as_of=facts.data_until,
    )


def _below(visit: Visit, manager: str | None) -> list[str]:
    """Return the managers below one, whose teams can be looked at alone."""
    leading = visit.facts.staff.leading()
    if manager is None:
        return leading
    tree = visit.facts.staff.tree
    return [name for name in leading if tree.is_below(name, manager)]


def history(visit: Visit) -> Response:
    """Show past forecasts beside what became of them."""
    facts, manager = visit.facts, _manager(visit)
    staff = facts.staff
    reps = set(staff.managers) if manager is None else staff.tree.team(manager)
    past = None
    if facts.history is not None:
        rows, region = facts.history, visit.region
        past = facts.once(
            ("past", manager, region), lambda: past_of(rows, reps, dict(staff.names), region)
        )
        visit.keep_view("past forecasts", *(reps & set(rows["rep_id"])))
    title = "The company" if manager is None else f"team of {staff.name(manager)}"
    if manager is not None and manager == visit.person.rep_id:
        title = "your team"
    return visit.page(
        "history.html.j2", title=title, past=past, purpose=PURPOSE, as_of=facts.data_until
    )
