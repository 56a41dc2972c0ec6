"""A model's folder: `bundle.json` and `trees-N.txt`, plain text that describes itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from features.errors import NotFoundError

PLAIN = "bundle.json"
LEARNING_CURVES = "learning_curves"
"""What a model tells of early stopping: loss on later rows by number of trees, for each fold."""
AGAIN = "train again (--promote)"


def version_of(plain: Mapping[str, Any], trees: Sequence[str]) -> str:
    """Return a short name made of the content: equal content, equal name."""
    texts = [json.dumps(plain, sort_keys=True), *trees]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def write_files(folder: Path, plain: Mapping[str, Any], trees: Sequence[str]) -> None:
    """Write a model into a new or empty folder.

    Args:
        folder: made where it is missing.
        plain: everything but the trees, as values fit for JSON.
        trees: the text of each ensemble.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PLAIN).write_text(json.dumps(plain, indent=2, sort_keys=True), encoding="utf-8")
    write_trees(folder, trees)


def write_trees(folder: Path, trees: Sequence[str]) -> None:
    """Write the text of each ensemble into a folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(trees):
        (folder / f"trees-{number}.txt").write_text(text, encoding="utf-8")


def read_plain(folder: Path) -> dict[str, Any]:
    """Read everything but the trees of a model of any kind.

    Raises:
        NotFoundError: the folder holds no model.
    """
    path = folder / PLAIN
    if not path.is_file():
        raise NotFoundError(f"{folder} holds no {PLAIN}, so it is not a pacesetter model")
    plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return plain


def read_files(folder: Path, kind: str, *forms: int) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Read a model of one kind.

    Args:
        folder: where it lies.
        kind: the kind that is wanted.
        forms: the formats this version reads.

    Returns:
        Its plain values, and the text of its trees.

    Raises:
        NotFoundError: it is of another kind or format, or lacks trees.
    """
    plain = read_plain(folder)
    if plain.get("kind") != kind or plain.get("format") not in forms:
        read = " or ".join(map(str, forms))
        raise NotFoundError(
            f"{folder / PLAIN} has format {plain.get('format')} of kind {plain.get('kind')}, this "
            f"version reads format {read} of kind {kind}: {AGAIN}"
        )
    return plain, read_trees(folder, plain["trees"])


def read_trees(folder: Path, count: int) -> tuple[str, ...]:
    """Read the text of each ensemble in a folder.

    Raises:
        NotFoundError: there are fewer than `count`.
    """
    files = [folder / f"trees-{number}.txt" for number in range(count)]
    if missing := [file.name for file in files if not file.is_file()]:
        raise NotFoundError(f"{folder} lacks {', '.join(missing)}: {AGAIN}")
    return tuple(file.read_text(encoding="utf-8") for file in files)


def refuse_other_meaning(where: str, learned: str, declared: str) -> None:
    """Refuse a model whose features have changed their meaning since it was trained.

    Args:
        where: the place the model comes from, in words.
        learned: the fingerprint of the features it learned from.
        declared: the fingerprint of the features as this version declares them.

    Raises:
        NotFoundError: the two differ.
    """
    if learned != declared:
        raise NotFoundError(
            f"the model in {where} learned from features declared as {learned}, "
            f"this version declares {declared}: {AGAIN}"
        )
