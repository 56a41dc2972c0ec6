"""Why a call is worth it now: what changed since the last working day, and the formula's parts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from features.build import Examples
from features.clock import naive_utc
from features.feature import Aggregate, Aggregation, Feature, Unit
from features.params import FeatureParams
from features.snapshot import CUTOFF
from features.texts import Who
from training.leads.values import say_value

MOST_NEWS = 2
"""Things that changed, at most, of one lead."""
SAME = 1e-6
"""Days by which two features that tell of one event may differ."""
AGE = "age_days"
LEAST_SAID = 0.0005
"""What a call that gets nobody adds to a chance, from which it is said."""


def last_working_day(as_of: datetime, params: FeatureParams) -> float:
    """Return how many days ago the last working day before this one began.

    A list made on a Monday morning looks back to Friday morning: 3 days.
    """
    days = [as_of.date() - timedelta(days=back) for back in range(1, 8)]
    names = [f"{day:%a}".lower() for day in days]
    back = next((k for k, name in enumerate(names) if name in params.working_days), 0)
    midnight = datetime(days[back].year, days[back].month, days[back].day)
    return (as_of - midnight) / timedelta(days=1)


def news(examples: Examples, params: FeatureParams) -> list[list[str]]:
    """Return what the lead itself did since the last working day, a list for each row.

    Args:
        examples: open leads at one cutoff.
        params: the working days.
    """
    told = [feature for feature in examples.feature_set if _is_news(feature)]
    if not len(examples):
        return []
    # Spark hands moments over with their zone.
    within = last_working_day(naive_utc(examples.keys[CUTOFF].iloc[0].to_pydatetime()), params)
    found: list[list[tuple[float, str]]] = [[] for _ in range(len(examples))]
    for feature in told:
        values = examples.X[feature.name].to_numpy()
        for row in np.flatnonzero(values < within):
            value = float(values[row])
            if all(abs(value - known) > SAME for known, _ in found[row]):
                found[row].append((value, say_value(feature, value)))
    return [[says for _, says in sorted(rows)[:MOST_NEWS]] for rows in found]


def _is_news(feature: Feature) -> bool:
    """Whether a feature tells how long ago the lead did something, or came in."""
    if feature.name == AGE:
        return True
    how = feature.how
    # How a call ended is not what the lead did, so outcomes are no news.
    is_last = isinstance(how, Aggregate) and how.kind is Aggregation.SINCE_LAST
    is_act = isinstance(how, Aggregate) and how.by in {"type", "direction"}
    is_theirs = feature.who in {Who.LEAD, Who.CUSTOMER}
    return is_last and is_act and is_theirs and feature.unit is Unit.DAYS


def call_reasons(rows: pd.DataFrame, *, is_learned: bool) -> Sequence[str]:
    """Return why each call is worth it, as JSON: `{"news": [...], "says": "...", "tried": 120.0}`.

    Args:
        rows: `cutoff, p, reach, gain, days_since_touch, news` (a JSON list), a row for each lead;
            `tried_now`, what a call adds to the chance that gets nobody; `value`, the believed
            amount, and `counted`, what it counts as; `tried`, what a call brings to a lead that
            was left alone, got through or not, in the currency of the amounts.
        is_learned: whether reach and gain are known.
    """
    texts = []
    for row in rows.to_dict("records"):
        says = f"chance {_percent(row['p'])}"
        if is_learned:
            gain = f"{100 * row['gain']:+.0f} points"
            says = f"reached with {_percent(row['reach'])}; if reached, {gain}"
            if row["tried_now"] >= LEAST_SAID:
                says += f"; if not, {100 * row['tried_now']:+.1f}"
        last = touched(row["days_since_touch"], row[CUTOFF])
        reasons = {
            "news": json.loads(row["news"]),
            "says": f"{says}; {_amount(row['value'], row['counted'])}; {last}",
            "tried": float(row["tried"]),
        }
        texts.append(json.dumps(reasons, ensure_ascii=False))
    return texts


def touched(days: float, as_of: datetime) -> str:
    """Say when a lead was touched last.

    >>> monday = datetime(2026, 3, 2)
    >>> [touched(days, monday) for days in (float("inf"), 0.6, 1.4)]
    ['not touched yet', 'last touched yesterday', 'last touched 2 days ago']
    """
    if np.isinf(days):
        return "not touched yet"
    back = (as_of.date() - (as_of - timedelta(days=days)).date()).days
    return f"last touched {('today', 'yesterday')[back] if back < 2 else f'{back} days ago'}"  # noqa: PLR2004 - the words of the line


def _amount(worth: float, counted: float) -> str:
    """Say an amount, and what it counts as where that is something else.

    >>> _amount(65_400, 37_900), _amount(20_000, 20_000)
    ('65,400, counted as 37,900', '20,000')
    """
    own, part = f"{worth:,.0f}", f"{counted:,.0f}"
    return own if own == part else f"{own}, counted as {part}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
