"""Models of every kind, read from folders of plain files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import NotFoundError
from training.artifact import AGAIN, PLAIN, read_plain, read_trees, version_of

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


def load_checked(folder: Path, content: str) -> AnyBundle:
    """Read a model whose files must be those that were registered.

    They are compared as texts first: a library may not survive trees that were damaged.

    Args:
        folder: the model's.
        content: the name made of the content when it was registered.

    Raises:
        NotFoundError: files are missing, damaged or others; or as for `load_bundle`.
    """
    found = content_of(folder)
    if found != content:
        raise NotFoundError(
            f"the files of the model in {folder} are not those that were registered: their content "
            f"is {found}, registered was {content}. Restore them from a backup, or {AGAIN}"
        )
    return load_bundle(folder)


def content_of(folder: Path) -> str:
    """Return the name made of the content of a model's files, which is the model's `version`.

    Raises:
        NotFoundError: files are missing, or cannot be read as what they should be.
    """
    if not (folder / PLAIN).is_file():
        raise NotFoundError(
            f"{folder} holds no {PLAIN}: restore the model from a backup, or {AGAIN}"
        )
    try:
        plain = read_plain(folder)
        texts = [*read_trees(folder, plain["trees"])]
        for number, segment in enumerate(plain.get("segments", ())):
            texts += read_trees(folder / f"segment-{number}", segment["trees"])
        if calls := plain.get("calls"):
            texts += read_trees(folder / "calls", calls["trees"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotFoundError(
            f"the model in {folder} cannot be read ({type(error).__name__}: {error}). Restore it "
            f"from a backup, or {AGAIN}"
        ) from None
    return version_of(plain, texts)


def bundle_readers() -> Mapping[str, Callable[[Path], AnyBundle]]:
    """Return how each kind of model is read."""
    from training.leads.bundle import LEADS, Bundle  # noqa: PLC0415 - LightGBM takes a second
    from training.quota.bundle import QUOTA, QuotaBundle  # noqa: PLC0415 - LightGBM takes a second

    return {LEADS: Bundle.load, QUOTA: QuotaBundle.load}
