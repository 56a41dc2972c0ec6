"""Models of every kind, read from folders of plain files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import NotFoundError
from training.artifact import read_plain

if TYPE_CHECKING:
    from training.leads.bundle import Bundle
    from training.quota.bundle import QuotaBundle

    AnyBundle = Bundle | QuotaBundle


def load_bundle(folder: Path) -> AnyBundle:
    """Read a model of whatever kind its folder says it is.

    Raises:
        NotFoundError: the folder holds no model, one of an unknown kind, or one that this version
            cannot use.
    """
    kind = str(read_plain(folder).get("kind"))
    readers = bundle_readers()
    if kind not in readers:
        known = ", ".join(readers)
        raise NotFoundError(f"{folder} holds a model of kind {kind!r}; known are {known}")
    return readers[kind](folder)


def bundle_readers() -> Mapping[str, Callable[[Path], AnyBundle]]:
    """Return how each kind of model is read."""
    from training.leads.bundle import LEADS, Bundle  # noqa: PLC0415 - LightGBM takes a second
    from training.quota.bundle import QUOTA, QuotaBundle  # noqa: PLC0415 - LightGBM takes a second

    return {LEADS: Bundle.load, QUOTA: QuotaBundle.load}
