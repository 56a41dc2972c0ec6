"""At most five numbers about a rep, each beside what is usual among comparable reps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import pandas as pd

from features.errors import InputError
from features.kpi.catalogue import KPIS
from features.kpi.ledger import Ledger
from features.kpi.periods import Period
from features.params import Every, FeatureParams, KpiParams
from features.storage.warehouse import Warehouse
from training.report.kpi_people import Cell, People, cells, is_of_reps
from training.report.kpi_words import written

SO_FAR = ("attainment", "bookings", "leads_converted")
"""The first of these that can be told, of the running period."""
LATELY = (
    "leads_received",
    "conversion_ended",
    "win_rate",
    "cycle_days",
    "answered_in_time",
    "calls",
)
"""The first four of these, from the start of the period before."""
MOST = 5
COLUMNS = ["rep_id", "kpi", "label", "value", "usual", "n", "period_start", "period_end", "says"]


def key_numbers(
    warehouse: Warehouse, features: FeatureParams, params: KpiParams, as_of: datetime | None
) -> pd.DataFrame:
    """Measure at most five numbers for each rep.

    The result counts the running quota period (else quarter) so far. Rates need more cases than a
    few weeks hold, so the rest counts from the start of the period before it.

    Args:
        warehouse: the extract.
        features: name columns known at creation.
        params: words and minimal numbers.
        as_of: nothing is seen from here on; None is the extract's end.

    Returns:
        One row a rep and number: `rep_id, kpi, label, value, usual` (NaN where there are too few
        comparable reps), `n` (cases), `period_start, period_end` (the span counted), and `says`,
        the number in a sentence, which withholds what too few cases tell.
    """
    with warehouse.until(as_of).workspace() as past:
        whole = Ledger(past, features, params, "quarter")
        running, before = _periods(whole)
        until = past.data_until
        lately = Period(before.start, max(running.end, until))
        ledger = whole.over([lately, running])
        people = People.of(ledger, params)
        first = _told(ledger, SO_FAR)[:1]
        rest = _told(ledger, LATELY)[: MOST - len(first)]
        rows = [
            (cell, span)
            for span, names in ((running, first), (lately, rest))
            for cell in cells(people, _there(people, running, lately), span, names)
        ]
    return pd.DataFrame([_row(cell, span, until, params) for cell, span in rows], columns=COLUMNS)


def _told(ledger: Ledger, names: Sequence[str]) -> list[str]:
    return [name for name in names if name not in ledger.absent and is_of_reps(ledger, name)]


def _there(people: People, running: Period, lately: Period) -> list[str]:
    asked = people.reps(running)
    return asked or [rep for rep in people.reps(lately) if people.is_there(rep, lately)]


def _periods(ledger: Ledger) -> tuple[Period, Period]:
    """Return the running (or newest) quota period, else quarter, and the one before it."""
    kinds: tuple[Every, ...] = ("quota", "quarter")
    for every in kinds:
        with suppress(InputError):
            periods, _ = ledger.laid_out(every)
            if len(periods) > 1:
                return periods[-1], periods[-2]
    return ledger.periods[-1], ledger.periods[-1]


def _row(cell: Cell, span: Period, until: datetime, params: KpiParams) -> dict[str, object]:
    kpi = KPIS[cell.kpi]
    value = written(cell.value, kpi.unit)
    if not math.isfinite(cell.value):
        says = f"{kpi.label}: nothing to measure yet"
    elif kpi.is_estimate and cell.n < params.minimum_cases:
        says = f"{kpi.label}: too few cases to say ({cell.n})"
    elif math.isfinite(cell.usual):
        says = f"{kpi.label}: {value}; {written(cell.usual, kpi.unit)} is usual"
    else:
        says = f"{kpi.label}: {value}"
    return {
        "rep_id": cell.rep_id,
        "kpi": cell.kpi,
        "label": kpi.label,
        "value": cell.value,
        "usual": cell.usual,
        "n": cell.n,
        "period_start": span.start,
        "period_end": min(span.end, until),
        "says": says,
    }
