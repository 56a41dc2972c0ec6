"""Gradient-boosted trees: the only module that knows LightGBM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import lightgbm as lgb
import numpy as np
import pandas as pd

from features.arrays import Floats
from training.params import BoosterParams
from training.shapley.trees import Leaf, Paths, Split, tree_contributions

Loss = Literal["binary", "regression"]

KEPT = 24
"""Boosters whose trees are kept as paths: a few ensembles of three."""


class Binned:
    """Features in the bins that trees split on, made once for several trainings of the same rows.

    For one training after the other, not side by side: each puts its labels beside the features.
    """

    def __init__(self) -> None:
        """Bin nothing yet."""
        self._data: lgb.Dataset | None = None

    def labelled(
        self, part: TrainingRows, categorical: Sequence[str], params: BoosterParams
    ) -> lgb.Dataset:
        """Return the features with the labels, weights and start of these rows.

        Args:
            part: rows with the same features at every call.
            categorical: the columns that hold categories.
            params: settings of the boosters, of which LightGBM refuses another `max_bin`.
        """
        # LightGBM cannot take a start away again once there is one.
        if self._data is None or part.start is None:
            self._data = _dataset(part, categorical, params, is_kept=False).construct()
        else:
            self._data.set_label(part.y).set_weight(part.weights).set_init_score(part.start)
        return self._data


@dataclass(frozen=True)
class TrainingRows:
    """Rows to learn from or to stop on.

    Attributes:
        X: features.
        y: labels.
        weights: one per row.
        start: log-odds that trees are added to; None: those of the average row.
        loss: `binary` for labels 0 and 1; `regression` for amounts, by squared error, whose trees
            add amounts instead of log-odds.
        binned: where the same features are binned once for several trainings.
    """

    X: pd.DataFrame
    y: Floats
    weights: Floats
    start: Floats | None = None
    loss: Loss = "binary"
    binned: Binned | None = None


@dataclass(frozen=True)
class Ensemble:
    """Boosters with different seeds whose margins (log-odds) are averaged.

    Attributes:
        texts: each booster in LightGBM's own text format.
        columns: the features, in order.
    """

    texts: tuple[str, ...]
    columns: tuple[str, ...]

    def margins(self, X: pd.DataFrame) -> Floats:
        """Return log-odds, one per row."""
        if not len(X):
            return np.empty(0)
        return np.asarray(self.margins_of_each(X).mean(axis=0))

    def margins_of_each(self, X: pd.DataFrame) -> Floats:
        """Return each booster's log-odds: boosters x rows."""
        return self._of_each(X, raw_score=True)

    def contributions(self, X: pd.DataFrame) -> Floats:
        """Split each margin into features: rows x (features + 1), the base in the last column.

        Path-dependent TreeSHAP, exact for trees (Lundberg et al. 2020), in log-odds; each row
        adds up to its margin. The values are those of LightGBM's `pred_contrib`, in a small part
        of its time where rows are many; see `training.shapley.trees`.
        """
        if not len(X):
            return np.empty((0, len(self.columns) + 1))
        matrix = X.loc[:, list(self.columns)].to_numpy(dtype=np.float64)
        with ThreadPoolExecutor(len(self.texts)) as pool:
            parts = pool.map(lambda text: tree_contributions(_paths(text), matrix), self.texts)
            return np.asarray(np.mean(list(parts), axis=0))

    @property
    def used(self) -> frozenset[str]:
        """The features that some tree splits on."""
        splits = np.sum([b.feature_importance("split") for b in self._boosters()], axis=0)
        return frozenset(name for name, n in zip(self.columns, splits, strict=True) if n > 0)

    def importance(self) -> Floats:
        """Return the gain of each feature's splits, as a share of all; 0 where no tree splits."""
        gains = np.sum(
            [b.feature_importance(importance_type="gain") for b in self._boosters()], axis=0
        )
        total = gains.sum()
        return gains / total if total > 0 else gains

    def _of_each(self, X: pd.DataFrame, **what: bool) -> Floats:
        matrix = X.loc[:, list(self.columns)].to_numpy(dtype=np.float64)
        # LightGBM keeps one count of threads for the whole process, and every call sets it anew:
        # a prediction that asked for all of them while another thread trained on one ended the
        # process. So each booster always has one, and boosters run side by side.
        with ThreadPoolExecutor(len(self.texts)) as pool:
            parts = pool.map(
                lambda booster: booster.predict(matrix, num_threads=1, **what), self._boosters()
            )
            return np.array(list(parts))

    def _boosters(self) -> list[lgb.Booster]:
        return [lgb.Booster(model_str=text) for text in self.texts]


@lru_cache(maxsize=KEPT)
def _paths(text: str) -> tuple[Paths, ...]:
    """Read the trees of a booster; those of the last few boosters are kept."""
    dump = lgb.Booster(model_str=text).dump_model()
    return tuple(Paths.of(_node(tree["tree_structure"])) for tree in dump["tree_info"])


def _node(node: Mapping[str, Any]) -> Split | Leaf:
    """Read a node of a tree as LightGBM writes it.

    A split that saw no missing value in training takes a missing one for 0; a category that is
    missing goes right.
    """
    if "leaf_value" in node:
        # A tree that is a single leaf does not say how many rows came there.
        return Leaf(node["leaf_value"], node.get("leaf_count", 1))
    left, right = _node(node["left_child"]), _node(node["right_child"])
    column, threshold = node["split_feature"], node["threshold"]
    if node["decision_type"] == "==":
        categories = tuple(map(float, threshold.split("||")))
        return Split(column, np.nan, categories, missing_left=False, left=left, right=right)
    missing_left = node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0
    return Split(column, threshold, None, missing_left, left, right)


