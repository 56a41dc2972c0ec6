"""What people committed to bring in: one more simple forecast, for the reps who have committed."""

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
"""The file of the rows that could not be used; it lies beside the forecasts."""


def with_commits(
    rows: pd.DataFrame, warehouse: Warehouse, keys: pd.DataFrame, commits: Commits | None
) -> pd.DataFrame:
    """Add to each row the newest commit made before its cutoff.

    Rows of the past get what was said then, too. So what people say in a period's fifth week is
    compared with what they said in the fifth week of earlier periods, never with what they said
    when those were nearly over.

    Args:
        rows: of reps at cutoffs.
        warehouse: its engine looks the commits up.
        keys: `rep_id, period_start, cutoff` of the same rows.
        commits: all of them, the later ones too; None where there are none to compare with.

    Returns:
        The rows with the column `committed`; unchanged where `commits` is None.
    """
    if commits is None:
        return rows
    return rows.assign(**{COMMITTED: commits.newest(warehouse, keys)})


def commit_part(frame: pd.DataFrame) -> dict[str, npt.NDArray[np.object_]]:
    """Return the segment of forecasts with a commit and those without; none without commits."""
    if COMMITTED not in frame.columns:
        return {}
    has_commit = frame[COMMITTED].notna().to_numpy()
    return {PART: np.where(has_commit, WITH, WITHOUT).astype(object)}


def commit_notes(commits: Commits | None, frame: pd.DataFrame) -> list[str]:
    """Say for how many forecasts there was a commit, and what was odd about the commits.

    Args:
        commits: all of them; None where there are none.
        frame: the forecasts, with the column `committed`.
    """
    if commits is None:
        return []
    known, total = int(frame[COMMITTED].notna().sum()), len(frame)
    note = (
        f"'{COMMITS}' knew a commit, the newest made before the cutoff, for {known:,} of {total:,} "
        "forecasts"
    )
    if known < total:
        note += (
            "; for the others it says what reps with a commit mostly attain, so judge it on the "
            f"part '{WITH}' of '{PART}'"
        )
    notes = [note]
    ratio = frame[COMMITTED] / frame["quota"].where(frame["quota"] > 0)
    odd = int(((ratio < 0) | (ratio > MOST)).sum())
    if odd:
        notes.append(
            f"{odd:,} commits that were compared lie below 0 or above {MOST:g} quotas and are read "
            "as these; amounts are expected in the quota's currency and unit"
        )
    return [*notes, *reading_notes(commits)]


def reading_notes(commits: Commits) -> list[str]:
    """Say what could not be used of a file of commits, and what was odd in it."""
    report = commits.report
    notes = [
        f"commits: {count:,} of {report.read:,} rows left out: {kind} (see {TURNED_AWAY})"
        for kind, count in report.quarantine_reasons.items()
    ]
    notes += [f"commits: {count:,} rows: {words}" for words, count in report.notes.items()]
    notes += [f"commits: {words}" for words in report.matched]
    if report.attributes:
        notes.append(f"commits: columns that are not looked at: {', '.join(report.attributes)}")
    return notes


def commits_json(commits: Commits, frame: pd.DataFrame) -> dict[str, Any]:
    """Return how many rows of the file were used, and how many forecasts had a commit."""
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
