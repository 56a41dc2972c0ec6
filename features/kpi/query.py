"""Key figures of any period and group, as of a moment, in long form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from features.errors import InputError
from features.kpi.catalogue import KPIS
from features.kpi.declare import Fact, Kpi, Made, Part, Since
from features.kpi.ledger import NOBODY, PERIOD, Ledger
from features.kpi.periods import year_before
from features.params import Every, FeatureParams, KpiParams
from features.storage.warehouse import Warehouse

FIGURES = ("value", "numerator", "denominator", "n", "is_over")
"""The columns of a figure, behind those that say which it is."""
Sums = Mapping[Fact, pd.DataFrame]


@dataclass(frozen=True)
class KpiQuery:
    """What is asked.

    Attributes:
        names: figures, by name; none asks for all that can be known.
        every: day, week, month, quarter or quota (the quota periods).
        by: `rep_id`, and columns to slice by ("team", "leads.source"); none: the company.
        start: no period ends before this; None: the newest so many that the settings say.
        end: nothing is seen from here on; None is the extract's end.
    """

    names: Sequence[str] = ()
    every: Every = "month"
    by: Sequence[str] = ()
    start: datetime | None = None
    end: datetime | None = None


def measure(
    warehouse: Warehouse, features: FeatureParams, params: KpiParams, query: KpiQuery
) -> pd.DataFrame:
    """Measure key figures.

    Args:
        warehouse: the extract.
        features: name columns known at creation.
        params: the words by which things are recognised.
        query: what is asked.

    Returns:
        One row a figure, period and group: `kpi, period_start`, the columns of `by` (None: nobody,
        or no value), `value` (NaN where nothing can be divided), `numerator, denominator` (NaN
        where it has none), `n` (the cases it rests on) and `is_over` (the whole period was seen).

    Raises:
        InputError: there is no such figure or column, or a column's past is not known.
    """
    with warehouse.until(query.end).left().workspace() as past:
        ledger = Ledger(past, features, params, query.every, query.start)
        return figures(ledger, query.by, query.names)


def figures(ledger: Ledger, by: Sequence[str] = (), names: Sequence[str] = ()) -> pd.DataFrame:
    """Measure key figures of facts that are laid out already; see `measure`."""
    kpis = [kpi for kpi in _asked(names) if kpi.name not in ledger.absent]
    sums = _sums(ledger, kpis, by)
    grid = _grid(ledger, sums, by)
    parts = [
        _figure(ledger, kpi, sums, grid)
        for kpi in kpis
        if {part.fact for part in kpi.parts} <= set(sums)
    ]
    index = ["kpi", PERIOD, *by]
    if not parts:
        return pd.DataFrame(columns=[*index, *FIGURES])
    frame = pd.concat(parts, ignore_index=True)
    over = {period.start: ledger.is_over(period) for period in ledger.periods}
    frame["is_over"] = frame[PERIOD].map(over).astype(bool)
    shown = {period.start for period in ledger.shown}
    frame = frame[frame[PERIOD].isin(shown)]
    for name in by:
        frame[name] = frame[name].where(frame[name] != NOBODY, None)
    return frame[[*index, *FIGURES]].reset_index(drop=True)


def _asked(names: Sequence[str]) -> list[Kpi]:
    for name in names:
        if name not in KPIS:
            raise InputError(f"no figure {name!r}; there are {', '.join(KPIS)}")
    return [kpi for kpi in KPIS.values() if not names or kpi.name in names]


def _sums(ledger: Ledger, kpis: Iterable[Kpi], by: Sequence[str]) -> dict[Fact, pd.DataFrame]:
    """Add up every column that the figures need, of the facts that can be sliced so."""
    added: dict[Fact, set[str]] = {}
    medians: dict[Fact, set[str]] = {}
    for kpi in kpis:
        for part in kpi.parts:
            is_median = kpi.made is Made.MEDIAN and part is kpi.numerator
            kind = medians if is_median else added
            kind.setdefault(part.fact, set()).add(part.column)
    sums = {}
    for fact in dict.fromkeys((*added, *medians)):
        columns = (sorted(added.get(fact, ())), sorted(medians.get(fact, ())))
        frame = ledger.sums(fact, *columns, by)
        if frame is not None:
            sums[fact] = frame
    return sums


def _grid(ledger: Ledger, sums: Sums, by: Sequence[str]) -> pd.Index:
    """Line up every group with every period from its first to its last one with a fact."""
    starts = pd.DatetimeIndex([period.start for period in ledger.periods], name=PERIOD)
    # Nothing that is asked for can be sliced so, or nothing has happened.
    if not by or not sums:
        return starts.as_unit("us")
    met = pd.concat([frame.index.to_frame(index=False) for frame in sums.values()])
    spans = met.groupby(list(by), dropna=False)[PERIOD].agg(["min", "max"]).reset_index()
    grid = spans.merge(starts.as_unit("us").to_frame(index=False), how="cross")
    grid = grid[(grid[PERIOD] >= grid["min"]) & (grid[PERIOD] <= grid["max"])]
    return pd.MultiIndex.from_frame(grid[[PERIOD, *by]])


def _figure(ledger: Ledger, kpi: Kpi, sums: Sums, grid: pd.Index) -> pd.DataFrame:
    def column(part: Part, fill: float = 0.0) -> pd.Series:
        return sums[part.fact][part.column].reindex(grid, fill_value=fill)

    rows = pd.DataFrame({"kpi": kpi.name, "n": column(kpi.counted)}, index=grid)
    rows["numerator"] = column(kpi.numerator)
    rows["denominator"] = np.nan
    if kpi.made is Made.MEDIAN:
        rows["value"] = column(kpi.numerator, np.nan)
        rows["numerator"] = np.nan
    elif kpi.made is Made.SUM:
        rows["value"] = rows["numerator"]
    else:
        if kpi.denominator is not None:
            rows["denominator"] = column(kpi.denominator)
        else:
            rows["denominator"] = _earlier(ledger, kpi, rows["numerator"])
        ratio = rows["numerator"] / rows["denominator"].where(rows["denominator"] > 0)
        rows["value"] = ratio if kpi.made is Made.RATIO else ratio - 1
    if kpi.made is Made.CHANGE:
        # A period that still runs is not compared with a whole one.
        running = [period.start for period in ledger.periods if not ledger.is_over(period)]
        rows.loc[rows.index.get_level_values(PERIOD).isin(running), "value"] = np.nan
    rows["n"] = rows["n"].fillna(0).astype("int64")
    return rows.reset_index()


def _earlier(ledger: Ledger, kpi: Kpi, values: pd.Series) -> pd.Series:
    """Return what each period is measured against; NaN where that is not wholly in the extract."""
    starts = [period.start for period in ledger.periods]
    if kpi.since is Since.PERIOD:
        earlier = dict(zip(starts[1:], starts, strict=False))
    else:
        earlier = {start: year_before(start, ledger.every) for start in starts}
    # The first period with any rows may have begun before the extract did.
    whole = set(starts[1:])
    source = values.index.get_level_values(PERIOD).map(
        lambda start: then if (then := earlier.get(start)) in whole else pd.NaT
    )
    wanted = values.index.to_frame(index=False).assign(**{PERIOD: source})
    if wanted.shape[1] == 1:
        found = values.reindex(pd.DatetimeIndex(wanted[PERIOD]))
    else:
        found = values.reindex(pd.MultiIndex.from_frame(wanted))
    return pd.Series(found.to_numpy(), index=values.index)
