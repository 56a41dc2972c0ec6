"""Figures set against quotas, leads and earlier periods, beside counts in plain Python; and laws.

The company's deals are few and simple; what each figure should be is counted row by row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pytest
from by_hand import DAY_0, Opened, day
from extract import Row

from features.kpi.catalogue import KPIS
from features.kpi.declare import Made
from features.kpi.ledger import Ledger
from features.kpi.periods import Period, period_of
from features.kpi.query import KpiQuery, figures, measure
from features.params import FeatureParams, KpiParams

UNTIL = 500.0
REPS = ("a", "b", "c")
FEATURES, PARAMS = FeatureParams(), KpiParams()
QUARTERS = tuple((91.0 * k, 91.0 * (k + 1)) for k in range(6))
AMOUNTS = {"bookings", "deal_size", "open_pipeline"}
"""Figures in the currency of deals."""


def company(rng: Random) -> dict[str, list[Row]]:
    """Make 17 months of three reps, of whom one has no quota."""
    leads = [
        {"lead_id": f"L{k}", "rep_id": rng.choice(REPS), "created_at": day(rng.uniform(0, UNTIL)),
         "source": rng.choice(("web", "referral"))}
        for k in range(60)
    ]  # fmt: skip
    deals: list[Row] = []
    for k in range(90):
        created, took = rng.uniform(0, UNTIL), rng.choice((2.0, 25.0, 60.0))
        is_over = created + took < UNTIL and rng.random() < 0.8
        deals.append(
            {"deal_id": f"D{k}", "rep_id": rng.choice(REPS), "created_at": day(created),
             "amount": rng.choice((50.0, 120.5, 400.0)),
             "closed_at": day(created + took) if is_over else None,
             "won": rng.random() < 0.6 if is_over else None}
        )  # fmt: skip
    activities = [
        {"lead_id": f"L{rng.randrange(60)}", "rep_id": rng.choice(REPS), "type": "call",
         "occurred_at": day(rng.uniform(0, UNTIL)), "direction": "outbound"}
        for _ in range(80)
    ]  # fmt: skip
    quotas = [
        {"rep_id": rep, "period_start": day(low), "period_end": day(high),
         "amount": rng.choice((0.0, 300.0, 728.0))}
        for rep in REPS[:2] for low, high in QUARTERS
    ]  # fmt: skip
    return {"leads": leads, "deals": deals, "activities": activities, "quotas": quotas}


@dataclass
class Measured:
    """A company and its figures, by period length and by rep or for all.

    Attributes:
        tables: its rows.
        ledgers: by the length of periods.
    """

    tables: dict[str, list[Row]]
    ledgers: dict[str, Ledger]

    def figures(self, every: str, by: Sequence[str] = (), names: Sequence[str] = ()) -> Any:
        """Return figures of all periods."""
        return figures(self.ledgers[every], by, names)


@pytest.fixture(scope="module", params=[3, 4])
def measured(opened: Opened, request: pytest.FixtureRequest) -> Iterator[Measured]:
    """A company with its facts laid out by days, months and quarters."""
    tables = company(Random(request.param))  # noqa: S311 - no secret
    with opened(until=UNTIL, **tables) as whole, whole.until(None).workspace() as past:
        yield Measured(
            tables,
            {
                every: Ledger(past, FEATURES, PARAMS, every, DAY_0)  # type: ignore[arg-type]
                for every in ("day", "month", "quarter", "quota")
            },
        )


def won_of(tables: dict[str, list[Row]], period: Period, rep: str | None = None) -> list[Row]:
    """Return the deals that were won in a period, of one rep or of all."""
    return [
        row
        for row in tables["deals"]
        if row["won"] and period.holds(row["closed_at"]) and rep in (None, row["rep_id"])
    ]


def asked_of(tables: dict[str, list[Row]], period: Period, rep: str | None = None) -> float:
    """Return what of the quotas falls into a period, day by day."""
    total = 0.0
    for row in tables["quotas"]:
        low = max(row["period_start"], period.start)
        high = min(row["period_end"], period.end)
        if high > low and rep in (None, row["rep_id"]):
            total += row["amount"] * ((high - low) / (row["period_end"] - row["period_start"]))
    return total


def attained_of(tables: dict[str, list[Row]], period: Period, rep: str | None = None) -> float:
    """Return the amount won by who had a quota above 0 on the day."""
    return sum(
        row["amount"]
        for row in won_of(tables, period, rep)
        if any(
            quota["rep_id"] == row["rep_id"]
            and quota["amount"] > 0
            and quota["period_start"] <= row["closed_at"] < quota["period_end"]
            for quota in tables["quotas"]
        )
    )


@cache
def spans(every: str) -> dict[datetime, Period]:
    """Return the periods there are, by their start."""
    moments = [DAY_0 + timedelta(days=k) for k in range(int(UNTIL))]
    if every == "quota":
        return {day(low): Period(day(low), day(high)) for low, high in QUARTERS if low < UNTIL}
    return {(p := period_of(moment, every)).start: p for moment in moments}  # type: ignore[arg-type]


@pytest.mark.parametrize("every", ["month", "quarter", "quota"])
@pytest.mark.parametrize("by", [(), ("rep_id",)])
def test_attainment_is_what_was_won_under_a_quota_over_it(
    measured: Measured, every: str, by: tuple[str, ...]
) -> None:
    """By hand for each period and rep; who has no quota attains none of the company's."""
    rows = measured.figures(every, by, ["attainment"])
    assert len(rows) >= 5
    for row in rows.to_dict("records"):
        period, rep = spans(every)[row["period_start"].to_pydatetime()], row.get("rep_id")
        assert row["numerator"] == pytest.approx(attained_of(measured.tables, period, rep))
        assert row["denominator"] == pytest.approx(asked_of(measured.tables, period, rep), abs=0.01)


