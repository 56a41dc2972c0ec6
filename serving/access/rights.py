"""Who may ask for what: one table of all routes, and one rule that reads it.

Everything here is pure. The guard asks it for every request, pages ask it for what they show, and
the tests walk through the table with every role.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, cached_property
from re import Pattern

from starlette.routing import compile_path

from serving.access.people import Person, Role


class Needs(StrEnum):
    """What a route asks of whoever calls it."""

    OPEN = "open"
    """Nothing."""
    ANYONE = "anyone"
    """To be signed in."""
    OWN_REP = "own rep"
    """To be the rep that is asked about, a manager above them, or an admin."""
    TEAM = "team"
    """To be the manager that is asked about, a manager above them, or an admin."""
    ANALYST = "analyst"
    """To be an analyst or an admin: models and figures without names of people."""
    ADMIN = "admin"
    """To be an admin."""


@dataclass(frozen=True)
class ManagerTree:
    """Who manages whom, as visible at the end of the data.

    Attributes:
        managers: each rep's manager; None or absent for those who have none.
    """

    managers: Mapping[str, str | None] = field(default_factory=dict)

    def is_below(self, rep_id: str, manager_id: str) -> bool:
        """Tell whether a manager is above a rep, over any number of levels.

        A circle, which data may hold by mistake, ends where it began.
        """
        seen: set[str] = set()
        above = self.managers.get(rep_id)
        while above is not None and above not in seen:
            if above == manager_id:
                return True
            seen.add(above)
            above = self.managers.get(above)
        return False

    def team(self, manager_id: str) -> frozenset[str]:
        """Return everybody below a manager, over any number of levels."""
        team: set[str] = set()
        reached = [manager_id]
        while reached:
            reports = self._reports.get(reached.pop(), frozenset()) - team
            team |= reports
            reached += reports
        return frozenset(team - {manager_id})

    @cached_property
    def _reports(self) -> Mapping[str, frozenset[str]]:
        reports: dict[str, set[str]] = defaultdict(set)
        for rep_id, manager_id in self.managers.items():
            if manager_id is not None:
                reports[manager_id].add(rep_id)
        return {manager_id: frozenset(reps) for manager_id, reps in reports.items()}


def may(person: Person | None, needs: Needs, rep_id: str | None, tree: ManagerTree) -> bool:
    """Tell whether a person may do what a route does.

    | role    | open | anyone | own rep          | team             | analyst | admin |
    |---------|------|--------|------------------|------------------|---------|-------|
    | nobody  | yes  | no     | no               | no               | no      | no    |
    | rep     | yes  | yes    | themselves       | no               | no      | no    |
    | manager | yes  | yes    | and those below  | and those below  | no      | no    |
    | analyst | yes  | yes    | no               | no               | yes     | no    |
    | admin   | yes  | yes    | everybody        | everybody        | yes     | yes   |

    Args:
        person: who asks; None for somebody who has not signed in.
        needs: what the route asks for.
        rep_id: the rep or manager that is asked about. None where the request names nobody: it then
            means a rep's own data, and a manager's own team.
        tree: who manages whom.
    """
    if needs is Needs.OPEN:
        return True
    if person is None:
        return False
    if needs is Needs.ANYONE or person.role is Role.ADMIN:
        return True
    if needs in {Needs.ANALYST, Needs.ADMIN}:
        return needs is Needs.ANALYST and person.role is Role.ANALYST
    return _may_see(person, needs, rep_id, tree)


def _may_see(person: Person, needs: Needs, rep_id: str | None, tree: ManagerTree) -> bool:
    """Tell whether a rep or a manager may see somebody's data; an analyst may see nobody's."""
    roles = {Role.MANAGER} if needs is Needs.TEAM else {Role.REP, Role.MANAGER}
    if person.role not in roles or person.rep_id is None:
        return False
    if rep_id is None or rep_id == person.rep_id:
        return True
    return person.role is Role.MANAGER and tree.is_below(rep_id, person.rep_id)


@dataclass(frozen=True)
class RouteRight:
    """What one route asks of its callers.

    Attributes:
        path: as Starlette writes it, such as `/reps/{rep_id}`.
        method: GET (HEAD with it), POST, ...
        needs: what the caller has to be.
        is_page: it answers a browser: without a session it leads to the sign-in page.
        about_lead: its `lead_id` names a lead of the warehouse, whose owner's data it shows.
        shows: the risk of a person that it shows, as the log of views calls it; None for none.
    """

    path: str
    method: str
    needs: Needs
    is_page: bool = False
    about_lead: bool = False
    shows: str | None = None


# Which person a request names is read from `rep_id`, `manager_id` and (with `about_lead`) `lead_id`
# in its path, its query or its body.

SYSTEM_ROUTES = (
    RouteRight("/livez", "GET", Needs.OPEN),
    RouteRight("/readyz", "GET", Needs.OPEN),
    RouteRight("/healthz", "GET", Needs.OPEN),
    RouteRight("/docs.json", "GET", Needs.OPEN),
    RouteRight("/metrics", "GET", Needs.ANALYST),
    RouteRight("/health", "POST", Needs.ANYONE),
)
"""The service itself."""

LEAD_ROUTES = (
    RouteRight("/next_calls", "POST", Needs.OWN_REP),
    RouteRight("/score_leads", "POST", Needs.ANYONE),
    RouteRight("/explain_lead", "POST", Needs.OWN_REP, about_lead=True),
    RouteRight("/worklist", "POST", Needs.OWN_REP),
    RouteRight("/worklist/actions", "POST", Needs.OWN_REP, about_lead=True),
    RouteRight("/absences", "POST", Needs.OWN_REP),
    RouteRight("/feedback", "POST", Needs.ANALYST),
    RouteRight("/events", "POST", Needs.ADMIN),
)
"""Leads and the work list."""

REP_ROUTES = (
    RouteRight("/at_risk_reps", "POST", Needs.TEAM, shows="at-risk list"),
    RouteRight("/rep_outlook", "POST", Needs.OWN_REP, shows="rep outlook"),
    RouteRight("/coach_sheet", "POST", Needs.OWN_REP, shows="1:1 sheet"),
    RouteRight("/what_if", "POST", Needs.OWN_REP, shows="what-if"),
    RouteRight("/explain_rep", "POST", Needs.OWN_REP, shows="rep explanation"),
    RouteRight("/annotations", "POST", Needs.OWN_REP),
    RouteRight("/forecasts", "POST", Needs.OWN_REP),
    RouteRight("/forecast_history", "POST", Needs.OWN_REP, shows="forecast history"),
    RouteRight("/kpis", "POST", Needs.ANYONE),
    RouteRight("/model_info", "POST", Needs.ANALYST),
)
"""Reps, their risk and their coaching."""

ACCOUNT_ROUTES = (
    RouteRight("/me/views", "GET", Needs.ANYONE),
    RouteRight("/me/views/notes", "POST", Needs.ANYONE),
)
"""What a signed-in person asks about themselves."""

PAGE_ROUTES = (
    RouteRight("/sign-in", "GET", Needs.OPEN, is_page=True),
    RouteRight("/sign-in", "POST", Needs.OPEN, is_page=True),
    RouteRight("/sign-out", "POST", Needs.ANYONE, is_page=True),
    RouteRight("/pages.css", "GET", Needs.OPEN),
    RouteRight("/pages.js", "GET", Needs.OPEN),
    RouteRight("/", "GET", Needs.ANYONE, is_page=True),
    RouteRight("/today", "GET", Needs.OWN_REP, is_page=True),
    RouteRight("/today", "POST", Needs.OWN_REP, is_page=True),
    RouteRight("/leads.csv", "GET", Needs.OWN_REP, is_page=True),
    RouteRight("/quarter", "GET", Needs.OWN_REP, is_page=True),
    RouteRight("/quarter/note", "POST", Needs.OWN_REP, is_page=True),
    RouteRight("/quarter/view", "POST", Needs.OWN_REP, is_page=True),
    RouteRight("/quarter/commit", "POST", Needs.OWN_REP, is_page=True),
    RouteRight("/sheet", "GET", Needs.OWN_REP, is_page=True),
    RouteRight("/team", "GET", Needs.TEAM, is_page=True),
    RouteRight("/team/history", "GET", Needs.TEAM, is_page=True),
    RouteRight("/model", "GET", Needs.ANALYST, is_page=True),
    RouteRight("/model/{kind}/{name}", "GET", Needs.ANALYST, is_page=True),
    RouteRight("/people", "GET", Needs.ADMIN, is_page=True),
    RouteRight("/people", "POST", Needs.ADMIN, is_page=True),
    RouteRight("/people/revoke", "POST", Needs.ADMIN, is_page=True),
    RouteRight("/settings", "GET", Needs.ADMIN, is_page=True),
    RouteRight("/settings", "POST", Needs.ADMIN, is_page=True),
)
"""Pages for browsers."""

ROUTES: tuple[RouteRight, ...] = (
    *SYSTEM_ROUTES,
    *LEAD_ROUTES,
    *REP_ROUTES,
    *ACCOUNT_ROUTES,
    *PAGE_ROUTES,
)
"""Every route there is. A request for a path that is not here is refused."""


@dataclass(frozen=True)
class RouteMatch:
    """What the table knows of one request's path.

    Attributes:
        rights: those of the path, by method.
        named: the parts of the path that its pattern names, such as `rep_id`.
    """

    rights: Mapping[str, RouteRight]
    named: Mapping[str, str]

    def of(self, method: str) -> RouteRight | None:
        """Return the right of a method; None where the path does not take it."""
        return self.rights.get("GET" if method == "HEAD" else method)

    @property
    def methods(self) -> list[str]:
        """The methods that the path takes, in alphabetical order."""
        return sorted({*self.rights, *({"HEAD"} if "GET" in self.rights else ())})


def match_route(path: str, routes: tuple[RouteRight, ...] = ROUTES) -> RouteMatch | None:
    """Find a path in the table; None where it is not there. Plain paths come before patterns."""
    plain, patterns = _index(routes)
    rights = plain.get(path)
    if rights is not None:
        return RouteMatch(rights, {})
    for pattern, rights in patterns:
        # `match` would let a line end stand after the path.
        match = pattern.fullmatch(path)
        if match is not None:
            return RouteMatch(rights, match.groupdict())
    return None


_Rights = Mapping[str, RouteRight]


@cache
def _index(
    routes: tuple[RouteRight, ...],
) -> tuple[Mapping[str, _Rights], Sequence[tuple[Pattern[str], _Rights]]]:
    """Return the rights of plain paths by path, and those of patterns with their expressions."""
    by_path: dict[str, dict[str, RouteRight]] = defaultdict(dict)
    for right in routes:
        by_path[right.path][right.method] = right
    plain = {path: rights for path, rights in by_path.items() if "{" not in path}
    patterns = [(compile_path(p)[0], rights) for p, rights in by_path.items() if p not in plain]
    return plain, patterns
