"""`/me/views`: who looked at your own risk, and what you say to it."""

from __future__ import annotations

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from features.errors import InputError, NotFoundError
from serving.access.access import Access
from serving.api.fields import Contract, Moment, field

PATH = "/me/views"
NOTES_PATH = "/me/views/notes"
MOST_VIEWS = 100
LONGEST_NOTE = 2000


class ViewNoteRequest(Contract):
    """Writes beside a view of your own risk. Notes are added and never changed."""

    view_id: int = field(
        "The view, as `GET /me/views` numbers it.", 12, ge=1, lt=2**31, strict=True
    )
    text: str = field(
        "What you say to it.",
        "We had talked about the open deals before.",
        min_length=1,
        max_length=LONGEST_NOTE,
    )


class ViewNoteKept(Contract):
    """Says that a note was kept."""

    view_id: int = field("The view it stands beside.", 12)


class ViewNote(Contract):
    """What the person who was looked at wrote beside a view."""

    at: Moment = field("When it was written.", "2025-03-31T15:00:00Z")
    by: str = field("Who wrote it.", "Ada Abel")
    text: str = field("In their words.", "We had talked about the open deals before.")


class View(Contract):
    """Somebody's look at your risk."""

    id: int = field("Names the view.", 12)
    at: Moment = field("When they looked.", "2025-03-31T14:05:00Z")
    viewer: str = field("Who looked.", "Ben Berg")
    role: str = field("What they were then.", "manager")
    what: str = field("What they saw.", "rep outlook")
    notes: list[ViewNote] = field("What you wrote beside it, the oldest first.", [])


class Views(Contract):
    """Who looked at your risk, the newest first."""

    views: list[View] = Field(description=f"At most {MOST_VIEWS} views.")
    before: int | None = field(
        "Send it as `?before=` for the views before these; null where there are none.", None
    )


def view_routes() -> list[Route]:
    """Return the routes; who asks, and the access to the home, are in the request's state."""
    return [
        Route(PATH, _list, methods=["GET"]),
        Route(NOTES_PATH, _annotate, methods=["POST"]),
    ]


def _list(request: Request) -> Response:
    access: Access = request.state.access
    before = request.query_params.get("before")
    if before is not None and not before.isdecimal():
        why = f"'before' is {before!r}; it should be the number of a view"
        return JSONResponse({"error": why}, 400)
    found = access.views_of(request.state.person, MOST_VIEWS, int(before) if before else None)
    views = [View.model_validate(_of(view.to_json())) for view in found]
    last = views[-1].id if len(views) == MOST_VIEWS else None
    return JSONResponse(Views(views=views, before=last).model_dump(mode="json"))


def _of(view: dict[str, object]) -> dict[str, object]:
    return {name: view[name] for name in View.model_fields}


async def _annotate(request: Request) -> Response:
    note = ViewNoteRequest.model_validate_json(await request.body())
    access: Access = request.state.access
    try:
        await run_in_threadpool(access.annotate, request.state.person, note.view_id, note.text)
    except NotFoundError as error:
        return JSONResponse({"error": str(error)}, 404)
    except InputError as error:
        return JSONResponse({"error": str(error)}, 503)
    return JSONResponse(ViewNoteKept(view_id=note.view_id).model_dump())
