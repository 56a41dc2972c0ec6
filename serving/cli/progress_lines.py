"""Progress as plain lines, for a log file or a scheduler, where no bar can be redrawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread

SHARE = 0.1
"""A line for each tenth that is done."""
QUICK_SECONDS = 1.0
"""But none so soon after another: quick work would fill a screen."""
SLOW_SECONDS = 30.0
"""And one after so long without any, done or not."""
PATIENCE = 0.05
"""Or after this share of the time so far: a night's work says no more than an hour's."""
BEAT_SECONDS = 1.0


class ProgressLines:
    """Says that work began, how far it is from time to time, and that it is over.

    With 40 steps of 5 seconds each::

        backtesting: 40 steps
        backtesting: 4 of 40, 20 s          another tenth is done
        backtesting: 8 of 40, 40 s
        ...
        backtesting: done, 40 of 40, 3 min

    With steps that take minutes, a line comes every half minute, and less often after ten.
    """

    def __init__(
        self, words: str, steps: int, say: Callable[[str], None], clock: Callable[[], float]
    ) -> None:
        """Say that it begins.

        Args:
            words: what is being done.
            steps: how many there are.
            say: takes a line.
            clock: seconds that only go forward.
        """
        self._words, self._steps, self._say, self._clock = words, steps, say, clock
        self._began = self._spoke = clock()
        self._done = self._said = 0
        # Steps are reported by the thread that works, and time by one that waits.
        self._lock = Lock()
        say(f"{words}: {steps:,} step{'' if steps == 1 else 's'}")

    def advance(self, done: int) -> None:
        """Count steps; says so for each tenth."""
        with self._lock:
            self._done += done
            is_far = self._done - self._said >= SHARE * self._steps
            if is_far and self._done < self._steps and self._silent_for() >= QUICK_SECONDS:
                self._speak("")

    def beat(self) -> None:
        """Say how far it is if nothing was said for long."""
        with self._lock:
            patience = max(SLOW_SECONDS, PATIENCE * (self._clock() - self._began))
            if self._silent_for() >= patience:
                self._speak("")

    def end(self, *, failed: bool = False) -> None:
        """Say that it is over."""
        with self._lock:
            self._speak("stopped, " if failed else "done, ")

    def _silent_for(self) -> float:
        return self._clock() - self._spoke

    def _speak(self, state: str) -> None:
        now = self._clock()
        self._spoke, self._said = now, self._done
        passed = duration(now - self._began)
        self._say(f"{self._words}: {state}{self._done:,} of {self._steps:,}, {passed}")


@contextmanager
def beating(lines: ProgressLines, seconds: float = BEAT_SECONDS) -> Iterator[None]:
    """Let lines notice the time while work goes on in this thread."""
    is_over = Event()

    def watch() -> None:
        while not is_over.wait(seconds):
            lines.beat()

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    is_failed = True
    try:
        yield
        is_failed = False
    finally:
        is_over.set()
        watcher.join()
        lines.end(failed=is_failed)


def duration(seconds: float) -> str:
    """Write a length of time.

    >>> duration(0.4), duration(59.7), duration(480), duration(7_500)
    ('0 s', '60 s', '8 min', '2 h 5 min')
    """
    if seconds < 90:  # noqa: PLR2004 - a minute and a half is read in seconds
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours else f"{minutes} min"
