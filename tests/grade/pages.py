"""How quickly pages begin, and how large they are, for each of the people who open them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
from grades import Grade
from load import Server, busy, new_token, running_service

PRESET = "demo"
TIMES = 200
WANTED_MS = 100.0
WANTED_KB = 100.0
PATIENCE_SECONDS = 300
NOT_READY = "This page is not ready yet"
UNLIMITED = "serving: {access: {requests_a_minute: 0}}\n"
"""A person may not ask as quickly as this does; what is timed is the page."""
PAGES = {
    "rep": ("/today", "/quarter", "/sheet"),
    "manager": ("/team", "/team/history", "/sheet?rep_id={person}"),
    "analyst": ("/model",),
    "admin": ("/team", "/people", "/settings"),
}


def pages() -> list[Grade]:
    """Open each page many times, one after the other, as each role."""
    with running_service(PRESET, UNLIMITED) as server:
        person, manager = _busiest(server.home / "company")
        of = {"rep": ["--rep", person], "manager": ["--rep", manager]}
        return [
            grade
            for role, paths in PAGES.items()
            for grade in _as_role(
                server, role, of.get(role, []), [path.format(person=person) for path in paths]
            )
        ]


def _busiest(company: Path) -> tuple[str, str]:
    """Return the rep with the most open leads of those who are still there, and their manager."""
    reps, leads = (pd.read_parquet(company / f"{name}.parquet") for name in ("reps", "leads"))
    present = reps[reps["left_at"].isna() & reps["manager_id"].notna()].set_index("rep_id")
    is_open = leads["converted_at"].isna() & leads["lost_at"].isna()
    counts = leads.loc[is_open & leads["rep_id"].isin(present.index), "rep_id"].value_counts()
    person = str(counts.idxmax())
    return person, str(present.loc[person, "manager_id"])


def _as_role(server: Server, role: str, of: list[str], paths: Sequence[str]) -> Iterator[Grade]:
    token = new_token(server.home, f"page {role}", "--role", role, *of)
    with httpx.Client(base_url=server.address, follow_redirects=True, timeout=60) as client:
        form = re.search(r'name="(\w+)" value="([^"]+)"', client.get("/sign-in").text)
        if form is None:
            raise SystemExit("/sign-in has no form token")
        client.post("/sign-in", data={form[1]: form[2], "token": token})
        for path in paths:
            _wait(client, path)
            waits, size = zip(*(_open(client, path) for _ in range(TIMES)), strict=True)
            late, middle = np.quantile(waits, 0.99), np.median(waits)
            kilobytes = max(size) / 1024
            yield Grade(
                f"page {path.partition('?')[0]} as {role}, {TIMES} times, p99 of the first byte "
                f"({busy()})",
                f"{late:.0f} ms (median {middle:.0f} ms), {kilobytes:.0f} kB",
                f"< {WANTED_MS:.0f} ms, < {WANTED_KB:.0f} kB",
                bool(late < WANTED_MS and kilobytes < WANTED_KB),
            )


def _open(client: httpx.Client, path: str) -> tuple[float, int]:
    """Return the milliseconds to the first byte, and the bytes as they are sent."""
    began = time.perf_counter()
    with client.stream("GET", path) as answer:
        answer.raise_for_status()
        parts = answer.iter_raw()
        first = next(parts)
        waited = 1000 * (time.perf_counter() - began)
        return waited, len(first) + sum(map(len, parts))


def _wait(client: httpx.Client, path: str) -> None:
    """Wait until what the page shows has been worked out."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _is_waiting(answer := client.get(path)):
        if time.monotonic() > deadline:
            raise SystemExit(f"{path} was not ready within {PATIENCE_SECONDS} s")
        time.sleep(2)
    answer.raise_for_status()


def _is_waiting(answer: httpx.Response) -> bool:
    return answer.status_code == httpx.codes.SERVICE_UNAVAILABLE or NOT_READY in answer.text
