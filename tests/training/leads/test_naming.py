"""Laws of what naming columns would bring: a gain where there is one, and never from a leak."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.ingest.load import ingest
from features.params import FeatureParams
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.checks.finding import Finding
from training.evaluation.bootstrap import Estimate
from training.evaluation.honesty import Gain
from training.leads.naming import KIND, NamingGain, naming_findings
from training.params import LeadParams, SplitParams, TrainingParams

Tables = dict[str, pd.DataFrame]
START = datetime(2025, 1, 6)
DAYS, LEADS = 250, 1_200
FEATURES = FeatureParams(windows_days=(7, 30))
PARAMS = TrainingParams(leads=LeadParams(horizon_days=14), split=SplitParams(every_days=7))
END = pd.Timestamp(START) + timedelta(days=DAYS)


def company(seed: int) -> Tables:
    """Leads of a `size` that decides much and a `region` that decides nothing, called at random."""
    rng = np.random.default_rng(seed)
    created = START + pd.to_timedelta(np.sort(rng.uniform(0, DAYS, LEADS)), unit="D")
    size = rng.choice(["small", "middle", "large"], LEADS)
    chance = pd.Series(size).map({"small": 0.15, "middle": 0.3, "large": 0.65}).to_numpy()
    won = rng.random(LEADS) < chance
    over = created + pd.to_timedelta(rng.gamma(2, 15, LEADS), unit="D")
    leads = pd.DataFrame(
        {
            "lead_id": [f"l{i:04d}" for i in range(LEADS)],
            "created_at": created,
            "size": size,
            "region": rng.choice(["north", "south"], LEADS),
            "converted_at": over.where(won & (over < END)),
            "lost_at": over.where(~won & (over < END)),
        }
    )
    called = np.repeat(np.arange(LEADS), 2)
    at = created[called] + rng.random(len(called)) * (over - created)[called]
    activities = pd.DataFrame(
        {"lead_id": leads["lead_id"].to_numpy()[called], "occurred_at": at, "type": "call"}
    )
    return {"leads": leads, "activities": activities[activities["occurred_at"] < END]}


def opened(tables: Tables, folder: Path) -> Warehouse:
    """Ingest tables."""
    source = folder / "source"
    source.mkdir(parents=True)
    for name, rows in tables.items():
        rows.to_parquet(source / f"{name}.parquet", index=False)
    ingest(str(source), folder, FeatureParams(), data_until=END.to_pydatetime())
    return Warehouse.duckdb(current(folder))


def found(
    tables: Tables, folder: Path, named: tuple[str, ...] = (), audited: tuple[Finding, ...] = ()
) -> list[Finding]:
    """Say what naming would bring."""
    features = FEATURES.model_copy(update={"known_at_creation": named})
    warehouse = opened(tables, folder)
    return list(naming_findings(warehouse.until(None), features, PARAMS, audited))


def about(findings: list[Finding], column: str | None) -> Finding:
    """Return the one finding about a column; None is all columns together."""
    (finding,) = (f for f in findings if f.column == column)
    assert finding.kind == KIND
    return finding


@pytest.mark.parametrize("seed", range(2))
def test_a_helpful_column_has_a_gain_and_an_idle_one_has_none(seed: int, tmp_path: Path) -> None:
    """Together and alone; only what is shown to help comes with the line to paste."""
    findings = found(company(seed), tmp_path)
    assert {f.severity for f in findings} == {"info"}
    together, size, region = (about(findings, name) for name in (None, "size", "region"))
    assert "naming leads.region and leads.size as known at creation would bring: " in together.says
    assert "90 % interval 0." in together.says
    assert "on forecasts of" in together.says
    assert "features: {known_at_creation: [leads.region, leads.size]}" in together.says
    assert "features: {known_at_creation: [leads.size]}" in size.says
    assert "known_at_creation: [" not in region.says
    assert "would bring: " not in region.says


def test_words_say_when_a_column_does_harm() -> None:
    """A gain below 0 beyond chance is worse than nothing; an end that is unknown is said to be."""
    size = Estimate(-0.012, -0.02, -0.005)
    worse = NamingGain(("leads.x",), Gain("without", "log loss", size), (0.3, 0.312), (0.7, 0.69))
    assert worse.says == (
        "naming leads.x as known at creation would make forecasts worse "
        "(gain in log loss -0.0120, 90 % interval -0.0200 to -0.0050)"
    )
    alone = NamingGain(("leads.x",), Gain("without", "log loss", Estimate(0.01)), (0, 0), (0, 0))
    assert "nothing that can be told from chance" in alone.says
    assert "interval unknown to unknown" in alone.says


def test_what_is_named_already_is_not_tried_again(tmp_path: Path) -> None:
    """Its gain is had; the line to paste keeps it."""
    (finding,) = found(company(3), tmp_path, named=("leads.region",))
    assert finding.column == "size"
    assert "known_at_creation: [leads.region, leads.size]" in finding.says


@pytest.mark.parametrize("seed", range(3))
def test_a_leak_is_named_instead_of_its_gain(seed: int, tmp_path: Path) -> None:
    """A score made of the outcome and filled for all is suspected by its values, not recommended.

    The audit of columns finds it too; where that has said so, it is not said again.
    """
    tables = company(10 + seed)
    noise = np.random.default_rng(seed).normal(size=LEADS)
    tables["leads"]["score"] = 5.0 * tables["leads"]["converted_at"].notna() + noise
    tables["leads"] = tables["leads"].drop(columns=["size", "region"])
    (leak,) = found(tables, tmp_path / "alone")
    assert (leak.column, leak.severity) == ("score", "warning")
    assert leak.says.endswith("leave it out of features.known_at_creation")
    (named,) = found(tables, tmp_path / "named", named=("leads.score",))
    assert named.says.endswith("take it off features.known_at_creation")
    warned = Finding("leads", "score", "tells_outcome", "warning", "it leaks")
    assert found(tables, tmp_path / "warned", audited=(warned,)) == []


def test_what_the_audit_warns_of_is_not_tried(tmp_path: Path) -> None:
    """A column that looks known at creation, but that the audit suspects, has no gain."""
    tables = company(4)
    tables["leads"] = tables["leads"].drop(columns="region")
    warned = Finding("leads", "size", "filled_later", "warning", "it is filled later")
    (finding,) = found(tables, tmp_path, audited=(warned,))
    assert (finding.column, finding.severity) == ("size", "warning")
    assert "the audit suspects it (filled_later)" in finding.says


def test_a_gate_has_its_gain_and_its_doubt(tmp_path: Path) -> None:
    """A value that hardly converts may be an honest rule: the gain is told, the line is not."""
    warned = Finding("leads", "size", "rules_out", "warning", "a gate")
    findings = found(company(4), tmp_path, audited=(warned,))
    size = about(findings, "size")
    assert size.severity == "warning"
    assert "to be a gate that leads pass later (rules_out). Only if" in size.says
    assert "would bring: log loss" in size.says
    assert not any("known_at_creation: [" in f.says for f in findings)


def test_too_short_a_history_is_said(tmp_path: Path) -> None:
    """Where no label is mature there is nothing to compare, but the columns are named."""
    long = TrainingParams(leads=LeadParams(horizon_days=DAYS))
    warehouse = opened(company(6), tmp_path)
    (finding,) = naming_findings(warehouse.until(None), FEATURES, long, ())
    assert "too little mature history to say what naming" in finding.says
    assert "features: {known_at_creation: [leads.region, leads.size]}" in finding.says


def test_deals_are_named_without_a_gain(tmp_path: Path) -> None:
    """What a column of deals brings is not estimated, but it is proposed."""
    tables = company(7)
    leads = tables["leads"].drop(columns=["size", "region"])
    deals = leads.assign(
        deal_id="d" + leads["lead_id"],
        rep_id="r",
        product=np.resize(["a", "b"], LEADS),
        closed_at=leads["converted_at"].fillna(leads["lost_at"]),
    )
    deals["won"] = leads["converted_at"].notna().where(deals["closed_at"].notna())
    deals = deals[["deal_id", "rep_id", "created_at", "product", "closed_at", "won"]]
    (finding,) = found({**tables, "leads": leads, "deals": deals}, tmp_path)
    assert (finding.table, finding.column, finding.severity) == ("deals", "product", "info")
    assert "looks known at creation" in finding.says
    assert "known_at_creation: [deals.product]" in finding.says
