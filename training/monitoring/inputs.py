"""How far the features and forecasts of a champion have moved, of either kind of model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from features.storage.warehouse import Warehouse
from training.cutoffs import deal_log_begins, first_midnight, training_cutoffs
from training.leads.bundle import Bundle
from training.monitoring.deviation import Deviation
from training.monitoring.drift import Counter, Shift, said, segment_shifts, shifts
from training.monitoring.snapshots import deal_rows, lead_rows
from training.monitoring.windows import Layout, lay_out
from training.params import TrainingParams

if TYPE_CHECKING:
    from training.tracking.loading import AnyBundle

RETRAIN = "Ask what has changed; a model trained on newer data may suit it better."


@dataclass(frozen=True)
class Drift:
    """What was seen of a champion's features and forecasts.

    Attributes:
        deviations: what has moved further than usual.
        notes: what was compared, or why nothing was.
        inputs: how far each feature has moved, the most moved first.
        outputs: the same of its forecasts.
        layout: the windows; None where the past is too short.
    """

    deviations: tuple[Deviation, ...] = ()
    notes: tuple[str, ...] = ()
    inputs: tuple[Shift, ...] = ()
    outputs: tuple[Shift, ...] = ()
    layout: Layout | None = None


def drift_of(past: Warehouse, kind: str, bundle: AnyBundle, params: TrainingParams) -> Drift:
    """Compare what a champion sees now with what it saw before.

    Args:
        past: the extract, cut to the moment of monitoring.
        kind: of model, in words.
        bundle: the champion.
        params: the section `training`.
    """
    first = _first(past, bundle, params)
    layout = first and lay_out(past.data_until, bundle.until, first, params.monitor)
    if not layout:
        return Drift(notes=(f"{kind}: too short a past to compare the newest features with",))
    if isinstance(bundle, Bundle):
        return _compared(kind, "leads", Counter.of(lead_rows(past, bundle, layout), layout), params)
    return _compared(kind, "deals", Counter.of(deal_rows(past, bundle, layout), layout), params)


def _first(past: Warehouse, bundle: AnyBundle, params: TrainingParams) -> datetime | None:
    """Return the first cutoff at which nothing open is missing; None without any."""
    if isinstance(bundle, Bundle):
        cutoffs = training_cutoffs(past, bundle.horizon_days, params)
        return cutoffs[0] if cutoffs else None
    deals = past["deals"]
    first = past.arrow(deals.aggregate(first=deals.created_at.min()))["first"].to_pylist()[0]
    if first is None:
        return None
    return first_midnight(max(first, deal_log_begins(past) or first))


def _compared(kind: str, units: str, counter: Counter, params: TrainingParams) -> Drift:
    monitor, layout = params.monitor, counter.layout
    inputs = shifts(counter, counter.rows.inputs, monitor)
    outputs = shifts(counter, counter.rows.outputs, monitor)
    n_units = counter.units()
    deviations = (
        *said(inputs, "inputs", RETRAIN, n_units, units),
        *said(outputs, "predictions", RETRAIN, n_units, units),
        *segment_shifts(counter, monitor),
    )
    notes = [_note(kind, units, layout, n_units)]
    if layout.n_past < monitor.minimum_past:
        notes.append(
            f"{kind}: shifts are shown and not judged; {layout.n_past} earlier comparisons are too "
            f"few to tell what is usual, {monitor.minimum_past} are needed"
        )
    return Drift(deviations, tuple(notes), tuple(inputs), tuple(outputs), layout)


def _note(kind: str, units: str, layout: Layout, n_units: tuple[int, int]) -> str:
    now, reference = layout.cutoffs[0], layout.cutoffs[layout.reference(0)]
    return (
        f"{kind}: {n_units[1]:,} {units} open from {now[0]:%Y-%m-%d} to {now[-1]:%Y-%m-%d} beside "
        f"{n_units[0]:,} from {reference[-1][0]:%Y-%m-%d} to {reference[0][-1]:%Y-%m-%d}, and "
        f"{layout.n_past} earlier comparisons of the same kind"
    )
