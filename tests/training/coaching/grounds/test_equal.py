"""Wins above expectation: what is compared, with whom, and what changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
from engines import Engine
from extract import Extract, Row
from ground_company import DAY, QUARTERS, REPS, UNTIL, Bent, grounds_company, laid_open
from sales_histories import meddle_sales, sales_case

from features.storage.warehouse import Warehouse
from training.coaching.grounds import equal_grounds
from training.params import TrainingParams

PARAMS = TrainingParams()
NUMBERS = ["actual", "expected", "residual", "low", "high", "shrunk"]
MIDDLE = QUARTERS[3] + 30 * DAY
LONG_AGO = QUARTERS[0] - 3000 * DAY


def of(frame: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return one metric's rows, by rep."""
    return frame[frame["metric"] == metric].set_index("rep_id")


def compare(extract: Extract, folder: Path, as_of: datetime = UNTIL) -> pd.DataFrame:
    """Lay an extract down and compare its reps."""
    return equal_grounds(laid_open(extract, folder), PARAMS, as_of)


def test_every_rep_has_a_row_for_each_metric(compared: pd.DataFrame) -> None:
    """Of the period that ends at the moment asked about, one row a rep and metric, all numbers."""
    assert len(compared) == 3 * len(REPS)
    assert set(compared["metric"]) == {"conversions", "wins", "revenue"}
    assert (compared["period_start"] == QUARTERS[3]).all()
    assert np.isfinite(compared[NUMBERS].to_numpy()).all()


def test_residuals_are_what_is_left(compared: pd.DataFrame) -> None:
    """The residual is the actual less the expected figure, inside its interval."""
    left = compared["actual"] - compared["expected"]
    np.testing.assert_allclose(compared["residual"], left)
    assert (compared["low"] < compared["residual"]).all()
    assert (compared["residual"] < compared["high"]).all()


def test_actual_figures_are_the_reps_own(compared: pd.DataFrame, even: Extract) -> None:
    """Conversions, wins and revenue of a rep are those of its leads and deals in the period."""
    deals = [
        d
        for d in even.rows("deals")
        if d["rep_id"] == "r0" and d.get("won") and QUARTERS[3] <= d["closed_at"] < UNTIL
    ]
    leads = [
        lead
        for lead in even.rows("leads")
        if lead["rep_id"] == "r0" and lead["converted_at"] and lead["converted_at"] >= QUARTERS[3]
    ]
    assert of(compared, "wins").loc["r0", "actual"] == len(deals)
    assert of(compared, "revenue").loc["r0", "actual"] == sum(d["amount"] for d in deals)
    assert of(compared, "conversions").loc["r0", "actual"] == len(leads)


@pytest.mark.parametrize(
    ("metric", "luck"), [("conversions", 0.1), ("wins", 0.1), ("revenue", 0.2)]
)
def test_the_company_as_a_whole_is_as_expected(
    compared: pd.DataFrame, metric: str, luck: float
) -> None:
    """Residuals add up to little: an average rep is one of this company."""
    own = of(compared, metric)
    assert abs(own["residual"].sum()) < luck * own["actual"].sum()


def test_skill_is_above_expectation(compared: pd.DataFrame) -> None:
    """Who makes twice as much of the same leads lies above, far beyond the expectation's error."""
    for metric in ("conversions", "wins"):
        own = of(compared, metric)
        assert own["low"]["r3"] > 0
        assert own["residual"].idxmax() == "r3"
        assert own["shrunk"].idxmax() == "r3"


def test_poor_leads_are_no_fault(compared: pd.DataFrame) -> None:
    """Who gets cold leads only converts the fewest, and as many as expected of these."""
    own = of(compared, "conversions")
    assert own["actual"].idxmin() == "r6"
    assert own["expected"].idxmin() == "r6"
    assert abs(own["shrunk"]["r6"]) < 0.15 * own["expected"]["r6"]


def test_shrunk_figures_lie_nearer_to_nothing(tmp_path: Path) -> None:
    """Of reps who are all alike, most of what is left is luck, and is taken back."""
    own = of(compare(grounds_company(5), tmp_path), "wins")
    assert own["shrunk"].abs().sum() < 0.6 * own["residual"].abs().sum()


def test_what_is_not_visible_changes_nothing(
    even: Extract, even_history: Warehouse, tmp_path: Path
) -> None:
    """As of a moment, the whole extract says what the one made then says, to the last bit."""
    then = compare(even.cut(MIDDLE), tmp_path, MIDDLE)
    pd.testing.assert_frame_equal(equal_grounds(even_history, PARAMS, MIDDLE), then)


