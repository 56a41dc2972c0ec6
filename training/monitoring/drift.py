"""Drift of what goes into the champion and of what comes out of it, beside its own past.

A shift is an alarm if it is material, beyond luck (many features allowed for), and beyond what the
same index was at earlier times of this company. One feature or one band of the forecast is judged
by its own index. A segment is judged by the mean over all features, because it has fewer leads and
there are many segments; the words name the features that moved most in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.arrays import Floats, Ints
from training.monitor_params import MonitorParams
from training.monitoring.deviation import Deviation, Severity
from training.monitoring.psi import binned, luck, once_each, psi, sampling_error
from training.monitoring.usual import Usual, usual
from training.monitoring.windows import Layout

MOST_NAMED = 10
"""Features that get a sentence of their own; the rest is counted."""
TINY = 1e-6
"""Added to an index before its logarithm is taken."""


@dataclass(frozen=True, eq=False)
class DriftRows:
    """What was known and forecast of each lead, or each deal, at each cutoff.

    Attributes:
        window: the number of each row's window, 0 the newest.
        unit: a number for each row's lead or deal.
        inputs: the champion's features, a column each; categories are places of words.
        outputs: the forecast, and its band.
        segments: the part of the company that each row belongs to.
        categories: the columns that hold categories.
        says: columns in words.
    """

    window: Ints
    unit: Ints
    inputs: pd.DataFrame
    outputs: pd.DataFrame
    segments: pd.DataFrame
    categories: frozenset[str]
    says: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Shift:
    """How far one column has moved, now and at earlier times.

    Attributes:
        column: its name.
        says: the same in words.
        index: the stability index of each comparison, the newest first.
        error: the standard error of the newest.
        by_luck: what luck alone takes the newest to.
        usual: what the earlier comparisons lead to expect; None where there are too few.
        is_off: whether it is material, beyond luck and beyond the past.
        moved: what moved most, in words.
    """

    column: str
    says: str
    index: Floats
    error: float
    by_luck: float
    usual: Usual | None
    is_off: bool
    moved: str


@dataclass(frozen=True, eq=False)
class Counter:
    """Counts leads or deals by window and bin, each of them once in a window."""

    rows: DriftRows
    layout: Layout
    weights: Floats

    @classmethod
    def of(cls, rows: DriftRows, layout: Layout) -> Counter:
        """Weigh the rows."""
        return cls(rows, layout, once_each(rows.window, rows.unit))

    def counts(self, places: Ints, n_bins: int, parts: Ints, n_parts: int) -> Floats:
        """Return parts x windows x bins."""
        n_windows = len(self.layout.cutoffs)
        cells = (parts * n_windows + self.rows.window) * n_bins + places
        counted = np.bincount(cells, self.weights, n_parts * n_windows * n_bins)
        return counted.astype(np.float64).reshape(n_parts, n_windows, n_bins)

    def pairs(self, counts: Floats) -> tuple[Floats, Floats]:
        """Return reference and current of each comparison, on the axis of the windows."""
        comparisons = range(self.layout.n_past + 1)
        reference = [counts[..., self.layout.reference(i), :].sum(axis=-2) for i in comparisons]
        return np.stack(reference, axis=-2), counts[..., : len(comparisons), :]

    def units(self) -> tuple[int, int]:
        """Return how many leads or deals the newest reference and the newest window hold."""
        windows = np.arange(len(self.layout.cutoffs))[self.layout.reference(0)]
        in_reference = self.rows.unit[np.isin(self.rows.window, windows)]
        return len(np.unique(in_reference)), len(np.unique(self.rows.unit[self.rows.window == 0]))


def shifts(counter: Counter, columns: pd.DataFrame, params: MonitorParams) -> list[Shift]:
    """Return how far each column has moved, the most moved first.

    Args:
        counter: the rows, weighed.
        columns: of the same rows; luck and the past are asked about all of them together.
        params: what is material, and the chance of a false alarm.
    """
    chance = params.false_alarms / max(len(columns.columns), 1)
    every = [_shift(counter, columns[name], chance, params) for name in columns]
    return sorted(every, key=lambda shift: -float(shift.index[0]))


def _shift(counter: Counter, column: pd.Series, chance: float, params: MonitorParams) -> Shift:
    rows, name = counter.rows, str(column.name)
    places, n_bins = _bins(rows, column)
    alone = np.zeros(len(places), dtype=np.int64)
    reference, current = counter.pairs(counter.counts(places, n_bins, alone, 1)[0])
    index = psi(reference, current)
    n, m = counter.units()
    filled = int(((reference[0] + current[0]) > 0).sum())
    by_luck = float(luck(filled, np.array(n), np.array(m), chance)[1])
    past = usual(np.log(index[1:] + TINY), 2 * chance, params.minimum_past)
    is_off = (
        past is not None
        and index[0] >= params.psi
        and index[0] > by_luck
        and np.log(index[0] + TINY) > past.high
    )
    error = sampling_error(reference[0], current[0])
    moved = _moved(rows, column) if is_off else ""
    return Shift(name, rows.says[name], index, error, by_luck, past, bool(is_off), moved)


def _bins(rows: DriftRows, column: pd.Series) -> tuple[Ints, int]:
    values = column.to_numpy(np.float64)
    earlier = values[rows.window > 0]
    return binned(values, earlier, is_category=str(column.name) in rows.categories)


def _moved(rows: DriftRows, column: pd.Series) -> str:
    """Say how a column's middle, or its share of empty values, differs from before."""
    now, before = column[rows.window == 0], column[rows.window > 0]
    empty, was_empty = float(now.isna().mean()), float(before.isna().mean())
    parts = []
    if str(column.name) not in rows.categories:
        parts.append(f"median {now.median():.4g}, before {before.median():.4g}")
    if abs(empty - was_empty) >= 0.05:  # noqa: PLR2004 - a share worth a word
        parts.append(f"empty for {empty:.0%}, before {was_empty:.0%}".replace("%", " %"))
    return "; ".join(parts)


