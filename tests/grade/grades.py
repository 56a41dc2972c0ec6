"""The table of grades: lines, and sections that are kept when another one is made anew."""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

HEAD = "# Grades\n\nMade by `make grade`, section by section.\n"
TABLE = "| what | figure (90 % interval) | wanted | |\n|---|---|---|---|\n"


@dataclass(frozen=True)
class Grade:
    """One line of the table."""

    what: str
    figure: str
    wanted: str
    is_met: bool | None

    def line(self) -> str:
        """Write it as Markdown."""
        verdict = {True: "met", False: "**not met**", None: "reported"}[self.is_met]
        return f"| {self.what} | {self.figure} | {self.wanted} | {verdict} |"


def read_sections(path: Path) -> dict[str, str]:
    """Give what stands below each `## name`, the date included."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def section(grades: list[Grade]) -> str:
    """Write a section's date, machine and table."""
    stamp = f"{datetime.now(tz=UTC):%Y-%m-%d}, {platform.machine()}, "
    stamp += f"Python {platform.python_version()}."
    return f"{stamp}\n\n{TABLE}" + "\n".join(grade.line() for grade in grades)


def write_sections(path: Path, sections: dict[str, str]) -> None:
    """Write all sections, those made today and those kept."""
    body = "".join(f"\n## {name}\n\n{text}\n" for name, text in sections.items())
    path.write_text(HEAD + body, encoding="utf-8")
