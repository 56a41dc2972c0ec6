"""Quota periods that read but cannot be meant: inclusive ends, gaps, odd and mixed lengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.clock import midnight
from features.ingest.finding import DataFinding, share
from features.storage.engine import parquet, row, rows

_DAY = timedelta(days=1)
_LENGTHS = {
    "a week": (7, 7), "two weeks": (14, 14), "four weeks": (28, 28), "a month": (28, 31),
    "two months": (59, 62), "a quarter": (84, 92), "four months": (112, 123),
    "half a year": (181, 184), "a year": (364, 371),
}  # fmt: skip
_MONTHS = {1: "a month", 2: "two months", 3: "a quarter", 4: "four months", 6: "half a year",
           12: "a year"}  # fmt: skip
_SHOWN = 3
_FEWEST_GAPS = 3


def period_findings(backend: Backend, files: Mapping[str, Path]) -> Iterator[DataFinding]:
    """Say what is odd about the periods of accepted quotas."""
    if "quotas" not in files:
        return
    periods = rows(
        backend,
        "SELECT DISTINCT rep_id, period_start, period_end, lead(period_start) OVER "
        "(PARTITION BY rep_id ORDER BY period_start) FROM (SELECT DISTINCT rep_id, period_start, "
        f"period_end FROM {parquet(files['quotas'])}) ORDER BY 1, 2, 3",
    )
    inclusive = [period for period in periods if _ends_a_day_early(*period[1:])]
    is_inclusive = bool(inclusive) and 2 * len(inclusive) > len(periods)
    if is_inclusive:
        yield _inclusive(backend, files, inclusive, len(periods))
    yield from _gaps(periods)
    ends = ((start, _meant(end) if is_inclusive else end) for _, start, end, _ in periods)
    yield from _odd_lengths(list(ends))


def _meant(end: datetime) -> datetime:
    """Return the midnight after the last day of a period whose end is inclusive."""
    return midnight(end) + _DAY


def _ends_a_day_early(start: datetime, end: datetime, following: datetime | None) -> bool:
    """Return whether a period seems to end on its last day instead of after it.

    1 Jan to 31 Mar, the next one from 1 Apr on    yes
    1 Jan to 31 Mar 23:59:59, the next likewise    yes
    1 Jan to 31 Mar, no next one                   yes: it begins with a month and ends on its last
    1 Jan to 1 Apr, the next one from 1 Apr on     no
    """
    if following is not None:
        return timedelta() < following - end <= _DAY
    return start.day == 1 and end.day != 1 and (end + _DAY).day == 1


def _inclusive(
    backend: Backend,
    files: Mapping[str, Path],
    inclusive: list[tuple[str, datetime, datetime, datetime | None]],
    of: int,
) -> DataFinding:
    lost = "no deals"
    if "deals" in files:
        gaps = " UNION ALL ".join(
            f"SELECT TIMESTAMP '{end}' AS opens, TIMESTAMP '{end + _DAY}' AS shuts"
            for end in sorted({end for _, _, end, _ in inclusive})
        )
        count, amount = row(
            backend,
            f"SELECT count(*), coalesce(sum(amount), 0) FROM {parquet(files['deals'])} d "
            f"SEMI JOIN ({gaps}) g ON d.won AND d.closed_at >= g.opens AND d.closed_at < g.shuts",
        )
        lost = f"{count:,} won deals of {amount:,.0f} in all"
    _, start, end, _ = inclusive[0]
    example = f"{start:%Y-%m-%d} to {end:%Y-%m-%d}"
    says = (
        f"{share(len(inclusive), of)} periods end a day before the next one begins, like "
        f"{example}: period_end is exclusive, so what is won on the last day ({lost}) counts for "
        "no quota; add a day to period_end"
    )
    return DataFinding(
        "quotas", "period_end", "inclusive_end", "warning", says, len(inclusive), of, example
    )


def _gaps(
    periods: Sequence[tuple[str, datetime, datetime, datetime | None]],
) -> Iterator[DataFinding]:
    """Say whether most periods end long before the rep's next one begins.

    January, April, July, each a month long    said: are they quarters?
    January to March, July to September        not said: one rep was away for a quarter
    """
    followed = [(start, end, then) for _, start, end, then in periods if then is not None]
    apart = [period for period in followed if period[2] - period[1] > _DAY]
    if len(apart) < _FEWEST_GAPS or 2 * len(apart) <= len(followed):
        return
    start, end, then = apart[0]
    example = f"{start:%Y-%m-%d} to {end:%Y-%m-%d}, then {then:%Y-%m-%d}"
    says = (
        f"{share(len(apart), len(followed))} periods end days before the rep's next one begins, "
        f"like {example}: what is won in between counts for no quota; if each lasts until the next "
        "begins, as quarters named after their first month do, give that as period_end (in a "
        "mapping: `months: 3` in the period)"
    )
    yield DataFinding(
        "quotas", "period_end", "period_gaps", "warning", says, len(apart), len(followed), example
    )


def _odd_lengths(periods: list[tuple[datetime, datetime]]) -> Iterator[DataFinding]:
    """Say which lengths are no usual ones, and whether there are several."""
    kinds = Counter(_length(start, end) for start, end in periods)
    odd = kinds.pop("", 0)
    if odd:
        start, end = next(p for p in periods if not _length(*p))
        example = f"{start:%Y-%m-%d} to {end:%Y-%m-%d} ({(end - start).days} days)"
        says = (
            f"{share(odd, len(periods))} periods have an odd length, like {example}: a period is "
            "a month, a quarter or a year, and its end is exclusive; is a date wrong?"
        )
        yield DataFinding(
            "quotas", "period_end", "odd_period", "warning", says, odd, len(periods), example
        )
    if len(kinds) > 1:
        listed = ", ".join(f"{n:,} of {kind}" for kind, n in kinds.most_common(_SHOWN))
        fewest = min(kinds.values())
        says = (
            f"periods have different lengths ({listed}): attainment of a month and of a quarter "
            "are not comparable; deliver periods of one length"
        )
        yield DataFinding(
            "quotas", "period_end", "mixed_periods", "warning", says, fewest, len(periods), listed
        )


def _length(start: datetime, end: datetime) -> str:
    """Return the usual name of a period's length; empty where it has none.

    1 Feb to 1 Mar     28 days, the same day of two months    a month
    3 Feb to 2 Mar     27 days                                none
    3 Feb to 3 Mar     28 days, the same day of two months    a month
    4 Jan to 1 Feb     28 days                                four weeks
    """
    months = 12 * (end.year - start.year) + end.month - start.month
    if start.day == end.day and months in _MONTHS:
        return _MONTHS[months]
    days = round((end - start) / _DAY)
    return next((name for name, (low, high) in _LENGTHS.items() if low <= days <= high), "")
