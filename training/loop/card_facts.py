"""What a model card is made from: the files that a training left, and the change of champion."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from features.errors import NotFoundError
from features.evidence import EvidenceState
from training.artifact import read_plain
from training.report.card_words import WORDS, Words
from training.tracking.pyfunc import BUNDLE
from training.tracking.records import Version

AGAIN = "It was trained before this was kept: train again for a whole card."
FILES = ("metrics", "fairness", "notes", "extract", "settings", "features")


@dataclass(frozen=True)
class Standing:
    """How a model became champion.

    Attributes:
        at: since when, naive UTC.
        how: in which way: "gate", "person" ...
        by: who decided, if somebody is named.
        reason: in words.
        before: the version it replaced.
    """

    at: datetime
    how: str
    by: str | None
    reason: str
    before: str | None


@dataclass(frozen=True)
class CardFacts:
    """What a card is made from.

    Attributes:
        version: the registered model.
        standing: how it became champion.
        bundle: the model's plain values, without its trees.
        files: the training's JSON files, by name; None for one that is not there.
        pins: packages and their versions.
    """

    version: Version
    standing: Standing
    bundle: Mapping[str, Any]
    files: Mapping[str, Any]
    pins: tuple[str, ...]

    @classmethod
    def read(cls, version: Version, standing: Standing, run: Path, model: Path) -> CardFacts:
        """Read what a training left.

        Args:
            version: the registered model.
            standing: how it became champion.
            run: the folder of the run's artifacts.
            model: the folder of the registered model.
        """
        try:
            bundle = read_plain(model / BUNDLE)
        except NotFoundError:
            bundle = {}
        pins = model / "requirements.txt"
        return cls(
            version=version,
            standing=standing,
            bundle=bundle,
            files={name: _json(run / f"{name}.json") for name in FILES},
            pins=tuple(pins.read_text(encoding="utf-8").split()) if pins.is_file() else (),
        )

    @property
    def words(self) -> Words:
        """What is always true of the kind."""
        return WORDS[self.version.kind]

    @property
    def is_fallback(self) -> bool:
        """Whether simple averages answer in a model's place."""
        return self.version.tags.get("evidence") == EvidenceState.NONE.value

    @property
    def evidence(self) -> str:
        """How much the model rests on, in words."""
        says = self.bundle.get("evidence", {}).get("says", "unknown")
        return f"{self.version.tags.get('evidence', 'unknown')}: {says}"

    @property
    def about(self) -> Mapping[str, Any]:
        """Facts that the model carries for people."""
        return self.bundle.get("about", {})

    @property
    def source(self) -> str:
        """What the data are called."""
        extract = self.files["extract"]
        return Path(extract["source"]).name if extract else "an extract without a kept report"

    @property
    def contact(self) -> str:
        """Who answers questions; empty if nobody is named."""
        return str(self.setting("training", "card", "contact") or "")

    @property
    def why_unmeasured(self) -> str:
        """Why it was not measured how groups are treated."""
        if self.files["extract"] is None:
            return AGAIN
        if self.is_fallback:
            return "The fallback was not tested on its own."
        return "There was no test: history is too short."

    def setting(self, *steps: str) -> Any:
        """Return a setting of the training; None if it is not known."""
        value: Any = self.files["settings"] or {}
        for step in steps:
            value = value.get(step) if isinstance(value, Mapping) else None
        return value


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
