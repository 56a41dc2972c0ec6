"""Laws of the registry for both kinds of models: a forecast of quota comes back bit for bit."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.build import Examples
from features.errors import NotFoundError
from features.ingest.load import ingest
from features.params import FeatureParams
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.call_params import CallParams
from training.leads.bundle import LEADS, Bundle
from training.leads.fit import learn_leads
from training.leads.score import Listing, score_leads
from training.params import BoosterParams, QuotaParams, SplitParams, TrainingParams
from training.quota.bundle import QUOTA, QuotaBundle
from training.quota.dataset import build_quota_training_set
from training.quota.deal_regression import COLUMNS
from training.quota.fit import fit_quota, forecast_examples
from training.tracking.loading import load_bundle
from training.tracking.records import RunRecord
from training.tracking.registry import CHAMPION, Tracking

UNTIL = datetime(2025, 7, 20)
FEW = FeatureParams(windows_days=(7, 30))
PARAMS = TrainingParams(
    quota=QuotaParams(every_days=14, futures=200),
    split=SplitParams(every_days=14),
    booster=BoosterParams(max_rounds=10, min_data_in_leaf=10, bags=1, threads=1),
)


def extract(folder: Path) -> Path:
    """Write a small company: two reps, their monthly quotas, deals, and leads that convert."""
    folder.mkdir()
    rng = np.random.default_rng(4)
    count = 260
    born = pd.Series(pd.Timestamp("2025-01-01") + pd.to_timedelta(np.arange(count) * 18, "h"))
    ends = born + pd.to_timedelta(rng.integers(4, 45, count), "D")
    over, won = (ends < UNTIL).to_numpy(), rng.random(count) < 0.5
    deals = pd.DataFrame(
        {
            "deal_id": [f"d{n}" for n in range(count)],
            "rep_id": [f"r{n % 2}" for n in range(count)],
            "created_at": born,
            "amount": rng.integers(5, 60, count) * 100.0,
            "closed_at": ends.where(over),
            "won": pd.Series(won, dtype="boolean").where(over),
        }
    )
    leads = pd.DataFrame(
        {
            "lead_id": [f"l{n}" for n in range(count)],
            "created_at": born,
            "source": np.where(won, "web", "fair"),
            "converted_at": ends.where(over & won),
        }
    )
    starts = pd.date_range("2025-01-01", "2025-07-01", freq="MS")
    quotas = pd.DataFrame(
        [
            {"rep_id": rep, "period_start": start, "period_end": start + pd.offsets.MonthBegin(),
             "amount": 30_000.0}
            for rep in ("r0", "r1") for start in starts
        ]
    )  # fmt: skip
    touches = pd.DataFrame(
        {"lead_id": leads["lead_id"], "occurred_at": born + timedelta(days=1), "type": "call"}
    )
    for name, table in (
        ("deals", deals), ("leads", leads), ("quotas", quotas), ("activities", touches),
    ):  # fmt: skip
        table.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with data."""
    place = tmp_path_factory.mktemp("both kinds")
    ingest(str(extract(place / "extract")), place, FEW, data_until=UNTIL)
    return place


@pytest.fixture(scope="module")
def warehouse(home: Path) -> Warehouse:
    """Its warehouse."""
    return Warehouse.duckdb(current(home))


@pytest.fixture(scope="module")
def bundle(warehouse: Warehouse) -> QuotaBundle:
    """A forecast of quota attainment."""
    fitted = fit_quota(build_quota_training_set(warehouse.until(None), FEW, PARAMS), FEW, PARAMS)
    assert fitted.deals.ensemble is not None, "a forecast without trees would show little"
    return fitted


@pytest.fixture(scope="module")
def seen(bundle: QuotaBundle, warehouse: Warehouse) -> tuple[Examples, Examples]:
    """Reps and deals at the end of the extract."""
    return forecast_examples(bundle, warehouse, [UNTIL])


@pytest.fixture(scope="module")
def tracking(home: Path, bundle: QuotaBundle, warehouse: Warehouse) -> Tracking:
    """The registry after one training of each kind."""
    registry = Tracking(home)
    leads = learn_leads(warehouse.until(None), 14, FEW, PARAMS)
    registry.log(RunRecord(LEADS, leads, {}, "data"))
    registry.log(RunRecord(QUOTA, bundle, {"futures": 200}, "data", {"auc": 0.7}))
    return registry


