"""Models of every kind, as folders of plain files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from features.errors import NotFoundError
from training.artifact import read_plain
from training.leads.bundle import LEADS, Bundle
from training.quota.bundle import QUOTA, QuotaBundle

AnyBundle = Bundle | QuotaBundle
LOADERS: Mapping[str, Callable[[Path], AnyBundle]] = {
    LEADS: Bundle.load,
    QUOTA: QuotaBundle.load,
}
"""How each kind of model is read; the kinds there are."""


def load_bundle(folder: Path) -> AnyBundle:
    """Read a model of whatever kind its folder says it is."""
    kind = str(read_plain(folder).get("kind"))
    if kind not in LOADERS:
        raise NotFoundError(
            f"{folder} holds a model of kind {kind!r}; known are {', '.join(LOADERS)}"
        )
    return LOADERS[kind](folder)
