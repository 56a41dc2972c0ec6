"""Laws of notes: they count what was accepted but is odd, and what does not occur is not noted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from ibis.backends.duckdb import Backend

from features.ingest.columns import Plan
from features.ingest.extent import Extent
from features.ingest.notes import content_notes, reading_notes
from features.ingest.quarantine import reject
from features.storage.engine import ident, write

MakePlan = Callable[..., Plan]
SEEDS = range(3)


@pytest.fixture
def read_notes(backend: Backend, plan_of: MakePlan) -> Callable[[str, str], dict[str, int]]:
    """What counts the values that were changed while a table was read."""

    def count(table: str, content: str) -> dict[str, int]:
        plan = plan_of(table, content)
        return reading_notes(backend, plan, reject(backend, plan, Extent()))

    return count


@pytest.fixture
def accepted(backend: Backend, plan_of: MakePlan, tmp_path: Path) -> Callable[..., dict[str, int]]:
    """What accepts tables, the last of them with its notes."""

    def accept(**tables: str) -> dict[str, int]:
        files, plans = {}, {}
        for name, content in tables.items():
            plans[name] = plan = plan_of(name, content)
            values = ", ".join(f"{field.value} AS {ident(field.name)}" for field in plan.fields)
            files[name] = tmp_path / f"{name}.parquet"
            write(backend, f"SELECT {values} FROM {plan.rows(*plan.fields)}", files[name])
        return content_notes(backend, plans[list(tables)[-1]], files)

    return accept


@pytest.mark.parametrize("seed", SEEDS)
def test_emptied_values_are_counted_in_accepted_rows_only(
    read_notes: Callable[[str, str], dict[str, int]], seed: int
) -> None:
    """A value that cannot be read counts once, unless its row is rejected anyway."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    table = [
        (rng.choice(["2025-01-01", "soon"]), rng.choice(["5", "many", ""]), rng.choice(["x", ""]))
        for _ in range(80)
    ]
    content = "lead_id,created_at,value,converted_at\n"
    content += "".join(f"l{i},{','.join(row)}\n" for i, row in enumerate(table))
    kept = [row for row in table if row[0] != "soon"]
    expected = {
        "value: cannot be read as a number, emptied": sum(row[1] == "many" for row in kept),
        "converted_at: cannot be read as a time, emptied": sum(row[2] == "x" for row in kept),
    }
    assert read_notes("leads", content) == {note: n for note, n in expected.items() if n}


def test_a_table_that_is_read_as_it_is_has_no_notes(
    read_notes: Callable[[str, str], dict[str, int]],
) -> None:
    """Empty values and required columns are not changed by reading."""
    assert read_notes("leads", "lead_id,created_at,value\na,2025-01-01,\nb,soon,5\n") == {}


def test_rewritten_ids_are_counted(read_notes: Callable[[str, str], dict[str, int]]) -> None:
    """Every id that lost its point is one."""
    notes = read_notes("reps", "rep_id,manager_id\na,7.0\nb,8.0\nc,\n")
    assert notes == {"manager_id: ids written as 7.0, read as 7": 2}


@pytest.mark.parametrize(
    ("table", "content", "notes"),
    [
        ("reps", "rep_id,name\nr,Ann\n", {}),
        ("reps", "rep_id,name,team\nr,Ann,\ns,,\n", {"name: empty": 1, "team: empty": 2}),
        (
            "activities",
            (
                "occurred_at,type,lead_id,deal_id,duration_s,known_at\n"
                "2025-01-02,call,,,-5,2025-01-01\n2025-01-02,call,l,,5,2025-01-02\n"
            ),
            {
                "lead_id: empty": 1,
                "deal_id: empty": 2,
                "neither lead_id nor deal_id": 1,
                "duration_s: negative": 1,
                "known_at: before occurred_at": 1,
            },
        ),
        (
            "leads",
            "lead_id,created_at,converted_at,lost_at\na,2025-01-01,2025-01-02,2025-01-03\n",
            {"both converted and lost": 1},
        ),
        (
            "deals",
            (
                "deal_id,rep_id,created_at,closed_at,won\n"
                "a,r,2025-01-01,2025-02-01,\nb,r,2025-01-01,,true\nc,r,2025-01-01,,false\n"
            ),
            {
                "closed_at: empty": 2,
                "won: empty": 1,
                "won without closed_at": 1,
            },
        ),
        (
            "changes",
            "entity_type,entity_id,changed_at,field\nlead,a,2025-01-01,f\nteam,b,2025-01-01,f\n",
            {"entity_type: not known": 1},
        ),
        (
            "quotas",
            (
                "rep_id,period_start,period_end,amount\nr,2025-01-01,2025-04-01,0\n"
                "r,2025-04-01,2025-07-01,-1\nr,2025-07-01,2025-10-01,1\n"
            ),
            {"amount: not above zero": 2},
        ),
    ],
)
def test_each_oddity_of_a_table_has_its_note(
    accepted: Callable[..., dict[str, int]], table: str, content: str, notes: dict[str, int]
) -> None:
    """A column that the source lacks is not noted, nor is a known_at that was never given."""
    assert accepted(**{table: content}) == notes


def test_references_are_checked_where_the_other_table_is_there(
    accepted: Callable[..., dict[str, int]],
) -> None:
    """An empty reference refers to nothing; one to a table that is absent cannot be checked."""
    leads = "lead_id,created_at,rep_id,account_id\na,2025-01-01,r,x\nb,2025-01-01,s,y\n"
    assert accepted(reps="rep_id\nr\n", leads=leads) == {"rep_id: not in reps": 1}
    assert accepted(leads=leads) == {}


def test_a_key_does_not_refer_to_its_own_table(accepted: Callable[..., dict[str, int]]) -> None:
    """A rep is in reps by being there; a manager need not be."""
    content = "rep_id,manager_id\nr,m\nm,\n"
    assert accepted(reps=content) == {"manager_id: empty": 1}
    assert accepted(reps="rep_id,manager_id\nr,boss\nm,r\n") == {"manager_id: not in reps": 1}


def test_activities_before_their_lead_are_noted(accepted: Callable[..., dict[str, int]]) -> None:
    """One at the moment of creation is not before it."""
    leads = "lead_id,created_at\na,2025-01-02\n"
    content = "occurred_at,type,lead_id\n2025-01-01,call,a\n2025-01-02,call,a\n"
    assert accepted(leads=leads, activities=content) == {
        "occurred_at: before the lead was created": 1
    }


def test_changes_refer_to_the_table_of_their_entity(
    accepted: Callable[..., dict[str, int]],
) -> None:
    """A lead's id is looked for among leads, not among deals that share it."""
    assert accepted(
        leads="lead_id,created_at\na,2025-01-01\n",
        deals="deal_id,rep_id,created_at\nd,r,2025-01-01\n",
        changes="entity_type,entity_id,changed_at,field\n"
        "lead,a,2025-01-01,f\nlead,d,2025-01-01,f\ndeal,d,2025-01-01,f\nrep,r,2025-01-01,f\n",
    ) == {"entity_id of a lead: not in leads": 1}
