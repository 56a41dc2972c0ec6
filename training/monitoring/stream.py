"""What can go wrong with the rows themselves: types, teams, repeats, delays, labels, gaming."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from features.arrays import Floats
from training.monitoring.alert import Alert, Severity
from training.monitoring.unusual import FEWEST_WEEKS, Unusual, unusual
from training.monitoring.weeks import WEEK, Weeks
from training.params import MonitorParams

GONE = 0.1
"""A type or team with less than this share of what is usual has stopped."""
NEW_SHARE = 0.02
"""A type that nobody knew is worth a word from this share of a week's activities on."""
FEW_BEFORE = 0.05
"""A type is new where the weeks before together hold less than this share of the newest week's."""
REPEATED = 0.05
SHOWN = 0.5
"""Of conversions that deals tell of, leads show fewer than this share where labels come late."""
LATER_DAYS = 1.0
RECENT = 4
"""Weeks in which a fault may have begun: the largest figure of the past is that before them."""
GAMING_WEEKS = 4
GAMING = 2.0
CHECK_LOADER = "look at the loader and at the CRM's own figures for that week before you retrain"


def stream_alerts(weeks: Weeks, params: MonitorParams) -> Iterator[Alert]:
    """Say what is wrong with the newest week's rows.

    Args:
        weeks: what each week showed.
        params: how far a week may be from what is usual.
    """
    if weeks.count <= FEWEST_WEEKS:
        return
    yield from _types(weeks, params)
    yield from _teams(weeks, params)
    yield from _repeats(weeks)
    yield from _delays(weeks, params)
    yield from _late_labels(weeks, params)
    yield from _gaming(weeks, params)


def by_type(weeks: Weeks) -> dict[str, Floats]:
    """Return each type's activities in every week, newest last, the most frequent type first."""
    frame = weeks.activities
    types = frame.groupby("type")["n"].sum().sort_values(ascending=False).index
    return {str(t): weeks.series(frame[frame["type"] == t]) for t in types}


def by_team(weeks: Weeks) -> dict[str, Floats]:
    """Return each team's activities in every week, the newest last: reps who are there."""
    team = weeks.activities["rep_id"].map(weeks.team)
    names = sorted(team.dropna().unique())
    return {str(t): weeks.series(weeks.activities[team == t]) for t in names}


def _alert(
    what: str, where: str, severity: Severity, found: Unusual, says: str, advice: str
) -> Alert:
    return Alert(
        what, where, severity, found.value, found.usual, found.low, found.high, says, advice
    )


def _types(weeks: Weeks, params: MonitorParams) -> Iterator[Alert]:
    """Find types that vanished, types that nobody knew, and types loaded twice."""
    series = by_type(weeks)
    total = weeks.series(weeks.activities)
    gone, new = [], []
    for name, counts in series.items():
        found, rest = unusual(counts, params.sigmas), unusual(total - counts, params.sigmas)
        usual = max(found.usual, 0.0)
        if usual >= params.least_count and _stops(found, rest, params):
            gone.append((name, found))
        elif counts[-1] >= max(params.least_count, NEW_SHARE * total[-1]) and (
            counts[:-1].sum() <= FEW_BEFORE * counts[-1]
        ):
            new.append((name, found))
        elif usual >= params.least_count and found.rises(params.ratio, params.sigmas):
            says = (
                f"{name}: {counts[-1]:,.0f} in the newest week, usually {usual:,.0f} "
                f"(at most {found.high:,.0f}): {found.ratio:.1f} times as many"
            )
            yield _alert("volume", name, Severity.ALARM, found, says, CHECK_LOADER)
    for name, found in gone:
        like = [n for n, f in new if 0.4 <= f.value / found.usual <= 2.5]  # noqa: PLR2004 - about as many
        renamed = f"; perhaps it is called {' or '.join(like)} now" if like else ""
        says = (
            f"{name}: {found.value:,.0f} in the newest week, usually {found.usual:,.0f}, while "
            f"other activities go on{renamed}"
        )
        advice = "map the new name to the old one (ingest --mapping), or train again on both"
        yield _alert(
            "vanished_type", name, Severity.ALARM, found, says, advice if like else CHECK_LOADER
        )
    for name, found in new:
        says = f"{name}: {found.value:,.0f} in the newest week, a type that was not there before"
        advice = "if it is an old type's new name, map it; else the next training will learn it"
        yield _alert("new_type", name, Severity.ALARM, found, says, advice)


def _stops(found: Unusual, rest: Unusual, params: MonitorParams) -> bool:
    """Whether something stops while the rest goes on: a holiday stops both."""
    return found.falls(1 / GONE, params.sigmas) and rest.ratio > 3 * GONE


