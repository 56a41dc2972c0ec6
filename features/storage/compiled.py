"""SQL of expressions, compiled once for each shape.

Compiling a query costs ibis far longer than a small table costs the engine, and the same queries
come again and again: for each fold of a backtest, for both models, for the next extract. They
differ in the moment they look back from and in the names of the tables that were kept, and the
text of such a query differs in just those places:

    | expression               | shape                    | SQL                        |
    | leads before 1 March     | table 0 before moment 0  | FROM "leads" ... 1 March   |
    | leads before 1 April     | the same                 | only the moment changes    |
    | leads before 1 April, 3  | another: 3 is a value    | compiled anew              |
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.schema as sch
import ibis.expr.types as ir
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.base import SQLGlotCompiler
from ibis.common.graph import Node
from sqlglot import ErrorLevel

PLAIN = (str, int, float, bool, type(None), Enum, dt.DataType, sch.Schema, ops.Namespace)
"""What a node may hold, beside other nodes, to be told apart by what Python writes of it."""
FAR = datetime(5000, 1, 1)
"""Stand-ins for moments lie beyond it."""
_ALIAS = re.compile(r"t\d+")


class _Unlike(Exception):
    """An expression holds what is not known to stand for itself."""


@dataclass
class _Shape:
    """What an expression is, apart from the names of its tables and the moments in it.

    Attributes:
        places: the position of each node, by its identity, in the order of `tokens`.
        tokens: what each node is, its arguments given by their positions.
        tables: the names of its tables, in the order they were met.
        moments: its moments likewise; equal ones once.
        references: identities of tables that are joined with themselves, likewise.
    """

    places: dict[int, int] = field(default_factory=dict)
    tokens: list[object] = field(default_factory=list)
    tables: dict[str, int] = field(default_factory=dict)
    moments: dict[ops.Literal, int] = field(default_factory=dict)
    references: dict[object, int] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Node) -> _Shape:
        """Walk through an expression, arguments first.

        Raises:
            _Unlike: it holds what is not known to stand for itself.
        """
        shape = cls()
        waiting = [root]
        while waiting:
            node = waiting[-1]
            if id(node) in shape.places:
                waiting.pop()
                continue
            below = [n for n in _nodes(node.__args__) if id(n) not in shape.places]
            if below:
                waiting.extend(reversed(below))
                continue
            token = shape.token(node)
            shape.places[id(node)] = len(shape.tokens)
            shape.tokens.append(token)
        return shape

    @property
    def key(self) -> bytes:
        """A digest of the tokens."""
        return hashlib.sha256(repr(self.tokens).encode()).digest()

    def token(self, node: Node) -> object:
        """Return what tells a node from others of another meaning."""
        kind = f"{type(node).__module__}.{type(node).__qualname__}"
        if isinstance(node, (ops.DatabaseTable, ops.InMemoryTable)):
            if _ALIAS.fullmatch(node.name):
                raise _Unlike
            place = self.tables.setdefault(node.name, len(self.tables))
            namespace = getattr(node, "namespace", None)
            return (kind, place, repr(namespace), _written(node.schema))
        if isinstance(node, ops.Literal) and isinstance(node.value, datetime):
            place = self.moments.setdefault(node, len(self.moments))
            return (kind, place, _written(node.dtype))
        if isinstance(node, ops.Reference):
            place = self.references.setdefault(node.identifier, len(self.references))
            return (kind, place, self.places[id(node.parent)])
        if isinstance(node, (ops.ScalarUDF, ops.AggUDF, ops.AliasedRelation)):
            raise _Unlike
        return (kind, *map(self.argument, node.__args__))

    def argument(self, value: object) -> object:
        """Return what stands for an argument of a node."""
        if isinstance(value, Node):
            return (self.places[id(value)],)
        if isinstance(value, tuple):
            return [self.argument(item) for item in value]
        if isinstance(value, PLAIN):
            return _written(value)
        if isinstance(value, frozenset):  # names of columns, whose order says nothing
            return sorted(map(_written, value))
        if isinstance(value, Mapping):
            return {_written(name): self.argument(item) for name, item in value.items()}
        raise _Unlike


def _nodes(value: object) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _nodes(item)
    elif isinstance(value, Mapping) and not isinstance(value, sch.Schema):
        for item in value.values():
            yield from _nodes(item)


def _written(value: object) -> str:
    return f"{type(value).__name__}:{value!r}"


@dataclass(frozen=True)
class _Template:
    """The SQL of a shape: pieces of text, and between them the place of a table or a moment.

    Attributes:
        pieces: texts; one more than there are gaps.
        gaps: what comes after each piece but the last: its kind and its place.
    """

    pieces: tuple[str, ...]
    gaps: tuple[tuple[str, int], ...]

    def filled(self, texts: Mapping[str, list[str]]) -> str:
        """Return the SQL with these tables and moments."""
        between = [texts[kind][place] for kind, place in self.gaps]
        return "".join(p + b for p, b in zip(self.pieces, [*between, ""], strict=True))


class CompiledQueries:
    """The SQL of expressions for DuckDB; safe to ask from several threads."""

    def __init__(self, compiler: SQLGlotCompiler, most: int) -> None:
        """Begin with no shape known.

        Args:
            compiler: what ibis compiles with.
            most: shapes that are remembered.
        """
        self._compiler = compiler
        self._most = most
        self._templates: OrderedDict[bytes, _Template | None] = OrderedDict()
        self._lock = threading.Lock()
        # Stand-ins are drawn, so that no text in a query can be taken for one.
        self._salt = secrets.token_hex(8)
        self._drawn = timedelta(microseconds=secrets.randbelow(10**15))

    def sql(self, rows: ir.Table) -> str | None:
        """Return the SQL of an expression; nothing where ibis must be asked each time."""
        try:
            shape = _Shape.of(rows.op())
        except _Unlike:
            return None
        template = self._known(rows.op(), shape)
        if template is None:
            return None
        names, moments = map(self._name, shape.tables), map(self._moment, shape.moments)
        return template.filled({"table": [*names], "moment": [*moments]})

    def _known(self, root: Node, shape: _Shape) -> _Template | None:
        """Look a shape up, or compile it; the one unused for longest makes room."""
        key = shape.key
        with self._lock:
            if key in self._templates:
                self._templates.move_to_end(key)
                return self._templates[key]
        template = self._template(root, shape)
        with self._lock:
            self._templates[key] = template
            if len(self._templates) > self._most:
                self._templates.popitem(last=False)
        return template

    def _template(self, root: Node, shape: _Shape) -> _Template | None:
        """Compile with stand-ins for tables and moments, and cut there; none may have got lost."""
        drawn = {
            moment: ops.Literal(FAR + self._drawn + timedelta(days=place), moment.dtype)
            for moment, place in shape.moments.items()
        }
        names = {name: f"{self._salt}_{place}" for name, place in shape.tables.items()}
        query = self._compiler.to_sqlglot(
            root.replace(drawn).to_expr() if drawn else root.to_expr()
        )
        for table in query.find_all(sge.Table):
            if table.name in names:
                table.set("this", sge.to_identifier(names[table.name], quoted=True))
        sql = self._sql(query)
        gap_of = {self._name(names[name]): ("table", place) for name, place in shape.tables.items()}
        gap_of |= {self._moment(drawn[m]): ("moment", place) for m, place in shape.moments.items()}
        if not gap_of:
            return _Template((sql,), ())
        pieces = re.split(f"({'|'.join(map(re.escape, gap_of))})", sql)
        gaps = tuple(gap_of[text] for text in pieces[1::2])
        if set(gaps) != set(gap_of.values()):
            return None
        return _Template(tuple(pieces[::2]), gaps)

    def _moment(self, moment: ops.Literal) -> str:
        """Write a moment as ibis does."""
        how = {"value": moment.value, "dtype": moment.dtype}
        return self._sql(self._compiler.visit_NonNullLiteral(moment, **how))

    def _name(self, name: str) -> str:
        return self._sql(sge.to_identifier(name, quoted=True))

    def _sql(self, written: sge.Expression) -> str:
        return written.sql(self._compiler.dialect, copy=False, unsupported_level=ErrorLevel.RAISE)
