"""The feed of a replayed world beside the extract that would have been made each morning."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from call_feed import GROWING, Feed, MorningList

from features.build import build
from features.history.vocabulary import read_vocabulary
from features.ingest.load import ingest
from features.params import FeatureParams
from features.simulation.call_replay import replay_calls
from features.simulation.calling import Calling
from features.simulation.crm import Crm
from features.simulation.day import Streams
from features.simulation.live import History, Life
from features.simulation.machine import Machine
from features.simulation.settings import company_settings
from features.snapshot import cutoff_table, open_leads
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.leads.dataset import lead_features
from training.leads.score import value_of

DAYS = 9
MORNINGS = (1, 8)
"""Days since the fork; a weekend and late rows lie between them."""
PARAMS = FeatureParams()


@cache
def played() -> tuple[Life, int, Crm, Path]:
    """Return a company at the first day of its last full quarter, and the extract of that day."""
    out = Path(mkdtemp(prefix="company"))
    settings = company_settings("small", seed=3, months=6, replays=0, cause_replays=0)
    history = History(settings, out)
    life = history.life
    start = [day for day in range(life.end + 1) if life.calendar.opens[day]][-2]
    crm = history.branch(start, start + DAYS)
    return life, start, crm, out


def opened(source: Path, home: Path, until: datetime) -> Warehouse:
    """Read an extract in, complete up to a moment."""
    ingest(str(source), home, PARAMS, data_until=until)
    return Warehouse.duckdb(current(home), PARAMS.ingest)


def moment(life: Life, day: int) -> datetime:
    """Return the beginning of a day."""
    return pd.Timestamp(life.calendar.date(day)).to_pydatetime()


def test_each_morning_shows_what_an_extract_of_that_morning_would(tmp_path: Path) -> None:
    """Features and values are those of a full ingest of that morning's extract, to the bit.

    Rows that were shown late, before and after the fork, reach both on the same morning.
    """
    life, start, crm, out = played()
    base = opened(out, tmp_path / "base", moment(life, start))
    vocabulary = read_vocabulary(base, PARAMS)
    declared = lead_features(vocabulary, PARAMS)
    fork, twin = crm.forked(), crm.forked()
    feed = Feed(base, out, fork, "world")
    grown = {name: [pq.read_table(out / f"{name}.parquet")] for name in GROWING}
    state, machine = life.states[start].copy(), Machine(life.settings, life.calendar)
    streams = Streams.keyed(state.seats_each, 1)
    at_mornings: list[set[str]] = []
    for day in range(start, start + DAYS):
        if day - start in MORNINGS:
            as_of = moment(life, day)
            for name, rows in twin.take().items():
                grown[name].append(rows)
            extract = {name: pa.concat_tables(parts) for name, parts in grown.items()}
            source = tmp_path / f"extract-{day}"
            source.mkdir()
            for name, rows in {**extract, **twin.tables()}.items():
                pq.write_table(rows, source / f"{name}.parquet")
            whole, ours = opened(source, tmp_path / f"home-{day}", as_of), feed.morning(as_of)
            assert ours.data_until == whole.data_until
            assert history_names(ours) == history_names(whole)
            these, wanted = (build(w, declared, vocabulary, [as_of], PARAMS) for w in (ours, whole))
            pd.testing.assert_frame_equal(these.keys, wanted.keys)
            pd.testing.assert_frame_equal(these.X, wanted.X, check_exact=True)
            values, wanted_values = (value_of(w, these.keys) for w in (ours, whole))
            pd.testing.assert_frame_equal(values, wanted_values)
            at_mornings.append(set(these.keys["lead_id"]))
        played_day = machine.step(state, streams, life.exogenous, is_recorded=True)
        fork.record(played_day, state)
        twin.record(played_day, state)
    # Leads came, and leads ended, between all mornings.
    assert all(earlier - later and later - earlier for earlier, later in pairwise(at_mornings))


def test_reps_call_by_the_list_of_the_same_morning(tmp_path: Path) -> None:
    """A list is made on each working day, from what was known by then; nobody off it is called."""
    life, start, crm, out = played()
    base = opened(out, tmp_path / "base", moment(life, start))
    listed: dict[datetime, list[str]] = {}
    told: dict[datetime, dict[str, float]] = {}

    def lister(warehouse: Warehouse, as_of: datetime, since: Mapping[str, float]) -> pd.DataFrame:
        assert warehouse.data_until == as_of
        told[as_of] = dict(since)
        rows = open_leads(warehouse["leads"], cutoff_table([as_of])).to_pandas()
        assert rows["created_at"].max() < as_of
        # Every other lead stands on no list.
        rows = rows.sort_values("lead_id").iloc[::2]
        listed[as_of] = list(rows["lead_id"])
        return rows[["lead_id"]].assign(priority=rows["value"])

    fork = crm.forked()
    calling = Calling(MorningList(Feed(base, out, fork, "list"), lister, places=2))
    outcome = replay_calls(life, start, start + 3, calling, crm=fork)
    days = range(start, start + 3)
    workdays = [day for day in days if life.calendar.workday[day]]
    assert list(listed) == [moment(life, day) for day in workdays]
    first, second = (moment(life, day) for day in workdays[:2])
    assert told[first] == {}, "nobody had a place yet"
    on_first = told[second]
    assert set(on_first) <= set(listed[first])
    assert 0 < len(on_first) <= 2 * life.settings.reps, "two places for each rep"
    assert set(on_first.values()) == {(second - first) / timedelta(days=1) - 0.5}
    calls = fork.take()["activities"].to_pandas()
    calls = calls[(calls["type"] == "call") & calls["lead_id"].notna()]
    last = max(listed)
    called = set(calls.loc[calls["occurred_at"] >= last, "lead_id"])
    assert called
    assert called <= set(listed[last])
    assert sum(count.sum() for count in outcome.touches.values()) > 0


def history_names(warehouse: Warehouse) -> set[tuple[str, str, bool]]:
    """Return the fields that have a history, and which of those are complete."""
    return {(h.entity_type, h.field, h.complete) for h in warehouse.histories}
