"""Laws of what an exported row says: owner by owner, rounded as people read, and never cut."""

from __future__ import annotations

import csv
import io
import json
from random import Random
from typing import Any

import pandas as pd
import pytest

from serving.export.cells import neutralised
from serving.export.formats import FORMATS, LeadFormat
from serving.export.leads import LONGEST, lead_file, reasons_in_words

ZOHO = FORMATS["zoho"]


def seeded(seed: int) -> Random:
    """Draw what the seed says."""
    return Random(seed)  # noqa: S311 - no secret


def reasons(*points: float, label: str = "calls") -> str:
    """Reasons as `score` writes them."""
    items = [{"label": f"{label} {k}", "value": "so", "points": p} for k, p in enumerate(points)]
    return json.dumps({"items": items})


def scores(*rows: tuple[str, str | None, int | None], **odd: Any) -> pd.DataFrame:
    """Scores of leads with these owners and ranks."""
    plain: dict[str, Any] = {
        "as_of": pd.Timestamp("2026-05-20T08:09:10"), "score": 12.34, "band": "warm",
        "reasons": reasons(3.0),
    }  # fmt: skip
    table = pd.DataFrame(rows, columns=["lead_id", "rep_id", "rank"])
    return table.astype({"rank": "Int64"}).assign(**(plain | odd))


def written(table: pd.DataFrame, shape: LeadFormat = ZOHO) -> list[dict[str, str]]:
    """Return the rows of the file as an importer reads them."""
    return list(csv.DictReader(io.StringIO(lead_file(table, shape).text, newline="")))


@pytest.mark.parametrize("seed", range(15))
def test_owners_follow_each_other_and_the_next_call_comes_first(seed: int) -> None:
    """In any order of scores; whom nobody may call comes last, leads of nobody at the end."""
    chance = seeded(seed)
    rows = [
        (f"L{place:02}", owner, None if chance.random() < 0.2 else place)
        for place, owner in enumerate(chance.choices(["a", "b", None], k=30))
    ]
    chance.shuffle(rows)
    owner_of, rank_of = ({row[0]: row[at] for row in rows} for at in (1, 2))
    ids = [row[ZOHO.id] for row in written(scores(*rows))]
    assert sorted(ids) == sorted(owner_of)

    def key(lead: str) -> tuple[bool, str, bool, int, str]:
        owner, rank = owner_of[lead], rank_of[lead]
        return owner is None, str(owner), rank is None, int(rank or 0), lead

    assert ids == sorted(ids, key=key)


@pytest.mark.parametrize(("score", "shown"), [(0.04, "0.0"), (12.35, "12.3"), (99.96, "100.0")])
def test_a_score_has_one_digit(score: float, shown: str) -> None:
    """With a point, in every country, because importers read it."""
    (row,) = written(scores(("L", "a", 1), score=score))
    assert row[ZOHO.score] == shown


@pytest.mark.parametrize(("name", "moment"), [
    ("salesforce", "2026-05-20T08:09:10Z"), ("hubspot", "2026-05-20"),
    ("pipedrive", "2026-05-20 08:09:10"), ("dynamics", "2026-05-20T08:09:10Z"),
    ("zoho", "2026-05-20 08:09:10"), ("plain", "2026-05-20T08:09:10Z"),
])  # fmt: skip
def test_each_crm_gets_its_own_form_of_the_moment(name: str, moment: str) -> None:
    """And each of them is tried here."""
    shape = FORMATS[name]
    (row,) = written(scores(("L", "a", 1)), shape)
    assert row[shape.as_of] == moment
    assert len(FORMATS) == 6


def test_no_leads_are_a_header() -> None:
    """An importer meets a file that it can read, with nothing in it."""
    file = lead_file(scores(), ZOHO)
    assert (file.leads, file.changed_ids) == (0, ())
    assert file.text.count("\r\n") == 1
    assert written(scores()) == []


def test_an_id_that_would_be_a_formula_is_reported() -> None:
    """It is made harmless, and whoever exports learns which lead the importer will not find."""
    file = lead_file(scores(("=1", "a", 1), ("ok", "a", 2), ("+49", "b", 1)), ZOHO)
    assert (file.leads, file.changed_ids) == (3, ("=1", "+49"))


@pytest.mark.parametrize("seed", range(20))
def test_reasons_are_the_strongest_and_whole(seed: int) -> None:
    """Falling in strength whatever their sign; those that round to nothing are left out."""
    chance = seeded(seed)
    points = [round(chance.uniform(-9, 9), 2) for _ in range(chance.randrange(8))]
    said = reasons_in_words(reasons(*points))
    shown = [part for part in said.split("; ") if part]
    strong = sorted((p for p in points if round(p)), key=lambda p: -abs(p))
    assert [part.rpartition("(")[2].rstrip(")") for part in shown] == [f"{p:+.0f}" for p in strong]


@pytest.mark.parametrize("longest", [0, 10, 30, 60, LONGEST])
@pytest.mark.parametrize("seed", range(5))
def test_no_reason_is_cut_in_the_middle(seed: int, longest: int) -> None:
    """However little room there is, each reason that stands is one of those without a limit."""
    chance = seeded(seed)
    text = reasons(*(chance.uniform(1, 9) for _ in range(6)), label="x" * chance.randrange(20))
    said = reasons_in_words(text, longest)
    whole = reasons_in_words(text, 10_000).split("; ")
    assert len(said) <= longest
    assert set(filter(None, said.split("; "))) <= set(whole)


@pytest.mark.parametrize("text", ["", "a=b", "2-1", "mail@x.org", "'=1", "ärger"])
def test_plain_texts_are_left_alone(text: str) -> None:
    """Signs within a text begin no formula."""
    assert neutralised(text) == text
