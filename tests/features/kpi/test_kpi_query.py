"""Key figures against slow counts in plain Python, and the laws that they keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from by_hand import DAY_0, Opened, day
from engines import Engine
from extract import Extract, Row
from histories import Case
from sales_histories import meddle_sales, sales_case

from features.errors import InputError
from features.kpi.catalogue import KPIS
from features.kpi.declare import Made
from features.kpi.ledger import Ledger
from features.kpi.periods import calendar_periods, period_of, quota_periods
from features.kpi.query import KpiQuery, figures, measure
from features.params import FeatureParams, KpiParams

MICRO = timedelta(microseconds=1)
UNTIL = 200.0
"""Where the small companies end, in days."""
REPS = ("a", "b", "c", None)
SOURCES = ("web", "fair", "referral", None)
TYPES = ("Phone call", "e-mail", "Demo", "webinar", "note")
STAGES = ("talk", "proposal sent", "legal", "closed lost")
FEATURES, PARAMS = FeatureParams(), KpiParams()
QUARTERS = ((0.0, 91.0), (91.0, 182.0), (182.0, 274.0))
BYS: tuple[tuple[str, ...], ...] = ((), ("rep_id",), ("team",), ("leads.source",))


def company(rng: Random) -> dict[str, list[Row]]:
    """Make a small company whose fields have no history, but for stages."""
    leads: list[Row] = []
    for k in range(40):
        created, ends = rng.uniform(0, UNTIL), rng.choice((1.0, 30.0, 80.0))
        how = rng.choice(("converted_at", "lost_at", None))
        ended = {} if how is None or created + ends >= UNTIL else {how: day(created + ends)}
        owner = {"rep_id": rng.choice(REPS[:3]), "source": rng.choice(SOURCES)}
        leads.append({"lead_id": f"L{k}", "created_at": day(created), **owner, **ended})
    deals: list[Row] = []
    for k in range(40):
        created, ends = rng.uniform(0, UNTIL), rng.choice((0.5, 20.0, 70.0))
        is_over = rng.random() < 0.7 and created + ends < UNTIL
        deals.append(
            {
                "deal_id": f"D{k}",
                "rep_id": rng.choice(REPS[:3]),
                "created_at": day(created),
                "amount": rng.choice((None, 10.0, 250.5, 1000.0)),
                "expected_close_at": day(created + rng.choice((5, 40))),
                "closed_at": day(created + ends) if is_over else None,
                "won": rng.random() < 0.5 if is_over else None,
                "lead_id": rng.choice((None, f"L{rng.randrange(40)}")),
                "account_id": rng.choice((None, "A1", "A2")),
            }
        )
    activities = [
        {
            "lead_id": f"L{rng.randrange(40)}",
            "occurred_at": day(rng.uniform(0, UNTIL)),
            "type": rng.choice(TYPES),
            "rep_id": rng.choice(REPS),
            "direction": rng.choice(("outbound", "Inbound", None)),
        }
        for _ in range(200)
    ]
    changes = [
        {
            "entity_type": "deal",
            "entity_id": f"D{rng.randrange(40)}",
            "field": "stage",
            "value": rng.choice(STAGES),
            "changed_at": day(rng.uniform(0, UNTIL)),
        }
        for _ in range(80)
    ]
    quotas = [
        {"rep_id": rep, "period_start": day(low), "period_end": day(high), "amount": 900.0}
        for rep in ("a", "b")
        for low, high in QUARTERS
    ]
    reps = [{"rep_id": rep, "team": "red" if rep == "a" else "blue"} for rep in REPS[:3]]
    return {
        "leads": leads,
        "deals": deals,
        "activities": activities,
        "changes": changes,
        "quotas": quotas,
        "reps": reps,
    }


def inside(moment: datetime | None, start: datetime) -> bool:
    """Tell whether a moment lies in the month that begins so."""
    return moment is not None and (moment.year, moment.month) == (start.year, start.month)


def touches_of(tables: Mapping[str, Sequence[Row]], lead: Row) -> list[float]:
    """Return the hours after a lead's creation at which reps worked on it."""
    return [
        (row["occurred_at"] - lead["created_at"]) / timedelta(hours=1)
        for row in tables["activities"]
        if row["lead_id"] == lead["lead_id"]
        and is_own(row)
        and row["occurred_at"] >= lead["created_at"]
    ]


