"""A client that asks one question many times, and costs as little as it can."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Answers:
    """What came back.

    Attributes:
        milliseconds: how long each answer took; under a fixed rate, from the moment the question
            was due.
        failed: answers other than 200.
        seconds: from the first question to the last answer.
    """

    milliseconds: list[float] = field(default_factory=list)
    failed: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.milliseconds) / self.seconds

    def quantile(self, share: float) -> float:
        """Return the time that a share of the answers did not exceed."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True)
class Question:
    """A POST, as bytes that are sent again and again."""

    host: str
    port: int
    raw: bytes

    @classmethod
    def post(cls, address: str, path: str, body: bytes, secret: str) -> Question:
        """Write a request once.

        Args:
            address: of the server, such as http://127.0.0.1:3000.
            path: what is asked.
            body: JSON.
            secret: of a token.
        """
        place = urlsplit(address)
        host, port = str(place.hostname), int(place.port or 80)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {secret}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return cls(host, port, head.encode() + body)


def ask_flat_out(question: Question, clients: int, seconds: float) -> Answers:
    """Ask from several connections, each as soon as it has its answer."""

    async def client(answers: Answers, ask: Callable[[], Awaitable[int]], began: float) -> None:
        while (sent := time.perf_counter()) < began + seconds:
            _note(answers, await ask(), sent)

    return asyncio.run(_from_all(question, clients, client))


def ask_at_rate(question: Question, clients: int, seconds: float, rate: float) -> Answers:
    """Ask at a fixed rate, however long answers take; a late question counts from its due time."""
    numbers = iter(range(int(rate * seconds)))

    async def client(answers: Answers, ask: Callable[[], Awaitable[int]], began: float) -> None:
        for number in numbers:
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            _note(answers, await ask(), due)

    return asyncio.run(_from_all(question, clients, client))


Client = Callable[[Answers, Callable[[], Awaitable[int]], float], Awaitable[None]]


async def _from_all(question: Question, clients: int, client: Client) -> Answers:
    opened = [await asyncio.open_connection(question.host, question.port) for _ in range(clients)]
    answers, began = Answers(), time.perf_counter()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def ask() -> int:
            writer.write(question.raw)
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode("latin-1").lower().split("\r\n")
            length = next(line for line in lines if line.startswith("content-length:"))
            await reader.readexactly(int(length.partition(":")[2]))
            return int(head.split(b" ", 2)[1])

        await client(answers, ask, began)
        writer.close()

    await asyncio.gather(*(one(*pair) for pair in opened))
    answers.seconds = time.perf_counter() - began
    return answers


def _note(answers: Answers, status: int, since: float) -> None:
    answers.milliseconds.append(1000 * (time.perf_counter() - since))
    answers.failed += status != 200
