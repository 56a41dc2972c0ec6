"""What became of deals and quotas, by hand: the label's borders, revisions, odd amounts."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from by_hand import history
from engines import Engine
from extract import Extract, Row, change, touch

from features.build import Examples, build
from features.definitions.rep import rep_features
from features.history.vocabulary import read_vocabulary
from features.labels.attainment import (
    attained_parts,
    attainment,
    deal_endings,
    new_business,
    won_before,
)
from features.params import FeatureParams
from features.storage.warehouse import Warehouse
from features.subjects import REP

START, END = datetime(2024, 4, 1), datetime(2024, 7, 1)
MID = datetime(2024, 5, 1)
UNTIL = datetime(2024, 8, 1)
MICROSECOND = timedelta(microseconds=1)
PARAMS = FeatureParams(min_count=1)


def deal(
    deal_id: str, closed_at: datetime | None, amount: float | None = 100.0, **more: Any
) -> Row:
    """Write a deal's row, won if it is closed."""
    return {
        "deal_id": deal_id,
        "rep_id": "R1",
        "created_at": datetime(2024, 3, 1),
        "closed_at": closed_at,
        "won": None if closed_at is None else True,
        "amount": amount,
        **more,
    }


def quota(amount: float = 1000.0, known_at: datetime | None = None, **more: Any) -> Row:
    """Write a quota's row."""
    row = {"rep_id": "R1", "period_start": START, "period_end": END}
    return {**row, "amount": amount, "known_at": known_at, **more}


Opened = Callable[..., AbstractContextManager[Warehouse]]


@pytest.fixture(name="opened")
def fixture_opened(duckdb: Engine) -> Opened:
    """Open a company of some deals and quotas, with nothing else in it."""

    @contextmanager
    def open_(
        deals: list[Row], quotas: list[Row], histories: tuple[str, ...] = (), **more: list[Row]
    ) -> Any:
        extract = Extract({"deals": deals, "quotas": quotas, **more}, UNTIL)
        with duckdb.open_laid_down(extract) as warehouse:
            yield replace(warehouse, histories=tuple(history(name) for name in histories))

    return open_


def rep_keys(cutoff: datetime = MID, end: datetime = END) -> pd.DataFrame:
    """Ask for one rep in the period."""
    row = {"rep_id": "R1", "period_start": START, "period_end": end, "cutoff": cutoff}
    return pd.DataFrame([row])


def reps_at(warehouse: Warehouse, *cutoffs: datetime) -> Examples:
    """Build the reps as of cutoffs."""
    words = read_vocabulary(warehouse.until(None), PARAMS, REP)
    return build(warehouse, rep_features(words, PARAMS), words, cutoffs, PARAMS)


def test_a_period_holds_its_start_and_not_its_end(opened: Opened) -> None:
    """Closed exactly at the start counts, exactly at the end does not."""
    deals = [
        deal("at start", START, 1.0),
        deal("before", START - MICROSECOND, 2.0),
        deal("last", END - MICROSECOND, 4.0),
        deal("at end", END, 8.0),
        deal("lost", MID, 16.0, won=False),
        deal("undecided", MID, 32.0, won=None),
        deal("open", None, 64.0),
        deal("another's", MID, 128.0, rep_id="R2"),
    ]
    with opened(deals, [quota(10.0)]) as warehouse:
        assert attainment(warehouse, rep_keys()).tolist() == [0.5]


def test_missing_amounts_are_nothing_and_negative_ones_count(opened: Opened) -> None:
    """100 + nothing - 30 over 1000."""
    deals = [deal("a", MID), deal("b", MID, None), deal("c", MID, -30.0)]
    with opened(deals, [quota()]) as warehouse:
        assert attainment(warehouse, rep_keys()).tolist() == [0.07]
        seen = reps_at(warehouse, MID + MICROSECOND)
        assert seen.keys["attained"].tolist() == [70.0]
        assert seen.X["attained_deals"].tolist() == [3.0]


def test_the_last_revision_is_the_label_and_the_known_one_the_feature(opened: Opened) -> None:
    """A quota halved in May is whole in April; a revision is known from its moment inclusive."""
    revisions = [quota(), quota(500.0, MID), quota(250.0, datetime(2024, 6, 1))]
    with opened([deal("a", MID)], revisions) as warehouse:
        cutoffs = [MID - MICROSECOND, MID, MID + timedelta(days=40)]
        seen = reps_at(warehouse, *cutoffs)
        assert seen.keys["quota"].tolist() == [1000.0, 500.0, 250.0]
        assert attainment(warehouse, seen.keys).tolist() == [0.4] * 3
        past = warehouse.until(datetime(2024, 7, 2))
        assert attainment(past, seen.keys).tolist() == [0.4] * 3


