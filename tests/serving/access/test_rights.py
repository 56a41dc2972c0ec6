"""Laws of rights: the table of routes, every role, their own data and everybody else's."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from serving.access.people import Person, Role
from serving.access.rights import ROUTES, ManagerTree, Needs, RouteRight, match_route, may

TREE = ManagerTree({"r1": "m1", "r2": "m1", "r3": "m2", "m1": "top", "m2": "top", "r9": None})
REP = Person("a", "Ann", Role.REP, "r1")
MANAGER = Person("b", "Ben", Role.MANAGER, "m1")
TOP = Person("t", "Tom", Role.MANAGER, "top")
ANALYST = Person("c", "Cy", Role.ANALYST)
ADMIN = Person("d", "Di", Role.ADMIN)
EVERYBODY = (None, REP, MANAGER, TOP, ANALYST, ADMIN)
REPS = (None, "r1", "r2", "r3", "r9", "m1", "m2", "top", "unknown")

ALLOWED: dict[Needs, dict[Person | None, set[str | None]]] = {
    Needs.OWN_REP: {
        REP: {None, "r1"},
        MANAGER: {None, "m1", "r1", "r2"},
        TOP: {None, "top", "m1", "m2", "r1", "r2", "r3"},
        ADMIN: set(REPS),
    },
    Needs.TEAM: {
        MANAGER: {None, "m1", "r1", "r2"},
        TOP: {None, "top", "m1", "m2", "r1", "r2", "r3"},
        ADMIN: set(REPS),
    },
    Needs.OPEN: {person: set(REPS) for person in EVERYBODY},
    Needs.ANYONE: {person: set(REPS) for person in EVERYBODY if person},
    Needs.ANALYST: {person: set(REPS) for person in (ANALYST, ADMIN)},
    Needs.ADMIN: {ADMIN: set(REPS)},
}
"""Whom each person may ask about; all else is refused."""


@pytest.mark.parametrize("needs", Needs)
@pytest.mark.parametrize("person", EVERYBODY)
def test_everybody_may_do_what_the_table_says_and_nothing_else(
    person: Person | None, needs: Needs
) -> None:
    """Each role, for each need, about each person: allowed exactly where it is written down."""
    allowed = {rep for rep in REPS if may(person, needs, rep, TREE)}
    assert allowed == ALLOWED[needs].get(person, set())


@pytest.mark.parametrize("role", [Role.REP, Role.MANAGER])
def test_who_is_nobody_in_the_crm_sees_nobody(role: Role) -> None:
    """A rep's or manager's token without a rep shows no rep's data, not even `nobody's`."""
    person = Person("x", "Xu", role)
    for needs in (Needs.OWN_REP, Needs.TEAM):
        assert not any(may(person, needs, rep, TREE) for rep in REPS)


def test_a_rep_who_manages_others_sees_only_themselves() -> None:
    """The role of the token counts, not what the tree says: rights are never gained by data."""
    leader = Person("m", "Mo", Role.REP, "m1")
    assert {r for r in REPS if may(leader, Needs.OWN_REP, r, TREE)} == {None, "m1"}
    assert not any(may(leader, Needs.TEAM, r, TREE) for r in REPS)


@pytest.mark.parametrize("seed", range(20))
def test_a_team_is_everybody_below(seed: int) -> None:
    """`team` and `is_below` say the same of random trees, circles included."""
    chance = Random(seed)  # noqa: S311 - no secret
    people = [f"p{number}" for number in range(12)]
    tree = ManagerTree({p: chance.choice([None, *people]) for p in people})
    for manager in people:
        below = {p for p in people if p != manager and tree.is_below(p, manager)}
        assert tree.team(manager) == below


def test_circles_and_long_lines_end() -> None:
    """Two who manage each other, somebody who manages themselves, and a thousand levels."""
    assert ManagerTree({"a": "b", "b": "a"}).team("a") == {"b"}
    assert ManagerTree({"a": "a"}).team("a") == frozenset()
    assert not ManagerTree({"a": "a", "b": "b"}).is_below("a", "b")
    line = [f"p{number}" for number in range(1001)]
    tree = ManagerTree(dict(pairwise(line)))
    assert tree.is_below("p0", "p1000")
    assert len(tree.team("p1000")) == 1000


def test_every_route_is_found_by_its_path_and_method() -> None:
    """Each row of the table is the one that the guard finds for it, and GET answers HEAD too."""
    assert len({(right.path, right.method) for right in ROUTES}) == len(ROUTES)
    for right in ROUTES:
        match = match_route(right.path.replace("{", "").replace("}", ""))
        assert match is not None
        assert match.of(right.method) is right
        assert (match.of("HEAD") is right) == (right.method == "GET")
        assert match.of("TRACE") is None


@pytest.mark.parametrize(
    "path", ["", "/", "/nothing", "/LIVEZ", "/livez/", "//livez", "/livez/x", "/livez\n"]
)
def test_other_paths_are_in_no_table(path: str) -> None:
    """A path is known as it is written; near misses are not."""
    routes = tuple(right for right in ROUTES if right.path != "/")
    assert match_route(path, routes) is None


def test_a_pattern_names_its_parts_and_gives_way_to_a_plain_path() -> None:
    """`{rep_id}` is read from the path; a path without patterns wins whatever the order."""
    routes = (
        RouteRight("/reps/{rep_id}", "GET", Needs.OWN_REP),
        RouteRight("/reps/all", "GET", Needs.TEAM),
        RouteRight("/reps/all", "POST", Needs.ADMIN),
    )
    one, everybody = match_route("/reps/r1", routes), match_route("/reps/all", routes)
    assert one is not None
    assert everybody is not None
    assert (one.named, one.methods) == ({"rep_id": "r1"}, ["GET", "HEAD"])
    assert (everybody.named, everybody.methods) == ({}, ["GET", "HEAD", "POST"])
    assert everybody.of("POST") is routes[2]
