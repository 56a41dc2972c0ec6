"""Three sign-ins for the demo: a rep with leads, that rep's manager, and an admin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from serving.access.people import Role
from serving.access.tokens import Grant, create
from serving.cli.session import Session
from serving.home.home import Home
from serving.pages.staff import Staff
from training.coaching.goals.record import read_record


@dataclass(frozen=True)
class SignIn:
    """One way into the pages.

    Attributes:
        name: the person's.
        role: what they may see.
        secret: the token.
        path: the page that they begin with.
        sees: what that page tells.
    """

    name: str
    role: Role
    secret: str
    path: str
    sees: str


def sign_ins(session: Session, rep_id: str | None) -> list[SignIn]:
    """Create the tokens of the demo.

    Args:
        session: what the verb works with.
        rep_id: a rep with leads; None leaves out the rep and the manager.
    """
    return [
        SignIn(name, grant.role, create(session.store, name, grant)[1], path, sees)
        for name, grant, path, sees in _people(session, rep_id)
    ]


def _people(session: Session, rep_id: str | None) -> Iterator[tuple[str, Grant, str, str]]:
    warehouse = Home(session.home, session.settings).warehouse()
    staff = Staff.of(read_record(warehouse, warehouse.data_until).people)
    manager = None if rep_id is None else staff.managers.get(rep_id)
    if rep_id is not None:
        yield staff.name(rep_id), Grant(Role.REP, rep_id), "/today", "whom to call next"
    if manager is not None:
        yield staff.name(manager), Grant(Role.MANAGER, manager), "/team", "who needs a talk"
    yield "demo", Grant(Role.ADMIN), "/model", "how good the models are, people, settings"


def say_sign_ins(session: Session, people: list[SignIn], address: str) -> None:
    """Print where to go and what to sign in with."""
    say = session.console.say
    say(f"open {address}/sign-in and paste a token:", style="bold")
    for person in people:
        say(f"  {person.name}, {person.role.value}: {address}{person.path} ({person.sees})")
        say(f"    {person.secret}")
    say("  the first pages take about a minute to be worked out; they load by themselves")
