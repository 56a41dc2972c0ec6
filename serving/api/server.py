"""Runs an application in this process until Ctrl-C: one port, one line a request, no orphans."""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from features.errors import InputError

GRACE_SECONDS = 5
BACKLOG = 128
SIGNALS = (signal.SIGINT, signal.SIGTERM)
LOG_FORMAT = "%(asctime)s %(message)s"


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Take an address before anything slow begins.

    Raises:
        InputError: it cannot be had; says why.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise InputError(
            f"--host {host!r} is no address: {error.strerror}; 127.0.0.1 is this machine alone"
        ) from None
    with socket.socket(family, kind, protocol) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(address)
            # At once: two servers may bind the same address, but only one may listen on it.
            taken.listen(BACKLOG)
        except OSError as error:
            raise InputError(_unavailable(host, port, error)) from None
        yield taken


def _unavailable(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is in use by another program; stop that one, or choose another "
            "with --port"
        )
    if error.errno == errno.EACCES:
        return f"port {port} needs more rights than you have; choose one above 1023 with --port"
    return f"cannot listen on {host} port {port}: {error.strerror}; choose another --host or --port"


def keep_bentoml_quiet(home: Path) -> None:
    """Keep what BentoML may write under HOME/data, and BentoML from telling anybody."""
    os.environ["BENTOML_HOME"] = str(home / "data" / "bentoml")
    os.environ["BENTOML_DO_NOT_TRACK"] = "True"


def run(app: ASGIApp, taken: socket.socket, says: str) -> None:
    """Serve until a signal ends it; requests at work get a few seconds to end.

    Args:
        app: what answers.
        taken: the socket that listens.
        says: what to say once it does.
    """
    _log_to_stderr()
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    _Server(config, says).run(sockets=[taken])


class _Server(uvicorn.Server):
    """Uvicorn that says when it is ready, and for which a signal is an end, not a failure."""

    def __init__(self, config: uvicorn.Config, says: str) -> None:
        super().__init__(config)
        self._says = says

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        sys.stderr.write(self._says + "\n")
        sys.stderr.flush()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on a signal; uvicorn would raise it once more after everything has ended well."""
        before = {one: signal.signal(one, self.handle_exit) for one in SIGNALS}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


def _log_to_stderr() -> None:
    ours = logging.getLogger("pacesetter")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(LOG_FORMAT, "%Y-%m-%dT%H:%M:%S%z"))
    ours.handlers = [handler]
    ours.propagate = False
    ours.setLevel(logging.INFO)
    for theirs in ("bentoml", "uvicorn"):
        logging.getLogger(theirs).setLevel(logging.WARNING)
