"""Companies in which everything changes: sources, accounts, owners, amounts, teams, territories.

Half of the changes come after a moment, and tables show the end of the story. Every change tells
what was there before it, so that the history of each field is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pyarrow as pa
from change_logs import statuses
from extract import Extract, Row
from pasts import ENTITIES, text

DAY = timedelta(days=1)
STRANGER = "r9"
"""A rep whom nobody had met before the moment."""
Draw = Callable[[Random, Row], Any]


def restless_leads(extract: Extract, moment: datetime) -> Extract:
    """Let a company's leads, accounts and reps change, before a moment and after it."""
    ends: Mapping[tuple[str, str], Draw] = {
        ("lead", "source"): lambda _, row: {"event": "conference"}.get(row["source"], "web"),
        ("lead", "value"): lambda rng, _: float(rng.randrange(1, 60) * 100),
        ("lead", "account_id"): lambda rng, _: f"a{rng.randrange(40)}",
        ("account", "industry"): lambda rng, _: rng.choice(("steel", "software", "robots")),
        ("rep", "team"): lambda rng, _: rng.choice(("north", "east")),
    }
    stranger = {"rep_id": STRANGER, "name": "Eve Newby", "team": "moon", "hired_at": None}
    types = {"leads": {"campaign": pa.string()}, "accounts": {"industry": pa.string()}}
    made = replace(extract, attributes=types)
    made = made.but("reps", [*made.rows("reps"), stranger])
    made = _handed_over(_restless(made, ends, moment), "lead", moment)
    assert statuses(made) == statuses(made.cut(moment))
    return made


def restless_deals(extract: Extract, moment: datetime) -> Extract:
    """Let a company's deals and reps change, before a moment and after it."""
    ends: Mapping[tuple[str, str], Draw] = {
        ("deal", "amount"): lambda rng, row: round(row["amount"] * (0.5 + rng.random()), 2),
        ("deal", "origin"): lambda rng, _: rng.choice(("warm", "cold", "renamed")),
        ("rep", "territory"): lambda rng, _: rng.choice(("south", "moon")),
        ("rep", "manager_id"): lambda _, row: {"m0": "m1"}.get(row["manager_id"], "m7"),
    }
    types = {"deals": {"origin": pa.string(), "currency": pa.string()}}
    made = replace(extract, attributes=types)
    made = _handed_over(_restless(made, ends, moment), "deal", moment)
    assert statuses(made) == statuses(made.cut(moment))
    return made


def _restless(extract: Extract, ends: Mapping[tuple[str, str], Draw], moment: datetime) -> Extract:
    """Change each field of a third of its entities once, half of them after the moment.

    A first one changes before it in any case, so that the field has a history at the moment.
    """
    rng = Random(len(ends))  # noqa: S311 - a sample, no secret
    changes: list[Row] = list(extract.rows("changes"))
    for (kind, name), end in ends.items():
        table, key, clock = ENTITIES[kind]
        rows, changed = [], 0
        for row in extract.rows(table):
            born = (row.get(clock) if clock else None) or moment - 90 * DAY
            is_old = born < moment - 3 * DAY
            if row[name] is None or (rng.random() < 0.66 and changed) or not is_old:
                rows.append(row)
                continue
            late, after = max(born, moment), rng.random() < 0.5 and changed
            low, high = (late, extract.data_until) if after else (born, moment)
            at, value = low + (high - low) * (0.1 + 0.8 * rng.random()), end(rng, row)
            changes.append(_change(kind, row[key], name, at, (row[name], value)))
            rows.append({**row, name: value})
            changed += 1
        extract = extract.but(table, rows)
    return extract.but("changes", changes)


def _handed_over(extract: Extract, kind: str, moment: datetime) -> Extract:
    """Give some leads or deals that nobody had handed over to a stranger, after the moment."""
    table, key, _ = ENTITIES[kind]
    moved = {r["entity_id"] for r in extract.rows("changes") if r["field"] == "rep_id"}
    rows, changes = [], list(extract.rows("changes"))
    for place, row in enumerate(extract.rows(table)):
        is_old = row["created_at"] < moment - 3 * DAY
        if place % 7 or row["rep_id"] is None or row[key] in moved or not is_old:
            rows.append(row)
            continue
        # One in two is handed to a colleague before it, the others to the stranger.
        days, to = (4, STRANGER) if place % 2 else (-2, "r0")
        pair = (row["rep_id"], to)
        changes.append(_change(kind, row[key], "rep_id", moment + days * DAY, pair))
        rows.append({**row, "rep_id": to})
    return extract.but(table, rows).but("changes", changes)


def _change(kind: str, entity_id: str, name: str, at: datetime, pair: Sequence[Any]) -> Row:
    before, value = map(text, pair)
    return {
        "entity_type": kind,
        "entity_id": entity_id,
        "changed_at": at,
        "field": name,
        "value": value,
        "old_value": before,
    }
