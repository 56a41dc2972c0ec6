"""What is read off an extract: frequent categories, stages in order, columns known at creation."""

from __future__ import annotations

import json
from itertools import permutations, product
from typing import Any

import pyarrow as pa
import pytest
from by_hand import Opened, day, deal
from extract import Row, change, lead, touch

from features.definitions.deal import deal_features
from features.definitions.lead import lead_features
from features.errors import InputError
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


def test_a_column_with_a_history_is_read_as_it_was_shown_last(opened: Opened) -> None:
    """Of visible leads, what is visible: not the own column, nor what comes after the end."""
    leads = [lead(name, day(0)) for name in "xyz"] + [lead("late", day(1000))]
    changes = [
        change("x", day(0), "source", "web"),
        change("x", day(5), "source", "fair"),
        change("y", day(0), "source", "fair"),
        change("y", day(1000), "source", "phone"),
        change("z", day(0), "source", "mail"),
        change("z", day(5), "source", None),
        change("late", day(5), "source", "letter"),
    ]
    histories = ["lead source"]
    vocabulary = read(opened, leads=leads, changes=changes, histories=histories)
    assert vocabulary.columns["leads.source"] == ("fair",)
    # Snapshots of the past show earlier values, so that the field has them too.
    assert vocabulary.fields["source"] == ("fair", "mail", "web")


def test_reps_are_met_by_visible_handovers(opened: Opened) -> None:
    """A rep who is given a lead or a deal after the end only is not met."""
    reps: list[Row] = [{"rep_id": name, "team": f"team {name}"} for name in "abcd"]
    tables: dict[str, Any] = {
        "leads": [lead("x", day(0))],
        "deals": [deal("d", rep_id=None)],
        "reps": reps,
        "changes": [
            change("x", day(1), "rep_id", "a"),
            change("x", day(2), "rep_id", "b"),
            change("x", day(1000), "rep_id", "d"),
            change("d", day(1), "rep_id", "c", "deal"),
        ],
        "histories": ["lead rep_id", "deal rep_id"],
    }
    for subject, teams in ((LEAD, "ab"), (DEAL, "c"), (REP, "c")):
        columns = read(opened, subject=subject, **tables).columns
        assert columns["reps.team"] == tuple(f"team {name}" for name in teams)


def test_accounts_and_leads_are_met_as_of_the_end(opened: Opened) -> None:
    """By the account of a lead, and the lead and account of a deal, that were shown last."""
    params = FeatureParams(min_count=1, known_at_creation=("accounts.city",))
    tables: dict[str, Any] = {
        "leads": [lead("x", day(0), source="web"), lead("y", day(0), source="fair")],
        "deals": [deal("d")],
        "accounts": [{"account_id": "A", "city": "Bonn"}, {"account_id": "B", "city": "Ulm"}],
        "changes": [
            change(entity, day(at), field, value, kind)
            for entity, kind in (("x", "lead"), ("d", "deal"))
            for field, values in (("account_id", "AB"), ("lead_id", "yx"))
            for at, value in zip((1, 5), values, strict=True)
        ],
        "attributes": {"accounts": {"city": pa.string()}},
        "histories": ["lead account_id", "deal account_id", "deal lead_id"],
    }
    assert read(opened, params, **tables).columns["accounts.city"] == ("Ulm",)
    columns = read(opened, params, DEAL, **tables).columns
    assert columns["accounts.city"] == ("Ulm",)
    assert columns["leads.source"] == ("web",)


def test_a_column_is_a_feature_only_if_a_value_is_filled(opened: Opened) -> None:
    """Whatever its type in the file; dates are none, and yes or no is a number."""
    named = ("leads.empty", "leads.flag", "leads.word", "leads.due", "leads.score")
    params = FeatureParams(min_count=1, known_at_creation=named)
    typed = {
        "empty": pa.float64(),
        "flag": pa.bool_(),
        "word": pa.string(),
        "due": pa.timestamp("us"),
        "score": pa.int32(),
    }
    rows = [
        {"flag": True, "word": "a", "due": day(3), "score": 7},
        {"flag": False, "word": "1", "due": None, "score": None},
    ]
    as_text = [{**row, "flag": str(row["flag"]).lower()} for row in rows]
    as_text[0] |= {"due": "2024-01-04", "score": "7"}
    for values, types in ((rows, typed), (as_text, dict.fromkeys(typed, pa.string()))):
        leads = [{**lead(f"L{n}", day(0)), **row} for n, row in enumerate(values)]
        vocabulary = read(opened, params, leads=leads, attributes={"leads": types})
        assert dict(vocabulary.columns) == {
            "leads.flag": None,
            "leads.score": None,
            "leads.word": ("1", "a"),
        }


