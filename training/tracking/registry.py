"""Runs, registered models, and which of them is champion.

MLflow knows which version an alias names now, but not since when or why. Each promotion is
therefore also written down as a tag of the registered model, where MLflow's pages show it.
Importing MLflow takes seconds, so it waits until the first question that needs it.
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
from features.storage.shared import SharedHome
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
"""Begins the tag of a promotion; its moment follows."""
_PARAMS_AT_ONCE = 100
"""MLflow takes no more in one call."""


@dataclass(frozen=True)
class Tracking:
    """The runs and models of one home, or those its company shares.

    It opens nothing before the first question.

    Invariants: a kind with any version has exactly one champion. It changes only by `promote`,
    except that the first version of a kind becomes champion.

    Attributes:
        home: the folder that holds mlruns/.
        shared: what the homes of one company share; None keeps all in this home.
    """

    home: Path
    shared: SharedHome | None = None

    @property
    def mlruns(self) -> Mlruns:
        """Where everything lives.

        Raises:
            InputError: the shared folder is not there.
        """
        if self.shared is None:
            return Mlruns(self.home.resolve() / "mlruns")
        self.shared.require_folder()
        return Mlruns(self.shared.mlruns, self.shared.registry)

    def prepare(self) -> None:
        """Open MLflow now, so that the first question need not wait for it."""
        with self._open():
            pass

    def log(self, run: RunRecord) -> str:
        """Log a training and register its model.

        Returns:
            The new version: champion if it is the first of its kind, else challenger.
        """
        with self._open() as client, tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            run.write(folder / "run")
            save_registered(run.bundle, folder / "model")
            experiment = self._experiment(run.kind)
            name = f"{run.kind} {run.bundle.version}"
            created = client.create_run(experiment, tags=run.tags(), run_name=name)
            run_id: str = created.info.run_id
            try:
                source = self._fill(run_id, experiment, run, folder)
            except BaseException:
                client.set_terminated(run_id, "FAILED")
                raise
            client.set_terminated(run_id)
            with self.mlruns.locked():
                return self._register(run, run_id, source)

    def versions(self, kind: str) -> list[Version]:
        """Return all models of a kind, the oldest first."""
        if not self.mlruns.is_made:
            return []
        with self._open():
            aliases = self._aliases(kind)
            registered = self._registered(kind)
        return [
            Version(
                kind=kind,
                version=number,
                run_id=model.run_id,
                registered_at=_moment(model.creation_timestamp),
                aliases=tuple(sorted(a for a, named in aliases.items() if named == number)),
                tags=dict(model.tags),
            )
            for number, model in registered.items()
        ]

    def live(self, kind: str) -> str | None:
        """Return the champion's version, if there is one; quick enough to ask often."""
        champion = self.mlruns.named(_name(kind), CHAMPION)
        return None if champion is None else champion.version

    def champion(self, kind: str) -> LoadedModel:
        """Load the champion.

        Raises:
            NotReady: there is no model of the kind.
        """
        address = self.mlruns.named(_name(kind), CHAMPION)
        if address is None:
            return self.load(kind, CHAMPION)
        bundle = load_bundle(self.mlruns.local(address.source) / BUNDLE)
        return LoadedModel(kind, address.version, address.run_id, bundle)

    def load(self, kind: str, which: str) -> LoadedModel:
        """Load a model by its version or alias, from plain files: nothing is unpickled.

        Raises:
            NotReady: there is no model of the kind.
            NotFoundError: there are models, but not this one.
        """
        number = self._number(kind, which)
        with self._open():
            registered = self._registered(kind)[number]
        bundle = load_bundle(self.mlruns.local(registered.source) / BUNDLE)
        return LoadedModel(kind, number, registered.run_id, bundle)

    def promote(self, kind: str, which: str, why: str) -> str:
        """Make a model the champion; the old champion becomes `previous`.

        Args:
            kind: `leads` or `quota`.
            which: the model's version or alias.
            why: the reason, in words.

        Returns:
            The version that is champion now.

        Raises:
            NotReady: there is no model of the kind.
            NotFoundError: there are models, but not this one.
        """
        number = self._number(kind, which)
        with self._open(), self.mlruns.locked():
            if self._aliases(kind).get(CHAMPION) != number:
                self._set_champion(kind, number, why)
        return number

    def figures(self, kind: str, which: str) -> dict[str, float]:
        """Return what was measured when a model was trained, by name.

        Raises:
            NotReady: there is no model of the kind.
            NotFoundError: there are models, but not this one.
        """
        number = self._number(kind, which)
        with self._open() as client:
            run = client.get_run(self._registered(kind)[number].run_id)
        return {name: float(value) for name, value in sorted(run.data.metrics.items())}

    def promotions(self, kind: str) -> list[Promotion]:
        """Return the changes of champion, the oldest first."""
        if self.live(kind) is None:
            return []
        with self._open() as client:
            tags = client.get_registered_model(_name(kind)).tags
        return [
            Promotion(datetime.fromisoformat(key.removeprefix(_LIVE_FROM)), **json.loads(tag))
            for key, tag in sorted(tags.items())
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
        """Return the id of a kind's experiment, with its artifacts where this home is now."""
        place = self.mlruns.place(kind)
        with self.mlruns.locked():
            experiment = self._client.get_experiment_by_name(kind)
            if experiment is None:
                return str(self._client.create_experiment(kind, place))
            if experiment.artifact_location != place:
                self.mlruns.move(
                    experiment.artifact_location.removesuffix(kind), place.removesuffix(kind)
                )
            return str(experiment.experiment_id)

    def _fill(self, run_id: str, experiment: str, run: RunRecord, folder: Path) -> str:
        """Store the settings, metrics and files of a run, and return the model's address."""
        from mlflow.entities import LoggedModelOutput, Metric, Param  # noqa: PLC0415 - takes seconds

        client = self._client
        params = [Param(key, value) for key, value in run.params()]
        for start in range(0, len(params), _PARAMS_AT_ONCE):
            client.log_batch(run_id, params=params[start : start + _PARAMS_AT_ONCE])
        model = client.create_logged_model(
            experiment, name=run.kind, source_run_id=run_id, tags=run.tags()
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
        version = self._client.create_model_version(name, source, run_id, tags=run.tags())
        number = str(version.version)
        if CHAMPION in aliases:
            self._client.set_registered_model_alias(name, CHALLENGER, number)
        else:
            self._set_champion(run.kind, number, "the first model of its kind")
        return number

    def _set_champion(self, kind: str, number: str, why: str) -> None:
        name, aliases = _name(kind), self._aliases(kind)
        before = aliases.get(CHAMPION)
        since = utc_now().isoformat(timespec="microseconds")
        tag = json.dumps({"version": number, "before": before, "why": why}, ensure_ascii=False)
        self._client.set_registered_model_alias(name, CHAMPION, number)
        self._client.set_registered_model_tag(name, f"{_LIVE_FROM}{since}", tag)
        if before is not None:
            self._client.set_registered_model_alias(name, PREVIOUS, before)
        if aliases.get(CHALLENGER) == number:
            self._client.delete_registered_model_alias(name, CHALLENGER)

    def _aliases(self, kind: str) -> dict[str, str]:
        models = self._client.search_registered_models(f"name = '{_name(kind)}'")
        return {alias: str(number) for model in models for alias, number in model.aliases.items()}

    def _registered(self, kind: str) -> dict[str, ModelVersion]:
        versions = self._client.search_model_versions(f"name = '{_name(kind)}'")
        return {str(v.version): v for v in sorted(versions, key=lambda v: int(v.version))}

    def _number(self, kind: str, which: str) -> str:
        """Return the version that a version or alias names."""
        versions = self.versions(kind)
        if not versions:
            raise NotReady(
                f"there is no {kind} model in {self.mlruns.folder}; run `pacesetter train {kind}`"
            )
        for version in versions:
            if which == version.version or which in version.aliases:
                return version.version
        listed = (" ".join((version.version, *version.aliases)) for version in versions)
        raise NotFoundError(
            f"there is no {kind} model {which!r} in {self.mlruns.folder}: found {'; '.join(listed)}"
        )


def _name(kind: str) -> str:
    return f"pacesetter-{kind}"


def _moment(milliseconds: int) -> datetime:
    return naive_utc(datetime.fromtimestamp(milliseconds / 1000, UTC))
