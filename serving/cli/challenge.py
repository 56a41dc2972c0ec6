"""Challengers of a retrain: trained, registered once, judged by their twins, promoted by gate."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from features.errors import InputError, NotFoundError
from serving.cli.champions import Champions, Decision
from serving.cli.session import Session
from serving.cli.train import learn, show
from serving.home.home import Home
from serving.store.promotions import How
from training.loop.compare import Comparison, compare
from training.loop.kinds import Kind
from training.loop.record import TrainingRecord
from training.loop.results import Recipe
from training.loop.retrain import Course, Way, course, model_to_register
from training.tracking.records import LoadedModel, RunRecord, Version
from training.tracking.registry import Tracking


@dataclass(frozen=True)
class Candidate:
    """A model that was trained and registered, and what decides about it.

    Attributes:
        kind: what it forecasts.
        run: as it was registered.
        version: its number.
        champion: the model in use; None where there is none that this program can use.
        course: how it is judged.
    """

    kind: Kind
    run: RunRecord
    version: str
    champion: LoadedModel | None
    course: Course


@dataclass(frozen=True)
class Challenge:
    """The challengers of one home.

    Attributes:
        session: what the verb works with.
        tracking: the registry.
    """

    session: Session
    tracking: Tracking

    @cached_property
    def home(self) -> Home:
        """The warehouse and the settings."""
        return Home(self.session.home, self.session.settings)

    @cached_property
    def champions(self) -> Champions:
        """Which model is champion, and the promotion log."""
        return Champions(self.session.home, self.tracking)

    def train(self, kinds: Sequence[Kind]) -> list[Candidate]:
        """Train and register a model of each kind."""
        records = learn(self.session, self.tracking, kinds, None)
        return [self._candidate(kind, r) for kind, r in zip(kinds, records, strict=True)]

    def _candidate(self, kind: Kind, training: TrainingRecord) -> Candidate:
        show(self.session, kind, training)
        logged = self.champions.entries(kind.name)
        champion = self._champion(kind)
        run = model_to_register(training, champion)
        if run is training.fallback:
            self.session.console.say("the fallback is registered in the model's place")
        window = None
        if champion is not None:
            warehouse, params = self.home.warehouse(), self.session.settings.training
            window = kind.steps.window(warehouse, params, champion.bundle.until)
        was_champion = any(entry.model_version == run.bundle.version for entry in logged)
        way = course(training, champion, window, was_champion=was_champion)
        return Candidate(kind, run, self._register(run), champion, way)

    def _champion(self, kind: Kind) -> LoadedModel | None:
        """Return the champion; None where there is none, or none that this program can use."""
        if self.tracking.live(kind.name) is None:
            return None
        try:
            return self.tracking.champion(kind.name)
        except NotFoundError as error:
            self.session.console.warn(f"the {kind.name} champion cannot be used: {error}")
            return None

    def _register(self, run: RunRecord) -> str:
        """Register a model, unless it is there already; returns its number."""
        same = [
            model.version
            for model in self.tracking.versions(run.kind)
            if model.tags.get("content") == run.bundle.version and self._is_usable(model)
        ]
        if same:
            self.session.console.say(f"the same model is registered as version {same[-1]} already")
            return same[-1]
        with self.session.console.progress("registering", 1) as advance:
            version = self.tracking.log(run)
            self.champions.note(run.kind)
            advance(1)
        return version

    def _is_usable(self, model: Version) -> bool:
        try:
            self.tracking.load(model.kind, model.version)
        except NotFoundError:
            return False
        return True

    def decide(self, candidates: Sequence[Candidate]) -> list[dict[str, Any]]:
        """Judge every candidate, and promote those that may be.

        Returns:
            Of each: kind, version, content, promoted, the champion from now on, reasons, and the
            comparison of its twin, if one was made.
        """
        with ThreadPoolExecutor(max(len(candidates), 1)) as pool:
            twins = list(pool.map(self._twin, candidates))
        models = []
        for candidate, twin in zip(candidates, twins, strict=True):
            reasons, comparison, is_promoted = self._judge(candidate, twin)
            kind, version = candidate.kind.name, candidate.version
            champion = self.tracking.live(kind)
            self.session.console.say(
                f"version {version} of {kind} is {'' if champion == version else 'not '}champion: "
                f"{'; '.join(reasons)}"
            )
            models.append(
                {
                    "kind": kind,
                    "version": version,
                    "content": candidate.run.bundle.version,
                    "promoted": is_promoted,
                    "champion": champion,
                    "reasons": list(reasons),
                    "comparison": comparison and comparison.to_json(),
                }
            )
        return models

    def _twin(self, candidate: Candidate) -> LoadedModel | None:
        """Train a model in the same way from the extract as it was at an earlier moment."""
        until = candidate.course.until
        if until is None:
            return None
        console, kind = self.session.console, candidate.kind
        console.say(
            f"{kind.name}: a twin of version {candidate.version} learns from what was known by "
            f"{until:%Y-%m-%d}, to be judged on what came after"
        )
        # Each twin opens the warehouse for itself: an engine's connection is not for two threads.
        past = self.home.warehouse().until(until)
        bundle = kind.steps.train(past, _chances_alone(self.home.recipe), console.progress).bundle
        return LoadedModel(kind.name, candidate.version, "", bundle)

    def _judge(
        self, candidate: Candidate, twin: LoadedModel | None
    ) -> tuple[Sequence[str], Comparison | None, bool]:
        """Return the reasons, the comparison of the twin, and whether there is a new champion."""
        says, champion = candidate.course.says, candidate.champion
        match candidate.course.way:
            case Way.FIRST:
                return (self._make_first(candidate),), None, True
            case Way.BEATS_FALLBACK:
                return (says,), None, self._promote(candidate, Decision(How.GATE, says))
            case Way.TWIN if twin is not None and champion is not None:
                return self._by_twin(candidate, champion, twin)
        return (says,), None, False

    def _make_first(self, candidate: Candidate) -> str:
        """Make the first usable model champion, where registering has not; returns why."""
        live, says = self.tracking.live(candidate.kind.name), candidate.course.says
        if live not in {None, candidate.version}:
            says = f"version {live}, champion before it, cannot be used by this program"
        if live != candidate.version:
            self._promote(candidate, Decision(How.FIRST, says))
        return says

    def _by_twin(
        self, candidate: Candidate, champion: LoadedModel, twin: LoadedModel
    ) -> tuple[Sequence[str], Comparison | None, bool]:
        warehouse, until = self.home.warehouse(), twin.bundle.until
        gate, progress = self.session.settings.training.gate, self.session.console.progress
        try:
            comparison = compare(candidate.kind, warehouse, (champion, twin), gate, progress)
        except InputError as error:
            return (f"not judged: {error}",), None, False
        judged = f"judged by its twin, which learned until {until:%Y-%m-%d}"
        reasons = (*comparison.verdict.reasons, judged)
        if not comparison.verdict.promotes:
            return reasons, comparison, False
        figures = comparison.to_json() | {"twin_until": until.isoformat()}
        decision = Decision(How.GATE, "; ".join(reasons), figures=figures)
        return reasons, comparison, self._promote(candidate, decision)

    def _promote(self, candidate: Candidate, decision: Decision) -> bool:
        champion = candidate.champion
        compared_with = None if champion is None else champion.version
        kind = candidate.kind.name
        self.champions.promote(kind, candidate.version, decision, compared_with)
        return True


def _chances_alone(recipe: Recipe) -> Recipe:
    """Return the recipe of a twin: only its chances are compared, so it learns nothing of calls."""
    calls = recipe.training.calls.model_copy(update={"learn": False})
    return replace(recipe, training=recipe.training.model_copy(update={"calls": calls}))
