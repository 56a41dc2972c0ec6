"""Metrics of the service for Prometheus, in a registry of their own.

Counts are plain numbers of this process. The client's own counters would look into the environment
when they are imported, and where it names a folder for many processes, write files there.

BentoML's own metrics are off: they live in one registry for the whole process, so that a second
service in it fails, and they count every path anybody ever asked for, without end.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import Response

OTHER = "other"
NO_STATUS = "none"
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the buckets of durations, in seconds; the last bucket has none."""


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


@dataclass
class _Durations:
    """How long requests took: how many ended in each bucket, and the sum of all."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Return how many requests took at most so long, as Prometheus counts them."""
        ends = [*map(str, BOUNDS), "+Inf"]
        return [*zip(ends, map(float, accumulate(self.counts)), strict=True)]


class RequestMetrics(Collector):
    """How often each path was asked, with which status it answered, and how long it took.

    Counted in one thread, that of the event loop; read in any.

    Args:
        paths: those that are counted by name; all others are counted as one.
    """

    def __init__(self, paths: Collection[str]) -> None:
        """Begin at zero."""
        self._paths = frozenset(paths)
        self._requests: dict[tuple[str, str], int] = {}
        self._seconds: dict[str, _Durations] = {}
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def count(self, exchange: Exchange) -> None:
        """Add one request."""
        path = exchange.path if exchange.path in self._paths else OTHER
        key = (path, str(exchange.status or NO_STATUS))
        self._requests[key] = self._requests.get(key, 0) + 1
        self._seconds.setdefault(path, _Durations()).add(exchange.seconds)

    def collect(self) -> Iterator[Metric]:
        """Return what was counted, as Prometheus's client wants it."""
        requests = CounterMetricFamily(
            "pacesetter_requests",
            "Requests answered, by path and status.",
            labels=["path", "status"],
        )
        for key, count in [*self._requests.items()]:
            requests.add_metric(key, count)
        yield requests
        seconds = HistogramMetricFamily(
            "pacesetter_request_seconds", "Seconds to answer a request, by path.", labels=["path"]
        )
        for path, durations in [*self._seconds.items()]:
            seconds.add_metric([path], durations.buckets(), durations.total)
        yield seconds

    def response(self) -> Response:
        """Return all counts in the text format of Prometheus."""
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)
