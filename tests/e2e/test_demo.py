"""The demo from nothing: a sample company, a model, a graded backtest, and a call list."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from outside import Result, Run

QUICK = """\
features:
  windows_days: [30]
training:
  leads: {most_refits: 1}
  split: {every_days: 21}
  booster: {max_rounds: 15, early_stopping_rounds: 5, bags: 1, threads: 1}
  evaluation: {draws: 20}
"""


@pytest.mark.slow
def test_the_demo_ends_with_a_call_list(run: Run, tmp_path: Path) -> None:
    """`demo --no-serve` goes from an empty home to ranked leads with reasons, and exits with 0."""
    home = tmp_path / "a new home"
    params = tmp_path / "quick.yaml"
    params.write_text(QUICK, encoding="utf-8")
    quick = ("--home", home, "--params", params)
    told = run("demo", "--no-serve", "--preset", "small", *quick)
    assert told.code == 0, told.err
    for step in range(1, 7):
        assert f"{step}/6" in told.err
    assert "leads.lost_reason" in told.err
    assert "whom to call next, and why" in told.out
    scores = pd.read_parquet(home / "data" / "lead_scores.parquet")
    best = scores.sort_values(["priority", "lead_id"], ascending=[False, True]).iloc[0]
    shown = told.out[told.out.index("whom to call next") :]
    assert best["lead_id"] in shown
    assert "(+" in shown
    assert "(-0)" not in shown
    assert "Warning" not in told.err
    assert {path.name for path in home.iterdir()} == {"data", "mlruns"}
    tested = home / "data" / "demo-backtest"
    assert str(tested / "report.html") in told.err
    assert "Compared with the true chances" in (tested / "report.html").read_text(encoding="utf-8")
    graded = json.loads((tested / "metrics.json").read_text(encoding="utf-8"))["truth"]
    assert len(graded["cutoffs"]) >= 2
    assert 0.2 < graded["model"]["expected_log_loss_gap_closed"]["value"] < 1
    assert graded["model"]["expected_auc"]["value"] < graded["ceiling"]["expected_auc"]["value"]
    _wrong_truth(run, home, params, graded["cutoffs"][0])


def _wrong_truth(run: Run, home: Path, params: Path, first: str) -> None:
    """A horizon, a grid or a folder that the truth does not know is refused before any work."""
    company = home / "data" / "sample-company"

    def graded(start: str, days: int, truth: Path) -> Result:
        span = ("--from", start, "--to", start, "--horizon-days", str(days))
        where = ("--out", home / "out", "--home", home, "--params", params)
        return run("backtest", "leads", *span, "--truth", truth, *where)

    for start, days, truth, says in (
        ("2025-01-02", 30, company, first),
        (first, 14, company / "truth", "--horizon-days 30"),
        (first, 30, home / "mlruns", "truth/lead_probability.parquet"),
    ):
        told = graded(start, days, truth)
        assert told.code == 2
        assert says in told.err
        assert "Traceback" not in told.err