def fit_ensemble(
    part: TrainingRows, categorical: Sequence[str], rounds: int, params: BoosterParams
) -> Ensemble:
    """Fit one booster for each seed, all with the same number of trees.

    Args:
        part: rows to learn from.
        categorical: columns that hold categories.
        rounds: trees per booster.
        params: settings of the boosters.
    """
    (ensemble,) = fit_ensembles([(part, rounds)], categorical, params)
    return ensemble


def fit_ensembles(
    jobs: Sequence[tuple[TrainingRows, int]], categorical: Sequence[str], params: BoosterParams
) -> list[Ensemble]:
    """Fit several ensembles side by side, each the same to the bit as if fitted alone.

    Three boosters on two threads leave one thread idle for a third of the time; six do not.

    Args:
        jobs: rows, and how many trees to grow on them.
        categorical: the columns that hold categories.
        params: how trees grow, and on how many threads.

    Returns:
        One ensemble a job, in the jobs' order.
    """
    # The longest first, so that no thread is left alone with one of them at the end.
    order = sorted(range(len(jobs)), key=lambda job: -len(jobs[job][0].y) * jobs[job][1])
    with ThreadPoolExecutor(params.threads) as pool:

        def construct(job: int) -> lgb.Dataset:
            part = jobs[job][0]
            if part.binned is not None:
                return part.binned.labelled(part, categorical, params)
            return _dataset(part, categorical, params).construct()

        data = dict(zip(order, pool.map(construct, order), strict=True))

        def grow(task: tuple[int, int]) -> str:
            job, bag = task
            part, rounds = jobs[job]
            settings = _settings(params, bag, part.loss)
            return str(lgb.train(settings, data[job], num_boost_round=rounds).model_to_string())

        tasks = [(job, bag) for job in order for bag in range(params.bags)]
        texts = dict(zip(tasks, pool.map(grow, tasks), strict=True))
    return [
        Ensemble(tuple(texts[job, bag] for bag in range(params.bags)), tuple(part.X.columns))
        for job, (part, _) in enumerate(jobs)
    ]


@dataclass(frozen=True)
class Stopping:
    """How growing trees stopped.

    Attributes:
        rounds: how many trees are best on later parts: the median over folds.
        curves: the log loss on each fold's later part after 1, 2 ... trees, six decimals.
    """

    rounds: int
    curves: tuple[tuple[float, ...], ...] = ()


def stop_early(
    folds: Sequence[tuple[TrainingRows, TrainingRows]],
    categorical: Sequence[str],
    params: BoosterParams,
) -> Stopping:
    """Grow trees on each earlier part for as long as the loss on the later part falls.

    Args:
        folds: an earlier part to learn from and a later one to stop on, each.
        categorical: columns that hold categories.
        params: settings of the boosters.
    """

    def count(fold: tuple[TrainingRows, TrainingRows]) -> tuple[int, tuple[float, ...]]:
        earlier, later = fold
        train = _dataset(earlier, categorical, params)
        valid = _dataset(later, categorical, params, binned_as=train)
        stop = lgb.early_stopping(params.early_stopping_rounds, verbose=False)
        history: dict[str, dict[str, list[float]]] = {}
        booster = lgb.train(
            _settings(params, 0, earlier.loss),
            train,
            num_boost_round=params.max_rounds,
            valid_sets=[valid],
            callbacks=[stop, lgb.record_evaluation(history)],
        )
        losses = tuple(round(loss, 6) for loss in history["valid_0"]["binary_logloss"])
        return int(booster.best_iteration), losses

    with ThreadPoolExecutor(params.threads) as pool:
        counted = list(pool.map(count, folds))
    rounds = max(1, int(np.median([best for best, _ in counted])))
    return Stopping(rounds, tuple(losses for _, losses in counted))


def _dataset(
    part: TrainingRows,
    categorical: Sequence[str],
    params: BoosterParams,
    binned_as: lgb.Dataset | None = None,
    *,
    is_kept: bool = True,
) -> lgb.Dataset:
    names = list(part.X.columns)
    return lgb.Dataset(
        part.X.to_numpy(np.float64),
        part.y,
        reference=binned_as,
        weight=part.weights,
        init_score=part.start,
        feature_name=names,
        categorical_feature=[names.index(c) for c in categorical if c in names],
        params={
            "max_bin": params.max_bin,
            "num_threads": 1,
            "verbosity": -1,
            # The default drops features by LightGBM's own minimum of rows in a leaf, not by ours.
            "feature_pre_filter": False,
        },
        free_raw_data=not is_kept,
    )


def _settings(params: BoosterParams, bag: int, loss: str) -> dict[str, Any]:
    return {
        "objective": loss,
        "metric": "binary_logloss" if loss == "binary" else "l2",
        "learning_rate": params.learning_rate,
        "num_leaves": params.num_leaves,
        "min_data_in_leaf": params.min_data_in_leaf,
        "feature_fraction": params.feature_fraction,
        "bagging_fraction": params.bagging_fraction,
        "bagging_freq": 1,
        "lambda_l2": params.lambda_l2,
        "cat_smooth": params.cat_smooth,
        "seed": params.seed + bag,
        "max_bin": params.max_bin,
        # One thread per booster, boosters side by side: LightGBM's own threads wait by spinning and
        # took 15 times as long on a busy machine.
        "num_threads": 1,
        # Same rows, same trees: LightGBM would otherwise choose a method by measuring its speed.
        "deterministic": True,
        "force_col_wise": True,
        "verbosity": -1,
    }
