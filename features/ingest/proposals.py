"""Attribute columns that look known at creation, of a whole extract, and how that is said.

Of leads, deals and accounts the columns are judged one by one. Accounts carry no clock and no end
of their own: an account was created with its first lead or deal, and counts as won once one of
these was. Columns of reps cannot be judged by shares: too few reps begin in a month.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import yaml
from ibis import _

from features.field_history import FieldHistory
from features.ingest.at_creation import ColumnLook, TableRows, look_at
from features.ingest.fill_shares import Share
from features.snapshot import CUTOFF, DELETED_AT
from features.tables import ENTITY_TABLES, TABLES

Fetch = Callable[[ir.Table], pa.Table]
"""Computes an expression."""
MOST_ROWS = 50_000
"""Rows of a table that are looked at, evenly over time."""
SHOWN = 3
"""Columns that are not proposed of which the words say why; the file says it of all."""
DAY = np.timedelta64(1, "D")
_ROWS = {
    "leads": ("leads made", "converted", "lost"),
    "deals": ("deals made", "won", "lost"),
    "accounts": ("accounts first seen", "won", "lost"),
    "reps": ("reps hired", "won", "lost"),
}
"""How words name a table's new rows, and its ends."""


@dataclass(frozen=True)
class Proposals:
    """What was seen of every attribute column without a history.

    Attributes:
        looks: one for each column, those of a table together.
    """

    looks: tuple[ColumnLook, ...] = ()

    @property
    def proposed(self) -> tuple[ColumnLook, ...]:
        """The columns that look known at creation."""
        return tuple(look for look in self.looks if look.reason is None)

    @property
    def refused(self) -> tuple[ColumnLook, ...]:
        """The others."""
        return tuple(look for look in self.looks if look.reason is not None)

    def without(self, names: Collection[str]) -> Proposals:
        """Return those of other columns than these, which models may not use."""
        return Proposals(tuple(look for look in self.looks if look.name not in names))

    def unnamed(self, named: Sequence[str]) -> tuple[ColumnLook, ...]:
        """Return the proposed columns that are not among the names."""
        return tuple(look for look in self.proposed if look.name not in named)

    def says(self, named: Sequence[str]) -> tuple[str, ...]:
        """Say what is proposed and what is not, in a few lines; nothing without a column.

        Args:
            named: the columns that `features.known_at_creation` names already.
        """
        return (*self._proposal(named), *self._refusal(named))

    def _proposal(self, named: Sequence[str]) -> Iterator[str]:
        new = self.unnamed(named)
        if not new:
            return
        alike: dict[str, list[str]] = {}
        for look in new:
            alike.setdefault(evidence(look), []).append(look.name)
        for shares, names in alike.items():
            verb = "looks" if len(names) == 1 else "look"
            yield f"{listed(names)} {verb} known at creation: {shares}"
        one = len(new) == 1
        yield (
            f"if your CRM fills {'it' if one else 'them'} when the row is made and does not change "
            f"{'it' if one else 'them'} afterwards, add to params.yaml (`pacesetter check` says "
            "what that would bring for leads):"
        )
        yield pasteable([*named, *(look.name for look in new)])

    def _refusal(self, named: Sequence[str]) -> Iterator[str]:
        refused = [look for look in self.refused if look.name not in named]
        if not refused:
            return
        # Those that a person might take for known at creation come first.
        refused.sort(key=lambda look: (not look.is_suspect, -look.shares["all"].value))
        why = "; ".join(f"{look.name} ({why_not(look)})" for look in refused[:SHOWN])
        more = len(refused) - SHOWN
        rest = f"; and {more} more, see ingest-report.json" if more > 0 else ""
        yield f"do not look known at creation: {why}{rest}"

    def to_json(self) -> dict[str, Any]:
        """Return the two keys of ingest-report.json."""
        return {
            "proposed_known_at_creation": [look.to_json() for look in self.proposed],
            "not_proposed_known_at_creation": [
                look.to_json() | {"says": why_not(look)} for look in self.refused
            ],
        }


def pasteable(names: Sequence[str]) -> str:
    """Return the line of params.yaml that names columns as known at creation."""
    # As YAML writes it: a name may hold a comma, a colon or a quote.
    place = {"features": {"known_at_creation": [*names]}}
    line = yaml.safe_dump(place, default_flow_style=True, allow_unicode=True, width=math.inf)
    return line.strip()[1:-1]


