"""The section `training.effects`: how the effect of a treatment, such as a call, is estimated."""

from __future__ import annotations

from pydantic import Field

from features.params import Section


class EffectParams(Section):
    """How the effect of a treatment, such as a call that got through, is estimated."""

    folds: int = Field(
        default=5, ge=2, le=20, description="parts of the units; each is predicted by the others"
    )
    rounds: int = Field(
        default=60, ge=1, le=1000, description="trees behind the chance to be treated and outcomes"
    )
    arm_rounds: int = Field(
        default=15, ge=1, le=1000, description="further trees for treated and untreated rows alone"
    )
    effect_rounds: int = Field(
        default=40, ge=1, le=1000, description="trees behind differences of the effect"
    )
    learning_rate: float = Field(
        default=0.1, gt=0, le=1, description="weight of each of the other trees"
    )
    num_leaves: int = Field(default=8, ge=2, description="leaves of the other trees")
    effect_learning_rate: float = Field(
        default=0.05, gt=0, le=1, description="weight of each tree behind differences of the effect"
    )
    effect_leaves: int = Field(
        default=4, ge=2, description="leaves of those, and of the trees of treated rows alone"
    )
    effect_leaf_share: float = Field(
        default=0.02,
        ge=0,
        lt=0.5,
        description="share of rows in a leaf of the trees behind differences, at least",
    )
    min_data_in_leaf: int = Field(default=100, ge=1, description="rows in a leaf, at least")
    inverse_ridge: float = Field(
        default=0.05,
        gt=0,
        description="of the regressions below the trees: the smaller, the closer weights stay to 0",
    )
    arm_inverse_ridge: float = Field(
        default=0.05,
        gt=0,
        description="the same, of what is learned from treated and untreated rows alone",
    )
    effect_ridge: float = Field(
        default=1.0,
        gt=0,
        description="penalty of the regression of the effect, as a share of its rows",
    )
    overlap: float = Field(
        default=0.02,
        gt=0,
        lt=0.5,
        description="chances to be treated are clipped this far from 0 and 1",
    )
    max_bin: int = Field(default=63, ge=3, le=255, description="values a tree tells apart")
    seed: int = 15
    threads: int = Field(default=1, ge=1, le=2, description="processor threads")
