"""What reps committed to, beside what came of it; and numbers from a file into the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from features.ingest.commits import Commits
from features.labels.attainment import PERIOD, attainment, final_quotas
from features.snapshot import CUTOFF, within
from features.storage.warehouse import Warehouse
from serving.store.commits import KeptCommit, RepCommit
from training.evaluation.commit_history import RepBias, commit_bias

IMPORTED = "import"
"""Begins the keys of numbers that came from a file."""


@dataclass(frozen=True)
class CommitPeriod:
    """What a rep said of a quota period, and what came of it.

    Attributes:
        rep_id: whose.
        period_start: of the period.
        period_end: exclusive.
        quota: as last revised.
        said: every number, in the order in which it was said.
        judged: the one that bias is judged by; see `judged_of`.
        attained: the amount closed in the period; None while it runs.
    """

    rep_id: str
    period_start: datetime
    period_end: datetime
    quota: float
    said: tuple[KeptCommit, ...]
    judged: KeptCommit
    attained: float | None

    @property
    def error(self) -> float | None:
        """How far the number was too high, as a share of the quota; None where nothing is known."""
        if self.attained is None or self.quota <= 0:
            return None
        return (self.judged.amount - self.attained) / self.quota


def commit_periods(
    warehouse: Warehouse, commits: Iterable[KeptCommit], as_of: datetime
) -> list[CommitPeriod]:
    """Put numbers beside quotas and what came of them.

    Args:
        warehouse: the extract; only what the moment may see counts.
        commits: in the order in which they were said.
        as_of: the moment. A period that has not ended by then is still running.

    Returns:
        A row for each rep and period with a number, by rep and period.
    """
    said: dict[tuple[str, datetime], list[KeptCommit]] = {}
    for commit in commits:
        said.setdefault((commit.rep_id, commit.period_start), []).append(commit)
    past = warehouse.until(as_of)
    quotas = final_quotas(past)
    keys = quotas[PERIOD].assign(**{CUTOFF: quotas["period_start"]})
    ratios = attainment(past, keys)
    rows = []
    for row, ratio in zip(quotas.to_dict("records"), ratios, strict=True):
        start = row["period_start"].to_pydatetime()
        own = said.get((row["rep_id"], start))
        if own:
            end, quota = row["period_end"].to_pydatetime(), float(row["amount"])
            attained = None if ratio != ratio else float(ratio) * quota  # noqa: PLR0124 - NaN
            judged = judged_of(own, start + (end - start) / 2)
            rows.append(
                CommitPeriod(row["rep_id"], start, end, quota, tuple(own), judged, attained)
            )
    return sorted(rows, key=lambda row: (row.rep_id, row.period_start))


def judged_of(said: Sequence[KeptCommit], middle: datetime) -> KeptCommit:
    """Return the number that bias is judged by: the last one said by the middle of the period.

    The last of all would be said when the outcome is known. Where nothing was said by the middle,
    the first one after it counts.

    Args:
        said: in the order in which it was said; not empty.
        middle: of the period.
    """
    early = [row for row in said if row.said_at <= middle]
    return early[-1] if early else said[0]


def bias_of(periods: Iterable[CommitPeriod], level: float) -> Mapping[str, RepBias]:
    """Return how far each rep's numbers are off as a rule, told apart from luck.

    Args:
        periods: of all reps: those of others tell how much luck there is.
        level: coverage of the intervals.
    """
    errors: dict[str, list[float]] = {}
    for row in periods:
        if row.error is not None:
            errors.setdefault(row.rep_id, []).append(row.error)
    return {row.rep_id: row for row in commit_bias(errors, level)}


def of_file(commits: Commits) -> list[RepCommit]:
    """Return the usable rows of a file, keyed by what they say: read twice, they count once."""
    return [_of_row(row) for row in commits.frame.to_dict("records")]


def _of_row(row: Mapping[Any, Any]) -> RepCommit:
    rep, amount = str(row["rep_id"]), float(row["amount"])
    start, made_at = (row[name].to_pydatetime() for name in ("period_start", "made_at"))
    said = "\x1f".join((rep, start.isoformat(), made_at.isoformat(), repr(amount)))
    key = f"{IMPORTED}:{hashlib.sha256(said.encode()).hexdigest()[:32]}"
    return RepCommit(key, rep, start, amount, made_at)


def running_period(warehouse: Warehouse, rep_id: str, as_of: datetime) -> datetime | None:
    """Return the beginning of the quota period that a moment lies in; None without one."""
    quotas = final_quotas(warehouse.until(as_of))
    own = quotas[quotas["rep_id"] == rep_id]
    moment = pd.Timestamp(as_of)
    runs = own[within(moment, own["period_start"], own["period_end"])]
    return None if runs.empty else runs["period_start"].iloc[-1].to_pydatetime()


def period_starts(warehouse: Warehouse, rep_id: str) -> list[datetime]:
    """Return the beginnings of all quota periods of a rep that the extract knows, rising."""
    quotas = final_quotas(warehouse)
    own = quotas.loc[quotas["rep_id"] == rep_id, "period_start"]
    return sorted(start.to_pydatetime() for start in own)
