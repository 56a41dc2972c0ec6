"""Whether a field's past is known: what an extract's `changes` hold of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class FieldHistory:
    """What an extract's `changes` hold of one field. A field without rows there has no history.

    Attributes:
        entity_type: lead, deal, rep or account.
        field: the field's name.
        complete: the value of every entity is known from its creation on; an entity without rows
            of the field has its own column. Of an incomplete history the own column is never used.
        entities: entities that have rows of the field.
        from_creation: of these, those whose first row is of their creation or tells what was there
            before (`old_value`).
        before_log: of these, those created before the field's first row anywhere; where their
            past is unknown, that is the log's beginning and not the CRM's habit.
        log_begins: when the field's first row anywhere was made, naive UTC.
    """

    entity_type: str
    field: str
    complete: bool
    entities: int
    from_creation: int
    before_log: int
    log_begins: datetime
