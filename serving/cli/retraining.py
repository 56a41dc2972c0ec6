"""What `retrain` does where something is new: ingest, check, train, compare, promote, score.

Every step leaves a home that answers, and may be made again: the warehouse, a change of champion
and the scores are each put in place at once, and a model that is registered already is not
registered a second time. So whenever the process dies, the next retrain ends the same.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from time import monotonic
from typing import Any

from features.clock import utc_now
from features.errors import CheckFailed
from features.ingest.load import Staged, staged
from features.storage.warehouse import Warehouse
from serving.cli.call_lists import keep_lists
from serving.cli.challenge import Challenge
from serving.cli.retrain_inputs import Inputs, standing
from serving.cli.score import score_to
from serving.cli.score_sets import new_scores, require_link, scores_link
from serving.cli.session import Session
from serving.store.database import Store
from serving.store.retrains import Event, RetrainLine, RetrainLog
from training.checks.finding import Finding
from training.loop.check import check
from training.loop.kinds import KINDS, Kind
from training.tracking.registry import Tracking

STAYS = (
    "the new extract is not used: warehouse, champions and scores stay as they were, and the "
    "service answers from them"
)


@dataclass(frozen=True)
class Journal:
    """What each step of a retrain did, and how long it took.

    Attributes:
        steps: those that have ended, in their order.
    """

    steps: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Note a step; what it appends to the list is said of it."""
        started, says = monotonic(), list[str]()
        yield says
        seconds = round(monotonic() - started, 1)
        self.steps.append({"step": name, "seconds": seconds, "says": "; ".join(says)})


@dataclass(frozen=True)
class Retraining:
    """One retrain at work.

    Attributes:
        session: what the verb works with.
        inputs: what it depends on.
        because: why it is due, in words.
        name: tells it from others in the log.
        journal: what its steps did.
    """

    session: Session
    inputs: Inputs
    because: tuple[str, ...]
    name: str = field(default_factory=lambda: f"{utc_now():%Y%m%dT%H%M%S}-{secrets.token_hex(4)}")
    journal: Journal = field(default_factory=Journal)

    def run(self) -> None:
        """Do all steps, and say what came of them.

        Raises:
            InputError: the source cannot be used, or allows no model.
            CheckFailed: the check found an error; nothing was changed.
        """
        require_link(self.session.home)
        self._log(Event.STARTED)
        data_until = self._renew()
        kinds = self._supported()
        challenge = Challenge(self.session, self.tracking)
        with self.journal.step("train") as says:
            candidates = challenge.train(kinds)
            says += [f"{c.kind.name} version {c.version}" for c in candidates]
        with self.journal.step("compare and promote") as says:
            models = challenge.decide(candidates)
            says += [_verdict(model) for model in models]
        with self.journal.step("score") as says, new_scores(self.session.home) as folder:
            scores = score_to(self.session, None, folder)
            scored = scores["rows_by_kind"].items()
            says += [
                *(f"{rows:,} {KINDS[name].scored}" for name, rows in scored),
                *keep_lists(self.session, folder),
            ]
        result = standing(self.session)
        self._log(Event.DONE, result)
        self._say(
            Event.DONE,
            data_until=data_until,
            models=models,
            champions=result["champions"],
            scores=str(scores_link(self.session.home)),
        )

    @cached_property
    def tracking(self) -> Tracking:
        """The registry."""
        return self.session.tracking

    def _renew(self) -> str:
        """Replace the warehouse, unless the check finds an error; returns where the data ends."""
        session, features = self.session, self.session.settings.features
        inputs, step = self.inputs, self.journal.step
        with ExitStack() as stack:
            with step("ingest") as says:
                session.sync_forgotten()
                new = stack.enter_context(
                    staged(
                        inputs.asked,
                        session.home,
                        features,
                        inputs.mapping,
                        progress=session.console.progress,
                    )
                )
                tables = new.report.tables.values()
                accepted, aside = (
                    sum(t.accepted for t in tables),
                    sum(t.quarantined for t in tables),
                )
                says.append(f"{accepted:,} rows accepted, {aside:,} quarantined")
            with step("check") as says:
                findings = self._findings(new)
                errors = [f.says for f in findings if f.severity == "error"]
                errors += _lost(new.meta.present, self.tracking)
                says.append(f"{len(findings)} findings, {len(errors)} errors")
            if errors:
                self._stop(findings, errors)
            with step("publish") as says:
                new.publish()
                says.append(f"data until {new.meta.data_until:%Y-%m-%d %H:%M}")
        return new.meta.data_until.isoformat()

    def _findings(self, new: Staged) -> list[Finding]:
        settings = self.session.settings
        with self.session.console.progress("checking", 1) as advance:
            warehouse = Warehouse.duckdb(new.meta, settings.features.ingest)
            try:
                findings = check(warehouse, settings.features, settings.training)
            finally:
                warehouse.backend.disconnect()
            advance(1)
        return findings

    def _stop(self, findings: Sequence[Finding], errors: Sequence[str]) -> None:
        self._log(Event.STOPPED)
        plain = [finding.to_json() for finding in findings]
        self._say(Event.STOPPED, findings=plain, errors=list(errors))
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise CheckFailed(f"the check failed: {errors[0]}{more}; {STAYS}")

    def _supported(self) -> list[Kind]:
        """Return the kinds that the tables allow, and say why the others are left out."""
        from serving.home.home import Home  # noqa: PLC0415 - takes a second

        home = Home(self.session.home, self.session.settings)
        for why in home.unsupported().values():
            self.session.console.say(f"left out: {why}")
        return home.supported()

    def _log(self, event: Event, result: dict[str, Any] | None = None) -> None:
        inputs = self.inputs
        line = RetrainLine(
            run=self.name,
            at=utc_now(),
            event=event,
            source=inputs.source,
            mapping=None if inputs.mapping is None else str(inputs.mapping),
            inputs=inputs.state,
            result=result or {},
            steps=self.journal.steps,
        )
        RetrainLog(Store(self.session.home)).append(line)

    def _say(self, outcome: Event, **facts: Any) -> None:
        """Show the steps, and write everything where JSON was asked for."""
        rows = [[s["step"], f"{s['seconds']:.1f} s", s["says"]] for s in self.journal.steps]
        self.session.console.show(f"Retrain: {outcome.value}", ["step", "took", "what"], rows)
        self.session.console.give(
            {
                "outcome": outcome.value,
                "source": self.inputs.source,
                "because": list(self.because),
                "steps": self.journal.steps,
                **facts,
            }
        )


def _lost(present: frozenset[str], tracking: Tracking) -> Iterator[str]:
    """Yield what a champion needs and the new extract lacks."""
    for kind in KINDS.values():
        missing = [name for name in kind.needs if name not in present]
        if missing and tracking.live(kind.name) is not None:
            yield (
                f"the source holds no table '{missing[0]}', which the {kind.name} champion needs"
            )


def _verdict(model: dict[str, Any]) -> str:
    became = "is champion" if model["champion"] == model["version"] else "waits as challenger"
    return f"{model['kind']} version {model['version']} {became}: {'; '.join(model['reasons'])}"
