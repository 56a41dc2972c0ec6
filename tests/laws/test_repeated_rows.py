"""Of rows with one key the one that was known first is kept, wherever it stands in its file."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from engines import Engine
from everything import all_as_of, assert_same, is_worth_it
from extract import ENDS, Extract, Row, is_visible
from histories import Case
from looks import tried_on
from sales_histories import sales_case

KEYED = ("leads", "deals", "reps", "activities", "quotas")
DAY = timedelta(days=1)


def numbered(rng: Random) -> tuple[Case, Extract, datetime]:
    """Draw a company whose activities have ids, and a moment."""
    case = sales_case(rng)
    rows = [
        {**row, "activity_id": f"a{n}"} for n, row in enumerate(case.extract.rows("activities"))
    ]
    return case, case.extract.but("activities", rows), rng.choice(case.cutoffs)


def repetition(rng: Random, table: str, row: Row, moment: datetime, end: datetime) -> Row:
    """Write another row with the key of a visible one, which nobody can see at the moment."""
    at = moment + (end - moment) * rng.random()
    clocks: dict[str, dict[str, Any]] = {
        "leads": {"created_at": at, "rep_id": "R9", "source": "web", "value": 1e6},
        "deals": {"created_at": at, "rep_id": "R9", "amount": 1e6, "lead_id": None},
        "reps": {"hired_at": at, "team": "blue", "territory": "moon"},
        "activities": rng.choice(
            (
                {"known_at": at, "outcome": "another"},
                {"occurred_at": at, "type": "another", "known_at": None},
                {"occurred_at": row.get("occurred_at"), "lead_id": "L3", "known_at": at},
            )
        ),
        "quotas": {
            "known_at": at + timedelta(microseconds=1),
            "period_start": row.get("period_start", at) + rng.choice((-DAY, DAY)),
            "amount": 7.0,
        },
    }
    ends = dict.fromkeys((*ENDS.get(table, ()), *(("won",) if table == "deals" else ())))
    return {**row, **ends, **clocks[table]}


@tried_on(5, 412)
def test_rows_that_are_not_visible_displace_none(duckdb: Engine, rng: Random) -> None:
    """Repeated ids, edited outcomes and overlapping quotas from after T, above and below.

    At T nothing is otherwise: words, features, owners, labels.
    """
    case, extract, moment = numbered(rng)
    end = max(extract.data_until, moment + DAY)
    extract = Extract(extract.tables, end, extract.attributes)

    def with_repetitions(table: str, rows: list[Row]) -> list[Row]:
        if table not in KEYED:
            return rows
        seen = [row for row in rows if is_visible(table, row, moment) and rng.randrange(4)]
        more = [repetition(rng, table, row, moment, end) for row in seen]
        half = len(more) // 2
        return [*more[:half], *rows, *more[half:]]

    with duckdb.open(extract) as warehouse:
        before = all_as_of(warehouse, case, moment)
    with duckdb.open(extract.each(with_repetitions)) as warehouse:
        after = all_as_of(warehouse, case, moment)
    assert is_worth_it(before), "the seed should be replaced by one with examples"
    assert_same(before, after)
