"""How a column of amounts is read: with the point or the comma as the decimal sign."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ibis.backends.duckdb import Backend

from features.ingest.amounts import ALONE, currency, fits_comma, fits_point, is_either
from features.ingest.files import RawColumn
from features.ingest.parsing import PLAIN_NUMBER, TextFormat
from features.ingest.reading import Look, Reading, count_of, one_of
from features.storage.engine import row, text

_FEW = 1_000


def amount_reading(look: Look, raw: RawColumn, texts: TextFormat) -> Reading | None:
    """Decide which decimal sign a column's texts have; None where all of them are plain numbers.

    Plain numbers are asked about too where each point among them may stand before thousands.
    """
    is_odd = f"NOT regexp_full_match(v, {text(PLAIN_NUMBER)})"
    if not look.ask(raw, odd=count_of(is_odd))["odd"]:
        asked = look.ask(raw, **_grouping("v"))
        return None if texts.decimal or not _are_groups(asked) else _in_groups(texts, asked)
    point, comma, either = fits_point("v"), fits_comma("v"), is_either("v")
    sign = currency("v")
    seen = look.ask(
        raw,
        total="count(*)",
        odd=count_of(is_odd),
        numbers=count_of(f"{point} OR {comma}"),
        points=count_of(f"{point} AND NOT {comma}"),
        commas=count_of(f"{comma} AND NOT {point}"),
        eithers=count_of(f"{either} AND {is_odd}"),
        currencies=f"count(DISTINCT {sign}) FILTER (({point} OR {comma}) AND {sign} <> '')",
        currency=f"coalesce(min({sign}) FILTER (({point} OR {comma}) AND {sign} <> ''), '')",
        example=one_of(f"({point} OR {comma}) AND {is_odd}"),
        of_either=one_of(f"{either} AND {is_odd}"),
    )
    if not seen["example"]:
        return None
    if seen["currencies"] > 1:
        return _in_currencies(texts, seen)
    reading = _with_decimal(texts, seen, texts.decimal or _decimal(look, seen))
    return replace(reading, currency=seen["currency"])


def may_be_groups(backend: Backend, scan: str, column: str) -> bool:
    """Return whether all points in a column of plain numbers may stand before thousands.

    Args:
        backend: the engine.
        scan: a FROM clause.
        column: SQL of the texts.
    """
    asked = _grouping(column)
    # In most columns a few values tell.
    few = f"(SELECT {column} FROM {scan} LIMIT {_FEW})"
    for rows_asked in (few, scan):
        answers = row(backend, f"SELECT {', '.join(asked.values())} FROM {rows_asked}")
        seen = dict(zip(asked, answers, strict=True))
        if seen["others"]:
            return False
    return _are_groups(seen)


def _grouping(column: str) -> dict[str, str]:
    """Return SQL of what tells points before thousands from points before decimals.

    14.150   8.950   950      thousands, or three decimals: nobody can tell
    14.150   8.95             decimals: no group has two digits
    14.150   8950             decimals: thousands have no sign
    14.150   0.512            decimals: no group follows a zero
    """
    is_group = rf"regexp_full_match({column}, '[+-]?[1-9]\d{{0,2}}\.\d{{3}}')"
    is_plain = rf"regexp_full_match({column}, '[+-]?\d{{1,3}}|')"
    return {
        "groups": count_of(is_group),
        "others": count_of(f"NOT {is_group} AND NOT {is_plain}"),
        "total": f"count({column})",
        "example": f"coalesce(min({column}) FILTER ({is_group}), '')",
    }


def _are_groups(asked: dict[str, Any]) -> bool:
    return bool(asked["groups"]) and not asked["others"]


def _in_groups(texts: TextFormat, asked: dict[str, Any]) -> Reading:
    of, example = asked["total"], asked["example"]
    says = (
        f"{asked['groups']:,} of {of:,} numbers like '{example}' may mean thousands or three "
        "decimals, and no other value tells; they were not read: set features.ingest.decimal to "
        "'.' or ','"
    )
    return Reading(
        replace(texts, decimal=ALONE), "decimal", says, is_doubtful=True, count=asked["groups"],
        of=of, example=example,
    )  # fmt: skip


def _in_currencies(texts: TextFormat, seen: dict[str, Any]) -> Reading:
    says = (
        f"amounts like '{seen['example']}' are in {seen['currencies']} currencies and were not "
        "read: convert them to one, or give the currency in a column of its own"
    )
    return Reading(
        texts, "currencies_in_amounts", says, is_doubtful=True, count=seen["odd"],
        of=seen["total"], example=seen["example"],
    )  # fmt: skip


def _decimal(look: Look, seen: dict[str, Any]) -> str:
    """Return the decimal sign that the evidence speaks for, `ALONE` where it contradicts itself.

    $28,550.00   950.00   1,234     the point: 950.00 and $28,550.00 can be nothing else
    28.550,00    950      1.234     the comma
    $28,550      950      1,234     nothing tells: `ALONE`
    28550 EUR    950                the point, since it makes no difference
    28,550.00    1.234,50           contradictory: `ALONE`
    """
    points, commas = seen["points"], seen["commas"]
    if points + commas == 0:
        return ALONE if seen["eithers"] else "."
    if look.is_small(commas, points):
        return "."
    return "," if look.is_small(points, commas) else ALONE


def _with_decimal(texts: TextFormat, seen: dict[str, Any], decimal: str) -> Reading:
    of, example = seen["total"], seen["example"]
    decided = replace(texts, decimal=decimal)
    if decimal == ALONE:
        example = seen["of_either"] or example
        says = (
            f"{seen['eithers']:,} of {of:,} amounts like '{example}' may mean two numbers and were "
            "not read: set features.ingest.decimal to '.' or ','"
        )
        return Reading(
            decided,
            "decimal",
            says,
            is_doubtful=True,
            count=seen["eithers"],
            of=of,
            example=example,
        )
    says = (
        f"{seen['odd']:,} of {of:,} amounts have marks, like '{example}'; all "
        f"{seen['numbers']:,} numbers were read with the {'point' if decimal == '.' else 'comma'} "
        "as the decimal sign"
    )
    return Reading(decided, "decimal", says, count=seen["odd"], of=of, example=example)
