"""What is remembered of trainings and models, as plain values and plain files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from training.tracking.loading import AnyBundle

LONGEST_VALUE = 500
LONGEST_KEY = 250
"""Settings beyond these are in settings.json only: MLflow refuses them or cannot show them."""


@dataclass(frozen=True)
class RunRecord:
    """One training, as it is to be remembered.

    Attributes:
        kind: `leads` or `quota`; names the experiment and the registered model.
        bundle: the model.
        settings: all resolved settings, as plain values.
        data_fingerprint: of the extract it learned from.
        metrics: figures; an interval is two more, `auc_low` and `auc_high`. None is left out.
        files: further artifacts by their path: text, bytes (a plot), or a file to copy.
    """

    kind: str
    bundle: AnyBundle
    settings: Mapping[str, Any]
    data_fingerprint: str
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    files: Mapping[str, str | bytes | Path] = field(default_factory=dict)

    def about(self) -> dict[str, str]:
        """Tell what tells this model from others of its kind."""
        return {
            "content": self.bundle.version,
            "until": self.bundle.until.isoformat(),
            "horizon": self.bundle.horizon,
            "data_fingerprint": self.data_fingerprint,
            "feature_fingerprint": self.bundle.fingerprint,
            "evidence": self.bundle.evidence.state,
        }

    def params(self) -> list[tuple[str, str]]:
        """Give the settings that are short enough, one a line: `training.booster.seed`."""
        return [
            (key, value)
            for key, value in _flat("", self.settings)
            if len(value) <= LONGEST_VALUE and re.fullmatch(rf"[\w./ -]{{1,{LONGEST_KEY}}}", key)
        ]

    def write(self, folder: Path) -> None:
        """Write all artifacts but the model into an empty folder."""
        features = self.bundle.describe()
        self._write_one(folder / "settings.json", _pretty(self.settings))
        self._write_one(folder / "features.json", _pretty(features))
        for name, content in self.files.items():
            self._write_one(folder / name, content)

    def _write_one(self, path: Path, content: str | bytes | Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            content = content.read_bytes()
        path.write_bytes(content.encode() if isinstance(content, str) else content)


@dataclass(frozen=True)
class Version:
    """A registered model, told to people.

    Attributes:
        version: "1", "2", ... in the order of registration.
        aliases: `champion`, `challenger`, `previous`, or none.
        about: until when it learned, from which data, how much evidence.
    """

    kind: str
    version: str
    run_id: str
    registered_at: datetime
    aliases: tuple[str, ...]
    about: Mapping[str, str]


@dataclass(frozen=True)
class LoadedModel:
    """A registered model, ready to forecast."""

    kind: str
    version: str
    run_id: str
    bundle: AnyBundle


@dataclass(frozen=True)
class Promotion:
    """A change of champion: since when which version was live, what it replaced, and why."""

    at: datetime
    version: str
    before: str | None
    why: str


def _pretty(plain: Any) -> str:
    return json.dumps(plain, indent=2, ensure_ascii=False)


def _flat(prefix: str, plain: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in plain.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", value if isinstance(value, str) else json.dumps(value)
