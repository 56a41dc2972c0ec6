"""A model trained until a moment is the model that would have been trained at that moment."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pandas as pd
import pytest
from change_logs import reconciled, statuses
from extract import CLOCKS, ENDS, Extract, Row, is_visible
from restless import restless_leads
from sellers import FEATURES, HORIZON, START, TRAINING, TYPES, company, open_warehouse

from features.ingest.load import ingest
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.call_params import CallParams
from training.leads.backtest import backtest_leads
from training.leads.bundle import Bundle
from training.leads.dataset import TrainingSet, build_training_set
from training.leads.fit import fit_leads, learn_leads
from training.leads.score import Listing, score_leads
from training.params import SegmentParams
from training.rolling import Range

MOMENT = START + timedelta(days=215, hours=13, minutes=37)
"""Not a midnight: the law holds for any moment."""


SEGMENTED = TRAINING.model_copy(
    update={
        "leads": TRAINING.leads.model_copy(
            update={"segments": (SegmentParams(name="web", where="source = 'web'"),)}
        )
    }
)
"""The law holds for the models of segments as for the pooled one."""


ASKED = Range(MOMENT - timedelta(days=9), MOMENT)
"""Two weeks that are backtested: the first cutoff is all that a model may know."""


def whole() -> Extract:
    """Make the whole extract, in which fields change before the moment and after it."""
    return restless_leads(company(), MOMENT)


def learned(past: Warehouse) -> tuple[TrainingSet, Bundle]:
    """Learn from an extract that was cut already."""
    training_set = build_training_set(past, HORIZON, FEATURES, SEGMENTED)
    return training_set, fit_leads(training_set, past, FEATURES, SEGMENTED)


def forecasts(past: Warehouse, bundle: Bundle) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score the moment, and backtest two weeks before it."""
    scores = score_leads(past, bundle, Listing("1", 3, CallParams()), MOMENT)
    once = TRAINING.model_copy(
        update={"leads": TRAINING.leads.model_copy(update={"most_refits": 1})}
    )
    backtest = backtest_leads(past, ASKED, HORIZON, FEATURES, once)
    return scores, backtest.predictions.frame


