"""Laws of the audit: planted bias is found, luck is not bias, few people stay unseen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from training.evaluation.audited import Audited, AuditWords, audit_json
from training.evaluation.fairness import (
    CALIBRATION,
    FALSE_ALARMS,
    MISSES,
    AuditRows,
    GroupAudit,
    audit_groups,
)
from training.params import FairnessParams

LEVEL, MINIMUM = 0.9, 5
WEEKS = 12
WORDS = AuditWords("at risk", "reps who missed", "reps who made it", "makes quota", "forecasts")


def company(seed: int, bias: float = 0.0, reps: int = 120) -> AuditRows:
    """Forecast reps of two groups and six teams; one group's log-odds are too low by `bias`."""
    rng = np.random.default_rng(seed)
    skill = rng.normal(0, 1, reps)
    group = np.array(["a", "b"])[rng.integers(0, 2, reps)]
    made = (rng.random(reps) < expit(skill)).astype(np.float64)
    of_row = np.repeat(np.arange(reps), WEEKS)
    noise = np.repeat(rng.normal(0, 0.5, reps), WEEKS) + rng.normal(0, 0.3, len(of_row))
    p = expit(skill[of_row] + noise - bias * (group[of_row] == "a"))
    y = made[of_row]
    groups = {"group": pd.Series(group[of_row]), "team": pd.Series(of_row % 6)}
    return AuditRows(p, y, p < 0.5, y == 0, pd.Series(of_row).astype(str), groups, False)  # noqa: FBT003 - is_welcome


def audited(rows: AuditRows) -> dict[str, dict[str, GroupAudit]]:
    """Audit and name the groups."""
    return {
        name: {group.part: group for group in groups}
        for name, groups in audit_groups(rows, LEVEL, MINIMUM).items()
    }


def test_planted_bias_is_found() -> None:
    """Over seeds, a group whose chances are too low is flagged, warned wrongly."""
    found = [audited(company(seed, bias=2.0))["group"]["a"] for seed in range(20)]
    assert np.mean([FALSE_ALARMS in group.differs for group in found]) >= 0.8
    assert np.mean([CALIBRATION in group.differs for group in found]) >= 0.8
    assert all(
        group.differences[CALIBRATION].value < 0 < group.differences[FALSE_ALARMS].value
        for group in found
    )


def test_luck_is_taken_for_bias_at_most_at_the_nominal_rate() -> None:
    """Over seeds, an audit of many groups without bias suspects any in at most 10 %, plus luck."""
    alarms = [
        any(group.differs or group.is_below for groups in audited(company(seed, reps=60)).values()
            for group in groups.values())
        for seed in range(150)
    ]  # fmt: skip
    assert np.mean(alarms) <= 1 - LEVEL + 2 * (0.1 * 0.9 / 150) ** 0.5


def test_intervals_keep_a_rep_s_rows_together() -> None:
    """Seeing each rep twelve times instead of once makes no interval narrower."""
    rows = company(3)
    once = np.arange(0, len(rows.y), WEEKS)
    same = np.repeat(once, WEEKS)

    def take(at: np.ndarray) -> AuditRows:
        groups = {n: c.iloc[at].reset_index(drop=True) for n, c in rows.groups.items()}
        reps = rows.reps.iloc[at].reset_index(drop=True)
        return AuditRows(
            rows.p[at], rows.y[at], rows.flagged[at], rows.due[at], reps, groups, is_welcome=False
        )

    few, many = audited(take(once))["group"]["a"], audited(take(same))["group"]["a"]
    assert few.flagged.low == pytest.approx(many.flagged.low)
    assert few.figures[MISSES].high == pytest.approx(many.figures[MISSES].high)


def test_small_groups_are_withheld_and_tell_nothing_through_others() -> None:
    """A group of four shows no figure, and no figure of another group depends on it."""
    rows = company(5)
    four = rows.reps.isin(["0", "1", "2", "3"]).to_numpy()
    column = rows.groups["group"].where(~four, "c")
    hidden = AuditRows(
        rows.p, rows.y, rows.flagged, rows.due, rows.reps, {"group": column}, is_welcome=False
    )
    groups = audited(hidden)["group"]
    assert groups["c"].withheld == "4 reps, 5 are needed: fewer could be told apart"
    assert groups["c"].flagged.value is None
    assert groups["c"].figures == groups["c"].differences == {}
    other = AuditRows(
        np.where(four, 0.999, rows.p), np.where(four, 0.0, rows.y), rows.flagged & ~four,
        rows.due | four, rows.reps, {"group": column}, is_welcome=False,
    )  # fmt: skip
    again = audited(other)["group"]
    assert (again["a"], again["b"]) == (groups["a"], groups["b"])


def test_a_rate_of_nought_is_not_certain() -> None:
    """Nobody of ten was warned: the interval of the difference still has a width."""
    reps = pd.Series([str(n) for n in range(20)])
    group = pd.Series(["a"] * 10 + ["b"] * 10)
    nobody = np.zeros(20, dtype=np.bool_)
    rows = AuditRows(
        np.full(20, 0.9), np.ones(20), nobody, nobody, reps, {"group": group}, is_welcome=False
    )
    gap = audited(rows)["group"]["a"].differences[FALSE_ALARMS]
    assert gap.value == 0
    assert gap.low is not None
    assert gap.low < -0.1


def test_findings_are_sentences() -> None:
    """A finding names the attribute, the group, the figure, its size and its interval."""
    rows = company(1, bias=2.0)
    plain = audit_json(Audited(rows, WORDS, 0, ()), FairnessParams(groups=("gender",)))
    assert plain["absent"] == ["role", "territory", "segment", "gender"]
    assert any(
        says.startswith('group "a": share called "at risk" among reps who made it is ')
        and "percentage points higher than in the other groups (+" in says
        for says in plain["findings"]
    )
    assert audit_json(Audited(company(1), WORDS, 0, ()), FairnessParams())["findings"] == []
