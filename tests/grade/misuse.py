"""The service and what nobody should send: Schemathesis on its document, malformed bodies."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random

import httpx
from grades import Grade
from load import Server, running_service
from malformed_bodies import Post, malformed_posts

BODIES = 10_000
CLIENTS = 4
SEED = 16
EXAMPLES = 60
PATIENCE_SECONDS = 600
"""A moment in the past takes seconds of processor time, and others may work on this machine."""
WANTED_SECONDS = 2.0
"""Longest time that the service may take to say that it is alive, meanwhile."""


def misuse() -> list[Grade]:
    """Send what the document allows and forbids, and what no document knows."""
    with running_service("small", settings="") as server:
        return [*_malformed(server), _schemathesis(server)]


def _malformed(server: Server) -> Iterator[Grade]:
    headers = {"Authorization": f"Bearer {server.secret}"}
    described = httpx.get(f"{server.address}/docs.json", timeout=30).json()
    posts = list(malformed_posts(Random(SEED), described, BODIES))  # noqa: S311 - a sample
    with (
        httpx.Client(base_url=server.address, headers=headers, timeout=PATIENCE_SECONDS) as client,
        _alive(server) as waits,
        ThreadPoolExecutor(CLIENTS) as pool,
    ):

        def send(post: Post) -> int:
            own = {"Content-Type": post.media_type} if post.media_type.isprintable() else {}
            return client.post(post.path, content=post.body, headers=own).status_code

        statuses = Counter(pool.map(send, posts))
        pickled = {"Content-Type": "application/vnd.bentoml+pickle"}
        refused = client.post("/next_calls", content=b"\x80\x04.", headers=pickled).status_code
    said = ", ".join(f"{count:,} x {status}" for status, count in sorted(statuses.items()))
    failed = sum(count for status, count in statuses.items() if status >= 500)
    yield Grade(f"service: {BODIES:,} malformed bodies", said, "no 5xx", not failed)
    longest = max(waits)
    yield Grade(
        f"service: longest wait for /livez meanwhile ({len(waits):,} asked)",
        f"{longest:.2f} s",
        f"< {WANTED_SECONDS:.0f} s",
        longest < WANTED_SECONDS,
    )
    yield Grade("service: a pickle", str(refused), "415", refused == 415)


@contextmanager
def _alive(server: Server) -> Iterator[list[float]]:
    """Ask all the while whether the service is alive; it yields the waits."""
    waits: list[float] = []
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            began = time.perf_counter()
            httpx.get(f"{server.address}/livez", timeout=60).raise_for_status()
            waits.append(time.perf_counter() - began)
            is_over.wait(0.1)

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        try:
            yield waits
        finally:
            is_over.set()
        asking.result()


def _schemathesis(server: Server) -> Grade:
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.address}/docs.json"),
        *("--header", f"Authorization: Bearer {server.secret}", "--checks", "not_a_server_error"),
        *("--max-examples", str(EXAMPLES), "--seed", str(SEED), "--no-color"),
        *("--phases", "examples,coverage,fuzzing", "--continue-on-failure"),
        # Questions about moments in the past wait for each other.
        *("--request-timeout", str(PATIENCE_SECONDS)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    summary = [line.strip() for line in done.stdout.splitlines() if "generated" in line]
    said = " ".join(summary[-1:]) or done.stdout[-300:] + done.stderr[-300:]
    return Grade(
        "service: Schemathesis on /docs.json, check `not_a_server_error`",
        json.dumps(said, ensure_ascii=False).strip('"').replace("|", "/"),
        "no 5xx",
        done.returncode == 0,
    )
