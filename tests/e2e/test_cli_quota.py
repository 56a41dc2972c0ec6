"""The command line of reps' quota, from outside; and both kinds of forecasts beside each other."""

from __future__ import annotations

import io
import json
import shutil
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from outside import DAYS, START, Run, company, day, prepared, sellers

from serving.cli.main import main
from training.tracking.registry import CHAMPION, Tracking

END = START + timedelta(days=DAYS)
REPS = {"anna", "béla", "chloé"}
PREDICTIONS = [
    "rep_id",
    "period_start",
    "period_end",
    "cutoff",
    "p_attain",
    "attainment_p10",
    "attainment_p50",
    "attainment_p90",
    "attainment",
]
SCORES = [
    "rep_id",
    "period_start",
    "period_end",
    "as_of",
    "quota",
    "attained",
    "p_attain",
    "attainment_p10",
    "attainment_p50",
    "attainment_p90",
    "at_risk",
    "evidence",
    "reasons",
    "model_version",
]


@dataclass(frozen=True)
class Both:
    """A home in which `train` was run without a kind, and what it said as JSON."""

    home: Path
    told: Any


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    """Leads, deals and quotas; a champion of each kind."""
    tables = {**company(leads=300), **sellers()}
    home = prepared(tmp_path_factory.mktemp("e2e") / "both kinds", tables)
    assert main(["ingest", str(home / "extract"), "--home", str(home)]) == 0
    with redirect_stdout(io.StringIO()) as said:
        assert main(["train", "--home", str(home), "--json"]) == 0
    return Both(home, json.loads(said.getvalue()))


