"""Does a model treat groups of people alike? An audit of its flags and errors, with intervals.

A flag is what people act on: a rep is "at risk", a lead is "hot". Per group: how often it is
raised, how often wrongly, how often it is missing, and whether the chances hold on average
(Barocas, Hardt & Narayanan, Fairness and Machine Learning, 2023, chapter 3). With unequal base
rates no forecast can be alike in all of them (Chouldechova 2017), so all are shown.

A rep is seen at many cutoffs, so rows are not independent: standard errors keep reps whole
(linearization of a ratio; Cochran 1977, section 6.3). Intervals are Student's, with one degree of
freedom less than there are reps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from features.arrays import Bools, Floats, Ints
from training.evaluation.bootstrap import WITHHELD, Estimate
from training.evaluation.lead_forecasts import codes

FALSE_ALARMS, MISSES, CALIBRATION = "false_alarms", "misses", "calibration"
"""What a group is judged by; how often a flag is raised may differ for good reasons."""
FOUR_FIFTHS = 0.8
"""The rule of thumb of US agencies (29 CFR 1607.4 D): a lesser ratio of rates asks for a reason."""


@dataclass(frozen=True, eq=False)
class AuditRows:
    """Forecasts with known outcomes, and the groups that the reps behind them belong to.

    Attributes:
        p: the chance that the model gives.
        y: 1 where what it forecasts happened, 0 where not.
        flagged: whether the flag was raised.
        due: whether it should have been, as it turned out.
        reps: ids, a row each; standard errors keep a rep's rows together.
        groups: attribute -> every row's value; empty ones belong to no group.
        is_welcome: whether a flag is good for the rep; a warning is not.
    """

    p: Floats
    y: Floats
    flagged: Bools
    due: Bools
    reps: pd.Series
    groups: Mapping[str, pd.Series]
    is_welcome: bool


@dataclass(frozen=True)
class GroupAudit:
    """One group.

    Attributes:
        part: its value of the attribute.
        n_rows: forecasts.
        n_reps: people.
        withheld: why no figure is shown, or None.
        flagged: share of forecasts with a flag.
        ratio: the share treated favourably, over that of the group treated most favourably.
        figures: false alarms (share flagged of those that should not be), misses (share not flagged
            of those that should be), calibration (mean chance minus what happened).
        differences: the same minus those of all other groups; the intervals allow for the number of
            comparisons.
        is_below: whether the ratio lies below four fifths beyond luck, allowing likewise.
    """

    part: str
    n_rows: int
    n_reps: int
    withheld: str | None = None
    flagged: Estimate = WITHHELD
    ratio: Estimate = WITHHELD
    figures: Mapping[str, Estimate] = field(default_factory=dict)
    differences: Mapping[str, Estimate] = field(default_factory=dict)
    is_below: bool = False

    @property
    def differs(self) -> tuple[str, ...]:
        """The judged figures that differ from those of the other groups beyond luck."""
        return tuple(name for name, gap in self.differences.items() if gap.excludes(0.0))

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "part": self.part,
            "n_rows": self.n_rows,
            "n_reps": self.n_reps,
            "withheld": self.withheld,
            "flagged": self.flagged.to_json(),
            "ratio": self.ratio.to_json(),
            "figures": {name: figure.to_json() for name, figure in self.figures.items()},
            "differences": {name: gap.to_json() for name, gap in self.differences.items()},
            "differs": list(self.differs),
            "is_below": self.is_below,
        }


def audit_groups(
    rows: AuditRows, level: float, minimum_reps: int
) -> dict[str, tuple[GroupAudit, ...]]:
    """Return what each group of each attribute meets with.

    A group with fewer reps than the minimum is withheld, and no other group is compared with it:
    a difference from it would tell its figures after all.

    Args:
        rows: the forecasts.
        level: coverage of an interval; of the differences, of all intervals together (Bonferroni),
            so that without any bias one is flagged in at most `1 - level` of audits.
        minimum_reps: people a group needs.
    """
    reps = codes(rows.reps.astype(str))
    judged = {
        name: [(part, at) for part, at in _parts(column) if _people(reps, at) >= minimum_reps]
        for name, column in rows.groups.items()
    }
    compared = {name: _Compared(rows, reps, parts, minimum_reps) for name, parts in judged.items()}
    n_gaps = sum(own.n_gaps + own.n_pairs for own in compared.values())
    gap_level = 1 - (1 - level) / max(n_gaps, 1)
    return {
        name: tuple(
            compared[name].audit(part, level, gap_level)
            if _people(reps, at) >= minimum_reps
            else _too_small(part, at, reps, minimum_reps)
            for part, at in _parts(column)
        )
        for name, column in rows.groups.items()
    }


@dataclass(frozen=True)
class _Mean:
    """A mean over rows, with what each rep adds to its error."""

    value: float
    influence: Floats
    n_reps: int
    is_rate: bool
    floor: float

    @property
    def variance(self) -> float:
        return max(float(self.influence @ self.influence), self.floor)

    def estimate(self, level: float) -> Estimate:
        """Return the mean with its interval."""
        ends = _interval(self.value, self.variance, self.n_reps, level)
        if not self.is_rate or ends.low is None or ends.high is None:
            return ends
        return Estimate(self.value, max(ends.low, 0.0), min(ends.high, 1.0))


@dataclass(frozen=True)
class _Compared:
    """The groups of one attribute that are large enough."""

    rows: AuditRows
    reps: Ints
    parts: list[tuple[str, Ints]]
    minimum_reps: int

    @property
    def n_gaps(self) -> int:
        """How many differences are judged."""
        pairs = [pair for part, _ in self.parts for pair in self._pairs(part).values()]
        return sum(own is not None and rest is not None for own, rest in pairs)

    @property
    def n_pairs(self) -> int:
        """How many ratios there are: any group could be the one treated most favourably."""
        return len(self.parts) * (len(self.parts) - 1) // 2

    def audit(self, part: str, level: float, gap_level: float) -> GroupAudit:
        at, pairs = dict(self.parts)[part], self._pairs(part)
        figures = {
            n: WITHHELD if own is None else own.estimate(level) for n, (own, _) in pairs.items()
        }
        differences = {
            name: _gap(own, rest, gap_level)
            for name, (own, rest) in pairs.items()
            if own is not None and rest is not None
        }
        flagged = self._mean(self._flags(), at, is_rate=True)
        least = self._ratio(part, gap_level).high
        return GroupAudit(
            part=part,
            n_rows=len(at),
            n_reps=_people(self.reps, at),
            flagged=WITHHELD if flagged is None else flagged.estimate(level),
            ratio=self._ratio(part, level),
            figures=figures,
            differences=differences,
            is_below=least is not None and least < FOUR_FIFTHS,
        )

    def _pairs(self, part: str) -> dict[str, tuple[_Mean | None, _Mean | None]]:
        """Return each judged figure of a group, and of all other groups that are large enough."""
        at = dict(self.parts)[part]
        others = [rows for name, rows in self.parts if name != part]
        rest = np.concatenate(others) if others else np.empty(0, dtype=np.int64)
        return {
            name: (
                self._mean(values, at[counted[at]], is_rate=is_rate),
                self._mean(values, rest[counted[rest]], is_rate=is_rate),
            )
            for name, (values, counted, is_rate) in self._figures().items()
        }

    def _flags(self) -> Floats:
        return self.rows.flagged.astype(np.float64)

    def _figures(self) -> dict[str, tuple[Floats, Bools, bool]]:
        """Return each figure's values, the rows that count, and whether it is a rate."""
        flagged, due = self._flags(), self.rows.due
        every = np.ones(len(due), dtype=np.bool_)
        return {
            FALSE_ALARMS: (flagged, ~due, True),
            MISSES: (1 - flagged, due, True),
            CALIBRATION: (self.rows.p - self.rows.y, every, False),
        }

    def _mean(self, values: Floats, at: Ints, *, is_rate: bool) -> _Mean | None:
        """Return a mean over rows; None where too few people are behind it.

        A rate of exactly 0 or 1 shows no spread. Its variance is then that of as many independent
        reps, one of whom more had it and one of whom more had it not (Laplace).
        """
        n_reps = _people(self.reps, at)
        if n_reps < max(self.minimum_reps, 2):
            return None
        value = float(values[at].mean())
        sums = np.bincount(self.reps[at], values[at] - value, int(self.reps.max()) + 1)
        influence = sums / len(at) * (n_reps / (n_reps - 1)) ** 0.5
        near = (value * n_reps + 1) / (n_reps + 2)
        floor = near * (1 - near) / n_reps if is_rate and value in {0.0, 1.0} else 0.0
        return _Mean(value, influence, n_reps, is_rate, floor)

    def _ratio(self, part: str, level: float) -> Estimate:
        """Return the share treated favourably over the highest such share of any group.

        The interval is of the logarithm of the ratio (delta method). The highest share is picked
        after the fact, so among equal groups ratios lie a little below 1.
        """
        good = self._flags() if self.rows.is_welcome else 1 - self._flags()
        shares = {name: self._mean(good, at, is_rate=True) for name, at in self.parts}
        known = {name: share for name, share in shares.items() if share is not None}
        best = max(known.values(), key=lambda share: share.value, default=None)
        if best is None or part not in known or len(known) < 2 or best.value <= 0:  # noqa: PLR2004 - a ratio needs two
            return WITHHELD
        own = known[part]
        if own is best or own.value <= 0:
            return Estimate(own.value / best.value)
        spread = own.variance / own.value**2 + best.variance / best.value**2
        ends = _interval(
            float(np.log(own.value / best.value)), spread, min(own.n_reps, best.n_reps), level
        )
        return Estimate(
            *(None if end is None else float(np.exp(end)) for end in vars(ends).values())
        )


def _gap(own: _Mean, rest: _Mean, level: float) -> Estimate:
    shared = 2 * float(own.influence @ rest.influence)
    variance = max(own.variance + rest.variance - shared, 0.0)
    return _interval(own.value - rest.value, variance, min(own.n_reps, rest.n_reps), level)


def _interval(value: float, variance: float, n_reps: int, level: float) -> Estimate:
    reach = float(student.ppf((1 + level) / 2, n_reps - 1)) * variance**0.5
    return Estimate(value, value - reach, value + reach)


def _parts(column: pd.Series) -> Iterator[tuple[str, Ints]]:
    """Yield every group's rows, by its value."""
    values = column.reset_index(drop=True)
    for part in sorted(values.dropna().astype(str).unique()):
        yield part, np.flatnonzero((values.astype(str) == part) & values.notna())


def _people(reps: Ints, at: Ints) -> int:
    return len(np.unique(reps[at]))


def _too_small(part: str, at: Ints, reps: Ints, minimum_reps: int) -> GroupAudit:
    n_reps = _people(reps, at)
    why = f"{n_reps} reps, {minimum_reps} are needed: fewer could be told apart"
    return GroupAudit(part, len(at), n_reps, why)
