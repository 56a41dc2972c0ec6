"""What people commit to is one more forecast, made of what was said by each cutoff and no later."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
from quota_company import FEATURES, QUARTERS, opened, sellers

from features.ingest.commits import Commits, read_commits
from features.storage.warehouse import Warehouse
from training.checks.quota_leak import rep_periods
from training.evaluation.quota import evaluate_quota
from training.evaluation.quota_forecasts import RANGE
from training.evaluation.quota_group import QuotaSettings
from training.evaluation.quota_metrics import pinball
from training.params import BoosterParams, QuotaParams, TrainingParams
from training.quota.backtest import QuotaBacktest, backtest_quota
from training.quota.baselines import COMMITS, COMMITTED
from training.quota.commits import PART, WITH, WITHOUT, commit_notes, commits_json
from training.report.page import ReportContext
from training.report.quota import render_quota, write_quota_metrics
from training.rolling import Range

END = QUARTERS[6] + timedelta(days=10)
SAID_AT = (3, 21, 42, 63)
"""Days of the period on which everybody commits."""
ASKED = Range(QUARTERS[5] + timedelta(days=10), QUARTERS[6] - timedelta(days=1), 21)
TRAINING = TrainingParams(
    booster=BoosterParams(max_rounds=5, min_data_in_leaf=30, bags=1),
    quota=QuotaParams(futures=100, most_refits=1, every_days=14),
)
"""The model itself does not matter here."""
TOO_HIGH = 1.22
QUICK = QuotaSettings(draws=20, floor_draws=5, min_rep_periods=2)
Say = Callable[[Random, float, int], float]


@dataclass(frozen=True)
class Company:
    """A company whose outcomes are known, and what its people may have said of them."""

    warehouse: Warehouse
    folder: Path

    def backtest(self, commits: pd.DataFrame | None) -> QuotaBacktest:
        """Forecast its sixth quarter."""
        known = None if commits is None else self.read(commits)
        return backtest_quota(self.warehouse, ASKED, FEATURES, TRAINING, commits=known)

    def read(self, commits: pd.DataFrame) -> Commits:
        """Write commits to a file and read them as the command does."""
        file = self.folder / "commits.parquet"
        commits.to_parquet(file)
        return read_commits(file, self.warehouse, FEATURES.ingest, self.folder / "aside.parquet")

    def committed(self, say: Say) -> pd.DataFrame:
        """Let everybody commit in every period, by what the period came to bring."""
        rng = Random(4)  # noqa: S311 - a sample, no secret
        return pd.DataFrame(
            [
                {
                    "rep_id": row["rep_id"],
                    "period_start": row["period_start"],
                    "made_at": row["period_start"] + timedelta(days=day, hours=9),
                    "amount": say(rng, row["booked"], day),
                }
                for row in rep_periods(self.warehouse).to_dict("records")
                for day in SAID_AT
            ]
        )


def perfect(_rng: Random, booked: float, _day: int) -> float:
    """Commit to what will come."""
    return booked


def hopeful(rng: Random, booked: float, _day: int) -> float:
    """Commit to 22 % more than what will come, give or take."""
    return TOO_HIGH * booked * rng.lognormvariate(0, 0.05)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Eight reps and six ended quarters."""
    folder = tmp_path_factory.mktemp("company")
    return Company(opened(sellers(END, each=6.0), folder / "home", ("deals", "quotas")), folder)


@pytest.fixture(scope="module")
def exact(company: Company) -> QuotaBacktest:
    """A backtest beside people who know what will come."""
    return company.backtest(company.committed(perfect))


@pytest.fixture(scope="module")
def high(company: Company) -> QuotaBacktest:
    """A backtest beside people who commit to too much."""
    return company.backtest(company.committed(hopeful))


def loss(backtest: QuotaBacktest, name: str) -> float:
    """Return a forecast's pinball loss over all mature rows."""
    known = backtest.predictions.mature()
    return float(pinball(known.attainment, known.range(name)).mean())


def test_people_who_know_what_will_come_are_hard_to_beat(exact: QuotaBacktest) -> None:
    """Perfect commits lose a third of what the best other forecast loses, or less."""
    others = [loss(exact, name) for name in exact.predictions.names if name != COMMITS]
    assert len(others) == 6
    assert loss(exact, COMMITS) < min(others) / 3


def test_commits_that_are_too_high_are_corrected(exact: QuotaBacktest, high: QuotaBacktest) -> None:
    """The line of ended periods takes away what people add, so they do nearly as well."""
    known = high.predictions.mature()
    taken_at_their_word = (known.frame[COMMITTED] / known.frame["quota"]).to_numpy()
    middle = known.range(COMMITS)[:, 1]
    assert np.mean(taken_at_their_word - known.attainment) > 0.15
    assert abs(np.mean(middle - known.attainment)) < 0.05
    assert loss(high, COMMITS) < 1.5 * loss(exact, COMMITS)


