"""Deals and reps are described from what there is: a missing table empties figures, no error."""

from __future__ import annotations

from random import Random

import pytest
from engines import Engine
from histories import Case
from sales_histories import sales_case

from features.build import Examples, build
from features.definitions.deal import deal_features
from features.definitions.rep import rep_features
from features.history.vocabulary import read_vocabulary
from features.labels.attainment import attainment, deal_endings
from features.storage.warehouse import Warehouse
from features.subjects import DEAL, REP, Subject
from features.tables import TABLES

DECLARED = {DEAL: deal_features, REP: rep_features}
NEEDED = {DEAL: {"deals"}, REP: {"quotas"}}
SEED = 12
"""A company with open deals and running quotas."""


@pytest.fixture(scope="module", name="case")
def fixture_case() -> Case:
    """Make the company."""
    return sales_case(Random(SEED))  # noqa: S311 - no secret


@pytest.fixture(scope="module", name="whole")
def fixture_whole(duckdb: Engine, case: Case) -> dict[Subject, Examples]:
    """Build deals and reps with all tables."""
    with duckdb.open(case.extract) as warehouse:
        return {subject: built(warehouse, case, subject) for subject in DECLARED}


def built(warehouse: Warehouse, case: Case, subject: Subject) -> Examples:
    """Build everything that is declared."""
    words = read_vocabulary(warehouse.until(None), case.params, subject)
    declared = DECLARED[subject](words, case.params)
    return build(warehouse, declared, words, case.cutoffs, case.params)


@pytest.mark.parametrize("subject", [DEAL, REP], ids=lambda s: s.kind)
@pytest.mark.parametrize("gone", [*TABLES, "all but its own"])
def test_without_a_table(
    duckdb: Engine, case: Case, whole: dict[Subject, Examples], subject: Subject, gone: str
) -> None:
    """Without any one table, or all others, the same deals and reps have their rows."""
    needed = NEEDED[subject]
    lost = set(TABLES) - needed if gone == "all but its own" else {gone}
    extract = case.extract
    for table in lost:
        extract = extract.but(table, [])
    with duckdb.open(extract) as warehouse:
        seen = built(warehouse, case, subject)
        told = (
            attainment(warehouse, seen.keys)
            if subject is REP
            else deal_endings(warehouse, seen.keys)["days"].to_numpy()
        )
    assert len(told) == len(seen)
    if lost & needed:
        assert len(seen) == 0
    elif "changes" not in lost:
        names = [subject.key, "cutoff"]
        assert seen.keys[names].equals(whole[subject].keys[names])
        assert len(seen) > 0


def test_one_period_and_a_new_rep(duckdb: Engine, case: Case) -> None:
    """The first period of all has no past: figures about it are empty, the others are there."""
    rows = case.extract.rows("quotas")
    first = min(rows, key=lambda row: row["period_start"])
    only = {**first, "known_at": None, "period_end": case.extract.data_until, "amount": 50.0}
    only["period_start"] = case.cutoffs[0]
    with duckdb.open(case.extract.but("quotas", [only])) as warehouse:
        seen = built(warehouse, case, REP)
    assert len(seen) > 0
    assert seen.X["past_periods"].eq(0).all()
    assert seen.X[["last_attainment", "mean_attainment", "company_curve"]].isna().all(axis=None)
    assert seen.X[["attained", "open", "pace_won_90d", "win_rate"]].notna().all(axis=None)
