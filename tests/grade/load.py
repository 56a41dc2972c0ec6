"""The service under load, beside bare Starlette and uvicorn that serve the same answers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from grades import Grade
from http_load import Answers, Question, ask_at_rate, ask_flat_out
from load_company import SETTINGS, write_load_company

CLIENTS = 8
ROUNDS = 3
ROUND_SECONDS = 4.0
RATE = 200.0
RATE_SECONDS = 15.0
INLINE_LEADS = 20
INLINE_TIMES = 5
WANTED_RATIO = 0.7
WANTED_MS = 50.0
WANTED_GROWTH = 0.05
SOAK_MINUTES = 10
SOAK_RATE = 50.0
PATIENCE_SECONDS = 300
BARE = """
import json, sys
from pathlib import Path
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

raw = Path(sys.argv[2]).read_bytes()
rows = json.loads(raw)

async def as_rows(request):
    await request.json()
    return JSONResponse(rows)

async def as_bytes(request):
    await request.json()
    return Response(raw, media_type="application/json")

app = Starlette(routes=[Route("/rows", as_rows, methods=["POST"]),
                        Route("/bytes", as_bytes, methods=["POST"])])
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
"""
"""The same rows without anything of ours: written as JSON anew each time, or as bytes."""


@dataclass(frozen=True)
class Server:
    """A running service of the company of the load."""

    address: str
    secret: str
    pid: int
    home: Path

    def question(self, path: str, body: dict[str, Any]) -> Question:
        """Return a POST with the token."""
        return Question.post(self.address, path, json.dumps(body).encode(), self.secret)


def service() -> list[Grade]:
    """Press the service and bare Starlette in turns, and time what is scored on demand."""
    with running_service() as server, tempfile.TemporaryDirectory() as folder:
        grades: list[Grade] = []
        for rep, what in (("rep-3", "200 open leads"), ("rep-40", "5,000 open leads")):
            body = {"rep_id": rep}
            answer = _post(server, "/next_calls", body)
            (Path(folder) / "answer.json").write_bytes(answer)
            with _bare(Path(folder) / "answer.json") as bare:
                grades += _beside(server, bare, body, what, len(answer))
        paced = ask_at_rate(
            server.question("/next_calls", {"rep_id": "rep-3"}), CLIENTS, RATE_SECONDS, RATE
        )
        late = paced.quantile(0.99)
        return [
            *grades,
            Grade(
                f"service: {RATE:.0f} requests a second for {RATE_SECONDS:.0f} s, p99 ({busy()})",
                f"{late:.1f} ms (median {paced.quantile(0.5):.1f} ms)",
                f"< {WANTED_MS:.0f} ms",
                late < WANTED_MS and not paced.failed,
            ),
            _inline(server),
        ]


def soak() -> list[Grade]:
    """Watch the memory of a service that is asked all kinds of things for ten minutes."""
    with running_service() as server:
        question = server.question("/next_calls", {"rep_id": "rep-3"})
        inline = server.question("/score_leads", {"leads": _given(2)})
        memory = []
        for minute in range(SOAK_MINUTES):
            until = time.monotonic() + 60
            while time.monotonic() < until:
                ask_at_rate(question, CLIENTS, 5, SOAK_RATE)
                ask_at_rate(inline, 1, 1, 1)
                # Other questions each time, so that kept answers come and go.
                for limit in range(1, 30):
                    _post(server, "/next_calls", {"rep_id": f"rep-{minute}", "limit": limit})
            memory.append(_memory_mb(server.pid))
    growth = memory[-1] / memory[1] - 1
    return [
        Grade(
            f"service: memory after minute {SOAK_MINUTES} beside minute 2",
            f"{memory[1]:.0f} to {memory[-1]:.0f} MB, {growth:+.1%}",
            f"< {WANTED_GROWTH:+.0%}",
            growth < WANTED_GROWTH,
        )
    ]


def _beside(
    server: Server, bare: str, body: dict[str, Any], what: str, size: int
) -> Iterator[Grade]:
    """Press ours and the bare server in turns, so that what else the machine does hits all."""
    sides = {
        "ours": server.question("/next_calls", body),
        "rows": Question.post(bare, "/rows", json.dumps(body).encode(), "none"),
        "bytes": Question.post(bare, "/bytes", json.dumps(body).encode(), "none"),
    }
    pressed: dict[str, list[Answers]] = {name: [] for name in sides}
    for question in sides.values():
        ask_flat_out(question, CLIENTS, 0.5)
    for _ in range(ROUNDS):
        for name, question in sides.items():
            pressed[name].append(ask_flat_out(question, CLIENTS, ROUND_SECONDS))
    rate = {
        name: sum(len(a.milliseconds) for a in rounds) / sum(a.seconds for a in rounds)
        for name, rounds in pressed.items()
    }
    failed = sum(answers.failed for answers in pressed["ours"])
    ratio = rate["ours"] / rate["rows"]
    yield Grade(
        f"service: 20 next calls of a rep with {what}, beside the same rows from bare Starlette "
        f"({CLIENTS} connections, {size / 1024:.0f} kB, {busy()})",
        f"{rate['ours']:.0f} against {rate['rows']:.0f} a second: {ratio:.2f}",
        f">= {WANTED_RATIO}, none fails",
        ratio >= WANTED_RATIO and not failed,
    )
    yield Grade(
        f"service: the same beside a bare server of ready bytes ({what})",
        f"{rate['ours']:.0f} against {rate['bytes']:.0f} a second: "
        f"{rate['ours'] / rate['bytes']:.2f}",
        "beside it",
        None,
    )


def _inline(server: Server) -> Grade:
    """Time leads that are scored as they are sent; nothing of that can be made beforehand."""
    question = server.question("/score_leads", {"leads": _given(INLINE_LEADS)})
    ask_flat_out(question, 1, 0.1)
    answers = ask_at_rate(question, 1, INLINE_TIMES, 1)
    return Grade(
        f"service: {INLINE_LEADS} leads scored inline, one request at a time ({busy()})",
        f"median {answers.quantile(0.5) / 1000:.2f} s of {len(answers.milliseconds)}",
        "beside it: features of all 13,200 open leads are built, since leads are compared",
        None,
    )


def _given(count: int) -> list[dict[str, Any]]:
    return [
        {"lead_id": f"new-{number}", "created_at": "2025-07-10T08:00:00", "rep_id": "rep-3"}
        for number in range(count)
    ]


@contextmanager
def running_service(preset: str | None = None, settings: str = SETTINGS) -> Iterator[Server]:
    """Run the service of the company of the load, or of a sample company of a preset."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "params.yaml").write_text(settings, encoding="utf-8")
        if preset is None:
            write_load_company(home / "company")
        else:
            _run(home, "simulate", "--preset", preset, "--out", str(home / "company"))
        _run(home, "ingest", str(home / "company"))
        _run(home, "train", *(["leads"] if preset is None else []))
        secret = new_token(home, "grade")
        port = _free_port()
        words = [sys.executable, "-m", "serving", "--home", str(home), "serve"]
        with _process([*words, "--port", str(port)]) as process:
            address = f"http://127.0.0.1:{port}"
            _wait(f"{address}/readyz")
            yield Server(address, secret, process.pid, home)


