"""The routes of the pages; `serving.access.rights` says what each asks of its caller."""

from __future__ import annotations

from starlette.routing import Route

from serving.pages import entrance
from serving.pages.desk import Desk
from serving.pages.frame import handled

GET, POST = ("GET",), ("POST",)
HANDLERS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("/", GET, "entrance.start"),
    ("/sign-out", POST, "entrance.sign_out"),
    ("/today", GET, "rep_pages.today"),
    ("/today", POST, "rep_pages.act"),
    ("/leads.csv", GET, "exports.leads"),
    ("/quarter", GET, "rep_pages.quarter"),
    ("/quarter/note", POST, "rep_pages.note"),
    ("/quarter/view", POST, "rep_pages.annotate"),
    ("/quarter/commit", POST, "rep_pages.commit"),
    ("/sheet", GET, "rep_pages.sheet"),
    ("/team", GET, "team_pages.team"),
    ("/team/history", GET, "team_pages.history"),
    ("/model", GET, "admin_pages.models"),
    ("/model/{kind}/{name}", GET, "admin_pages.report"),
    ("/people", GET, "admin_pages.people"),
    ("/people", POST, "admin_pages.add_person"),
    ("/people/revoke", POST, "admin_pages.remove_person"),
    ("/settings", GET, "admin_pages.settings"),
    ("/settings", POST, "admin_pages.change_setting"),
)
"""Paths, methods, and the module and name of what answers."""


def page_routes(desk: Desk) -> list[Route]:
    """Return the routes of the pages of one home."""
    return [
        Route("/pages.css", entrance.style),
        Route("/pages.js", entrance.script),
        Route("/sign-in", entrance.sign_in_form, methods=["GET"]),
        Route("/sign-in", entrance.sign_in, methods=["POST"]),
        *(
            Route(path, handled(desk, handler), methods=list(methods))
            for path, methods, handler in HANDLERS
        ),
    ]