@pytest.mark.parametrize("seed", [3, 24])
def test_hidden_rows_change_nothing_in_odd_companies(duckdb: Engine, seed: int) -> None:
    """Whatever lies beyond the moment, and however odd the company, numbers stay the same."""
    rng = Random(seed)  # noqa: S311 - no secret
    case = sales_case(rng)
    moment = rng.choice((*case.cutoffs, case.extract.data_until))
    with duckdb.open(case.extract) as warehouse:
        before = equal_grounds(warehouse, PARAMS, moment)
    with duckdb.open(meddle_sales(rng, case.extract, moment)) as warehouse:
        after = equal_grounds(warehouse, PARAMS, moment)
    pd.testing.assert_frame_equal(before, after)
    assert np.isfinite(before[NUMBERS].to_numpy()).all()


def test_names_and_order_change_nothing(
    even: Extract, compared: pd.DataFrame, tmp_path: Path
) -> None:
    """Other ids, in another order, give the same figures for the same people."""
    new = {name: f"x{99 - int(name[1:])}" for name in REPS}

    def renamed(_table: str, rows: list[Row]) -> list[Row]:
        return [
            {**row, "rep_id": new[row["rep_id"]]} if row.get("rep_id") else row
            for row in reversed(rows)
        ]

    other = compare(even.each(renamed), tmp_path)
    other = other.assign(rep_id=other["rep_id"].map({x: name for name, x in new.items()}))
    other = other.sort_values(["rep_id", "metric"])[NUMBERS]
    same = compared.sort_values(["rep_id", "metric"])[NUMBERS]
    np.testing.assert_allclose(other.to_numpy(), same.to_numpy(), rtol=1e-6, atol=1e-6)


def test_who_left_owes_nothing_afterwards(tmp_path: Path) -> None:
    """Of one who left after a third of the quarter, less is expected than of those who stayed."""
    bent = Bent(reps={"r2": {"left_at": MIDDLE}})
    own = of(compare(grounds_company(2, bent), tmp_path), "wins")["expected"]
    assert 0 < own["r2"] < 0.6 * own.drop("r2").min()


def test_a_new_rep_is_expected_to_win_less(tmp_path: Path) -> None:
    """Of one hired as the quarter began, less is expected than of others with the same leads."""
    bent = Bent(reps={"r2": {"hired_at": QUARTERS[3]}})
    own = of(compare(grounds_company(2, bent), tmp_path), "conversions")["expected"]
    assert own["r2"] < 0.95 * own.drop("r2").min()


def test_a_period_that_runs_is_compared_so_far(even_history: Warehouse) -> None:
    """A third into the quarter the figures are those of that third."""
    frame = equal_grounds(even_history, PARAMS, MIDDLE)
    assert (frame["as_of"] == MIDDLE).all()
    assert (frame["period_start"] == QUARTERS[3]).all()
    own = of(frame, "conversions")
    assert own["actual"].sum() == pytest.approx(own["expected"].sum(), rel=0.1)


def without(*tables: str) -> Callable[[Extract], Extract]:
    """Return what leaves tables out of an extract."""
    return lambda extract: Extract(
        {name: rows for name, rows in extract.tables.items() if name not in tables},
        extract.data_until,
    )


@pytest.mark.parametrize(
    ("missing", "metric"),
    [(("leads",), "wins"), (("deals",), "conversions"), (("quotas", "reps"), "wins")],
)
def test_it_works_with_the_tables_there_are(
    even: Extract, tmp_path: Path, missing: tuple[str, ...], metric: str
) -> None:
    """Without leads, deals, quotas or reps, the rest is compared all the same."""
    own = of(compare(without(*missing)(even), tmp_path), metric)
    assert set(own.index) == set(REPS)
    assert own["expected"].sum() == pytest.approx(own["actual"].sum(), rel=0.1)


def test_nothing_at_all_is_no_error(even: Extract, tmp_path: Path) -> None:
    """With quotas alone everybody has nothing, and before the first row there is nobody."""
    alone = without("leads", "deals")(even)
    frame = compare(alone, tmp_path / "alone")
    assert set(frame["rep_id"]) == set(REPS)
    assert (frame[NUMBERS] == 0).all().all()
    early = compare(even, tmp_path / "early", LONG_AGO)
    assert early.empty
    assert list(early.columns) == list(frame.columns)
