"""A search for better settings, as MLflow shows it: one run, with a nested run for every trial."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from training.tracking.records import as_params
from training.tracking.runs import NOTE, Runs

OBJECTIVE = "objective"
"""The curve of a trial: its loss after each fold, by step."""
STUDY, TRIAL, STATE = "study", "trial", "state"
"""Tags of a search, of a trial, and of how the trial ended."""
NOTHING: Mapping[str, Any] = MappingProxyType({})


class TrialState(StrEnum):
    """How a trial ended; the values are Optuna's names, in lower case."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "fail"

    @property
    def status(self) -> str:
        """What MLflow calls it: a pruned trial was stopped, it did not fail."""
        return {"complete": "FINISHED", "pruned": "KILLED", "fail": "FAILED"}[self.value]


@dataclass(frozen=True)
class TuningRun:
    """The run of a search. Several processes may log trials of one search at once.

    Attributes:
        runs: where it is kept.
        run_id: MLflow's name of it.
        experiment: the id of its experiment.
    """

    runs: Runs
    run_id: str
    experiment: str
    _lock: threading.Lock = field(default_factory=threading.Lock, compare=False, repr=False)

    def trial(
        self,
        number: int,
        params: Mapping[str, Any],
        steps: Sequence[float],
        state: TrialState | str,
        metrics: Mapping[str, float | None] = NOTHING,
    ) -> str:
        """Log a trial as a nested run; one that is logged already is left as it is.

        So a search that is taken up again, or shared by processes, may report trials twice.

        Args:
            number: its place in the search; the defaults are 0.
            params: the settings that were tried; nested ones get dotted names.
            steps: the loss after each fold, as far as the trial came.
            state: how it ended: `complete`, `pruned` or `fail`.
            metrics: further figures, by name; None is left out.

        Returns:
            The id of the trial's run.

        Raises:
            ValueError: the state is none of the three.
        """
        ended = TrialState(state)
        with self._lock, self.runs.mlruns.locked():
            if (logged := self._logged(number)) is not None:
                return logged
            tags = {TRIAL: str(number), STATE: ended.value}
            name = "trial 0: the defaults" if number == 0 else f"trial {number}"
            opened = self.runs.run(self.experiment, name, tags, self.run_id, ended.status)
            with opened as run_id:
                self.runs.log_params(run_id, as_params(params))
                self.runs.log_metrics(run_id, {OBJECTIVE: [*steps], **metrics})
        return run_id

    def summary(
        self,
        note: str,
        params: Mapping[str, Any] = NOTHING,
        metrics: Mapping[str, float | None] = NOTHING,
        files: Mapping[str, str | bytes | Path] = NOTHING,
    ) -> None:
        """Log what came of the search: shown on its own run, above the trials.

        Args:
            note: the answer in words, as Markdown; "no improvement" is one too.
            params: the best settings. A search taken up again must not name others under the same
                keys: MLflow refuses to change a setting, so they are stored as tags.
            metrics: the improvement and its interval, by name.
            files: plots and reports, by path.
        """
        client = self.runs.client
        client.set_tag(self.run_id, NOTE, note)
        for key, value in as_params(params):
            client.set_tag(self.run_id, f"best.{key}", value)
        self.runs.log_metrics(self.run_id, metrics)
        self.runs.log_files(self.run_id, files)

    def _logged(self, number: int) -> str | None:
        found = self.runs.client.search_runs(
            [self.experiment],
            f"tags.`{TRIAL}` = '{number}' and tags.`mlflow.parentRunId` = '{self.run_id}' "
            "and attributes.status != 'RUNNING'",
            max_results=1,
        )
        return str(found[0].info.run_id) if found else None


@contextmanager
def open_tuning(runs: Runs, experiment: str, name: str) -> Iterator[TuningRun]:
    """Open the run of a search; one of that name is taken up again.

    The run ends as `FINISHED`, as `KILLED` if the block is interrupted, as `FAILED` on an error.

    Args:
        runs: where it is kept.
        experiment: the id of its experiment.
        name: of the search: equal names, one run.
    """
    client = runs.client
    with runs.mlruns.locked():
        known = [
            run
            for run in client.search_runs([experiment], f"tags.`{STUDY}` != ''")
            if run.data.tags[STUDY] == name
        ]
        if known:
            run_id = str(known[0].info.run_id)
            client.update_run(run_id, "RUNNING")
        else:
            created = client.create_run(experiment, tags={STUDY: name}, run_name=name)
            run_id = str(created.info.run_id)
    status = "FAILED"
    try:
        yield TuningRun(runs, run_id, experiment)
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        client.set_terminated(run_id, status)
