"""Does a comparison on equal grounds treat groups of reps alike? An audit, with intervals.

Three figures of each group, every one beside those of the other groups: the share of reps above
expectation (read by the four-fifths rule, 29 CFR 1607.4 D), the wins above expectation per expected
win, and how far outcomes lie from expectations, in units of luck (equalised error: an expectation
that fits one group worse harms it even if it is right on average). A difference does not say who
is at fault: the ground may be described too coarsely for one group, or it may sell better.

Each rep counts once, whatever number of periods there are. Intervals are Student's, of a ratio's
linearisation (Cochran 1977, section 6.3), and allow for the number of comparisons (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

from features.arrays import Bools, Floats
from training.coaching.grounds.dealt import WINS
from training.coaching.grounds.places import TERRITORY
from training.evaluation.bootstrap import WITHHELD, Estimate
from training.evaluation.fairness import FOUR_FIFTHS
from training.evaluation.proxies import Proxy, find_proxies
from training.params import FairnessParams

GAP, ERROR = "gap", "error"
JUDGED = (GAP, ERROR)
PURPOSE = (
    "This audit is for coaching. It compares expectations between groups; it says nothing about "
    "anybody's worth, and is not made for decisions on employment."
)


@dataclass(frozen=True)
class GroundsGroup:
    """One group.

    Attributes:
        part: its value of the attribute.
        n_reps: people.
        withheld: why no figure is shown, or None.
        above: share of its reps who are above expectation.
        ratio: that share over the one of the group where it is highest.
        figures: `gap`, wins above expectation per expected win, and `error`, the mean squared
            residual over the expectation: 1 is luck alone.
        differences: the same minus those of all other groups.
        is_below: whether the ratio lies below four fifths beyond luck.
    """

    part: str
    n_reps: int
    withheld: str | None = None
    above: Estimate = WITHHELD
    ratio: Estimate = WITHHELD
    figures: Mapping[str, Estimate] | None = None
    differences: Mapping[str, Estimate] | None = None
    is_below: bool = False

    @property
    def differs(self) -> tuple[str, ...]:
        """The judged figures that differ from those of the other groups beyond luck."""
        differences = self.differences or {}
        return tuple(name for name, gap in differences.items() if gap.excludes(0.0))


@dataclass(frozen=True)
class GroundsAudit:
    """What came of it.

    Attributes:
        attributes: attribute -> its groups.
        proxies: what the expectation is made from and tells much of a group.
        says: the findings and their limits, sentences.
    """

    attributes: Mapping[str, tuple[GroundsGroup, ...]]
    proxies: tuple[Proxy, ...]
    says: tuple[str, ...]


def audit_grounds(
    grounds: pd.DataFrame,
    groups: Mapping[str, Mapping[str, str]],
    params: FairnessParams,
    inputs: pd.DataFrame | None = None,
) -> GroundsAudit:
    """Compare groups of reps by their wins above expectation.

    Args:
        grounds: what `equal_grounds` returns, of one period or of several.
        groups: attribute -> each rep's value; reps without one belong to no group.
        params: people a group needs, and the coverage of intervals.
        inputs: what `ground_inputs` returns, to be looked through for proxies of the groups.
    """
    reps = _by_rep(grounds)
    compared = {name: _compared(reps, values, params) for name, values in groups.items()}
    n_gaps = sum(len(parts) * len(JUDGED) + _pairs(len(parts)) for parts in compared.values())
    level = 1 - (1 - params.level) / max(n_gaps, 1)
    attributes = {
        name: tuple(_groups(reps, values, compared[name], params, level))
        for name, values in groups.items()
    }
    proxies = () if inputs is None else tuple(_proxies(inputs, groups))
    return GroundsAudit(attributes, proxies, tuple(_sentences(attributes, proxies, params)))


def _by_rep(grounds: pd.DataFrame) -> pd.DataFrame:
    """Return each rep's wins and expectation, added up over the periods, by id."""
    rows = grounds[(grounds["metric"] == WINS) & (grounds["expected"] > 0)]
    return rows.groupby("rep_id")[["actual", "expected", "residual"]].sum().sort_index()


def _compared(
    reps: pd.DataFrame, values: Mapping[str, str], params: FairnessParams
) -> dict[str, Bools]:
    """Return the mask of each group that is large enough."""
    own = pd.Series(reps.index, index=reps.index).map(dict(values))
    masks = {str(part): (own == part).to_numpy() for part in sorted(own.dropna().unique())}
    return {part: mask for part, mask in masks.items() if mask.sum() >= params.minimum_reps}


def _pairs(count: int) -> int:
    """Count the ratios: any group could be the one where the share is highest."""
    return count * (count - 1) // 2


def _groups(
    reps: pd.DataFrame,
    values: Mapping[str, str],
    compared: Mapping[str, Bools],
    params: FairnessParams,
    level: float,
) -> Iterator[GroundsGroup]:
    sizes = pd.Series(reps.index, index=reps.index).map(dict(values)).value_counts().sort_index()
    figures, above = _figures(reps), np.where(reps["residual"] > 0, 1.0, 0.0)
    one = np.ones(len(reps))
    shares = {part: _Ratio.of(above, one, mask) for part, mask in compared.items()}
    best = max(shares, key=lambda part: shares[part].value, default=None)
    for part, n_reps in sizes.items():
        mask = compared.get(str(part))
        if mask is None:
            why = f"{n_reps} reps, {params.minimum_reps} are needed: fewer could be told apart"
            yield GroundsGroup(str(part), int(n_reps), why)
            continue
        others = [other for name, other in compared.items() if name != part]
        own = {name: _Ratio.of(top, below, mask) for name, (top, below) in figures.items()}
        gaps = {}
        if others:
            rest = np.logical_or.reduce(others)
            gaps = {
                name: own[name].minus(_Ratio.of(top, below, rest), level)
                for name, (top, below) in figures.items()
            }
        share = shares[str(part)]
        ratio = WITHHELD if best is None else share.over(shares[best], params.level)
        least = WITHHELD if best is None else share.over(shares[best], level)
        yield GroundsGroup(
            part=str(part),
            n_reps=int(n_reps),
            above=_clipped(share.estimate(params.level)),
            ratio=ratio,
            figures={name: figure.estimate(params.level) for name, figure in own.items()},
            differences=gaps,
            is_below=least.high is not None and least.high < FOUR_FIFTHS,
        )


