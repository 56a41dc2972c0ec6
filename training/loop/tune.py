"""The recipe of `tune`: search settings on the past, and test the best on what came after.

The search forecasts periods of the past one by one, each with a model that saw nothing of it. The
newest period with known outcomes is kept from the search: there the best settings are set beside
the present ones by the gate that promotes models. The least loss among many trials is flattered by
their number; that comparison is not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from features.errors import NotReady
from features.evidence import EvidenceState
from features.progress import Progress, silent
from features.storage.warehouse import Warehouse
from training.evaluation.metrics import log_loss
from training.loop.compare import Comparison, compare
from training.loop.kinds import Kind
from training.loop.results import Recipe
from training.loop.search import Search
from training.loop.search_space import search_ranges, with_values
from training.params import TrainingParams
from training.rolling import BuiltFold
from training.tracking.records import LoadedModel
from training.trials import SearchRange, Trial, Value

PRESENT, BEST = "present", "best"
NAME_LENGTH = 10


@dataclass(frozen=True, eq=False)
class Plan:
    """What a search learns from and forecasts, its features built.

    Attributes:
        kind: what is forecast.
        recipe: the present settings.
        ranges: where others are looked for.
        folds: periods of the past, the oldest first.
        present: the loss of the present settings in each fold.
        test_from: what comes at or after this moment is kept from the search.
        name: of the search: equal data, settings, ranges and folds, equal name.
    """

    kind: Kind
    recipe: Recipe
    ranges: tuple[SearchRange, ...]
    folds: tuple[BuiltFold, ...]
    present: tuple[float, ...]
    test_from: datetime
    name: str

    def search(self, storage: Path | str) -> Search:
        """Return the search, kept in a file or at a database's URL."""
        return Search(self.name, storage, self.ranges, self.recipe.training.tune.seed)

    def losses(self, values: Mapping[str, Value]) -> Iterator[float]:
        """Try some settings: yields the mean loss over the folds so far, after each."""
        is_present = values == {r.name: r.default for r in self.ranges}
        params, each = with_values(self.recipe.training, values), list[float]()
        for fold, known in zip(self.folds, self.present, strict=True):
            each.append(known if is_present else fold_loss(fold, params))
            yield float(np.mean(each))


@dataclass(frozen=True)
class Tuned:
    """What came of a search.

    Attributes:
        plan: what was searched on.
        trials: all of them.
        best: the complete one with the least loss.
        importance: each setting's share; None with too few trials.
        comparison: the best settings beside the present ones on what the search never saw; None
            where the present ones were the best.
    """

    plan: Plan
    trials: tuple[Trial, ...]
    best: Trial
    importance: Mapping[str, float] | None
    comparison: Comparison | None

    @property
    def present(self) -> float:
        """The loss of the present settings in the search."""
        return float(np.mean(self.plan.present))

    @property
    def search_gain(self) -> float:
        """By how much the best trial's loss is lower, in the search."""
        return self.present - (self.best.loss or self.present)

    @property
    def improves(self) -> bool:
        """Whether the best settings are better beyond luck on what the search never saw."""
        return self.comparison is not None and self.comparison.verdict.promotes

    @property
    def training(self) -> TrainingParams:
        """The settings to use: the best where they are better, else the present ones."""
        present = self.plan.recipe.training
        return with_values(present, self.best.values) if self.improves else present

    @property
    def says(self) -> str:
        """The answer, in words."""
        if self.comparison is None:
            return (
                f"no improvement: of {len(self.trials)} settings tried, the present ones forecast "
                f"the past best (log loss {self.present:.4f})"
            )
        verdict, gain = self.comparison.verdict, self.comparison.verdict.gain
        tried = (
            f"trial {self.best.number} is better by {self.search_gain:.4f} of log loss in the "
            f"search (present {self.present:.4f})"
        )
        if gain.value is None:
            return f"no improvement can be shown: {tried}, but {verdict.reasons[0]}"
        unseen = f"{gain.value:.4f} ({gain.low:.4f} to {gain.high:.4f})" if gain.low else "unsure"
        if self.improves:
            return f"better settings were found: {tried}, and by {unseen} on what it never saw"
        reasons = "; ".join(verdict.reasons)
        return f"no improvement: {tried}, but on what it never saw {reasons}"


def fold_loss(fold: BuiltFold, params: TrainingParams) -> float:
    """Return the mean log loss of a fold's forecasts, where what happened is known."""
    p, known = fold.forecast(fold.fit(params)), ~np.isnan(fold.y)
    return float(log_loss(fold.y[known], p[known]).mean())


