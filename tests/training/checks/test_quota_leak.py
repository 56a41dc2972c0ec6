"""Quotas that were made from the outcome are told; those that were set beforehand are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
from extract import Extract
from quota_company import FEATURES, QUARTERS, TRAINING, opened, quota, sellers

from features.ingest.load import ingest
from features.simulation.live import live
from features.simulation.settings import company_settings
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.checks.audit import audit
from training.checks.quota_leak import amount_errors, quota_leak_findings, quota_tie, rep_periods
from training.quota.backtest import backtest_quota
from training.quota.dataset import build_quota_training_set
from training.quota.new_business import figures, fit_new_business
from training.rolling import Range

END = QUARTERS[4] + timedelta(days=10)


def leaking() -> Extract:
    """Sell with bookings that jump about, closed on the day, and quotas made from them after."""
    extract, rng = sellers(END), Random(4)  # noqa: S311 - a sample, no secret
    deals, quotas = [], []
    for rep_id in {row["rep_id"] for row in extract.rows("quotas")}:
        for place, start in enumerate(QUARTERS[:4]):
            booked = 0.0
            for number in range(rng.randrange(6, 12)):
                at = start + timedelta(days=rng.randrange(90))
                amount = 1_000 * rng.lognormvariate(0, 0.8)
                name = f"{rep_id}-{place}-{number}"
                deal = {"deal_id": name, "rep_id": rep_id, "created_at": at, "amount": amount}
                deals.append({**deal, "closed_at": at, "won": True})
                booked += amount
            quotas.append(quota(rep_id, start, booked * rng.uniform(1.1, 1.3)))
    return extract.but("deals", deals).but("quotas", quotas)


def test_quotas_made_from_bookings_are_told(tmp_path: Path) -> None:
    """The audit warns, and the backtest says what skill remains; deals are never seen open."""
    warehouse = opened(leaking(), tmp_path, ("deals", "quotas", "reps"))
    found = [f for f in audit(warehouse.until(None), FEATURES, TRAINING) if f.kind == "quota_leak"]
    assert [(f.table, f.column, f.severity) for f in found] == [("quotas", "amount", "warning")]
    assert "leak the outcome" in found[0].says
    asked = Range(QUARTERS[3], QUARTERS[3] + timedelta(days=60), 30)
    made = backtest_quota(warehouse, asked, FEATURES, TRAINING)
    assert "The quota is nearly the answer here" in made.notes[0]
    assert "What skill remains without it" in made.notes[1]
    assert "entered only when they were won" in made.last.evidence.says
    assert (made.predictions.frame["expected_open"] == 0).all()
    wrong = amount_errors(rep_periods(warehouse), made.predictions.frame)
    assert wrong["quota"] < 0.1 < wrong["ours"] < wrong["linear pacing"]
    # New business brings what wins brought, not the median of their skewed amounts.
    frame = made.predictions.frame
    first = frame[frame["cutoff"] == QUARTERS[3]]
    booked = (first["attainment"] * first["quota"]).sum()
    assert first["expected_new"].sum() == pytest.approx(booked, rel=0.3)


def test_honest_quotas_are_not_suspected(tmp_path: Path) -> None:
    """The sample company's quotas come from territories and past bookings."""
    source = tmp_path / "source"
    source.mkdir()
    live(company_settings("small", seed=3, replays=0, cause_replays=0), source)
    ingest(str(source), tmp_path, FEATURES)
    warehouse = Warehouse.duckdb(current(tmp_path), FEATURES.ingest).until(None)
    periods = rep_periods(warehouse)
    assert len(periods) > 20
    assert not quota_tie(periods).leaks
    assert list(quota_leak_findings(warehouse)) == []


def test_few_periods_support_no_suspicion() -> None:
    """Five rep-periods may agree by chance; reps of unlike size alone are no leak."""
    draws = np.random.default_rng(3)
    booked = draws.uniform(50, 150, 200)
    made = pd.DataFrame({"quota": booked, "booked": booked, "before": draws.permutation(booked)})
    assert quota_tie(made).leaks
    assert not quota_tie(made.head(5)).leaks
    size = 10.0 ** draws.integers(2, 6, 200)
    unlike = pd.DataFrame(
        {
            "quota": size,
            "booked": size * draws.uniform(0.9, 1.1, 200),
            "before": size * draws.uniform(0.9, 1.1, 200),
        }
    )
    assert quota_tie(unlike).level > 0.99
    assert not quota_tie(unlike).leaks
    assert not quota_tie(made.head(0)).leaks


def test_planted_paces_are_found(tmp_path: Path) -> None:
    """A Poisson regression on figures of reps finds the coefficients it was planted with."""
    warehouse = opened(sellers(END), tmp_path, ("deals", "quotas"))
    training_set = build_quota_training_set(warehouse.until(None), FEATURES, TRAINING)
    told = figures(training_set.reps.X)
    rng = np.random.default_rng(6)
    wanted = np.exp(0.5 + 0.8 * (told["months"] - told["months"].mean()))
    wins = training_set.parts["created_later_deals"]
    wins = wins.where(wins.isna(), rng.poisson(wanted))
    planted = replace(training_set, parts=training_set.parts.assign(created_later_deals=wins))
    made = fit_new_business(planted, training_set.mature_ends()[-1])
    found = made.expected(training_set.reps.X)
    assert found is not None
    known = wins.notna().to_numpy()
    assert np.median(np.abs(found[known] / wanted[known].to_numpy() - 1)) < 0.12
    # With an intercept and hardly a penalty, what is expected adds up to what came.
    assert found[known].sum() == pytest.approx(wins[known].sum(), rel=0.01)
