"""Rows that the CRM has deleted and an export of all rows still holds.

A row with the moment of its deletion is there until then: the warehouse keeps the moment, and
cutoffs see the row up to it (`features.snapshot`). Of a row with only a flag nobody knows since
when it is gone, so it is left out altogether.

    IsDeleted   deleted_at    the row
    false                     stays
    true                      left out
    true        5 March       is seen by cutoffs up to 5 March
                5 March       the same; where the data is declared to end by then, it stays
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from ibis.backends.duckdb import Backend

from features.ingest.columns import Amendment, Field, Plan
from features.ingest.never import is_placeholder
from features.ingest.parsing import time_of_text
from features.snapshot import DELETED_AT
from features.storage.engine import moment, row

DECLARED_END = "at or after the declared --data-until, emptied"
MARKED = "marked as deleted in the CRM"
"""The kind of fault of a row that is left out."""
FLAGS = frozenset(
    {"isdeleted", "deleted", "isdelete", "deletedflag", "deleteflag", "softdeleted",
     "issoftdeleted",
     "fivetrandeleted", "isarchived", "archived", "isremoved", "removed", "markedasdeleted"}
)  # fmt: skip
"""How exports call the flag, in small letters without signs."""
MOMENTS = ("deletedat", "deletedon", "deleteddate", "deletiondate", "datedeleted", "deletedtime",
           "archivedat", "archivedon", "removedat")  # fmt: skip
"""How exports call the moment, likewise; a prefix may stand before it (`_ab_cdc_deleted_at`)."""
_YES = (
    "true", "t", "yes", "y", "1", "1.0", "x", "deleted", "archived", "ja", "oui", "si", "sim",
)  # fmt: skip


@dataclass(frozen=True)
class Deletion:
    """How a staged table tells that a row is deleted.

    Attributes:
        fields: the columns that tell it.
        is_marked: SQL: a flag says so, without a moment.
        at: SQL of the moment, naive UTC, whenever it is.
    """

    fields: tuple[Field, ...]
    is_marked: str
    at: str


def deletion_of(plan: Plan) -> Deletion | None:
    """Find the columns of a staged table that tell of deleted rows; None without any."""
    flags = [f for f in _attributes(plan) if is_deletion_flag(f.name) and not _is_time(f)]
    moments = _moment_fields(plan)
    if not flags and not moments:
        return None
    at = (_unless_never(_time(plan, f)) for f in moments)
    told = f"coalesce({', '.join(at)})" if moments else "NULL"
    flag = " OR ".join(f"lower(CAST({f.value} AS VARCHAR)) IN {_YES}" for f in flags) or "false"
    is_marked = f"(coalesce({flag}, false) AND {told} IS NULL)"
    return Deletion((*flags, *moments), is_marked, f"CAST({told} AS TIMESTAMP)")


def keep_deletions(backend: Backend, plan: Plan, declared: datetime | None) -> Plan:
    """Let the warehouse keep when rows were deleted, if any was by the end of the data.

    Args:
        backend: the engine.
        plan: how the table is read.
        declared: the declared end of the data; what is deleted at or after it is there still.
    """
    deletion = deletion_of(plan)
    if deletion is None:
        return plan
    at = deletion.at
    is_later = "false" if declared is None else f"coalesce({at} >= {moment(declared)}, false)"
    source = plan.rows(*deletion.fields)
    counted = f"SELECT count({at}), count({at}) FILTER (NOT {is_later}) FROM {source}"
    told, deleted = row(backend, counted)
    amendments = {**plan.amendments}
    if told > deleted:
        amendments[DELETED_AT] = (Amendment(is_later, "CAST(NULL AS TIMESTAMP)", DECLARED_END),)
    kept = f"CASE WHEN NOT {is_later} THEN {at} END" if deleted else ""
    return replace(plan, amendments=amendments, beside=deletion.fields, deleted_at=kept)


def _attributes(plan: Plan) -> Iterator[Field]:
    return (field for field in plan.fields if field.column is None)


def is_deletion_flag(name: str) -> bool:
    """Tell whether a column is called like the flag of deleted rows."""
    return _plain(name) in FLAGS


def _plain(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalpha())


def _is_time(field: Field) -> bool:
    return field.raw is not None and field.raw.type.startswith(("TIMESTAMP", "DATE"))


def _is_flag_time(field: Field) -> bool:
    """Return whether a column called like a flag holds the moment of deletion."""
    return is_deletion_flag(field.name) and _is_time(field)


def deletion_moments(plan: Plan) -> dict[str, str]:
    """Return SQL of the moments of deletion in each column of a staged table that holds such."""
    return {field.name: _time(plan, field) for field in _moment_fields(plan)}


def _moment_fields(plan: Plan) -> list[Field]:
    return [f for f in _attributes(plan) if _plain(f.name).endswith(MOMENTS) or _is_flag_time(f)]


def _unless_never(at: str) -> str:
    return f"CASE WHEN NOT {is_placeholder(at)} THEN {at} END"


def _time(plan: Plan, field: Field) -> str:
    if _is_time(field):
        return field.value
    return time_of_text(f"CAST({field.value} AS VARCHAR)", plan.matched.texts)
