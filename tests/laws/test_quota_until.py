"""A forecast of attainment trained until a moment knows nothing later, and stays what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
from change_logs import reconciled, statuses
from extract import Extract, Row, is_visible
from quota_company import FEATURES, QUARTERS, TRAINING, opened, sellers
from restless import restless_deals

from features.storage.warehouse import Warehouse
from training.quota.backtest import backtest_quota, forecast_frame
from training.quota.bundle import QuotaBundle
from training.quota.deals import DAYS_LEFT
from training.quota.fit import forecast_examples, learn_quota
from training.quota.futures import Futures
from training.quota.score import score_reps
from training.rolling import Range
from training.tracking.loading import load_bundle

END = QUARTERS[4] + timedelta(days=20)
MOMENT = QUARTERS[3] + timedelta(days=33, hours=13, minutes=37)
"""Not a midnight, in the middle of a period: the law holds for any moment."""
ASKED = Range(MOMENT - timedelta(days=9), MOMENT)
CUTOFFS = [QUARTERS[3] + timedelta(days=d) for d in (2, 30)]


def drawn(bundle: QuotaBundle, warehouse: Warehouse, cutoffs: list[datetime]) -> Futures:
    """Draw the futures of every rep at cutoffs."""
    return bundle.draw(*forecast_examples(bundle, warehouse, cutoffs))


def restless() -> Extract:
    """Make the whole extract."""
    return restless_deals(sellers(END), MOMENT)


def forecasts(past: Warehouse, bundle: QuotaBundle) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score the moment, and backtest the weeks before it."""
    scores, _ = score_reps(past, bundle, "1", MOMENT)
    return scores, backtest_quota(past, ASKED, FEATURES, TRAINING).predictions.frame


