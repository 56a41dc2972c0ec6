"""What is read off an extract: frequent categories, stages in order, columns known at creation."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from by_hand import Opened, day, deal
from extract import Row, change, lead, touch

from features.history.vocabulary import Vocabulary, read_vocabulary
from features.params import FeatureParams
from features.subjects import DEAL, LEAD, REP, Subject

ALL = FeatureParams(min_count=1)


def read(
    opened: Opened, params: FeatureParams = ALL, subject: Subject = LEAD, **tables: Any
) -> Vocabulary:
    """Read the vocabulary of a few rows."""
    with opened(**tables) as warehouse:
        return read_vocabulary(warehouse.until(None), params, subject)


TOUCHES = [
    touch("x", day(number), kind, direction=direction, outcome=outcome)
    for number, (kind, direction, outcome) in enumerate(
        [
            ("mail", "out", None),
            ("call", "out", "reached"),
            ("call", "in", "reached"),
            ("mail", None, None),
            ("visit", None, "no answer"),
            ("call", "out", None),
        ]
    )
]


def test_categories_come_by_how_often_they_occur(opened: Opened) -> None:
    """Ties by name; what is empty is no category."""
    vocabulary = read(opened, leads=[lead("x", day(0))], activities=TOUCHES)
    assert vocabulary.types == ("call", "mail", "visit")
    assert vocabulary.directions == ("out", "in")
    assert vocabulary.outcomes == ("reached", "no answer")


def test_the_rare_and_the_too_many_are_left_out(opened: Opened) -> None:
    """A category must occur often enough, and only so many are kept."""
    tables = {"leads": [lead("x", day(0))], "activities": TOUCHES}
    assert read(opened, FeatureParams(min_count=2), **tables).types == ("call", "mail")
    assert read(opened, FeatureParams(min_count=1, max_types=1), **tables).types == ("call",)


def test_only_what_is_visible_is_read(opened: Opened) -> None:
    """Rows at the extract's end or shown after it have no say."""
    rows = [*TOUCHES, touch("x", day(1000), "late"), touch("x", day(5), "late", known_at=day(1000))]
    assert "late" not in read(opened, leads=[lead("x", day(0))], activities=rows).types


def test_activities_of_something_else_have_no_say(opened: Opened) -> None:
    """What happened with a deal is not the vocabulary of leads."""
    rows = [{**TOUCHES[0], "lead_id": None, "deal_id": "d", "type": "contract"}, *TOUCHES]
    tables = {"leads": [lead("x", day(0))], "deals": [deal("d")], "activities": rows}
    assert "contract" not in read(opened, **tables).types
    assert read(opened, subject=DEAL, **tables).types == ("contract",)


def test_stages_stand_in_the_order_in_which_they_are_reached(opened: Opened) -> None:
    """By the mean time from creation to the first time in a stage; ties by name."""
    rows = [
        change("x", day(1), "stage", "new"),
        change("x", day(9), "stage", "offer"),
        change("x", day(12), "stage", "new"),
        change("y", day(3), "stage", "offer"),
        change("y", day(2), "stage", "talk"),
        change("y", day(2), "stage", "meet"),
    ]
    leads = [lead("x", day(0)), lead("y", day(0))]
    # new: day 1; offer: days 9 and 3, in the mean 6; talk and meet: day 2.
    assert read(opened, leads=leads, changes=rows).stages == ("new", "meet", "talk", "offer")


def test_deals_and_reps_go_by_the_stages_of_deals(opened: Opened) -> None:
    """A lead's stages are other ones."""
    rows = [change("x", day(1), "stage", "new"), change("d", day(1), "stage", "offer", "deal")]
    tables = {"leads": [lead("x", day(0))], "deals": [deal("d")], "changes": rows}
    for subject, stages in ((LEAD, ("new",)), (DEAL, ("offer",)), (REP, ("offer",))):
        assert read(opened, subject=subject, **tables).stages == stages


def test_fields_with_a_history_are_numbers_or_categories(opened: Opened) -> None:
    """Numbers if every filled value is one; stage and owner have features of their own."""
    rows = [
        change("x", day(1), "budget", "10"),
        change("x", day(2), "budget", None),
        change("x", day(1), "size", "10"),
        change("x", day(2), "size", "large"),
        change("x", day(1), "stage", "new"),
        change("x", day(1), "rep_id", "a"),
    ]
    vocabulary = read(opened, leads=[lead("x", day(0))], changes=rows)
    assert dict(vocabulary.fields) == {"budget": None, "size": ("10", "large")}
    assert vocabulary.field_columns == {"field__0": "budget", "field__1": "size"}