def _teams(weeks: Weeks, params: MonitorParams) -> Iterator[Alert]:
    """Find teams whose logging stops, or doubles, while that of the others does not."""
    series = by_team(weeks)
    total = np.sum(list(series.values()), axis=0) if series else np.zeros(weeks.count)
    for name, counts in series.items():
        found, rest = unusual(counts, params.sigmas), unusual(total - counts, params.sigmas)
        if not found.usual >= params.least_count:
            continue
        if _stops(found, rest, params):
            says = (
                f"{name}: {counts[-1]:,.0f} activities in the newest week, usually "
                f"{found.usual:,.0f}, while other teams log as before"
            )
            advice = "ask whether the team's calls and e-mails still reach the CRM"
            yield _alert("stopped_team", name, Severity.ALARM, found, says, advice)
        elif found.rises(params.ratio, params.sigmas) and not rest.rises(1.3, params.sigmas / 2):
            says = (
                f"{name}: {counts[-1]:,.0f} activities in the newest week, usually "
                f"{found.usual:,.0f}, while other teams log as before"
            )
            yield _alert("volume_of_team", name, Severity.WATCH, found, says, CHECK_LOADER)
    whole = unusual(total, params.sigmas)
    if whole.usual >= params.least_count and whole.falls(1 / GONE, params.sigmas):
        says = (
            f"{total[-1]:,.0f} activities in the newest week, usually {whole.usual:,.0f}: "
            "logging or loading has stopped"
        )
        yield _alert("stopped", "activities", Severity.ALARM, whole, says, CHECK_LOADER)


def _repeats(weeks: Weeks) -> Iterator[Alert]:
    """Find rows that were loaded twice under new ids."""
    share, before = float(weeks.repeats[-1]), float(np.max(weeks.repeats[:-RECENT]))
    if share >= REPEATED and share > 2 * before:
        says = (
            f"{share:.0%} of the newest week's activities equal another one in lead, type, time "
            f"and rep; before it was at most {before:.1%}"
        ).replace("%", " %")
        yield Alert(
            "repeated", "activities", Severity.ALARM, share, before, 0.0, before, says,
            "the loader counts calls twice: remove the copies, and ingest again",
        )  # fmt: skip


def _delays(weeks: Weeks, params: MonitorParams) -> Iterator[Alert]:
    """Find activities that become known later than they used to."""
    found = unusual(weeks.delays, params.sigmas)
    later = found.value - found.usual
    most = float(np.max(weeks.delays[:-RECENT]))
    if later >= LATER_DAYS and found.value > params.ratio * most:
        says = (
            f"activities became known {found.value:.1f} days late in the newest week, usually "
            f"{found.usual:.1f} and at most {most:.1f}"
        )
        advice = "scores see them late too; ask what delays the loader"
        yield _alert("late_rows", "activities", Severity.ALARM, found, says, advice)


def _late_labels(weeks: Weeks, params: MonitorParams) -> Iterator[Alert]:
    """Find conversions that deals tell of and leads do not show yet."""
    recent = weeks.outcomes.iloc[-2:]
    n = float(recent["from_leads"].sum())
    before = weeks.outcomes.iloc[:-RECENT]
    usual = _mean_share(before)
    if n < params.least_count / 2 or not usual > SHOWN:
        return
    shown = _mean_share(recent)
    if shown < SHOWN * usual:
        error = float(np.sqrt(max(usual * (1 - usual), 0.25 / n) / n))
        says = (
            f"of {n:.0f} deals opened from leads in the last two weeks, {shown:.0%} have a lead "
            f"that shows its conversion, usually {usual:.0%}: conversions are recorded late"
        ).replace("%", " %")
        yield Alert(
            "late_labels", "leads.converted_at", Severity.ALARM, shown, usual,
            usual - params.sigmas * error, 1.0, says,
            "do not train or judge on the newest weeks until conversions are recorded again",
        )  # fmt: skip


def _mean_share(frame: pd.DataFrame) -> float:
    n = frame["from_leads"].sum()
    return (
        float((frame["shown"].fillna(0.0) * frame["from_leads"]).sum() / n) if n else float("nan")
    )


def _gaming(weeks: Weeks, params: MonitorParams) -> Iterator[Alert]:
    """Find reps with far more outgoing activity and far fewer answers than in their own past."""
    frame = weeks.activities[weeks.activities["rep_id"].isin(weeks.team.index)]
    is_new = frame[WEEK] < GAMING_WEEKS
    now = frame[is_new].groupby("rep_id")[["outbound", "answered"]].sum() / GAMING_WEEKS
    earlier = frame[~is_new & (frame[WEEK] < 7 * GAMING_WEEKS)]
    worked = earlier.groupby("rep_id")[WEEK].nunique()
    past = earlier.groupby("rep_id")[["outbound", "answered"]].sum().div(worked, axis=0)
    joined = now.join(past.add_suffix("_before")).dropna()
    for rep, row in joined.to_dict("index").items():
        before, after = row["outbound_before"], row["outbound"]
        if min(before, after) < params.least_count / 3 or worked.get(rep, 0) < FEWEST_WEEKS:
            continue
        rate, rate_before = row["answered"] / after, row["answered_before"] / before
        if after >= GAMING * before and rate_before > 0 and rate <= rate_before / GAMING:
            says = (
                f"{rep}: {after:.0f} outgoing activities a week, {before:.0f} before, and answers "
                f"to {rate:.0%} of them, {rate_before:.0%} before"
            ).replace("%", " %")
            yield Alert(
                "no_answers", str(rep), Severity.WATCH, float(after), float(before), None, None,
                says,
                "look at it together: another list, another loader and another way of working all "
                "look like this",
            )  # fmt: skip
