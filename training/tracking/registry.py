"""Runs, registered models, and which of them is champion.

MLflow knows which version an alias names now, but not since when or why. Each promotion is
therefore also written down as a tag of the registered model, where MLflow's pages show it.
Importing MLflow takes seconds, so it waits until the first question that needs it.
"""

from __future__ import annotations

import json
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
from training.tracking import words
from training.tracking.loading import load_bundle
from training.tracking.pyfunc import BUNDLE, save_registered
from training.tracking.records import LoadedModel, Promotion, RunRecord, Version
from training.tracking.runs import Runs
from training.tracking.store import Mlruns, quiet
from training.tracking.tuning import TuningRun, open_tuning

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION = "champion"
CHALLENGER = "challenger"
PREVIOUS = "previous"

_LIVE_FROM = "live from "
"""Begins the tag of a promotion; its moment follows."""
_UNDER_WAY = "change of champion under way"
"""The tag that holds a promotion while its steps are made."""


@dataclass(frozen=True)
class Tracking:
    """The runs and models of one home; opens nothing before the first question.

    Invariants: a kind with any version has exactly one champion. It changes only by `promote`,
    except that the first version of a kind becomes champion.

    Attributes:
        home: the folder that holds mlruns/.
    """

    home: Path

    @property
    def mlruns(self) -> Mlruns:
        """Where everything lives."""
        return Mlruns(self.home.resolve() / "mlruns")

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
            experiment = self._runs.experiment(run.kind, words.experiment(run.kind))
            name = f"{run.kind} {run.bundle.version}"
            with self._runs.run(experiment, name, run.tags()) as run_id:
                source = self._fill(run_id, experiment, run, folder)
            with self.mlruns.locked():
                return self._register(run, run_id, source)

    @contextmanager
    def tuning(self, kind: str, name: str) -> Iterator[TuningRun]:
        """Open the run of a search for better settings; one of that name is taken up again.

        Args:
            kind: `leads` or `quota`.
            name: of the search: equal names, one run.
        """
        with self._open():
            experiment = self._runs.experiment(f"{kind}-tuning", words.tuning(kind))
            with open_tuning(self._runs, experiment, name) as opened:
                yield opened

    def versions(self, kind: str) -> list[Version]:
        """Return all models of a kind, the oldest first."""
        if not self.mlruns.database.is_file():
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

    def settle(self, kind: str) -> None:
        """Complete a change of champion whose process died between its steps."""
        if self.mlruns.database.is_file():
            with self._open(), self.mlruns.locked():
                self._complete(kind)

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

    @property
    def _runs(self) -> Runs:
        return Runs(self.mlruns, self._client)

    @contextmanager
    def _open(self) -> Iterator[MlflowClient]:
        client = self._client
        with quiet():
            yield client

    def _fill(self, run_id: str, experiment: str, run: RunRecord, folder: Path) -> str:
        """Store the settings, metrics and files of a run, and return the model's address."""
        from mlflow.entities import LoggedModelOutput  # noqa: PLC0415 - takes seconds

        client, runs = self._client, self._runs
        runs.log_params(run_id, run.params())
        model = client.create_logged_model(
            experiment, name=run.kind, source_run_id=run_id, tags=run.tags()
        )
        runs.log_metrics(run_id, run.metrics, model.model_id)
        client.log_artifacts(run_id, str(folder / "run"))
        client.log_model_artifacts(model.model_id, str(folder / "model"))
        client.finalize_logged_model(model.model_id, "READY")
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, 0)])
        return str(model.artifact_location)

    def _register(self, run: RunRecord, run_id: str, source: str) -> str:
        self._complete(run.kind)
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
        """Change the champion so that a process which dies half-way can be made good.

        MLflow makes each step for itself. What is to be done is therefore written down first, and
        crossed out last; `settle` completes what was left.
        """
        before = self._aliases(kind).get(CHAMPION)
        since = utc_now().isoformat(timespec="microseconds")
        change = {"since": since, "version": number, "before": before, "why": why}
        tag = json.dumps(change, ensure_ascii=False)
        self._client.set_registered_model_tag(_name(kind), _UNDER_WAY, tag)
        self._complete(kind)

    def _complete(self, kind: str) -> None:
        """Make the steps of the change that is under way, if one is; all can be made again."""
        name, client = _name(kind), self._client
        models = client.search_registered_models(f"name = '{name}'")
        tags = [model.tags[_UNDER_WAY] for model in models if _UNDER_WAY in model.tags]
        for tag in tags:
            change = json.loads(tag)
            since, number = change.pop("since"), change["version"]
            client.set_registered_model_alias(name, CHAMPION, number)
            promotion = json.dumps(change, ensure_ascii=False)
            client.set_registered_model_tag(name, f"{_LIVE_FROM}{since}", promotion)
            if change["before"] is not None:
                client.set_registered_model_alias(name, PREVIOUS, change["before"])
            if self._aliases(kind).get(CHALLENGER) == number:
                client.delete_registered_model_alias(name, CHALLENGER)
            client.delete_registered_model_tag(name, _UNDER_WAY)

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
