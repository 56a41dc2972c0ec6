"""Changes of champion: made in the registry, and written into the promotion log.

The registry and the log are two databases, and a process may die between the two. So whoever writes
into the log first adds what the registry knows and the log lacks: a change that was made before the
log began, or whose process died before it could be logged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import InputError
from serving.store.database import Store
from serving.store.promotions import Entry, How, PromotionLog, before_present
from training.tracking.records import Promotion
from training.tracking.registry import Tracking

ASKED_FOR = "asked for with train --promote"
_WORDS = re.compile(
    rf"(?P<how>{'|'.join(re.escape(how) for how in How)})(?: \((?P<by>.*?)\))?: (?P<reason>.+)",
    re.DOTALL,
)
"""`Decision.words`, read back."""


@dataclass(frozen=True)
class Decision:
    """Why a model becomes champion.

    Attributes:
        how: in which way.
        reason: in words.
        by: the person who decided, if one is named.
        figures: what decided; those of the model's own test where None.
    """

    how: How
    reason: str
    by: str | None = None
    figures: Mapping[str, Any] | None = None

    @property
    def words(self) -> str:
        """What the registry keeps of it."""
        by = f" ({self.by})" if self.by else ""
        return f"{self.how.value}{by}: {self.reason}"


@dataclass(frozen=True)
class Champions:
    """The champions of one home.

    Attributes:
        home: the folder under which all is kept.
        tracking: the registry.
    """

    home: Path
    tracking: Tracking

    @property
    def store(self) -> Store:
        """Where the log is kept."""
        return Store(self.home)

    @property
    def log(self) -> PromotionLog:
        """What was decided so far."""
        return PromotionLog(self.store)

    def note(self, kind: str) -> None:
        """Write into the log what the registry knows of a kind and the log lacks."""
        with self.store.locked():
            self._catch_up(kind)

    def entries(self, kind: str) -> list[Entry]:
        """Return the whole log of a kind, the oldest first."""
        self.note(kind)
        return self.log.entries(kind)

    def promote(
        self, kind: str, version: str, decision: Decision, compared_with: str | None = None
    ) -> Entry:
        """Make a version the champion and log it.

        Args:
            kind: "leads" or "quota".
            version: the model's number.
            decision: why.
            compared_with: the champion that the decision is about; None for whichever it is.

        Raises:
            InputError: it is champion already, or the champion has changed since the comparison.
        """
        self.tracking.load(kind, version)  # refuses one that this version cannot use
        with self.store.locked():
            self._catch_up(kind)
            return self._change(kind, version, decision, compared_with)

    def roll_back(self, kind: str, reason: str, by: str | None) -> Entry:
        """Go back to the champion before the present one and log it.

        Raises:
            NotReady: there is no model of the kind.
            InputError: there was none before.
        """
        with self.store.locked():
            self._catch_up(kind)
            version = before_present(self.log.entries(kind))
            if version is None:
                now = self.tracking.load(kind, "champion").version
                raise InputError(
                    f"no champion of {kind} stands before version {now} in the promotion log, so "
                    f"there is nothing to roll back to; `pacesetter promote {kind} --version N "
                    "--by NAME --reason TEXT` makes any version champion"
                )
            self.tracking.load(kind, version)
            return self._change(kind, version, Decision(How.ROLLBACK, reason, by), None)

    def _change(
        self, kind: str, version: str, decision: Decision, compared_with: str | None
    ) -> Entry:
        now = self.tracking.live(kind)
        if now == version:
            raise InputError(f"version {version} of {kind} is champion already")
        if compared_with is not None and now != compared_with:
            raise InputError(
                f"version {now} has become champion of {kind} meanwhile; version {version} was "
                f"compared with version {compared_with}: compare again"
            )
        self.tracking.promote(kind, version, decision.words)
        return self._catch_up(kind, decision)[-1]

    def _catch_up(self, kind: str, decision: Decision | None = None) -> list[Entry]:
        """Log what is missing; the newest is what was decided just now, if anything was."""
        self.tracking.settle(kind)
        logged = {entry.at for entry in self.log.entries(kind)}
        missing = [p for p in self.tracking.promotions(kind) if p.at not in logged]
        entries = [self._entry(kind, promotion, _read(promotion)) for promotion in missing[:-1]]
        if missing:
            entries.append(self._entry(kind, missing[-1], decision or _read(missing[-1])))
        self.log.append(entries)
        return entries

    def _entry(self, kind: str, promotion: Promotion, decision: Decision) -> Entry:
        (model,) = (v for v in self.tracking.versions(kind) if v.version == promotion.version)
        figures = decision.figures
        if figures is None:
            figures = self.tracking.figures(kind, promotion.version)
        return Entry(
            at=promotion.at,
            kind=kind,
            from_version=promotion.before,
            to_version=promotion.version,
            how=decision.how,
            by=decision.by,
            reason=decision.reason,
            figures=figures,
            data_fingerprint=model.tags["data_fingerprint"],
            feature_fingerprint=model.tags["feature_fingerprint"],
            model_version=model.tags["content"],
        )


def _read(promotion: Promotion) -> Decision:
    """Read from the registry's own words how a model became champion.

    | the registry's words               | how             | by      | reason                  |
    |------------------------------------|-----------------|---------|-------------------------|
    | person (Ann Lee): the pilot agreed | person          | Ann Lee | the pilot agreed        |
    | gate: its log loss is better       | gate            |         | its log loss is better  |
    | the first model of its kind        | first           |         | the same                |
    | asked for with train --promote     | train --promote |         | the same                |
    """
    if (words := _WORDS.fullmatch(promotion.why)) is not None:
        return Decision(How(words["how"]), words["reason"], words["by"])
    return Decision(How.FIRST if promotion.before is None else How.TRAIN, promotion.why)