def is_own(row: Row) -> bool:
    """Tell whether a rep did it."""
    return row["rep_id"] is not None and row["direction"] != "Inbound"


def counted(
    tables: Mapping[str, Sequence[Row]], start: datetime, rep: str | None
) -> dict[str, float | None]:
    """Count one rep's month by walking through all rows."""
    leads = [r for r in tables["leads"] if r["rep_id"] == rep]
    deals = [r for r in tables["deals"] if r["rep_id"] == rep]
    came = [r for r in leads if inside(r["created_at"], start)]
    log = min(r["occurred_at"] for r in tables["activities"])
    logged = [r for r in came if r["created_at"] >= log]
    ended = [
        r for r in leads if inside(r.get("converted_at"), start) or inside(r.get("lost_at"), start)
    ]
    closed = [r for r in deals if inside(r["closed_at"], start)]
    won = [r for r in closed if r["won"]]
    amounts = [r["amount"] or 0.0 for r in won]
    done = [
        r
        for r in tables["activities"]
        if r["rep_id"] == rep and is_own(r) and inside(r["occurred_at"], start)
    ]
    hours = [min(t) for r in logged if (t := touches_of(tables, r))]
    old = [r for r in logged if day(UNTIL) - r["created_at"] >= timedelta(hours=24)]
    week_old = [r for r in logged if day(UNTIL) - r["created_at"] >= timedelta(days=7)]
    open_now = [
        r
        for r in deals
        if r["created_at"] < (end := min(period_of(start, "month").end, day(UNTIL)))
        and (r["closed_at"] is None or r["closed_at"] >= end)
    ]
    in_time = [r for r in old if any(t <= 24 for t in touches_of(tables, r))]
    early = sum(t < 24 * 7 for r in week_old for t in touches_of(tables, r))
    return {
        "leads_received": len(came),
        "referrals": sum(r["source"] == "referral" for r in came),
        "conversion": ratio(sum("converted_at" in r for r in came), len(came)),
        "conversion_ended": ratio(sum("converted_at" in r for r in ended), len(ended)),
        "leads_converted": sum("converted_at" in r for r in ended),
        "deals_opened": sum(inside(r["created_at"], start) for r in deals),
        "deals_won": len(won),
        "bookings": sum(amounts),
        "win_rate": ratio(len(won), len(closed)),
        "deal_size": ratio(sum(amounts), len(won)),
        "cycle_days": middle([(r["closed_at"] - r["created_at"]) / timedelta(days=1) for r in won]),
        "activities": len(done),
        "calls": sum(r["type"] == "Phone call" for r in done),
        "emails": sum(r["type"] == "e-mail" for r in done),
        "meetings": sum(r["type"] == "Demo" for r in done),
        "events": sum(r["type"] == "webinar" for r in done),
        "first_response": middle(hours),
        "answered_in_time": ratio(len(in_time), len(old)),
        "touches_per_lead": ratio(early, len(week_old)),
        "open_pipeline": sum(r["amount"] or 0.0 for r in open_now),
        "slipped": ratio(*slipped(deals, start)),
        "repeat_share": repeated(tables, won),
        **proposals(tables, deals, start),
    }


def slipped(deals: Sequence[Row], start: datetime) -> tuple[int, int]:
    """Count the deals due in a month that is over, and those of them that did not close in it."""
    if period_of(start, "month").end > day(UNTIL):
        return 0, 0
    due = [
        r
        for r in deals
        if r["created_at"] < start
        and (r["closed_at"] is None or r["closed_at"] >= start)
        and inside(r["expected_close_at"], start)
    ]
    return sum(not inside(r["closed_at"], start) for r in due), len(due)


def repeated(tables: Mapping[str, Sequence[Row]], won: Sequence[Row]) -> float | None:
    """Return the share of an amount won that came from accounts that had bought before."""
    known = [r for r in won if r["account_id"]]
    again = [
        r
        for r in known
        if any(
            other["account_id"] == r["account_id"]
            and other["won"]
            and other["closed_at"] < r["closed_at"]
            for other in tables["deals"]
        )
    ]
    return ratio(sum(r["amount"] or 0 for r in again), sum(r["amount"] or 0 for r in known))


