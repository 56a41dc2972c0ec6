"""Models of every kind, as folders of plain files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from features.errors import NotFoundError
from training.bundle import LEADS, Bundle
from training.quota_bundle import QUOTA, QuotaBundle

AnyBundle = Bundle | QuotaBundle
LOADERS: Mapping[str, Callable[[Path], AnyBundle]] = {
    LEADS: Bundle.load,
    QUOTA: QuotaBundle.load,
}
"""How each kind of model is read; the kinds there are."""


def load_bundle(folder: Path) -> AnyBundle:
    """Read a model of whatever kind its folder says it is."""
    path = folder / "bundle.json"
    if not path.is_file():
        raise NotFoundError(f"{folder} holds no bundle.json, so it is no model of pacesetter")
    kind = json.loads(path.read_text(encoding="utf-8")).get("kind")
    if kind not in LOADERS:
        raise NotFoundError(f"{path} is a model of kind {kind!r}; known are {', '.join(LOADERS)}")
    return LOADERS[kind](folder)
