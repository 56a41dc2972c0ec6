"""Does a model know more than what needs no model? The gate that the first champion passes.

A model that has learned the luck of its past forecasts worse than one number for everybody, or than
the lead's age alone. Its gain is the loss of such a forecast minus its own, on the same rows. It
has to be above 0 beyond luck for log loss and for the Brier score, against each of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.arrays import Floats
from training.evaluation.bootstrap import Counts, Estimate, percentile_estimate
from training.evaluation.lead_forecasts import MODEL
from training.evaluation.metrics import brier, log_loss
from training.evaluation.resampled import Forecasts

BASE_RATE, AGE = "base rate", "age alone"
RIVALS = (AGE, BASE_RATE)
"""What a lead model has to beat, the harder one first."""
LEVEL = 0.9
"""Share of resamples inside a gain's interval: so 5 % lie below its lower end."""
LOSSES = {"log loss": log_loss, "Brier score": brier}
_SAYS = {AGE: "age alone's", BASE_RATE: "the base rate's"}


@dataclass(frozen=True)
class Gain:
    """How much lower a model's loss is than a rival's.

    Attributes:
        rival: the forecast it is compared with.
        loss: the loss, in words.
        size: the rival's mean loss minus the model's, with its interval.
    """

    rival: str
    loss: str
    size: Estimate

    @property
    def is_shown(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.size.low is not None and self.size.low > 0

    @property
    def says(self) -> str:
        """The gain in words."""
        verb = "is better" if self.is_shown else "is not shown to be better"
        size, low, high = (
            "unknown" if end is None else _number(end)
            for end in (self.size.value, self.size.low, self.size.high)
        )
        rival = _SAYS.get(self.rival, f"{self.rival}'s")
        return (
            f"the model's {self.loss} {verb} than {rival} "
            f"(gain {size}, {LEVEL:.0%} interval {low} to {high})".replace("%", " %")
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"rival": self.rival, "loss": self.loss, "size": self.size.to_json()}


@dataclass(frozen=True)
class Honesty:
    """Whether a model beats what needs no model.

    Attributes:
        n_rows: forecasts that were compared.
        gains: one for each rival and loss; none where there is too little to judge.
        withheld: why nothing can be judged, or None.
        rivals: what the model was to beat.
    """

    n_rows: int
    gains: tuple[Gain, ...]
    withheld: str | None = None
    rivals: tuple[str, ...] = RIVALS

    @property
    def passed(self) -> bool:
        """Whether every gain is above 0 beyond luck."""
        return bool(self.gains) and all(gain.is_shown for gain in self.gains)

    @property
    def failed(self) -> bool:
        """Whether there was enough to judge, and some gain is not shown."""
        return bool(self.gains) and not self.passed

    @property
    def says(self) -> str:
        """The verdict in words, with the first reason where it failed."""
        is_of_age = AGE in self.rivals
        if self.withheld is not None:
            rival = "age" if is_of_age else "the base rate"
            return f"too little to tell whether the model knows more than {rival}: {self.withheld}"
        if self.passed:
            rival = "those of age alone and of the base rate" if is_of_age else "the base rate's"
            return f"the model's log loss and Brier score are better than {rival}, beyond luck"
        missing = [gain for gain in self.gains if not gain.is_shown]
        beyond = "age and the base rate" if is_of_age else "the base rate"
        beyond = "age" if any(gain.rival == AGE for gain in missing) else beyond
        return f"little beyond {beyond}: {missing[0].says}"

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "passed": None if self.withheld is not None else self.passed,
            "says": self.says,
            "n_rows": self.n_rows,
            "level": LEVEL,
            "gains": [gain.to_json() for gain in self.gains],
        }


def honesty_gate(
    forecasts: Forecasts, counts: Counts, rivals: Sequence[str] = RIVALS
) -> Honesty | None:
    """Compare a model with rivals, rows paired and leads (or rep-periods) drawn whole.

    With a 90 % interval:

    | gain, log loss        | gain, Brier           | verdict                     |
    |-----------------------|-----------------------|-----------------------------|
    | 0.020, 0.010 to 0.030 | 0.004, 0.001 to 0.007 | passed, if so for each rival |
    | 0.020, 0.010 to 0.030 | 0.004, -0.001 to 0.009 | failed                     |
    | no lead converted, or all did | the same      | withheld                    |

    Args:
        forecasts: the model's and the rivals', of rows with a known outcome.
        counts: resamples from `resample`; clusters are its columns.
        rivals: names of forecasts.

    Returns:
        The verdict; None where a rival is not among the forecasts.
    """
    if not set(rivals) <= set(forecasts.named):
        return None
    y = forecasts.y
    if len(np.unique(y)) < 2:  # noqa: PLR2004 - converted or not
        reason = "no outcome is known yet" if not len(y) else "all leads ended alike"
        return Honesty(len(y), (), reason, tuple(rivals))
    present, clusters = np.unique(forecasts.clusters, return_inverse=True)
    weights = np.take(counts, present, axis=1).astype(np.float64)
    names = [(rival, loss) for rival in rivals for loss in LOSSES]
    columns = [_saved(forecasts, rival, loss) for rival, loss in names]
    by_cluster = np.array([np.bincount(clusters, weights=c) for c in [np.ones(len(y)), *columns]])
    # einsum, not BLAS: its threads would make the last digits depend on the machine's load.
    n, *sums = np.einsum("kc,dc->kd", by_cluster, weights)
    gains = (
        Gain(rival, loss, percentile_estimate(total / n, LEVEL))
        for (rival, loss), total in zip(names, sums, strict=True)
    )
    return Honesty(len(y), tuple(gains), rivals=tuple(rivals))


def _saved(forecasts: Forecasts, rival: str, loss: str) -> Floats:
    """Return what each row's loss is lower with the model than with a rival."""
    of = LOSSES[loss]
    named = forecasts.named
    return of(forecasts.y, named[rival]) - of(forecasts.y, named[MODEL])


def _number(value: float) -> str:
    """Write a gain with as many decimals as its first figure needs, three at least."""
    digits = 3 if abs(value) >= 0.0095 else 4  # noqa: PLR2004 - where three decimals show two figures
    return f"{round(value, digits) + 0.0:.{digits}f}"