def proposals(
    tables: Mapping[str, Sequence[Row]], deals: Sequence[Row], start: datetime
) -> dict[str, float | None]:
    """Count the proposals made and accepted in a month."""
    made = accepted = 0
    for deal in deals:
        first: dict[str, datetime] = {}
        for row in sorted(tables["changes"], key=lambda row: row["changed_at"]):
            if row["entity_id"] == deal["deal_id"]:
                first.setdefault(row["value"], row["changed_at"])
        if "proposal sent" not in first:
            continue
        entered = first["proposal sent"]
        made += inside(entered, start)
        ways = [at for stage, at in first.items() if stage in ("talk", "legal") and at > entered]
        if deal["won"] and deal["closed_at"] >= entered:
            ways.append(deal["closed_at"])
        accepted += bool(ways) and inside(min(ways), start)
    return {"proposals_made": made, "proposals_accepted": accepted}


def ratio(over: float, under: float) -> float | None:
    """Divide, if there is anything to divide by."""
    return over / under if under else None


def middle(values: Sequence[float]) -> float | None:
    """Return the median, if there are any values."""
    return median(values) if values else None


@pytest.fixture(scope="module", params=[1, 2])
def measured(opened: Opened, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A company's tables, and its figures by whatever they are sliced by."""
    tables = company(Random(request.param))  # noqa: S311 - no secret
    with opened(until=UNTIL, **tables) as whole, whole.until(None).workspace() as past:
        ledger = Ledger(past, FEATURES, PARAMS)
        yield tables, {by: figures(ledger, by) for by in BYS}


def test_figures_are_what_a_slow_count_says(measured: Any) -> None:
    """Every figure of every rep and month, against a walk through all rows."""
    tables, frames = measured
    checked = 0
    for (rep, start), rows in frames["rep_id",].groupby(["rep_id", "period_start"]):
        by_name = rows.set_index("kpi")["value"]
        for name, value in counted(tables, start.to_pydatetime(), rep).items():
            expected = np.nan if value is None else value
            assert by_name[name] == pytest.approx(expected, nan_ok=True), (rep, start, name)
            checked += 1
    assert checked > 300


@pytest.mark.parametrize("by", [("rep_id",), ("team",), ("leads.source",)])
def test_groups_add_up_to_the_company(measured: Any, by: tuple[str, ...]) -> None:
    """Whatever is counted is counted once, for one group or for nobody."""
    _, frames = measured
    parts, whole = frames[by], frames[()]
    additive = [name for name in set(parts["kpi"]) if KPIS[name].made in (Made.SUM, Made.RATIO)]
    assert len(additive) > 10
    sums = ["numerator", "denominator", "n"]
    keys = ["kpi", "period_start"]
    whole = whole[whole["kpi"].isin(additive)].set_index(keys)[sums].fillna(0)
    added = parts.groupby(keys)[sums].sum().reindex(whole.index, fill_value=0)
    assert added.to_numpy(dtype=float) == pytest.approx(whole.to_numpy(dtype=float))


@pytest.mark.parametrize("rng", range(2), indirect=True)
def test_what_cannot_be_seen_changes_no_figure(duckdb: Engine, rng: Random) -> None:
    """Rows beyond the moment, or shown after it, are as if they were not there."""
    case: Case = sales_case(rng)
    moment = case.cutoffs[len(case.cutoffs) // 2]

    def seen(extract: Extract) -> pd.DataFrame:
        with duckdb.open(extract) as warehouse:
            query = KpiQuery(by=("rep_id",), end=moment, every="week")
            frame = measure(warehouse, case.params, PARAMS, query)
        order = ["kpi", "period_start", "rep_id"]
        return frame.sort_values(order, na_position="first", ignore_index=True)

    before = seen(case.extract)
    after = seen(meddle_sales(rng, case.extract, moment))
    pd.testing.assert_frame_equal(before, after)


def test_a_team_is_the_one_of_the_period(opened: Opened) -> None:
    """A rep who moves takes nothing along: earlier months stay with the team of then."""
    deals = [
        {"deal_id": f"d{k}", "rep_id": "a", "created_at": day(at), "closed_at": day(at + 1),
         "won": True, "amount": 10.0}
        for k, at in enumerate((5, 50))
    ]  # fmt: skip
    change = {"entity_type": "rep", "entity_id": "a", "field": "team"}
    changes = [
        {**change, "value": "red", "changed_at": day(0)},
        {**change, "value": "blue", "changed_at": day(40)},
    ]
    with opened(
        until=80, deals=deals, changes=changes, reps=[{"rep_id": "a"}], histories=("rep team",)
    ) as warehouse:
        query = KpiQuery(names=("deals_won",), by=("team",))
        frame = measure(warehouse, FEATURES, PARAMS, query)
    won = frame[frame["value"] > 0].set_index("team")["period_start"].dt.month
    assert won.to_dict() == {"red": 1, "blue": 2}


def test_the_owner_at_creation_received_the_lead(opened: Opened) -> None:
    """A lead that is handed on was received by the first owner, and ends with the last."""
    change = {"entity_type": "lead", "entity_id": "x", "field": "rep_id"}
    changes = [
        {**change, "value": "a", "changed_at": day(1)},
        {**change, "value": "b", "changed_at": day(9)},
    ]
    leads = [{"lead_id": "x", "created_at": day(1), "converted_at": day(12)}]
    with opened(
        until=20, leads=leads, activities=[], changes=changes, histories=("lead rep_id",)
    ) as warehouse:
        query = KpiQuery(names=("leads_received", "leads_converted"), by=("rep_id",))
        frame = measure(warehouse, FEATURES, PARAMS, query)
    counts = frame[frame["value"] > 0].set_index("kpi")["rep_id"].to_dict()
    assert counts == {"leads_received": "a", "leads_converted": "b"}


def test_a_quarters_quota_is_spread_over_its_days(opened: Opened) -> None:
    """Months of a quarter are asked for their days' share, and add up to all of it."""
    quotas = [{"rep_id": "a", "period_start": day(0), "period_end": day(91), "amount": 91.0}]
    deals = [
        {"deal_id": "d", "rep_id": "a", "created_at": day(2), "closed_at": day(9), "won": True,
         "amount": 62.0},
        {"deal_id": "e", "rep_id": "b", "created_at": day(2), "closed_at": day(9), "won": True,
         "amount": 62.0},
    ]  # fmt: skip
    with opened(until=95, deals=deals, quotas=quotas) as warehouse:
        query = KpiQuery(names=("attainment",))
        months = measure(warehouse, FEATURES, PARAMS, query).set_index("period_start")
        quarter = measure(warehouse, FEATURES, PARAMS, KpiQuery(("attainment",), "quota"))
    assert months["denominator"].tolist() == pytest.approx([31.0, 29.0, 31.0, 0.0])
    assert months["value"].iloc[0] == pytest.approx(2.0)
    assert quarter["value"].tolist() == pytest.approx([62 / 91])


def test_discount_and_renewals(opened: Opened) -> None:
    """What was given up is told from changes; a deal is a renewal where its kind says so."""
    won = {"rep_id": "a", "created_at": day(1), "closed_at": day(9), "won": True}
    deals = [
        {**won, "deal_id": "d", "kind": "Renewal 2024"},
        {**won, "deal_id": "e", "kind": "new"},
        {**won, "deal_id": "f", "kind": "renewal", "won": False},
    ]
    change = {"entity_type": "deal", "field": "amount"}
    changes = [
        {**change, "entity_id": entity, "value": value, "changed_at": day(at)}
        for entity, value, at in (("d", "100", 1), ("d", "80", 5), ("e", "50", 1), ("f", "9", 1))
    ]
    with opened(
        until=20,
        deals=deals,
        changes=changes,
        histories=("deal amount",),
        attributes={"deals": {"kind": pa.string()}},
    ) as warehouse:
        features = FeatureParams(known_at_creation=("deals.kind",))
        query = KpiQuery(("discount", "renewal_rate", "bookings"))
        values = measure(warehouse, features, PARAMS, query).set_index("kpi")["value"].to_dict()
    assert values == pytest.approx({"discount": 20 / 150, "renewal_rate": 0.5, "bookings": 130.0})


def test_growth_is_against_a_whole_period(opened: Opened) -> None:
    """It is told from the third month on: the first may be cut, and one that runs is not judged."""
    deals = [
        {"deal_id": f"d{k}", "rep_id": "a", "created_at": day(0), "closed_at": day(at),
         "won": True, "amount": amount}
        for k, (at, amount) in enumerate(((10, 50.0), (40, 100.0), (70, 150.0), (92, 10.0)))
    ]  # fmt: skip
    with opened(until=95, deals=deals) as warehouse:
        frame = measure(warehouse, FEATURES, PARAMS, KpiQuery(("growth",)))
    assert frame["value"].tolist() == pytest.approx([np.nan, np.nan, 0.5, np.nan], nan_ok=True)


def test_what_cannot_be_known_is_left_out(opened: Opened) -> None:
    """Leads alone tell nothing of deals, and a column of the end of the story slices nothing."""
    leads = [{"lead_id": "x", "created_at": day(1), "grade": "gold"}]
    attributes = {"leads": {"grade": pa.string()}}
    with opened(until=9, leads=leads, activities=[], attributes=attributes) as warehouse:
        names = set(measure(warehouse, FEATURES, PARAMS, KpiQuery())["kpi"])
        assert "leads_received" in names
        assert not names & {"bookings", "attainment", "calls", "win_rate"}
        with pytest.raises(InputError, match="end of the story"):
            measure(warehouse, FEATURES, PARAMS, KpiQuery(by=("grade",)))
        known = FeatureParams(known_at_creation=("leads.grade",))
        frame = measure(warehouse, known, PARAMS, KpiQuery(("leads_received",), by=("grade",)))
        assert frame["grade"].tolist() == ["gold"]
        with pytest.raises(InputError, match="no figure 'luck'"):
            measure(warehouse, FEATURES, PARAMS, KpiQuery(("luck",)))


@pytest.mark.parametrize("every", ["day", "week", "month", "quarter"])
def test_periods_lie_side_by_side(every: Any) -> None:
    """Each begins where the one before ends, and the last holds the last moment seen."""
    last = DAY_0 + timedelta(days=420, hours=7)
    periods = calendar_periods(every, last, 30, DAY_0)
    assert all(a.end == b.start for a, b in pairwise(periods))
    assert periods[-1].holds(last - timedelta(microseconds=1))
    assert len(periods) == 30 or periods[0].holds(DAY_0)


def test_quota_periods_are_those_most_reps_have() -> None:
    """A year's quota of one rep does not hide the quarters of two."""
    quarters = [(day(0), day(91)), (day(91), day(182))]
    periods = quota_periods([*quarters, *quarters, (day(0), day(366))], 9)
    assert [(p.start, p.end) for p in periods] == quarters


def test_a_won_deal_counts_until_it_is_deleted(opened: Opened) -> None:
    """As of then in its quarter, the moment of deletion included; afterwards nowhere."""
    won = {
        "deal_id": "d", "rep_id": "a", "created_at": day(5), "closed_at": day(40), "won": True,
        "amount": 70.0, "deleted_at": day(120),
    }  # fmt: skip
    attributes = {"deals": {"deleted_at": pa.timestamp("us")}}
    with opened(deals=[won], attributes=attributes) as warehouse:
        for end, booked in ((day(91), [70.0]), (day(120), [70.0]), (day(120) + MICRO, [])):
            query = KpiQuery(("bookings",), "quarter", start=day(1), end=end)
            frame = measure(warehouse, FEATURES, PARAMS, query)
            assert frame.loc[frame["value"] > 0, "value"].tolist() == booked


def test_figures_know_nothing_of_what_was_deleted(opened: Opened) -> None:
    """As of any moment they are those of a company without the rows deleted before it."""
    rng = Random(5)  # noqa: S311 - no secret
    tables = company(rng)
    for rows in tables.values():
        for row in rows:
            row["deleted_at"] = day(rng.uniform(0, UNTIL)) if rng.randrange(3) == 0 else None
    attributes = {name: {"deleted_at": pa.timestamp("us")} for name in tables}
    moment = day(150)
    left = {
        name: [
            {**row, "deleted_at": None}
            for row in rows
            if not (row["deleted_at"] is not None and row["deleted_at"] < moment)
        ]
        for name, rows in tables.items()
    }
    query = KpiQuery(every="month", by=("rep_id",), end=moment)
    seen = []
    for rows in (tables, left):
        with opened(until=UNTIL, attributes=attributes, **rows) as warehouse:
            frame = measure(warehouse, FEATURES, PARAMS, query)
            order = ["kpi", "period_start", "rep_id"]
            seen.append(frame.sort_values(order, ignore_index=True))
    pd.testing.assert_frame_equal(*seen)
    assert len(seen[0]) > 100
