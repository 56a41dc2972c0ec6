"""What ingest has found out about the data, said where people look."""

from __future__ import annotations

from collections.abc import Iterable

from features.ingest.finding import DataFinding
from serving.cli.console import Console


def show_findings(console: Console, findings: Iterable[DataFinding]) -> None:
    """Say every finding, the gravest ones as what must be mended."""
    for finding in findings:
        says = f"{finding.where}: {finding.says}"
        if finding.severity == "info":
            console.say(says)
        else:
            console.warn(f"fix this first: {says}" if finding.severity == "error" else says)
