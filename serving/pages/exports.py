"""Scores of leads as a file: a rep's own, those of a manager's tree. Risks of reps never."""

from __future__ import annotations

from starlette.responses import Response

from features.errors import InputError, NotReady
from serving.access.people import Role
from serving.export.formats import FORMATS, PLAIN
from serving.export.leads import lead_file
from serving.pages.frame import Visit


def leads(visit: Visit) -> Response:
    """Return the CSV of the scored leads of those whom the reader asks about, or may see.

    Raises:
        InputError: no importer has the name.
        NotReady: there are no scores of leads; says why.
    """
    facts, name = visit.facts, visit.request.query_params.get("for", PLAIN)
    if name not in FORMATS:
        raise InputError(f"'for' is {name[:40]!r}; it should be one of {', '.join(FORMATS)}")
    if isinstance(facts.leads, str):
        raise NotReady(facts.leads)
    rows, reps = facts.leads.table.reset_index(drop=True), _whose(visit)
    own = rows if reps is None else rows[rows["rep_id"].isin(reps)]
    file = lead_file(own, FORMATS[name])
    attached = {"Content-Disposition": f'attachment; filename="leads-{name}.csv"'}
    return Response(file.text, media_type="text/csv; charset=utf-8", headers=attached)


def _whose(visit: Visit) -> frozenset[str] | None:
    """Return whose leads are asked for; None for everybody's, which only an admin gets.

    The guard has refused whoever may not see those that the query names.
    """
    query, person = visit.request.query_params, visit.person
    rep, manager = query.get("rep_id"), query.get("manager_id")
    if rep is None and manager is None and person.role is not Role.ADMIN:
        rep = person.rep_id if person.role is Role.REP else None
        manager = person.rep_id if person.role is Role.MANAGER else None
    if manager is not None:
        return visit.access.tree.team(manager) | {manager}
    return None if rep is None else frozenset({rep})
