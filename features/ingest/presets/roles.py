"""Which table of a source has which role, by its name and its headers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from features.ingest.presets.catalog import Preset, Role
from features.protected import folded

LEAST_TOLD = 0.6
"""Share of the columns that tell a role which a table of another name must have."""
LEAST_TELLS = 3
"""Fewer such columns tell nothing."""
AROUND = frozenset(
    [
        *("sf", "salesforce", "hubspot", "pipedrive", "zoho", "dynamics", "dynamics365"),
        *("dataverse", "crm", "data", "export", "exports", "extract", "raw", "stg", "src"),
        *("csv", "dbo", "public"),
    ]
)
"""Words that loaders and people put around the name of a table."""

Headers = Mapping[str, Sequence[str]]
"""The columns of each table of a source."""


@dataclass(frozen=True)
class Assigned:
    """The tables of a source by their role.

    Attributes:
        tables: role -> the source's table.
        columns: how many columns that need or tell a role were met.
        unclear: role -> tables that fit it equally well, none of which was taken.
    """

    tables: Mapping[str, str]
    columns: int
    unclear: Mapping[str, Sequence[str]]


def assign(preset: Preset, headers: Headers) -> Assigned:
    """Find the table of each role.

    A table of the right name and with the columns that are needed has the role. Without one, a
    table of any name has it that has most of the columns by which the role is known.
    """
    names = {table: _plain(table) for table in headers}
    tables: dict[str, str] = {}
    unclear: dict[str, Sequence[str]] = {}
    for name, role in preset.roles.items():
        called = {_plain(n) for n in (name, *role.names)}
        named = [table for table in _fitting(role, headers) if names[table] in called]
        _take(name, _best(role, named, headers), tables, unclear)
    taken = {*tables.values(), *(table for several in unclear.values() for table in several)}
    for name, role in preset.roles.items():
        if name in tables or name in unclear:
            continue
        free = [t for t in _fitting(role, headers) if t not in taken and _is_told(role, headers[t])]
        _take(name, _best(role, free, headers), tables, unclear)
    met = sum(
        _count((*preset.roles[name].needs, *preset.roles[name].tells), headers[table])
        for name, table in tables.items()
    )
    return Assigned(tables, met, unclear)


def _take(
    name: str,
    best: Sequence[str],
    tables: dict[str, str],
    unclear: dict[str, Sequence[str]],
) -> None:
    if len(best) == 1:
        tables[name] = best[0]
    elif best:
        unclear[name] = best


def _fitting(role: Role, headers: Headers) -> Iterator[str]:
    for table, columns in headers.items():
        if _count(role.needs, columns) == len(role.needs) and not _count(role.without, columns):
            yield table


def _is_told(role: Role, columns: Sequence[str]) -> bool:
    met = _count(role.tells, columns)
    return met >= LEAST_TELLS and met >= LEAST_TOLD * len(role.tells)


def _count(wanted: Sequence[str], columns: Sequence[str]) -> int:
    held = {column.lower() for column in columns}
    return sum(name.lower() in held for name in wanted)


def _best(role: Role, fitting: Sequence[str], headers: Headers) -> list[str]:
    """Return the tables that have most of the columns by which a role is known."""
    counts = {table: _count(role.tells, headers[table]) for table in fitting}
    most = max(counts.values(), default=0)
    return [table for table, count in counts.items() if count == most]


def _plain(name: str) -> str:
    """Return a table's name without what loaders and people put around it, in the singular.

    >>> _plain("sf_lead_data"), _plain("crm.Opportunities"), _plain("Leads 2025-03-31")
    ('lead', 'opportunitie', 'lead')
    """
    words = [word for word in folded(name).split() if word not in AROUND and not word.isdigit()]
    return "".join(words).removesuffix("s")
