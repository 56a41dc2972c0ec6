"""Runs as MLflow shows them: in an experiment that says what it is, nested where one began another.

Everything goes through a client; nothing here touches MLflow's global state.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from training.tracking.records import write_file
from training.tracking.store import Mlruns

if TYPE_CHECKING:
    from mlflow import MlflowClient

NOTE = "mlflow.note.content"
"""The tag that MLflow's pages show as a description, as Markdown."""
PARENT = "mlflow.parentRunId"
"""The tag by which MLflow's pages nest a run under another one."""
PARAMS_AT_ONCE = 100
METRICS_AT_ONCE = 1000
"""MLflow takes no more in one call."""


@dataclass(frozen=True)
class Runs:
    """The runs of one home.

    Attributes:
        mlruns: where they are kept.
        client: MLflow, opened there.
    """

    mlruns: Mlruns
    client: MlflowClient

    def experiment(self, name: str, note: str) -> str:
        """Return an experiment's id, with its artifacts where this home is now.

        Args:
            name: the experiment; made if there is none.
            note: what it holds, as Markdown.
        """
        place = self.mlruns.place(name)
        with self.mlruns.locked():
            experiment = self.client.get_experiment_by_name(name)
            if experiment is None:
                return str(self.client.create_experiment(name, place, tags={NOTE: note}))
            if experiment.artifact_location != place:
                self.mlruns.move(
                    experiment.artifact_location.removesuffix(name), place.removesuffix(name)
                )
            if experiment.tags.get(NOTE) != note:
                self.client.set_experiment_tag(experiment.experiment_id, NOTE, note)
            return str(experiment.experiment_id)

    @contextmanager
    def run(
        self,
        experiment: str,
        name: str,
        tags: Mapping[str, str],
        parent: str | None = None,
        ended: str = "FINISHED",
    ) -> Iterator[str]:
        """Open a run for as long as the block lasts; it ends as failed if the block does.

        Args:
            experiment: its id.
            name: what lists of runs call it.
            tags: what it is about.
            parent: the run to nest it under.
            ended: its status once the block has ended well.
        """
        nested = {} if parent is None else {PARENT: parent}
        created = self.client.create_run(experiment, tags={**tags, **nested}, run_name=name)
        run_id: str = created.info.run_id
        try:
            yield run_id
        except BaseException:
            self.client.set_terminated(run_id, "FAILED")
            raise
        self.client.set_terminated(run_id, ended)

    def log_params(self, run_id: str, params: Iterable[tuple[str, str]]) -> None:
        """Store settings, by name."""
        from mlflow.entities import Param  # noqa: PLC0415 - takes seconds

        listed = [Param(key, value) for key, value in params]
        for start in range(0, len(listed), PARAMS_AT_ONCE):
            self.client.log_batch(run_id, params=listed[start : start + PARAMS_AT_ONCE])

    def log_metrics(
        self,
        run_id: str,
        metrics: Mapping[str, float | Sequence[float] | None],
        model_id: str | None = None,
        first_step: int = 0,
    ) -> None:
        """Store figures, by name; a sequence is a curve.

        Args:
            run_id: the run.
            metrics: None, and what is not finite, is left out.
            model_id: the logged model they are figures of, if they are.
            first_step: where the steps of curves begin.
        """
        from mlflow.entities import Metric  # noqa: PLC0415 - takes seconds

        now = int(datetime.now(UTC).timestamp() * 1000)
        listed = [
            Metric(name, float(value), now, step, model_id=model_id)
            for name, values in metrics.items()
            for step, value in _steps(values, first_step)
            if value is not None and math.isfinite(value)
        ]
        for start in range(0, len(listed), METRICS_AT_ONCE):
            self.client.log_batch(run_id, metrics=listed[start : start + METRICS_AT_ONCE])

    def log_files(self, run_id: str, files: Mapping[str, str | bytes | Path]) -> None:
        """Store artifacts by their path: text, bytes, or a file to copy."""
        if not files:
            return
        with tempfile.TemporaryDirectory() as temporary:
            for name, content in files.items():
                write_file(Path(temporary) / name, content)
            self.client.log_artifacts(run_id, temporary)


def _steps(
    values: float | Sequence[float] | None, first_step: int
) -> Iterable[tuple[int, float | None]]:
    """Number the values of a curve; a figure alone has step 0."""
    return enumerate(values, first_step) if isinstance(values, Sequence) else [(0, values)]
