"""Answers that are made once a scoring run and kept as bytes, beside BentoML's way to them.

A question that was asked before gets the same bytes, as long as nothing has changed that they rest
on. Any other one is answered by the same function that BentoML calls, from the same contract; what
that function refuses goes on to BentoML, which says so in its own way. The guard stands before
both.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from features.errors import NotReady, PacesetterError
from serving.home.cache import ScoreCache
from serving.home.scored import HomeScores

MOST_KEPT_BYTES = 64 * 2**20
LONGEST_QUESTION = 2_000
"""Bytes of a body that is worth keeping an answer for."""
Key = tuple[str, str, bytes]


@dataclass(frozen=True)
class Prepared:
    """A path whose answers may be kept.

    Attributes:
        request: the contract of the body.
        make: makes the answer, as BentoML's endpoint does.
    """

    request: type[BaseModel]
    make: Callable[[ScoreCache, Any], BaseModel]


class KeptBytes:
    """Answers as bytes, those asked for last, for as long as one scoring run stands.

    Args:
        most_bytes: of all answers together.
    """

    def __init__(self, most_bytes: int = MOST_KEPT_BYTES) -> None:
        """Keep nothing yet."""
        self._most_bytes = most_bytes
        self._run: HomeScores | None = None
        self._answers: OrderedDict[Key, bytes] = OrderedDict()
        self._size = 0

    def get(self, run: HomeScores, key: Key) -> bytes | None:
        """Return the answer to a question, if it was made of these scores."""
        if run is not self._run:
            self._run, self._size = run, 0
            self._answers.clear()
            return None
        answer = self._answers.get(key)
        if answer is not None:
            self._answers.move_to_end(key)
        return answer

    def put(self, run: HomeScores, key: Key, answer: bytes) -> None:
        """Keep an answer; those not asked for the longest give way."""
        if run is not self._run or len(answer) > self._most_bytes:
            return
        self._size += len(answer) - len(self._answers.pop(key, b""))
        self._answers[key] = answer
        while self._size > self._most_bytes:
            _, oldest = self._answers.popitem(last=False)
            self._size -= len(oldest)


class PreparedAnswers:
    """Stands between the guard and BentoML's application, and answers what it can.

    Args:
        app: BentoML's application.
        scores: the scores that answers are made of.
        paths: whose answers may be kept.
    """

    def __init__(self, app: ASGIApp, scores: ScoreCache, paths: Mapping[str, Prepared]) -> None:
        """Stand in front of an application."""
        self.app = app
        self._scores = scores
        self._paths = paths
        self._kept = KeptBytes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        prepared = self._paths.get(scope.get("path", ""))
        if prepared is None or scope.get("method") != "POST":
            await self.app(scope, receive, send)
            return
        first = await receive()
        answer = None
        if first["type"] == "http.request" and not first.get("more_body"):
            answer = await self._answer(scope, prepared, first.get("body", b""))
        if answer is None:
            await self.app(scope, _again(first, receive), send)
            return
        length = str(len(answer)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _answer(self, scope: Scope, prepared: Prepared, body: bytes) -> bytes | None:
        """Return an answer; None leaves it to BentoML."""
        try:
            run = self._scores.current(patience=0)
        except NotReady:
            return None
        # An answer may depend on who asks.
        person = getattr(scope.get("state", {}).get("person"), "id", "")
        key = (scope["path"], person, body)
        kept = self._kept.get(run, key)
        if kept is not None:
            return kept
        made = await run_in_threadpool(self._make, prepared, body)
        # Other scores may have come meanwhile, and the answer may be made of either.
        is_theirs = self._scores.is_current(run)
        if made is not None and is_theirs and len(body) <= LONGEST_QUESTION:
            self._kept.put(run, key, made)
        return made

    def _make(self, prepared: Prepared, body: bytes) -> bytes | None:
        try:
            request = prepared.request.model_validate_json(body)
            return prepared.make(self._scores, request).model_dump_json().encode()
        except (ValidationError, PacesetterError):
            return None


def _again(first: Message, receive: Receive) -> Receive:
    """Let the application read again what was read here before."""
    messages = [first]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again
