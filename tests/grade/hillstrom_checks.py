"""Checks on Hillstrom's experiment: effects that must be zero, and one that must be found again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from grades import Grade
from scipy.stats import binom

from training.effect_params import EffectParams
from training.estimators.effects import (
    Experiments,
    average_effect,
    cross_fit,
    pseudo_outcomes,
)
from training.evaluation.bootstrap import Estimate
from training.evaluation.treatment import Placebo, balance, overlap, permuted_treatment
from training.evaluation.uplift import randomised_scores

LEVEL, PLACEBO_LEVEL = 0.9, 0.99
PERMUTATIONS = 20
LOT_SEED = 15
"""Of the lot that leaves customers out of the confounded part."""


def thousandth(estimate: Estimate) -> str:
    """Write an estimate per 1,000 customers."""
    value, low, high = (1000 * (x or 0.0) for x in (estimate.value, estimate.low, estimate.high))
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def placebos(rows: Experiments, params: EffectParams) -> list[Grade]:
    """Grade effects of a lot drawn anew, and effects on what was before the e-mail."""
    return [
        _permuted(rows, params),
        *(_before(rows, name, params) for name in PAST),
        _balance(rows),
    ]


PAST = ("history", "recency", "newbie")
"""Known before the e-mail, so that it cannot have changed them."""


def _permuted(rows: Experiments, params: EffectParams) -> Grade:
    failed = 0
    for seed in range(PERMUTATIONS):
        dealt = replace(rows, treated=permuted_treatment(rows.treated, rows.group, seed))
        failed += not Placebo("permuted", _doubly_robust(dealt, params, LEVEL)).passes
    most = int(binom.ppf(0.99, PERMUTATIONS, 1 - LEVEL))
    return Grade(
        "placebo: effects of a lot drawn anew that exclude 0",
        f"{failed} of {PERMUTATIONS}",
        f"at most {most}",
        failed <= most,
    )


def _doubly_robust(rows: Experiments, params: EffectParams, level: float) -> Estimate:
    scores = pseudo_outcomes(rows, cross_fit(rows, params), params.overlap)
    return average_effect(scores, rows.group, level)


def _before(rows: Experiments, name: str, params: EffectParams) -> Grade:
    y = rows.X[name].to_numpy()
    earlier = replace(rows, X=rows.X.drop(columns=name), y=y / y.std())
    placebo = Placebo(name, _doubly_robust(earlier, params, PLACEBO_LEVEL))
    value, low, high = placebo.effect.value, placebo.effect.low, placebo.effect.high
    figure = f"{value:.3f} ({low:.3f} to {high:.3f})"
    what = f"placebo: effect on {name} before the e-mail, in its standard deviations (99 %)"
    return Grade(what, figure, "holds 0", placebo.passes)


def _balance(rows: Experiments) -> Grade:
    lot = np.full(len(rows.y), rows.treated.mean())
    worst = max(balance(rows.X, rows.treated, lot), key=lambda item: abs(item.before))
    figure = f"{worst.before:+.3f} ({worst.name})"
    what = "largest standardised difference of a feature between the arms"
    return Grade(what, figure, "below 0.05", abs(worst.before) < 0.05)


def confounded(rows: Experiments, params: EffectParams) -> list[Grade]:
    """Grade whether the lot's effect is found where the lot was spoilt on purpose.

    Customers who bought often enough keep their e-mail and lose their place among those without,
    and the other way round: 80 % of one kind are left, 25 % of the other. Who bought more visits
    more, so the plain difference of what is left is too high.
    """
    likely = (rows.X["history"] > rows.X["history"].median()) | (rows.X["recency"] <= 3)
    is_likely = likely.to_numpy() == (rows.treated == 1)
    rng = np.random.default_rng(LOT_SEED)
    left = rows.take(rng.random(len(is_likely)) < np.where(is_likely, 0.8, 0.25))
    lot = randomised_scores(rows.y, rows.treated, np.full(len(rows.y), rows.treated.mean()))
    truth = float(lot.mean())
    plain = _plain(left)
    nuisances = cross_fit(left, params)
    scores = pseudo_outcomes(left, nuisances, params.overlap)
    estimate = average_effect(scores, left.group, LEVEL)
    worst = max(
        balance(left.X, left.treated, nuisances.propensity), key=lambda item: abs(item.before)
    )
    shares = overlap(nuisances.propensity, left.treated, params.overlap)
    what = f"lot spoilt on purpose, {len(left.y):,} customers left"
    return [
        Grade(f"{what}: plain difference", f"{1000 * plain:.2f}", "beside it", None),
        Grade(
            f"{what}: doubly robust",
            thousandth(estimate),
            f"holds {1000 * truth:.2f}",
            not estimate.excludes(truth),
        ),
        Grade(
            f"{what}: standardised difference of {worst.name}, before and after weighting",
            f"{worst.before:+.3f}, {worst.after:+.3f}",
            "below 0.1 after",
            abs(worst.after) < 0.1,
        ),
        Grade(f"{what}: rows without overlap", f"{shares.outside:.1%}", "", None),
    ]


def _plain(rows: Experiments) -> float:
    return float(rows.y[rows.treated == 1].mean() - rows.y[rows.treated == 0].mean())
