"""Laws of parsing: each value alone, exactly, or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from ibis.backends.duckdb import Backend

from features.ingest import parsing
from features.ingest.parsing import SQL_TYPES, TextFormat
from features.storage.engine import engine, rows, text
from features.tables import ColumnKind
from features.texts import EMPTY

SEEDS = (1, 2, 3)
WHITE = " \t\n\r\xa0"


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """One engine: nothing here leaves anything behind in it."""
    opened = engine(0.5, 1, tmp_path_factory.mktemp("spill"))
    yield opened
    opened.disconnect()


def literal(value: Any) -> str:
    """Write a value for SQL."""
    if value is None:
        return "NULL"
    return text(value) if isinstance(value, str) else str(value)


def computed(backend: Backend, expression: str, values: Sequence[Any], sql_type: str) -> list[Any]:
    """Compute an expression of `x` for each value, in their order."""
    listed = ", ".join(f"({i}, {literal(value)})" for i, value in enumerate(values))
    query = (
        f"SELECT {expression} FROM (SELECT i, CAST(v AS {sql_type}) AS x "
        f"FROM (VALUES {listed}) t(i, v)) ORDER BY i"
    )
    return [value for (value,) in rows(backend, query)]


def cleaned(backend: Backend, values: Sequence[Any], sql_type: str = "VARCHAR") -> list[Any]:
    """Trim and clean values."""
    trimmed = computed(backend, parsing.trim("x", sql_type), values, sql_type)
    return computed(backend, parsing.clean("x", sql_type), trimmed, sql_type)


def parsed(
    backend: Backend,
    kind: ColumnKind,
    values: Sequence[Any],
    sql_type: str = "VARCHAR",
    texts: TextFormat | None = None,
) -> list[Any]:
    """Parse cleaned values and keep those in range."""
    expression = parsing.parse(kind, "x", sql_type, texts or TextFormat())
    return computed(backend, parsing.in_range(kind, expression), values, sql_type)


# Trimming and cleaning.


@pytest.mark.parametrize("seed", SEEDS)
def test_white_space_around_a_text_is_trimmed_and_inside_it_stays(
    backend: Backend, seed: int
) -> None:
    """Whatever white space stands around it, a text is the same, its own spaces included."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret

    def padding() -> str:
        return "".join(rng.choices(WHITE, k=rng.randrange(4)))

    plain = [rng.choice(["a", "two  words", "a\tb", "ü", "a'b", "!", "0"]) for _ in range(60)]
    assert cleaned(backend, [padding() + word + padding() for word in plain]) == plain


def test_words_for_nothing_are_empty_alone_only(backend: Backend) -> None:
    """What exports write for nothing is NULL; the same word inside a text is not, nor is NA."""
    assert cleaned(backend, [*EMPTY, *(f" {word}\n" for word in EMPTY), " ", None]) == [None] * (
        2 * len(EMPTY) + 2
    )
    kept = ["NA", "n/a", "NULLs", "not None", "-", "0", "Nan"]
    assert cleaned(backend, kept) == kept


def test_not_a_number_is_nothing_and_other_numbers_stay(backend: Backend) -> None:
    """NaN in a column of floats is empty; zero, negative and infinite values are written there."""
    values = ["0.0", "-1.5", "inf", "nan", None]
    assert computed(backend, parsing.clean("x", "DOUBLE"), values, "DOUBLE") == [
        0.0, -1.5, float("inf"), None, None,
    ]  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_attributes_are_cleaned_like_columns_of_the_schema(backend: Backend, seed: int) -> None:
    """The one pattern for attributes empties the same texts as the list for other columns."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    words = [*EMPTY, "NA", "nullify", "xNaN", "None of them", "a b", "0"]
    values = [
        " " * rng.randrange(3) + rng.choice(words) + " " * rng.randrange(3) for _ in range(80)
    ]
    attribute = computed(backend, parsing.clean_attribute("x", "VARCHAR"), values, "VARCHAR")
    assert attribute == cleaned(backend, values)


# Numbers.


@pytest.mark.parametrize("seed", SEEDS)
def test_a_number_is_read_back_to_the_bit(backend: Backend, seed: int) -> None:
    """Any way Python writes a finite number is read as that very number."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    numbers = [rng.uniform(-1, 1) * 10.0 ** rng.randrange(-300, 300) for _ in range(60)]
    numbers += [0.0, 1e-320, 1.7976931348623157e308, 0.1, 1 / 3]
    assert parsed(backend, ColumnKind.NUMBER, [repr(number) for number in numbers]) == numbers
    assert parsed(backend, ColumnKind.NUMBER, [f"{number:+.17e}" for number in numbers]) == numbers


