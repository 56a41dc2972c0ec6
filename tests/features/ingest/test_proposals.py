"""Laws of an extract's proposals: which columns are judged, beside what, in which words."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from features.ingest.load import ingest
from features.ingest.proposals import Proposals, pasteable
from features.params import FeatureParams

Tables = dict[str, pd.DataFrame]
LEADS, DAYS = 1_500, 300
END = pd.Timestamp("2025-11-01")


def company(seed: int) -> Tables:
    """Leads with a deal each third, accounts of two leads, and a value for all of each column."""
    rng = np.random.default_rng(seed)
    created = END - pd.to_timedelta(rng.uniform(0.01, DAYS, LEADS), unit="D")
    end = created + pd.to_timedelta(rng.gamma(2, 40, LEADS), unit="D")
    will = rng.random(LEADS) < 0.3
    ids = np.array([f"l{i:04d}" for i in range(LEADS)])
    # Neighbours in time share an account, so that new ones come in all the time.
    account = [f"a{i:04d}" for i in np.argsort(np.argsort(created)) // 2]
    leads = pd.DataFrame(
        {
            "lead_id": ids,
            "created_at": created,
            "account_id": account,
            "converted_at": end.where(will & (end < END)),
            "lost_at": end.where(~will & (end < END)),
            "industry": rng.choice(["food", "steel"], LEADS),
            "logged": rng.choice(["x", "y"], LEADS),
        }
    )
    why = pd.Series(rng.choice(["price", "time"], LEADS))
    leads["reason"] = why.where(leads["lost_at"].notna())
    accounts = pd.DataFrame({"account_id": sorted({*account, *(f"b{i}" for i in range(900))})})
    # Nobody asks the 900 accounts without a lead.
    accounts["size"] = rng.integers(1, 6, len(accounts)) * 10.0
    accounts["size"] = accounts["size"].where(accounts["account_id"].isin(account))
    deals = leads.sample(500, random_state=seed)[["lead_id", "account_id", "created_at"]]
    deals = deals.assign(deal_id="d" + deals["lead_id"], rep_id="r", closed_at=None, won=None)
    done = deals["created_at"] + timedelta(days=60)
    deals["closed_at"] = done.where(done < END)
    deals["won"] = pd.Series(rng.random(LEADS) < 0.4).where(deals["closed_at"].notna())
    deals["product"] = rng.choice(["small", "large"], len(deals))
    changes = pd.DataFrame(
        {
            "entity_type": "lead",
            "entity_id": ids[:1],
            "changed_at": created[:1] + timedelta(days=1),
            "field": "logged",
            "value": "x",
        }
    )
    reps = pd.DataFrame({"rep_id": ["r"], "shoe": [43]})
    return {
        "leads": leads,
        "accounts": accounts,
        "deals": deals,
        "changes": changes,
        "reps": reps,
    }


def proposals(tables: Tables, folder: Path) -> Proposals:
    """Ingest tables, and return what is proposed."""
    source = folder / "source"
    source.mkdir(parents=True)
    for name, rows in tables.items():
        rows.to_parquet(source / f"{name}.parquet", index=False)
    return ingest(str(source), folder, FeatureParams(), data_until=END.to_pydatetime()).proposals


def reasons(found: Proposals) -> dict[str, str | None]:
    """Return the reason of each column."""
    return {look.name: look.reason for look in found.looks}


EXPECTED = {
    "leads.industry": None,
    "leads.reason": "by_outcome",
    "deals.product": None,
    "reps.shoe": "few",
    "accounts.size": None,
}


@pytest.mark.parametrize("seed", range(3))
def test_attributes_without_a_history_are_judged(seed: int, tmp_path: Path) -> None:
    """Of each table; a field with one row in `changes` and our own columns are not."""
    assert reasons(proposals(company(seed), tmp_path)) == EXPECTED


def test_the_order_of_rows_and_columns_does_not_matter(tmp_path: Path) -> None:
    """The same extract, shuffled, has the same proposals, to the last figure."""
    tables = company(4)
    rng = np.random.default_rng(4)
    shuffled = {
        name: rows.sample(frac=1, random_state=4)[list(rng.permutation(rows.columns))]
        for name, rows in tables.items()
    }
    plain = proposals(tables, tmp_path / "plain")
    assert proposals(shuffled, tmp_path / "shuffled").to_json() == plain.to_json()


def test_what_lies_beyond_the_end_is_not_looked_at(tmp_path: Path) -> None:
    """Rows after the end of the data, and accounts that no lead or deal names, change nothing."""
    tables = company(5)
    later = (
        tables["leads"]
        .head(300)
        .assign(
            lead_id=lambda rows: "n" + rows["lead_id"],
            created_at=END + timedelta(days=1),
            converted_at=pd.NaT,
            lost_at=pd.NaT,
            account_id=None,
            industry=None,
        )
    )
    more = {**tables, "leads": pd.concat([tables["leads"], later])}
    more["accounts"] = tables["accounts"][tables["accounts"]["account_id"].str.startswith("a")]
    plain = proposals(tables, tmp_path / "plain")
    assert proposals(more, tmp_path / "more").to_json() == plain.to_json()


def test_accounts_whose_lead_changed_hands_are_met(tmp_path: Path) -> None:
    """Where `account_id` has a history, the accounts of leads are those the history names."""
    tables = company(6)
    leads = tables["leads"]
    logged = leads[["lead_id", "created_at", "account_id"]].set_axis(
        ["entity_id", "changed_at", "value"], axis=1
    )
    logged = logged.assign(entity_type="lead", field="account_id")
    tables["changes"] = pd.concat([tables["changes"], logged])
    tables["deals"] = tables["deals"].assign(account_id=None)
    assert reasons(proposals(tables, tmp_path))["accounts.size"] is None


def test_the_words_end_in_a_line_to_paste(tmp_path: Path) -> None:
    """The line is YAML that our settings accept, and keeps what was named before."""
    found = proposals(company(7), tmp_path)
    *told, line, refused = found.says(["leads.before"])
    assert any("leads.industry looks known at creation: filled for 100 %" in say for say in told)
    named = ("leads.before", "leads.industry", "deals.product", "accounts.size")
    params = FeatureParams.model_validate(yaml.safe_load(line)["features"])
    assert params.known_at_creation == named
    assert "leads.reason (filled for 0 % of converted, 100 % of lost" in refused
    assert found.says([*named, "leads.reason", "reps.shoe"]) == ()


def test_the_file_has_what_was_seen(tmp_path: Path) -> None:
    """`ingest-report.json` lists the proposed columns and the others, with their figures."""
    proposals(company(8), tmp_path)
    report: Any = json.loads((tmp_path / "data" / "ingest-report.json").read_text())
    named = [look["column"] for look in report["proposed_known_at_creation"]]
    assert named == ["leads.industry", "deals.product", "accounts.size"]
    assert report["proposed_known_at_creation"][0]["filled"]["all"]["share"] == 1.0
    others = {look["column"]: look["says"] for look in report["not_proposed_known_at_creation"]}
    assert others["leads.reason"].startswith("filled for 0 % of converted")


def test_many_columns_are_counted(tmp_path: Path) -> None:
    """Of columns that are not proposed three are named, the suspicious first, the rest counted."""
    tables = company(9)
    won = tables["leads"]["converted_at"].notna()
    tables["leads"]["verdict"] = np.where(won, "good", "bad")
    tables["leads"]["one"] = "the same"
    *_, refused = proposals(tables, tmp_path).says(())
    assert refused.startswith("do not look known at creation: leads.verdict (its values tell")
    assert refused.endswith("; and 1 more, see ingest-report.json")


def test_an_extract_without_events_proposes_nothing() -> None:
    """Nothing was looked at, so there is nothing to say."""
    assert Proposals().says(()) == ()
    assert all(looks == [] for looks in Proposals().to_json().values())


@pytest.mark.parametrize(
    "name", ["a,b:c", "1: {k}", 'Größe "x" [EUR]', "it's", "- x", "# y", "plain"]
)
def test_the_line_to_paste_reads_back(name: str) -> None:
    """Whatever a column is called, params.yaml gets that name and no other."""
    names = [f"leads.{name}", name]
    assert yaml.safe_load(pasteable(names)) == {"features": {"known_at_creation": names}}
