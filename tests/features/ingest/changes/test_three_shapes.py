"""A history is the same history, whether told as properties, as versions or as daily snapshots."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from company_export import company
from mapped import load_folder, rows

from features.build import build
from features.definitions.lead import lead_features
from features.history.vocabulary import read_vocabulary
from features.ingest.load import ingest
from features.params import FeatureParams
from features.storage.catalog import current
from features.storage.warehouse import Warehouse

DAY = timedelta(days=1)
FIRST, LAST = datetime(2024, 7, 1), datetime(2024, 10, 1)
CUTOFFS = [datetime(2024, 8, 5), datetime(2024, 9, 2), datetime(2024, 9, 20, 12)]
KINDS = {"lead": ("leads", "lead_id"), "deal": ("deals", "deal_id")}
FIELDS = {
    "lead": ("stage", "rep_id"),
    "deal": ("stage", "rep_id", "amount", "expected_close_at"),
}
Told = list[tuple[Any, ...]]
SHAPES = {
    "properties": "changed_at: at, property: what, new_value: now, ",
    "versions": "valid_from: start, valid_to: end, ",
    "snapshots": "taken_at: day, ",
}


def own_changes() -> pd.DataFrame:
    """Return the company's changes as a nightly look would see them: the day's last value counts.

    What changes nothing is no change, and the first look of an entity finds its first values.
    """
    changes = pd.read_parquet(company() / "changes.parquet")
    fields = [(kind, name) for kind, names in FIELDS.items() for name in names]
    wanted = pd.MultiIndex.from_frame(changes[["entity_type", "field"]]).isin(fields)
    changes = changes[wanted & (changes["changed_at"] < LAST - DAY)].copy()
    nights = changes["changed_at"].dt.ceil("D").clip(lower=pd.Timestamp(FIRST))
    changes["changed_at"] = nights.astype("datetime64[us]")
    key = ["entity_type", "entity_id", "field"]
    changes = changes.drop_duplicates([*key, "changed_at"], keep="last")
    changes = changes.sort_values([*key, "changed_at"])
    before = changes.groupby(key)["value"].shift()
    first = ~changes.duplicated(key)
    differs = changes["value"].fillna("") != before.fillna("")
    return changes[first | differs].drop(columns="known_at").reset_index(drop=True)


def states(changes: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return one row for each entity and night on which any of its fields changed."""
    own = changes[changes["entity_type"] == kind].assign(value=lambda f: f["value"].fillna("-"))
    wide = own.pivot_table(
        index=["entity_id", "changed_at"], columns="field", values="value", aggfunc="last"
    )
    filled = wide.groupby(level="entity_id").ffill()
    return filled.reset_index().replace("-", None)


def whole(changes: pd.DataFrame) -> pd.DataFrame:
    """Keep entities whose fields all begin on the same night, as rows of a table do."""
    starts = changes.groupby(["entity_type", "entity_id", "field"])["changed_at"].min()
    of_entity = starts.groupby(level=["entity_type", "entity_id"])
    counts = {kind: len(names) for kind, names in FIELDS.items()}
    complete = of_entity.nunique().eq(1) & of_entity.size().eq(
        of_entity.size().index.get_level_values(0).map(counts)
    )
    ids = complete[complete].index
    return changes[pd.MultiIndex.from_frame(changes[["entity_type", "entity_id"]]).isin(ids)]


def deliver(folder: Path, shape: str, changes: pd.DataFrame) -> str:
    """Write the tables with the history in a shape; returns the mapping that reads it."""
    for table in ("leads", "deals", "activities", "reps", "accounts", "quotas"):
        frame = pd.read_parquet(company() / f"{table}.parquet")
        frame.to_parquet(folder / f"{table}.parquet", index=False)
    sections = []
    for kind, names in FIELDS.items():
        own = states(changes, kind)
        table = f"{kind}_{shape}"
        if shape == "properties":
            frame = changes[changes["entity_type"] == kind].rename(
                columns={"entity_id": "id", "changed_at": "at", "field": "what", "value": "now"}
            )[["id", "at", "what", "now"]]
        elif shape == "versions":
            ends = own.groupby("entity_id")["changed_at"].shift(-1)
            frame = own.assign(end=ends.fillna(pd.Timestamp("9999-12-31"))).rename(
                columns={"entity_id": "id", "changed_at": "start"}
            )
        else:
            frame = daily(own)
        frame.sample(frac=1, random_state=5).to_csv(folder / f"{table}.csv", index=False)
        fields = ", ".join(f"{name}: {name}" for name in names)
        sections.append(
            f"    - {{entity: {kind}, table: {table}, id: id, {SHAPES[shape]}"
            f"fields: {{{fields}}}}}\n"
        )
    return f"histories:\n  {shape}:\n{''.join(sections)}"


def daily(own: pd.DataFrame) -> pd.DataFrame:
    """Return every entity's state on every night since it is there; the last one twice."""
    nights = pd.DataFrame({"day": pd.date_range(FIRST, LAST, freq="D").astype("datetime64[us]")})
    own = own.sort_values("changed_at")
    parts = [
        pd.merge_asof(
            nights[nights["day"] >= rows_of["changed_at"].min()],
            rows_of,
            left_on="day",
            right_on="changed_at",
        )
        for _, rows_of in own.groupby("entity_id")
    ]
    frame = pd.concat(parts).drop(columns="changed_at").rename(columns={"entity_id": "id"})
    return pd.concat([frame, frame[frame["day"] == frame["day"].max()]])


def told(home: Path) -> Told:
    """Return the changes of a warehouse in an order of their own."""
    names = ("entity_type", "entity_id", "field", "changed_at", "value")
    return sorted((tuple(row[n] for n in names) for row in rows(home, "changes")), key=repr)


def features(home: Path) -> pd.DataFrame:
    """Build the features of all open leads at three cutoffs."""
    params = FeatureParams()
    warehouse = Warehouse.duckdb(current(home)).until(max(CUTOFFS))
    vocabulary = read_vocabulary(warehouse, params)
    built = build(warehouse, lead_features(vocabulary, params), vocabulary, CUTOFFS, params)
    warehouse.backend.disconnect()
    return built.X.set_index(
        pd.MultiIndex.from_frame(built.keys[["lead_id", "cutoff"]])
    ).sort_index()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, Told, pd.DataFrame]:
    """Ingest the company with its changes as rows of `changes`: those, as read, and features."""
    home, changes = tmp_path_factory.mktemp("own"), whole(own_changes())
    folder = home / "in"
    folder.mkdir()
    deliver(folder, "properties", changes)
    changes.to_parquet(folder / "changes.parquet", index=False)
    ingest(str(folder), home, FeatureParams())
    return changes, told(home), features(home)


@pytest.mark.parametrize("shape", SHAPES)
def test_all_shapes_tell_the_same_changes_and_features(
    own: tuple[pd.DataFrame, Told, pd.DataFrame], shape: str, tmp_path: Path
) -> None:
    """The first values are among them, a snapshot twice adds nothing, and the features agree."""
    changes, own_changes_read, mine = own
    folder = tmp_path / "in"
    folder.mkdir()
    load_folder(tmp_path, deliver(folder, shape, changes), folder)
    assert len(changes) > 500
    assert told(tmp_path) == own_changes_read
    theirs = features(tmp_path)
    assert len(mine) > 100
    assert list(mine.columns) == list(theirs.columns)
    np.testing.assert_array_equal(mine.to_numpy(), theirs.to_numpy())
