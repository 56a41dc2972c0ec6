"""Metrics of the service for Prometheus, in a registry of their own.

BentoML's own metrics are off: they live in one registry for the whole process, so that a second
service in it fails, and they count every path anybody ever asked for, without end.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

OTHER = "other"
NO_STATUS = "none"


@dataclass(frozen=True)
class Exchange:
    """One request and how it ended.

    Attributes:
        path: what was asked.
        status: of the answer; None if there was none.
        seconds: how long it took.
    """

    path: str
    status: int | None
    seconds: float


class RequestMetrics:
    """How often each path was asked, with which status it answered, and how long it took.

    Args:
        paths: those that are counted by name; all others are counted as one.
    """

    def __init__(self, paths: Collection[str]) -> None:
        """Begin at zero."""
        self._paths = frozenset(paths)
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "pacesetter_requests",
            "Requests answered, by path and status.",
            ["path", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "pacesetter_request_seconds",
            "Seconds to answer a request, by path.",
            ["path"],
            registry=self._registry,
        )

    def count(self, exchange: Exchange) -> None:
        """Add one request."""
        path = exchange.path if exchange.path in self._paths else OTHER
        self._requests.labels(path, str(exchange.status or NO_STATUS)).inc()
        self._seconds.labels(path).observe(exchange.seconds)

    def response(self) -> Response:
        """Return all counts in the text format of Prometheus."""
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)
