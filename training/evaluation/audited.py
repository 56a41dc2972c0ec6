"""What an audit of fairness is made from, alike for every kind of model, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from training.evaluation.fairness import (
    CALIBRATION,
    FALSE_ALARMS,
    MISSES,
    AuditRows,
    GroupAudit,
    audit_groups,
)
from training.evaluation.proxies import find_proxies
from training.params import FairnessParams

JUDGED = (FALSE_ALARMS, MISSES, CALIBRATION)


@dataclass(frozen=True)
class AuditWords:
    """What the flag of a kind of model is called.

    Attributes:
        flag: what is raised: "at risk".
        due: those it should be raised for, as it turned out: "reps who missed".
        not_due: the others.
        event: what the chance is of: "makes quota".
        rows: what is flagged: "forecasts of reps".
    """

    flag: str
    due: str
    not_due: str
    event: str
    rows: str

    def name(self, figure: str) -> str:
        """Return what a judged figure is called."""
        return {
            FALSE_ALARMS: f'share called "{self.flag}" among {self.not_due}',
            MISSES: f'share not called "{self.flag}" among {self.due}',
            CALIBRATION: f"forecast minus actual share that {self.event}",
        }[figure]


@dataclass(frozen=True, eq=False)
class FeatureRows:
    """Values of features in use, to look for proxies among.

    Attributes:
        X: the values.
        labels: the features' words.
        categorical: those that hold categories.
        groups: attribute -> every row's value.
        reps: ids, a row each.
    """

    X: pd.DataFrame
    labels: Mapping[str, str]
    categorical: frozenset[str]
    groups: Mapping[str, pd.Series]
    reps: pd.Series


@dataclass(frozen=True, eq=False)
class Audited:
    """What is to be audited.

    Attributes:
        rows: the forecasts with a known outcome and a rep.
        words: what is said of them.
        n_left_out: forecasts without a rep behind them.
        features: by what it describes, features in use and the reps and groups of their rows.
    """

    rows: AuditRows
    words: AuditWords
    n_left_out: int
    features: tuple[FeatureRows, ...]


def audit_json(audited: Audited, params: FairnessParams) -> dict[str, Any]:
    """Audit forecasts and return everything as plain values, for fairness.json.

    Args:
        audited: the forecasts.
        params: groups, minimum and level.
    """
    rows, words = audited.rows, audited.words
    audits = audit_groups(rows, params.level, params.minimum_reps)
    proxies = [
        proxy
        for part in audited.features
        for proxy in find_proxies(part.X, part.labels, part.categorical, part.groups, part.reps)
    ]
    return {
        "words": vars(words),
        "figures": {name: words.name(name) for name in JUDGED},
        "level": params.level,
        "minimum_reps": params.minimum_reps,
        "is_welcome": rows.is_welcome,
        "n_rows": len(rows.y),
        "n_reps": int(rows.reps.nunique()),
        "n_left_out": audited.n_left_out,
        "absent": [name for name in params.attributes if name not in rows.groups],
        "attributes": {name: [g.to_json() for g in parts] for name, parts in audits.items()},
        "proxies": [proxy.to_json() for proxy in proxies],
        "findings": [
            says
            for name, parts in audits.items()
            for part in parts
            for says in _findings(name, part, audited)
        ],
    }


def _findings(attribute: str, part: GroupAudit, audited: Audited) -> Iterator[str]:
    """Yield a sentence for every figure that differs beyond luck, and for a ratio below 0.8."""
    words, name = audited.words, f'{attribute} "{part.part}"'
    for figure in part.differs:
        gap = part.differences[figure]
        if gap.value is None or gap.low is None or gap.high is None:
            continue
        how = "lower" if gap.value < 0 else "higher"
        yield (
            f"{name}: {words.name(figure)} is {100 * abs(gap.value):.1f} percentage points {how} "
            f"than in the other groups ({100 * gap.low:+.1f} to {100 * gap.high:+.1f})"
        )
    if part.is_below and part.ratio.value is not None:
        says = "" if audited.rows.is_welcome else "not "
        yield (
            f'{name}: {says}called "{words.flag}" only {part.ratio.value:.2f} times as often as '
            "the group that is so most often, below the 0.8 of the four-fifths rule"
        )
