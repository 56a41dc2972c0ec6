"""One monitoring run: everything that is looked at, and what was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from features.progress import Progress, silent
from features.storage.warehouse import Warehouse
from training.leads.bundle import Bundle
from training.leads.later import forecast_later_leads, lead_cutoffs
from training.monitoring.alert import Alert, Severity
from training.monitoring.calibration import CUTOFFS, Kept, calibration_alerts, kept_forecasts
from training.monitoring.drift import NEEDED, Shift, shifts
from training.monitoring.panels import FORECAST, Panel, deal_panel, lead_panel
from training.monitoring.stream import stream_alerts
from training.monitoring.weeks import Weeks, read_weeks
from training.params import MonitorParams
from training.quota.later import ended_cutoffs, forecast_later_reps

if TYPE_CHECKING:
    from training.tracking.records import LoadedModel

NAMED = 5
"""Shifted columns that a sentence names."""
LEAST_PART = 200
"""Leads in the newest weeks without which a part of the company is not judged by itself."""
STRICTER = 1.5
"""A shift in one part alone, of many, has to be so many times as large."""


@dataclass(frozen=True, eq=False)
class Watched:
    """What a champion's inputs and forecasts look like.

    Attributes:
        kind: "leads" or "quota".
        version: of the champion.
        until: what it learned from lies before this.
        panel: its rows, week by week; None where there is too little past.
        shifts: how far each column has shifted, in the whole company first, the farthest first.
        kept: what came of its forecasts; empty where nothing is known yet.
        notes: what could not be looked at, in sentences.
    """

    kind: str
    version: str
    until: datetime
    panel: Panel | None
    shifts: tuple[Shift, ...]
    kept: tuple[Kept, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Run:
    """A monitoring run.

    Attributes:
        as_of: the moment; nothing later was seen.
        weeks: what each week showed.
        watched: each champion.
        alerts: what was found, alarms first.
    """

    as_of: datetime
    weeks: Weeks
    watched: tuple[Watched, ...]
    alerts: tuple[Alert, ...]

    @property
    def is_alarming(self) -> bool:
        """Whether anything is wrong."""
        return any(alert.severity is Severity.ALARM for alert in self.alerts)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "as_of": self.as_of.isoformat(),
            "findings": [alert.to_json() for alert in self.alerts],
            "champions": [
                {
                    "kind": w.kind,
                    "version": w.version,
                    "notes": list(w.notes),
                    "calibration": None if not w.kept else vars(w.kept[0]),
                    "shifts": [vars(shift) for shift in w.shifts],
                }
                for w in self.watched
            ],
        }


def monitor(
    warehouse: Warehouse,
    champions: list[LoadedModel],
    params: MonitorParams,
    progress: Progress = silent,
) -> Run:
    """Look at everything up to an extract's end.

    Args:
        warehouse: cut to the moment.
        champions: the models in use.
        params: when something is an alarm.
        progress: told of every step.
    """
    with progress("monitoring", 1 + 2 * len(champions)) as advance:
        weeks = read_weeks(warehouse, params.weeks)
        alerts = list(stream_alerts(weeks, params))
        advance(1)
        watched = []
        for model in champions:
            panel = _panel(warehouse, model, weeks.count)
            shifted = () if panel is None else tuple(_shifts(panel))
            advance(1)
            event, kept = _kept(warehouse, model, params)
            advance(1)
            notes = tuple(_notes(model, panel, kept, weeks.count))
            champion = Watched(
                model.kind, model.version, model.bundle.until, panel, shifted, tuple(kept), notes
            )
            watched.append(champion)
            alerts += [
                *_input_alerts(champion, params),
                *calibration_alerts(model.kind, event, kept, params),
            ]
    order = {Severity.ALARM: 0, Severity.WATCH: 1}
    alerts.sort(key=lambda alert: order[alert.severity])
    return Run(warehouse.data_until, weeks, tuple(watched), tuple(alerts))


def _panel(warehouse: Warehouse, model: LoadedModel, count: int) -> Panel | None:
    """Return a champion's rows week by week; None with too few weeks, or no features."""
    bundle = model.bundle
    if count <= NEEDED - 1 or not bundle.columns:
        return None
    panel = (
        lead_panel(warehouse, bundle, count)
        if isinstance(bundle, Bundle)
        else deal_panel(warehouse, bundle, count)
    )
    return panel if len(panel.values) and panel.values.shape[1] else None


