"""Laws of the scores that others read: a whole set, or the whole set before."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import InputError
from serving.cli.score_sets import new_scores, require_link, scores_link, shown_set


def put(home: Path, text: str) -> None:
    """Make a set of one file."""
    with new_scores(home) as folder:
        (folder / "scores.txt").write_text(text, encoding="utf-8")


def read(home: Path) -> str:
    """Read the set that is in place."""
    return (scores_link(home) / "scores.txt").read_text(encoding="utf-8")


def test_a_set_is_in_place_once_it_is_whole(tmp_path: Path) -> None:
    """While a set is written the one before is read; of all sets, two are kept."""
    assert shown_set(tmp_path) is None
    put(tmp_path, "1")
    with new_scores(tmp_path) as folder:
        (folder / "scores.txt").write_text("2", encoding="utf-8")
        assert read(tmp_path) == "1"
    assert read(tmp_path) == "2"
    assert shown_set(tmp_path) == folder.name
    put(tmp_path, "3")
    assert len(list((tmp_path / "data" / "score-sets").iterdir())) == 2


def test_a_set_that_fails_is_not_seen(tmp_path: Path) -> None:
    """After an error the set before is in place, and nothing is left of the other."""
    put(tmp_path, "1")
    with pytest.raises(ZeroDivisionError), new_scores(tmp_path):
        raise ZeroDivisionError
    assert read(tmp_path) == "1"
    assert len(list((tmp_path / "data" / "score-sets").iterdir())) == 1


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    """Half a set and a link that was never put in place go with the next set."""
    put(tmp_path, "1")
    (tmp_path / "data" / "score-sets" / "half").mkdir()
    (tmp_path / "data" / "scores.ab.new").symlink_to("score-sets/half")
    put(tmp_path, "2")
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"scores", "score-sets"}
    assert len(list((tmp_path / "data" / "score-sets").iterdir())) == 2


def test_a_set_that_was_removed_is_not_in_place(tmp_path: Path) -> None:
    """A link that leads nowhere counts as no scores."""
    put(tmp_path, "1")
    next((tmp_path / "data" / "score-sets").iterdir()).rename(tmp_path / "elsewhere")
    assert shown_set(tmp_path) is None


def test_something_else_in_its_place_is_refused(tmp_path: Path) -> None:
    """A folder that somebody made there is named, and left as it is."""
    (tmp_path / "data" / "scores").mkdir(parents=True)
    with pytest.raises(InputError, match="scores is in the way"):
        require_link(tmp_path)