def said(
    shifted: list[Shift], what: str, advice: str, n_units: tuple[int, int], units: str
) -> Iterator[Deviation]:
    """Say which columns have moved, the most moved first.

    Args:
        shifted: all columns, those in order included.
        what: `inputs` or `predictions`.
        advice: what to do.
        n_units: in the reference and in the newest window.
        units: what they are, in words.
    """
    off = [shift for shift in shifted if shift.is_off]
    for shift in off[:MOST_NAMED]:
        middle, high = _ends(shift)
        moved = f" ({shift.moved})" if shift.moved else ""
        yield Deviation(
            what, shift.says, float(shift.index[0]), middle, 0.0, high, Severity.ALARM,
            f"{shift.says}{moved}: stability index {shift.index[0]:.2f} +- {shift.error:.2f} "
            f"between {n_units[0]:,} earlier and {n_units[1]:,} present {units}, usually "
            f"{middle:.2f} and up to {high:.2f}. {advice}",
        )  # fmt: skip
    if len(off) > MOST_NAMED:
        yield Deviation(
            what, "further features", len(off) - MOST_NAMED, 0, 0, 0, Severity.ALARM,
            f"{len(off) - MOST_NAMED} more of {len(shifted)} features have shifted in this way",
        )  # fmt: skip


def _ends(shift: Shift) -> tuple[float, float]:
    if shift.usual is None:
        return 0.0, shift.by_luck
    return float(np.exp(shift.usual.expected)), max(float(np.exp(shift.usual.high)), shift.by_luck)


def segment_shifts(counter: Counter, params: MonitorParams) -> Iterator[Deviation]:
    """Say in which segments the features have moved on average, luck taken off."""
    rows = counter.rows
    coded = {str(name): pd.factorize(rows.segments[name].astype(str)) for name in rows.segments}
    places = {str(name): _bins(rows, rows.inputs[name]) for name in rows.inputs}
    n_tests = sum(len(words) for _, words in coded.values())
    chance = params.false_alarms / max(n_tests, 1)
    for segment, (parts, words) in coded.items():
        if len(words) < 2:  # noqa: PLR2004 - one part is the whole company
            continue
        by_feature = {
            name: _excess(counter, bins, parts, len(words)) for name, bins in places.items()
        }
        enough = _enough(counter, parts, len(words), params)
        mean = np.mean(list(by_feature.values()), axis=0)
        for part in np.flatnonzero(enough).tolist():
            past = usual(mean[part, 1:], 2 * chance, params.minimum_past)
            size = float(mean[part, 0])
            if past is None or size < params.segment_psi or size <= past.high:
                continue
            most = sorted(by_feature, key=lambda name: -float(by_feature[name][part, 0]))[:3]
            named = ", ".join(rows.says[name] for name in most)
            where = f"{segment} {words[part]}"
            yield Deviation(
                "segment", where, size, past.expected, past.low, past.high, Severity.ALARM,
                f"{where}: the leads differ from earlier ones in many features (mean stability "
                f"index {size:.2f}, usually {past.expected:.2f} and up to {past.high:.2f}), most "
                f"in: {named}. Ask what has changed there.",
            )  # fmt: skip


def _excess(counter: Counter, bins: tuple[Ints, int], parts: Ints, n_parts: int) -> Floats:
    """Return the index of each part and comparison less what luck makes of it on average."""
    reference, current = counter.pairs(counter.counts(*bins, parts, n_parts))
    filled = ((reference + current) > 0).sum(axis=-1)
    # A reference counts a lead once in each of its windows; that many leads it seldom has.
    n = reference.sum(axis=-1) / counter.layout.width
    mean, _ = luck(filled, n, current.sum(axis=-1), 0.5)
    return psi(reference, current) - mean


def _enough(counter: Counter, parts: Ints, n_parts: int, params: MonitorParams) -> Floats:
    nowhere = np.zeros(len(parts), dtype=np.int64)
    reference, current = counter.pairs(counter.counts(nowhere, 1, parts, n_parts))
    fewest = np.minimum(reference[:, 0, 0] / counter.layout.width, current[:, 0, 0])
    return np.asarray(fewest >= params.minimum_leads)
