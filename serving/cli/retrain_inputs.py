"""What a retrain depends on, and what it leaves behind: compared to tell whether one is due."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import features
import serving
import training
from features.errors import MappingError, NotReady
from features.ingest.presets.choose import preset_name
from features.ingest.state import source_state
from features.storage.catalog import current
from serving.cli.score_sets import shown_set
from serving.cli.session import Session
from training.loop.kinds import KINDS
from training.tracking.pyfunc import REQUIREMENTS


@dataclass(frozen=True)
class Inputs:
    """What a retrain depends on.

    Attributes:
        asked: the source as it is opened; may hold a password, and is written nowhere.
        source: the same as it may be shown and kept.
        mapping: the mapping file, absolute; None without one.
        state: the state of everything it depends on, by name, as plain values.
    """

    asked: str
    source: str
    mapping: Path | None
    state: Mapping[str, Any]

    @classmethod
    def read(cls, session: Session, source: str, mapping: Path | None) -> Inputs:
        """Look at the source, the mapping, the settings and the program.

        Raises:
            InputError: the source or the mapping cannot be used.
        """
        if mapping is not None and preset_name(mapping) is None:
            mapping = mapping.expanduser().absolute()
        features_params = session.settings.features
        held = source_state(source, mapping, features_params.ingest)
        state = {
            "source": held.name,
            "data": {name: list(mark) for name, mark in held.marks.items()},
            "mapping": None if mapping is None else _digest(mapping),
            "settings": dict(
                _flat("", session.settings.model_dump(mode="json", exclude={"serving"}))
            ),
            "program": _program(),
        }
        return cls(source, held.name, mapping, state)


def standing(session: Session) -> dict[str, Any]:
    """Return what stands in a home now: its warehouse, its champions and its scores, by name."""
    home, tracking = session.home, session.tracking
    try:
        warehouse = current(home).path.name
    except NotReady:
        warehouse = None
    return {
        "warehouse": warehouse,
        "champions": {kind: tracking.live(kind) for kind in KINDS},
        "scores": shown_set(home),
    }


def _digest(file: Path) -> str:
    """Return what tells one mapping from another; a preset's name stands for itself."""
    if (name := preset_name(file)) is not None:
        return name
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise MappingError(f"{file}: {error.strerror}; --mapping needs a YAML file") from None


def _program() -> dict[str, str]:
    """Return what the program is: its code, and the versions of what models and scores rest on."""
    digest = hashlib.sha256()
    for package in (features, training, serving):
        root = Path(str(package.__file__)).parent
        for file in sorted(root.rglob("*.py")):
            digest.update(str(file.relative_to(root)).encode())
            digest.update(file.read_bytes())
    versions = {name: version(name) for name in REQUIREMENTS}
    return {"pacesetter": digest.hexdigest()} | versions


def _flat(prefix: str, section: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the settings by their dotted names, each written as JSON."""
    for name, value in section.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", json.dumps(value)
