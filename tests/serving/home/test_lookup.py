"""Laws of look-ups: a list is the head of the ranking, and what is not there is explained."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import pytest

from features.errors import NotFoundError
from serving.home.lookup import call_list, find_lead, why_no_score
from training.leads.score import NOT_TO_BE_CONTACTED

MOMENT = datetime(2025, 3, 31)
REPS = frozenset({"ann", "bob", "cleo"})


@pytest.fixture
def scores() -> pd.DataFrame:
    """Two owners and the pool, ranked; one lead of each must not be contacted."""
    rows = [
        ("a1", "ann", "hot"), ("a2", "ann", "cold"), ("a3", "ann", NOT_TO_BE_CONTACTED),
        ("b1", "bob", NOT_TO_BE_CONTACTED),
        ("p1", None, "warm"), ("p2", None, "cool"),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["lead_id", "rep_id", "band"])


@pytest.mark.parametrize(
    ("rep", "length", "leads"),
    [
        ("ann", 10, ["a1", "a2"]),
        ("ann", 1, ["a1"]),
        ("bob", 10, []),
        ("cleo", 10, []),
        (None, 10, ["p1", "p2"]),
        (None, 1, ["p1"]),
    ],
)
def test_a_call_list_is_the_head_of_the_ranking(
    scores: pd.DataFrame, rep: str | None, length: int, leads: list[str]
) -> None:
    """Order is kept, leads that must not be contacted are left out, None is the pool."""
    assert list(call_list(scores, rep, length, REPS)["lead_id"]) == leads


def test_an_owner_of_a_lead_is_known(scores: pd.DataFrame) -> None:
    """A rep without a row in `reps` is answered, too, if a lead belongs to the rep."""
    assert list(call_list(scores, "ann", 10, frozenset())["lead_id"]) == ["a1", "a2"]


def test_an_unknown_rep_is_named_beside_known_ones(scores: pd.DataFrame) -> None:
    """The error names some owners; without open leads some reps; without reps nobody."""
    with pytest.raises(NotFoundError, match=r"no rep has the id 'zoe'; .* for example: ann, bob$"):
        call_list(scores, "zoe", 10, REPS)
    with pytest.raises(NotFoundError, match=r"for example: ann, bob, cleo$"):
        call_list(scores.head(0), "zoe", 10, REPS)
    with pytest.raises(NotFoundError, match=r"for example: none$"):
        call_list(scores.head(0), "zoe", 10, frozenset())


def test_the_pool_may_be_empty(scores: pd.DataFrame) -> None:
    """Asking for leads without an owner is never an error."""
    owned = scores[scores["rep_id"].notna()]
    assert call_list(owned, None, 10, frozenset()).empty


def test_one_lead_is_found_by_its_id(scores: pd.DataFrame) -> None:
    """Its row comes back by column name; an unknown id is None."""
    assert find_lead(scores, "a2") == {"lead_id": "a2", "rep_id": "ann", "band": "cold"}
    assert find_lead(scores, "A2") is None
    assert find_lead(scores.head(0), "a2") is None


def lead(**changes: Any) -> dict[str, Any]:
    """Return an open lead of January."""
    born = {"created_at": datetime(2025, 1, 1), "converted_at": None, "lost_at": None}
    return born | changes


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (None, "no lead has the id 'x' in the data"),
        (
            lead(created_at=datetime(2025, 4, 1)),
            "lead 'x' was created on 2025-04-01T00:00:00Z, which is not before the as_of",
        ),
        (
            lead(converted_at=datetime(2025, 2, 1)),
            "lead 'x' was won on 2025-02-01T00:00:00Z, before the as_of 2025-03-31T00:00:00Z",
        ),
        (
            lead(lost_at=datetime(2025, 2, 2)),
            "lead 'x' was lost on 2025-02-02T00:00:00Z, before the as_of 2025-03-31T00:00:00Z",
        ),
        (
            {**lead(), "deleted_at": datetime(2025, 2, 3)},
            "lead 'x' was deleted on 2025-02-03T00:00:00Z, before the as_of 2025-03-31T00:00:00Z",
        ),
        (lead(), "lead 'x' was not open as of 2025-03-31T00:00:00Z"),
    ],
)
def test_a_missing_score_is_explained(known: dict[str, Any] | None, why: str) -> None:
    """Unknown, not created yet, won, lost and deleted are told apart."""
    assert why_no_score("x", known, MOMENT).startswith(why)


def test_the_border_is_half_open() -> None:
    """Created at the moment is too late; ended at the moment is not ended yet."""
    assert "not before the as_of" in why_no_score("x", lead(created_at=MOMENT), MOMENT)
    assert "was not open" in why_no_score("x", lead(lost_at=MOMENT), MOMENT)
