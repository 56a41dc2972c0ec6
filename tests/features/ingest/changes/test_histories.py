"""Laws of histories: first values included, no change told twice, nothing of what came later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend
from mapped import load, shaped, values

from features.errors import MappingError

PROPERTIES = """
histories:
  properties:
    - entity: deal
      table: history
      id: {column: deal, id: lower}
      changed_at: {column: at, format: epoch_ms}
      property: name
      new_value: value
      old_value: before
      where: {source: {none_of: import}}
      fields:
        stage: {column: dealstage, values: {"1": new, "2": won}, otherwise: keep}
        amount: {column: amount, number: {decimal: ","}}
        expected_close_at: {column: closedate, format: epoch_ms}
"""
HISTORY = (
    "deal,at,name,value,before,source\n"
    "D1,1735689600000,dealstage,1,,crm\nD1,1735776000000,dealstage,2,1,crm\n"
    'D1,1735689600000,amount,"1.500,50",,crm\nD1,1735776000000,amount,,"1.500,50",crm\n'
    "D1,1735689600000,closedate,1738368000000,,crm\nD1,1735689600000,color,red,,crm\n"
    "D1,1735776000000,dealstage,2,1,crm\nD2,1735689600000,dealstage,9,,import\n"
)


def test_properties_become_changes_in_our_words(backend: Backend, tmp_path: Path) -> None:
    """Each value is read as its field's own column would be; an emptied one stays empty."""
    changes = shaped(backend, tmp_path, PROPERTIES, {"history": HISTORY}, "changes")
    assert [(c["field"], c["value"], c["old_value"]) for c in changes] == [
        ("stage", "new", None),
        ("stage", "won", "new"),
        ("amount", "1500.50", None),
        ("amount", None, "1500.50"),
        ("expected_close_at", "2025-02-01 00:00:00.000000", None),
    ]
    assert set(values(changes, "entity_id")) == {"d1"}
    assert set(values(changes, "entity_type")) == {"deal"}
    assert values(changes, "changed_at")[1] == "2025-01-02 00:00:00.000000"


def test_rows_of_a_history_are_accounted_for(tmp_path: Path) -> None:
    """What is of another property, filtered out or told twice is counted in the report."""
    files = {
        "history": HISTORY,
        "deals": "deal_id,rep_id,created_at\nd1,r,2025-01-01\nd2,r,2025-01-01\n",
    }
    report = load(tmp_path, PROPERTIES, files)
    table = report.tables["changes"]
    assert (table.read, table.accepted) == (5, 5)
    (said,) = (line for line in table.matched if "history.csv" in line)
    assert said.startswith("5 of 8 rows of ")
    assert "2 left out: they hold no change of stage" in said
    assert "1 left out: the same change again" in said


VERSIONS = """
histories:
  versions:
    - {entity: deal, table: versions, id: id, valid_from: since, valid_to: until,
       fields: {stage: stage, amount: {column: amount, number: {}}}}
"""
STATES = (
    "id,since,until,stage,amount\n"
    "a,2025-01-03,9999-12-31,won,100\na,2025-01-01,2025-01-02,new,100\n"
    "a,2025-01-02,2025-01-02,oops,7\na,2025-01-02,2025-01-03,new,100\nb,2025-01-01,,new,\n"
)


