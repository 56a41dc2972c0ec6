"""Whether as many rows come in as usual: of each type and table, from each team and each rep.

A loader that stops, or loads twice, shows in the rows that come in long before it shows in
forecasts; features hide it, since each looks at one lead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from features.arrays import Floats
from training.monitor_params import MonitorParams
from training.monitoring.deviation import Deviation, Severity
from training.monitoring.streams import NOBODY, Streams, rows_of
from training.monitoring.weekly import BASE_WEEKS, Weekly, judge_week

GOES_ON = 0.5
"""Share of the usual changes of stage from which a team or rep is at work."""
GONE = 0.05
"""Share of the usual rows below which a type has ended."""


@dataclass(frozen=True)
class Volume:
    """What was found, and the counts it was found in.

    Attributes:
        deviations: in the order of the checks.
        lines: the counts by week, tables and types first, then teams.
    """

    deviations: tuple[Deviation, ...]
    lines: tuple[Weekly, ...]


def judge_volume(streams: Streams, params: MonitorParams) -> Volume:
    """Compare the rows of the newest week with those of the weeks before.

    Args:
        streams: rows by week.
        params: what is material, and the chance of a false alarm in each of the groups tables and
            types, teams, and reps.
    """
    kinds = list(_kinds(streams, params))
    teams = list(_teams(streams, params))
    renamed = list(_renamed(streams, params))
    said = {name for deviation in renamed for name in deviation.where.split(" -> ")}
    deviations = [
        *renamed,
        *(_of_kind(line) for line in kinds if line.is_off and line.where not in said),
        *(_of_team(streams, line) for line in teams if line.is_off),
        *_silent_reps(streams, params),
    ]
    return Volume(tuple(deviations), (*kinds, *teams))


def _kinds(streams: Streams, params: MonitorParams) -> Iterator[Weekly]:
    counts = {str(name): streams.weekly(rows) for name, rows in streams.activities.groupby("type")}
    counts |= {
        "leads created": streams.created,
        "deals created": streams.deals,
        "changes of stage": streams.changes.pipe(streams.weekly),
    }
    chance = params.false_alarms / len(counts)
    for name, rows in counts.items():
        line = judge_week(name, streams.weeks, rows, chance, params)
        if line is not None:
            yield line


def _of_kind(line: Weekly) -> Deviation:
    many = line.ratio > 1
    advice = (
        "See whether the loader ran twice or a rule of the CRM writes more rows than before."
        if many
        else "See whether the loader still reads them, or whether the CRM writes them elsewhere."
    )
    return _deviation(
        "volume", line, Severity.ALARM,
        f"{line.where}: {_rows(line)} came in in the newest week. {advice}",
    )  # fmt: skip


def _teams(streams: Streams, params: MonitorParams) -> Iterator[Weekly]:
    own = streams.activities[streams.activities["rep_id"] != NOBODY]
    team = own["rep_id"].map(streams.teams)
    everybody = streams.weekly(own)
    names = sorted(team.dropna().unique())
    if len(names) < 2:  # noqa: PLR2004 - one team is everybody
        return
    for name in names:
        rows = streams.weekly(own[team == name])
        chance = params.false_alarms / len(names)
        line = judge_week(str(name), streams.weeks, rows, chance, params, everybody - rows)
        if line is not None:
            yield line


def _of_team(streams: Streams, line: Weekly) -> Deviation:
    members = [str(rep) for rep, team in streams.teams.items() if team == line.where]
    moves = streams.weekly(rows_of(streams.changes, "rep_id", members))
    where = f"activities of {line.where}"
    if line.ratio > 1:
        why = "See whether rows of this team are loaded twice or written by a rule."
    elif _goes_on(moves):
        why = (
            f"Its work goes on: {moves[0]:,.0f} changes of stage of its leads and deals came in, "
            f"{_before(moves):,.0f} in a week before. So logging has stopped or the loader leaves "
            "the team out; forecasts take its leads for untouched."
        )
    else:
        why = "Its leads and deals stand still too: the team is away, or all of it is left out."
    return _deviation(
        "logging" if line.ratio < 1 else "volume", line, Severity.ALARM,
        f"{where}: {_rows(line)} came in in the newest week. {why}", where,
    )  # fmt: skip


def _silent_reps(streams: Streams, params: MonitorParams) -> Iterator[Deviation]:
    """Name reps whose leads and deals move on while their own rows have all but stopped."""
    own = streams.activities[streams.activities["rep_id"] != NOBODY]
    everybody = streams.weekly(own)
    rows = {str(rep): streams.weekly(part) for rep, part in own.groupby("rep_id")}
    rows = {rep: counts for rep, counts in rows.items() if rep not in streams.left}
    for rep, counts in rows.items():
        chance = params.false_alarms / len(rows)
        line = judge_week(rep, streams.weeks, counts, chance, params, everybody - counts)
        moves = streams.weekly(rows_of(streams.changes, "rep_id", [rep]))
        if line is None or not line.is_off or line.ratio > 1 or not _goes_on(moves):
            continue
        yield _deviation(
            "logging", line, Severity.WARNING,
            f"activities of {rep}: {_rows(line)} came in in the newest week, while "
            f"{moves[0]:,.0f} changes of stage of this rep's leads and deals did. Ask whether "
            "logging works for the rep.", f"activities of {rep}",
        )  # fmt: skip


def _renamed(streams: Streams, params: MonitorParams) -> Iterator[Deviation]:
    """Name types of activity that have ended or begun in the last weeks, two of them as a pair."""
    weeks = slice(BASE_WEEKS // 2, BASE_WEEKS // 2 + BASE_WEEKS)
    if streams.n_weeks < weeks.stop:
        return
    counts = {str(name): streams.weekly(rows) for name, rows in streams.activities.groupby("type")}
    before = {name: float(rows[weeks].mean()) for name, rows in counts.items()}
    ended = {
        name for name, rows in counts.items()
        if before[name] >= params.minimum_rows and rows[0] <= GONE * before[name]
    }  # fmt: skip
    begun = {
        name for name, rows in counts.items()
        if rows[0] >= params.minimum_rows and rows[BASE_WEEKS // 2 :].sum() <= GONE * rows[0]
    }  # fmt: skip
    for name in sorted(ended):
        partner = min(begun, key=lambda new: _unlike(counts[new][0], before[name]), default=None)
        if partner is not None and _unlike(counts[partner][0], before[name]) < np.log(2):
            begun = begun - {partner}
            yield _type_deviation(
                "renamed type", f"{name} -> {partner}", counts[name][0], before[name],
                f"activities of type {name} have ended ({before[name]:,.0f} in a week before) and "
                f"as many of type {partner} have begun ({counts[partner][0]:,.0f} in the newest "
                "week): probably the same under a new name. The champion knows only the old one; "
                "map the new name to it, or train again once there is enough history.",
            )  # fmt: skip
        else:
            yield _type_deviation(
                "type ended", name, counts[name][0], before[name],
                f"activities of type {name} have ended: {counts[name][0]:,.0f} in the newest "
                f"week, {before[name]:,.0f} in a week before. See whether the loader still reads "
                "them.",
            )  # fmt: skip
    for name in sorted(begun):
        yield _type_deviation(
            "new type", name, counts[name][0], before[name],
            f"activities of type {name} are new: {counts[name][0]:,.0f} in the newest week. The "
            "champion does not know the type and counts it among all others.", Severity.WARNING,
        )  # fmt: skip


def _unlike(count: float, other: float) -> float:
    return float(abs(np.log((count + 1) / (other + 1))))


def _type_deviation(
    what: str, where: str, size: float, expected: float, says: str,
    severity: Severity = Severity.ALARM,
) -> Deviation:  # fmt: skip
    return Deviation(what, where, float(size), expected, None, None, severity, says)


def _deviation(
    what: str, line: Weekly, severity: Severity, says: str, where: str | None = None
) -> Deviation:
    return Deviation(
        what, where or line.where, float(line.rows[0]), float(line.expected[0]),
        float(line.low[0]), float(line.high[0]), severity, says,
    )  # fmt: skip


def _rows(line: Weekly) -> str:
    return (
        f"{line.rows[0]:,.0f} rows where {line.expected[0]:,.0f} were to be expected "
        f"({line.low[0]:,.0f} to {line.high[0]:,.0f} would be usual)"
    )


def _before(counts: Floats) -> float:
    return float(counts[1 : 1 + BASE_WEEKS].mean())


def _goes_on(moves: Floats) -> bool:
    before = _before(moves)
    return bool(before > 0 and moves[0] >= GOES_ON * before)
