"""One monitoring run: everything that is watched, as of one moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from features.clock import zulu
from features.progress import Progress, silent
from features.snapshot import within
from features.storage.warehouse import Warehouse
from training.evaluation.later import LaterCutoffs, LaterForecasts
from training.leads.bundle import Bundle
from training.monitoring.calibration import (
    Calibrated,
    judge_calibration,
    level_error,
    mature_cutoffs,
    unjudged,
)
from training.monitoring.deviation import Deviation, Severity, worst_first
from training.monitoring.inputs import Drift, drift_of
from training.monitoring.quality import late_labels, late_rows, repeated, stale
from training.monitoring.response import read_responses, unanswered
from training.monitoring.streams import WEEK_DAYS, read_streams
from training.monitoring.volume import judge_volume
from training.monitoring.weekly import Weekly
from training.params import TrainingParams

if TYPE_CHECKING:
    from training.tracking.loading import AnyBundle

STEPS = ("rows that came in", "features and forecasts", "calibration")


@dataclass(frozen=True)
class Champion:
    """A champion, and how its kind of model forecasts the past.

    Attributes:
        kind: its kind in words.
        units: what it forecasts one by one, in words: "leads", "reps".
        version: its number.
        bundle: the model.
        later: the mature cutoffs after a moment, every so many days.
        forecast: forecasts at cutoffs, beside what happened.
    """

    kind: str
    units: str
    version: str
    bundle: AnyBundle
    later: Callable[[Warehouse, AnyBundle, datetime, int], LaterCutoffs]
    forecast: Callable[[Warehouse, AnyBundle, Sequence[datetime]], LaterForecasts]


@dataclass(frozen=True)
class Watched:
    """What a monitoring run saw.

    Attributes:
        as_of: the moment; nothing at or after it was seen.
        deviations: the worst first.
        notes: what was compared, and what could not be, in sentences.
        champions: version and end of data of each kind.
        volume: rows by week.
        drift: how far features and forecasts have moved, by kind.
        calibration: forecasts and outcomes, by kind.
    """

    as_of: datetime
    deviations: tuple[Deviation, ...]
    notes: tuple[str, ...]
    champions: Mapping[str, tuple[str, datetime]]
    volume: tuple[Weekly, ...]
    drift: Mapping[str, Drift]
    calibration: Mapping[str, Calibrated]

    @property
    def alarms(self) -> list[Deviation]:
        """What makes the run end with 1."""
        return [d for d in self.deviations if d.severity is Severity.ALARM]

    def to_json(self) -> dict[str, Any]:
        """Return it as `monitor --json` prints it."""
        return {
            "as_of": zulu(self.as_of),
            "champions": {
                kind: {"version": version, "until": zulu(until)}
                for kind, (version, until) in self.champions.items()
            },
            "findings": [deviation.to_json() for deviation in self.deviations],
            "notes": list(self.notes),
            "calibration": {k: c.ratio.to_json() for k, c in self.calibration.items()},
        }


def watch(
    warehouse: Warehouse,
    champions: Sequence[Champion],
    params: TrainingParams,
    asked: datetime | None = None,
    progress: Progress = silent,
) -> Watched:
    """Look at rows, features, forecasts and outcomes as of a moment.

    Args:
        warehouse: the whole extract.
        champions: those there are.
        params: the section `training`.
        asked: the moment; the extract's end if None. Later than that end, it tells that loading has
            stopped, and the extract's end counts.
        progress: told of every step.
    """
    past = warehouse.until(asked)
    as_of, monitor = past.data_until, params.monitor
    deviations = list(stale(asked, warehouse.data_until, monitor)) if asked else []
    with progress("watching", len(STEPS)) as advance:
        streams = read_streams(past, as_of)
        volume = judge_volume(streams, monitor)
        late = late_labels(streams, monitor)
        copies = list(repeated(streams, monitor))
        deviations += [*copies, *late_rows(streams, monitor), *volume.deviations]
        deviations += [late.deviation] if late.deviation else []
        if not copies:  # repeated rows are touches that nobody answers
            deviations += unanswered(read_responses(past, as_of, monitor), monitor)
        advance(1)
        drift = {c.kind: drift_of(past, c.kind, c.bundle, params) for c in champions}
        advance(1)
        calibration = {
            champion.kind: _calibration(past, champion, late.weeks * WEEK_DAYS, params)
            for champion in champions
        }
        advance(1)
    deviations += [d for moved in drift.values() for d in moved.deviations]
    deviations += [d for c in calibration.values() for d in c.deviations]
    return Watched(
        as_of=as_of,
        deviations=tuple(worst_first(deviations)),
        notes=(
            *(note for moved in drift.values() for note in moved.notes),
            *(c.note for c in calibration.values()),
        ),
        champions={c.kind: (c.version, c.bundle.until) for c in champions},
        volume=volume.lines,
        drift=drift,
        calibration=calibration,
    )


def _calibration(
    past: Warehouse, champion: Champion, late_days: int, params: TrainingParams
) -> Calibrated:
    since, monitor = champion.bundle.until, params.monitor
    later = champion.later(past, champion.bundle, since, WEEK_DAYS)
    cutoffs = mature_cutoffs(later.cutoffs, late_days, monitor)
    if not cutoffs:
        if later.mature_from is None:
            first = "no quota runs after that"
        else:
            first = f"the first will be on {later.mature_from:%Y-%m-%d}"
        return unjudged(
            f"{champion.kind}: the champion saw the data up to {since:%Y-%m-%d}, and no outcome "
            f"of a later forecast is mature yet; {first}"
        )
    forecasts = champion.forecast(past, champion.bundle, cutoffs)
    # All reps of a quarter share its luck, which drawing reps whole does not show: a single quarter
    # alarms nobody. Leads of thirteen weeks are many, and hardly share theirs.
    severity = Severity.ALARM if isinstance(champion.bundle, Bundle) else Severity.WARNING
    error = _level_error(past, champion.bundle)
    return judge_calibration(
        champion.kind, forecasts, champion.units, severity, monitor, level_error=error
    )


def _level_error(past: Warehouse, bundle: AnyBundle) -> float:
    """Return how far a lead model's level may be off by the luck of its calibration window."""
    if not isinstance(bundle, Bundle):
        return 0.0
    window = bundle.about.get("parts", {}).get("calibrate")
    if not window:
        return 0.0
    first, last = (datetime.fromisoformat(moment) for moment in window)
    leads, ends = past["leads"], last + timedelta(days=bundle.horizon_days)
    seen = leads.filter(within(leads.converted_at, first, ends))
    (row,) = past.arrow(seen.aggregate(n=seen.count())).to_pylist()
    return level_error(row["n"], (last - first).days + 1)