@pytest.mark.parametrize("every", ["month", "quarter"])
def test_coverage_is_what_was_open_when_the_period_began(measured: Measured, every: str) -> None:
    """Deals created before the period and not closed by then, over its share of quotas."""
    for row in measured.figures(every, (), ["coverage"]).to_dict("records"):
        period = spans(every)[row["period_start"].to_pydatetime()]
        was_open = [
            deal["amount"]
            for deal in measured.tables["deals"]
            if deal["created_at"] < period.start
            and (deal["closed_at"] is None or deal["closed_at"] >= period.start)
        ]
        assert row["numerator"] == pytest.approx(sum(was_open))
        assert row["n"] == len(was_open)


@pytest.mark.parametrize("every", ["month", "quarter"])
def test_deals_per_lead_sets_deals_beside_the_leads_of_the_period(
    measured: Measured, every: str
) -> None:
    """Both by their creation, whether or not one came from the other."""
    for row in measured.figures(every, (), ["deals_per_lead"]).to_dict("records"):
        period = spans(every)[row["period_start"].to_pydatetime()]
        deals, leads = (
            sum(period.holds(each["created_at"]) for each in measured.tables[name])
            for name in ("deals", "leads")
        )
        assert (row["numerator"], row["denominator"]) == (deals, leads)
        assert row["value"] == pytest.approx(deals / leads if leads else np.nan, nan_ok=True)


@pytest.mark.parametrize(("name", "back"), [("growth", 1), ("growth_year", 12)])
def test_growth_is_against_the_earlier_period(measured: Measured, name: str, back: int) -> None:
    """Of months that are over, from the second whole one on; the year before is twelve back."""
    starts = sorted(spans("month"))
    rows = measured.figures("month", (), [name]).set_index("period_start")["value"]
    told = 0
    for place, start in enumerate(starts):
        now, then = (
            sum(row["amount"] for row in won_of(measured.tables, spans("month")[at]))
            for at in (start, starts[max(place - back, 0)])
        )
        is_told = place > back and spans("month")[start].end <= day(UNTIL) and then > 0
        assert rows[start] == pytest.approx(now / then - 1 if is_told else np.nan, nan_ok=True)
        told += is_told
    assert told >= (10 if back == 1 else 3)


def test_days_add_up_to_months_and_months_to_quarters(measured: Measured) -> None:
    """Whatever is counted by its own day: sums and cases, in every month and quarter."""
    names = [
        name for name, kpi in KPIS.items()
        if kpi.made is Made.SUM and name not in ("open_pipeline", "proposals_accepted")
    ]  # fmt: skip
    for fine, wide in (("day", "month"), ("month", "quarter")):
        small, large = (measured.figures(every, (), names) for every in (fine, wide))
        into = [period_of(start.to_pydatetime(), wide).start for start in small["period_start"]]  # type: ignore[arg-type]
        added = small.assign(period_start=into).groupby(["kpi", "period_start"])[["value", "n"]]
        whole = large.set_index(["kpi", "period_start"])[["value", "n"]].sort_index()
        assert added.sum().sort_index().to_numpy() == pytest.approx(whole.to_numpy())
        assert set(large["kpi"]) >= {"bookings", "deals_won", "leads_received", "calls"}


