"""One value of a source, as SQL: its text, what it must hold, its translation, its id."""

from __future__ import annotations

from collections.abc import Sequence

from features.ingest import parsing
from features.ingest.language.columns import ColumnShape, Condition, IdStyle
from features.storage.engine import text
from features.tables import ColumnKind

_TRUTHS = {
    "true": "('true', 't', 'yes', 'y', '1', '1.0')",
    "false": "('false', 'f', 'no', 'n', '0', '0.0')",
}
"""How exports write true and false, in small letters."""
_CHECKS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def cleaned_text(raw: str, sql_type: str) -> str:
    """Return SQL of a staged column as a text: trimmed, and NULL where nothing is written."""
    cleaned = parsing.clean(parsing.trim(raw, sql_type), sql_type)
    return parsing.parse(ColumnKind.TEXT, cleaned, sql_type, parsing.TextFormat())


def is_one_of(value: str, wanted: Sequence[str | None]) -> str:
    """Return SQL of whether a cleaned text is one of some values; None stands for empty.

    True and false match all the ways in which exports write them.
    """
    texts = [text(word) for word in wanted if word is not None]
    ways = [f"{value} IN ({', '.join(texts)})"] if texts else []
    ways += [f"lower({value}) IN {_TRUTHS[word]}" for word in wanted if word in _TRUTHS]
    known = f"coalesce({' OR '.join(ways) or 'false'}, false)"
    return f"({known} OR {value} IS NULL)" if None in wanted else known


def holds(value: str, condition: Condition) -> str:
    """Return SQL of whether a cleaned text is what a condition asks for."""
    parts = []
    if condition.any_of is not None:
        parts.append(is_one_of(value, condition.any_of))
    if condition.none_of is not None:
        parts.append(f"NOT {is_one_of(value, condition.none_of)}")
    if condition.filled is not None:
        parts.append(f"{value} IS {'NOT ' if condition.filled else ''}NULL")
    return f"({' AND '.join(parts) or 'true'})"


def say_failed(column: str, condition: Condition) -> str:
    """Return in words why a row does not meet a condition, as notes say it.

    >>> say_failed("Status", Condition(any_of=("Open", None)))
    'Status is neither Open nor empty'
    >>> say_failed("Deleted", Condition(none_of=("true",)))
    'Deleted is true'
    """
    words = []
    if condition.any_of is not None:
        listed = _listed(condition.any_of, "nor")
        words.append(f"is {'neither' if len(condition.any_of) > 1 else 'not'} {listed}")
    if condition.none_of is not None:
        words.append(f"is {_listed(condition.none_of, 'or')}")
    if condition.filled is not None:
        words.append("is empty" if condition.filled else "is filled")
    return f"{column} {' or '.join(words)}"


def _listed(values: Sequence[str | None], between: str) -> str:
    return f" {between} ".join("empty" if value is None else value for value in values)


def translated(value: str, shape: ColumnShape) -> str:
    """Return SQL of what a cleaned text means by a shape's translations.

    A value without a translation becomes what the shape states; where it states a refusal the
    value stays, and `is_unknown` tells the rows.
    """
    if not shape.values:
        return value
    cases = " ".join(
        f"WHEN {is_one_of(value, [word])} THEN {'NULL' if ours is None else text(ours)}"
        for word, ours in _exact_first(shape)
    )
    if shape.default is not None:
        other = f"CASE WHEN {value} IS NOT NULL THEN {text(shape.default)} END"
    else:
        other = "NULL" if shape.otherwise == "empty" else value
    return f"CASE {cases} ELSE {other} END"


def _exact_first(shape: ColumnShape) -> list[tuple[str, str | None]]:
    """Return the translations, those of true and false last: `1` may have one of its own."""
    return sorted(shape.values.items(), key=lambda pair: pair[0] in _TRUTHS)


def is_unknown(value: str, shape: ColumnShape) -> str | None:
    """Return SQL of whether a cleaned text ends the ingest; None where no value could."""
    if not shape.values or shape.default is not None or shape.otherwise != "refuse":
        return None
    return f"({value} IS NOT NULL AND NOT {is_one_of(value, tuple(shape.values))})"


def styled_id(value: str, style: IdStyle) -> str:
    """Return SQL of an id in the way in which all ids of its kind are written."""
    if style is IdStyle.LOWER:
        return f"lower({value})"
    if style is IdStyle.GUID:
        return f"lower(trim({value}, '{{}}'))"
    if style is IdStyle.SALESFORCE:
        is_short = f"regexp_full_match({value}, '[0-9A-Za-z]{{15}}')"
        return f"CASE WHEN {is_short} THEN {value} || {_checksum(value)} ELSE {value} END"
    return value


def _checksum(short: str) -> str:
    """Return SQL of the three signs that make a Salesforce id of 15 characters one of 18.

    Each stands for five characters; a capital letter at place i adds 2 to the power of i:

        00aAb   00010   8    I
        AAAAA   11111   31   5
        00000   00000   0    A
    """
    signs = []
    for start in (1, 6, 11):
        bits = " + ".join(
            f"CASE WHEN ascii(substr({short}, {start + i}, 1)) BETWEEN 65 AND 90 "
            f"THEN {2**i} ELSE 0 END"
            for i in range(5)
        )
        signs.append(f"substr('{_CHECKS}', {bits} + 1, 1)")
    return " || ".join(signs)