@pytest.mark.parametrize(
    "written",
    ["", "1,5", "1 000", "1_000", "0x10", "inf", "-Infinity", "nan", "1e", "e5", ".", "+", "1e1000",
     "\u0661", "1.2.3", "12 EUR", "$5", "--1", "true"],
)  # fmt: skip
def test_what_is_no_plain_number_is_not_guessed(backend: Backend, written: str) -> None:
    """Group signs, units, words and numbers beyond all scales are not read."""
    assert parsed(backend, ColumnKind.NUMBER, [written]) == [None]


@pytest.mark.parametrize("kind", [ColumnKind.ID, ColumnKind.TEXT])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_whole_float_is_written_as_its_digits(
    backend: Backend, kind: ColumnKind, seed: int
) -> None:
    """An id that pandas made a float has no point and no exponent, however long it is."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    numbers = [rng.randrange(2**53) * rng.choice([-1, 1]) for _ in range(50)]
    numbers += [0, 10**15, 2**100, -(10**22)]
    values = [float(number) for number in numbers]
    assert parsed(backend, kind, values, "DOUBLE") == [str(int(value)) for value in values]


def test_a_fraction_is_written_without_trailing_zeros(backend: Backend) -> None:
    """Up to fifteen decimals, no zeros at the end, and no exponent."""
    values = [0.25, -3.5, 1e-7, 100.125]
    texts = ["0.25", "-3.5", "0.0000001", "100.125"]
    assert parsed(backend, ColumnKind.ID, values, "DOUBLE") == texts
    assert parsed(backend, ColumnKind.ID, ["7.00", "7.10", "0.00"], "DECIMAL(9,2)") == [
        "7", "7.1", "0",
    ]  # fmt: skip


# Times.


@pytest.mark.parametrize("seed", SEEDS)
def test_a_time_with_a_zone_is_converted_to_utc(backend: Backend, seed: int) -> None:
    """Any moment written with any offset comes out as that moment in UTC, to the microsecond."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    moments, written = [], []
    for _ in range(80):
        moment = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(
            seconds=rng.randrange(10**9), microseconds=rng.randrange(10**6)
        )
        offset = timedelta(minutes=15 * rng.randrange(-48, 57))
        local = moment.astimezone(timezone(offset))
        moments.append(moment.replace(tzinfo=None))
        written.append(local.isoformat(sep=rng.choice("T ")))
    assert parsed(backend, ColumnKind.TIME, written) == moments


