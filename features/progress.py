"""What long work tells about itself; the command line draws it, tests stay silent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Advance = Callable[[int], None]
Progress = Callable[[str, int], AbstractContextManager[Advance]]
"""`progress("reading", 7)` opens a bar of 7 steps; the value it gives moves the bar on."""


@contextmanager
def silent(_words: str, _steps: int) -> Iterator[Advance]:
    """Show nothing."""
    yield lambda _done: None
