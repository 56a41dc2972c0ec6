"""What is told of a small company: laws, and faults that are put into its tables."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from features.clock import to_us
from features.ingest.load import ingest
from features.params import FeatureParams
from features.simulation.live import live
from features.simulation.settings import company_settings
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.coaching.causes import rep_causes
from training.coaching.causes.company import Company, read_company
from training.coaching.causes.find import causes_of_period
from training.coaching.causes.stays import Periods, first_owner, periods_of, stays_of
from training.coaching.causes.told import COLUMNS, OWN
from training.coaching_params import CauseParams
from training.params import TrainingParams

START, END = datetime(2025, 1, 1), datetime(2025, 4, 1)
PARAMS = CauseParams(draws=10)
TRAINING = TrainingParams()
REP = 2
"""The place of the rep whose tables are bent."""


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company without planted causes, as an extract."""
    folder = tmp_path_factory.mktemp("company")
    settings = company_settings(
        "small",
        seed=3,
        reps=8,
        months=9,
        running_days=5,
        planted=0.0,
        leave_yearly=0.0,
        leads_per_month=30.0,
        replays=0,
        cause_replays=0,
    )
    live(settings, folder)
    return folder


@pytest.fixture(scope="module")
def warehouse(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The same after a real ingest."""
    return opened(tables, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def company(warehouse: Warehouse) -> Company:
    """What is known of it at the end of its third quarter."""
    return read_company(warehouse, END)


def opened(tables: Path, home: Path, until: datetime | None = None) -> Warehouse:
    """Ingest an extract and open it."""
    ingest(str(tables), home, FeatureParams(), data_until=until)
    return Warehouse.duckdb(current(home), FeatureParams().ingest)


def told(company: Company) -> pd.DataFrame:
    """Return the causes at the period's end."""
    start, end = (int(to_us(np.datetime64(moment))) for moment in (START, END))
    return causes_of_period(company, start, end, PARAMS)


def periods(company: Company) -> Periods:
    """Return the company's periods."""
    start, end = (int(to_us(np.datetime64(moment))) for moment in (START, END))
    return periods_of(company, start, end, PARAMS.rush_days)


def first_of(frame: pd.DataFrame, rep_id: str) -> str:
    """Return the cause that a rep is told first."""
    return str(frame[(frame["rep_id"] == rep_id) & (frame["rank"] == 1)]["cause"].item())


def owned_in_period(company: Company, kind: str) -> np.ndarray:
    """Tell which leads or deals came to the bent rep in the last period."""
    entities = getattr(company, kind)
    stays = stays_of(entities, periods(company), company.as_of)
    owner = first_owner(stays, len(entities.created))
    return (owner == REP) & (entities.created >= int(to_us(np.datetime64(START))))


def test_every_rep_with_a_quota_is_told_something(company: Company) -> None:
    """There is a first cause for each, ranks run from 1, and the columns are the contract's."""
    frame = told(company)
    assert tuple(frame.columns) == COLUMNS
    asked = company.quotas[company.quotas["period_start"] == START]["rep_id"]
    assert set(frame["rep_id"]) == set(asked)
    ranks = frame.groupby("rep_id")["rank"].apply(list)
    assert all(ranks_of == list(range(1, len(ranks_of) + 1)) for ranks_of in ranks)
    assert not frame.duplicated(["rep_id", "cause"]).any()
    assert (frame["low"] <= frame["size"]).all()
    assert (frame["size"] <= frame["high"]).all()
    assert (frame["theirs"] == frame["cause"].isin(OWN)).all()


def test_where_nothing_is_planted_nobody_is_blamed_for_much(company: Company) -> None:
    """At most one rep of eight hears of an own cause of a tenth of the quota that is likely."""
    frame = told(company)
    likely = frame[frame["theirs"] & (frame["size"] >= 0.1) & (frame["p"] >= 0.5)]
    assert len(set(likely["rep_id"])) <= 1


def test_deals_that_shrink_are_told(company: Company) -> None:
    """Halved amounts of one rep's new deals come first, for that rep and nobody else."""
    shrunken = owned_in_period(company, "deals")
    value = np.where(shrunken, company.deals.value * 0.5, company.deals.value)
    frame = told(replace(company, deals=replace(company.deals, value=value)))
    assert first_of(frame, company.reps[REP]) == "deal_size"
    row = frame[(frame["cause"] == "deal_size") & (frame["p"] > 0.5)]
    assert row["rep_id"].tolist() == [company.reps[REP]]
    assert row["since"].tolist() == [pd.Timestamp(START)]


def test_poor_sources_are_told_and_are_not_the_reps(company: Company) -> None:
    """A rep whose new leads nearly all come from the worst source is told `lead_mix`."""
    poor = company.sources.index("outbound")
    source = np.where(owned_in_period(company, "leads"), poor, company.leads.source)
    frame = told(replace(company, leads=replace(company.leads, source=source)))
    rows = frame[(frame["rep_id"] == company.reps[REP]) & (frame["cause"] == "lead_mix")]
    assert rows["p"].item() > 0.9
    assert not rows["theirs"].item()


def test_a_quota_above_those_of_the_like_is_told(company: Company) -> None:
    """Half as much again than before is told, and costs what the like quota would have brought."""
    quotas = company.quotas.copy()
    last = (quotas["rep"] == REP) & (quotas["period_start"] == START)
    quotas.loc[last, "amount"] *= 1.5
    frame = told(replace(company, quotas=quotas))
    rows = frame[frame["cause"] == "quota"]
    assert rows["rep_id"].tolist() == [company.reps[REP]]
    assert rows["size"].item() > 0
    assert "above those of the like" in rows["evidence"].item()


def test_a_rep_who_stops_working_is_told(company: Company) -> None:
    """A third of the usual touches in the last period is told as `volume`."""
    touches = company.touches.copy()
    first_day = int(to_us(np.datetime64(START)) // 86_400_000_000)
    idle = (touches["rep"] == REP) & (touches["day"] >= first_day)
    touches.loc[idle, "count"] = (touches.loc[idle, "count"] / 3).round().astype(int)
    frame = told(replace(company, touches=touches))
    rows = frame[(frame["cause"] == "volume") & (frame["p"] > 0.5)]
    assert company.reps[REP] in set(rows["rep_id"])


def test_names_and_their_order_change_nothing(company: Company) -> None:
    """Reps in another order are told the same."""
    order = np.random.default_rng(5).permutation(len(company.reps))
    place = np.argsort(order)

    def moved(rep: pd.Series) -> np.ndarray:
        values = rep.to_numpy()
        return np.where(values >= 0, place[np.maximum(values, 0)], values)

    def entities(kind: str) -> object:
        rows = getattr(company, kind)
        return replace(rows, owner=rows.owner.assign(rep=moved(rows.owner["rep"])))

    other = replace(
        company,
        reps=tuple(company.reps[k] for k in order),
        hired=company.hired[order],
        left=company.left[order],
        territory=company.territory[order],
        quotas=company.quotas.assign(rep=moved(company.quotas["rep"])),
        touches=company.touches.assign(rep=moved(company.touches["rep"])),
        leads=entities("leads"),
        deals=entities("deals"),
    )
    key = ["rep_id", "rank"]
    one, two = (told(each).sort_values(key, ignore_index=True) for each in (company, other))
    assert_frame_equal(one, two, rtol=1e-6)


def test_nothing_after_the_moment_changes_anything(
    tables: Path, warehouse: Warehouse, tmp_path: Path
) -> None:
    """The extract that would have been made then tells the same as the whole one."""
    as_of = datetime(2025, 2, 10)
    cut = opened(tables, tmp_path, until=as_of)
    assert_frame_equal(
        rep_causes(warehouse, TRAINING, as_of), rep_causes(cut, TRAINING, as_of), rtol=1e-9
    )


@pytest.mark.parametrize(
    "missing", [("changes",), ("activities", "reps"), ("leads", "activities", "changes", "reps")]
)
def test_with_fewer_tables_less_is_told(
    tables: Path, tmp_path: Path, missing: tuple[str, ...]
) -> None:
    """Whatever is missing, every rep with a quota is told something, if only `luck`."""
    folder = tmp_path / "fewer"
    folder.mkdir()
    for file in tables.glob("*.parquet"):
        if file.stem not in missing:
            shutil.copy(file, folder)
    frame = rep_causes(opened(folder, tmp_path / "home"), TRAINING, END)
    assert frame["rep_id"].nunique() == 8
    assert not set(frame["cause"]) & {"volume"} or "activities" not in missing
    assert np.isfinite(frame[["size", "low", "high", "p"]].to_numpy()).all()


def test_where_nobody_has_a_quota_there_are_no_rows(warehouse: Warehouse) -> None:
    """Before the first period there is nothing to tell, in the same columns."""
    frame = rep_causes(warehouse, TRAINING, datetime(2024, 6, 1))
    assert len(frame) == 0
    assert tuple(frame.columns) == COLUMNS