@pytest.mark.parametrize(
    "mark", ["Z", " UTC", " GMT", "+00", "+0000", "+00:00", " +00:00", "-00:00"]
)
def test_every_way_to_write_utc_is_known(backend: Backend, mark: str) -> None:
    """Signs, words and offsets of zero all mean UTC."""
    assert parsed(backend, ColumnKind.TIME, [f"2025-03-31T14:05:06{mark}"]) == [
        datetime(2025, 3, 31, 14, 5, 6)
    ]


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_declared_zone_is_that_of_times_without_one(
    backend: Backend, zone: str, seed: int
) -> None:
    """Local texts are converted as the zone's clocks stood, in summer and in winter."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    naive = [datetime(2025, rng.randrange(1, 13), rng.randrange(1, 29), 12) for _ in range(40)]
    expected = [
        moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)
        for moment in naive
    ]
    texts = TextFormat(zone=zone)
    for form in ("%Y-%m-%d %H:%M", "%Y/%m/%dT%H:%M:%S", "%m/%d/%Y %I:%M %p"):
        written = [moment.strftime(form) for moment in naive]
        assert parsed(backend, ColumnKind.TIME, written, texts=texts) == expected
    zoned = [f"{moment:%Y-%m-%dT%H:%M}Z" for moment in naive]
    assert parsed(backend, ColumnKind.TIME, zoned, texts=texts) == naive


def test_the_order_of_day_and_month_is_declared_never_guessed(backend: Backend) -> None:
    """A date that fits one order only is not read in the other, whatever its neighbours are."""
    written = ["03/04/2025", "31/12/2025", "12/31/2025", "31.12.2025 08:00"]
    assert parsed(backend, ColumnKind.TIME, written) == [
        datetime(2025, 3, 4), None, datetime(2025, 12, 31), None,
    ]  # fmt: skip
    assert parsed(backend, ColumnKind.TIME, written, texts=TextFormat(day_first=True)) == [
        datetime(2025, 4, 3), datetime(2025, 12, 31), None, datetime(2025, 12, 31, 8),
    ]  # fmt: skip


HALF_PAST_ONE = datetime(2025, 3, 30, 1, 30)


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("30-Mar-2025 01:30", HALF_PAST_ONE), ("Mar 30, 2025 1:30 AM", HALF_PAST_ONE),
        ("30. März 2025 um 01:30", HALF_PAST_ONE), ("Sun, 30 Mar 2025 01:30:00", HALF_PAST_ONE),
        ("30/Mar/25 1:30", HALF_PAST_ONE), ("March 30th, 2025 at 1:30 am", HALF_PAST_ONE),
        ("2025-03-30 1:30 AM", HALF_PAST_ONE), ("2025/03/30, 01:30:00 am", HALF_PAST_ONE),
        ("20250330013000", HALF_PAST_ONE), ("20250330", datetime(2025, 3, 30)),
        ("1er février 2025", datetime(2025, 2, 1)), ("12 de enero de 2025", datetime(2025, 1, 12)),
        ("7-déc-24", datetime(2024, 12, 7)), ("5 mei 2025", datetime(2025, 5, 5)),
        ("31 March", None), ("March 2025", None), ("30 Foo 2025", None), ("31-Feb-2025", None),
        ("20251330", None), ("99999999", None), ("2025-03-30 13:30 AM", None),
    ],
)  # fmt: skip
def test_what_can_be_meant_in_one_way_only_is_read(
    backend: Backend, written: str, at: datetime | None
) -> None:
    """Names of months, half days, ISO without signs: whatever is said of day and month."""
    for day_first in (False, True, None):
        texts = TextFormat(day_first=day_first)
        assert parsed(backend, ColumnKind.TIME, [written], texts=texts) == [at]


def test_years_of_two_digits_are_of_this_century_or_the_end_of_the_last(backend: Backend) -> None:
    """They are read like years of four digits, in the order that is declared."""
    written = ["31/12/25", "12/31/25", "31.12.99 08:00", "1/2/03, 1:30 PM"]
    assert parsed(backend, ColumnKind.TIME, written, texts=TextFormat(day_first=True)) == [
        datetime(2025, 12, 31), None, datetime(1999, 12, 31, 8), datetime(2003, 2, 1, 13, 30),
    ]  # fmt: skip
    assert parsed(backend, ColumnKind.TIME, written) == [
        None, datetime(2025, 12, 31), None, datetime(2003, 1, 2, 13, 30),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "written",
    ["2025", "2025-13-01", "2025-02-29", "2025-01-01T25:00", "soon", "1735689600", "45000.5",
     "12:30", "0000-01-01", "infinity"],
)  # fmt: skip
def test_what_is_no_time_is_not_read(backend: Backend, written: str) -> None:
    """Years alone, days that no calendar has, and serial numbers are not taken for times."""
    assert parsed(backend, ColumnKind.TIME, [written]) == [None]


@pytest.mark.parametrize(
    ("sql_type", "value", "expected"),
    [
        ("DATE", "2025-03-31", datetime(2025, 3, 31)),
        ("TIMESTAMP", "2025-03-31 14:05:06.000007", datetime(2025, 3, 31, 14, 5, 6, 7)),
        ("TIMESTAMP_S", "2025-03-31 14:05:06", datetime(2025, 3, 31, 14, 5, 6)),
        ("TIMESTAMP_NS", "2025-03-31 14:05:06.000007", datetime(2025, 3, 31, 14, 5, 6, 7)),
        ("TIMESTAMP WITH TIME ZONE", "2025-03-31 14:05:06+02", datetime(2025, 3, 31, 12, 5, 6)),
        ("BIGINT", 1735689600, None),
        ("DOUBLE", 45000.5, None),
        ("TIMESTAMP", "290000-01-01 00:00:00", None),
        ("TIMESTAMP", "infinity", None),
    ],
)
def test_typed_times_are_taken_as_they_are_and_numbers_never(
    backend: Backend, sql_type: str, value: Any, expected: datetime | None
) -> None:
    """Every unit of a parquet time is read; a number is no time; no year lies beyond 9999."""
    assert parsed(backend, ColumnKind.TIME, [value], sql_type) == [expected]


# Booleans.


def test_booleans_are_words_in_any_case(backend: Backend) -> None:
    """Yes and no, true and false, one and zero; everything else is not guessed."""
    yes, no = ["true", "T", "Yes", "y", "1", "1.0"], ["FALSE", "f", "No", "n", "0", "0.0"]
    assert parsed(backend, ColumnKind.BOOLEAN, yes) == [True] * len(yes)
    assert parsed(backend, ColumnKind.BOOLEAN, no) == [False] * len(no)
    assert parsed(backend, ColumnKind.BOOLEAN, ["wonder", "2", "-1", "on", "odd"]) == [None] * 5
    words = ["Closed Won", "closed_won", "Gewonnen", "ja", "CLOSED-LOST", "verloren", "Perdu"]
    assert parsed(backend, ColumnKind.BOOLEAN, words) == [True] * 4 + [False] * 3
    assert parsed(backend, ColumnKind.BOOLEAN, [1, 0, 2], "BIGINT") == [True, False, None]
    assert parsed(backend, ColumnKind.BOOLEAN, [1.0, 0.0, 0.5], "DOUBLE") == [True, False, None]


# Whole types.


SAMPLES: dict[str, list[Any]] = {
    "VARCHAR": ["x", "1", "2025-01-01", "true"],
    "BOOLEAN": ["true", "false"],
    "TINYINT": [1, -5],
    "UBIGINT": [0, 2**64 - 1],
    "HUGEINT": [10**37],
    "DECIMAL(12,3)": ["1.5", "-0.001"],
    "DOUBLE": ["1.5", "1e300", "inf"],
    "FLOAT": ["0.5", "-inf"],
    "DATE": ["2025-01-01"],
    "TIMESTAMP": ["2025-01-01 10:00:00", "infinity"],
    "BLOB": ["ab"],
}


@pytest.mark.parametrize("sql_type", SAMPLES)
@pytest.mark.parametrize("kind", list(ColumnKind))
def test_what_always_parses_never_comes_out_empty(
    backend: Backend, kind: ColumnKind, sql_type: str
) -> None:
    """Where a column is said to parse always, no value of its type is lost; all have our type."""
    values = SAMPLES[sql_type]
    expression = parsing.in_range(kind, parsing.parse(kind, "x", sql_type, TextFormat()))
    read = computed(backend, expression, values, sql_type)
    if parsing.always_parses(kind, sql_type):
        assert None not in read
    types = computed(backend, f"typeof({expression})", values, sql_type)
    assert set(types) == {SQL_TYPES[kind]}


@pytest.mark.parametrize(
    ("declared", "written", "expected"),
    [
        ("BIGINT", ["42", "-7", "+1", "7.0", "9" * 30, "x"], [42, -7, 1, None, None, None]),
        ("DOUBLE", ["0.5", "1e3", "inf", "x"], [0.5, 1000.0, None, None]),
        ("BOOLEAN", ["t", "0", "x"], [True, False, None]),
        ("TIMESTAMP", ["2025-01-01", "x"], [datetime(2025, 1, 1), None]),
    ],
)
def test_declared_attributes_are_read_as_their_database_declares(
    backend: Backend, declared: str, written: list[str], expected: list[Any]
) -> None:
    """An attribute staged as text becomes what its column is declared as, or is emptied."""
    kind, expression = parsing.parse_declared("x", declared, TextFormat())
    settled = expression if kind is None else parsing.in_range(kind, expression)
    assert computed(backend, settled, written, "VARCHAR") == expected


@pytest.mark.parametrize(
    ("sql_type", "kept"),
    [
        ("VARCHAR", "VARCHAR"),
        ("BOOLEAN", "BOOLEAN"),
        ("DOUBLE", "DOUBLE"),
        ("SMALLINT", "SMALLINT"),
        ("DECIMAL(12,3)", "DOUBLE"),
        ("HUGEINT", "DOUBLE"),
        ("DATE", "TIMESTAMP"),
        ("TIMESTAMP_S", "TIMESTAMP"),
        ("BLOB", "VARCHAR"),
        ("INTEGER[]", "VARCHAR"),
    ],
)
def test_attributes_keep_the_nearest_type_of_a_warehouse(
    backend: Backend, sql_type: str, kept: str
) -> None:
    """Plain types stay; exact and huge numbers become doubles, times microseconds, others text."""
    _, expression = parsing.parse_attribute("x", sql_type, TextFormat())
    assert computed(backend, f"typeof({expression})", [None], sql_type) == [kept]
