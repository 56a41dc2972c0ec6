"""Answers on their way out: their headers, and the log of views before anybody sees one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

from serving.access.people import Person

KeepViews = Callable[[set[str]], None]
"""Keeps that somebody saw these reps."""


class Sender:
    """Sends an answer on, with the headers every answer has, and remembers its status.

    Args:
        send: the channel to the network.

    Attributes:
        person: who asked; None where nobody is signed in.
        status: of the answer; None before it begins.
        began: when the request came in, in seconds of the performance counter.
        headers: what every answer carries unless the application says otherwise.
        cookies: lines of Set-Cookie to add.
        keeps: keeps whom an answer shows, before it goes out; None where it shows nobody's risk.
    """

    def __init__(self, send: Send) -> None:
        """Begin to count time."""
        self.person: Person | None = None
        self.status: int | None = None
        self.began = time.perf_counter()
        self.headers: Mapping[str, str] = {}
        self.cookies: list[str] = []
        self.keeps: KeepViews | None = None
        self._send = send
        self._held: list[Message] = []

    async def __call__(self, message: Message) -> None:
        """Send one message of the answer on, or hold it until the whole answer is there."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            del headers["server"]
            for name, value in self.headers.items():
                headers.setdefault(name, value)
            for cookie in self.cookies:
                headers.append("set-cookie", cookie)
        if self.keeps is None or self.status != HTTPStatus.OK:
            await self._send(message)
            return
        self._held.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            await self._send_held(self.keeps)

    async def _send_held(self, keeps: KeepViews) -> None:
        """Keep whom the answer shows, then send it: nobody sees a risk that is not in the log."""
        body = b"".join(message.get("body", b"") for message in self._held)
        shown = await run_in_threadpool(_reps_in, body)
        try:
            await run_in_threadpool(keeps, shown)
        except BaseException:
            # Nothing was sent yet, so that the guard can still answer with what went wrong.
            self.status = None
            self._held = []
            self.keeps = None
            raise
        for message in self._held:
            await self._send(message)


def _reps_in(body: bytes) -> set[str]:
    """Return every rep that an answer names."""
    return set(_named(json.loads(body)))


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("rep_id"), str):
            yield value["rep_id"]
        for inner in value.values():
            yield from _named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner)
