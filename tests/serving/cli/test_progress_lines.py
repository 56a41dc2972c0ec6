"""Laws of progress without a terminal: it is never silent for long, and never floods a log."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise

import pytest

from serving.cli.console import Console
from serving.cli.progress_lines import SLOW_SECONDS, ProgressLines, beating


@dataclass
class Clock:
    """A clock that tests move on."""

    now: float = 0.0

    def __call__(self) -> float:
        """Return the seconds so far."""
        return self.now


def worked(steps: int, seconds: float) -> tuple[list[str], list[float]]:
    """Do steps of equal length, looked after every second; return the lines and their times."""
    clock, said, at = Clock(), [], []

    def say(line: str) -> None:
        said.append(line)
        at.append(clock.now)

    lines = ProgressLines("working", steps, say, clock)
    next_step = seconds
    for _ in range(steps):
        while clock.now + 1 < next_step:
            clock.now += 1
            lines.beat()
        clock.now = next_step
        lines.advance(1)
        next_step += seconds
    lines.end()
    return said, at


@pytest.mark.parametrize(
    ("steps", "seconds"), [(1, 0.1), (3, 100.0), (40, 12.0), (1_000, 0.01), (100_000, 0.05)]
)
def test_work_begins_and_ends_with_a_line(steps: int, seconds: float) -> None:
    """The first line says how much there is, the last that all of it is done."""
    said, _ = worked(steps, seconds)
    assert said[0] == f"working: {steps:,} step{'s' if steps > 1 else ''}"
    assert said[-1].startswith(f"working: done, {steps:,} of {steps:,}, ")


@pytest.mark.parametrize(("steps", "seconds"), [(8, 270.0), (40, 12.0), (1, 600.0)])
def test_nobody_waits_long_for_a_line(steps: int, seconds: float) -> None:
    """Half an hour of work is never silent for more than a minute and a half."""
    _, at = worked(steps, seconds)
    silences = [later - earlier for earlier, later in pairwise(at)]
    assert max(silences) <= max(SLOW_SECONDS, 0.05 * at[-1]) + 1


@pytest.mark.parametrize(("steps", "seconds"), [(100_000, 0.36), (10, 3_600.0), (36_000, 1.0)])
def test_ten_hours_fill_no_log(steps: int, seconds: float) -> None:
    """However many steps there are, a night's work has a few hundred lines at most."""
    said, at = worked(steps, seconds)
    assert at[-1] == pytest.approx(36_000)
    assert 10 < len(said) < 200


def test_each_tenth_has_a_line() -> None:
    """Steady work says each tenth once."""
    said, _ = worked(40, 5.0)
    assert said[1:3] == ["working: 4 of 40, 20 s", "working: 8 of 40, 40 s"]
    assert said[-1] == "working: done, 40 of 40, 3 min"
    assert len(said) == 11


def test_quick_work_has_two_lines() -> None:
    """What takes less than a second only begins and ends."""
    said, _ = worked(400, 0.001)
    assert said == ["working: 400 steps", "working: done, 400 of 400, 0 s"]


def test_a_failure_is_no_success() -> None:
    """Work that is broken off says how far it came."""
    said: list[str] = []
    lines = ProgressLines("working", 4, said.append, Clock())
    lines.advance(1)
    with pytest.raises(ValueError, match="broken"), beating(lines):
        raise ValueError("broken")
    assert said == ["working: 4 steps", "working: stopped, 1 of 4, 0 s"]


def test_time_passes_also_while_a_step_goes_on() -> None:
    """Without any step done, a line says that work goes on."""
    clock, said = Clock(), []
    lines = ProgressLines("working", 2, said.append, clock)
    with beating(lines, seconds=0.001):
        clock.now = SLOW_SECONDS
        until = time.monotonic() + 10
        while len(said) < 2 and time.monotonic() < until:
            time.sleep(0.001)
    assert said[1] == "working: 0 of 2, 30 s"


def test_without_a_terminal_the_console_writes_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """They go to stderr, one after the other, without anything that redraws."""
    console = Console(is_json=True)
    with console.progress("reading", 2) as advance:
        advance(2)
    streams = capsys.readouterr()
    assert streams.err == "reading: 2 steps\nreading: done, 2 of 2, 0 s\n"
    assert streams.out == ""