def assert_same_forecasts(
    one: tuple[pd.DataFrame, pd.DataFrame], other: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    """Require the same scores and predictions to the last bit."""
    for left, right in zip(one, other, strict=True):
        assert len(left) > 0
        pd.testing.assert_frame_equal(left, right, check_exact=True)


def assert_same(one: tuple[TrainingSet, Bundle], other: tuple[TrainingSet, Bundle]) -> None:
    """Require the same model to the last bit, and say first what differs."""
    assert one[0].vocabulary == other[0].vocabulary
    assert one[0].split == other[0].split
    assert one[0].suspicions == other[0].suspicions
    assert one[1].columns == other[1].columns
    assert one[1].calibrator == other[1].calibrator
    assert one[1].base_rate == other[1].base_rate
    assert one[1].evidence == other[1].evidence
    assert one[1].about == other[1].about
    assert one[1].blend == other[1].blend
    assert one[1].segments == other[1].segments
    assert one[1].version == other[1].version


def meddled(rng: Random, extract: Extract, moment: datetime) -> Extract:
    """Drop, edit and add what cannot be seen at a moment: rows, ends of stories, own columns."""

    def edit(table: str, rows: list[Row]) -> list[Row]:
        kept = [row for row in rows if is_visible(table, row, moment) or rng.random() < 0.4]
        return [_other_end(rng, table, row, moment, extract.data_until) for row in kept]

    edited = extract.each(edit)
    later = company(seed=rng.randrange(2, 99)).rows("activities")[:300]
    moved = [{**row, "activity_id": f"x{n}", "known_at": moment} for n, row in enumerate(later)]
    # Beside the visible row with the same id, above it.
    seen = [row for row in edited.rows("activities") if is_visible("activities", row, moment)]
    moved += [{**row, "known_at": moment, "outcome": "edited"} for row in seen[:200]]
    edited = edited.but("activities", [*moved, *edited.rows("activities")])
    lawful = reconciled(rng, extract, edited, moment, lambda _, name: ENDS_OF[name])
    assert statuses(lawful) == statuses(extract)
    return lawful


ENDS_OF: Mapping[str, Sequence[str | None]] = {
    "rep_id": ("r0", "r9", None),
    "source": ("a new source", "web", None),
    "value": ("1e6", None),
    "account_id": ("a0", "unknown", None),
    "industry": ("moonshine", None),
    "team": ("moon", None),
}
"""What own columns may show in the end."""


def _other_end(rng: Random, table: str, row: Row, moment: datetime, until: datetime) -> Row:
    """Move or empty each end of a story that lies at or after the moment, and let others end."""
    start = row[CLOCKS[table]] if table in CLOCKS else moment
    told = dict(row)
    for name in ENDS.get(table, ()):
        end = row.get(name)
        if end is None or end >= moment:
            first = max(moment, start)
            told[name] = first + (until - first) * rng.random() if rng.random() < 0.6 else None
    if table == "leads" and start >= moment:
        told["source"], told["value"] = "a new source", 1e6
    return told


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The whole extract, ingested up to its own end."""
    return open_warehouse(whole(), tmp_path_factory.mktemp("full"))


@pytest.fixture(scope="module")
def until(full: Warehouse) -> tuple[TrainingSet, Bundle]:
    """The model of the whole extract, trained `--until T`."""
    return learned(full.until(MOMENT))


@pytest.fixture(scope="module")
def said(full: Warehouse, until: tuple[TrainingSet, Bundle]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What it says of T, and what a backtest up to T says."""
    return forecasts(full.until(MOMENT), until[1])


@pytest.mark.parametrize("made", ["cut", "uncut"])
def test_a_model_until_a_moment_is_one_of_the_extract_made_then(
    until: tuple[TrainingSet, Bundle],
    said: tuple[pd.DataFrame, pd.DataFrame],
    made: str,
    tmp_path: Path,
) -> None:
    """The whole extract trained `--until T` and one ingested with `--data-until T`: the same bits.

    Whether that one was made at T or goes on after it: model, scores and backtest are the same.
    """
    extract = whole().cut(MOMENT) if made == "cut" else replace(whole(), data_until=MOMENT)
    then = open_warehouse(extract, tmp_path).until(None)
    assert until[1].blend is not None
    assert until[1].segments[0].blend is not None
    assert until[1].until == MOMENT
    other = learned(then)
    assert_same(until, other)
    assert_same_forecasts(said, forecasts(then, other[1]))


def test_what_came_later_is_no_word(until: tuple[TrainingSet, Bundle]) -> None:
    """Leads came to be called `conference` before T and after it; nothing was called `moon` yet."""
    words = until[0].vocabulary.columns
    assert "conference" in (words["leads.source"] or ())
    assert "moon" not in (words["reps.team"] or ())


@pytest.mark.parametrize("seed", [4, 5])
def test_later_conversions_never_enter(
    until: tuple[TrainingSet, Bundle], seed: int, tmp_path: Path
) -> None:
    """Outcomes at or after T may be anything, and later rows too: what is unripe is unknown."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    other = open_warehouse(meddled(rng, whole(), MOMENT), tmp_path)
    assert_same(until, learned(other.until(MOMENT)))
    ripe = MOMENT - timedelta(days=HORIZON)
    assert max(until[0].examples.keys["cutoff"]) <= ripe


def test_what_can_be_seen_does_enter(until: tuple[TrainingSet, Bundle], tmp_path: Path) -> None:
    """The law is not kept by looking away: one conversion the day before T makes another model."""
    cut = whole().cut(MOMENT)
    born = MOMENT - timedelta(days=HORIZON + 5)
    rows = list(cut.rows("leads"))
    place = next(
        n for n, row in enumerate(rows) if row["created_at"] < born and not _has_ended(row)
    )
    rows[place] = {**rows[place], "converted_at": MOMENT - timedelta(days=1)}
    changed = open_warehouse(cut.but("leads", rows), tmp_path)
    other = learn_leads(changed.until(None), HORIZON, FEATURES, TRAINING)
    assert other.version != until[1].version


def _has_ended(row: Row) -> bool:
    return row.get("converted_at") is not None or row.get("lost_at") is not None


def test_the_form_of_the_files_changes_nothing(
    until: tuple[TrainingSet, Bundle], tmp_path: Path
) -> None:
    """The cut extract as CSV, its rows in another order, gives the model of the whole parquet."""
    cut = whole().cut(MOMENT)
    rng = Random(9)  # noqa: S311 - a sample, no secret
    source = tmp_path / "csv"
    source.mkdir()
    for name, types in TYPES.items():
        rows = cut.rows(name)
        rng.shuffle(rows)
        with (source / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(types), extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
    ingest(str(source), tmp_path / "home", FEATURES, data_until=MOMENT)
    past = Warehouse.duckdb(current(tmp_path / "home"), FEATURES.ingest).until(None)
    assert_same(until, learned(past))
