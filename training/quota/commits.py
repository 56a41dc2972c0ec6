"""What people committed to, beside the forecasts: one more simple rule, as far as they commit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.ingest.commits import Commits
from features.storage.warehouse import Warehouse
from training.quota.baselines import COMMITS, COMMITTED, MOST

PART = "human commit"
WITH, WITHOUT = "given", "none by then"
TURNED_AWAY = "commits_quarantine.parquet"
"""The file, beside the forecasts, of the rows that could not be used."""


def with_commits(
    rows: pd.DataFrame, warehouse: Warehouse, keys: pd.DataFrame, commits: Commits | None
) -> pd.DataFrame:
    """Add to each row what had been committed to by its cutoff, where commits were handed over.

    Rows of the past get what was said then, too: what people said of a period at its fifth week is
    set against what came, and never what they said when it was nearly over.

    Args:
        rows: of reps at cutoffs.
        warehouse: its engine answers.
        keys: `rep_id, period_start, cutoff` of the same rows.
        commits: all of them, the later ones too.
    """
    if commits is None:
        return rows
    return rows.assign(**{COMMITTED: commits.newest(warehouse, keys)})


def commit_part(frame: pd.DataFrame) -> dict[str, npt.NDArray[np.object_]]:
    """Tell forecasts with a commit from those without, so that both can be judged alone."""
    if COMMITTED not in frame.columns:
        return {}
    told = frame[COMMITTED].notna().to_numpy()
    return {PART: np.where(told, WITH, WITHOUT).astype(object)}


def commit_notes(commits: Commits | None, frame: pd.DataFrame) -> list[str]:
    """Say for how many forecasts people had committed to something, and what was made of it."""
    if commits is None:
        return []
    told, total = int(frame[COMMITTED].notna().sum()), len(frame)
    words = (
        f"'{COMMITS}' knew a commit, the newest made before the cutoff, for {told:,} of {total:,} "
        "forecasts"
    )
    if told < total:
        words += (
            "; for the others it says what reps with a commit mostly attain, so judge it on the "
            f"part '{WITH}' of '{PART}'"
        )
    said = [words]
    ratio = frame[COMMITTED] / frame["quota"].where(frame["quota"] > 0)
    odd = int(((ratio < 0) | (ratio > MOST)).sum())
    if odd:
        said.append(
            f"{odd:,} commits that were compared lie below 0 or above {MOST:g} quotas and are read "
            "as these; amounts are expected in the quota's currency and unit"
        )
    return [*said, *reading_notes(commits)]


def reading_notes(commits: Commits) -> list[str]:
    """Say what could not be used of a file of commits, and what was odd in it."""
    report = commits.report
    said = [
        f"commits: {count:,} of {report.read:,} rows left out: {kind} (see {TURNED_AWAY})"
        for kind, count in report.quarantine_reasons.items()
    ]
    said += [f"commits: {count:,} rows: {words}" for words, count in report.notes.items()]
    said += [f"commits: {words}" for words in report.matched]
    if report.attributes:
        said.append(f"commits: columns that are not looked at: {', '.join(report.attributes)}")
    return said


def commits_json(commits: Commits, frame: pd.DataFrame) -> dict[str, Any]:
    """Count what became of the file's rows, and the forecasts that they spoke to."""
    report = commits.report
    return {
        "read": report.read,
        "accepted": report.accepted,
        "quarantined": report.quarantined,
        "quarantine_reasons": dict(report.quarantine_reasons),
        "notes": dict(report.notes),
        "n_forecasts": len(frame),
        "n_forecasts_with_commit": int(frame[COMMITTED].notna().sum()),
    }