def new_token(home: Path, name: str, *role: str) -> str:
    """Return a new token of a person; without a role, an admin's."""
    return str(_run(home, "token", "create", name, *role)["token"])


@contextmanager
def _bare(answer: Path) -> Iterator[str]:
    """Run bare Starlette and uvicorn that answer with the content of a file."""
    port = _free_port()
    with _process([sys.executable, "-c", BARE, str(port), str(answer)]):
        address = f"http://127.0.0.1:{port}"
        _wait(f"{address}/nothing", status=404)
        yield address


@contextmanager
def _process(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def _run(home: Path, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "serving", "--home", str(home), "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _post(server: Server, path: str, body: dict[str, Any]) -> bytes:
    headers = {"Authorization": f"Bearer {server.secret}"}
    response = httpx.post(f"{server.address}{path}", json=body, headers=headers, timeout=60)
    response.raise_for_status()
    return response.content


def _wait(address: str, status: int = 200) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(address, timeout=5).status_code == status:
                return
        except httpx.HTTPError:
            pass  # not listening yet; the deadline ends the wait
        time.sleep(0.5)
    raise SystemExit(f"{address} did not answer {status} within {PATIENCE_SECONDS} s")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def busy() -> str:
    """Say how busy the machine is: others may work on it."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def _memory_mb(pid: int) -> float:
    """Return the resident memory of a process (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"/proc/{pid}/status has no VmRSS")