def test_a_field_of_moments_is_no_feature(opened: Opened) -> None:
    """Nor is one that is always empty."""
    changes = [
        change("x", day(1), "renewal", "2024-05-01"),
        change("x", day(1), "note", None),
        change("x", day(1), "approved", "true"),
    ]
    vocabulary = read(opened, leads=[lead("x", day(0))], changes=changes)
    assert dict(vocabulary.fields) == {"approved": None}


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


MIXED = [
    lead(f"l{number}", day(0), gender=gender, size=size, code=gender)
    for number, (gender, size) in enumerate([("male", "S"), ("female", "L"), ("male", None)])
]
TYPES = {
    "leads": dict.fromkeys(["gender", "size", "code"], pa.string()) | {"staff": pa.float64()},
    "activities": dict.fromkeys(["score", "cost"], pa.float64()),
}
NAMED = {"known_at_creation": ("leads.gender", "leads.size", "leads.code")}


def test_protected_attributes_are_no_features_unless_a_reason_is_named(opened: Opened) -> None:
    """By name and by value, as columns and as fields with a history, of leads, deals and reps."""
    rows = {
        "leads": MIXED,
        "changes": [
            change("l0", day(1), "religion", "x"),
            change("l1", day(1), "group", "married"),
            change("l2", day(1), "group", "divorced"),
            change("l2", day(1), "grade", "a"),
        ],
    }
    params = FeatureParams(min_count=1, **NAMED)
    vocabulary = read(opened, params, attributes=TYPES, **rows)
    assert "leads.size" in vocabulary.columns
    assert not {"leads.gender", "leads.code"} & vocabulary.columns.keys()
    assert vocabulary.fields.keys() == {"grade"}
    allowed = {"leads.code": "the works council agreed", "leads.group": "the same"}
    params = FeatureParams(min_count=1, allow_protected=allowed, **NAMED)
    vocabulary = read(opened, params, attributes=TYPES, **rows)
    assert {"leads.code", "leads.size"} <= vocabulary.columns.keys()
    assert "leads.gender" not in vocabulary.columns
    assert vocabulary.fields.keys() == {"grade", "group"}


def test_what_is_excluded_is_no_feature(opened: Opened) -> None:
    """A column, a field with a history, and a number of activities."""
    excluded = dict.fromkeys(["leads.size", "leads.grade", "activities.score"], "filled late")
    vocabulary = read(
        opened,
        FeatureParams(min_count=1, exclude=excluded, **NAMED),
        leads=MIXED,
        attributes=TYPES,
        changes=[change("l2", day(1), "grade", "a")],
        activities=[touch("l0", day(1), "call", score=3.0, cost=2.0)],
    )
    assert "leads.size" not in vocabulary.columns
    assert vocabulary.fields == {}
    assert vocabulary.numbers == ("cost",)


def test_an_empty_value_counts_as_the_settings_say(opened: Opened) -> None:
    """The word is a category like any other, survives the bundle, and a number must be one."""
    params = FeatureParams(min_count=1, empty_values={"leads.size": "none given"}, **NAMED)
    vocabulary = read(opened, params, leads=MIXED, attributes=TYPES)
    assert vocabulary.columns["leads.size"] == ("L", "S", "none given")
    assert Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json()))) == vocabulary
    numbers = [lead("x", day(0), staff=3.0), lead("y", day(0), staff=None)]
    wrong = FeatureParams(
        min_count=1,
        known_at_creation=("leads.staff",),
        empty_values={"leads.staff": "few"},
    )
    with pytest.raises(InputError, match="staff holds numbers"):
        read(opened, wrong, leads=numbers, attributes=TYPES)


@pytest.mark.parametrize("subject", [LEAD, DEAL])
def test_a_bundle_declares_what_its_model_learned_from(subject: Subject) -> None:
    """However often fields and columns are met, what a file gives back has the same features."""
    declare = {LEAD: lead_features, DEAL: deal_features}[subject]
    fields = {"Stage": ("new", "old"), "Owner": ("ann",), "budget": None}
    columns = {f"{subject.table}.size": None, "accounts.industry": ("food", "toys")}
    orders = permutations(fields), permutations(columns)
    declared = [
        declare(
            Vocabulary(
                types=("call",),
                fields={name: fields[name] for name in some},
                columns={name: columns[name] for name in others},
            ),
            ALL,
        )
        for some, others in product(*orders)
    ]
    written = json.dumps(
        Vocabulary(("call",), fields=fields, columns=columns).to_json(), sort_keys=True
    )
    declared.append(declare(Vocabulary.from_json(json.loads(written)), ALL))
    assert len({tuple(each.names) for each in declared}) == 1
    assert len({each.fingerprint for each in declared}) == 1
