"""Key figures of a company with a planted blockage: view, page, files and five numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pandas as pd
import pytest
from engines import Engine
from extract import Extract, Row

from features.errors import NotFoundError
from features.kpi.catalogue import KPIS
from features.params import FeatureParams, KpiParams
from features.storage.warehouse import Warehouse
from training.report.kpi_files import to_json, write
from training.report.kpi_page import render
from training.report.kpi_view import Ask, KpiView, collect
from training.report.kpi_words import COACHING

START = datetime(2024, 1, 1)
QUARTER = timedelta(days=91)
QUARTERS = 3
UNTIL = START + QUARTERS * QUARTER + timedelta(days=20)
TEAMS = ("red", "green", "blue")
EACH, LEADS = 5, 40
FEATURES, PARAMS = FeatureParams(), KpiParams(draws=500)


def company(seed: int = 1) -> Extract:
    """Make three teams alike, but that red wins half as often in the last whole quarter."""
    rng = Random(seed)  # noqa: S311 - no secret
    leads: list[Row] = []
    deals: list[Row] = []
    quotas: list[Row] = []
    reps: list[Row] = []
    for number in range(EACH * len(TEAMS)):
        rep, team = f"R{number:02d}", TEAMS[number % len(TEAMS)]
        name = f"<b>Rep</b> {number:02d}"
        reps.append({"rep_id": rep, "name": name, "team": team, "hired_at": START - QUARTER})
        for place in range(QUARTERS + 1):
            start = START + place * QUARTER
            period = {"period_start": start, "period_end": start + QUARTER}
            quotas.append({"rep_id": rep, **period, "amount": 8000.0})
            for _ in range(LEADS):
                lead = {"lead_id": f"L{len(leads)}", "rep_id": rep}
                came = start + QUARTER * 0.5 * rng.random()
                if came >= UNTIL:
                    continue
                is_deal = rng.random() < 0.5
                ended = came + timedelta(days=10)
                end = {"converted_at" if is_deal else "lost_at": ended} if ended < UNTIL else {}
                leads.append({**lead, "created_at": came, "source": "web", **end})
                chance = 0.25 if (team, place) == ("red", QUARTERS - 1) else 0.5
                closed = ended + timedelta(days=20)
                if is_deal and closed < UNTIL:
                    amount, won = 1000.0, rng.random() < chance
                    deals.append(
                        {
                            **lead,
                            "deal_id": f"D{len(deals)}",
                            "created_at": ended,
                            "closed_at": closed,
                            "won": won,
                            "amount": amount,
                        }
                    )
    tables = {"leads": leads, "deals": deals, "quotas": quotas, "reps": reps, "activities": []}
    return Extract(tables, UNTIL)


@pytest.fixture(scope="module")
def warehouse(duckdb: Engine) -> Iterator[Warehouse]:
    """The company, opened."""
    with duckdb.open_laid_down(company()) as opened:
        yield opened


@pytest.fixture(scope="module")
def red(warehouse: Warehouse) -> KpiView:
    """What the page of the blocked team shows."""
    return collect(warehouse, FEATURES, PARAMS, Ask(team="red", by="source"))


def test_a_planted_blockage_is_named(red: KpiView) -> None:
    """Half the win rate is where the river is blocked, against others and against before."""
    by_name = {difference.against: difference for difference in red.tree.differences}
    assert list(by_name) == ["comparable reps", "the period before"]
    for difference in by_name.values():
        assert difference.blocked is not None
        assert difference.blocked.factor.name == "win_rate"
        assert difference.own < 0.8 * difference.other
    assert red.tree.period.start == START + (QUARTERS - 1) * QUARTER


def test_a_team_without_one_is_told_so(warehouse: Warehouse) -> None:
    """Green is as it was and does better than the rest: nothing holds it back."""
    view = collect(warehouse, FEATURES, PARAMS, Ask(team="green"))
    assert [d.blocked for d in view.tree.differences] == [None, None]
    assert "nothing holds the result back beyond chance" in render(view, "here")


def test_the_page_stands_alone_and_says_what_it_is_for(red: KpiView) -> None:
    """No script, nothing fetched, names escaped, every figure defined from its declaration."""
    page = render(red, "a <company>")
    assert "<script" not in page
    assert "http" not in page
    assert "<b>Rep" not in page
    assert "&lt;b&gt;Rep&lt;/b&gt; 00" in page
    assert page.count(COACHING) == 2
    assert "the river is blocked at win rate" in page
    for name, kpi in KPIS.items():
        assert red.absent.get(name, kpi.says)[:20] in page.replace("&#39;", "'")


def test_people_stand_in_the_order_of_their_names(red: KpiView) -> None:
    """Nobody is ranked, and a rate of a few cases is withheld in words."""
    page = render(red, "here")
    table = page[page.index('class="heat"') :]
    places = [table.index(f"&lt;/b&gt; {number:02d}") for number in range(0, 15, 3)]
    assert places == sorted(places)
    thin = collect_with(red, minimum_cases=1000)
    assert "1000 cases, from which nothing follows" in render(thin, "here")


def collect_with(view: KpiView, **more: int) -> KpiView:
    """Return a view as other settings would show it."""
    return KpiView(**{**vars(view), "params": view.params.model_copy(update=more)})


def test_files_hold_every_number(red: KpiView, tmp_path: Path) -> None:
    """Files never withhold; a page about a rep hands out that rep's figures alone."""
    files = write(red, "page", tmp_path)
    frame = pd.read_parquet(files["parquet"])
    assert set(frame["group"]) == {"company", "rep_id", "team", "source"}
    assert len(pd.read_csv(files["csv"])) == len(frame)
    rates = frame[(frame["kpi"] == "win_rate") & (frame["denominator"] > 0)]
    assert rates["value"].notna().all()
    rep = KpiView(**{**vars(red), "ask": Ask(rep="R03")})
    own = pd.read_parquet(write(rep, "page", tmp_path)["parquet"])
    assert set(own[own["group"] == "rep_id"]["member"]) == {"R03"}


def test_json_has_no_number_that_is_none(red: KpiView) -> None:
    """What cannot be told is null, and the tree says where it is blocked."""
    plain = json.loads(json.dumps(to_json(red), allow_nan=False))
    assert plain["tree"]["differences"][0]["blocked"] == "win_rate"
    assert plain["purpose"] == "for coaching, not for employment decisions"
    assert "renewal_rate" in plain["absent"]


def test_an_unknown_team_is_named_with_those_there_are(warehouse: Warehouse) -> None:
    """A typing error gets the list of teams."""
    with pytest.raises(NotFoundError, match="no team 'rde': there are blue, green, red"):
        collect(warehouse, FEATURES, PARAMS, Ask(team="rde"))


def test_leads_alone_make_a_page(duckdb: Engine) -> None:
    """Without deals, quotas and reps the result is leads converted, and the rest is said."""
    whole = company()
    leads = [{**row, "rep_id": None} for row in whole.rows("leads")]
    with duckdb.open_laid_down(Extract({"leads": leads, "activities": []}, UNTIL)) as opened:
        view = collect(opened, FEATURES, PARAMS, Ask())
        page = render(view, "here")
    assert "the table deals is not loaded" in page
    assert not view.heat
