"""How many requests a person may send: a bucket of tokens each, filled at a steady pace."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from serving.access.people import Person, Role

SECONDS = 60.0
BURST_SECONDS = 10.0
"""A bucket holds what comes in this time: a page that asks for ten things at once may."""
MOST_KEPT = 10_000
"""Buckets beyond which the full ones, which tell nothing, are thrown away."""


@dataclass
class _Bucket:
    """What one person may still send, and when that was known.

    Attributes:
        left: requests.
        at: seconds on the limiter's clock.
    """

    left: float
    at: float


class Limiter:
    """Counts requests and says when somebody has to wait.

    Args:
        a_minute: requests that a rep, manager or analyst may send in a minute; 0: any number.
        a_minute_for_admins: the same for an admin, which is what programs are.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        a_minute: int,
        a_minute_for_admins: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with full buckets."""
        self._a_minute = a_minute
        self._a_minute_for_admins = a_minute_for_admins
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def seconds_to_wait(self, person: Person) -> float:
        """Count a request; returns 0 where it may go on, else the seconds until one may."""
        is_admin = person.role is Role.ADMIN
        a_minute = self._a_minute_for_admins if is_admin else self._a_minute
        if not a_minute:
            return 0.0
        pace = a_minute / SECONDS
        most = max(1.0, pace * BURST_SECONDS)
        now = self._clock()
        bucket = self._buckets.setdefault(person.id, _Bucket(most, now))
        bucket.left = min(most, bucket.left + (now - bucket.at) * pace)
        bucket.at = now
        if len(self._buckets) > MOST_KEPT:
            self._forget_full(now)
        if bucket.left < 1.0:
            return (1.0 - bucket.left) / pace
        bucket.left -= 1.0
        return 0.0

    def _forget_full(self, now: float) -> None:
        self._buckets = {
            name: bucket
            for name, bucket in self._buckets.items()
            if now - bucket.at < BURST_SECONDS
        }
