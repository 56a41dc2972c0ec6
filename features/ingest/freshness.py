"""How fresh and how whole an extract is, and what would help its forecasts most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.evidence import EvidenceState
from features.ingest.finding import DataFinding
from features.ingest.readiness import Readiness
from features.storage.engine import parquet, row

_OLD = timedelta(days=7)
_LAG = timedelta(days=14)
_FEWEST = 20
_UNLOGGED = 0.1
_CLOCKS = {
    "leads": "created_at",
    "activities": "occurred_at",
    "deals": "created_at",
    "changes": "changed_at",
}
_HELP = {
    "activities": "deliver `activities`: calls, mails and meetings say most about an open lead",
    "changes": "deliver `changes` (field history): stages, owners and amounts as they were then",
    "quotas": "deliver `quotas`: without targets there is no quota forecast",
    "deals": "deliver `deals`: without them there is no quota forecast",
    "leads": "deliver `leads`: without them there is no lead forecast",
    "reps": "deliver `reps`: hiring dates, teams and territories",
    "accounts": "deliver `accounts`: what kind of customers they are",
}
"""What a table would bring, the most helpful first."""


@dataclass(frozen=True)
class Freshness:
    """How fresh an extract is.

    Attributes:
        newest: by table with events, its last one.
        ends: leads that converted, and deals that were won.
        silent: how many of them have no activity at all before that.
    """

    newest: Mapping[str, datetime]
    ends: int = 0
    silent: int = 0

    @property
    def unlogged(self) -> float | None:
        """The share of outcomes that no logged activity led to; None for too few outcomes."""
        return self.silent / self.ends if self.ends >= _FEWEST else None


def freshness_of(backend: Backend, files: Mapping[str, Path]) -> Freshness:
    """Look at the accepted tables that are present."""
    newest = {}
    for name, clock in _CLOCKS.items():
        if name in files:
            happened = " WHERE known_at >= occurred_at" if name == "activities" else ""
            (last,) = row(backend, f"SELECT max({clock}) FROM {parquet(files[name])}{happened}")
            if last is not None:
                newest[name] = last
    ends, silent = 0, 0
    if "activities" in files:
        for name, key, end in (
            ("leads", "lead_id", "converted_at"),
            ("deals", "deal_id", "closed_at"),
        ):
            if name in files:
                every, alone = _without_activity(backend, files, name, key, end)
                # Where activities never name deals, that tells nothing of who logs them.
                if alone < every:
                    ends, silent = ends + every, silent + alone
    return Freshness(newest, ends, silent)


def _without_activity(
    backend: Backend, files: Mapping[str, Path], name: str, key: str, end: str
) -> tuple[int, int]:
    """Count good outcomes of a table, and those that no activity of their own came before.

    Where most ends are days without a time of day, an activity of the same day came before.
    """
    is_good = f"{end} IS NOT NULL" + (" AND won" if name == "deals" else "")
    (has_days,) = row(
        backend,
        f"SELECT 2 * count(*) FILTER ({end} = date_trunc('day', {end})) > count(*) "
        f"FROM {parquet(files[name])} WHERE {is_good}",
    )
    is_later = f"CAST(touched AS DATE) > CAST({end} AS DATE)" if has_days else f"touched > {end}"
    every, alone = row(
        backend,
        f"WITH first AS (SELECT {key}, min(occurred_at) AS touched "
        f"FROM {parquet(files['activities'])} WHERE {key} IS NOT NULL GROUP BY {key}) "
        f"SELECT count(*), count(*) FILTER (touched IS NULL OR {is_later}) "
        f"FROM {parquet(files[name])} LEFT JOIN first USING ({key}) WHERE {is_good}",
    )
    return int(every), int(alone)


def freshness_verdict(
    fresh: Freshness,
    until: datetime | None,
    now: datetime,
    readiness: Sequence[Readiness],
    findings: Sequence[DataFinding],
) -> tuple[Readiness, ...]:
    """Say how old the data is, what seems unlogged, and what would help most.

    Args:
        fresh: what was looked at.
        until: the end of the data, naive UTC; None without any event.
        now: the present, naive UTC.
        readiness: the verdict so far, with what each forecast lacks.
        findings: what was found about the data.
    """
    if until is None:
        return ()
    says = [*_age(fresh, until, now), *_unlogged(fresh)]
    return (*says, _most_helpful(fresh, until, now, readiness, findings))


def _age(fresh: Freshness, until: datetime, now: datetime) -> Iterator[Readiness]:
    age = now - until
    if age >= timedelta():
        days = age.days
        when = "less than a day" if days == 0 else "1 day" if days == 1 else f"{days:,} days"
        state = EvidenceState.ENOUGH if age <= _OLD else EvidenceState.THIN
        yield Readiness(f"the data ends at {until:%Y-%m-%d %H:%M}, {when} ago", state)
    for name, last in fresh.newest.items():
        if until - last > _LAG:
            says = (
                f"the last row of `{name}` is of {last:%Y-%m-%d}, {(until - last).days} days "
                "before the data ends: what happened since is missing, or was not logged"
            )
            yield Readiness(says, EvidenceState.THIN)


def _unlogged(fresh: Freshness) -> Iterator[Readiness]:
    if fresh.unlogged is None:
        return
    says = (
        f"about {fresh.unlogged:.0%} of activity seems unlogged: {fresh.silent:,} of "
        f"{fresh.ends:,} converted leads and won deals have no activity before that"
    )
    state = EvidenceState.THIN if fresh.unlogged >= _UNLOGGED else EvidenceState.ENOUGH
    yield Readiness(says, state)


def _most_helpful(
    fresh: Freshness,
    until: datetime,
    now: datetime,
    readiness: Sequence[Readiness],
    findings: Sequence[DataFinding],
) -> Readiness:
    """Return the one thing that would help most: the first of these that applies.

    a column that decides outcomes was lost     mend it
    a table is missing                          deliver it, the most telling one first
    a forecast is thin                          what its model still needs
    much seems unlogged, or the data is old     log it, or export again
    """
    missing = {name for statement in readiness for name in statement.missing}
    thin = [s for s in readiness if s.model is not None and s.evidence is EvidenceState.THIN]
    broken = [finding for finding in findings if finding.severity == "error"]
    wanted = [words for name, words in _HELP.items() if name in missing]
    if broken:
        help_ = f"mend {broken[0].where} ({broken[0].kind})"
    elif wanted:
        help_ = wanted[0]
    elif thin:
        help_ = f"a longer history: {'; '.join(thin[0].missing)}"
    elif fresh.unlogged is not None and fresh.unlogged >= _UNLOGGED:
        help_ = "log calls, mails and meetings in the CRM, or connect the tool that holds them"
    elif now - until > _OLD:
        help_ = "a fresh export: rankings are of the day the data ends"
    else:
        return Readiness("what would help most: nothing is missing", EvidenceState.ENOUGH)
    return Readiness(f"what would help most: {help_}", EvidenceState.THIN)
