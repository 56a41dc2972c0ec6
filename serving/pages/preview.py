"""What another threshold or capacity would have meant in the past that models were tested on.

Nothing is guessed: the figures are those of forecasts that the model's test kept from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from serving.pages.facts import LEADS, QUOTA, Facts, LeadFacts
from serving.pages.region import Region


def preview(facts: Facts, name: str, value: float, talk_below: float, region: Region) -> str:
    """Say in a sentence what a value of a setting would have meant.

    Args:
        facts: of the home.
        name: the setting.
        value: the value.
        talk_below: the chance below which a talk is proposed, as set now.
        region: writes numbers.
    """
    if name == "worklist.calls_a_day":
        return _calls(facts, value, region)
    if name == "pages.talk_below":
        return _talks_below(facts, value, region)
    return _talks(facts, value, talk_below, region)


def _calls(facts: Facts, value: float, region: Region) -> str:
    """Say what share of conversions the first so many leads held, off the curve of gains."""
    metrics = _metrics(facts, LEADS)
    if isinstance(facts.leads, str) or not metrics:
        return "It cannot be said what it would have meant: leads were not tested."
    reached = listed_share(facts.leads, value)
    held = at_share(metrics["gains"]["model"], reached)
    return (
        f"With {value:.0f} a day, one day's lists hold {region.share(reached)} of the open leads. "
        f"On the past the model was tested on, the first {region.share(reached)} held "
        f"{region.share(held)} of the leads that converted."
    )


def listed_share(leads: LeadFacts, places: float) -> float:
    """Return what share of the open leads stands on the lists of a day.

    Args:
        leads: the open leads.
        places: on each rep's list.
    """
    sizes = leads.table.groupby("rep_id", dropna=False).size().to_numpy(np.float64)
    total = float(sizes.sum())
    return float(np.minimum(sizes, places).sum()) / total if total else 0.0


def at_share(curve: list[float], share: float) -> float:
    """Return a curve of gains at a share of the leads, straight between its points.

    >>> at_share([0.0, 0.5, 0.8, 1.0], 0.5)
    0.65
    """
    places = np.linspace(0.0, 1.0, len(curve))
    return round(float(np.interp(share, places, curve)), 6)


def _talks_below(facts: Facts, value: float, region: Region) -> str:
    metrics = _metrics(facts, QUOTA)
    bins = metrics.get("reliability") or []
    if not bins:
        return "It cannot be said what it would have meant: quotas were not tested."
    flagged, missed, all_missed = flags_below(bins, value)
    total = sum(row["n_rows"] for row in bins)
    if not flagged:
        return f"None of {total} forecasts of the tested past were below {region.share(value)}."
    caught = missed / all_missed if all_missed else 0.0
    return (
        f"In the tested past about {flagged:.0f} of {total} forecasts were below "
        f"{region.share(value)}. Of those, {region.share(missed / flagged)} missed quota; they are "
        f"{region.share(caught)} of all forecasts that did."
    )


def flags_below(bins: list[Mapping[str, Any]], value: float) -> tuple[float, float, float]:
    """Count forecasts below a threshold, those of them that missed, and all that missed.

    A bin that the threshold cuts counts in part, as if its forecasts were spread evenly.

    | bin        | forecasts | made | threshold | flagged | of them missed |
    |------------|-----------|------|-----------|---------|----------------|
    | 0.1 to 0.3 | 20        | 10 % | 0.2       | 10      | 9              |
    | 0.1 to 0.3 | 20        | 10 % | 0.4       | 20      | 18             |
    | 0.5 to 0.7 | 20        | 60 % | 0.4       | 0       | 0              |

    Args:
        bins: of a calibration table, the lowest first.
        value: the threshold.
    """
    flagged = missed = every = 0.0
    for row in bins:
        width = row["high"] - row["low"]
        share = float(row["low"] < value) if width <= 0 else (value - row["low"]) / width
        share = min(max(share, 0.0), 1.0)
        misses = row["n_rows"] * (1 - row["rate"]["value"])
        flagged += share * row["n_rows"]
        missed += share * misses
        every += misses
    return flagged, missed, every


def _talks(facts: Facts, value: float, talk_below: float, region: Region) -> str:
    teams = facts.staff.leading()
    if isinstance(facts.quota, str) or not teams:
        return "It cannot be said what it would have meant: there are no forecasts of teams."
    talks = "talk" if value == 1 else "talks"
    begins = f"With {value:.0f} {talks} a week, each manager's page proposes up to {value:.0f}"
    if facts.history is None:
        return f"{begins}. What it would have meant last quarter is not known: no past is kept."
    rows = last_quarter(facts.history)
    asking, met = proposed(rows, facts.staff.managers, talk_below, value)
    if not asking:
        return f"{begins}. Last quarter nobody's chance was below {region.share(talk_below)}."
    days = [region.day(moment) for moment in (rows["cutoff"].min(), rows["cutoff"].max())]
    each = region.number(asking / rows["cutoff"].nunique())
    return (
        f"{begins}. From {days[0]} to {days[1]}, {each} reps at a time had a chance below "
        f"{region.share(talk_below)}; {region.share(met / asking)} of them would have been "
        "proposed at once, the others later."
    )


def last_quarter(history: pd.DataFrame) -> pd.DataFrame:
    """Return the past forecasts of the quota periods that began last."""
    running = history[history["period_start"] == history["period_start"].max()]
    return running[running["cutoff"] > running["period_start"]]


def proposed(
    rows: pd.DataFrame, managers: Mapping[str, str | None], talk_below: float, most: float
) -> tuple[int, int]:
    """Count the forecasts that ask for a talk, and those that a manager had time for.

    Of one manager's reps, 0.2, 0.3 and 0.9 likely to make quota, two ask for a talk below 0.5; with
    time for one a week, one of the two is proposed.

    Args:
        rows: `rep_id, cutoff, p_attain`; other columns do not matter.
        managers: each rep's manager, as the data end.
        talk_below: the threshold.
        most: talks a week.
    """
    asking = rows[rows["p_attain"] < talk_below]
    managed = asking.assign(manager=asking["rep_id"].map(managers)).dropna(subset="manager")
    sizes = managed.groupby(["cutoff", "manager"]).size()
    return int(sizes.sum()), int(sizes.clip(upper=most).sum())


def _metrics(facts: Facts, kind: str) -> Mapping[str, Any]:
    model = facts.models.get(kind)
    return {} if model is None else model.metrics
