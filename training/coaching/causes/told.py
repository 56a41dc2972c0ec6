"""Which causes are told, in which order, and in which words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.arrays import Floats
from training.coaching.causes.channels import Channel
from training.coaching_params import CauseParams

OWN = ("qualifying", "closing", "volume", "follow_up", "deal_size")
"""Causes that are the rep's to change."""
COLUMNS = (
    *("rep_id", "period_start", "as_of", "rank", "cause", "size", "low", "high", "share"),
    *("since", "p", "theirs", "evidence"),
)
"""Columns of the frame, in order."""
LEAST_GAP = 0.05
"""A gap below this share of the quota is not split."""


@dataclass(frozen=True)
class Told:
    """A cause that may be told.

    Attributes:
        rep: whose.
        cause: its name.
        size: share of the quota that is expected to be lost, its chance counted in.
        low: lower end of the 80 % interval.
        high: upper end.
        p: chance that it is there.
        since: where the spell began, None for a lasting cause.
        evidence: what it rests on, in words.
        is_spell: whether it came and may go.
    """

    rep: int
    cause: str
    size: float
    low: float
    high: float
    p: float
    since: pd.Timestamp | None
    evidence: str
    is_spell: bool

    @property
    def is_theirs(self) -> bool:
        """Whether the rep can change it."""
        return self.cause in OWN


def ranked(causes: list[Told], params: CauseParams) -> list[Told]:
    """Put a rep's causes in order: the sure ones first, and by size among these.

    What has lasted for as long as the rep is known comes after what came and is sure: it is in the
    quota and the rep's own record already. An own cause that is not sure never stands before an
    outside one that is. A sure one that costs next to nothing explains no gap: it is told, after
    what does.
    """

    def place(cause: Told) -> tuple[bool, float]:
        is_given = cause.cause not in OWN and not cause.is_spell
        is_sure = _is_sure_spell(cause, params) or (is_given and cause.low > 0)
        return (not (is_sure and cause.size >= params.least_size), -cause.size)

    kept = [c for c in causes if c.size >= params.least_size or _is_sure_spell(c, params)]
    return sorted(kept, key=place)


def _is_sure_spell(cause: Told, params: CauseParams) -> bool:
    return cause.is_spell and cause.p >= params.sure_from


def frame_of(
    causes: Mapping[int, list[Told]],
    gaps: Floats,
    reps: Mapping[int, str],
    moments: tuple[pd.Timestamp, pd.Timestamp],
    least_size: float,
) -> pd.DataFrame:
    """Lay the causes out as the contract says; where none stands out, `luck` comes first.

    Args:
        causes: of reps, in order.
        gaps: of every rep.
        reps: ids of those to be told of, by place.
        moments: the start of the period, and the moment asked about.
        least_size: a first cause that is smaller and unlikely does not stand out.
    """
    period, as_of = moments
    rows = []
    for rep, name in reps.items():
        told = causes.get(rep, [])
        if not told or (told[0].size < least_size and told[0].p < 0.5):  # noqa: PLR2004 - likelier not
            told = [_luck(rep, float(gaps[rep])), *told]
        for rank, cause in enumerate(told, 1):
            gap = float(gaps[rep])
            share = cause.size / gap if gap >= LEAST_GAP else np.nan
            rows.append(
                (
                    *(name, period, as_of, rank, cause.cause, cause.size, cause.low, cause.high),
                    *(share, cause.since, cause.p, cause.is_theirs, cause.evidence),
                )
            )
    return typed(rows)


def typed(rows: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    """Return the frame with its types, also where it has no rows."""
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    kinds = {"rank": "int64", "theirs": "bool"}
    kinds |= dict.fromkeys(("rep_id", "cause", "evidence"), "object")
    kinds |= dict.fromkeys(("size", "low", "high", "share", "p"), "float64")
    kinds |= dict.fromkeys(("period_start", "as_of", "since"), "datetime64[us]")
    return frame.astype(kinds)


def _luck(rep: int, gap: float) -> Told:
    size = max(gap, 0.0) if np.isfinite(gap) else 0.0
    says = "no cause stands out from chance" if size >= LEAST_GAP else "on track"
    return Told(rep, "luck", size, 0.0, size, 1.0, None, says, is_spell=False)


def evidence_of(cause: str, channel: Channel, rep: int, first: int) -> str:
    """Say what was seen and what is usual, over the periods of a spell.

    Args:
        cause: its name.
        channel: what was seen.
        rep: whose.
        first: number of the first period that counts.
    """
    seen, usual, days = (
        table[rep, first:].sum() for table in (channel.seen, channel.usual, channel.days)
    )
    mean = float((channel.seen[rep, first:] * channel.days[rep, first:]).sum() / max(days, 1.0))
    says = {
        "qualifying": f"{seen:.0f} leads became deals; {usual:.0f} is usual for such leads",
        "closing": f"{seen:.0f} of {days:.0f} deals that left a stage went on; "
        f"{usual:.0f} is usual",
        "volume": f"{seen:.0f} logged touches; {_own_usual(channel, rep, first)}",
        "follow_up": f"{seen:.0f} first touches in {days:.0f} days of waiting leads; "
        f"{usual:.0f} is usual",
        "internal_delay": f"{seen:.0f} deals left it in {days:.0f} deal-days of waiting; "
        f"{usual:.0f} is usual",
        "deal_size": f"{days:.0f} new deals at {np.exp(min(mean, 5.0)):.0%} of the amount that is "
        "usual for such leads",
        "lead_mix": f"{days:.0f} new leads whose sources promise {mean:.0%} of what others' do",
    }
    return says[cause]


def _own_usual(channel: Channel, rep: int, first: int) -> str:
    """Say what a rep's own other periods make usual; a new rep has none."""
    shows = np.ptp(channel.log_likelihood[rep, first:], axis=-1).max(initial=0.0)
    if shows < SHOWS_NOTHING:
        return "nothing is known yet of what is usual for this rep"
    return f"{channel.usual[rep, first:].sum():.0f} by the rep's own other periods"


SHOWS_NOTHING = 1e-3
"""A period whose log-likelihoods differ by less shows nothing."""
