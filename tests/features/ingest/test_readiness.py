"""Laws of the verdict: what an extract supports, in words."""

from __future__ import annotations

from datetime import datetime

from features.ingest.readiness import Counts, readiness_of
from features.params import MinimumParams

NOW = datetime(2026, 1, 1)
END = datetime(2025, 1, 1)
BOTH = frozenset({"leads", "activities", "deals", "quotas", "changes", "reps", "accounts"})
FULL = Counts(BOTH, 1000, 200, 500, 5000, 400, 300, 200, END)


def test_a_full_extract_supports_both_models() -> None:
    """With all tables and enough of each, both models are possible and nothing is missed."""
    verdict = readiness_of(FULL, MinimumParams(), NOW)
    assert [(f.model, f.evidence, f.supported) for f in verdict] == [
        ("leads", "enough", True),
        ("quota", "enough", True),
    ]


def test_absent_tables_are_named_with_what_they_cost() -> None:
    """A model without its tables is not supported; another table's absence has its price."""
    verdict = readiness_of(
        Counts(frozenset({"leads", "quotas"}), 1000, data_until=END), MinimumParams(), NOW
    )
    leads, quota, *rest = verdict
    assert (leads.supported, leads.missing) == (False, ("activities",))
    assert (quota.supported, quota.missing) == (False, ("deals",))
    assert {f.missing for f in rest} == {
        ("changes",), ("reps",), ("accounts",), ("activities",), ("deals",)
    }  # fmt: skip
    assert all(f.supported for f in rest)


def test_thin_data_is_said_with_its_minimums() -> None:
    """Below a minimum the model is possible but thin, and each minimum is told."""
    thin = Counts(BOTH, 199, 40, 39, 1, 9, 100, 99, END)
    leads, quota = readiness_of(thin, MinimumParams(), NOW)
    assert leads.evidence == quota.evidence == "thin"
    assert leads.missing == (
        "199 leads, at least 200 are needed",
        "39 unconverted leads older than 30 days, at least 40 are needed",
    )
    assert quota.missing == ("99 ended quota periods of a rep, at least 100 are needed",)


def test_odd_ends_of_the_data_are_said() -> None:
    """An extract without events, without activities, or that ends in the future is told so."""
    says = [f.says for f in readiness_of(Counts(BOTH), MinimumParams(), NOW)]
    assert any("no event in the data" in s for s in says)
    assert any("`activities` has no rows" in s for s in says)
    future = Counts(BOTH, activities=1, data_until=datetime(2205, 1, 1))
    assert any("ends in the future" in f.says for f in readiness_of(future, MinimumParams(), NOW))
