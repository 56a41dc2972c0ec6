"""`audit` finds what is planted in an extract or in the path, and nothing in an honest one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest

from features.build import Examples, build
from features.definitions.lead import lead_features
from features.feature import FeatureSet
from features.history.vocabulary import Vocabulary, read_vocabulary
from features.ingest.load import ingest
from features.params import FeatureParams
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.checks.audit import audit, mature_cutoffs
from training.checks.canaries import Build, canary_findings, spaced
from training.checks.columns import attribute_findings
from training.checks.finding import Finding, by_severity
from training.checks.health import health_findings
from training.checks.histories import history_findings
from training.checks.point_in_time import point_in_time_findings
from training.checks.post_outcome import post_outcome_findings
from training.checks.suspicion import MOST_CUTOFFS
from training.params import TrainingParams

Tables = dict[str, pd.DataFrame]
Rebuild = Callable[[Warehouse, datetime], Examples]
START = datetime(2025, 1, 6)
DAYS, LEADS = 240, 900
PARAMS = TrainingParams()
HONEST = ("leads.size", "leads.region")


def company(seed: int) -> Tables:
    """Leads of which the larger are called more often and convert more often."""
    rng = np.random.default_rng(seed)
    end = pd.Timestamp(START) + timedelta(days=DAYS)
    created = START + pd.to_timedelta(np.sort(rng.uniform(0, DAYS - 1, LEADS)), unit="D")
    size = rng.lognormal(3, 1, LEADS).round() + 1
    chance = 1 / (1 + np.exp(2.2 - 0.8 * np.log(size / 20)))
    won = rng.random(LEADS) < chance
    over = created + pd.to_timedelta(rng.gamma(3, 12, LEADS), unit="D")
    seen = over < end
    leads = pd.DataFrame(
        {
            "lead_id": [f"l{i:04d}" for i in range(LEADS)],
            "created_at": created,
            "rep_id": rng.choice(["ann", "bob", "cyd"], LEADS),
            "source": rng.choice(["web", "fair", "friend"], LEADS),
            "size": size,
            "region": rng.choice(["n", "s"], LEADS),
            "converted_at": over.where(won & seen),
            "lost_at": over.where(~won & seen),
        }
    )
    calls = rng.poisson(3 + 2 * chance)
    which = np.repeat(np.arange(LEADS), calls)
    at = created[which] + rng.random(len(which)) * (over - created)[which]
    activities = pd.DataFrame(
        {
            "lead_id": leads["lead_id"].to_numpy()[which],
            "rep_id": leads["rep_id"].to_numpy()[which],
            "occurred_at": at,
            "type": rng.choice(["call", "mail"], len(which)),
        }
    )
    reps = pd.DataFrame({"rep_id": ["ann", "bob", "cyd"]})
    activities = activities[activities["occurred_at"] < end].reset_index(drop=True)
    return {"leads": leads, "activities": activities, "reps": reps}


def opened(tables: Tables, folder: Path) -> Warehouse:
    """Ingest tables into a home of their own."""
    source = folder / "source"
    source.mkdir(parents=True)
    for name, rows in tables.items():
        rows.to_parquet(source / f"{name}.parquet", index=False)
    ingest(str(source), folder, FeatureParams())
    return Warehouse.duckdb(current(folder))


def columns(tables: Tables, folder: Path, features: FeatureParams) -> list[Finding]:
    """Judge the columns of tables."""
    warehouse = opened(tables, folder)
    return list(attribute_findings(warehouse, 30, read_vocabulary(warehouse, features)))


def rows(tables: Tables, folder: Path) -> list[Finding]:
    """Judge the rows of tables."""
    warehouse = opened(tables, folder)
    words = read_vocabulary(warehouse, FeatureParams())
    return [
        *post_outcome_findings(warehouse, words),
        *health_findings(warehouse),
        *history_findings(warehouse),
    ]


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Give a company in which nothing is planted."""
    return opened(company(0), tmp_path_factory.mktemp("honest"))


def _about(findings: Sequence[Finding], column: str) -> list[tuple[str, str]]:
    return [(f.kind, f.severity) for f in findings if f.column == column]


def test_an_honest_company_passes(honest: Warehouse) -> None:
    """Columns that help, called by their names, raise neither an error nor a warning."""
    findings = audit(honest, FeatureParams(known_at_creation=HONEST), PARAMS)
    assert [f for f in findings if f.severity != "info"] == []


def test_the_worst_comes_first() -> None:
    """Findings are ordered by severity, then by what they are about, not by who found them."""
    findings = [
        Finding("b", None, "k", "info", ""),
        Finding("b", None, "k", "error", ""),
        Finding("a", None, "k", "info", ""),
        Finding("c", None, "k", "warning", ""),
    ]
    ordered = by_severity(findings)
    assert [(f.table, f.severity) for f in ordered] == [
        ("b", "error"),
        ("c", "warning"),
        ("a", "info"),
        ("b", "info"),
    ]
    assert ordered == by_severity(findings[::-1])


