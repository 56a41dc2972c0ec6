"""References between tables that match nothing or little, and what is likely to have broken them.

Ids are never joined in another spelling than they have: what is likely is said, and whoever knows
the systems delivers them alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ibis.backends.duckdb import Backend

from features.ingest.finding import UNMATCHED, DataFinding, Severity, share
from features.ingest.parsing import is_rounded
from features.ingest.references import Reference
from features.storage.engine import ident, row

_MOST = 20_000
"""Unmatched ids that are looked at for a cause."""
_LITTLE = 0.5
"""From this share of unmatched references on, little matches."""
_EXPLAINED = 0.5
"""A cause is likely when it explains this share of unmatched ids."""
_WHITE = "[\\s\\x{00A0}\\x{200B}\\x{202F}\\x{FEFF}]"
_CAUSES = {
    "the ids differ only in upper and lower case": "lower(@)",
    "ids of 15 and of 18 characters are mixed; the first 15 match: export both as 18": (
        "CASE WHEN length(@) IN (15, 18) THEN left(@, 15) ELSE @ END"
    ),
    "one of both has braces or dashes around the same ids": "lower(translate(@, '{}()-', ''))",
    "one of both has lost its leading zeros: export ids as text": "ltrim(@, '0')",
    "one of both has blanks in its ids": f"regexp_replace(@, '{_WHITE}', '', 'g')",
    "one of both has an apostrophe before its ids, as spreadsheets mark texts": (
        "ltrim(@, chr(39))"
    ),
    "one of both writes whole numbers with `.0`": "regexp_replace(@, '[.]0+$', '')",
}
_ROUNDED = (
    "ids like 1.05E+14 were rounded by a spreadsheet: make the export again, with ids as text"
)


def reference_findings(
    backend: Backend, references: Iterator[Reference], notes: Mapping[str, int], small: float
) -> Iterator[DataFinding]:
    """Say which references match nothing or little, or fail for a cause that can be seen.

    Args:
        backend: the engine.
        references: of one accepted table.
        notes: how many values match nothing, by a reference's note.
        small: the share of a column that need not be said.
    """
    for reference in references:
        count = notes.get(reference.note, 0)
        if not count:
            continue
        (filled,) = row(backend, f"SELECT count({reference.column}) FROM {reference.rows}")
        if count <= small * filled:
            continue
        cause, example = _cause(backend, reference)
        is_little = count >= _LITTLE * filled
        # Managers are often no reps themselves, and whoever is new has no deal yet.
        if not cause and (not is_little or reference.column == "manager_id"):
            continue
        says = (
            f"{share(count, filled)} values match no {reference.key} of {reference.other}, like "
            f"'{example}'"
        )
        says += f": {cause}" if cause else ": deliver ids as the other table writes them"
        # Where no quota meets a deal, every rep would have attained nothing.
        is_all = (reference.table, reference.other) == ("quotas", "deals") and count == filled
        severity: Severity = "error" if is_all else "warning"
        yield DataFinding(
            reference.table, reference.column, UNMATCHED, severity, says, count, filled, example
        )


def _cause(backend: Backend, reference: Reference) -> tuple[str, str]:
    """Find what makes most of the unmatched ids match; returns the cause, if any, and one id."""
    tests = [
        f"count(*) FILTER ({how.replace('@', 'x')} IN "
        f"(SELECT {how.replace('@', ident(reference.key))} FROM keys))"
        for how in _CAUSES.values()
    ]
    rounded = f"(SELECT count(*) FROM keys WHERE {is_rounded(ident(reference.key))})"
    total, example, own_rounded, keys_rounded, *explained = row(
        backend,
        f"WITH odd AS (SELECT DISTINCT m.{reference.column} AS x FROM {reference.unmatched} "
        f"LIMIT {_MOST}), keys AS (SELECT DISTINCT {reference.key} FROM {reference.keys}) "
        f"SELECT count(*), min(x), count(*) FILTER ({is_rounded('x')}), {rounded}, "
        f"{', '.join(tests)} FROM odd",
    )
    if own_rounded >= _EXPLAINED * total or keys_rounded:
        return _ROUNDED, str(example)
    for cause, count in zip(_CAUSES, explained, strict=True):
        if count >= _EXPLAINED * total:
            return f"{cause} ({count:,} of {total:,} different ids)", str(example)
    return "", str(example)
