"""The registered versions of a kind of model: their aliases, and the tags that tell them.

MLflow's list of runs shows tags and no aliases, so what a version is now also stands in a tag of
the version and of its run. The alias alone decides.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from features.clock import utc_now
from training.tracking import words
from training.tracking.records import RunRecord

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION = "champion"
CHALLENGER = "challenger"
PREVIOUS = "previous"
LIVE_FROM = "live from "
"""Begins the tag of a promotion; its moment follows."""
UNDER_WAY = "change of champion under way"
"""The tag that holds a promotion while its steps are made."""
ALIAS = "alias"
"""The tag of versions and runs that repeats the alias."""


@dataclass(frozen=True)
class Versions:
    """The versions of one kind of model.

    Attributes:
        client: MLflow.
        kind: `leads` or `quota`.
    """

    client: MlflowClient
    kind: str

    @property
    def name(self) -> str:
        """What the registered model is called."""
        return model_name(self.kind)

    def aliases(self) -> dict[str, str]:
        """Return which version each alias names."""
        models = self.client.search_registered_models(f"name = '{self.name}'")
        return {alias: str(number) for model in models for alias, number in model.aliases.items()}

    def registered(self) -> dict[str, ModelVersion]:
        """Return the versions by number, the oldest first."""
        versions = self.client.search_model_versions(f"name = '{self.name}'")
        return {str(v.version): v for v in sorted(versions, key=lambda v: int(v.version))}

    def register(self, run: RunRecord, run_id: str, source: str) -> str:
        """Register a model: champion if it is the first of its kind, else challenger.

        Args:
            run: its training.
            run_id: the run of it.
            source: the address of the model's files.

        Returns:
            The version's number.
        """
        self.complete()
        client, aliases = self.client, self.aliases()
        if not client.search_registered_models(f"name = '{self.name}'"):
            client.create_registered_model(self.name)
        client.update_registered_model(self.name, words.model(self.kind))
        # A path, not `models:/<id>`: MLflow would look that up in its default database.
        version = client.create_model_version(
            self.name, source, run_id, tags=run.tags(), description=words.training(run)
        )
        number = str(version.version)
        if CHAMPION in aliases:
            client.set_registered_model_alias(self.name, CHALLENGER, number)
            self.retag()
        else:
            self.set_champion(number, "the first model of its kind")
        return number

    def set_champion(self, number: str, why: str) -> None:
        """Make a version champion, so that a process which dies half-way can be made good.

        MLflow makes each step for itself. What is to be done is therefore written down first, and
        crossed out last; `complete` makes what was left.
        """
        before = self.aliases().get(CHAMPION)
        since = utc_now().isoformat(timespec="microseconds")
        change = {"since": since, "version": number, "before": before, "why": why}
        tag = json.dumps(change, ensure_ascii=False)
        self.client.set_registered_model_tag(self.name, UNDER_WAY, tag)
        self.complete()

    def complete(self) -> None:
        """Make the steps of the change that is under way, if one is; all can be made again."""
        client = self.client
        models = client.search_registered_models(f"name = '{self.name}'")
        for tag in [model.tags[UNDER_WAY] for model in models if UNDER_WAY in model.tags]:
            change = json.loads(tag)
            since, number = change.pop("since"), change["version"]
            client.set_registered_model_alias(self.name, CHAMPION, number)
            promotion = json.dumps(change, ensure_ascii=False)
            client.set_registered_model_tag(self.name, f"{LIVE_FROM}{since}", promotion)
            if change["before"] is not None:
                client.set_registered_model_alias(self.name, PREVIOUS, change["before"])
            if self.aliases().get(CHALLENGER) == number:
                client.delete_registered_model_alias(self.name, CHALLENGER)
            self.retag()
            client.delete_registered_model_tag(self.name, UNDER_WAY)

    def retag(self) -> None:
        """Let the tags of versions and runs say what the aliases say.

        A process may die between an alias and its tags; whoever calls this next repairs them.
        """
        role_of = _roles(self.aliases())
        for number, version in self.registered().items():
            role = role_of.get(number)
            run = self.client.get_run(version.run_id)
            if version.tags.get(ALIAS) != role:
                if role is None:
                    self.client.delete_model_version_tag(self.name, number, ALIAS)
                else:
                    self.client.set_model_version_tag(self.name, number, ALIAS, role)
            if run.data.tags.get(ALIAS) != role:
                if role is None:
                    self.client.delete_tag(version.run_id, ALIAS)
                else:
                    self.client.set_tag(version.run_id, ALIAS, role)


def model_name(kind: str) -> str:
    """Return what the registered model of a kind is called."""
    return f"pacesetter-{kind}"


def _roles(aliases: Mapping[str, str]) -> dict[str, str]:
    """Return what each version is; one that is several things is the first of these."""
    order = (CHAMPION, CHALLENGER, PREVIOUS)
    return {aliases[role]: role for role in reversed(order) if role in aliases}