@pytest.fixture(scope="module", name="whole")
def fixture_whole(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The whole history, in which fields change before the moment and after it."""
    return opened(restless(), tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module", name="bundle")
def fixture_bundle(whole: Warehouse) -> QuotaBundle:
    """The model of the whole history, trained `--until` the moment."""
    return learn_quota(whole.until(MOMENT), FEATURES, TRAINING)


@pytest.fixture(scope="module", name="futures")
def fixture_futures(whole: Warehouse, bundle: QuotaBundle) -> Futures:
    """What it says at two cutoffs."""
    return drawn(bundle, whole, CUTOFFS)


def meddled(extract: Extract, moment: datetime) -> Extract:
    """Drop, edit and add what cannot be seen at a moment, and turn every table around."""
    rng = Random(8)  # noqa: S311 - a sample, no secret

    def other(table: str, rows: list[Row]) -> list[Row]:
        kept = [row for row in rows if is_visible(table, row, moment) or rng.random() < 0.5]
        return [_other_end(rng, row, moment) for row in kept][::-1]

    edited = extract.each(other)
    after = moment + timedelta(days=1)
    revised = [
        {**row, "known_at": after, "amount": 1.0}
        for row in edited.rows("quotas")
        if row["period_end"] > moment
    ]
    overlapping = [{**row, "period_start": row["period_start"] + DAY} for row in revised]
    repeated = [{**row, "created_at": after, "closed_at": None} for row in edited.rows("deals")[:9]]
    edited = edited.but("quotas", [*overlapping, *edited.rows("quotas"), *revised])
    edited = edited.but("deals", [*edited.rows("deals"), *({**r, "won": None} for r in repeated)])
    lawful = reconciled(rng, extract, edited, moment, lambda _, name: ENDS_OF[name])
    assert statuses(lawful) == statuses(extract)
    return lawful


DAY = timedelta(days=1)
ENDS_OF: Mapping[str, Sequence[str | None]] = {
    "amount": ("1e6", None),
    "origin": ("a new origin", None),
    "rep_id": ("r9",),
    "territory": ("mars", None),
    "manager_id": ("m9", None),
}
"""What own columns may show in the end."""


def _other_end(rng: Random, row: Row, moment: datetime) -> Row:
    closed = row.get("closed_at")
    if "closed_at" not in row or (closed is not None and closed < moment):
        return row
    first = max(moment, row["created_at"])
    return {**row, "closed_at": first + (END - first) * rng.random(), "won": rng.random() < 0.5}


@pytest.fixture(scope="module", name="said")
def fixture_said(whole: Warehouse, bundle: QuotaBundle) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What it says of the moment, and what a backtest up to it says."""
    return forecasts(whole.until(MOMENT), bundle)


@pytest.mark.parametrize("made", ["cut", "uncut"])
def test_an_extract_that_ends_at_the_moment_gives_the_same_bits(
    bundle: QuotaBundle,
    futures: Futures,
    said: tuple[pd.DataFrame, pd.DataFrame],
    made: str,
    tmp_path: Path,
) -> None:
    """Trained `--until T`, or on an extract ingested with `--data-until T`: the same bits.

    Whether that was made at T or goes on after it: one version, the same futures, scores, backtest.
    """
    extract = restless().cut(MOMENT) if made == "cut" else replace(restless(), data_until=MOMENT)
    then = opened(extract, tmp_path)
    other = learn_quota(then.until(None), FEATURES, TRAINING)
    for one, another in zip(said, forecasts(then.until(None), other), strict=True):
        assert len(one) > 0
        pd.testing.assert_frame_equal(one, another, check_exact=True)
    assert bundle.deals.ensemble is not None
    assert bundle.new_business.linear is not None
    assert other.to_json() == bundle.to_json()
    assert other.version == bundle.version
    again = drawn(other, then, CUTOFFS)
    assert (again.total == futures.total).all()


def test_unseen_rows_and_their_order_change_nothing(
    bundle: QuotaBundle, futures: Futures, tmp_path: Path
) -> None:
    """Whatever comes after T, and in whichever order rows come: one version, the same futures."""
    other = opened(meddled(restless(), MOMENT), tmp_path)
    assert learn_quota(other.until(MOMENT), FEATURES, TRAINING).version == bundle.version
    again = drawn(bundle, other, CUTOFFS)
    assert (again.total == futures.total).all()
    assert (again.closed == futures.closed).all()


def test_a_cutoff_is_forecast_alike_alone(
    whole: Warehouse, bundle: QuotaBundle, futures: Futures
) -> None:
    """Which other cutoffs are asked in the same call makes no difference."""
    alone = drawn(bundle, whole, CUTOFFS[1:])
    rows = (futures.keys["cutoff"] == CUTOFFS[1]).to_numpy()
    assert (alone.total == futures.total[rows]).all()


def test_a_bundle_is_read_back_to_the_bit(
    whole: Warehouse, bundle: QuotaBundle, futures: Futures, tmp_path: Path
) -> None:
    """Saved and loaded it is the same model, and draws the same futures."""
    bundle.save(tmp_path / "model")
    loaded = load_bundle(tmp_path / "model")
    assert isinstance(loaded, QuotaBundle)
    assert loaded.version == bundle.version
    assert (drawn(loaded, whole, CUTOFFS).total == futures.total).all()


def test_everything_said_comes_from_one_distribution(bundle: QuotaBundle, futures: Futures) -> None:
    """Chance, range and split of a rep agree: they are read off the same futures."""
    told = forecast_frame(futures, bundle)
    reached = told["attainment_p50"] >= bundle.target
    assert (reached == (told["p_attain"] >= 0.5)).all()
    split = told["closed"] + told["expected_open"] + told["expected_new"]
    assert split.to_numpy() == pytest.approx(futures.total.mean(axis=1))
    ratio = futures.attainment().mean(axis=1) * told["quota"]
    assert ratio.to_numpy() == pytest.approx(split.to_numpy())


def test_planted_odds_are_found(whole: Warehouse, bundle: QuotaBundle) -> None:
    """Warm deals are won in three of four cases, cold ones in one of ten: the model tells them."""
    reps, deals = forecast_examples(bundle, whole, CUTOFFS[:1])
    inputs = bundle.draw_inputs(reps, deals)
    origin = {row["deal_id"]: row["origin"] for row in sellers(END).rows("deals")}
    warm = np.array([origin[name] == "warm" for name in deals.keys["deal_id"]])
    p = 1 / (1 + np.exp(-inputs.margin))
    assert len(p) == len(warm)
    assert warm.sum() > 5
    # Chances stand by rep, deals by their id.
    by_rep = deals.keys["owner"].map({r: k for k, r in enumerate(reps.keys["rep_id"])})
    first = np.argsort(by_rep.to_numpy(), kind="stable")
    # Every pair of one of each, in the right order nearly always: a deal may look unlike its kind.
    assert (p[warm[first]][:, None] > p[~warm[first]][None, :]).mean() > 0.97
    assert DAYS_LEFT in bundle.columns
