"""Laws of rows from several tables: each row comes in once, and no join makes two of one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from mapped import column, load, quarantined, rows

from features.errors import MappingError, TableError

CALLS = (
    "id,contact,at,who\n1,c1,2025-01-05 10:00,r1\n2,c2,2025-01-06 11:00,r2\n3,c9,2025-01-07,r1\n"
)
MAILS = "id,lead,sent\nm1,l1,2025-01-05 12:00\nm2,l2,\n"
CONTACTS = "id,lead,industry,since\nc1,l1,food,2025-01-01\nc2,l2,steel,2025-01-06 11:30\n"
UNION = """
activities:
  union:
    - table: calls
      joins: {contact: {table: contacts, keys: {contact: id}}}
      columns: {activity_id: id, type: {constant: call}, occurred_at: at, rep_id: who,
                lead_id: {join: contact, column: lead}}
    - table: mails
      columns: {activity_id: id, type: {constant: email}, occurred_at: sent, lead_id: lead}
"""


def test_several_tables_become_one(tmp_path: Path) -> None:
    """Each part brings its rows with its own columns and constants; all rows are accounted for."""
    report = load(tmp_path, UNION, {"calls": CALLS, "mails": MAILS, "contacts": CONTACTS})
    activities = {row["activity_id"]: row for row in rows(tmp_path, "activities")}
    assert {key: row["type"] for key, row in activities.items()} == {
        "1": "call",
        "2": "call",
        "3": "call",
        "m1": "email",
    }
    assert [activities[key]["lead_id"] for key in ("1", "2", "3", "m1")] == ["l1", "l2", None, "l1"]
    table = report.tables["activities"]
    assert (table.read, table.accepted, table.quarantined) == (5, 4, 1)
    assert any(said.startswith("3 of 3 rows of ") for said in table.matched)


def test_a_row_set_aside_names_its_file_and_its_row_there(tmp_path: Path) -> None:
    """The quarantine says which file a row of a union comes from, and where it stands there."""
    load(tmp_path, UNION, {"calls": CALLS, "mails": MAILS, "contacts": CONTACTS})
    (row,) = quarantined(tmp_path, "activities")
    assert row["source_table"].endswith("mails.csv")
    assert (row["row_in_source_table"], row["source_row"]) == ("1", 4)
    assert "occurred_at" in row["reason"]


def test_a_join_that_would_multiply_rows_is_refused(tmp_path: Path) -> None:
    """A key that the joined table holds twice is named, with its rows and the ways out."""
    files = {"calls": CALLS, "mails": MAILS, "contacts": f"{CONTACTS}c1,l5,food,2025-02-01\n"}
    with pytest.raises(MappingError) as error:
        load(tmp_path, UNION, files)
    said = str(error.value)
    assert "activities.union[0].joins.contact" in said
    assert "holds id = c1 in 2 rows, 0 and 2 among them" in said
    assert "first_by or known_at" in said


def test_the_first_of_several_may_be_stated(tmp_path: Path) -> None:
    """With first_by the lowest value decides, as a number: 9 lies before 10."""
    mapping = UNION.replace("keys: {contact: id}", "keys: {contact: id}, first_by: place")
    contacts = "id,lead,place\nc1,l10,10\nc1,l9,9\nc2,l2,1\n"
    load(tmp_path, mapping, {"calls": CALLS, "mails": MAILS, "contacts": contacts})
    leads = {row["activity_id"]: row["lead_id"] for row in rows(tmp_path, "activities")}
    assert leads["1"] == "l9"


def test_a_join_may_bring_only_what_was_known_at_the_time(tmp_path: Path) -> None:
    """A value that can change needs the moment since when it was known, and none comes earlier."""
    outcome = UNION.replace(
        "lead_id: {join: contact",
        "outcome: {join: contact, column: industry}, lead_id: {join: contact",
    )
    files = {"calls": CALLS, "mails": MAILS, "contacts": CONTACTS}
    with pytest.raises(MappingError, match="may bring a value that came later than the row"):
        load(tmp_path, outcome, files)
    load(tmp_path, outcome.replace("{contact: id}", "{contact: id}, known_at: since"), files)
    known = {row["activity_id"]: row["outcome"] for row in rows(tmp_path, "activities")}
    # The contact of call 2 was known half an hour after it.
    assert known == {"1": "food", "2": None, "3": None, "m1": None}


def test_of_several_states_the_last_known_one_counts(tmp_path: Path) -> None:
    """Beside known_at a key may occur often: each row meets the state of its own moment."""
    mapping = UNION.replace("{contact: id}", "{contact: id}, known_at: since")
    contacts = "id,lead,since\nc1,old,2024-01-01\nc1,new,2025-01-05 10:00\nc1,later,2025-02-01\n"
    load(tmp_path, mapping, {"calls": CALLS, "mails": MAILS, "contacts": contacts})
    leads = {row["activity_id"]: row["lead_id"] for row in rows(tmp_path, "activities")}
    assert leads["1"] == "new"


def test_a_join_may_leave_rows_of_its_table_out(tmp_path: Path) -> None:
    """What a row must hold may change too, so that it is to be fixed, or known by then."""
    contacts = "id,lead,kind,since\nc1,other,copy,2024-01-01\nc1,l1,main,2024-01-01\n"
    files = {"calls": CALLS, "mails": MAILS, "contacts": contacts}
    filtered = UNION.replace("keys: {contact: id}", "keys: {contact: id}, where: {kind: main}")
    with pytest.raises(MappingError, match=r"joins.contact.where: .* may bring a value that came"):
        load(tmp_path, filtered, files)
    for lawful in ("fixed: true", "known_at: since"):
        load(tmp_path, filtered.replace("where:", f"{lawful}, where:"), files)
        leads = {row["activity_id"]: row["lead_id"] for row in rows(tmp_path, "activities")}
        assert leads["1"] == "l1"
    beyond = filtered.replace("kind: main", "kind: {any_of: main, join: contact}, fixed: true")
    beyond = beyond.replace(", fixed: true}", "}, fixed: true")
    with pytest.raises(MappingError, match="asks the joined table's own columns"):
        load(tmp_path, beyond, files)


def test_a_join_through_a_join(tmp_path: Path) -> None:
    """A second join starts from the columns of the first."""
    mapping = """
