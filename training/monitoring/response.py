"""Activity without customers: more touches logged, fewer answered. Something to look at together.

Counts that are watched are counts that grow. A rep whose touches rise far above the rep's own past
while customers answer a smaller share may have found a new list, a new territory, or a way to look
busy. The data cannot tell these apart, so this is a warning with careful words, never an alarm.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import ibis
import numpy as np
import pandas as pd
from scipy import stats

from features.arrays import Floats
from features.clock import midnight
from features.storage.warehouse import Warehouse
from training.monitor_params import MonitorParams
from training.monitoring.deviation import Deviation, Severity
from training.monitoring.usual import usual

FOUR_WEEKS, DAY_S = 28, 86_400
MOST_SPANS = 14
BEFORE_SPANS = 3
MORE = 1.4
"""Times the touches of the spans before from which there are many more."""
FEWER = 0.75
"""Times the answered share of before below which far fewer are answered."""
MANY_REPS = 0.25
"""Share of the reps from which it is the company that has changed, not its reps."""
OUT, IN = "outbound", "inbound"


def read_responses(warehouse: Warehouse, as_of: datetime, params: MonitorParams) -> pd.DataFrame:
    """Count the touches of each rep, and those that the lead answered, in spans of four weeks.

    A touch is an outbound activity; it is answered by an inbound one of the same lead within
    `response_days`. Touches too young to have been answered are left out.

    Args:
        warehouse: cut to the moment of monitoring.
        as_of: that moment.
        params: how long an answer may take.

    Returns:
        `span` (0 the newest), `rep_id, touches, answered`; empty where directions are not logged.
    """
    rows = warehouse["activities"]
    rows = rows.drop_null("lead_id").filter(rows.direction.isin([OUT, IN]))
    later = ibis.window(
        group_by=rows.lead_id, order_by=rows.occurred_at, preceding=0, following=None
    )
    answer = ibis.ifelse(rows.direction == IN, rows.occurred_at, ibis.null("timestamp(6)"))
    marked = rows.mutate(answer=answer.min().over(later))
    touches = marked.filter(marked.direction == OUT).drop_null("rep_id")
    last = midnight(as_of) - timedelta(days=params.response_days)
    days = ibis.literal(last, "timestamp(6)").delta(touches.occurred_at.truncate("D"), unit="day")
    seconds = touches.answer.delta(touches.occurred_at, unit="second")
    is_answered = ibis.coalesce(seconds < DAY_S * params.response_days, ibis.literal(value=False))
    spans = touches.select(
        "rep_id",
        span=((days - 1).cast("float64") / FOUR_WEEKS).floor().cast("int64"),
        answered=is_answered.cast("int64"),
    )
    sums = spans.group_by("span", "rep_id").aggregate(
        touches=spans.count(), answered=spans.answered.sum()
    )
    frame = warehouse.arrow(sums).to_pandas()
    return frame[frame["span"].between(0, MOST_SPANS - 1)].reset_index(drop=True)


def unanswered(responses: pd.DataFrame, params: MonitorParams) -> Iterator[Deviation]:
    """Name reps whose touches rose while a smaller share was answered, both beyond luck.

    Args:
        responses: of `read_responses`.
        params: the chance of a false alarm, shared by all reps.
    """
    reps = list(responses.groupby("rep_id"))
    chance = params.false_alarms / max(len(reps), 1)
    named = [d for rep, rows in reps if (d := _of_rep(str(rep), rows, chance, params)) is not None]
    # Where many reps show it at once, something has happened to all of them.
    if len(named) <= max(1.0, MANY_REPS * len(reps)):
        yield from named


def _of_rep(rep: str, rows: pd.DataFrame, chance: float, params: MonitorParams) -> Deviation | None:
    touches, answered = _by_span(rows, "touches"), _by_span(rows, "answered")
    before = slice(1, 1 + BEFORE_SPANS)
    if (touches[before] == 0).any() or touches[before].mean() < params.minimum_rows:
        return None
    ratio = touches[0] / touches[before].mean()
    share, share_before = (
        answered[0] / max(touches[0], 1),
        answered[before].sum() / (touches[before].sum()),
    )
    if ratio < MORE or share > FEWER * share_before:
        return None
    worked = touches[1:][touches[1:] > 0]
    past = usual(np.log(worked), 2 * chance, 2)
    if past is None or np.log(touches[0]) <= past.high:
        return None
    expected = share_before * touches[0]
    if stats.binom.cdf(answered[0], int(touches[0]), share_before) > chance:
        return None
    return Deviation(
        "activity without response", rep, share, share_before, FEWER * share_before, 1.0,
        Severity.WARNING,
        f"{rep}: {touches[0]:,.0f} touches in four weeks, {ratio:.1f} times as many as before, "
        f"and customers answered {_percent(share)} of them instead of {_percent(share_before)} "
        f"({answered[0]:,.0f} answers, {expected:,.0f} at the earlier share). Look at it together "
        "with the rep: a new list, another territory and a change in logging look the same here.",
    )  # fmt: skip


def _by_span(rows: pd.DataFrame, column: str) -> Floats:
    return np.bincount(rows["span"], rows[column], MOST_SPANS).astype(np.float64)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