REPS: list[Row] = [
    {"rep_id": "a", "team": "red", "hired_at": day(1)},
    {"rep_id": "b", "team": "blue", "hired_at": day(1000)},
    {"rep_id": "c", "team": "green"},
]


def test_columns_known_at_creation_are_read_as_visible_rows_meet_them(opened: Opened) -> None:
    """A rep hired after the end, and one whom no row names, are not met."""
    leads = [lead("x", day(0), rep_id="a", source="web", value=10.0), lead("y", day(0), rep_id="b")]
    vocabulary = read(opened, leads=leads, reps=REPS)
    assert vocabulary.columns["reps.team"] == ("red",)
    assert vocabulary.columns["leads.source"] == ("web",)
    assert vocabulary.columns["leads.value"] is None
    assert "leads.lead_id" not in vocabulary.columns
    assert "leads.created_at" not in vocabulary.columns
    assert vocabulary.columns_of("reps") == {"reps__team": "team"}


def test_accounts_count_as_often_as_leads_name_them(opened: Opened) -> None:
    """One account of three leads outweighs two of one lead each; one that no lead names is out."""
    accounts = [
        {"account_id": f"A{n}", "city": city}
        for n, city in enumerate(("Bonn", "Ulm", "Ulm", "Kiel"))
    ]
    leads = [
        lead(f"L{n}", day(0), account_id=f"A{place}") for n, place in enumerate((0, 0, 0, 1, 2))
    ]
    params = FeatureParams(min_count=1, known_at_creation=("accounts.city", "leads.unknown"))
    attributes = {"accounts": {"city": pa.string()}}
    vocabulary = read(opened, params, leads=leads, accounts=accounts, attributes=attributes)
    assert vocabulary.columns["accounts.city"] == ("Bonn", "Ulm")
    assert "leads.unknown" not in vocabulary.columns


def test_a_column_that_would_hide_the_cutoff_is_left_out(opened: Opened) -> None:
    """Whatever its case: the name is taken."""
    params = FeatureParams(min_count=1, known_at_creation=("leads.Cutoff", "leads.colour"))
    attributes = {"leads": {"Cutoff": pa.string(), "colour": pa.string()}}
    leads = [{**lead("x", day(0)), "Cutoff": "last", "colour": "red"}]
    vocabulary = read(opened, params, leads=leads, attributes=attributes)
    assert "leads.Cutoff" not in vocabulary.columns
    assert vocabulary.columns["leads.colour"] == ("red",)


def test_a_point_in_a_name_is_not_a_border() -> None:
    """Relations name the column without points, and find it by its own name."""
    vocabulary = Vocabulary(columns={"leads.web.source": None, "accounts.city": ("Bonn",)})
    assert vocabulary.columns_of("leads") == {"leads__web__source": "web.source"}
    assert vocabulary.columns_of("accounts") == {"accounts__city": "city"}
    assert vocabulary.columns_of("reps") == {}


@pytest.mark.parametrize("subject", [LEAD, DEAL, REP], ids=lambda subject: subject.kind)
def test_an_empty_extract_has_an_empty_vocabulary(opened: Opened, subject: Subject) -> None:
    """Nothing is listed in the code."""
    vocabulary = read(opened, subject=subject, leads=[], activities=[])
    assert not any(vars(vocabulary)[name] for name in ("types", "directions", "outcomes", "stages"))
    assert not vocabulary.fields
    assert all(categories is None for categories in vocabulary.columns.values())


def test_a_vocabulary_comes_back_from_its_file(opened: Opened) -> None:
    """As JSON and back: equal, order and all."""
    changes = [change("x", day(1), "stage", "new"), change("x", day(1), "size", "10")]
    leads = [lead("x", day(0), source="web")]
    vocabulary = read(opened, leads=leads, activities=TOUCHES, changes=changes)
    assert Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json()))) == vocabulary


def test_a_vocabulary_cannot_be_changed() -> None:
    """Features are declared with it once; a bundle keeps it as it was."""
    frozen = Vocabulary(fields={"size": ("10",)})
    with pytest.raises(TypeError, match="does not support item assignment"):
        frozen.fields["size"] = ("11",)  # type: ignore[index]