@pytest.fixture(scope="module")
def scored(both: Both, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `score` writes."""
    out = tmp_path_factory.mktemp("scored")
    assert main(["score", "--home", str(both.home), "--out", str(out)]) == 0
    return out


def test_training_without_a_kind_trains_both(both: Both) -> None:
    """Each kind the tables allow is registered with MLflow and is champion."""
    assert set(both.told) == {"models", "left_out", "warnings"}
    assert both.told["left_out"] == {}
    assert [told["kind"] for told in both.told["models"]] == ["leads", "quota"]
    for told in both.told["models"]:
        assert list(told) == ["kind", "version", "alias", "evidence", "says", "doubt", "metrics"]
        kind = told["kind"]
        assert (told["version"], told["alias"]) == ("1", "champion")
        (version,) = Tracking(both.home).versions(kind)
        assert version.aliases == (CHAMPION,)
        assert version.tags["evidence"] == told["evidence"]
    assert any("ended quota periods" in words for words in both.told["models"][1]["says"])


def test_a_kind_may_be_trained_alone(run: Run, both: Both) -> None:
    """`train quota` makes a challenger of quota and leaves the leads alone."""
    (told,) = run("train", "quota", "--home", both.home, "--json").data["models"]
    assert (told["kind"], told["version"], told["alias"]) == ("quota", "2", "challenger")
    assert [one.version for one in Tracking(both.home).versions("leads")] == ["1"]


def test_a_backtest_writes_the_columns_of_the_contract(
    run: Run, both: Both, tmp_path: Path
) -> None:
    """Every rep with a running quota is forecast at every cutoff; unripe periods have no result."""
    out = tmp_path / "out"
    span = ("--from", day(150), "--to", day(198), "--every", "16")
    told = run("backtest", "quota", *span, "--home", both.home, "--out", out, "--json")
    assert told.code == 0
    frame = pd.read_parquet(out / "quota_predictions.parquet")
    assert list(frame.columns)[: len(PREDICTIONS)] == PREDICTIONS
    assert told.data["rows"] == len(frame)
    assert {Path(name).name for name in told.data["files"]} == {p.name for p in out.iterdir()}
    wanted = {pd.Timestamp(START + timedelta(days=d)) for d in (150, 166, 182, 198)}
    assert set(frame["cutoff"]) == wanted
    for _, rows in frame.groupby("cutoff"):
        assert sorted(rows["rep_id"]) == sorted(REPS)
    assert (
        (frame["period_start"] <= frame["cutoff"]) & (frame["cutoff"] < frame["period_end"])
    ).all()
    assert frame["p_attain"].between(0, 1).all()
    assert (frame["attainment_p10"] <= frame["attainment_p50"]).all()
    assert (frame["attainment_p50"] <= frame["attainment_p90"]).all()
    ripe = frame["period_end"] <= END
    assert ripe.any()
    assert frame.loc[ripe, "attainment"].notna().all()
    assert frame.loc[~ripe, "attainment"].isna().all()
    assert (~ripe).any()
    json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    assert "<html" in (out / "report.html").read_text(encoding="utf-8")


def test_what_people_committed_to_is_one_more_forecast(
    run: Run, both: Both, tmp_path: Path
) -> None:
    """A CSV of commits stands beside the other forecasts in every file; the unusable are kept."""
    months = [START.replace(month=month) for month in range(1, 8)]
    lines = [
        f"{rep},{month:%Y-%m-%d},{month + timedelta(days=day):%Y-%m-%d %H:%M}+02:00,{25_000 + day}"
        for rep in sorted(REPS - {"chloé"})
        for month in months
        for day in (2, 12)
    ]
    lines += ["dora,2025-06-01,2025-06-03,9000", "anna,2025-06-01,soon,9000"]
    file = tmp_path / "commits.csv"
    file.write_text("\n".join(["rep_id,period_start,made_at,amount", *lines]), encoding="utf-8")
    out = tmp_path / "out"
    asked = ("backtest", "quota", "--from", day(150), "--to", day(182), "--every", "16")
    told = run(*asked, "--home", both.home, "--out", out, "--commits", file, "--json")
    assert told.code == 0
    frame = pd.read_parquet(out / "quota_predictions.parquet")
    assert list(frame.columns)[: len(PREDICTIONS)] == PREDICTIONS
    # In the middle of June the second commit is the newest; on July 2 nothing is said of July yet.
    said = {(day(150), r): 25_012.0 for r in ("anna", "béla")}
    said |= {(day(166), r): 25_012.0 for r in ("anna", "béla")}
    found = frame[frame["committed"].notna()]
    keys = zip(found["cutoff"].dt.strftime("%Y-%m-%d"), found["rep_id"], strict=True)
    assert dict(zip(keys, found["committed"], strict=True)) == said
    written = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    assert "human commits" in written["overall"]["baselines"]
    assert "human commits" in (out / "report.html").read_text(encoding="utf-8")
    assert told.data["commits"] == written["commits"]
    assert (written["commits"]["read"], written["commits"]["accepted"]) == (30, 28)
    assert {Path(name).name for name in told.data["files"]} == {p.name for p in out.iterdir()}
    aside = pd.read_parquet(out / "commits_quarantine.parquet")
    assert aside["source_row"].tolist() == [28, 29]
    assert "1 of 30 rows left out: rep_id has no quota" in " ".join(told.err.split())


def test_commits_that_cannot_be_read_end_before_the_work(
    run: Run, both: Both, tmp_path: Path
) -> None:
    """A wrong file, or a file for leads, is one clear sentence and exit code 2; nothing is made."""
    file, out = tmp_path / "commits.csv", tmp_path / "out"
    file.write_text("rep_id,period_start,amount\nanna,2025-06-01,5\n", encoding="utf-8")
    span = ("--from", day(150), "--to", day(166), "--home", both.home, "--out", out)
    told = run("backtest", "quota", *span, "--commits", file)
    assert (told.code, told.out) == (2, "")
    assert "table 'commits' needs the column 'made_at'" in " ".join(told.err.split())
    assert list(out.iterdir()) == []
    told = run("backtest", "leads", *span, "--commits", file)
    assert told.code == 2
    assert "--commits is for quota" in " ".join(told.err.split())


def test_scores_have_the_columns_of_the_contract(scored: Path) -> None:
    """`score` writes a file of each kind; the contract's columns come first, in order."""
    assert {path.name for path in scored.iterdir()} == {"lead_scores.parquet", "rep_scores.parquet"}
    frame = pd.read_parquet(scored / "rep_scores.parquet")
    assert list(frame.columns)[: len(SCORES)] == SCORES
    assert set(frame["rep_id"]) == REPS
    assert (frame["at_risk"] == (frame["p_attain"] < 0.5)).all()
    assert frame["p_attain"].is_monotonic_increasing
    assert (frame["attainment_p10"] <= frame["attainment_p50"]).all()
    assert (frame["attainment_p50"] <= frame["attainment_p90"]).all()
    assert set(frame["model_version"]) == {"1"}
    assert frame.loc[frame["rep_id"] == "chloé", "attained"].item() == 0.0


def test_reasons_add_up_to_the_chance(scored: Path) -> None:
    """Base, points and rest make the chance within 0.01 of a percentage point."""
    for row in pd.read_parquet(scored / "rep_scores.parquet").itertuples():
        told = json.loads(str(row.reasons))
        assert set(told) == {"base", "items", "rest"}
        total = told["base"] + told["rest"] + sum(i["points"] for i in told["items"])
        assert abs(total - 100 * row.p_attain) <= 0.01
        for item in told["items"]:
            assert set(item) >= {"feature", "label", "value", "points", "side", "who"}


def test_one_rep_is_explained_as_it_is_scored(run: Run, both: Both, scored: Path) -> None:
    """`explain rep` gives the file's row; without JSON a table that ends in the chance."""
    frame = pd.read_parquet(scored / "rep_scores.parquet")
    row = frame[frame["rep_id"] == "anna"].iloc[0]
    told = run("explain", "rep", "anna", "--home", both.home, "--json").data
    (period,) = told["periods"]
    assert told["rep_id"] == "anna"
    assert period["p_attain"] == row["p_attain"]
    assert period["reasons"] == json.loads(row["reasons"])
    shown = run("explain", "rep", "anna", "--home", both.home)
    assert row["evidence"] == "thin"
    assert f"about {100 * row['p_attain']:.0f}" in shown.out
    words = " ".join(shown.err.split())
    assert "No firm chance and no range: the company has too few won deals" in words
    assert "At a guess, the quota of 30,000 " in words
    assert "came after" not in words
    earlier = run("explain", "rep", "anna", "--as-of", "2025-06-05", "--home", both.home)
    assert "what it says knows what came after" in " ".join(earlier.err.split())


def test_a_rep_that_cannot_be_explained(run: Run, both: Both) -> None:
    """Unknown reps, and moments in no period, end in exit code 2 with who has a quota."""
    told = run("explain", "rep", "nobody", "--home", both.home)
    assert (told.code, told.out) == (2, "")
    assert "no rep has the id 'nobody'; reps with a running quota are, for example:" in told.err
    told = run("explain", "rep", "anna", "--as-of", "2024-05-05", "--home", both.home)
    assert told.code == 2
    words = " ".join(told.err.split())
    assert "'anna' has no quota whose period runs as of 2024-05-05" in words
    assert "the rep's quotas run from 2025-01-01 to 2025-08-01" in words


def test_an_extract_of_deals_and_quotas_alone(run: Run, tmp_path: Path) -> None:
    """Without leads quota is forecast, and it is said that leads are left out and why."""
    home = prepared(tmp_path / "home", sellers())
    assert run("ingest", home / "extract", "--home", home).code == 0
    told = run("train", "--home", home, "--json")
    assert told.code == 0
    assert [model["kind"] for model in told.data["models"]] == ["quota"]
    assert "needs the table 'leads'" in told.data["left_out"]["leads"]
    words = " ".join(told.err.split())
    assert "left out: forecasting lead conversion needs the table 'leads'" in words
    told = run("score", "--home", home, "--out", home / "out", "--json")
    assert told.code == 0
    assert [path.name for path in (home / "out").iterdir()] == ["rep_scores.parquet"]
    assert "no lead_scores.parquet: there is no leads champion" in " ".join(told.err.split())
    assert told.data["rows_by_kind"] == {"quota": 3}
    assert list(told.data["left_out"]) == ["leads"]


def test_what_can_be_scored_is(run: Run, both: Both, tmp_path: Path) -> None:
    """Where the tables of one kind are gone the other is scored, and the reason is told."""
    home, out = tmp_path / "home", tmp_path / "out"
    shutil.copytree(both.home, home)
    (home / "extract" / "quotas.csv").unlink()
    assert run("ingest", home / "extract", "--home", home).code == 0
    out.mkdir()
    (out / "rep_scores.parquet").write_bytes(b"of an earlier run")
    told = run("score", "--home", home, "--out", out, "--json")
    assert told.code == 0
    assert list(told.data["rows_by_kind"]) == ["leads"]
    assert [Path(name).name for name in told.data["files"]] == ["lead_scores.parquet"]
    assert "needs the table 'quotas'" in told.data["left_out"]["quota"]
    words = " ".join(told.err.split())
    assert "no rep_scores.parquet: forecasting quota attainment needs the table 'quotas'" in words
    assert "rep_scores.parquet is left from an earlier run" in words

    for name in ("leads", "activities"):
        (home / "extract" / f"{name}.csv").unlink()
    assert run("ingest", home / "extract", "--home", home).code == 0
    told = run("score", "--home", home, "--out", tmp_path / "nothing", "--json")
    assert (told.code, told.out) == (2, "")
    words = " ".join(told.err.split())
    assert "needs the table 'leads'" in words
    assert "needs the table 'quotas'" in words
