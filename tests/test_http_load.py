"""The client of the load grade measures what a server of known speed does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from http_load import Answers, Question, ask_at_rate, ask_flat_out

BODY = b'{"a": 1}'


@contextmanager
def server(seconds: float, status: int = 200) -> Iterator[str]:
    """Run a server that takes a known time for each answer; yields its address."""
    loop = asyncio.new_event_loop()
    ports: list[int] = []
    is_ready = threading.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                assert b"Authorization: Bearer secret" in head
                assert await reader.readexactly(len(BODY)) == BODY
                await asyncio.sleep(seconds)
                writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: 2\r\n\r\nok".encode())
        except asyncio.IncompleteReadError:
            writer.close()

    async def run() -> None:
        listening = await asyncio.start_server(answer, "127.0.0.1", 0)
        ports.append(listening.sockets[0].getsockname()[1])
        stop.append(asyncio.Event())
        is_ready.set()
        await stop[0].wait()
        listening.close()
        await asyncio.sleep(0.05)

    stop: list[asyncio.Event] = []
    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    is_ready.wait(10)
    try:
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        loop.call_soon_threadsafe(stop[0].set)
        thread.join(10)
        loop.close()


def test_as_many_as_there_are_clients_are_asked_at_a_time() -> None:
    """A server that takes 50 ms answers 4 clients at most 80 times a second, and never sooner."""
    with server(0.05) as address:
        answers = ask_flat_out(Question.post(address, "/x", BODY, "secret"), 4, 0.4)
    assert min(answers.milliseconds) >= 50
    assert 4 <= len(answers.milliseconds) <= 4 * 9
    assert answers.rate <= 4 / 0.05
    assert not answers.failed


def test_a_late_answer_counts_from_when_it_was_due() -> None:
    """Asked twice as often as it can answer, a server falls behind, and that shows."""
    with server(0.05) as address:
        answers = ask_at_rate(Question.post(address, "/x", BODY, "secret"), 1, 0.5, 40.0)
    assert len(answers.milliseconds) == 20
    assert answers.milliseconds[-1] > 300, "20 answers take a second, and were due in a half"


def test_failures_are_counted() -> None:
    """Every answer other than 200."""
    with server(0.0, status=503) as address:
        answers = ask_at_rate(Question.post(address, "/x", BODY, "secret"), 2, 0.1, 50.0)
    assert answers.failed == len(answers.milliseconds) == 5


@pytest.mark.parametrize(("share", "value"), [(0.0, 1.0), (0.5, 51.0), (0.99, 100.0), (1.0, 100.0)])
def test_a_quantile_is_an_answer_that_was(share: float, value: float) -> None:
    """Of 1 to 100 ms."""
    assert Answers([float(n) for n in range(100, 0, -1)]).quantile(share) == value