def _figures(reps: pd.DataFrame) -> dict[str, tuple[Floats, Floats]]:
    """Return above and below the line of each judged figure, by rep."""
    residual, expected = (reps[name].to_numpy(np.float64) for name in ("residual", "expected"))
    return {GAP: (residual, expected), ERROR: (residual**2 / expected, np.ones(len(reps)))}


@dataclass(frozen=True)
class _Ratio:
    """A ratio of two sums over a group's reps, with its variance."""

    value: float
    variance: float
    n_reps: int

    @classmethod
    def of(cls, above: Floats, below: Floats, mask: Bools) -> _Ratio:
        """Add up; a share of exactly 0 or 1 has the variance of one rep more on each side."""
        count, total = int(mask.sum()), float(below[mask].sum())
        value = float(above[mask].sum()) / total
        influence = (above[mask] - value * below[mask]) / total
        variance = float(influence @ influence) * count / max(count - 1, 1)
        if variance == 0.0:
            near = (count * min(max(value, 0.0), 1.0) + 1) / (count + 2)
            variance = near * (1 - near) / count
        return cls(value, variance, count)

    def estimate(self, level: float) -> Estimate:
        """Return it with its interval."""
        return _interval(self.value, self.variance, self.n_reps, level)

    def minus(self, other: _Ratio, level: float) -> Estimate:
        """Return the difference from another group's, none of whose reps is in this one."""
        variance = self.variance + other.variance
        return _interval(self.value - other.value, variance, min(self.n_reps, other.n_reps), level)

    def over(self, best: _Ratio, level: float) -> Estimate:
        """Return the ratio to the highest; the interval is of its logarithm (delta method)."""
        if best.value <= 0:
            return WITHHELD
        if self is best or self.value <= 0:
            return Estimate(self.value / best.value)
        variance = self.variance / self.value**2 + best.variance / best.value**2
        log = float(np.log(self.value / best.value))
        ends = _interval(log, variance, min(self.n_reps, best.n_reps), level)
        return Estimate(*(None if e is None else float(np.exp(e)) for e in vars(ends).values()))


def _clipped(share: Estimate) -> Estimate:
    return Estimate(
        *(None if end is None else min(max(end, 0.0), 1.0) for end in vars(share).values())
    )


def _interval(value: float, variance: float, n_reps: int, level: float) -> Estimate:
    reach = float(student.ppf((1 + level) / 2, max(n_reps - 1, 1))) * variance**0.5
    return Estimate(value, value - reach, value + reach)


def _proxies(inputs: pd.DataFrame, groups: Mapping[str, Mapping[str, str]]) -> Iterator[Proxy]:
    X = inputs.drop(columns="rep_id")
    columns = {name: inputs["rep_id"].map(dict(values)) for name, values in groups.items()}
    labels = {str(name): str(name).replace("_", " ") for name in X}
    for proxy in find_proxies(X, labels, frozenset({TERRITORY}), columns, inputs["rep_id"]):
        if proxy.feature != proxy.attribute:
            yield proxy


def _sentences(
    attributes: Mapping[str, tuple[GroundsGroup, ...]],
    proxies: tuple[Proxy, ...],
    params: FairnessParams,
) -> Iterator[str]:
    yield PURPOSE
    if not any(attributes.values()):
        yield "No group attributes are given, so nothing was compared."
        return
    found = [says for name, parts in attributes.items() for says in _findings(name, parts)]
    yield from found or ["No group differs from the others beyond luck."]
    withheld = [f'{n} "{g.part}"' for n, parts in attributes.items() for g in parts if g.withheld]
    if withheld:
        yield f"Withheld, fewer than {params.minimum_reps} reps: {', '.join(withheld)}."
    for proxy in proxies:
        yield (
            f"{proxy.label} tells much of {proxy.attribute} ({proxy.measure} {proxy.value:.2f}): "
            "what the ground is said to be depends on it."
        )


def _findings(name: str, parts: tuple[GroundsGroup, ...]) -> Iterator[str]:
    for part in parts:
        differences = part.differences or {}
        for figure in part.differs:
            gap = differences[figure]
            if gap.value is None or gap.low is None or gap.high is None:
                continue
            if figure == GAP:
                way = "more" if gap.value > 0 else "fewer"
                yield (
                    f'{name} "{part.part}": {100 * abs(gap.value):.0f} % {way} wins above '
                    f"expectation than the other groups, per expected win "
                    f"({100 * gap.low:+.0f} to {100 * gap.high:+.0f})."
                )
            else:
                how = "farther from" if gap.value > 0 else "closer to"
                yield (
                    f'{name} "{part.part}": wins lie {how} their expectations than in the other '
                    f"groups; the expectation does not fit all groups alike."
                )
        if part.is_below and part.ratio.value is not None:
            yield (
                f'{name} "{part.part}": above expectation only {part.ratio.value:.2f} times as '
                "often as the group that is so most often, below the 0.8 of the four-fifths rule."
            )