def _status(leads: pd.DataFrame, _: Tables) -> pd.Series:
    ended = leads["lost_at"].notna().map({True: "dead", False: "open"})
    return ended.where(leads["converted_at"].isna(), "customer")


def _count(leads: pd.DataFrame, tables: Tables) -> pd.Series:
    counts = tables["activities"].groupby("lead_id").size()
    return leads["lead_id"].map(counts).fillna(0)


def _reason(leads: pd.DataFrame, _: Tables) -> pd.Series:
    over = leads["lost_at"].notna() | leads["converted_at"].notna()
    return pd.Series(np.resize(["a", "b", "c"], len(leads))).where(over)


def _gate(leads: pd.DataFrame, _: Tables) -> pd.Series:
    """Passed by every winner and by most of the others."""
    passed = np.random.default_rng(5).random(len(leads)) < 0.6
    return pd.Series(passed | leads["converted_at"].notna().to_numpy())


@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (_status, "tells_outcome"),
        (_count, "counts_later"),
        (_reason, "filled_later"),
        (_gate, "rules_out"),
    ],
)
def test_a_column_of_the_end_is_named(
    plant: Callable[[pd.DataFrame, Tables], pd.Series], kind: str, tmp_path: Path
) -> None:
    """A column written at the end is a warning while it is kept out, and names what it is."""
    tables = company(1)
    tables["leads"]["planted"] = plant(tables["leads"], tables)
    findings = columns(tables, tmp_path, FeatureParams(known_at_creation=HONEST))
    assert [(f.column, f.kind, f.severity) for f in findings] == [("planted", kind, "warning")]


@pytest.mark.parametrize("plant", [_status, _count, _reason])
def test_a_column_of_the_end_that_is_used_is_an_error(
    plant: Callable[[pd.DataFrame, Tables], pd.Series], tmp_path: Path
) -> None:
    """Naming such a column as known at creation fails the check, and says where to undo it."""
    tables = company(1)
    tables["leads"]["planted"] = plant(tables["leads"], tables)
    params = FeatureParams(known_at_creation=("leads.planted",), min_count=5)
    findings = columns(tables, tmp_path, params)
    assert [(f.column, f.severity) for f in findings] == [("planted", "error")]
    assert "features.known_at_creation" in findings[0].says


def test_a_source_column_filled_at_the_end_is_an_error(tmp_path: Path) -> None:
    """Columns that count as known by the schema are judged like any other that is used."""
    tables = company(2)
    tables["leads"]["value"] = np.where(tables["leads"]["converted_at"].notna(), 900.0, np.nan)
    findings = columns(tables, tmp_path, FeatureParams())
    assert _about(findings, "value") == [("tells_outcome", "error")]


def test_what_lies_after_the_moment_is_not_looked_at(honest: Warehouse, tmp_path: Path) -> None:
    """An audit as of a moment says of the full extract what it says of one cut there."""
    until = START + timedelta(days=170)
    tables = company(0)
    cut = {
        "leads": tables["leads"][tables["leads"]["created_at"] < until].copy(),
        "activities": tables["activities"][tables["activities"]["occurred_at"] < until],
        "reps": tables["reps"],
    }
    for name in ("converted_at", "lost_at"):
        cut["leads"][name] = cut["leads"][name].where(cut["leads"][name] < until)
    then = replace(opened(cut, tmp_path), data_until=until)
    features = FeatureParams(known_at_creation=HONEST)
    assert audit(honest.until(until), features, PARAMS) == audit(then, features, PARAMS)


def test_an_activity_that_is_the_conversion_is_named(tmp_path: Path) -> None:
    """A type that comes minutes before every conversion is told to be the conversion."""
    tables = company(3)
    won = tables["leads"][tables["leads"]["converted_at"].notna()]
    signed = won[["lead_id", "rep_id"]].assign(
        occurred_at=won["converted_at"] - pd.Timedelta(minutes=2), type="contract_signed"
    )
    tables["activities"] = pd.concat([tables["activities"], signed])
    findings = rows(tables, tmp_path)
    assert _about(findings, "type") == [("with_conversion", "warning")]