def test_a_rep_is_looked_at_from_the_start_until_before_the_end(opened: Opened) -> None:
    """A cutoff at the start sees the quota and nothing attained; one at the end sees no row."""
    with opened([deal("a", START)], [quota()]) as warehouse:
        seen = reps_at(warehouse, START, START + MICROSECOND, END - MICROSECOND, END)
    assert seen.keys["cutoff"].tolist() == [START, START + MICROSECOND, END - MICROSECOND]
    assert seen.keys["attained"].tolist() == [0.0, 100.0, 100.0]
    assert seen.X["share_gone"].iloc[0] == 0.0


def test_an_unended_period_has_no_label(opened: Opened) -> None:
    """Ripe once the period's end is not past the extract's."""
    later = quota(period_end=UNTIL + MICROSECOND)
    with opened([deal("a", MID)], [later]) as warehouse:
        keys = rep_keys(end=UNTIL + MICROSECOND)
        assert math.isnan(attainment(warehouse, keys)[0])
        assert attained_parts(warehouse, keys).isna().all(axis=None)
    with opened([deal("a", MID)], [quota(period_end=UNTIL)]) as warehouse:
        assert attainment(warehouse, rep_keys(end=UNTIL)).tolist() == [0.1]


@pytest.mark.parametrize("amount", [0.0, -5.0])
def test_a_quota_of_nothing_has_a_row_and_no_label(opened: Opened, amount: float) -> None:
    """Nobody can attain or miss a quota of 0: the rep is still scored, no feature breaks."""
    with opened([deal("a", MID)], [quota(amount)]) as warehouse:
        seen = reps_at(warehouse, MID + timedelta(days=1))
        assert len(seen) == 1
        assert math.isnan(attainment(warehouse, seen.keys)[0])
        assert not np.isinf(seen.X.to_numpy()).any()


def test_a_deal_belongs_to_whom_it_belongs_in_the_end(opened: Opened) -> None:
    """Won by R2 and moved to R1 in June: R2's as of May, R1's in the end, R2's until June."""
    moved_at = datetime(2024, 6, 1)
    changes = [
        change("a", datetime(2024, 3, 1), "rep_id", "R2", "deal"),
        change("a", moved_at, "rep_id", "R1", "deal"),
    ]
    quotas = [quota(), quota(rep_id="R2")]
    histories = ("deal rep_id",)
    own = deal("a", START, rep_id=None)
    with opened([own], quotas, histories, changes=changes) as warehouse:
        seen = reps_at(warehouse, MID, moved_at, moved_at + MICROSECOND)
        so_far = seen.keys.set_index(["rep_id", "cutoff"])["attained"]
        assert [so_far["R1", at] for at in (MID, moved_at, moved_at + MICROSECOND)] == [0, 0, 100]
        assert [so_far["R2", at] for at in (MID, moved_at, moved_at + MICROSECOND)] == [100, 100, 0]
        ends = dict(zip(seen.keys["rep_id"], attainment(warehouse, seen.keys), strict=True))
        assert ends == {"R1": 0.1, "R2": 0.0}


def test_an_extract_labels_with_what_it_showed_last(opened: Opened) -> None:
    """An amount amended at the cut is not known there; one amended at the end nowhere."""
    amended = datetime(2024, 7, 15)
    changes = [
        change("a", datetime(2024, 3, 1), "amount", "100", "deal"),
        change("a", amended, "amount", "900", "deal"),
        change("a", UNTIL, "amount", "5000", "deal"),
    ]
    own = deal("a", MID, None)
    with opened([own], [quota()], ("deal amount",), changes=changes) as warehouse:
        keys = rep_keys()
        assert attainment(warehouse, keys).tolist() == [0.9]
        assert attainment(warehouse.until(amended), keys).tolist() == [0.1]
        assert attainment(warehouse.until(amended + MICROSECOND), keys).tolist() == [0.9]


def test_before_an_owner_is_shown_a_deal_belongs_to_who_worked_on_it(opened: Opened) -> None:
    """Where owners have a history; one that was emptied belongs to nobody."""
    deals = [deal(name, MID, rep_id=None) for name in ("worked", "emptied", "moved")]
    work = [
        {**touch("L", datetime(2024, 3, 5), rep_id="R1"), "deal_id": row["deal_id"]}
        for row in deals
    ]
    changes = [
        change("emptied", datetime(2024, 3, 1), "rep_id", "R1", "deal"),
        change("emptied", datetime(2024, 6, 1), "rep_id", None, "deal"),
        change("moved", datetime(2024, 6, 1), "rep_id", "R2", "deal"),
    ]
    rows = {"activities": work, "changes": changes}
    with opened(deals, [quota()], ("deal rep_id",), **rows) as warehouse:
        assert attainment(warehouse, rep_keys()).tolist() == [0.1]
        assert attained_parts(warehouse, rep_keys().assign(rep_id="R2"))["from_open"].tolist() == [
            100.0
        ]