@pytest.mark.parametrize("by", [(), ("rep_id",)])
def test_a_ratio_is_its_parts_divided(measured: Measured, by: tuple[str, ...]) -> None:
    """And nothing where there is nothing to divide by; shares of a count lie between 0 and 1."""
    rows = measured.figures("month", by)
    kinds = {made: {n for n, kpi in KPIS.items() if kpi.made is made} for made in Made}
    ratios = rows[rows["kpi"].isin(kinds[Made.RATIO])]
    divided = ratios["numerator"] / ratios["denominator"].where(ratios["denominator"] > 0)
    assert ratios["value"].to_numpy() == pytest.approx(divided.to_numpy(), nan_ok=True)
    assert ratios["value"].isna().any()
    sums = rows[rows["kpi"].isin(kinds[Made.SUM])]
    assert (sums["value"] == sums["numerator"]).all()
    assert rows.loc[rows["kpi"].isin(kinds[Made.SUM]), "denominator"].isna().all()
    shares = ratios[ratios["kpi"].isin({"win_rate", "conversion", "answered_in_time"})]["value"]
    assert shares.dropna().between(0, 1).all()
    assert (rows["n"] >= 0).all()


def test_only_a_period_that_was_wholly_seen_is_over(measured: Measured) -> None:
    """The newest month still runs; all others are over, for every figure alike."""
    rows = measured.figures("month")
    running = rows[~rows["is_over"]]["period_start"].unique()
    assert [pd.Timestamp(start) for start in running] == [pd.Timestamp("2025-05-01")]
    assert rows.groupby("period_start")["is_over"].nunique().eq(1).all()


def test_neither_order_nor_currency_changes_more_than_amounts(
    opened: Opened, measured: Measured
) -> None:
    """Rows in another order and amounts in cents: figures in money are a hundred times as much."""
    rng = Random(5)  # noqa: S311 - no secret
    names = (*AMOUNTS, "attainment", "coverage", "win_rate", "growth", "cycle_days", "conversion")
    mixed = {
        name: [
            row | {"amount": row["amount"] * 100} if "amount" in row else row
            for row in rng.sample(rows, len(rows))
        ]
        for name, rows in measured.tables.items()
    }
    with opened(until=UNTIL, **mixed) as warehouse:
        query = KpiQuery(names, "quarter", ("rep_id",), start=DAY_0)
        other = measure(warehouse, FEATURES, PARAMS, query)
    keys = ["kpi", "period_start", "rep_id"]
    whole = measured.figures("quarter", ("rep_id",), names).set_index(keys)["value"].sort_index()
    cents = other.set_index(keys)["value"].sort_index()
    assert cents.index.equals(whole.index)
    factor = np.where(whole.index.get_level_values("kpi").isin(AMOUNTS), 100.0, 1.0)
    assert cents.to_numpy() == pytest.approx(whole.to_numpy() * factor, nan_ok=True, rel=1e-4)
    assert set(whole.index.get_level_values("kpi")) == set(names)


def test_one_rep_is_the_company(opened: Opened) -> None:
    """Where there is one rep, figures by rep are those of all, but for periods without a fact."""
    tables = company(Random(9))  # noqa: S311 - no secret
    alone = {name: [r | {"rep_id": "a"} for r in rows] for name, rows in tables.items()}
    alone["quotas"] = alone["quotas"][: len(QUARTERS)]
    names = ("bookings", "win_rate", "leads_received", "attainment")
    with opened(until=UNTIL, **alone) as warehouse, warehouse.until(None).workspace() as past:
        ledger = Ledger(past, FEATURES, PARAMS)
        parts, whole = figures(ledger, ("rep_id",), names), figures(ledger, (), names)
    assert set(parts["rep_id"]) == {"a"}
    keys = ["kpi", "period_start"]
    own, every = (frame.set_index(keys)["value"] for frame in (parts, whole))
    assert own.to_numpy() == pytest.approx(every.reindex(own.index).to_numpy(), nan_ok=True)
