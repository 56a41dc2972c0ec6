"""Laws of the verdict: what an extract supports, in words."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime, timedelta
from random import Random

import pytest

from features.evidence import EvidenceState
from features.ingest.readiness import NEEDS, Counts, Readiness, readiness_of
from features.params import MinimumParams
from features.tables import TABLES

NOW = datetime(2026, 1, 1)
END = datetime(2025, 1, 1)
BOTH = frozenset({"leads", "activities", "deals", "quotas", "changes", "reps", "accounts"})
FULL = Counts(BOTH, 1000, 200, 500, 5000, 400, 300, 200, END)
MINIMUM = MinimumParams()
NEEDED = (
    ("leads", "leads", MINIMUM.leads),
    ("leads", "converted", MINIMUM.converted),
    ("leads", "unconverted", MINIMUM.unconverted),
    ("quota", "won", MINIMUM.won),
    ("quota", "periods", MINIMUM.periods),
)
"""The model, the count it needs, and how many of it."""


def verdict(counts: Counts) -> tuple[Readiness, ...]:
    """Return the verdict by the default minimums."""
    return readiness_of(counts, MINIMUM, NOW)


def of_model(model: str, counts: Counts) -> Readiness:
    """Return what the verdict says of a model."""
    (statement,) = (statement for statement in verdict(counts) if statement.model == model)
    return statement


# Models.


def test_a_full_extract_supports_both_models() -> None:
    """With all tables and enough of each, both models are possible and there is no gap."""
    assert [(s.model, s.evidence, s.supported) for s in verdict(FULL)] == [
        ("leads", EvidenceState.ENOUGH, True),
        ("quota", EvidenceState.ENOUGH, True),
    ]
    assert verdict(FULL)[0].says == (
        "lead conversion: possible (1,000 leads, 200 conversions, "
        "500 unconverted leads older than 30 days)"
    )


@pytest.mark.parametrize(("model", "count", "needed"), NEEDED)
def test_exactly_the_minimum_is_enough_and_one_less_is_thin(
    model: str, count: str, needed: int
) -> None:
    """Each count has its own minimum, which names itself where it is missed."""
    enough = of_model(model, replace(FULL, **{count: needed}))
    assert (enough.evidence, enough.missing) == (EvidenceState.ENOUGH, ())
    thin = of_model(model, replace(FULL, **{count: needed - 1}))
    assert (thin.evidence, thin.supported) == (EvidenceState.THIN, True)
    (missing,) = thin.missing
    assert missing.startswith(f"{needed - 1} ")
    assert missing.endswith(f"at least {needed} are needed")
    assert missing in thin.says


def test_every_minimum_that_is_missed_is_named() -> None:
    """Whoever delivers more data learns at once what is short."""
    thin = Counts(BOTH, 199, 40, 39, 1, 9, 100, 99, END)
    leads, quota = verdict(thin)
    assert leads.missing == (
        "199 leads, at least 200 are needed",
        "39 unconverted leads older than 30 days, at least 40 are needed",
    )
    assert quota.missing == ("99 ended quota periods of a rep, at least 100 are needed",)


@pytest.mark.parametrize("model", NEEDS)
def test_a_model_without_one_of_its_tables_is_not_supported(model: str) -> None:
    """However much there is of the rest, there is no evidence, and the table is named."""
    for table in NEEDS[model]:  # type: ignore[index] # its keys are the models
        statement = of_model(model, replace(FULL, present=BOTH - {table}))
        assert (statement.evidence, statement.supported) == (EvidenceState.NONE, False)
        assert statement.missing == (table,)
        assert f"not possible without `{table}`" in statement.says


@pytest.mark.parametrize("seed", range(5))
def test_more_data_never_weakens_a_model(seed: int) -> None:
    """Whatever the counts, a further table or a larger count leaves evidence as strong or more."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    order = list(EvidenceState)
    numbers = [field.name for field in fields(Counts) if field.type == "int"]
    for _ in range(50):
        present = frozenset(rng.sample(sorted(BOTH), rng.randrange(8)))
        fewer = Counts(present, **{n: rng.randrange(300) for n in numbers}, data_until=END)
        grown = rng.choice(numbers)
        more = replace(
            fewer,
            present=present | {rng.choice(sorted(BOTH))},
            **{grown: getattr(fewer, grown) + rng.randrange(300)},
        )
        for model in NEEDS:
            before, after = of_model(model, fewer), of_model(model, more)
            assert order.index(before.evidence) <= order.index(after.evidence)


# Gaps.


def test_every_absent_table_has_its_price() -> None:
    """Each table of the schema that is not there is one statement; none stops the rest."""
    statements = [s for s in verdict(Counts(frozenset(), data_until=END)) if s.model is None]
    assert {s.missing for s in statements} == {(name,) for name in TABLES}
    assert all(s.supported and s.evidence is EvidenceState.NONE for s in statements)
    assert all(s.says.startswith(f"no `{s.missing[0]}`: ") for s in statements)


def test_absent_tables_and_models_without_them_are_named_apart() -> None:
    """A missing table shows twice: the model that cannot be had, and what it costs the rest."""
    leads, quota, *gaps = verdict(Counts(frozenset({"leads", "quotas"}), 1000, data_until=END))
    assert (leads.supported, leads.missing) == (False, ("activities",))
    assert (quota.supported, quota.missing) == (False, ("deals",))
    assert {gap.missing for gap in gaps} == {
        ("changes",), ("reps",), ("accounts",), ("activities",), ("deals",)
    }  # fmt: skip


def test_activities_without_rows_are_a_gap_but_no_missing_table() -> None:
    """The model is not refused for it: leads are known by their creation."""
    *_, gap = verdict(replace(FULL, activities=0))
    assert gap.evidence is EvidenceState.THIN
    assert "`activities` has no rows" in gap.says
    assert of_model("leads", replace(FULL, activities=0)).evidence is EvidenceState.ENOUGH


def test_data_without_an_event_teaches_nothing() -> None:
    """An extract of which nothing says when it ends is of no use to any model."""
    *_, gap = verdict(replace(FULL, data_until=None))
    assert (gap.evidence, gap.model) == (EvidenceState.NONE, None)
    assert "no event in the data" in gap.says


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(microseconds=1)])
def test_data_that_ends_after_the_present_is_doubted(ahead: timedelta) -> None:
    """The present itself is no future; a microsecond more is, and the remedy is named."""
    gaps = [s for s in verdict(replace(FULL, data_until=NOW + ahead)) if s.model is None]
    assert bool(gaps) == bool(ahead)
    assert all("ends in the future, at 2026-01-01 00:00" in gap.says for gap in gaps)
    assert all("--data-until" in gap.says for gap in gaps)