activities:
  table: calls
  joins:
    contact: {table: contacts, keys: {contact: id}}
    lead: {table: people, through: contact, keys: {lead: nr}}
  columns: {type: {constant: call}, occurred_at: at, lead_id: {join: lead, column: lead_id}}
"""
    people = "nr,lead_id\nl1,L-1\nl2,L-2\n"
    load(tmp_path, mapping, {"calls": CALLS, "contacts": CONTACTS, "people": people})
    assert column(tmp_path, "activities", "lead_id").count("L-1") == 1


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        (
            UNION.replace("table: mails", "table: letters"),
            "activities.union.1..table: .* has no table 'letters': found calls, contacts, mails",
        ),
        (
            UNION.replace("column: lead}", "column: lead_nr}"),
            "activities.union.0..columns.lead_id: .*contacts.csv has no column 'lead_nr'",
        ),
        (
            UNION.replace("join: contact,", "join: person,"),
            "there is no join 'person'; joins here: contact",
        ),
    ],
)
def test_what_the_source_lacks_is_named(tmp_path: Path, mapping: str, says: str) -> None:
    """An error names the key of the mapping, the file, and what is there instead."""
    with pytest.raises(MappingError, match=says):
        load(tmp_path, mapping, {"calls": CALLS, "mails": MAILS, "contacts": CONTACTS})


def test_a_part_without_a_required_column_is_refused(tmp_path: Path) -> None:
    """Each part must fill what no row may lack."""
    mapping = UNION.replace("occurred_at: sent, ", "")
    with pytest.raises(TableError, match="needs the column 'occurred_at': found id, lead, sent"):
        load(tmp_path, mapping, {"calls": CALLS, "mails": MAILS, "contacts": CONTACTS})


def test_columns_of_one_part_are_empty_in_the_other(tmp_path: Path) -> None:
    """Attributes come in under their own names; where a part has none, they are empty."""
    load(
        tmp_path,
        "leads: {union: [{table: a}, {table: b}]}",
        {
            "a": "lead_id,created_at,Industry\nx,2025-01-01,food\n",
            "b": "lead_id,created_at,Size\ny,2025-01-02,9\n",
        },
    )
    assert [(r["lead_id"], r["Industry"], r["Size"]) for r in rows(tmp_path, "leads")] == [
        ("x", "food", None),
        ("y", None, "9"),
    ]
    assert column(tmp_path, "leads", "created_at") == [datetime(2025, 1, 1), datetime(2025, 1, 2)]