def listed(names: Sequence[str]) -> str:
    """Join names as a sentence does.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def evidence(look: ColumnLook) -> str:
    """Say how often a column is filled, by age and by end."""
    made, won, lost = _ROWS[look.table]
    shares = look.shares
    ends = [(shares["won"], won), (shares["lost"], lost)]
    of_ends = "".join(f", {share.says} of {end}" for share, end in ends if share.rows)
    return f"filled for {shares['young'].says} of {made} in the last {look.days} days{of_ends}"


def why_not(look: ColumnLook) -> str:
    """Say in a few words why a column is not proposed."""
    made, won, lost = _ROWS[look.table]
    shares = look.shares
    older = f"{shares['young'].says} of {made} in the last {look.days} days"
    reasons = {
        "constant": "one value only, or never filled",
        "dates": "dates",
        "id": "an id or free text",
        "by_outcome": f"filled for {shares['won'].says} of {won}, {shares['lost'].says} of {lost}, "
        f"{shares['open'].says} of open ones",
        "by_age": f"filled for {older}, {shares['older'].says} of older ones",
        "partial": f"filled for {shares['all'].says} only",
        "few": f"too few to tell: {shares['young'].rows} open {made} in the last {look.days} days, "
        f"{shares['won'].rows} {won}",
        "tells": f"its values tell {won} {look.table} from the others, so they look filled "
        "afterwards",
        "hindsight": f"{made} in the last {look.days} days have the values of those not {won}, so "
        "it looks filled afterwards",
        "changes": f"{made} in the last {look.days} days have other values than older ones, so it "
        "seems to change later",
        None: "",
    }
    return reasons[look.reason]


def propose(
    tables: Mapping[str, ir.Table],
    fetch: Fetch,
    histories: Sequence[FieldHistory],
    data_until: datetime | None,
) -> Proposals:
    """Judge every attribute column without a history.

    Args:
        tables: all tables of an extract, cut to what may be read.
        fetch: computes an expression.
        histories: the fields that have a history.
        data_until: where the data ends; None without an event, and then nothing is judged.
    """
    if data_until is None:
        return Proposals()
    looks: list[ColumnLook] = []
    for entity, name in ENTITY_TABLES.items():
        with_history = {h.field for h in histories if h.entity_type == entity}
        columns = [c for c in _attributes(tables[name], name) if c not in with_history]
        if columns and name == "reps":
            looks += [_of_reps(column) for column in columns]
        elif columns:
            rows = _rows(tables, name, columns)
            looks += _looks(name, columns, fetch(_spread(rows, fetch)), data_until)
    return Proposals(tuple(looks))


def _looks(
    table: str, columns: Sequence[str], rows: pa.Table, data_until: datetime
) -> Iterator[ColumnLook]:
    frame = rows.to_pandas()
    age = np.datetime64(data_until, "us") - frame["created"].to_numpy("datetime64[us]")
    won, lost = (frame[end].to_numpy(np.bool_) for end in ("won", "lost"))
    beside = TableRows(age / DAY, won, lost)
    for place, column in enumerate(columns):
        yield look_at(table, column, frame[f"value_{place}"], beside)


def _attributes(rows: ir.Table, table: str) -> list[str]:
    """Name the further columns of a table that hold plain values, in a fixed order."""
    return sorted(
        column
        for column, dtype in rows.schema().items()
        if column not in TABLES[table].by_name
        and column.lower() not in (CUTOFF, DELETED_AT)
        and (dtype.is_primitive() or dtype.is_decimal() or dtype.is_string() or dtype.is_temporal())
    )


def _of_reps(column: str) -> ColumnLook:
    """Return that a column cannot be judged."""
    none = dict.fromkeys(("all", "young", "older", "won", "lost", "open"), Share(0, 0))
    return ColumnLook("reps", column, 0, none, reason="few")


def _rows(tables: Mapping[str, ir.Table], name: str, columns: Sequence[str]) -> ir.Table:
    """Return what a table's columns are judged by: its rows with `id, created, won, lost`."""
    # Attributes may have the names of our own columns.
    values = {f"value_{place}": tables[name][column] for place, column in enumerate(columns)}
    if name != "accounts":
        return tables[name].select(**_story(tables[name], name), **values)
    own = tables[name].select(account=tables[name].account_id, **values)
    return own.inner_join(_accounts_met(tables), "account").rename(id="account")


def _story(rows: ir.Table, name: str) -> dict[str, ir.Value]:
    """Return which lead or deal a row is, when it was created, and how it ended."""
    if name == "leads":
        won = rows.converted_at.notnull()
        lost = rows.lost_at.notnull() & ~won
    else:
        is_won, is_closed = rows.won.fill_null(False), rows.closed_at.notnull()  # noqa: FBT003 - a value, no switch
        won, lost = is_closed & is_won, is_closed & ~is_won & rows.won.notnull()
    return {"id": rows[f"{name[:-1]}_id"], "created": rows.created_at, "won": won, "lost": lost}


def _accounts_met(tables: Mapping[str, ir.Table]) -> ir.Table:
    """Return when each account had its first lead or deal, and whether any was won or lost."""
    changes, met = tables["changes"], []
    for kind, name in (("lead", "leads"), ("deal", "deals")):
        rows, stories = tables[name], tables[name].select(**_story(tables[name], name))
        # Where `account_id` has a history, the own column is empty.
        is_one = (changes.entity_type == kind) & (changes.field == "account_id")
        changed = changes.filter(is_one).select(id="entity_id", account="value")
        own = rows.select(id=f"{kind}_id", account="account_id")
        pairs = own.union(changed).filter(_.account.notnull()).distinct()
        met.append(pairs.inner_join(stories, "id").drop("id"))
    grouped = met[0].union(met[1]).group_by("account")
    first = grouped.aggregate(created=_.created.min(), won=_.won.any(), lost=_.lost.any())
    return first.mutate(lost=first.lost & ~first.won)


def _spread(rows: ir.Table, fetch: Fetch) -> ir.Table:
    """Take so many rows evenly over time, whatever their order in the files."""
    (count,) = fetch(rows.aggregate(n=rows.count()))["n"].to_pylist()
    step = -(-count // MOST_ROWS)
    if step <= 1:
        return rows
    place = ibis.row_number().over(order_by=[rows.created, rows.id])
    return rows.mutate(place=place).filter(_.place % step == 0).drop("place")