def test_the_registry_holds_both_kinds(tracking: Tracking, warehouse: Warehouse) -> None:
    """Each kind has versions and a champion of its own, and forecasts what it is for."""
    for kind, bundle_type in ((LEADS, Bundle), (QUOTA, QuotaBundle)):
        (version,) = tracking.versions(kind)
        assert (version.version, version.aliases) == ("1", (CHAMPION,))
        assert isinstance(tracking.champion(kind).bundle, bundle_type)
        assert version.tags["until"] == UNTIL.isoformat()
    leads = tracking.champion(LEADS).bundle
    assert isinstance(leads, Bundle)
    assert len(score_leads(warehouse, leads, Listing("1", 3, CallParams()), UNTIL))


def test_a_champion_comes_back_to_the_bit(
    tracking: Tracking, bundle: QuotaBundle, seen: tuple[Examples, Examples]
) -> None:
    """What was logged draws the very same futures when it is loaded."""
    loaded = tracking.champion(QUOTA).bundle
    assert isinstance(loaded, QuotaBundle)
    assert loaded.version == bundle.version
    assert loaded.to_json() == bundle.to_json()
    before, after = bundle.draw(*seen), loaded.draw(*seen)
    assert len(before.keys) == 2
    for part in ("closed", "open", "new"):
        assert np.array_equal(getattr(before, part), getattr(after, part)), part


def test_no_bundle_is_a_pickle(tracking: Tracking) -> None:
    """A forecast of quota is a folder of text."""
    place = tracking.mlruns.folder / "artifacts" / QUOTA
    files = [path for path in place.rglob("*") if path.is_file()]
    assert {"bundle.json", "trees-0.txt", "MLmodel"} <= {path.name for path in files}
    for path in files:
        path.read_text(encoding="utf-8")


@pytest.mark.parametrize("place", [0, 1])
def test_foreign_features_are_refused(bundle: QuotaBundle, tmp_path: Path, place: int) -> None:
    """A model of features that mean something else by now, of reps or deals, is not read."""
    bundle.save(tmp_path / "model")
    path = tmp_path / "model" / "bundle.json"
    plain = json.loads(path.read_text(encoding="utf-8"))
    plain["fingerprints"][place] = "somethingelse"
    path.write_text(json.dumps(plain), encoding="utf-8")
    with pytest.raises(NotFoundError, match=r"learned from features declared as .*train again"):
        load_bundle(tmp_path / "model")


def test_other_things_are_refused(bundle: QuotaBundle, tmp_path: Path) -> None:
    """Another format, another kind, or missing trees are named."""
    folder = tmp_path / "model"
    bundle.save(folder)
    (folder / "trees-0.txt").unlink()
    with pytest.raises(NotFoundError, match=r"lacks trees-0\.txt"):
        load_bundle(folder)
    plain = bundle.to_json()
    for key, value, says in (("format", 0, "format 0"), ("kind", "mood", "kind 'mood'")):
        (folder / "bundle.json").write_text(json.dumps({**plain, key: value}), encoding="utf-8")
        with pytest.raises(NotFoundError, match=says):
            load_bundle(folder)
    shutil.rmtree(folder)
    with pytest.raises(NotFoundError, match=r"holds no bundle\.json"):
        load_bundle(folder)


# MLflow warns of its own type hints where pyfunc is imported for the first time.
@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning")
def test_mlflow_loads_it(tracking: Tracking, bundle: QuotaBundle) -> None:
    """MLflow's own loader gives the chance of each open deal, the same bits."""
    import mlflow  # noqa: PLC0415 - takes seconds

    (model,) = (tracking.mlruns.folder / "artifacts" / QUOTA).rglob("MLmodel")
    loaded = mlflow.pyfunc.load_model(str(model.parent))
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.random((20, len(bundle.columns))), columns=list(bundle.columns))
    assert np.array_equal(loaded.predict(X), bundle.predict(X))
    names = [column.name for column in loaded.metadata.signature.inputs.inputs]
    assert names == list(bundle.used)


def test_the_columns_used_decide_alone(bundle: QuotaBundle) -> None:
    """With the used columns alone the chances are the same bits; no other column moves them."""
    assert set(bundle.used) <= {*bundle.columns, *COLUMNS}
    rng = np.random.default_rng(2)
    every = [*dict.fromkeys((*bundle.columns, *sorted(COLUMNS)))]
    X = pd.DataFrame(rng.random((50, len(every))), columns=every)
    p = bundle.predict(X)
    assert np.array_equal(bundle.predict(X[[*bundle.used]]), p)
    for name in set(every) - set(bundle.used):
        assert np.array_equal(bundle.predict(X.assign(**{name: 1e9})), p), name
