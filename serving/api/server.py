"""Runs an application in this process until Ctrl-C: one port, one log line a request."""

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
    """Yield a socket that listens on an address, before anything slow begins.

    Args:
        host: the address, or a name for it.
        port: 0 takes any free one.

    Raises:
        InputError: the address cannot be used; says why.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise InputError(
            f"--host {host!r} is not an address: {error.strerror}; use 127.0.0.1 for this machine "
            "alone"
        ) from None
    with socket.socket(family, kind, protocol) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            # At once: two servers may bind the same address, but only one may listen on it.
            listener.listen(BACKLOG)
        except OSError as error:
            raise InputError(_unavailable(host, port, error)) from None
        yield listener


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
    """Let BentoML write under HOME/data only, and send no usage statistics."""
    os.environ["BENTOML_HOME"] = str(home / "data" / "bentoml")
    os.environ["BENTOML_DO_NOT_TRACK"] = "True"


def run(app: ASGIApp, listener: socket.socket, greeting: str) -> None:
    """Serve until a signal ends it; running requests get a few seconds to finish.

    Args:
        app: the application.
        listener: the socket that listens.
        greeting: printed to stderr once the application answers.
    """
    _log_to_stderr()
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # The guard reads them itself: it has to know the address a request really came from.
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    _Server(config, greeting).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Uvicorn that says when it is ready, and that a signal ends without an error."""

    def __init__(self, config: uvicorn.Config, greeting: str) -> None:
        super().__init__(config)
        self._greeting = greeting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then print the greeting."""
        await super().startup(sockets)
        sys.stderr.write(self._greeting + "\n")
        sys.stderr.flush()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on a signal; uvicorn would raise it again after everything has ended well."""
        handlers = {number: signal.signal(number, self.handle_exit) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)


def _log_to_stderr() -> None:
    logger = logging.getLogger("pacesetter")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(LOG_FORMAT, "%Y-%m-%dT%H:%M:%S%z"))
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(logging.INFO)
    for library in ("bentoml", "uvicorn"):
        logging.getLogger(library).setLevel(logging.WARNING)
