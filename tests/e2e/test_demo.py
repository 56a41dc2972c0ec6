"""The demo from nothing: a sample company, a model, and a call list with its reasons."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from outside import Run

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
    told = run("demo", "--no-serve", "--home", home, "--params", params)
    assert told.code == 0, told.err
    for step in range(1, 7):
        assert f"{step}/6" in told.err
    for planted in ("total_touches_all", "current_stage", "is_sql"):
        assert f"leads.{planted}" in told.err
    assert "whom to call next, and why" in told.out
    scores = pd.read_parquet(home / "data" / "lead_scores.parquet")
    best = scores.sort_values(["priority", "lead_id"], ascending=[False, True]).iloc[0]
    shown = told.out[told.out.index("whom to call next") :]
    assert best["lead_id"] in shown
    assert "(+" in shown
    assert "(-0)" not in shown
    assert "Warning" not in told.err
    assert (home / "data" / "demo-backtest" / "report.html").is_file()
    assert {path.name for path in home.iterdir()} == {"data", "mlruns"}
