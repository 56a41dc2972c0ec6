"""A model trained until a moment is the model that would have been trained at that moment."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from extract import CLOCKS, ENDS, Extract, Row, is_visible
from sellers import FEATURES, HORIZON, START, TRAINING, TYPES, company, open_warehouse

from features.ingest.load import ingest
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.leads.bundle import Bundle
from training.leads.dataset import TrainingSet, build_training_set
from training.leads.fit import fit_leads, learn_leads

MOMENT = START + timedelta(days=215, hours=13, minutes=37)
"""Not a midnight: the law holds for any moment."""


def learned(past: Warehouse) -> tuple[TrainingSet, Bundle]:
    """Learn from an extract that was cut already."""
    training_set = build_training_set(past, HORIZON, FEATURES, TRAINING)
    return training_set, fit_leads(training_set, past, FEATURES, TRAINING)


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
    assert one[1].ensemble == other[1].ensemble
    assert one[1].version == other[1].version


def meddled(rng: Random, extract: Extract, moment: datetime) -> Extract:
    """Drop, edit and add what cannot be seen at a moment: rows, and ends of stories."""

    def edit(table: str, rows: list[Row]) -> list[Row]:
        kept = [row for row in rows if is_visible(table, row, moment) or rng.random() < 0.4]
        return [_other_end(rng, table, row, moment, extract.data_until) for row in kept]

    edited = extract.each(edit)
    later = company(seed=rng.randrange(2, 99)).rows("activities")[:300]
    moved = [{**row, "activity_id": f"x{n}", "known_at": moment} for n, row in enumerate(later)]
    return edited.but("activities", [*edited.rows("activities"), *moved])


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
def until(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingSet, Bundle]:
    """The model of the whole extract, trained `--until T`."""
    return learned(open_warehouse(company(), tmp_path_factory.mktemp("full")).until(MOMENT))


def test_a_model_until_a_moment_is_one_of_the_extract_made_then(
    until: tuple[TrainingSet, Bundle], tmp_path: Path
) -> None:
    """The whole extract trained `--until T` and the cut one ingested with T give the same bits."""
    then = open_warehouse(company().cut(MOMENT), tmp_path)
    assert until[1].ensemble is not None
    assert until[1].until == MOMENT
    assert_same(until, learned(then.until(None)))


@pytest.mark.parametrize("seed", [4, 5])
def test_later_conversions_never_enter(
    until: tuple[TrainingSet, Bundle], seed: int, tmp_path: Path
) -> None:
    """Outcomes at or after T may be anything, and later rows too: what is unripe is unknown."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    other = open_warehouse(meddled(rng, company(), MOMENT), tmp_path)
    assert_same(until, learned(other.until(MOMENT)))
    ripe = MOMENT - timedelta(days=HORIZON)
    assert max(until[0].examples.keys["cutoff"]) <= ripe


def test_what_can_be_seen_does_enter(until: tuple[TrainingSet, Bundle], tmp_path: Path) -> None:
    """The law is not kept by looking away: one conversion the day before T makes another model."""
    cut = company().cut(MOMENT)
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
    cut = company().cut(MOMENT)
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
