"""The past must look the same from every later moment; what does not is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from features.build import Examples, build
from features.definitions.lead import lead_features
from features.feature import FeatureSet
from features.history.vocabulary import read_vocabulary
from features.params import FeatureParams
from features.storage.warehouse import Warehouse
from training.checks.audit import mature_cutoffs
from training.checks.canaries import spaced
from training.checks.finding import Finding
from training.checks.point_in_time import point_in_time_findings

HORIZON = 20
PARAMS = FeatureParams(windows_days=(7, 30))
FEW = frozenset({"age_days", "touches_all", "days_since_touch"})
Change = Callable[[Examples], Examples]


@pytest.fixture(scope="module")
def declared(history: Warehouse) -> FeatureSet:
    """Three features of a lead."""
    every = lead_features(read_vocabulary(history, PARAMS), PARAMS)
    return every.without(frozenset(every.names) - FEW)


@pytest.fixture(scope="module")
def whole(history: Warehouse, declared: FeatureSet) -> Examples:
    """Built from the whole extract, at four cutoffs."""
    cutoffs = spaced(mature_cutoffs(history, HORIZON), 4)
    return build(history, declared, read_vocabulary(history, PARAMS), cutoffs, PARAMS)


def findings_with(
    history: Warehouse, whole: Examples, declared: FeatureSet, change: Change
) -> list[Finding]:
    """Compare with an extract of the moment that is changed."""
    vocabulary = read_vocabulary(history, PARAMS)

    def rebuild(extract: Warehouse, cutoff: datetime) -> Examples:
        return change(build(extract, declared, vocabulary, [cutoff], PARAMS))

    return list(point_in_time_findings(history, whole, HORIZON, rebuild))


def test_an_honest_extract_breaks_nothing(
    history: Warehouse, whole: Examples, declared: FeatureSet
) -> None:
    """Features and labels of the whole extract are those of one made at the moment."""
    assert findings_with(history, whole, declared, lambda examples: examples) == []


def test_only_the_later_cutoffs_are_tried(
    history: Warehouse, whole: Examples, declared: FeatureSet
) -> None:
    """Two of the later half: there is most to be seen."""
    tried: list[datetime] = []

    def watch(examples: Examples) -> Examples:
        tried.append(examples.keys["cutoff"].iloc[0].to_pydatetime())
        return examples

    findings_with(history, whole, declared, watch)
    cutoffs = sorted(whole.keys["cutoff"].unique())
    assert tried == [pd.Timestamp(cutoff).to_pydatetime() for cutoff in cutoffs[2:]]


def test_a_feature_that_differs_is_named_with_its_rows(
    history: Warehouse, whole: Examples, declared: FeatureSet
) -> None:
    """One value of one feature is enough, and nothing else is blamed."""

    def one_more(examples: Examples) -> Examples:
        touches = examples.X["touches_all"].to_numpy().copy()
        touches[0] += 1
        return replace(examples, X=examples.X.assign(touches_all=touches))

    findings = findings_with(history, whole, declared, one_more)
    assert {(f.table, f.column, f.kind, f.severity) for f in findings} == {
        ("features", "touches_all", "law", "error")
    }
    assert len(findings) == 2
    assert "differs for 1 of " in findings[0].says


def test_no_value_here_and_none_there_are_equal(
    history: Warehouse, whole: Examples, declared: FeatureSet
) -> None:
    """Two empty values agree; an empty one and a number do not."""
    assert whole.X["days_since_touch"].isna().any()

    def emptied(examples: Examples) -> Examples:
        return replace(examples, X=examples.X.assign(age_days=np.nan))

    findings = findings_with(history, whole, declared, emptied)
    assert {f.column for f in findings} == {"age_days"}


def test_leads_that_differ_are_said_once(
    history: Warehouse, whole: Examples, declared: FeatureSet
) -> None:
    """Where the leads are others, no feature is compared."""

    def one_less(examples: Examples) -> Examples:
        return examples.take(np.arange(len(examples)) > 0)

    findings = findings_with(history, whole, declared, one_less)
    assert [(f.table, f.column) for f in findings] == [("leads", None)] * 2
    assert all("later rows change the past" in f.says for f in findings)


def test_an_owner_that_differs_is_said(
    history: Warehouse, whole: Examples, declared: FeatureSet
) -> None:
    """The same leads with another owner are not the same past."""

    def other_owner(examples: Examples) -> Examples:
        return replace(examples, keys=examples.keys.assign(owner="somebody"))

    findings = findings_with(history, whole, declared, other_owner)
    assert {(f.table, f.column) for f in findings} == {("leads", None)}
