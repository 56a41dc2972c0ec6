"""Files that several processes share: locks that die with their holders, and whole replacements."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features.errors import LockedError

ANYBODY = 0o666
"""Permissions of a new file, less what the process masks."""


@contextmanager
def held(path: Path, *, wait: bool = True, mode: int = ANYBODY) -> Iterator[None]:
    """Hold a lock file while the block runs, against other processes and other threads.

    Args:
        path: the lock file; it is made if need be, with its folder, and stays.
        wait: wait until the lock is free; else refuse at once.
        mode: permissions of a new lock file.

    Raises:
        LockedError: somebody else holds the lock, and we do not wait.
        OSError: the file cannot be opened.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - most readers never lock anything

    # The lock belongs to the open file, so the system frees it when its holder dies, however it
    # dies. The number of the process that is written into the file is for people only.
    lock = FileLock(path, timeout=-1 if wait else 0, mode=mode, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        holder = path.read_text(encoding="utf-8", errors="replace").strip()
        raise LockedError(path, holder or "unknown") from None
    try:
        path.write_text(str(os.getpid()), encoding="utf-8")
        yield
    finally:
        lock.release()


def replace_atomically(path: Path, text: str, *, mode: int = ANYBODY) -> None:
    """Put a text in a file's place in one step: a reader finds the old one or the new one, whole.

    Args:
        path: the file; it need not be there yet, its folder must be.
        text: the new content.
        mode: permissions of the new file, from its first moment on.

    Raises:
        OSError: the file cannot be written; the old one is as it was.
    """
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            # On disk before the name points to it: a crash must not leave an empty file there.
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