def test_leavers_newcomers_and_reps_without_deals_have_their_row(opened: Opened) -> None:
    """Whoever has a quota is looked at, known to the CRM or not."""
    reps = [
        {"rep_id": "R1", "hired_at": datetime(2020, 1, 1), "left_at": MID},
        {"rep_id": "R2", "hired_at": MID - timedelta(days=7), "left_at": None},
    ]
    quotas = [quota(rep_id=name) for name in ("R1", "R2", "unknown")]
    with opened([], quotas, reps=reps) as warehouse:
        seen = reps_at(warehouse, MID, MID + MICROSECOND)
    assert seen.keys["rep_id"].tolist() == ["R1", "R1", "R2", "R2", "unknown", "unknown"]
    assert seen.X["has_left"].tolist() == [0, 1, 0, 0, 0, 0]
    assert seen.X["tenure_days"].iloc[2] == 7.0
    assert seen.X["attained"].eq(0.0).all()


def test_what_was_attained_splits_by_what_was_there(opened: Opened) -> None:
    """Closed before the cutoff, open at it, or created at it or later; together it is all."""
    deals = [
        deal("closed", MID - MICROSECOND, 1.0),
        deal("at cutoff", MID, 2.0),
        deal("new", END - MICROSECOND, 4.0, created_at=MID),
        deal("new, not in time", END, 8.0, created_at=MID),
    ]
    with opened(deals, [quota()]) as warehouse:
        parts = attained_parts(warehouse, rep_keys())
        assert parts.iloc[0].tolist() == [1.0, 2.0, 4.0, 1.0]
        ends = np.array([END, UNTIL, UNTIL + MICROSECOND], dtype="datetime64[us]")
        keys = pd.concat([rep_keys()] * 3, ignore_index=True)
        told = new_business(warehouse, keys, ends)
    assert told["amount"].tolist()[:2] == [4.0, 12.0]
    assert told["deals"].tolist()[:2] == [1.0, 2.0]
    assert told.iloc[2].isna().all()


def test_deals_are_won_before_a_deadline_or_not(opened: Opened) -> None:
    """Half-open at both ends, empty while the deadline is not reached; open ends are censored."""
    deals = [deal("won", MID), deal("lost", MID, won=False), deal("open", None, None)]
    keys = pd.DataFrame({"deal_id": ["won", "lost", "open"], "cutoff": [MID] * 3})
    with opened(deals, []) as warehouse:

        def label(deadline: datetime) -> list[float]:
            ends = np.full(3, np.datetime64(deadline, "us"))
            return won_before(warehouse, keys, ends).tolist()

        assert label(MID) == [0.0, 0.0, 0.0]
        assert label(MID + MICROSECOND) == [1.0, 0.0, 0.0]
        assert label(UNTIL) == [1.0, 0.0, 0.0]
        assert np.isnan(label(UNTIL + MICROSECOND)).all()
        ends = deal_endings(warehouse, keys)
    assert ends["days"].tolist() == [0.0, 0.0, 92.0]
    assert ends["outcome"].tolist()[:2] == [1.0, 0.0]
    assert math.isnan(ends["outcome"].iloc[2])
    assert ends["amount"].tolist() == [100.0, 100.0, 0.0]


def test_a_revision_known_after_the_end_does_not_count(opened: Opened) -> None:
    """What is known at the end itself still counts: a quota is known from its moment on."""
    for late, expected in ((timedelta(0), 0.2), (MICROSECOND, 0.1)):
        with opened([deal("a", MID)], [quota(), quota(500.0, UNTIL + late)]) as warehouse:
            assert attainment(warehouse, rep_keys()).tolist() == [expected]


def test_what_is_deleted_brings_nothing_in_the_end(duckdb: Engine) -> None:
    """At the end of what may be read; up to the deletion it counts, as of a microsecond after not.

    An open deal that was deleted is lost then; a won one is lost at its closing.
    """
    gone = datetime(2024, 6, 10)
    deals = [
        deal("won", datetime(2024, 6, 1), 300.0, deleted_at=gone),
        deal("open", None, 70.0, deleted_at=gone),
        deal("there", datetime(2024, 6, 2), 200.0, deleted_at=None),
    ]
    types = {"deals": {"deleted_at": pa.timestamp("us")}}
    extract = Extract({"deals": deals, "quotas": [quota()]}, UNTIL, types)
    with duckdb.open_laid_down(extract) as warehouse:
        keys = pd.DataFrame({"deal_id": ["won", "open", "there"], "cutoff": MID})
        endings = deal_endings(warehouse, keys)
        assert endings["outcome"].tolist() == [0, 0, 1]
        assert endings["closed_at"].tolist() == [datetime(2024, 6, 1), gone, datetime(2024, 6, 2)]
        assert won_before(warehouse, keys, [END] * 3).tolist() == [0, 0, 1]
        assert attainment(warehouse, rep_keys()).tolist() == [0.2]
        attained = reps_at(warehouse, gone, gone + MICROSECOND).X["attained"]
        assert attained.tolist() == [500.0, 200.0]