def _shifts(panel: Panel) -> list[Shift]:
    found = shifts(panel.values, panel.week, panel.unit, None, panel.categorical)
    for name in panel.parts:
        if panel.parts[name].nunique() > 1:
            found += [
                Shift(s.column, f"{name}: {s.part}", s.psi, s.error, s.before, s.n)
                for s in shifts(
                    panel.values, panel.week, panel.unit, panel.parts[name], panel.categorical
                )
                if s.n >= LEAST_PART
            ]
    return sorted(found, key=lambda shift: (bool(shift.part), -shift.psi))


def _input_alerts(champion: Watched, params: MonitorParams) -> Iterator[Alert]:
    """Find shifts of inputs and of forecasts, in the whole company, and in parts alone."""
    if champion.panel is None:
        return
    labels = champion.panel.labels
    large = [s for s in champion.shifts if s.is_large(params)]
    overall = [s for s in large if not s.part and s.column != FORECAST]
    columns = sum(not s.part for s in champion.shifts)
    if overall:
        yield _shift_alert(
            "inputs", champion.kind, Severity.ALARM, overall,
            f"{len(overall)} of {columns} inputs of the {champion.kind} model have shifted: "
            + "; ".join(_told(s, labels) for s in overall[:NAMED]),
        )  # fmt: skip
    forecast = [s for s in large if not s.part and s.column == FORECAST]
    if forecast:
        yield _shift_alert(
            "forecasts", champion.kind, Severity.ALARM, forecast,
            f"forecasts of the {champion.kind} model have shifted: {_told(forecast[0], labels)}",
        )  # fmt: skip
    known = {s.column for s in (*overall, *forecast)}
    stricter = params.model_copy(
        update={"psi": STRICTER * params.psi, "psi_growth": STRICTER * params.psi_growth}
    )
    alone = [s for s in large if s.part and s.column not in known and s.is_large(stricter)]
    if alone:
        yield _shift_alert(
            "inputs_of_part", alone[0].part, Severity.WATCH, alone,
            f"in parts of the company inputs of the {champion.kind} model have shifted: "
            + "; ".join(f"{s.part}, {_told(s, labels)}" for s in alone[:NAMED]),
        )  # fmt: skip


def _shift_alert(what: str, where: str, severity: Severity, found: list[Shift], says: str) -> Alert:
    worst = found[0]
    advice = "see on the page since when; if the data is right, retrain and let the gate decide"
    return Alert(
        what, where, severity, worst.psi, worst.before, 0.0, max(worst.before, worst.error), says,
        advice,
    )  # fmt: skip


def _told(shift: Shift, labels: Any) -> str:
    return (
        f"{labels.get(shift.column, shift.column)} (index {shift.psi:.2f}, at most "
        f"{shift.before:.2f} before)"
    )


def _kept(
    warehouse: Warehouse, model: LoadedModel, params: MonitorParams
) -> tuple[str, list[Kept]]:
    """Return what is forecast, and what came of it at the newest cutoffs with known outcomes."""
    bundle = model.bundle
    if isinstance(bundle, Bundle):
        cutoffs = lead_cutoffs(warehouse, bundle, bundle.until, 7).cutoffs[-CUTOFFS:]
        if not cutoffs:
            return "", []
        forecasts = forecast_later_leads(warehouse, bundle, cutoffs)
    else:
        cutoffs = ended_cutoffs(warehouse, bundle.until, 7).cutoffs[-CUTOFFS:]
        if not cutoffs:
            return "", []
        forecasts = forecast_later_reps(warehouse, bundle, cutoffs)
    return forecasts.event, kept_forecasts(forecasts, params)


def _notes(model: LoadedModel, panel: Panel | None, kept: list[Kept], weeks: int) -> Iterator[str]:
    if panel is None and not model.bundle.columns:
        yield f"the {model.kind} champion is the fallback: it has no inputs that could shift"
    elif panel is None:
        yield (f"shifts of inputs cannot be told yet: {NEEDED} weeks are needed, there are {weeks}")
    if not kept:
        yield (
            f"calibration of the {model.kind} champion cannot be told yet: it has seen the data up "
            f"to {model.bundle.until:%Y-%m-%d}, and nothing later has a known outcome"
        )
