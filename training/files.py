"""The files that come out, each with one schema: names, types, order, and what values may be.

A schema is data, so that whoever only needs the names waits for no library. `checked` turns it into
a pandera schema (https://pandera.readthedocs.io) and holds a frame against it, where the file is
written and nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from features.errors import InputError
from features.evidence import EvidenceState

if TYPE_CHECKING:
    from pandera.pandas import Check, DataFrameSchema

TEXT, MOMENT, NUMBER, COUNT, FLAG = "str", "datetime64[us]", "float64", "int64", "bool"
"""Types of columns, as pandas names them; parquet keeps them."""
BANDS = ("hot", "warm", "cool", "cold", "do not contact")
STATES = tuple(state.value for state in EvidenceState)


@dataclass(frozen=True)
class Column:
    """A column of a file.

    Attributes:
        name: its name.
        dtype: its type.
        nullable: whether values may be missing.
        low: the least value, if there is one.
        high: the greatest value, if there is one.
        among: the values there may be, where they can be counted.
        required: whether it is always there.
    """

    name: str
    dtype: str
    nullable: bool = False
    low: float | None = None
    high: float | None = None
    among: tuple[str | float, ...] = ()
    required: bool = True


@dataclass(frozen=True)
class FileSchema:
    """A file that comes out.

    Attributes:
        file: its name.
        columns: all of them, in order.
        key: the columns that tell its rows apart.
        rising: columns that never fall from the first to the last, within each row.
    """

    file: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    rising: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns that are always there, in order."""
        return tuple(column.name for column in self.columns if column.required)


def _chance(name: str) -> Column:
    return Column(name, NUMBER, low=0.0, high=1.0)


EVIDENCE = Column("evidence", TEXT, among=STATES)
PERIOD = (Column("period_start", MOMENT), Column("period_end", MOMENT))
RANGE = tuple(Column(f"attainment_{level}", NUMBER) for level in ("p10", "p50", "p90"))
RISING = tuple(column.name for column in RANGE)
EXPECTED = (Column("expected_open", NUMBER), Column("expected_new", NUMBER, low=0.0))

LEAD_PREDICTIONS = FileSchema(
    "lead_predictions.parquet",
    (
        Column("lead_id", TEXT),
        Column("cutoff", MOMENT),
        Column("horizon_days", COUNT, low=1),
        _chance("p"),
        Column("y", NUMBER, nullable=True, among=(0.0, 1.0)),
        Column("fold", COUNT, low=0),
    ),
    key=("lead_id", "cutoff", "horizon_days"),
)
QUOTA_PREDICTIONS = FileSchema(
    "quota_predictions.parquet",
    (
        Column("rep_id", TEXT),
        *PERIOD,
        Column("cutoff", MOMENT),
        _chance("p_attain"),
        *RANGE,
        Column("attainment", NUMBER, nullable=True),
        Column("quota", NUMBER),
        Column("closed", NUMBER),
        *EXPECTED,
        Column("fold", COUNT, low=0),
        EVIDENCE,
        Column("committed", NUMBER, nullable=True, required=False),
    ),
    key=("rep_id", "period_start", "period_end", "cutoff"),
    rising=RISING,
)
LEAD_SCORES = FileSchema(
    "lead_scores.parquet",
    (
        Column("lead_id", TEXT),
        Column("rep_id", TEXT, nullable=True),
        Column("as_of", MOMENT),
        Column("horizon_days", COUNT, low=1),
        _chance("p"),
        Column("score", NUMBER, low=0.0, high=100.0),
        *(Column(name, NUMBER, nullable=True, low=0.0, high=1.0) for name in ("reach", "gain")),
        Column("priority", NUMBER, low=0.0),
        Column("rank", "Int64", nullable=True, low=1),
        Column("band", TEXT, among=BANDS),
        EVIDENCE,
        Column("reasons", TEXT),
        Column("call_reasons", TEXT),
        Column("call_evidence", TEXT, among=("learned", "rule")),
        Column("model_version", TEXT),
    ),
    key=("lead_id", "as_of"),
)
REP_SCORES = FileSchema(
    "rep_scores.parquet",
    (
        Column("rep_id", TEXT),
        *PERIOD,
        Column("as_of", MOMENT),
        Column("quota", NUMBER),
        Column("attained", NUMBER),
        _chance("p_attain"),
        *RANGE,
        Column("at_risk", FLAG),
        EVIDENCE,
        Column("reasons", TEXT),
        Column("model_version", TEXT),
        Column("manager_id", TEXT, nullable=True),
        Column("has_left", FLAG),
        *EXPECTED,
        Column("range_low", NUMBER),
        Column("range_high", NUMBER),
        _chance("p_in_range"),
        Column("evidence_says", TEXT),
    ),
    key=("rep_id", "period_start", "period_end", "as_of"),
    rising=RISING,
)

