"""A monitoring run as the page shows it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from features.arrays import Floats
from training.monitoring.alert import Severity
from training.monitoring.drift import Shift
from training.monitoring.stream import by_team, by_type
from training.monitoring.unusual import unusual
from training.monitoring.watch import Run, Watched
from training.params import MonitorParams
from training.report.monitor_page import (
    MOST_SHIFTS,
    ChampionPart,
    FindingLine,
    KeptPoint,
    MonitorPage,
    ShiftBar,
    WeekChart,
)

MOST_CHARTS = 9


def monitor_page(run: Run, source: str, params: MonitorParams) -> MonitorPage:
    """Return the page of a run.

    Args:
        run: what was looked at and found.
        source: what the home is called.
        params: thresholds, which the charts' bands show.
    """
    alarmed = {a.where for a in run.alerts if a.severity is Severity.ALARM}
    weeks, outcomes = run.weeks, run.weeks.outcomes
    groups = {
        "Activities by type": _charts(by_type(weeks), alarmed, params),
        "Activities by team": _charts(by_team(weeks), alarmed, params),
        "Leads and deals": tuple(
            _chart(words, outcomes[name].to_numpy(np.float64), is_alarming=False, params=params)
            for name, words in (
                ("leads", "new leads"),
                ("conversions", "conversions"),
                ("deals", "new deals"),
                ("won", "deals won"),
            )
        ),
        "Records": (
            WeekChart("days that activities came late", list(weeks.delays)),
            WeekChart("repeated activities, per cent", list(100 * weeks.repeats)),
            WeekChart(
                "deals whose lead shows its conversion, per cent",
                list(100 * outcomes["shown"].to_numpy(np.float64)),
                is_alarming="leads.converted_at" in alarmed,
            ),
        ),
    }
    return MonitorPage(
        as_of=run.as_of,
        source=source,
        findings=tuple(FindingLine(a.severity.value, a.what, a.says, a.advice) for a in run.alerts),
        groups=groups,
        champions=tuple(_part(champion, params) for champion in run.watched),
    )


def _charts(
    series: dict[str, Floats], alarmed: set[str], params: MonitorParams
) -> tuple[WeekChart, ...]:
    """Return a chart of each, those with an alarm first."""
    names = sorted(series, key=lambda name: name not in alarmed)[:MOST_CHARTS]
    return tuple(
        _chart(name, series[name], is_alarming=name in alarmed, params=params) for name in names
    )


def _chart(title: str, values: Floats, *, is_alarming: bool, params: MonitorParams) -> WeekChart:
    found = unusual(values, params.sigmas / 2)
    low, high = (None, None) if np.isnan(found.low) else (found.low, found.high)
    return WeekChart(title, list(values), low, high, is_alarming)


def _part(champion: Watched, params: MonitorParams) -> ChampionPart:
    overall = [s for s in champion.shifts if not s.part][:MOST_SHIFTS]
    labels = {} if champion.panel is None else champion.panel.labels
    forecasts = (
        ()
        if champion.panel is None
        else champion.panel.forecasts(int(champion.panel.week.max()) + 1)
    )
    return ChampionPart(
        title=f"The {champion.kind} model, version {champion.version}",
        notes=champion.notes,
        shifts=tuple(_bar(s, dict(labels), params) for s in overall),
        kept=tuple(_points(champion)),
        forecasts=tuple(float(v) for v in forecasts),
    )


def _bar(shift: Shift, labels: dict[str, str], params: MonitorParams) -> ShiftBar:
    label = labels.get(shift.column, shift.column)
    return ShiftBar(label, shift.psi, shift.before, shift.is_large(params))


def _points(champion: Watched) -> Iterator[KeptPoint]:
    for kept in champion.kept[1:]:
        if kept.cutoff is not None:
            words = (
                f"{kept.cutoff:%Y-%m-%d}: {kept.happened:,.0f} happened, {kept.forecast:,.1f} were "
                f"forecast, {kept.ratio:.2f} ({kept.low:.2f} to {kept.high:.2f})"
            )
            yield KeptPoint(kept.cutoff, kept.ratio, kept.low, kept.high, words)
