"""The same company, whichever CRM it was kept in: the same features at three cutoffs."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[2] / "simulation")]

from more_shapes import WRITERS
from shapes import ENGAGEMENTS, Tables, company
from simulated import UNTOLD, lived
from simulated import tables as tables_of

from features.build import build
from features.definitions.deal import deal_features
from features.definitions.lead import lead_features
from features.definitions.rep import rep_features
from features.history.vocabulary import read_vocabulary
from features.ingest.load import ingest
from features.ingest.report import IngestReport
from features.params import FeatureParams
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from features.subjects import DEAL, LEAD, REP

PARAMS = FeatureParams(min_count=5, windows_days=(30,))
CUTOFFS = [pd.Timestamp(day).to_pydatetime() for day in ("2024-08-20", "2024-09-10", "2024-10-05")]
DECLARED = {LEAD: lead_features, DEAL: deal_features, REP: rep_features}
Features = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def told() -> Tables:
    """A company of two reps and a quarter."""
    _, folder = lived(
        "small", 31, reps=2, months=3, managers=1, territories=2, leads_per_month=10.0, **UNTOLD
    )
    return company(tables_of(folder))


def features_of(tables: Tables | Path, home: Path) -> tuple[Features, IngestReport]:
    """Ingest tables of ours, or a CRM's folder, and build all features at the cutoffs."""
    source = tables if isinstance(tables, Path) else home / "source"
    if not isinstance(tables, Path):
        source.mkdir(parents=True)
        for name, frame in tables.items():
            frame.to_csv(source / f"{name}.csv", index=False)
    until = pd.Timestamp("2024-10-10").to_pydatetime()
    report = ingest(str(source), home, PARAMS, data_until=until)
    warehouse = Warehouse.duckdb(current(home))
    built = {}
    for subject, declare in DECLARED.items():
        vocabulary = read_vocabulary(warehouse.until(None), PARAMS, subject)
        examples = build(warehouse, declare(vocabulary, PARAMS), vocabulary, CUTOFFS, PARAMS)
        keys = examples.keys.add_prefix("key ")
        rows = pd.concat([keys, examples.X], axis=1)
        order = [f"key {subject.key}", "key cutoff"]
        built[subject.kind] = rows.sort_values(order, kind="stable").reset_index(drop=True)
    return built, report


def as_held(tables: Tables, preset: str) -> Tables:
    """Return what a CRM can hold of the company.

    In HubSpot each kind of engagement has columns of its own.
    """
    if preset != "hubspot-warehouse":
        return tables
    activities = tables["activities"]
    activities = activities[activities["type"].isin(ENGAGEMENTS)].copy()
    for column in ("direction", "outcome", "duration_s"):
        lacking = [kind for kind, held in ENGAGEMENTS.items() if column not in held]
        activities.loc[activities["type"].isin(lacking), column] = None
    return {**tables, "activities": activities}


def _in_small_letters(frame: pd.DataFrame) -> pd.DataFrame:
    keys = [name for name in frame if name.startswith("key ") and name.endswith(("_id", "owner"))]
    return frame.assign(**{name: frame[name].str.lower() for name in keys})


@pytest.fixture(scope="module")
def own(told: Tables, tmp_path_factory: pytest.TempPathFactory) -> Features:
    """The features of the company in tables of ours."""
    return features_of(told, tmp_path_factory.mktemp("own"))[0]


@pytest.mark.parametrize("preset", WRITERS)
def test_a_company_has_the_same_features_in_every_crm(
    preset: str, told: Tables, own: Features, tmp_path: Path
) -> None:
    """Its preset is chosen by headers alone; every feature of leads, deals and reps is the same."""
    folder = tmp_path / "export"
    held = as_held(told, preset)
    WRITERS[preset](held, folder)
    expected = own if held is told else features_of(held, tmp_path / "held")[0]
    built, report = features_of(folder, tmp_path / "home")
    assert report.preset == preset
    for kind, frame in expected.items():
        assert len(frame)
        if preset == "dynamics":
            # GUIDs come in small letters, whatever they were written in.
            frame = _in_small_letters(frame)  # noqa: PLW2901 - the same rows
        pd.testing.assert_frame_equal(built[kind], frame, check_dtype=False)
