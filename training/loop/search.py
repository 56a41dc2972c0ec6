"""A search for better settings: the only module that knows Optuna.

The tree-structured Parzen estimator proposes settings where losses were low so far (Bergstra et
al., "Algorithms for Hyper-Parameter Optimization", 2011). A trial is stopped early where its loss
after a fold is above the median of the trials before it. Trials are kept in a database, so a search
can be interrupted, taken up again, and shared between processes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from features.errors import InputError
from features.storage.files import held
from training.trials import SearchRange, Trial, Value

if TYPE_CHECKING:
    import optuna

BEAT, PATIENCE = 30, 150
"""Seconds between signs of life of a trial, and after how many without one it is given up."""
BY_CHANCE = 8
"""Trials that are drawn by chance before the search learns from them; as many are never stopped."""
FEWEST = 8
"""Complete trials below which nobody can say which setting matters."""
BUSY = 120
"""Seconds that a process waits for another one's write."""

Losses = Callable[[Mapping[str, Value]], Iterator[float]]
"""Tries some settings: the mean loss over the folds so far, after each fold."""


@dataclass(frozen=True)
class Search:
    """A search, kept in a database under its name.

    Attributes:
        name: equal names in one database are one search.
        storage: the database: a file, or a URL of one that several machines share.
        ranges: where to look.
        seed: of what is drawn.
    """

    name: str
    storage: Path | str
    ranges: Sequence[SearchRange]
    seed: int

    def run(
        self,
        losses: Losses,
        trials: int,
        minutes: float | None,
        told: Callable[[Trial], None],
    ) -> None:
        """Try settings until there are so many trials, those of earlier runs included.

        Args:
            losses: tries some.
            trials: how many are wanted, complete or stopped early.
            minutes: begin none after so many; None: as long as it takes.
            told: hears of each trial that has ended here.

        Raises:
            InputError: the database cannot be used.
        """
        stop_at = None if minutes is None else monotonic() + 60 * minutes
        while self._begin_another(trials) and (stop_at is None or monotonic() < stop_at):
            self._study.optimize(lambda trial: self._try(trial, losses), n_trials=1)
            told(self.trials()[self._own[-1]])

    def trials(self) -> list[Trial]:
        """Return all trials in their order."""
        return [
            Trial(
                number=trial.number,
                values=dict(trial.params) or dict(self._fixed(trial)),
                losses=tuple(
                    trial.intermediate_values[k] for k in sorted(trial.intermediate_values)
                ),
                state=trial.state.name.lower(),
            )
            for trial in self._study.get_trials(deepcopy=False)
        ]

    def best(self) -> Trial | None:
        """Return the complete trial with the least loss, of equal ones the first."""
        complete = [(t.loss, t.number, t) for t in self.trials() if t.loss is not None]
        return min(complete)[2] if complete else None

    def importance(self) -> dict[str, float] | None:
        """Return each setting's share in what makes the better half of the trials better.

        Source: PED-ANOVA; Watanabe, Bansal and Hutter (2023). None with too few trials.
        """
        import optuna  # noqa: PLC0415 - takes a second

        losses = [trial.loss for trial in self.trials() if trial.loss is not None]
        if len(losses) < FEWEST or len(set(losses)) == 1 or not self.ranges:
            return None
        shares = optuna.importance.get_param_importances(self._study)
        return {name: float(share) for name, share in shares.items()}

    @cached_property
    def _own(self) -> list[int]:
        """The numbers of the trials that were begun here."""
        return []

    @cached_property
    def _study(self) -> optuna.Study:
        import optuna  # noqa: PLC0415 - takes a second
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - comes with Optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with _opening(self.storage):
            try:
                storage = optuna.storages.RDBStorage(
                    _url(self.storage),
                    engine_kwargs=_engine(self.storage),
                    heartbeat_interval=BEAT,
                    grace_period=PATIENCE,
                )
                study = optuna.create_study(
                    storage=storage,
                    study_name=self.name,
                    load_if_exists=True,
                    pruner=optuna.pruners.MedianPruner(n_startup_trials=BY_CHANCE),
                )
            except (SQLAlchemyError, OSError) as error:
                reason = str(error).splitlines()[0]
                raise InputError(
                    f"--storage {_shown(self.storage)} cannot be used: {reason}; give a database "
                    "URL such as postgresql+psycopg://user@host/database"
                ) from None
        # Another seed for whoever joins later, else two processes would try the same settings.
        seed = self.seed + len(study.get_trials(deepcopy=False))
        study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=BY_CHANCE)
        return study

    def _begin_another(self, trials: int) -> bool:
        """Whether one more is wanted; the defaults come first, and again if they were lost."""
        import optuna  # noqa: PLC0415 - takes a second

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            optuna.storages.fail_stale_trials(self._study)
        known = self.trials()
        defaults = {r.name: r.default for r in self.ranges}
        is_there = any(
            trial.values == defaults and trial.state in ("complete", "running", "waiting")
            for trial in known
        )
        if not is_there:
            self._study.enqueue_trial(defaults)
            return True
        return sum(trial.state in ("complete", "pruned") for trial in known) < trials

    def _try(self, trial: optuna.Trial, losses: Losses) -> float:
        import optuna  # noqa: PLC0415 - takes a second

        self._own.append(trial.number)
        values = {r.name: _suggested(trial, r) for r in self.ranges}
        is_default = values == {r.name: r.default for r in self.ranges}
        loss = float("nan")
        for step, loss in enumerate(losses(values)):
            trial.report(loss, step)
            if not is_default and trial.should_prune():
                raise optuna.TrialPruned
        return loss

    @staticmethod
    def _fixed(trial: Any) -> Mapping[str, Value]:
        """Return the settings of a trial that is still waiting."""
        return trial.system_attrs.get("fixed_params", {})


@contextmanager
def _opening(storage: Path | str) -> Iterator[None]:
    """Let one process at a time make the tables of a file, and take experimental features as is."""
    import optuna  # noqa: PLC0415 - takes a second

    with ExitStack() as stack:
        if isinstance(storage, Path):
            storage.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(held(storage.with_suffix(".lock")))
        stack.enter_context(warnings.catch_warnings())
        # Signs of life are: a trial whose process died is given up after a while.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


def _suggested(trial: optuna.Trial, searched: SearchRange) -> Value:
    name, low, high = searched.name, searched.low, searched.high
    if searched.is_whole:
        return trial.suggest_int(name, int(low), int(high), log=searched.is_logarithmic)
    return trial.suggest_float(name, low, high, log=searched.is_logarithmic)


def _url(storage: Path | str) -> str:
    from sqlalchemy import URL  # noqa: PLC0415 - comes with Optuna

    if isinstance(storage, str):
        return storage
    return URL.create("sqlite", database=str(storage.absolute())).render_as_string()


def _engine(storage: Path | str) -> dict[str, Any]:
    is_file = isinstance(storage, Path) or storage.startswith("sqlite")
    return {"connect_args": {"timeout": BUSY}} if is_file else {"pool_pre_ping": True}


def _shown(storage: Path | str) -> str:
    """Return a storage without its password."""
    from sqlalchemy import make_url  # noqa: PLC0415 - comes with Optuna
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415 - comes with Optuna

    if isinstance(storage, Path):
        return str(storage)
    try:
        return make_url(storage).render_as_string(hide_password=True)
    except ArgumentError:
        return "URL"
