"""Records that a table holds at several moments: which row counts, and when one was deleted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from features.ingest.csv_rows import FAULT
from features.ingest.shaping.making import Made
from features.ingest.shaping.rows import RowsWanted
from features.ingest.shaping.times import TimeWords, moment_of
from features.snapshot import DELETED_AT
from features.storage.engine import moment, text

_EARLIER = "an earlier state of the same record"
_LATER = "a state at or after the declared --data-until"


def only_latest(wanted: RowsWanted, made: Sequence[Made], met: str, until: datetime | None) -> str:
    """Return a query of the rows in which all but the last state of each record are left out.

    Of four rows of two records, with `missing_is_deleted`:

        record   taken_at    left_out            deleted_at
        a        March 1     an earlier state
        a        March 2     (it counts)         March 3: the next snapshot lacks it
        b        March 2     an earlier state
        b        March 3     (it counts)         empty: no later snapshot

    Args:
        wanted: which columns tell records and moments.
        made: the wanted columns.
        met: the name of a table with their first two steps.
        until: the declared end of the data; later states are not looked at.
    """
    moments = wanted.moments
    if moments is None:
        return met
    columns = {m.wanted.name: m for m in made}
    taken = columns[moments.taken_at]
    words = taken.time or TimeWords(day_first=wanted.texts.day_first, zone=wanted.texts.zone)
    taken_at = f"CAST({moment_of(taken.meant, taken.own_type, words)} AS TIMESTAMP)"
    identity = ", ".join(columns[name].meant for name in moments.identity)
    late = "false" if until is None else f"coalesce(state_at >= {moment(until)}, false)"
    seen = f"SELECT * EXCLUDE (left_out), {taken_at} AS state_at, left_out AS not_wanted FROM {met}"
    is_late = f"{late} AND {FAULT} IS NULL"
    judged = (
        f"SELECT *, CASE WHEN not_wanted IS NOT NULL THEN not_wanted "
        f"WHEN {is_late} THEN {text(_LATER)} END AS no_state FROM ({seen})"
    )
    ordered = (
        f"SELECT *, row_number() OVER (PARTITION BY {identity}, no_state IS NULL "
        f"ORDER BY state_at DESC NULLS LAST, source_row DESC) AS from_last FROM ({judged})"
    )
    is_earlier = f"from_last > 1 AND {FAULT} IS NULL"
    left_out = f"coalesce(no_state, CASE WHEN {is_earlier} THEN {text(_EARLIER)} END) AS left_out"
    if not moments.missing_is_deleted:
        return f"(SELECT *, {left_out} FROM ({ordered}))"
    following = (
        f"SELECT DISTINCT state_at AS moment_before, lead(state_at) OVER (ORDER BY state_at) "
        f"AS {DELETED_AT} FROM (SELECT DISTINCT state_at FROM ({judged}) "
        "WHERE no_state IS NULL AND state_at IS NOT NULL)"
    )
    return (
        f"(SELECT o.*, {left_out}, f.{DELETED_AT} FROM ({ordered}) o "
        f"LEFT JOIN ({following}) f ON o.state_at = f.moment_before)"
    )
