"""A PostgreSQL server for one test run, which asks for a password."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PASSWORD = "s3cr3t@/:é%"  # noqa: S105 - of a server that lives for one test run
QUOTED = "s3cr3t%40%2F%3A%C3%A9%25"


def programs() -> Path | None:
    """Find PostgreSQL's programs."""
    on_path = shutil.which("initdb")
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    places = [*versions, *([Path(on_path).resolve().parent] if on_path else [])]
    return next(
        (p for p in places if (p / "initdb").is_file() and (p / "postgres").is_file()), None
    )


def running(folder_of_programs: Path, folder: Path) -> Iterator[str]:
    """Run a server in a folder; its address is user:password@host:port."""
    (folder / "password").write_text(PASSWORD, encoding="utf-8")
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:
        # The server refuses to run as the superuser.
        as_user = {"user": "nobody"}
        shutil.chown(folder, "nobody")
        shutil.chown(folder / "password", "nobody")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(*command: str) -> None:
        quiet = subprocess.DEVNULL
        subprocess.run(command, check=True, stdout=quiet, cwd=folder, timeout=120, **as_user)

    data, words = str(folder / "data"), str(folder / "password")
    login = ["-U", "crm", "-A", "scram-sha-256", f"--pwfile={words}"]
    run(f"{folder_of_programs}/initdb", "-D", data, *login, "-E", "UTF8", "--locale=C", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    control = [f"{folder_of_programs}/pg_ctl", "-D", data, "-w", "-l", str(folder / "log")]
    run(*control, "-o", options, "start")
    try:
        yield f"crm:{QUOTED}@127.0.0.1:{port}"
    finally:
        run(*control, "-m", "immediate", "stop")