CAUSES = (
    *("qualifying", "closing", "volume", "follow_up", "deal_size", "internal_delay"),
    *("territory", "lead_mix", "ramp", "quota", "luck"),
)
REP_CAUSES = FileSchema(
    "rep_causes.parquet",
    (
        Column("rep_id", TEXT),
        Column("period_start", MOMENT),
        Column("as_of", MOMENT),
        Column("rank", COUNT, low=1),
        Column("cause", TEXT, among=CAUSES),
        *(Column(name, NUMBER) for name in ("size", "low", "high")),
        Column("share", NUMBER, nullable=True),
        Column("since", MOMENT, nullable=True),
        _chance("p"),
        Column("theirs", FLAG),
        Column("evidence", TEXT),
    ),
    key=("rep_id", "period_start", "rank"),
    rising=("low", "size", "high"),
)
GROUND_NUMBERS = ("actual", "expected", "residual", "low", "high", "shrunk")
EQUAL_GROUNDS = FileSchema(
    "equal_grounds.parquet",
    (
        Column("rep_id", TEXT),
        Column("period_start", MOMENT),
        Column("as_of", MOMENT),
        Column("metric", TEXT, among=("conversions", "wins", "revenue")),
        *(Column(name, NUMBER) for name in GROUND_NUMBERS),
    ),
    key=("rep_id", "period_start", "metric"),
    rising=("low", "residual", "high"),
)


FILES: Mapping[str, FileSchema] = MappingProxyType(
    {
        schema.file: schema
        for schema in (
            *(LEAD_PREDICTIONS, QUOTA_PREDICTIONS, LEAD_SCORES, REP_SCORES),
            *(REP_CAUSES, EQUAL_GROUNDS),
        )
    }
)
"""Every schema, by the file's name."""

STRUCTURE = {
    "column_in_dataframe": "are missing",
    "column_in_schema": "are not part of it",
    "column_ordered": "are out of order",
}
"""What pandera calls a fault in the columns themselves, and what that means."""
OF_TYPE = "must be of type"
SET_BY_PANDERA = ("PYARROW_IGNORE_TIMEZONE", "SPARK_LOCAL_IP")
MOST_NAMES = 3
"""Columns that an error names of each kind of fault, at most."""


def checked(frame: pd.DataFrame, schema: FileSchema) -> pd.DataFrame:
    """Return a frame unchanged if it keeps to a file's schema.

    Args:
        frame: what is to be written.
        schema: what the file may hold.

    Raises:
        InputError: it breaks the schema. Names the file and, for each fault, the column, what would
            be right, in how many rows it is wrong, and the first of them.
    """
    try:
        _translated(schema).validate(frame, lazy=True)
    except _pandera().errors.SchemaErrors as error:
        faults = "; ".join(_faults(error.failure_cases, frame))
        raise InputError(f"{schema.file} would break its schema: {faults}") from None
    return frame


