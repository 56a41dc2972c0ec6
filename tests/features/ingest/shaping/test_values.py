"""Laws of single values: filters, translations, first filled ones, and ids that look alike."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend
from mapped import shaped, values

from features.errors import MappingError
from features.ingest.language.columns import Condition, IdStyle
from features.ingest.shaping.values import holds, say_failed, styled_id
from features.storage.engine import row, text

DEALS = (
    "deal_id,rep_id,created_at,stage,won,other\n"
    "1,r,2025-01-01,Closed Won,,r2\n2,,2025-01-02,Closed Lost,,r2\n3,r,2025-01-03,Proposal,,\n"
    "4,,2025-01-04,,,\n"
)


def won(backend: Backend, folder: Path, shape: str) -> list[str | None]:
    """Translate the stages of four deals."""
    mapping = f"deals: {{columns: {{won: {{column: stage, {shape}}}}}}}"
    staged = shaped(backend, folder, mapping, {"deals": DEALS}, "deals")
    return values(staged, "won")


VALUES = "values: {Closed Won: true, Closed Lost: false}"


@pytest.mark.parametrize(
    ("otherwise", "of_proposal"),
    [
        (", otherwise: empty", None),
        (", otherwise: keep", "Proposal"),
        (", default: maybe", "maybe"),
    ],
)
def test_values_are_translated(
    backend: Backend, tmp_path: Path, otherwise: str, of_proposal: str | None
) -> None:
    """A value without a translation becomes what the mapping states; an empty one stays empty."""
    expected = ["true", "false", of_proposal, None]
    assert won(backend, tmp_path, f"{VALUES}{otherwise}") == expected


def test_a_value_without_a_translation_is_refused_by_default(
    backend: Backend, tmp_path: Path
) -> None:
    """The error names file, row, column, value and how often, and the ways out."""
    with pytest.raises(MappingError) as error:
        won(backend, tmp_path, VALUES)
    said = str(error.value)
    assert "deals.columns.won.values: " in said
    assert "deals.csv, row 2, column 'stage': no translation of 'Proposal' (1 rows)" in said
    assert "otherwise: empty or keep, or a default" in said


def test_rows_that_a_filter_leaves_out_need_no_translation(
    backend: Backend, tmp_path: Path
) -> None:
    """Only rows that come in are looked at."""
    filtered = "where: {stage: {none_of: Proposal}}"
    mapping = f"deals: {{{filtered}, columns: {{won: {{column: stage, {VALUES}}}}}}}"
    staged = shaped(backend, tmp_path, mapping, {"deals": DEALS}, "deals")
    assert values(staged, "won") == ["true", "false", None]


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("{stage: [Closed Won, Closed Lost]}", ["1", "2"]),
        ("{stage: {none_of: [Closed Won, null]}}", ["2", "3"]),
        ("{rep_id: {filled: true}, stage: {none_of: Proposal}}", ["1"]),
        ("{rep_id: null}", ["2", "4"]),
        ("{other: {filled: false}}", ["3", "4"]),
    ],
)
def test_filters_keep_the_rows_where_all_holds(
    backend: Backend, tmp_path: Path, where: str, kept: list[str]
) -> None:
    """A value, a list, anything but, filled or not; an empty value is null."""
    staged = shaped(backend, tmp_path, f"deals: {{where: {where}}}", {"deals": DEALS}, "deals")
    assert values(staged, "deal_id") == kept


def test_the_first_filled_column_counts(backend: Backend, tmp_path: Path) -> None:
    """And a value may count only in rows where something holds."""
    mapping = """
deals:
  columns:
    rep_id: {first_of: [rep_id, other]}
    account_id: {column: other, where: {stage: Closed Won}}
    lead_id: {constant: l1}
    expected_close_at: null
"""
    staged = shaped(backend, tmp_path, mapping, {"deals": DEALS}, "deals")
    assert values(staged, "rep_id") == ["r", "r2", "r", None]
    assert values(staged, "account_id") == ["r2", None, None, None]
    assert values(staged, "lead_id") == ["l1"] * 4


@pytest.mark.parametrize(
    ("value", "condition", "is_met"),
    [
        ("TRUE", Condition(any_of=("true",)), True),
        ("1", Condition(any_of=("true",)), True),
        ("No", Condition(any_of=("false",)), True),
        ("true", Condition(any_of=("True",)), False),
        ("yes", Condition(none_of=("true",)), False),
        ("x", Condition(), True),
    ],
)
def test_true_and_false_match_how_exports_write_them(
    backend: Backend, value: str, condition: Condition, is_met: object
) -> None:
    """Other words are compared sign by sign."""
    query = f"SELECT {holds('v', condition)} FROM (SELECT {text(value)} AS v)"
    assert row(backend, query)[0] is is_met


def test_why_a_row_is_left_out_is_said_in_words() -> None:
    """The opposite of the condition, as a person would say it."""
    assert say_failed("a", Condition(none_of=("x",), filled=True)) == "a is x or is empty"
    assert say_failed("a", Condition(any_of=("true",))) == "a is not true"
    assert say_failed("a", Condition(any_of=("x", "y"))) == "a is neither x nor y"
    assert say_failed("a", Condition(filled=False)) == "a is filled"


ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


@settings(max_examples=50, deadline=None)
@given(short=st.text("ABCxyz019", min_size=15, max_size=15))
def test_salesforce_ids_of_15_and_18_signs_are_one(session_backend: Backend, short: str) -> None:
    """The three further signs are worked out; an id of 18 stays, and two never become one."""
    bits = [
        sum(2**i for i, sign in enumerate(short[start : start + 5]) if sign.isupper())
        for start in (0, 5, 10)
    ]
    long = short + "".join(ALPHABET[number] for number in bits)
    for written in (short, long):
        sql = styled_id(text(written), IdStyle.SALESFORCE)
        assert row(session_backend, f"SELECT {sql}")[0] == long


@pytest.mark.parametrize(
    ("style", "written", "looks"),
    [
        (IdStyle.SALESFORCE, "0035500000abcde", "0035500000abcdeAAA"),
        (IdStyle.SALESFORCE, "42", "42"),
        (IdStyle.GUID, "{8A2B-FF}", "8a2b-ff"),
        (IdStyle.LOWER, "Lead-7", "lead-7"),
        (IdStyle.AS_IS, "{Lead-7}", "{Lead-7}"),
    ],
)
def test_ids_are_made_to_look_alike(
    backend: Backend, style: IdStyle, written: str, looks: str
) -> None:
    """In the way of their kind, and no other."""
    assert row(backend, f"SELECT {styled_id(text(written), style)}")[0] == looks


def test_one_word_makes_all_ids_and_joins_alike(backend: Backend, tmp_path: Path) -> None:
    """A call finds the lead of its contact, though one table writes 15 signs and the other 18."""
    mapping = """
