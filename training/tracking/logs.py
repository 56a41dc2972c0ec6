"""What is logged of a training and of a comparison, once their runs are open."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.artifact import LEARNING_CURVES
from training.tracking import words
from training.tracking.records import RunRecord
from training.tracking.runs import NOTE, Runs

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

LONGEST_DIGEST = 36
"""MLflow keeps no more of a fingerprint; the whole one is among the tags."""


def log_training(runs: Runs, place: tuple[str, str], run: RunRecord, folder: Path) -> str:
    """Store the settings, data, curves, figures, files and model of a training.

    Args:
        runs: where they are kept.
        place: the ids of its run and of its experiment.
        run: the training.
        folder: holds its artifacts in `run` and its model in `model`.

    Returns:
        The address of the model's files.
    """
    from mlflow.entities import LoggedModelOutput  # noqa: PLC0415 - takes seconds

    client, (run_id, experiment) = runs.client, place
    runs.log_params(run_id, run.params())
    # MLflow looks for a data set and then adds it: of two processes at once, one would fail.
    with runs.mlruns.locked():
        client.log_inputs(run_id, datasets=[_dataset(run)])
    model = client.create_logged_model(
        experiment, name=run.kind, source_run_id=run_id, tags=run.tags()
    )
    runs.log_metrics(run_id, run.metrics, model.model_id)
    runs.log_metrics(run_id, _curves(run), first_step=1)
    client.log_artifacts(run_id, str(folder / "run"))
    client.log_model_artifacts(model.model_id, str(folder / "model"))
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, 0)])
    return str(model.artifact_location)


def _dataset(run: RunRecord) -> DatasetInput:
    """Name the extract with its fingerprint; none of its rows is copied."""
    from mlflow.entities import Dataset, DatasetInput, InputTag  # noqa: PLC0415 - takes seconds

    name = run.source or "extract"
    return DatasetInput(
        Dataset(
            name=name,
            digest=run.data_fingerprint[:LONGEST_DIGEST],
            source_type="pacesetter",
            source=json.dumps({"extract": name, "fingerprint": run.data_fingerprint}),
            profile=json.dumps({"rows": dict(run.rows), "until": run.bundle.until.isoformat()}),
        ),
        [InputTag("mlflow.data.context", "training")],
    )


def _curves(run: RunRecord) -> dict[str, list[float]]:
    """Return the log loss on later rows by number of trees, for each fold that stopped early."""
    curves = run.bundle.about.get(LEARNING_CURVES, ())
    return {f"learning_curve/fold_{n}": list(curve) for n, curve in enumerate(curves, start=1)}


def log_comparison(runs: Runs, experiment: str, parent: str, comparison: Mapping[str, Any]) -> str:
    """Store what the gate said of a challenger, and return the run's id.

    Args:
        runs: where it is kept.
        experiment: the id of the kind's experiment.
        parent: the challenger's run.
        comparison: as plain values.
    """
    note = words.comparison(comparison)
    tags = {
        "comparison": words.verdict(comparison),
        "champion": comparison["champion"],
        "challenger": comparison["challenger"],
        NOTE: note,
    }
    files = {
        "comparison.json": json.dumps(comparison, indent=2, ensure_ascii=False),
        "comparison.md": f"{note}\n",
    }
    with runs.run(experiment, words.comparison_name(comparison), tags, parent) as run_id:
        runs.log_metrics(run_id, dict(_compared(comparison)))
        runs.log_files(run_id, files)
    return run_id


def _compared(comparison: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    """Yield every figure by name: `gain_low`, `challenger.auc`, `difference.auc_high` ..."""
    ends = {"value": "", "low": "_low", "high": "_high"}
    yield "n_rows", comparison["n_rows"]
    for end, suffix in ends.items():
        yield f"gain{suffix}", comparison["gain"][end]
    for metric, figure in comparison["figures"].items():
        for who, estimate in figure.items():
            for end, suffix in ends.items():
                yield f"{who}.{metric}{suffix}", estimate[end]