@cache
def _pandera() -> ModuleType:
    """Import pandera, and undo what its import does to the process.

    pandera 0.35 sets two variables of the environment for Spark's sake, with Spark or without. With
    the first of them set, pyarrow drops the zone of a moment instead of converting it to UTC. An
    empty text keeps pandera from setting them and means "no" to pyarrow.
    """
    before = {name: os.environ.get(name) for name in SET_BY_PANDERA}
    os.environ |= {name: "" for name, value in before.items() if value is None}
    try:
        import pandera.pandas  # noqa: PLC0415 - takes up to half a second, and only writers wait

        # Some of it is imported by the first validation only.
        pandera.pandas.DataFrameSchema().validate(pd.DataFrame())
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
    return pandera.pandas


@cache
def _translated(schema: FileSchema) -> DataFrameSchema:
    """Translate a schema for pandera."""
    pa = _pandera()
    key = [*schema.key]
    repeated = pa.Check(
        lambda frame: ~frame.duplicated(key), error=f"{', '.join(key)} must not repeat"
    )
    rising = [
        pa.Check(
            lambda frame, low=low, high=high: frame[low] <= frame[high],
            error=f"{low} must not lie above {high}",
        )
        for low, high in pairwise(schema.rising)
    ]
    columns = {
        column.name: pa.Column(
            checks=[*_checks(column)], nullable=column.nullable, required=column.required
        )
        for column in schema.columns
    }
    return pa.DataFrameSchema(columns, [repeated, *rising], strict=True, ordered=True)


def _checks(column: Column) -> Iterator[Check]:
    """Yield what pandera checks of a column besides gaps.

    Its own check of types takes objects for text and nanoseconds for microseconds, and parquet does
    not.
    """
    check = _pandera().Check
    low, high, among = column.low, column.high, column.among
    yield check(lambda values: values.dtype == column.dtype, error=f"{OF_TYPE} {column.dtype}")
    if column.dtype == NUMBER:
        yield check(lambda values: ~np.isinf(values), error="must not be infinite")
    if low is not None:
        yield check.ge(low, error=f"must be {low:g} or more")
    if high is not None:
        yield check.le(high, error=f"must be {high:g} or less")
    if among:
        yield check.isin([*among], error=f"must be one of {', '.join(map(str, among))}")


def _faults(cases: pd.DataFrame, frame: pd.DataFrame) -> Iterator[str]:
    """Say what pandera found, a phrase a fault.

    A fault in the columns themselves hides all others, and one in a column's type all others of
    that column: they may merely follow from it.

    Args:
        cases: `schema_context, column, check, failure_case, index`; a fault may fill many rows.
        frame: what was checked.
    """
    structure = cases[cases["check"].isin(STRUCTURE)]
    for check, rows in structure.groupby("check", sort=False):
        names = [str(name) for name in rows["failure_case"]]
        more = ", ..." if len(names) > MOST_NAMES else ""
        yield f"columns {STRUCTURE[str(check)]}: {', '.join(names[:MOST_NAMES])}{more}"
    if len(structure):
        return
    of_type = cases[cases["check"].astype(str).str.startswith(OF_TYPE)]
    for fault in of_type.to_dict("records"):
        name = str(fault["column"])
        yield f"{name} {fault['check']}, not {frame[name].dtype}"
    others = cases[~cases["column"].isin(of_type["column"])]
    # A fault between columns is listed for each of them, and names them itself.
    subject = others["column"].where(others["schema_context"] == "Column", "")
    for (of, what), rows in others.groupby([subject, "check"], sort=False):
        yield _value_fault(str(of), str(what), rows, len(frame))


def _value_fault(name: str, check: str, rows: pd.DataFrame, count: int) -> str:
    """Say what is wrong with values, in how many rows, and the first of them."""
    what = "must not be empty" if check == "not_nullable" else check
    wrong, first = rows["index"].nunique(), rows.iloc[0]
    value = f" ({first['failure_case']})" if name else ""
    where = f"wrong in {wrong} of {count} rows, first in row {first['index']}{value}"
    return f"{name} {what}: {where}".strip()
