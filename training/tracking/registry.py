"""Runs, registered models, and which of them is champion.

MLflow knows which version an alias names now, but not since when or why. Each promotion is
therefore also written down as a tag of the registered model, where MLflow's pages show it.
Importing MLflow takes seconds, so it waits until the first question that needs it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.clock import naive_utc
from features.errors import NotFoundError, NotReady
from features.storage.shared import SharedHome
from training.tracking import words
from training.tracking.loading import load_bundle, load_checked
from training.tracking.logs import log_comparison, log_training
from training.tracking.pyfunc import BUNDLE, save_registered
from training.tracking.records import LoadedModel, Promotion, RunRecord, Version, write_file
from training.tracking.runs import NOTE, Runs
from training.tracking.store import Mlruns, quiet
from training.tracking.tuning import TuningRun, open_tuning
from training.tracking.versions import (
    CHALLENGER,
    CHAMPION,
    LIVE_FROM,
    PREVIOUS,
    Versions,
    model_name,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient


__all__ = ["CHALLENGER", "CHAMPION", "PREVIOUS", "Tracking"]


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

    def require_usable_home(self) -> None:
        """Refuse a home in which no model could be kept, before anything is read or learned.

        Raises:
            InputError: MLflow cannot work in a folder of that name.
        """
        if self.shared is None:
            self.mlruns.require_usable()

    def prepare(self) -> None:
        """Open MLflow now, so that the first question need not wait for it."""
        with self._open():
            pass

    def log(self, run: RunRecord) -> str:
        """Log a training and register its model.

        Returns:
            The new version: champion if it is the first of its kind, else challenger.
        """
        with self._open(), tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            run.write(folder / "run")
            save_registered(run.bundle, folder / "model")
            experiment = self._runs.experiment(run.kind, words.experiment(run.kind))
            tags = {**run.tags(), NOTE: words.training(run)}
            with self._runs.run(experiment, words.run_name(run), tags) as run_id:
                source = log_training(self._runs, (run_id, experiment), run, folder)
            with self.mlruns.locked():
                return self._versions(run.kind).register(run, run_id, source)

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
        if not self.mlruns.is_made:
            return []
        with self._open():
            aliases = self._versions(kind).aliases()
            registered = self._versions(kind).registered()
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
        champion = self.mlruns.named(model_name(kind), CHAMPION)
        return None if champion is None else champion.version

    def champion(self, kind: str) -> LoadedModel:
        """Load the champion, if its files are those that were registered.

        Raises:
            NotReady: there is no model of the kind.
            NotFoundError: its files are missing, damaged or others.
        """
        address = self.mlruns.named(model_name(kind), CHAMPION)
        if address is None:
            return self.load(kind, CHAMPION)
        bundle = load_checked(self.mlruns.local(address.source) / BUNDLE, address.content)
        return LoadedModel(kind, address.version, address.run_id, bundle)

    def load(self, kind: str, which: str) -> LoadedModel:
        """Load a model by its version or alias, from plain files: nothing is unpickled.

        Raises:
            NotReady: there is no model of the kind.
            NotFoundError: there are models, but not this one.
        """
        number = self._number(kind, which)
        with self._open():
            registered = self._versions(kind).registered()[number]
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
            if self._versions(kind).aliases().get(CHAMPION) != number:
                self._versions(kind).set_champion(number, why)
        return number

    def settle(self, kind: str) -> None:
        """Complete a change of champion whose process died between its steps."""
        if self.mlruns.is_made:
            with self._open(), self.mlruns.locked():
                self._versions(kind).complete()

    def figures(self, kind: str, which: str) -> dict[str, float]:
        """Return what was measured when a model was trained, by name.

        Raises:
            NotReady: there is no model of the kind.
            NotFoundError: there are models, but not this one.
        """
        number = self._number(kind, which)
        with self._open() as client:
            run = client.get_run(self._versions(kind).registered()[number].run_id)
        return {name: float(value) for name, value in sorted(run.data.metrics.items())}

    def folders(self, kind: str, which: str) -> tuple[Path, Path]:
        """Return where the artifacts of a model's run are, and where the model itself is.

        Raises:
            NotReady: there is no model of the kind.
            NotFoundError: there are models, but not this one.
        """
        number = self._number(kind, which)
        with self._open() as client:
            model = self._versions(kind).registered()[number]
            run = client.get_run(model.run_id)
        return self.mlruns.local(run.info.artifact_uri), self.mlruns.local(model.source)

    def attach(self, kind: str, run_id: str, files: Mapping[str, str | bytes | Path]) -> None:
        """Add artifacts to a run that has ended, by path; those of the same path are replaced."""
        with self._open() as client:
            # In a home that was copied, addresses of artifacts still lead to the original, and
            # MLflow remembers them for as long as the process lives.
            self._runs.experiment(kind, words.experiment(kind))
            folder = self.mlruns.local(client.get_run(run_id).info.artifact_uri)
        for name, content in files.items():
            write_file(folder / name, content)

    def log_comparison(self, comparison: Mapping[str, Any]) -> str:
        """Log what the gate said of a challenger, nested under the challenger's run.

        Args:
            comparison: as plain values: kind, champion, challenger, since, cutoffs, and the
                verdict's `promotes`, `reasons`, `n_rows`, `gain`, `figures`, `segments`,
                `withheld`.

        Returns:
            The id of the comparison's run.

        Raises:
            NotReady: there is no model of the kind.
            NotFoundError: the challenger is not registered.
        """
        kind = comparison["kind"]
        number = self._number(kind, comparison["challenger"])
        with self._open():
            parent = self._versions(kind).registered()[number].run_id
            experiment = self._runs.experiment(kind, words.experiment(kind))
            return log_comparison(self._runs, experiment, parent, comparison)

    def retag(self, kind: str) -> None:
        """Repair tags that repeat aliases, where a process died between the two."""
        if self.live(kind) is not None:
            with self._open(), self.mlruns.locked():
                self._versions(kind).retag()

    def promotions(self, kind: str) -> list[Promotion]:
        """Return the changes of champion, the oldest first."""
        if self.live(kind) is None:
            return []
        with self._open() as client:
            tags = client.get_registered_model(model_name(kind)).tags
        return [
            Promotion(datetime.fromisoformat(key.removeprefix(LIVE_FROM)), **json.loads(tag))
            for key, tag in sorted(tags.items())
            if key.startswith(LIVE_FROM)
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

    def _versions(self, kind: str) -> Versions:
        return Versions(self._client, kind)

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


def _moment(milliseconds: int) -> datetime:
    return naive_utc(datetime.fromtimestamp(milliseconds / 1000, UTC))
