"""How long work reports its progress: the command line draws it, others stay silent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Advance = Callable[[int], None]
Progress = Callable[[str, int], AbstractContextManager[Advance]]
"""`progress("reading", 7)` opens a bar of 7 steps; what it returns moves the bar on."""


@contextmanager
def silent(_words: str, _steps: int) -> Iterator[Advance]:
    """Show nothing."""
    yield lambda _done: None