def test_a_history_without_its_beginning_is_named(tmp_path: Path) -> None:
    """A column that is logged only from its first change on; one logged from creation is not."""
    tables = company(4)
    tables["leads"]["value"] = 100.0 + np.arange(LEADS) % 7
    for days, kinds in ((3, [("incomplete_history", "warning")]), (0, [])):
        tables["changes"] = pd.DataFrame(
            {
                "entity_type": "lead",
                "entity_id": tables["leads"]["lead_id"],
                "changed_at": tables["leads"]["created_at"] + pd.Timedelta(days=days),
                "field": "value",
                "value": "50",
            }
        )
        findings = rows(tables, tmp_path / str(days))
        assert _about(findings, "value") == kinds


def test_sick_rows_are_told(tmp_path: Path) -> None:
    """Repeated rows, strangers, early rows, late logging and gaps each have their finding."""
    tables = company(5)
    done = tables["activities"]
    done = done[~done["occurred_at"].between("2025-04-01", "2025-05-01")].reset_index(drop=True)
    done["known_at"] = done["occurred_at"] + pd.to_timedelta(np.arange(len(done)) % 3, unit="D") * 2
    odd = done.iloc[:200].assign(lead_id="nobody", rep_id="stranger")
    early = done.iloc[200:400].assign(occurred_at=pd.Timestamp(START) - pd.Timedelta(days=1))
    tables["activities"] = pd.concat([done, done.iloc[:300], odd, early])
    findings = rows(tables, tmp_path)
    kinds = {f.kind for f in findings if f.table == "activities"}
    assert {
        "repeated",
        "unknown_lead",
        "unknown_rep",
        "before_lead",
        "late_logging",
        "gap",
    } <= kinds


def test_leads_alone_are_audited(tmp_path: Path) -> None:
    """Too little history for a canary is said, and is no error."""
    tables = {"leads": company(6)["leads"].head(30)}
    findings = audit(opened(tables, tmp_path), FeatureParams(), PARAMS)
    assert [f for f in findings if f.severity == "error"] == []


def peeking(
    warehouse: Warehouse,
    declared: FeatureSet,
    words: Vocabulary,
    cutoffs: Sequence[datetime],
    params: FeatureParams,
) -> Examples:
    """Build features, and add one that looks up whether the lead will ever convert."""
    examples = build(warehouse, declared, words, cutoffs, params)
    won = warehouse.arrow(warehouse["leads"].select("lead_id", "converted_at")).to_pandas()
    peek = examples.keys["lead_id"].map(won.set_index("lead_id")["converted_at"].notna())
    return replace(examples, X=examples.X.assign(peek=peek.astype(float)))


def test_canaries_fail_a_path_that_reads_the_future(honest: Warehouse) -> None:
    """Random outcomes cannot be predicted by the product's path, and are by one that peeks."""
    cutoffs = mature_cutoffs(honest, 30)
    assert list(canary_findings(honest, cutoffs, FeatureParams(), PARAMS)) == []
    failed = list(canary_findings(honest, cutoffs, FeatureParams(), PARAMS, peeking))
    assert {(f.kind, f.severity) for f in failed} == {("canary", "error")}


def _built(warehouse: Warehouse, path: Build) -> tuple[Examples, Rebuild]:
    features = FeatureParams()
    words = read_vocabulary(warehouse, features)
    declared = lead_features(words, features)

    def rebuild(extract: Warehouse, cutoff: datetime) -> Examples:
        return path(extract, declared, words, [cutoff], features)

    moments = spaced(mature_cutoffs(warehouse, 30), MOST_CUTOFFS)
    return path(warehouse, declared, words, moments, features), rebuild


def test_a_path_that_reads_later_rows_breaks_the_law(honest: Warehouse) -> None:
    """A feature that an extract of that moment does not give is an error that names it."""
    whole, rebuild = _built(honest, peeking)
    broken = list(point_in_time_findings(honest, whole, 30, rebuild))
    assert {(f.column, f.severity) for f in broken} == {("peek", "error")}


class Forgetful(Warehouse):
    """An extract in which some activities were entered without a trace of when."""

    def until(self, moment: datetime | None) -> Warehouse:
        """Cut it as it was, before these rows were added."""
        cut = super().until(moment)
        rows = cut["activities"]
        kept = {**cut.tables, "activities": rows.filter(rows["type"] != "mail")}
        return replace(cut, tables=MappingProxyType(kept))


def test_rows_added_to_the_past_break_the_law(honest: Warehouse) -> None:
    """An extract that shows more of a moment than was there then is told by its features."""
    whole, rebuild = _built(honest, build)
    assert list(point_in_time_findings(honest, whole, 30, rebuild)) == []
    doctored = Forgetful(
        **{
            n: getattr(honest, n)
            for n in ("backend", "tables", "present", "data_until", "fingerprint")
        }
    )
    broken = list(point_in_time_findings(doctored, whole, 30, rebuild))
    assert {f.severity for f in broken} == {"error"}
    assert "touches_all" in {f.column for f in broken}
