"""A company written by hand: leads and deals as short lives, in whole days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.arrays import Floats
from features.feature import DAY_US
from training.coaching.causes.company import NEVER_US, Company, Entities
from training.coaching.causes.rows import Observed
from training.coaching.causes.stays import periods_of, stays_of
from training.coaching_params import CauseParams

ANN, BOB, CLEO = 0, 1, 2
QUARTER = 90
"""Days of a quota period."""
PARAMS = CauseParams(draws=10, least_deals=5)


@dataclass(frozen=True)
class Life:
    """A lead or a deal.

    Attributes:
        rep: who owns it from the first day.
        created: the day.
        ended: the day; None while it is open.
        won: whether it converted, or was won.
        stages: days and the stages it came to then.
        handed: days and the reps it went to then.
        value: its worth.
        source: where a lead came from.
        due: days and the days on which its end was expected from then on.
    """

    rep: int
    created: float
    ended: float | None = None
    won: bool = False
    stages: Sequence[tuple[float, int]] = ()
    handed: Sequence[tuple[float, int]] = ()
    value: float = 100.0
    source: int = 0
    due: Sequence[tuple[float, float]] = ()


def us(day: float) -> int:
    """Return the moment a day begins, in microseconds."""
    return int(day * DAY_US)


def entities(lives: Sequence[Life]) -> Entities:
    """Lay lives out as arrays."""
    owner = [(k, us(day), rep) for k, o in enumerate(lives)
             for day, rep in [(o.created, o.rep), *o.handed]]  # fmt: skip
    stage = [(k, us(day), stage) for k, o in enumerate(lives) for day, stage in o.stages]
    due = [(k, us(day), us(end)) for k, o in enumerate(lives) for day, end in o.due]
    value = np.array([o.value for o in lives], dtype=np.float64)
    ended = [NEVER_US if o.ended is None else us(o.ended) for o in lives]

    def frame(rows: Sequence[tuple[int, int, int]], last: str) -> pd.DataFrame:
        return pd.DataFrame(rows, columns=["place", "at", last], dtype=np.int64)

    return Entities(
        created=np.array([us(o.created) for o in lives], dtype=np.int64),
        ended=np.array(ended, dtype=np.int64),
        is_won=np.array([o.won for o in lives], dtype=np.bool_),
        value=value,
        final=np.nan_to_num(value),
        source=np.array([o.source for o in lives], dtype=np.int64),
        lead=np.full(len(lives), -1),
        owner=frame(owner, "rep"),
        stage=frame(stage, "stage"),
        due=frame(due, "due"),
    )


def company(  # noqa: PLR0913 - a company has many parts, and a test names one or two
    leads: Sequence[Life] = (),
    deals: Sequence[Life] = (),
    *,
    reps: int = 2,
    periods: int = 2,
    as_of: float | None = None,
    touches: Sequence[tuple[int, int, int]] = (),
    hired: Sequence[float] | None = None,
    quota: Floats | None = None,
    territory: Sequence[int] | None = None,
    deal_stages: tuple[str, ...] = ("talk", "offer", "papers"),
) -> Company:
    """Make a company whose quota periods begin on day 0, `QUARTER` days each.

    Args:
        leads: its leads; stages 0, 1, 2.
        deals: its deals; stages by `deal_stages`.
        reps: how many.
        periods: how many.
        as_of: the day asked about; the end of the last period where it is not given.
        touches: rep, day and how many.
        hired: days; long ago where they are not given.
        quota: by rep and period; 1,000 each where it is not given.
        territory: of each rep; one for all where it is not given.
        deal_stages: names.
    """
    amounts = np.full((reps, periods), 1000.0) if quota is None else quota
    rows = [
        {
            "rep_id": f"r{rep}", "rep": rep, "amount": amounts[rep, k],
            "start": us(k * QUARTER), "end": us((k + 1) * QUARTER),
        }
        for k in range(periods) for rep in range(reps)
    ]  # fmt: skip
    columns = ["rep_id", "rep", "amount", "start", "end"]
    began = [-1000.0] * reps if hired is None else hired
    return Company(
        as_of=us(periods * QUARTER if as_of is None else as_of),
        reps=tuple(f"r{k}" for k in range(reps)),
        hired=np.array(began) * DAY_US,
        left=np.full(reps, np.nan),
        territory=np.array([0] * reps if territory is None else territory, dtype=np.int64),
        quotas=pd.DataFrame(rows, columns=columns),
        sources=("web", "fair"),
        lead_stages=("new", "tried", "met"),
        deal_stages=deal_stages,
        leads=entities(leads),
        deals=entities(deals),
        touches=pd.DataFrame(touches, columns=["rep", "day", "count"], dtype=np.int64),
        log_begins=0,
    )


def observed(known: Company, params: CauseParams = PARAMS) -> Observed:
    """Cut a company's lives into stays."""
    end = int(known.quotas["end"].max())
    periods = periods_of(known, end - us(QUARTER), end, params.rush_days)
    both = [stays_of(each, periods, known.as_of) for each in (known.leads, known.deals)]
    return Observed.of(known, periods, (both[0], both[1]), params)


def drawn_leads(
    seed: int, count: int, rates: Sequence[float], *, days: float = 180.0, mean: float = 30.0
) -> list[Life]:
    """Draw leads that convert at a rate a day of each rep, and are lost at the usual one.

    Args:
        seed: of the draws.
        count: of each rep's leads.
        rates: conversions a day, by rep.
        days: within which they are created.
        mean: days until a lead is lost.
    """
    chance = np.random.default_rng(seed)
    lives = []
    for rep, rate in enumerate(rates):
        for created in chance.uniform(0, days, count):
            won, lost = chance.exponential(1 / rate), chance.exponential(mean)
            lives.append(
                Life(
                    rep, float(created), float(created + min(won, lost)), won=bool(won < lost),
                    stages=((float(created), 0),), source=int(chance.integers(0, 2)),
                    value=float(chance.lognormal(4, 0.5)),
                )
            )  # fmt: skip
    return lives


def drawn_deals(
    seed: int, count: int, chances: Sequence[float], leads: Sequence[Life] = ()
) -> list[Life]:
    """Draw deals that go through talk, offer and papers, and are lost at the offer or before.

    Args:
        seed: of the draws.
        count: of each rep's deals.
        chances: to go on from each of the first two stages, by rep.
        leads: deals begin as these convert, and are worth the same; without any, at any time.
    """
    chance = np.random.default_rng(seed)
    lives = []
    for rep, keep in enumerate(chances):
        began = [(o.ended, o.value) for o in leads if o.won and o.ended and o.rep == rep]
        drawn = zip(chance.uniform(0, 180, count), chance.lognormal(5, 0.5, count), strict=True)
        for created, value in began or drawn:
            at, stages, is_lost = float(created), [(float(created), 0)], False
            for stage in (1, 2):
                at += float(chance.exponential(8))
                is_lost = bool(chance.random() > keep)
                if is_lost:
                    break
                stages.append((at, stage))
            else:
                at += float(chance.exponential(5))
            life = Life(rep, float(created), at, won=not is_lost, stages=stages, value=float(value))
            lives.append(life)
    return lives
