"""The scores that others read: whole sets of files, put in place by one rename.

HOME/data/scores              a link to the newest set; readers open files below it
HOME/data/score-sets/<id>/    the files of one retrain; the set before is kept for its readers
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features.clock import utc_now
from features.errors import InputError

SETS = "score-sets"


def scores_link(home: Path) -> Path:
    """Return where the newest scores are read from."""
    return home / "data" / "scores"


def shown_set(home: Path) -> str | None:
    """Return which set of scores is in place; None without one."""
    link = scores_link(home)
    return link.readlink().name if link.is_symlink() and link.is_dir() else None


def require_link(home: Path) -> None:
    """Refuse a home in which something else has the place of the link.

    Raises:
        InputError: it is a file or a folder.
    """
    link = scores_link(home)
    if link.exists() and not link.is_symlink():
        raise InputError(
            f"{link} is in the way: a retrain keeps a link to its newest scores there; move it"
        )


@contextmanager
def new_scores(home: Path) -> Iterator[Path]:
    """Yield an empty folder; what is written into it is in place once the block has ended well.

    One process at a time may do so.
    """
    require_link(home)
    link, sets = scores_link(home), home / "data" / SETS
    before = shown_set(home)
    mark = secrets.token_hex(4)
    folder = sets / f"{utc_now():%Y%m%dT%H%M%S}-{mark}"
    _remove(home, keep={before})
    folder.mkdir(parents=True)
    try:
        yield folder
        new = link.with_name(f"scores.{mark}.new")
        new.symlink_to(Path(SETS) / folder.name)
        new.replace(link)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _remove(home, keep={before, folder.name})


def _remove(home: Path, keep: set[str | None]) -> None:
    """Remove older sets, and what killed processes left behind."""
    for new in (home / "data").glob("scores.*.new"):
        new.unlink(missing_ok=True)
    sets = home / "data" / SETS
    for folder in sets.iterdir() if sets.is_dir() else ():
        if folder.name not in keep:
            shutil.rmtree(folder, ignore_errors=True)