def test_a_later_commit_never_changes_an_earlier_forecast(
    company: Company, high: QuotaBacktest
) -> None:
    """Whatever is said from a cutoff on, in this period or the next: what was forecast stays."""
    commits = company.committed(hopeful)
    moment = ASKED.cutoffs[2]
    seen = commits["made_at"] < moment
    assert seen.any()
    assert (~seen).any()
    later = commits[~seen].assign(amount=lambda rows: 3 * rows["amount"])
    at_once = commits[seen].drop_duplicates(["rep_id", "period_start"], keep="last")
    at_once = at_once[at_once["period_start"] == QUARTERS[5]].assign(made_at=moment, amount=1.0)
    other = company.backtest(pd.concat([at_once, later[::2], commits[seen][::-1]]))
    early = (high.predictions.frame["cutoff"] <= moment).to_numpy()
    before, after = (b.predictions.baselines[COMMITS] for b in (high, other))
    pd.testing.assert_frame_equal(after[early], before[early])
    assert not after[~early].equals(before[~early])


def test_nothing_else_moves(company: Company, high: QuotaBacktest) -> None:
    """Without commits there is no such forecast; with them, no other figure differs by a bit."""
    plain = company.backtest(None)
    assert COMMITS not in plain.predictions.names
    assert COMMITTED not in plain.predictions.frame
    assert PART not in plain.predictions.segments
    assert plain.notes == ()
    frame = high.predictions.frame.drop(columns=COMMITTED)
    pd.testing.assert_frame_equal(frame, plain.predictions.frame)
    for name, rows in plain.predictions.baselines.items():
        pd.testing.assert_frame_equal(high.predictions.baselines[name], rows)


def test_reps_without_a_commit_are_told_apart(company: Company, tmp_path: Path) -> None:
    """They are forecast all the same, noted, and judged beside those with one, in every file."""
    commits = company.committed(hopeful)
    silent = commits["rep_id"].isin(["r0", "r3"])
    strange = commits.head(1).assign(rep_id="nobody")
    known = company.read(pd.concat([commits[~silent], strange]))
    backtest = backtest_quota(company.warehouse, ASKED, FEATURES, TRAINING, commits=known)
    frame = backtest.predictions.frame
    has_commit = ~frame["rep_id"].isin(["r0", "r3"])
    assert (frame[COMMITTED].notna() == has_commit).all()
    assert np.isfinite(backtest.predictions.baselines[COMMITS][[*RANGE]].to_numpy()).all()
    assert "for 24 of 32 forecasts" in backtest.notes[0]
    assert any("1 of 145 rows left out: rep_id has no quota" in words for words in backtest.notes)
    evaluation = evaluate_quota(backtest.predictions, QUICK)
    parts = {part.label: part for part in evaluation.segments[PART]}
    assert {label: part.n_rows for label, part in parts.items()} == {WITH: 24, WITHOUT: 8}
    write_quota_metrics(tmp_path / "metrics.json", evaluation, commits_json(known, frame))
    written = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    for group in (written["overall"], written["early_weeks"], *written["weeks"]):
        assert COMMITS in group["baselines"]
        assert COMMITS in group["difference"]
    counts = written["commits"]
    assert (counts["read"], counts["accepted"], counts["quarantined"]) == (145, 144, 1)
    assert (counts["n_forecasts"], counts["n_forecasts_with_commit"]) == (32, 24)
    page = render_quota(
        evaluation, ReportContext(notes=backtest.notes, made_at=datetime(2024, 7, 1))
    )
    assert page.count(f">{COMMITS}<") >= 4
    assert f"minus {COMMITS}" in page
    assert "24 of 32 forecasts" in page


def test_amounts_of_another_unit_are_noticed(company: Company, high: QuotaBacktest) -> None:
    """Cents for a currency's units lie far above four quotas, and credits below nothing."""
    commits = company.committed(
        lambda _rng, booked, day: -booked if day == SAID_AT[0] else 100 * booked
    )
    known, frame = company.read(commits), high.predictions.frame
    rows = frame.assign(**{COMMITTED: known.newest(company.warehouse, frame)})
    notes = " ".join(commit_notes(known, rows))
    assert "32 commits that were compared lie below 0 or above 4 quotas" in notes
    assert "expected in the quota's currency and unit" in notes
    assert "amount: below 0" in notes
