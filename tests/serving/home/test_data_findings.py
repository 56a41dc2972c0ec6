"""Laws of forecasts that rest on broken data: nobody is called at risk for it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from features.ingest.load import ingest
from features.params import FeatureParams
from serving.home.data_findings import data_findings, data_warnings, doubt_about, doubted
from training.checks.finding import of_ingest

QUOTAS = "rep_id,period_start,period_end,amount\nr,2025-01-01,2025-04-01,100\n"
REPS = pd.DataFrame(
    {
        "rep_id": ["r", "s"],
        "p_attain": [0.002, 0.9],
        "at_risk": [True, False],
        "evidence": pd.Series(["enough", "thin"], dtype="str"),
        "evidence_says": pd.Series(["5 won deals", "new"], dtype="str"),
    }
)


def home(place: Path, amount: str) -> Path:
    """Ingest a deal with an amount as it is written, beside a quota."""
    (place / "in").mkdir()
    head = "deal_id,rep_id,created_at,closed_at,won,amount"
    deal = f'd,r,2025-01-01,2025-02-01,true,"{amount}"'
    (place / "in" / "deals.csv").write_text(f"{head}\n{deal}\n")
    (place / "in" / "quotas.csv").write_text(QUOTAS)
    ingest(str(place / "in"), place, FeatureParams())
    return place


def test_amounts_nobody_can_read_break_quota_forecasts_only(tmp_path: Path) -> None:
    """The warning names column, count, example and remedy; forecasts of leads go on."""
    place = home(tmp_path, "twelve")
    (error, *_) = data_findings(place)
    assert (error.where, error.severity, error.example) == ("deals.amount", "error", "'twelve'")
    assert "1 of 1" in data_warnings(place)[0]
    assert "write a number" in data_warnings(place)[0]
    assert "deals.amount" in str(doubt_about(place, "quota"))
    assert doubt_about(place, "leads") is None
    assert of_ingest(error).severity == "error"


def test_amounts_that_are_read_break_nothing(tmp_path: Path) -> None:
    """What was read in one of several ways is said, not warned of."""
    place = home(tmp_path, "$12,000.00")
    assert [f.severity for f in data_findings(place)] == ["info"]
    assert data_warnings(place) == []
    assert doubt_about(place, "quota") is None


def test_nobody_is_at_risk_where_the_data_is_broken() -> None:
    """Chances stay numbers; evidence says why they mean nothing; types stay."""
    weaker = doubted(REPS, "the amounts are gone")
    assert not weaker["at_risk"].any()
    assert list(weaker["p_attain"]) == list(REPS["p_attain"])
    assert set(weaker["evidence"]) == {"none"}
    assert set(weaker["evidence_says"]) == {"the amounts are gone"}
    assert list(weaker.dtypes) == list(REPS.dtypes)
    assert doubted(REPS, None) is REPS


def test_no_lead_is_hot_where_the_data_is_broken() -> None:
    """Bands below the highest stay, and no column is added."""
    leads = pd.DataFrame({"p": [0.9, 0.1], "band": ["hot", "cool"], "evidence": ["enough"] * 2})
    weaker = doubted(leads, "lead dates are gone")
    assert list(weaker["band"]) == ["warm", "cool"]
    assert list(weaker.columns) == list(leads.columns)
