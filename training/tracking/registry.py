"""Runs, registered models, and which of them is live.

MLflow remembers which version an alias names now, but not since when or why. Each promotion is
therefore also written down as a tag of the registered model, where MLflow's pages show it.
Importing MLflow takes seconds, so that is put off until something is asked that needs it.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from features.clock import naive_utc, utc_now
from features.errors import NotFoundError, NotReady
from training.tracking.loading import load_bundle
from training.tracking.pyfunc import BUNDLE, save_registered
from training.tracking.records import LoadedModel, Promotion, RunRecord, Version
from training.tracking.store import Mlruns, quiet

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION = "champion"
CHALLENGER = "challenger"
PREVIOUS = "previous"

_LIVE_FROM = "live from "
_PARAMS_AT_ONCE = 100
"""MLflow takes no more in one call."""


@dataclass(frozen=True)
class Tracking:
    """The runs and models of one home; does nothing before something is asked of it.

    Invariants: a kind with any version has one champion. It changes only by `promote`, except that
    the first version of a kind becomes it.
    """

    home: Path

    @property
    def mlruns(self) -> Mlruns:
        """Where everything lives."""
        return Mlruns(self.home.resolve() / "mlruns")

    def log(self, run: RunRecord) -> str:
        """Remember a training and register its model.

        Returns:
            The new version: champion if it is the first of its kind, else challenger.
        """
        with self._open() as client, tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            run.write(folder / "run")
            save_registered(run.bundle, folder / "model")
            experiment = self._experiment(run.kind)
            name = f"{run.kind} {run.bundle.version}"
            made = client.create_run(experiment, tags=run.about(), run_name=name)
            run_id: str = made.info.run_id
            try:
                source = self._fill(run_id, experiment, run, folder)
            except BaseException:
                client.set_terminated(run_id, "FAILED")
                raise
            client.set_terminated(run_id)
            with self.mlruns.alone():
                return self._register(run, run_id, source)

    def versions(self, kind: str) -> list[Version]:
        """Tell all models of a kind, the oldest first."""
        if not self.mlruns.database.is_file():
            return []
        with self._open():
            aliases = self._aliases(kind)
            found = self._registered(kind)
        return [
            Version(
                kind=kind,
                version=number,
                run_id=one.run_id,
                registered_at=_moment(one.creation_timestamp),
                aliases=tuple(sorted(a for a, named in aliases.items() if named == number)),
                about=dict(one.tags),
            )
            for number, one in found.items()
        ]

    def live(self, kind: str) -> str | None:
        """Name the champion's version, if there is one; quick enough to be asked often."""
        if not self.mlruns.database.is_file():
            return None
        with self._open():
            return self._aliases(kind).get(CHAMPION)

    def champion(self, kind: str) -> LoadedModel:
        """Load the model that is live."""
        return self.load(kind, CHAMPION)

    def load(self, kind: str, which: str) -> LoadedModel:
        """Load a model by its version or alias, from plain files: nothing is unpickled."""
        number = self._number(kind, which)
        with self._open():
            found = self._registered(kind)[number]
        bundle = load_bundle(self.mlruns.local(found.source) / BUNDLE)
        return LoadedModel(kind, number, found.run_id, bundle)

    def promote(self, kind: str, which: str, why: str) -> str:
        """Make a version (or what an alias names) the champion; the old one becomes `previous`.

        Returns:
            The version that is live now.
        """
        number = self._number(kind, which)
        with self._open(), self.mlruns.alone():
            if self._aliases(kind).get(CHAMPION) != number:
                self._crown(kind, number, why)
        return number

    def promotions(self, kind: str) -> list[Promotion]:
        """Tell which model was live from when, and why, the oldest first."""
        if self.live(kind) is None:
            return []
        with self._open() as client:
            tags = client.get_registered_model(_name(kind)).tags
        return [
            Promotion(at=datetime.fromisoformat(key.removeprefix(_LIVE_FROM)), **json.loads(told))
            for key, told in sorted(tags.items())
            if key.startswith(_LIVE_FROM)
        ]

    @cached_property
    def _client(self) -> MlflowClient:
        return self.mlruns.open()

    @contextmanager
    def _open(self) -> Iterator[MlflowClient]:
        client = self._client
        with quiet():
            yield client

    def _experiment(self, kind: str) -> str:
        """Find or make the experiment, with artifacts in this home wherever it is by now."""
        place = self.mlruns.place(kind)
        with self.mlruns.alone():
            found = self._client.get_experiment_by_name(kind)
            if found is None:
                return str(self._client.create_experiment(kind, place))
            if found.artifact_location != place:
                self.mlruns.move(
                    found.artifact_location.removesuffix(kind), place.removesuffix(kind)
                )
            return str(found.experiment_id)

    def _fill(self, run_id: str, experiment: str, run: RunRecord, folder: Path) -> str:
        """Store settings, figures and files of a run; returns the model's address."""
        from mlflow.entities import LoggedModelOutput, Metric, Param  # noqa: PLC0415 - takes seconds

        client = self._client
        params = [Param(key, value) for key, value in run.params()]
        for start in range(0, len(params), _PARAMS_AT_ONCE):
            client.log_batch(run_id, params=params[start : start + _PARAMS_AT_ONCE])
        model = client.create_logged_model(
            experiment, name=run.kind, source_run_id=run_id, tags=run.about()
        )
        now = int(datetime.now(UTC).timestamp() * 1000)
        metrics = [
            Metric(name, float(value), now, 0, model_id=model.model_id)
            for name, value in run.metrics.items()
            if value is not None and math.isfinite(value)
        ]
        client.log_batch(run_id, metrics=metrics)
        client.log_artifacts(run_id, str(folder / "run"))
        client.log_model_artifacts(model.model_id, str(folder / "model"))
        client.finalize_logged_model(model.model_id, "READY")
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, 0)])
        return str(model.artifact_location)

    def _register(self, run: RunRecord, run_id: str, source: str) -> str:
        name, aliases = _name(run.kind), self._aliases(run.kind)
        if not self._client.search_registered_models(f"name = '{name}'"):
            self._client.create_registered_model(name)
        # A path, not `models:/<id>`: MLflow would look that up in its default database.
        made = self._client.create_model_version(name, source, run_id, tags=run.about())
        number = str(made.version)
        if CHAMPION in aliases:
            self._client.set_registered_model_alias(name, CHALLENGER, number)
        else:
            self._crown(run.kind, number, "the first model of its kind")
        return number

    def _crown(self, kind: str, number: str, why: str) -> None:
        name, aliases = _name(kind), self._aliases(kind)
        before = aliases.get(CHAMPION)
        since = utc_now().isoformat(timespec="microseconds")
        told = json.dumps({"version": number, "before": before, "why": why}, ensure_ascii=False)
        self._client.set_registered_model_alias(name, CHAMPION, number)
        self._client.set_registered_model_tag(name, f"{_LIVE_FROM}{since}", told)
        if before is not None:
            self._client.set_registered_model_alias(name, PREVIOUS, before)
        if aliases.get(CHALLENGER) == number:
            self._client.delete_registered_model_alias(name, CHALLENGER)

    def _aliases(self, kind: str) -> dict[str, str]:
        found = self._client.search_registered_models(f"name = '{_name(kind)}'")
        return {alias: str(number) for one in found for alias, number in one.aliases.items()}

    def _registered(self, kind: str) -> dict[str, ModelVersion]:
        found = self._client.search_model_versions(f"name = '{_name(kind)}'")
        return {str(one.version): one for one in sorted(found, key=lambda one: int(one.version))}

    def _number(self, kind: str, which: str) -> str:
        known = self.versions(kind)
        if not known:
            raise NotReady(
                f"there is no {kind} model in {self.mlruns.folder}; run `pacesetter train {kind}`"
            )
        for one in known:
            if which == one.version or which in one.aliases:
                return one.version
        told = (" ".join((one.version, *one.aliases)) for one in known)
        raise NotFoundError(
            f"there is no {kind} model {which!r} in {self.mlruns.folder}: found {'; '.join(told)}"
        )


def _name(kind: str) -> str:
    return f"pacesetter-{kind}"


def _moment(milliseconds: int) -> datetime:
    return naive_utc(datetime.fromtimestamp(milliseconds / 1000, UTC))
