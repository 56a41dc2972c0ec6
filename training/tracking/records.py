"""What MLflow keeps of trainings and models, as plain values and plain files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.tracking.loading import AnyBundle

LONGEST_VALUE = 500
LONGEST_KEY = 250
"""Longer settings are in settings.json only: MLflow refuses them or cannot show them."""


@dataclass(frozen=True)
class RunRecord:
    """One training, as it is logged.

    Attributes:
        kind: `leads` or `quota`; names the experiment and the registered model.
        bundle: the model.
        settings: all resolved settings, as plain values.
        data_fingerprint: of the extract it learned from.
        metrics: by name; an interval is two more, `auc_low` and `auc_high`. None is left out.
        files: further artifacts by their path: text, bytes (a plot), or a file to copy.
        labels: further tags of this kind of model: its segments, say.
        source: what the data are called; empty if they have no name.
        rows: how many rows each table of the extract has.
    """

    kind: str
    bundle: AnyBundle
    settings: Mapping[str, Any]
    data_fingerprint: str
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    files: Mapping[str, str | bytes | Path] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    rows: Mapping[str, int] = field(default_factory=dict)

    def tags(self) -> dict[str, str]:
        """Return what distinguishes this model from others of its kind."""
        return {
            "content": self.bundle.version,
            "until": self.bundle.until.isoformat(),
            "horizon": self.bundle.horizon,
            "data_fingerprint": self.data_fingerprint,
            "feature_fingerprint": self.bundle.fingerprint,
            "evidence": self.bundle.evidence.state,
            **self.labels,
        }

    def params(self) -> list[tuple[str, str]]:
        """Return the settings that MLflow can show, by name: `training.booster.seed`."""
        return as_params(self.settings)

    def write(self, folder: Path) -> None:
        """Write all artifacts except the model into an empty folder."""
        write_file(folder / "settings.json", _as_json(self.settings))
        write_file(folder / "features.json", _as_json(self.bundle.describe()))
        for name, content in self.files.items():
            write_file(folder / name, content)


@dataclass(frozen=True)
class Version:
    """A registered model, described without loading it.

    Attributes:
        kind: `leads` or `quota`.
        version: "1", "2", ... in the order of registration.
        run_id: MLflow's name of the training.
        registered_at: when, naive UTC.
        aliases: `champion`, `challenger`, `previous`, or none.
        tags: as `RunRecord.tags` returned them.
    """

    kind: str
    version: str
    run_id: str
    registered_at: datetime
    aliases: tuple[str, ...]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class LoadedModel:
    """A registered model, ready to forecast.

    Attributes:
        kind: `leads` or `quota`.
        version: "1", "2", ... in the order of registration.
        run_id: MLflow's name of the training.
        bundle: the model itself.
    """

    kind: str
    version: str
    run_id: str
    bundle: AnyBundle


@dataclass(frozen=True)
class Promotion:
    """A change of champion.

    Attributes:
        at: the moment from which the version was champion, naive UTC.
        version: the new champion.
        before: the version it replaced; None for the first.
        why: the reason, in words.
    """

    at: datetime
    version: str
    before: str | None
    why: str


def as_params(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the settings that MLflow can show, as texts under dotted names."""
    return [
        (key, value)
        for key, value in _flat("", settings)
        if len(value) <= LONGEST_VALUE and re.fullmatch(rf"[\w./ -]{{1,{LONGEST_KEY}}}", key)
    ]


def write_file(path: Path, content: str | bytes | Path) -> None:
    """Write an artifact: text, bytes, or a copy of a file; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, Path):
        content = content.read_bytes()
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def _as_json(plain: Any) -> str:
    return json.dumps(plain, indent=2, ensure_ascii=False)


def _flat(prefix: str, settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Go through nested settings: their dotted names, and their values as text."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", value if isinstance(value, str) else json.dumps(value)
