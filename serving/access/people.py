"""Who uses the product: people with a role, and the rep that each of them is in the CRM."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person does here, which decides what they may see."""

    REP = "rep"
    MANAGER = "manager"
    ANALYST = "analyst"
    ADMIN = "admin"


@dataclass(frozen=True)
class Person:
    """Somebody who was let in.

    Attributes:
        id: of the token that they signed in with; names them in logs.
        name: the person or program that the token was created for.
        role: what they do here.
        rep_id: the rep or manager that they are in the CRM; None for the other roles.
    """

    id: str
    name: str
    role: Role
    rep_id: str | None = None
