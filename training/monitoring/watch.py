"""One monitoring run: everything that is watched, as of one moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from features.clock import zulu
from features.progress import Progress, silent
from features.storage.warehouse import Warehouse
from training.evaluation.later import CalibrationCheck, LaterCutoffs
from training.monitoring.calibration import Calibrated, judge_calibration, unjudged
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
        version: its number.
        bundle: the model.
        later: the mature cutoffs after a moment, every so many days.
        checks: forecasts at cutoffs, beside what happened, of each thing it forecasts.
    """

    kind: str
    version: str
    bundle: AnyBundle
    later: Callable[[Warehouse, AnyBundle, datetime, int], LaterCutoffs]
    checks: Callable[[Warehouse, AnyBundle, Sequence[datetime]], tuple[CalibrationCheck, ...]]


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
        calibration: forecasts and outcomes, by what is forecast.
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
            subject: calibrated
            for champion in champions
            for subject, calibrated in _calibration(
                past, champion, late.weeks * WEEK_DAYS, params
            ).items()
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
) -> dict[str, Calibrated]:
    later = mature_cutoffs(past, champion, late_days, params)
    if not later.cutoffs:
        since = champion.bundle.until
        if later.mature_from is None:
            first = "no quota runs after that"
        else:
            first = f"the first will be on {later.mature_from:%Y-%m-%d}"
        note = (
            f"{champion.kind}: the champion saw the data up to {since:%Y-%m-%d}, and no outcome "
            f"of a later forecast is mature yet; {first}"
        )
        return {champion.kind: unjudged(note)}
    checks = champion.checks(past, champion.bundle, later.cutoffs)
    return {check.subject: judge_calibration(check, params.monitor) for check in checks}


def mature_cutoffs(
    past: Warehouse, champion: Champion, late_days: int, params: TrainingParams
) -> LaterCutoffs:
    """Return the newest weekly cutoffs whose outcomes were due before those that are entered late.

    With quarters, and conversions of the newest 14 days missing:

    | as of  | leads, 30 days: the newest cutoff | deals: the newest quarter judged |
    |--------|-----------------------------------|----------------------------------|
    | May 1  | Mar 18: due by Apr 17             | January to March                 |
    | Apr 9  | Feb 24: due by Mar 26             | October to December              |

    Args:
        past: the extract, cut to the moment of monitoring.
        champion: it had not learned from them.
        late_days: days at the newest end whose outcomes have not been entered yet.
        params: the section `training`; tells how many weeks are looked at.
    """
    late = timedelta(days=late_days)
    on_time = past.until(past.data_until - late)
    later = champion.later(on_time, champion.bundle, champion.bundle.until, WEEK_DAYS)
    newest = later.cutoffs[-params.monitor.calibration_weeks :]
    return LaterCutoffs(newest, later.mature_from and later.mature_from + late)
