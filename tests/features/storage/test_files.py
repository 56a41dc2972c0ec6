"""Files that several processes share: a lock dies with its holder, a file is the old or the new."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from features.errors import LockedError
from features.storage.files import held, replace_atomically

HOLDER = """
import sys, time
from pathlib import Path
from features.storage.files import held
with held(Path(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(60)
"""


@contextmanager
def another_holds(lock: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold a lock until it is killed."""
    command = [sys.executable, "-c", HOLDER, str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_a_lock_is_refused_at_once_and_free_when_its_holder_dies(tmp_path: Path) -> None:
    """The error names the process; killed, it needs nobody to clean up after it."""
    lock = tmp_path / "x.lock"
    with another_holds(lock) as process:
        said = rf"x\.lock is held by process {process.pid};"
        with pytest.raises(LockedError, match=said) as error, held(lock, wait=False):
            pytest.fail("two hold one lock")
        assert error.value.holder == str(process.pid)
    with held(lock, wait=False):
        assert lock.read_text() == str(os.getpid())


def test_a_lock_holds_between_threads_too(tmp_path: Path) -> None:
    """Even of one process: while one is inside, the others wait; nobody is lost."""
    inside, most, turns = [0], [0], [0]

    def take_turns() -> None:
        for _ in range(20):
            with held(tmp_path / "x.lock"):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                turns[0] += 1
                inside[0] -= 1

    threads = [threading.Thread(target=take_turns) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, turns) == ([1], [80])


def fail_inside(lock: Path) -> None:
    """Break off while holding a lock."""
    with held(lock):
        raise RuntimeError("broken off")


def test_a_lock_is_free_after_an_error(tmp_path: Path) -> None:
    """However the block ends."""
    with pytest.raises(RuntimeError, match="broken off"):
        fail_inside(tmp_path / "x.lock")
    with held(tmp_path / "x.lock", wait=False):
        pass


def test_a_lock_without_a_number_is_held_by_somebody_unknown(tmp_path: Path) -> None:
    """The number is for people; the lock works without it."""
    lock = tmp_path / "x.lock"
    with held(lock):
        lock.write_text("")
        with pytest.raises(LockedError, match="held by process unknown"), held(lock, wait=False):
            pytest.fail("two hold one lock")


def test_a_lock_makes_its_folder(tmp_path: Path) -> None:
    """The first of two processes need not prepare the ground."""
    path = tmp_path / "nowhere" / "x.lock"
    with held(path):
        assert path.read_text() == str(os.getpid())


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_new_files_have_the_permissions_asked_for(tmp_path: Path, mode: int) -> None:
    """Less what the process masks; secrets are never readable by others."""
    replace_atomically(tmp_path / "x.json", "{}", mode=mode)
    with held(tmp_path / "x.lock", mode=mode):
        pass
    mask = os.umask(0o022)
    os.umask(mask)
    for name in ("x.json", "x.lock"):
        assert (tmp_path / name).stat().st_mode & 0o777 == mode & ~mask


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """By the new text to the letter, and nothing is left beside it."""
    path = tmp_path / "x.json"
    for text in ("first\n", "", "Zweite Zeile: ü\n"):
        replace_atomically(path, text)
        assert path.read_text(encoding="utf-8") == text
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    """A text that no encoding holds is an error, not half a file."""
    path = tmp_path / "x.json"
    replace_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        replace_atomically(path, "new \ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_readers_see_the_old_or_the_new_never_a_part(tmp_path: Path) -> None:
    """Read as often as one likes while it is replaced, the file is always whole."""
    path = tmp_path / "x.txt"
    texts = {letter * 50_000 for letter in "ab"}
    replace_atomically(path, "a" * 50_000)
    done = threading.Event()
    partial: list[int] = []

    def read_on() -> None:
        while not done.is_set():
            text = path.read_text()
            partial.extend([len(text)] if text not in texts else [])

    reader = threading.Thread(target=read_on)
    reader.start()
    for _ in range(20):
        for text in texts:
            replace_atomically(path, text)
    done.set()
    reader.join()
    assert not partial
