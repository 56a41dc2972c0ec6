"""Bodies of requests: read up to a limit, checked against their model, and handed on whole."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import Message, Receive

from features.problems import say_problems
from serving.access.sessions import CSRF_FIELD
from serving.api.refused import Refused, not_json

MOST_BYTES = 16 * 2**20
MOST_FORM_BYTES = 2**20
MOST_FORM_FIELDS = 1000
SHORT_BYTES = 2_000
MOST_PROBLEMS = 5
"""Problems of one body that an answer names."""
FORM = "application/x-www-form-urlencoded"


def media_type_of(headers: Headers) -> str:
    """Return the type of a body in small letters, without its parameters; empty if unnamed."""
    return headers.get("content-type", "").split(";")[0].strip().lower()


def require_no_pickle(headers: Headers) -> None:
    """Refuse a body that would run code when it is opened.

    Raises:
        Refused: it is a pickle by its name.
    """
    media_type = media_type_of(headers)
    if "pickle" in media_type:
        raise not_json(media_type)


async def read_json(headers: Headers, receive: Receive) -> bytes:
    """Read the body of a request that should be JSON; nothing at all counts as `{}`.

    Raises:
        Refused: it is of another type, compressed, too long, or broke off.
    """
    media_type = media_type_of(headers)
    if media_type not in ("", "application/json"):
        raise not_json(media_type)
    return await _read(headers, receive, MOST_BYTES, "send fewer leads at a time") or b"{}"


async def read_form(headers: Headers, receive: Receive) -> tuple[bytes, str]:
    """Read the body of a form; returns it with the form's own token, empty where it has none.

    Raises:
        Refused: it is no form, compressed, too long, or broke off.
    """
    if media_type_of(headers) != FORM:
        raise Refused(415, f"a form is sent as {FORM}")
    body = await _read(headers, receive, MOST_FORM_BYTES, "write less")
    try:
        fields = parse_qs(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FORM_FIELDS
        )
    except ValueError:
        raise Refused(400, "the form cannot be read; open the page again") from None
    tokens = fields.get(CSRF_FIELD, [])
    return body, tokens[0] if len(tokens) == 1 else ""


async def _read(headers: Headers, receive: Receive, most: int, remedy: str) -> bytes:
    if headers.get("content-encoding", "identity") != "identity":
        raise Refused(415, "compressed bodies are not accepted; send the body as it is")
    declared = headers.get("content-length", "0")
    length = int(declared) if declared.isdecimal() else 0
    parts: list[bytes] = []
    more = length <= most
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "the connection closed before the body was complete")
        parts.append(message.get("body", b""))
        length = sum(map(len, parts))
        more = message.get("more_body", False) and length <= most
    if length > most:
        why = f"the body is larger than {most:,} bytes; {remedy}"
        raise Refused(413, why, {"Connection": "close"})
    return b"".join(parts)


async def validated(body: bytes, model: type[BaseModel]) -> BaseModel:
    """Return a body as its model has it.

    Raises:
        Refused: it does not fit; BentoML would answer with a traceback in the log.
    """
    try:
        # A short one takes less time than another thread would. One of megabytes must not hold up
        # everybody else.
        if len(body) <= SHORT_BYTES:
            return model.model_validate_json(body)
        return await run_in_threadpool(model.model_validate_json, body)
    except ValidationError as error:
        raise Refused(
            400, say_problems(error, model, whole="the body", most=MOST_PROBLEMS)
        ) from None


def replay(body: bytes, receive: Receive) -> Receive:
    """Let the application read a body that was read here before."""
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return messages.pop() if messages else await receive()

    return replayed
