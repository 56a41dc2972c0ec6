"""Which preset reads a source: the one that was named, or the one whose headers fit best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.errors import MappingError, SourceError
from features.ingest.files import Source
from features.ingest.mapping import Mappings, load_mapping
from features.ingest.presets.catalog import Preset, presets
from features.ingest.presets.open_fields import with_open_fields
from features.ingest.presets.prune import Pruning, prune
from features.ingest.presets.prune import Source as Roles
from features.ingest.presets.roles import Assigned, Headers, assign
from features.ingest.shaping.overrides import with_overrides
from features.ingest.shaping.reader import Reader
from features.tables import TABLES

CORE = ("leads", "deals")
"""A preset reads a source only if it gives one of these tables."""


@dataclass(frozen=True)
class Chosen:
    """How a source is read.

    Attributes:
        mappings: of the file, of the preset, or every table under its own name.
        preset: the preset's name; None without one.
        says: what was chosen, what was matched and what is missing, in words.
    """

    mappings: Mappings
    preset: str | None = None
    says: tuple[str, ...] = ()


def choose(backend: Backend, source: Source, mapping: Path | None) -> Chosen:
    """Return how a source is read.

    Args:
        backend: reads headers.
        source: opened.
        mapping: a mapping file or the name of a preset; None: found out by headers, and so where
            the file only says how single files are read.

    Raises:
        MappingError: the mapping cannot be read, the preset named does not fit, or two presets
            fit equally well.
    """
    name = preset_name(mapping)
    if mapping is None or name is not None:
        return _by_headers(backend, source, name)
    loaded = load_mapping(mapping)
    if not loaded.names_files_alone:
        return Chosen(loaded)
    reader = Reader(backend, source, Path(source.name), loaded.where)
    found = _by_headers(backend, with_overrides(reader, loaded.sources), None)
    return replace(found, mappings=replace(found.mappings, sources=loaded.sources))


def _by_headers(backend: Backend, source: Source, name: str | None) -> Chosen:
    """Return how a source is read by the preset named, else by the one that fits, if any does."""
    headers = headers_of(backend, source)
    if name is not None:
        return _opened(_named(presets()[name], headers, source.name), backend, source)
    if is_ours(headers):
        return Chosen(load_mapping(None))
    fitting = list(_fitting(headers))
    most = max((fit.assigned.columns for fit in fitting), default=0)
    best = [fit for fit in fitting if fit.assigned.columns == most]
    if len(best) > 1:
        names = " and ".join(fit.preset.name for fit in best)
        raise MappingError(
            f"{source.name} fits {names} equally: say which it is, for example with "
            f"--mapping {best[0].preset.name}"
        )
    if not best:
        return Chosen(load_mapping(None))
    return _opened(best[0], backend, source)


def preset_name(mapping: Path | None) -> str | None:
    """Return the preset that is meant by a mapping; None where it is a file."""
    if mapping is None or mapping.exists():
        return None
    return str(mapping) if str(mapping) in presets() else None


def headers_of(backend: Backend, source: Source) -> Headers:
    """Return the columns of each table; a table that cannot be read has none."""
    headers = {}
    for name in source.tables:
        try:
            headers[name] = [column.name for column in source.table(backend, name).columns]
        except SourceError:
            headers[name] = []
    return headers


def is_ours(headers: Headers) -> bool:
    """Return whether a source has one of our tables, with the columns that it needs."""
    for name, table in TABLES.items():
        for other, columns in headers.items():
            held = {column.lower() for column in columns}
            if other.lower() == name and held >= set(table.required):
                return True
    return False


@dataclass(frozen=True)
class _Fit:
    """A preset that can read a source."""

    preset: Preset
    assigned: Assigned
    mappings: Mappings
    left_out: Pruning

    @property
    def gives(self) -> tuple[str, ...]:
        """The tables of ours that come of it."""
        tables = self.mappings.tables
        return tuple(name for name in TABLES if tables[name].table or tables[name].union)

    @property
    def chosen(self) -> Chosen:
        """The preset's mapping, with the words about it.

        Raises:
            MappingError: two tables fit one of its roles equally well.
        """
        for role, tables in self.assigned.unclear.items():
            raise MappingError(
                f"{' and '.join(tables)} fit equally as {role} of {self.preset.title}: take one "
                "of them away, or write a --mapping file (--suggest-mapping begins one)"
            )
        where = replace(self.mappings, where=f"preset {self.preset.name}")
        return Chosen(where, self.preset.name, tuple(self._says()))

    def _says(self) -> Iterator[str]:
        used = ", ".join(
            f"{table} as {role}" if table != role else table
            for role, table in self.assigned.tables.items()
        )
        yield (
            f"read as {self.preset.title} (preset {self.preset.name}): {used}; "
            f"{self.assigned.columns} columns met"
        )
        absent = [
            f"{role} ({about.gives})"
            for role, about in self.preset.roles.items()
            if role not in self.assigned.tables
        ]
        if absent:
            yield f"not there: {', '.join(absent)}"
        if self.left_out.columns:
            yield f"no column for {', '.join(self.left_out.columns)}"
        for column in self.left_out.hindsight:
            yield (
                f"{column} is left empty: the export shows only its last value, which knows how "
                "the story ended; deliver its history"
            )


def _fit(preset: Preset, headers: Headers) -> _Fit:
    assigned = assign(preset, headers)
    mappings, left_out = prune(preset, Roles(assigned.tables, headers))
    return _Fit(preset, assigned, mappings, left_out)


def _fitting(headers: Headers) -> Iterator[_Fit]:
    for preset in presets().values():
        fit = _fit(preset, headers)
        is_core = any(preset.roles[role].gives in CORE for role in fit.assigned.unclear)
        if is_core or any(name in CORE for name in fit.gives):
            yield fit


def _opened(fit: _Fit, backend: Backend, source: Source) -> Chosen:
    """Return a preset's mapping with the properties that only this company's histories hold."""
    chosen, tables = fit.chosen, fit.assigned.tables
    roles = [tables[role] for role in fit.preset.open_histories if role in tables]
    if not roles:
        return chosen
    return replace(chosen, mappings=with_open_fields(chosen.mappings, roles, backend, source))


def _named(preset: Preset, headers: Headers, source: str) -> _Fit:
    fit = _fit(preset, headers)
    if not fit.gives:
        needed: Mapping[str, tuple[str, ...]] = {
            role: about.needs for role, about in preset.roles.items() if about.gives in CORE
        }
        wanted = "; ".join(f"{role} with {', '.join(columns)}" for role, columns in needed.items())
        found = "; ".join(f"{name}: {', '.join(cols[:8])}" for name, cols in headers.items())
        raise MappingError(
            f"{source} does not look like {preset.title}: it needs {wanted}; found "
            f"{found or 'no table'}"
        )
    return fit
