"""Rows that the CRM has deleted and an export of all rows still holds.

A row with the moment of its deletion is there until then: the warehouse keeps the moment, and
cutoffs see the row up to it (`features.snapshot`). Of a row with only a flag nobody knows since
when it is gone, so it is left out altogether.

    IsDeleted   deleted_at    the row
    false                     stays
    true                      left out
    true        5 March       is seen by cutoffs up to 5 March
                5 March       the same; where the data is declared to end by then, it stays
                soon          stays, and that is said
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from ibis.backends.duckdb import Backend

from features.ingest.columns import Amendment, Field, Plan
from features.ingest.files import RawColumn
from features.ingest.match import Matched
from features.ingest.never import is_placeholder
from features.ingest.parsing import in_range, parse
from features.snapshot import DELETED_AT
from features.storage.engine import moment, row
from features.tables import ColumnKind

DECLARED_END = "at or after the declared --data-until, emptied"
UNREAD = "no moment of deletion can be read there"
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
_NO_TIME = "CAST(NULL AS TIMESTAMP)"
_TIMES = ("TIMESTAMP", "DATE")
_YES = (
    "true", "t", "yes", "y", "1", "1.0", "x", "deleted", "archived", "ja", "oui", "si", "sim",
)  # fmt: skip


@dataclass(frozen=True)
class Deletion:
    """How a staged table tells that a row is deleted.

    Attributes:
        fields: the columns that tell it.
        flag: SQL: a flag says so.
        at: SQL of the moment, naive UTC, whenever it is.
        written: SQL of a text that cannot be read where a moment should stand.
    """

    fields: tuple[Field, ...]
    flag: str
    at: str
    written: str

    @property
    def is_marked(self) -> str:
        """Condition: a flag says so, without a moment."""
        return f"({self.flag} AND {self.at} IS NULL)"

    @property
    def is_unread(self) -> str:
        """Condition: a moment is written that cannot be read, and no flag leaves the row out."""
        return f"({self.written} IS NOT NULL AND {self.at} IS NULL AND NOT {self.flag})"


def deletion_of(plan: Plan) -> Deletion | None:
    """Find the columns of a staged table that tell of deleted rows; None without any."""
    flags = [f for f in _attributes(plan) if is_deletion_flag(f.name) and not _is_time(f)]
    moments = _moment_fields(plan)
    if not flags and not moments:
        return None
    times = [(f, _time(plan, f)) for f in moments]
    told = f"coalesce({', '.join(_unless_never(at) for _, at in times)})" if moments else "NULL"
    flag = " OR ".join(f"lower(CAST({f.value} AS VARCHAR)) IN {_YES}" for f in flags) or "false"
    texts = (f"CASE WHEN {at} IS NULL THEN CAST({f.value} AS VARCHAR) END" for f, at in times)
    written = f"coalesce({', '.join(texts)})" if moments else "CAST(NULL AS VARCHAR)"
    at = f"CAST({told} AS TIMESTAMP)"
    return Deletion((*flags, *moments), f"coalesce({flag}, false)", at, written)


def moments_of(matched: Matched) -> Mapping[str, RawColumn]:
    """Return the attributes that tell when a row was deleted, if they must be read to know it."""
    return {
        name: raw
        for name, raw in matched.attributes.items()
        if _is_moment(name) and not raw.type.startswith(_TIMES)
    }


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
    # Named once: the engine would plan a long expression anew wherever it stands.
    named = Deletion(deletion.fields, "flag", "moment", "written")
    asked = (
        f"SELECT {deletion.flag} AS flag, {at} AS moment, {deletion.written} AS written, "
        f"{is_later} AS is_later FROM {plan.rows(*deletion.fields)}"
    )
    told, deleted, example = row(
        backend,
        f"SELECT count(moment), count(moment) FILTER (NOT is_later), "
        f"min(left(written, 40)) FILTER ({named.is_unread}) FROM ({asked})",
    )
    notes = []
    if told > deleted:
        notes.append(Amendment(is_later, _NO_TIME, DECLARED_END))
    if example is not None:
        unread = (
            f"{UNREAD}, like '{example}', so the row counts as not deleted: write a moment like "
            "2025-03-31 14:05, or nothing where the row stays"
        )
        notes.append(Amendment(deletion.is_unread, _NO_TIME, unread))
    amendments = {**plan.amendments}
    if notes:
        amendments[DELETED_AT] = tuple(notes)
    kept = f"CASE WHEN NOT {is_later} THEN {at} END" if deleted else ""
    return replace(plan, amendments=amendments, beside=deletion.fields, deleted_at=kept)


def _attributes(plan: Plan) -> Iterator[Field]:
    return (field for field in plan.fields if field.column is None)


def is_deletion_flag(name: str) -> bool:
    """Tell whether a column is called like the flag of deleted rows."""
    return _plain(name) in FLAGS


def _plain(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalpha())


def _is_moment(name: str) -> bool:
    return _plain(name).endswith(MOMENTS)


def _is_time(field: Field) -> bool:
    return field.raw is not None and field.raw.type.startswith(_TIMES)


def _is_flag_time(field: Field) -> bool:
    """Return whether a column called like a flag holds the moment of deletion."""
    return is_deletion_flag(field.name) and _is_time(field)


def deletion_moments(plan: Plan) -> dict[str, str]:
    """Return SQL of the moments of deletion in each column of a staged table that holds such."""
    return {field.name: _time(plan, field) for field in _moment_fields(plan)}


def _moment_fields(plan: Plan) -> list[Field]:
    return [f for f in _attributes(plan) if _is_moment(f.name) or _is_flag_time(f)]


def _unless_never(at: str) -> str:
    return f"CASE WHEN NOT {is_placeholder(at)} THEN {at} END"


def _time(plan: Plan, field: Field) -> str:
    if _is_time(field) or field.raw is None:
        return field.value
    read = parse(ColumnKind.TIME, field.value, field.raw.type, plan.texts_of(field.name))
    return in_range(ColumnKind.TIME, f"({read})")
