"""How far the reasons of a model hang on the seeds its trees grew from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from features.build import Examples
from training.estimators.boosting import Ensemble
from training.leads.bundle import Bundle
from training.leads.explain import Explanation, explain
from training.leads.reasons import Units

MOST_ROWS = 300
LEAST_BOOSTERS = 2


def first_reasons_kept(
    bundle: Bundle, examples: Examples, each_side: int
) -> tuple[float, float] | None:
    """Return the shares of leads whose first reason for, and first against, other seeds would keep.

    The points of each booster alone stand in for those of another model, once they lie as far from
    the points of all as another model's would. With n boosters that are s apart, one of them is
    s * sqrt(1 - 1/n) from their mean, and the mean of n others s * sqrt(2/n): sqrt(2 / (n - 1))
    times as far, which is 1 with three.

    Args:
        bundle: the model.
        examples: leads to explain; an even sample of them is looked at.
        each_side: reasons for a lead, and as many against it, at most.

    Returns:
        None without trees, or with a single booster.
    """
    blend = bundle.blend
    if blend is None or len(blend.trees.texts) < LEAST_BOOSTERS or not len(examples):
        return None
    step = -(-len(examples) // MOST_ROWS)
    sample = examples.take(np.arange(len(examples)) % step == 0)
    explained, kept = explain(bundle, sample), []
    whole = _firsts(explained, each_side)
    away = (2 / (len(blend.trees.texts) - 1)) ** 0.5
    for text in blend.trees.texts:
        alone = replace(blend, trees=Ensemble((text,), blend.trees.columns))
        other = explain(replace(bundle, blend=alone), sample)
        points = explained.points + away * (other.points - explained.points)
        kept.append((whole == _firsts(replace(explained, points=points), each_side)).mean(axis=1))
    pro, contra = np.mean(kept, axis=0)
    return float(pro), float(contra)


def _firsts(explained: Explanation, each_side: int) -> npt.NDArray[np.object_]:
    """Return what each row's first reason is called: for and against x rows."""
    units = Units.of(explained, each_side)
    ends = units.points.argmax(axis=1), units.points.argmin(axis=1)
    labels = [[units.label(row, int(unit)) for row, unit in enumerate(end)] for end in ends]
    return np.array(labels, dtype=object)


def reason_luck(bundle: Bundle, examples: Examples, each_side: int) -> list[str]:
    """Say how far the reasons hang on the seeds; empty if unknown."""
    kept = first_reasons_kept(bundle, examples, each_side)
    if kept is None:
        return []
    pro, contra = (f"{100 * share:.0f} %" for share in kept)
    says = (
        f"trees from other seeds would give {pro} of leads the same first reason for them, and "
        f"{contra} the same first reason against them"
    )
    return [says]
