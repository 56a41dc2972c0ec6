"""Fields whose past is not known: what `changes` does not tell, and what to deliver.

Columns of leads, deals, reps and accounts show the end of the story, so that of a field that is
logged in `changes` only what is logged there counts. Before the first change shown it is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

from features.field_history import FieldHistory
from features.storage.warehouse import Warehouse
from features.tables import ENTITY_TABLES
from training.checks.finding import Finding

MADE = {
    "lead": "a lead is created",
    "deal": "a deal is created",
    "rep": "a rep is hired (with `hired_at` in `reps`)",
}
"""When the history of an entity should begin; accounts have no such moment."""


def history_findings(warehouse: Warehouse) -> Iterator[Finding]:
    """Say of each field with a history how much of its past is missing.

    A warning where the history is incomplete; an info where all that is missing is older than the
    log; nothing where nothing is missing, or no more than the share that a complete history may
    lack.
    """
    # Of 400 leads with changes of a field, whose log begins on day 5:
    #
    #   from creation   older than the log   complete   finding
    #   400             0                    yes        none
    #   390             0                    yes        none: few enough
    #   320             80                   yes        info
    #   120             80                   no         warning
    for history in warehouse.histories:
        table = ENTITY_TABLES[history.entity_type]
        about = (table, history.field, "incomplete_history")
        if not history.complete:
            yield Finding(*about, "warning", _says(history, warehouse))
        elif history.before_log and history.from_creation < history.entities:
            yield Finding(*about, "info", _says(history, warehouse))


def _says(history: FieldHistory, warehouse: Warehouse) -> str:
    """Say how much is known, what that means, and what to deliver."""
    return f"{_extent(history)}. {_meaning(history, warehouse)}. {_remedy(history)}."


def _extent(history: FieldHistory) -> str:
    """Count the entities whose past is known, and tell the log's beginning apart."""
    entity, many = history.entity_type, ENTITY_TABLES[history.entity_type]
    share = history.from_creation / max(history.entities, 1)
    reaching = f"{history.from_creation:,} of the {history.entities:,} {many} with changes"
    beginning = "from their creation on"
    if entity == "rep":
        beginning = "from their hiring on"
    elif entity == "account":
        beginning = "from before their first change on"
    says = f"{many}.{history.field}: known for {reaching} of it ({share:.0%}) {beginning}"
    if history.before_log:
        older = "is older" if history.before_log == 1 else "are older"
        begins = f"the log begins on {history.log_begins:%Y-%m-%d}"
        says += f"; {begins}, and {history.before_log:,} of them {older}"
    return says


def _meaning(history: FieldHistory, warehouse: Warehouse) -> str:
    """Say what is taken for the value before the first change, and what the own column is for."""
    entity, table = history.entity_type, ENTITY_TABLES[history.entity_type]
    whose = f"{_article(entity)} {entity}'s {history.field}"
    if history.field == "rep_id" and entity in {"lead", "deal"}:
        says = (
            f"Before the first change shown, {_article(entity)} {entity} belongs to the rep of its "
            "last activity"
        )
    else:
        says = f"Before the first change shown, {whose} is treated as unknown"
    if history.field not in warehouse[table].columns:
        return says
    if history.complete:
        return f"{says}; the column in `{table}` counts only where nothing ever changed"
    return f"{says}, and the column in `{table}` is never used, since it shows the end of the story"


def _remedy(history: FieldHistory) -> str:
    """Say what would make the past known."""
    if history.complete:
        return "For the older ones, deliver `old_value` with each row"
    if history.entity_type not in MADE:
        return "Deliver the value before the first change: `old_value` with each row of `changes`"
    made = MADE[history.entity_type]
    return (
        f"Deliver the value at creation: a `changes` row when {made}, or `old_value` with each row"
    )


def _article(entity: str) -> str:
    return "an" if entity == "account" else "a"
