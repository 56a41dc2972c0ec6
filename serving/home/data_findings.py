"""What ingest has found out about the data of a home, and what it does to forecasts."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from features.evidence import EvidenceState
from features.ingest.finding import DataFinding, delivered, unsound
from features.storage.catalog import ingest_report


def data_findings(place: Path) -> tuple[DataFinding, ...]:
    """Return what the ingest of the current warehouse found, the gravest first."""
    return delivered(ingest_report(place))


def data_warnings(place: Path) -> list[str]:
    """Return the findings that nobody should overlook, as sentences, the gravest first."""
    return [f"{f.where}: {f.says}" for f in data_findings(place) if f.severity != "info"]


def doubt_about(place: Path, kind: str) -> str | None:
    """Say why forecasts of a kind rest on a column that was lost in bulk; None if they do not."""
    why = unsound(ingest_report(place)).get(kind)
    return None if why is None else f"the data behind it is broken: {why}"


def doubted(table: pd.DataFrame, doubt: str | None) -> pd.DataFrame:
    """Return forecasts that rest on broken data: nobody is at risk, nothing is hot.

    Chances and ranges stay what they are.

    Args:
        table: rows of `lead_scores` or `rep_scores`.
        doubt: why the data is broken; None leaves the forecasts as they are.
    """
    if doubt is None:
        return table
    weaker = table.copy()
    changed = {"evidence": EvidenceState.NONE.value, "evidence_says": doubt, "at_risk": False}
    for name, value in changed.items():
        if name in table:
            weaker[name] = pd.Series(value, index=table.index, dtype=table[name].dtype)
    if "band" in table:
        weaker["band"] = table["band"].where(table["band"] != "hot", "warm")
    return weaker
