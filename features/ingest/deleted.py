"""Rows that the CRM has deleted and an export of all rows still holds.

A row with the moment of its deletion is there until then; of a row with only a flag nobody knows
since when it is gone, so it is left out altogether.

    IsDeleted   deleted_at    the row
    false                     stays
    true                      left out
    true        5 March       ends on 5 March: an open lead or deal is lost then, a rep has left
                5 March       the same, unless the data is declared to end before
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from features.ingest.columns import Amendment, Field, Plan
from features.ingest.extent import Extent
from features.ingest.parsing import time_of_text
from features.storage.engine import moment

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
_ENDS = {"leads": "lost_at", "deals": "closed_at", "reps": "left_at"}


@dataclass(frozen=True)
class Deletion:
    """How a staged table tells that a row is deleted.

    Attributes:
        fields: the columns that tell it.
        is_marked: SQL: a flag says so, without a moment.
        at: SQL of the moment, naive UTC; NULL where the row is not deleted by the end of the data.
    """

    fields: tuple[Field, ...]
    is_marked: str
    at: str

    @property
    def condition(self) -> str:
        """SQL: the row is deleted by the end of the data."""
        return f"({self.is_marked} OR {self.at} IS NOT NULL)"


def deletion_of(plan: Plan, extent: Extent) -> Deletion | None:
    """Find the columns of a staged table that tell of deleted rows; None without any."""
    flags = [f for f in _attributes(plan) if is_deletion_flag(f.name) and not _is_time(f)]
    moments = [f for f in _attributes(plan) if _plain(f.name).endswith(MOMENTS) or _is_flag_time(f)]
    if not flags and not moments:
        return None
    at = f"coalesce({', '.join(_time(plan, f) for f in moments)})" if moments else "NULL"
    flag = " OR ".join(f"lower(CAST({f.value} AS VARCHAR)) IN {_YES}" for f in flags) or "false"
    known = f"CASE WHEN {at} < {moment(extent.declared)} THEN {at} END" if extent.declared else at
    known = f"CAST({known} AS TIMESTAMP)"
    is_marked = f"(coalesce({flag}, false) AND {at} IS NULL)"
    return Deletion((*flags, *moments), is_marked, known)


def is_left_out(plan: Plan, deletion: Deletion) -> str:
    """Return a condition on rows that are left out altogether.

    A deleted row whose table tells no end is left out, and so is a deal that was closed before it
    was deleted: it would count for ever.
    """
    name = plan.matched.table.name
    if name not in _ENDS:
        return deletion.condition
    if name == "deals":
        closed = (
            f"coalesce({plan['closed_at'].value} < {deletion.at} AND {plan['won'].value}, false)"
        )
        return f"({deletion.is_marked} OR {closed})"
    return deletion.is_marked


def ends_by_deletion(plan: Plan, deletion: Deletion) -> Iterator[tuple[str, Amendment]]:
    """Go through the columns that hold the moment of deletion instead: column and amendment."""
    table = plan.matched.table
    if table.name not in _ENDS:
        return
    end, at = plan[_ENDS[table.name]].value, deletion.at
    gone = f"({at} IS NOT NULL AND ({end} IS NULL OR {end} >= {at}))"
    note = "deleted in the CRM then"
    if table.name == "leads":
        gone = f"({gone} AND coalesce({plan['converted_at'].value} >= {at}, true))"
        yield "converted_at", Amendment(gone, "CAST(NULL AS TIMESTAMP)")
    if table.name == "deals":
        gone = (
            f"({at} IS NOT NULL AND ({plan['won'].value} IS NULL OR coalesce({end} >= {at}, true)))"
        )
        yield "won", Amendment(gone, "false")
    value = at if table.name == "reps" else f"greatest({at}, {plan['created_at'].value})"
    yield _ENDS[table.name], Amendment(gone, value, note)


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


def _time(plan: Plan, field: Field) -> str:
    if _is_time(field):
        return field.value
    return time_of_text(f"CAST({field.value} AS VARCHAR)", plan.matched.texts)
