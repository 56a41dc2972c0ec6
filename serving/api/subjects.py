"""Whom a request is about: the people and leads that its path, query and body name.

A person is named by `rep_id` or `manager_id`, a lead by `lead_id`, wherever in a body they stand.
Bodies are looked at as their model has read them, so that no second way of reading JSON could see
another name than the application does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from pydantic import BaseModel

from serving.access.access import Access
from serving.access.people import Person, Role
from serving.access.rights import Needs, RouteRight, may

PEOPLE = frozenset({"rep_id", "manager_id"})
LEAD = "lead_id"
OWN_FIELD = {Role.REP: "rep_id", Role.MANAGER: "manager_id"}
"""The field by which a role asks for its own data."""
BROUGHT_ALONG = frozenset({"activities"})
"""Rows that come with a lead: whoever worked on it before is not asked about."""
RIGHTS_TO_PEOPLE = frozenset({Needs.OWN_REP, Needs.TEAM})


@dataclass(frozen=True)
class Subjects:
    """Whom a request names.

    Attributes:
        reps: people.
        leads: leads.
    """

    reps: frozenset[str]
    leads: frozenset[str]


def subjects_of(named: Mapping[str, str], query: str, body: BaseModel | None) -> Subjects:
    """Collect whom a request names.

    Args:
        named: the parts of its path that have a name.
        query: what stands behind the question mark.
        body: as its model has read it; None without one.
    """
    pairs = [
        *named.items(),
        *parse_qsl(query),
        *_pairs(None if body is None else body.model_dump()),
    ]
    reps = frozenset(str(value) for name, value in pairs if name in PEOPLE and value is not None)
    leads = frozenset(str(value) for name, value in pairs if name == LEAD and value is not None)
    return Subjects(reps, leads)


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Walk through all names and values of a body, however deep; lists of values count each."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name in BROUGHT_ALONG:
                continue
            if isinstance(inner, Mapping | list | tuple):
                yield from _pairs(inner)
                yield from _listed(str(name), inner)
            else:
                yield str(name), inner
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _pairs(inner)


def _listed(name: str, values: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(values, list | tuple):
        yield from ((name, value) for value in values if isinstance(value, str | int))


def own_subject(person: Person, body: BaseModel) -> dict[str, str]:
    """Return what a request that names nobody means: a rep's own data, a manager's own team.

    Returns:
        The field of the body to fill and its value; nothing where there is nothing to fill.
    """
    field = OWN_FIELD.get(person.role)
    if field is None or person.rep_id is None or field not in type(body).model_fields:
        return {}
    return {field: person.rep_id} if getattr(body, field) is None else {}


def with_fields(body: bytes, fields: Mapping[str, str]) -> bytes:
    """Return a JSON object with fields of it filled."""
    return json.dumps({**json.loads(body), **fields}).encode()


def why_not(access: Access, person: Person, right: RouteRight, subjects: Subjects) -> str | None:
    """Say why a person may not do what a request asks for; None where they may.

    Args:
        access: knows who manages whom and who owns which lead.
        person: who asks.
        right: of the route.
        subjects: whom the request names.
    """
    if person.role is Role.ADMIN or right.needs is Needs.OPEN:
        return None
    if not may(person, right.needs, None, access.tree):
        return f"this is not for the role {person.role}; it needs: {right.needs}"
    needs = right.needs if right.needs in RIGHTS_TO_PEOPLE else Needs.OWN_REP
    company = access.company.current()
    for rep_id in sorted(subjects.reps):
        if not may(person, needs, rep_id, company.tree):
            return f"{rep_id!r} is neither you nor in your team; ask for your own"
    if right.about_lead:
        for lead_id in sorted(subjects.leads & company.owners.keys()):
            owner = company.owners[lead_id]
            # A lead without an owner is in the pool, which a manager hands out.
            is_pooled = owner is None and person.role is Role.MANAGER
            if not is_pooled and (owner is None or not may(person, needs, owner, company.tree)):
                return f"lead {lead_id!r} is neither yours nor your team's"
    return None
