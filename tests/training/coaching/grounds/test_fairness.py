"""The audit of equal grounds: alike groups pass, planted bias is named, small groups withheld."""

from __future__ import annotations

import numpy as np
import pandas as pd

from training.coaching.grounds import GroundsAudit, audit_grounds
from training.params import FairnessParams

PARAMS = FairnessParams()
REPS = 120
GROUPS = {"site": {f"r{k:03}": "ab"[k % 2] for k in range(REPS)}}


def frame(seed: int, gap: float = 0.0, error: float = 0.0) -> pd.DataFrame:
    """Draw wins of the reps; those of site b win `gap` more of what is expected, or vary more."""
    rng = np.random.default_rng(seed)
    is_b = np.arange(REPS) % 2 == 1
    expected = rng.uniform(6, 14, REPS)
    skill = rng.gamma(1 / 0.05, 0.05, REPS) * (1 + error * is_b * rng.choice([-1, 1], REPS))
    actual = rng.poisson(expected * skill * (1 + gap * is_b)).astype(float)
    rows = {"rep_id": list(GROUPS["site"]), "metric": "wins", "actual": actual}
    return pd.DataFrame({**rows, "expected": expected, "residual": actual - expected})


def suspected(audit: GroundsAudit) -> bool:
    """Tell whether any group is named."""
    return any(g.differs or g.is_below for parts in audit.attributes.values() for g in parts)


def test_alike_groups_are_seldom_suspected() -> None:
    """Of 60 audits of groups that are alike, about one in ten at most names one."""
    named = sum(suspected(audit_grounds(frame(seed), GROUPS, PARAMS)) for seed in range(60))
    assert named <= 12


def test_a_planted_gap_is_named() -> None:
    """A group that wins 30 % less of what is expected of it is found, in words."""
    audit = audit_grounds(frame(1, gap=-0.3), GROUPS, PARAMS)
    a, b = audit.attributes["site"]
    assert "gap" in a.differs
    assert "gap" in b.differs
    assert b.is_below
    assert any('site "b"' in says and "fewer wins above expectation" in says for says in audit.says)
    assert any("four-fifths" in says for says in audit.says)


def test_an_expectation_that_fits_one_group_worse_is_named() -> None:
    """Equal on average, but far off for every one of a group: the error differs."""
    audit = audit_grounds(frame(3, error=0.7), GROUPS, PARAMS)
    assert any("does not fit all groups alike" in says for says in audit.says)


def test_small_groups_are_withheld() -> None:
    """Of four people nothing is shown, and nobody else is compared with them."""
    groups = {"site": {**GROUPS["site"], **{f"r{k:03}": "c" for k in range(4)}}}
    audit = audit_grounds(frame(1), groups, PARAMS)
    small = next(g for g in audit.attributes["site"] if g.part == "c")
    assert small.withheld is not None
    assert small.figures is None
    assert any("Withheld" in says for says in audit.says)


def test_several_periods_count_each_rep_once() -> None:
    """The same period four times over tells no more than once."""
    once = audit_grounds(frame(1), GROUPS, PARAMS).attributes["site"][0]
    often = audit_grounds(pd.concat([frame(1)] * 4), GROUPS, PARAMS).attributes["site"][0]
    assert once.n_reps == often.n_reps == REPS // 2
    assert once.figures is not None
    assert often.figures is not None
    assert once.figures["gap"] == often.figures["gap"]


def test_proxies_are_named() -> None:
    """What the expectation is made from and tells the group is said; other things are not."""
    rng = np.random.default_rng(1)
    amounts = np.arange(REPS) % 2 + rng.normal(0, 0.1, REPS)
    inputs = pd.DataFrame({"rep_id": list(GROUPS["site"]), "mean_amount": amounts})
    inputs = inputs.assign(tenure_days=rng.normal(0, 1, REPS))
    audit = audit_grounds(frame(1), GROUPS, PARAMS, inputs)
    assert [proxy.feature for proxy in audit.proxies] == ["mean_amount"]
    assert any("mean amount tells much of site" in says for says in audit.says)


def test_without_groups_nothing_is_claimed() -> None:
    """No attribute, no finding: that is said, and what the audit is for."""
    audit = audit_grounds(frame(1), {}, PARAMS)
    assert "not made for decisions on employment" in audit.says[0]
    assert "nothing was compared" in audit.says[1]