ids: salesforce
activities:
  table: calls
  joins: {contact: {table: contacts, keys: {who: id}}}
  columns: {type: {constant: call}, occurred_at: at, lead_id: {join: contact, column: lead}}
"""
    files = {
        "calls": "who,at\n0035500000abcde,2025-01-01\n",
        "contacts": "id,lead\n0035500000abcdeAAA,00Q5500000abcde\n",
    }
    (call,) = shaped(backend, tmp_path, mapping, files, "activities")
    assert call["lead_id"] == "00Q5500000abcdeEAA"


def test_columns_nobody_names_stay_as_attributes(backend: Backend, tmp_path: Path) -> None:
    """Under their own names, or another where ours takes it; what is dropped is nowhere."""
    mapping = """
leads:
  table: people
  drop: [Email]
  columns: {lead_id: id, created_at: made, source: null, value: {column: worth, number: {}}}
  attributes: {size: {column: staff, number: {decimal: ","}}}
"""
    files = {"people": 'id,made,source,value,worth,staff,Email\n1,2025-01-01,web,high,5,"1,5",x\n'}
    (lead,) = shaped(backend, tmp_path, mapping, files, "leads")
    assert lead == {
        "lead_id": "1",
        "created_at": "2025-01-01",
        "value": "5",
        "size": "1.5",
        "source_2": "web",
        "value_2": "high",
    }


SNAPSHOTS = (
    "account_id,day,size\na,2025-03-01,1\nb,2025-03-01,1\na,2025-03-02,2\nb,2025-03-02,5\n"
    "b,2025-03-03,6\n"
)


def test_of_a_records_states_the_last_counts(backend: Backend, tmp_path: Path) -> None:
    """What a later snapshot lacks was deleted by then; beyond a declared end nothing is seen."""
    mapping = "accounts: {latest_by: day, missing_is_deleted: true}"
    files = {"accounts": SNAPSHOTS}
    staged = shaped(backend, tmp_path, mapping, files, "accounts")
    assert values(staged, "size") == ["2", "6"]
    assert values(staged, "deleted_at") == [datetime(2025, 3, 3), None]
    until = datetime(2025, 3, 2, 12)
    staged = shaped(backend, tmp_path, mapping, files, "accounts", until)
    assert values(staged, "size") == ["2", "5"]
    assert values(staged, "deleted_at") == [None, None]


@pytest.mark.parametrize(
    ("period", "written", "bounds"),
    [
        ("{month: m, year: y}", "März,2025", ("2025-03-01", "2025-04-01")),
        ("{month: m, year: m}", "Dec 2025,", ("2025-12-01", "2026-01-01")),
        ("{month: m, year: 2024}", "2,", ("2024-02-01", "2024-03-01")),
        ("{quarter: m, year: y}", "Q4,FY 2025", ("2025-10-01", "2026-01-01")),
        ("{start: m, months: 3}", "2025-01-01,", ("2025-01-01", "2025-04-01")),
        (
            "{start: {column: m, day_first: true}, days: 7}",
            "03/04/2025,",
            ("2025-04-03", "2025-04-10"),
        ),
        (
            "{month: m, year: y}",
            "Smarch,2025",
            ("Smarch 2025 (no period", "Smarch 2025 (no period"),
        ),
    ],
)
def test_periods_are_months_quarters_or_starts(
    backend: Backend, tmp_path: Path, period: str, written: str, bounds: tuple[str, str]
) -> None:
    """The end is exclusive; what is no period keeps its words, and its row will be set aside."""
    mapping = f"quotas: {{table: q, period: {period}}}"
    (quota,) = shaped(
        backend, tmp_path, mapping, {"q": f"rep_id,m,y,amount\nr,{written},5\n"}, "quotas"
    )
    assert quota["period_start"].startswith(bounds[0])
    assert quota["period_end"].startswith(bounds[1])


def test_a_period_begins_on_the_clock_of_its_zone(backend: Backend, tmp_path: Path) -> None:
    """March in Berlin begins in winter time and ends in summer time."""
    mapping = "quotas: {table: q, timezone: Europe/Berlin, period: {month: m, year: y}}"
    files = {"q": "rep_id,m,y,amount\nr,3,2025,5\n"}
    (quota,) = shaped(backend, tmp_path, mapping, files, "quotas")
    assert quota["period_start"] == "2025-02-28 23:00:00.000000Z"
    assert quota["period_end"] == "2025-03-31 22:00:00.000000Z"