def told(changes: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    """Return what changed, without an order."""
    names = ("entity_id", "changed_at", "field", "value", "old_value")
    return {tuple(change[name] for name in names) for change in changes}


def test_versions_tell_what_differs_from_the_one_before(backend: Backend, tmp_path: Path) -> None:
    """In the order of their moments, not of their rows; one that never held tells nothing."""
    first = "2025-01-01 00:00:00.000000"
    assert told(shaped(backend, tmp_path, VERSIONS, {"versions": STATES}, "changes")) == {
        ("a", first, "stage", "new", None),
        ("a", first, "amount", "100", None),
        ("a", "2025-01-03 00:00:00.000000", "stage", "won", "new"),
        ("b", first, "stage", "new", None),
        ("b", first, "amount", None, None),
    }


DAYS = ["2025-01-01", "2025-01-02", "2025-01-03", "2025-01-04"]
SNAPSHOTS = """
histories:
  snapshots: [{entity: account, table: daily, id: id, taken_at: day, fields: {size: size}}]
"""
SEEN = st.dictionaries(
    st.tuples(st.sampled_from("ab"), st.sampled_from(DAYS)), st.sampled_from("xyz"), min_size=1
)


def snapshots(backend: Backend, folder: Path, seen: dict[tuple[str, str], str]) -> set[Any]:
    """Return the changes that snapshots tell."""
    lines = "".join(f"{key},{day},{size}\n" for (key, day), size in seen.items())
    content = {"daily": f"id,day,size\n{lines}"}
    return told(shaped(backend, folder, SNAPSHOTS, content, "changes"))


@settings(max_examples=8, deadline=None)
@given(seen=SEEN)
def test_snapshots_tell_what_changed_and_nothing_later(
    session_backend: Backend, tmp_path_factory: pytest.TempPathFactory, seen: dict[Any, str]
) -> None:
    """Values replay from the changes; snapshots of later days alter no change before them."""
    folder = tmp_path_factory.mktemp("snapshots")
    changes = snapshots(session_backend, folder, seen)
    for (key, day), size in seen.items():
        before = [c for c in changes if c[0] == key and c[1][:10] <= day]
        assert max(before, key=lambda c: c[1])[3] == size
    assert len({change[:3] for change in changes}) == len(changes)
    cut = {place: size for place, size in seen.items() if place[1] < DAYS[2]}
    if cut:
        until = {change for change in changes if change[1] < DAYS[2]}
        assert snapshots(session_backend, folder, cut) == until


def test_the_same_snapshot_twice_tells_nothing_new(backend: Backend, tmp_path: Path) -> None:
    """Neither as a copy of its rows, nor as a later one in which all is the same."""
    seen = {("a", DAYS[0]): "x", ("a", DAYS[1]): "y"}
    before = snapshots(backend, tmp_path, seen)
    again = "".join(f"a,{day},{size}\n" for (_, day), size in seen.items())
    content = {"daily": f"id,day,size\n{again}{again}a,{DAYS[3]},y\n"}
    assert told(shaped(backend, tmp_path, SNAPSHOTS, content, "changes")) == before


def test_histories_stand_beside_changes_of_the_source(backend: Backend, tmp_path: Path) -> None:
    """A source with a table of changes keeps it; histories add to it."""
    changes = "entity_type,entity_id,changed_at,field,value,who\nlead,l,2025-01-01,stage,new,me\n"
    files = {"versions": STATES, "changes": changes}
    staged = shaped(backend, tmp_path, VERSIONS, files, "changes")
    assert values(staged, "who").count("me") == 1
    assert values(staged, "entity_type").count("deal") == 5


def test_what_a_history_lacks_is_named(backend: Backend, tmp_path: Path) -> None:
    """The error names the history, its key, the table and what is there instead."""
    says = r"histories.versions\[0\].fields.stage: .*versions.csv has no column 'stage': found id"
    content = {"versions": STATES.replace("stage", "phase")}
    with pytest.raises(MappingError, match=says):
        shaped(backend, tmp_path, VERSIONS, content, "changes")


KNOWN = """
histories:
  versions:
    - {entity: deal, table: versions, id: id, valid_from: at, known_at: loaded,
       fields: {stage: stage}}
"""


def test_a_state_that_was_known_later_hides_none_that_was_known_before(
    backend: Backend, tmp_path: Path
) -> None:
    """What repeats a state that nobody could see yet is told; what repeats a seen one is not."""
    states = (
        "id,at,loaded,stage\na,2025-01-01,2025-01-01,new\na,2025-01-02,2025-03-01,won\n"
        "a,2025-01-03,2025-01-03,won\na,2025-01-04,2025-04-01,won\na,2025-01-04,2025-05-01,won\n"
    )
    changes = shaped(backend, tmp_path, KNOWN, {"versions": states}, "changes")
    assert [(c["changed_at"][:10], c["known_at"][:10], c["value"]) for c in changes] == [
        ("2025-01-01", "2025-01-01", "new"),
        ("2025-01-02", "2025-03-01", "won"),
        ("2025-01-03", "2025-01-03", "won"),
    ]


def test_a_change_of_a_property_is_known_since_when_the_history_says(
    backend: Backend, tmp_path: Path
) -> None:
    """Told twice, it is known from the first time on; where nothing is said, at once."""
    mapping = PROPERTIES.replace("changed_at:", "known_at: loaded\n      changed_at:")
    history = (
        "deal,at,name,value,before,source,loaded\n"
        "D1,1735689600000,dealstage,1,,crm,2025-01-09\nD1,1735689600000,dealstage,1,,crm,2025-01-05\n"
        "D1,1735776000000,dealstage,2,1,crm,\n"
    )
    changes = shaped(backend, tmp_path, mapping, {"history": history}, "changes")
    known = [c["known_at"] and c["known_at"][:10] for c in changes]
    assert known == ["2025-01-05", None]