def plan_tuning(
    kind: Kind, warehouse: Warehouse, recipe: Recipe, progress: Progress = silent
) -> Plan:
    """Lay out the folds of a search, and build their features.

    Each period ends where the next one begins, and a model that forecasts it has seen nothing of
    it, labels included. With a horizon of 30 days, a window of 28 (`retrain.window_days`) and data
    until December 31st:

    | part   | learned until | forecast                | outcomes known by |
    |--------|---------------|-------------------------|-------------------|
    | test   | November 3rd  | November 3rd to Dec 1st | December 31st     |
    | fold 3 | September 6th | September 6th to Oct 4th| November 3rd      |
    | fold 2 | July 10th     | July 10th to Aug 7th    | September 6th     |

    For quota each part is the newest quota period that has ended by then.

    Args:
        kind: what is forecast.
        warehouse: the extract.
        recipe: the present settings.
        progress: told of every fold.

    Raises:
        NotReady: history is too short.
    """
    known, parts = warehouse, list[tuple[Warehouse, datetime]]()
    for _ in range(recipe.training.tune.folds + 1):
        window = kind.steps.window(known, recipe.training, known.data_until)
        if window.start is None:
            break
        parts.append((known, window.start))
        known = known.until(window.start)
    folds, present = list[BuiltFold](), list[float]()
    with progress("building the folds", max(len(parts) - 1, 1)) as advance:
        for before, start in parts[1:]:
            fold = _fold_with_evidence(kind, before, start, recipe)
            advance(1)
            if fold is None:
                break
            folds.append(fold[0])
            present.append(fold[1])
    if not folds:
        raise NotReady(
            f"history is too short to tune {kind.subject}: a search needs a period of the past "
            "with known outcomes, enough to learn from before it, and another period after it for "
            f"the test; the extract ends at {warehouse.data_until:%Y-%m-%d}"
        )
    ranges = search_ranges(kind, recipe.training)
    name = _name(kind, warehouse, recipe, ranges, folds)
    newest_last = tuple(folds[::-1]), tuple(present[::-1])
    return Plan(kind, recipe, ranges, *newest_last, parts[0][1], name)


def _fold_with_evidence(
    kind: Kind, known: Warehouse, start: datetime, recipe: Recipe
) -> tuple[BuiltFold, float] | None:
    """Return a fold and the present settings' loss in it; None with too little to learn from."""
    fold = kind.steps.fold(known, start, recipe)
    if not len(fold.y) or np.isnan(fold.y).all():
        return None
    if fold.fit(recipe.training).evidence.state is EvidenceState.NONE:
        return None
    return fold, fold_loss(fold, recipe.training)


def _name(
    kind: Kind,
    warehouse: Warehouse,
    recipe: Recipe,
    ranges: tuple[SearchRange, ...],
    folds: list[BuiltFold],
) -> str:
    """Name a search by all that its losses depend on, so that unlike ones never mix."""
    training = recipe.training.model_dump(mode="json", exclude={"gate", "scoring", "evaluation"})
    training["tune"].pop("trials")
    depends_on = {
        "data": warehouse.fingerprint,
        "features": recipe.features.model_dump(mode="json"),
        "training": training,
        "ranges": [vars(searched) for searched in ranges],
        "folds": [[fold.start.isoformat(), len(fold.y)] for fold in folds],
    }
    text = json.dumps(depends_on, sort_keys=True)
    return f"{kind.name}-{hashlib.sha256(text.encode()).hexdigest()[:NAME_LENGTH]}"


def tune(
    plan: Plan,
    warehouse: Warehouse,
    search: Search,
    minutes: float | None = None,
    progress: Progress = silent,
    told: Callable[[Trial], None] = lambda _: None,
) -> Tuned:
    """Search, and test the best settings on what the search never saw.

    Args:
        plan: see `plan_tuning`.
        warehouse: the extract.
        search: see `Plan.search`.
        minutes: begin no trial after so many; None: as long as it takes.
        progress: told of every trial.
        told: hears of each trial that has ended here.

    Raises:
        InputError: the search's database cannot be used.
        NotReady: no trial has been completed.
    """
    wanted = plan.recipe.training.tune.trials
    with progress("trying settings", wanted) as advance:
        advance(min(wanted, sum(t.state in ("complete", "pruned") for t in search.trials())))

        def ended(trial: Trial) -> None:
            advance(1)
            told(trial)

        search.run(plan.losses, wanted, minutes, ended)
    best = search.best()
    if best is None:
        raise NotReady("no trial was completed; give it more --minutes")
    is_present = best.values == {r.name: r.default for r in plan.ranges}
    comparison = None if is_present else _tested(plan, warehouse, best, progress)
    return Tuned(plan, tuple(search.trials()), best, search.importance(), comparison)


def _tested(plan: Plan, warehouse: Warehouse, best: Trial, progress: Progress) -> Comparison:
    """Set the best settings beside the present ones on what comes after the search."""
    kind, recipe = plan.kind, plan.recipe
    training = recipe.training
    with progress("testing on what came after", 2) as advance:
        fold = kind.steps.fold(warehouse, plan.test_from, recipe)
        models = []
        for name, params in ((PRESENT, training), (BEST, with_values(training, best.values))):
            models.append(LoadedModel(kind.name, name, "", fold.fit(params)))
            advance(1)
    gate = training.gate.model_copy(update={"every_days": training.tune.every_days})
    return compare(kind, warehouse, (models[0], models[1]), gate, progress)
