"""A model's folder comes back as it was written, and what is not one is named."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from features.errors import NotFoundError
from training.artifact import (
    PLAIN,
    read_files,
    read_plain,
    refuse_other_meaning,
    version_of,
    write_files,
)

SEEDS = range(8)


def drawn(seed: int) -> tuple[dict[str, Any], list[str]]:
    """Draw what a model may say of itself, and the texts of some trees."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    trees = [f"tree\nvalue={rng.random()!r} é\n" for _ in range(rng.randrange(4))]
    plain = {"kind": "leads", "format": 3, "trees": len(trees), "rate": rng.random()}
    return {**plain, "nested": {"b": [rng.random(), None], "a": "Zürich"}}, trees


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_written_is_read_to_the_bit(seed: int, tmp_path: Path) -> None:
    """Numbers, texts and their order come back, and so does the version."""
    plain, trees = drawn(seed)
    write_files(tmp_path / "new" / "model", plain, trees)
    again = read_files(tmp_path / "new" / "model", "leads", 3)
    assert again == (plain, tuple(trees))
    assert version_of(*again) == version_of(plain, trees)
    assert read_plain(tmp_path / "new" / "model") == plain


@pytest.mark.parametrize("seed", SEEDS)
def test_a_version_is_the_content(seed: int) -> None:
    """The order of keys is no content; every value, and every tree in its place, is."""
    plain, trees = drawn(seed)
    version = version_of(plain, trees)
    assert version_of(dict(reversed(plain.items())), trees) == version
    others = [
        version_of({**plain, "rate": plain["rate"] + 1e-12}, trees),
        version_of(plain, [*trees, "tree\n"]),
        version_of(plain, ["tree\n", *trees]),
    ]
    assert version not in others
    assert len({*others, version}) == (4 if trees else 3)


def test_trees_are_not_run_together() -> None:
    """Two trees and their texts in one are different models."""
    assert version_of({}, ["ab", "c"]) != version_of({}, ["a", "bc"]) != version_of({}, ["abc"])


@pytest.mark.parametrize(("kind", "form"), [("quota", 3), ("leads", 2), ("leads", 4)])
def test_another_kind_or_format_is_refused(kind: str, form: int, tmp_path: Path) -> None:
    """The error names what is there, what is read, and what to do."""
    write_files(tmp_path, *drawn(1))
    with pytest.raises(
        NotFoundError, match=f"format 3 of kind leads.*format {form} of kind {kind}"
    ):
        read_files(tmp_path, kind, form)


def test_a_missing_tree_is_named(tmp_path: Path) -> None:
    """All that is missing is named at once."""
    write_files(tmp_path, {"kind": "leads", "format": 3, "trees": 3}, ["a", "b", "c"])
    (tmp_path / "trees-0.txt").unlink()
    (tmp_path / "trees-2.txt").unlink()
    with pytest.raises(NotFoundError, match=r"lacks trees-0\.txt, trees-2\.txt: train again"):
        read_files(tmp_path, "leads", 3)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    """It is said what is missing, whether the folder is there or not."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(NotFoundError, match=f"holds no {PLAIN}"):
            read_plain(folder)


def test_features_that_changed_their_meaning_are_refused(tmp_path: Path) -> None:
    """The same declarations pass; others are named, both of them."""
    refuse_other_meaning(tmp_path, "abc", "abc")
    with pytest.raises(NotFoundError, match=r"declared as abc.*declares def.*train again"):
        refuse_other_meaning(tmp_path, "abc", "def")


def test_what_a_model_says_of_itself_can_be_read_by_people(tmp_path: Path) -> None:
    """Sorted keys, one on a line, so that two models can be compared."""
    write_files(tmp_path, *drawn(2))
    text = (tmp_path / PLAIN).read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True)
    assert len(text.splitlines()) > 5
