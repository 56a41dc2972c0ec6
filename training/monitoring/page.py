"""The page of a monitoring run: what was found, and the charts it was found in."""

from __future__ import annotations

from markupsafe import Markup

from training.monitoring.deviation import Deviation, Severity
from training.monitoring.drift import Shift
from training.monitoring.inputs import Drift
from training.monitoring.plots import calibration_chart, shift_chart, weekly_chart
from training.monitoring.watch import Watched
from training.report.page import page_template

TITLE = "Is everything still as it was?"
MOST_SHIFTS = 12
"""Features that get a chart, the most moved first; the others are counted."""


def render(watched: Watched, source: str) -> str:
    """Return the page as text.

    Args:
        watched: what the run saw.
        source: what the page calls the data.
    """
    return page_template("monitor.html.j2").render(
        title=TITLE,
        source=source,
        watched=watched,
        headline=_headline(watched),
        tone="warn" if watched.alarms else "good",
        badges={Severity.ALARM: "worse", Severity.WARNING: "warn", Severity.INFO: "undecided"},
        figures=[_row(deviation) for deviation in watched.deviations],
        calibration={
            kind: (calibration_chart(kind, calibrated), calibrated.note)
            for kind, calibrated in watched.calibration.items()
        },
        volume=[(line.where, weekly_chart(line)) for line in watched.volume],
        outputs=[
            chart for drift in watched.drift.values() for chart in _charts(drift.outputs, drift)
        ],
        inputs={
            kind: (_charts(drift.inputs[:MOST_SHIFTS], drift), len(drift.inputs))
            for kind, drift in watched.drift.items()
        },
    )


def _headline(watched: Watched) -> str:
    alarms = len(watched.alarms)
    if not alarms:
        more = len(watched.deviations)
        things = "one thing is" if more == 1 else f"{more} things are"
        return "No alarm" + (f"; {things} worth a look" if more else "")
    return f"{alarms} alarm{'s' if alarms > 1 else ''}: look before you rely on these forecasts"


def _charts(shifted: tuple[Shift, ...], drift: Drift) -> list[tuple[str, Markup]]:
    if drift.layout is None:
        return []
    charts = [(shift.says, shift_chart(shift, drift.layout)) for shift in shifted]
    return [(says, chart) for says, chart in charts if chart]


def _row(deviation: Deviation) -> tuple[Deviation, str, str]:
    """Return a deviation with its figure and with what was to be expected, written out."""
    expected = "" if deviation.expected is None else _number(deviation.expected)
    if deviation.low is not None and deviation.high is not None:
        expected += f" ({_number(deviation.low)} to {_number(deviation.high)})"
    return deviation, _number(deviation.size), expected


def _number(value: float) -> str:
    if abs(value) >= 100:  # noqa: PLR2004 - a count
        return f"{value:,.0f}"
    return f"{value:.2f}".rstrip("0").rstrip(".")
