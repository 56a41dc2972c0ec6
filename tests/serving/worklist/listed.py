"""Random leads of a rep, and lots for them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta

from serving.store.worklist import Enrolment
from serving.worklist.lots import LotDraw
from serving.worklist.rules import Lead

MORNING = datetime(2026, 5, 20, 6)
NO_LOTS: Mapping[str, Enrolment] = {}


def leads_of_a_rep(seed: int, count: int = 60, rep_id: str | None = "r1") -> list[Lead]:
    """Leads in a random order, some of them cooling, some not to be contacted."""
    chance = random.Random(seed)  # noqa: S311 - a sample, no secret
    ranks = [*range(1, count + 1)]
    chance.shuffle(ranks)
    return [
        Lead(
            lead_id=f"{rep_id}-L{number:03}",
            rep_id=rep_id,
            rank=None if chance.random() < 0.1 else rank,
            waiting_since=MORNING - timedelta(days=chance.randrange(1, 90)),
            is_cooling=chance.random() < 0.2,
            priority=1000.0 / rank,
            p=chance.random(),
            value=100.0 * chance.randrange(1, 50),
            model_version="7",
        )
        for number, rank in enumerate(ranks)
    ]


def lots(
    share: float = 0.2,
    secret: str = "s",  # noqa: S107 - begins a hash, opens nothing
    days_on: int = 0,
    earlier: Mapping[str, Enrolment] = NO_LOTS,
) -> LotDraw:
    """Lots of some morning that stand for 30 days."""
    return LotDraw(secret, share, 30, MORNING + timedelta(days=days_on), earlier)
