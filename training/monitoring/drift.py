"""Do the model's inputs and forecasts still look as they did? The population stability index.

PSI compares two distributions over bins: the sum of (q - p) * log(q / p). Two samples of the same
distribution differ too: its mean is then about (bins - 1) * (1/n + 1/m), its standard deviation
sqrt(2 * (bins - 1)) * (1/n + 1/m) (Yurdakul, "Statistical Properties of Population Stability
Index", 2018). Companies also change by themselves, with seasons and growth: so a
shift counts only where it is larger than those between earlier windows of the same company.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Floats, Ints
from training.params import MonitorParams

BINS = 10
NOTHING = 0.5
"""Imagined rows in every bin: an empty one would make the index infinite."""
SIGMAS = 4.0
"""Standard deviations of the sampling error that a shift must exceed."""
NOW = (0, 1)
"""The weeks that are judged, counted backwards."""
REFERENCE = (10, 23)
"""The weeks they are compared with: first and last, counted backwards from the judged ones."""
PLACEBOS = tuple(range(4, 17, 2))
"""Where the same is asked of the past: the judged weeks then, counted backwards."""
NEEDED = PLACEBOS[-1] + REFERENCE[1] + 1
"""Weeks that all of this takes."""


@dataclass(frozen=True)
class Shift:
    """How far a column has shifted.

    Attributes:
        column: its name.
        part: the part of the company; "" for all.
        psi: of the newest weeks against the reference.
        error: what sampling alone makes of it: mean and `SIGMAS` standard deviations.
        before: the largest of the same index in the past; NaN without enough past.
        n: leads in the newest weeks.
    """

    column: str
    part: str
    psi: float
    error: float
    before: float
    n: int

    def is_large(self, params: MonitorParams) -> bool:
        """Whether it matters, is no luck, and is beyond what this company is used to."""
        is_unlike = self.psi > params.psi_growth * self.before  # False where that is NaN
        return self.psi >= params.psi and self.psi > self.error and is_unlike


def shifts(
    values: pd.DataFrame,
    week: Ints,
    lead: npt.NDArray[np.object_],
    part: pd.Series | None = None,
    categorical: Sequence[str] = (),
) -> list[Shift]:
    """Compute how far every column has shifted, overall or in each part.

    Args:
        values: a row for each lead and week.
        week: of each row, 0 the newest.
        lead: of each row.
        part: of each row, the part of the company; None: overall.
        categorical: columns whose values are categories.
    """
    codes, parts = np.zeros(len(week), np.int64), [""]
    if part is not None:
        codes, labels = pd.factorize(part.astype(object).fillna("none"))
        parts = [str(label) for label in labels]
    leads = pd.factorize(lead)[0]
    placebos = [k for k in PLACEBOS if k + REFERENCE[1] <= week.max(initial=0)]
    found = []
    sizes = {k: _leads(leads, codes, week, k, len(parts)) for k in (0, *placebos)}
    for name in values.columns:
        bins = _binned(values[name].to_numpy(np.float64), week, is_category=name in categorical)
        width = int(bins.max()) + 1
        counts = np.zeros((len(parts), int(week.max(initial=0)) + 1, width))
        np.add.at(counts, (codes, week, bins), 1.0)
        now, _ = _index(counts, 0)
        past = np.array([_index(counts, k)[0] for k in placebos]).reshape(-1, len(parts))
        for place, label in enumerate(parts):
            n, m = sizes[0][0][place], sizes[0][1][place]
            if not n or not m:
                continue
            scale = (1 / n + 1 / m) * (width - 1)
            error = scale + SIGMAS * np.sqrt(2 * (width - 1)) * (1 / n + 1 / m)
            before = float(past[:, place].max()) if len(past) else float("nan")
            found.append(Shift(str(name), label, float(now[place]), float(error), before, int(n)))
    return found


def _binned(values: Floats, week: Ints, *, is_category: bool) -> Ints:
    """Return each value's bin: tenths of the reference's values, and one for missing values."""
    missing = np.isnan(values)
    if is_category:
        return np.where(missing, 0, pd.factorize(values)[0] + 1)
    known = values[~missing & (week >= REFERENCE[0])]
    if not len(known):
        known = values[~missing]
    cuts = np.linspace(0, 1, BINS + 1)[1:-1]
    edges = np.unique(np.quantile(known, cuts)) if len(known) else np.empty(0)
    return np.where(missing, 0, np.searchsorted(edges, values, side="right") + 1)


def _index(counts: Floats, at: int) -> tuple[Floats, Floats]:
    """Return the index of the weeks judged at a place, one a part of the company."""
    now = counts[:, at + NOW[0] : at + NOW[1] + 1].sum(axis=1)
    then = counts[:, at + REFERENCE[0] : at + REFERENCE[1] + 1].sum(axis=1)
    width = counts.shape[2]
    q = (now + NOTHING) / (now.sum(axis=1, keepdims=True) + NOTHING * width)
    p = (then + NOTHING) / (then.sum(axis=1, keepdims=True) + NOTHING * width)
    return ((q - p) * np.log(q / p)).sum(axis=1), then.sum(axis=1)


def _leads(leads: Ints, codes: Ints, week: Ints, at: int, parts: int) -> tuple[Ints, Ints]:
    """Count the leads of the judged and the reference weeks by part; one stands in many weeks."""

    def distinct(first: int, last: int) -> Ints:
        chosen = (week >= at + first) & (week <= at + last)
        pairs = pd.DataFrame({"part": codes[chosen], "lead": leads[chosen]}).drop_duplicates()
        return np.bincount(pairs["part"], minlength=parts)

    return distinct(*NOW), distinct(*REFERENCE)
