"""What people see in a terminal: words and bars on stderr, data on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from time import monotonic
from typing import Any

from rich.console import Console as Rich
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from features.progress import Advance
from serving.cli.progress_lines import ProgressLines, beating

WIDTH_WITHOUT_TERMINAL = 100
_COLUMNS = (
    TextColumn("{task.description:<28}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
)


class Console:
    """Talks to one person or one program.

    Attributes:
        is_json: stdout carries one JSON document instead of tables.
    """

    def __init__(self, *, is_json: bool) -> None:
        """Open both streams as they are now, so that tests may replace them."""
        self.is_json = is_json
        width = None if sys.stderr.isatty() else WIDTH_WITHOUT_TERMINAL
        self._words = Rich(file=sys.stderr, width=width, highlight=False, soft_wrap=True)
        wide = None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL
        self._data = Rich(file=sys.stdout, width=wide, highlight=False)
        self._lock, self._working = Lock(), 0
        self._bars: Bars | None = None

    def say(self, words: str, style: str | None = None) -> None:
        """Say something to the person."""
        self._words.print(escape(words), style=style)

    def warn(self, words: str) -> None:
        """Say something the person should not overlook."""
        self._words.print(f"[yellow]note:[/] {escape(words)}")

    def fail(self, words: str) -> None:
        """Say why it ended."""
        self._words.print(f"[bold red]error:[/] {escape(words)}")

    def give(self, data: Any) -> None:
        """Write one JSON document to stdout, if JSON was asked for."""
        if self.is_json:
            sys.stdout.write(json.dumps(data, ensure_ascii=False, default=str, indent=2) + "\n")

    def write(self, text: str) -> None:
        """Write a text to stdout as it stands, unless JSON was asked for."""
        if not self.is_json:
            sys.stdout.write(text)

    def show(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show a small table on stdout, unless JSON was asked for."""
        if self.is_json:
            return
        table = Table(title=escape(title), title_justify="left", header_style="bold")
        for name in columns:
            is_number = name.lower() in {"score", "points", "rank", "chance", "rows", "value "}
            table.add_column(escape(name), justify="right" if is_number else "left")
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        self._data.print(table)

    @contextmanager
    def progress(self, words: str, steps: int) -> Iterator[Advance]:
        """Draw a bar while work goes on; without a terminal, print a line from time to time.

        Work that goes on at the same time, in several threads, has its bars one below the other.
        """
        if not self._words.is_terminal:
            lines = ProgressLines(words, steps, self.say, monotonic)
            with beating(lines):
                yield lines.advance
            return
        with self._lock:
            if self._bars is None:
                self._bars = Bars(*_COLUMNS, console=self._words, transient=False)
                self._bars.start()
            bars, self._working = self._bars, self._working + 1
            task = bars.add_task(words, total=steps)
        try:
            yield lambda done: bars.update(task, advance=done)
        finally:
            with self._lock:
                self._working -= 1
                if not self._working:
                    bars.stop()
                    self._bars = None
