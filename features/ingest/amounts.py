"""Amounts as people write them: with currency signs, thousands marks and either decimal sign.

    "$28,550.00"   "EUR 28,550.00"   "28 550.00"    the point is the decimal sign
    "28.550,00 €"  "28550,00"        "28.550,5"     the comma is
    "1,234"        "€ 1.234"                        either: 1234, or a little more than 1
    "$950"         "12 500 kr"                      the same number whichever it is

Everything here is SQL over texts; whether a column has a reading is decided in `readings`.
"""

from __future__ import annotations

from features.storage.engine import text

ALONE = "?"
"""Of a column whose values contradict each other: each is read alone, if it has one meaning."""
_GAP = r"[\s\x{00A0}\x{202F}\x{2009}]"
_SIGN = (
    r"(US\$|R\$|[$€£¥₹₩₽₺₫฿₴₦₱₪]|[A-Z]{3}|[Kk]r\.?|zł|Kč|Fr\.?|Rs\.?)"
)  # fmt: skip
_EDGES = (
    rf"^\(?{_GAP}*[+-]?{_GAP}*({_SIGN}{_GAP}*[+-]?{_GAP}*)?|{_GAP}*{_SIGN}?{_GAP}*[)-]?$"
)  # fmt: skip
# The first group of digits never begins with 0: 0,123 is no 123.
_HEAD = r"[1-9]\d{0,2}"
_GROUPS = rf"('\d{{3}})+|(\x{{2019}}\d{{3}})+|({_GAP}\d{{3}})+"
_POINT = (
    rf"({_HEAD}({_GROUPS}|(,\d{{3}})+|(,\d{{2}})*,\d{{3}})|\d+)(\.\d*)?|\.\d+"
    r"|\d+(\.\d+)?[eE][+-]?\d{1,3}"
)  # fmt: skip
_COMMA = rf"({_HEAD}({_GROUPS}|([.]\d{{3}})+)|\d+)(,\d*)?|,\d+"
_EITHER = r"[1-9]\d{0,2}[.,]\d{3}"


def bare(written: str) -> str:
    """Return SQL of an amount without currency, signs and white space around its digits."""
    return f"regexp_replace({written}, {text(_EDGES)}, '', 'g')"


def currency(written: str) -> str:
    """Return SQL of the currency beside an amount; empty where there is none."""
    return f"regexp_extract({written}, {text(_SIGN)}, 1)"


def fits_point(written: str) -> str:
    """Return a condition: the digits can be a number whose decimal sign is the point."""
    return f"regexp_full_match({bare(written)}, {text(_POINT)})"


def fits_comma(written: str) -> str:
    """Return a condition: the digits can be a number whose decimal sign is the comma."""
    return f"regexp_full_match({bare(written)}, {text(_COMMA)})"


def is_either(written: str) -> str:
    """Return a condition: the two decimal signs make two different numbers of it."""
    return f"regexp_full_match({bare(written)}, {text(_EITHER)})"


def amount(written: str, decimal: str) -> str:
    """Return SQL of an amount as a number; NULL where it is none in this reading.

    Args:
        written: the text.
        decimal: the decimal sign, or `ALONE`.
    """
    point = f"CASE WHEN {fits_point(written)} THEN {_signed(written, bare(written))} END"
    swapped = f"translate(replace({bare(written)}, '.', ''), ',', '.')"
    comma = f"CASE WHEN {fits_comma(written)} THEN {_signed(written, swapped)} END"
    if decimal == ".":
        return point
    if decimal == ",":
        return comma
    return f"CASE WHEN NOT {is_either(written)} THEN coalesce({point}, {comma}) END"


def _signed(written: str, digits: str) -> str:
    """Return SQL of digits as a number, negative where a minus or brackets stand beside them."""
    marks = "[,'\\x{2019}\\s\\x{00A0}\\x{202F}\\x{2009}]"
    number = f"TRY_CAST(regexp_replace({digits}, {text(marks)}, '', 'g') AS DOUBLE)"
    is_negative = f"(regexp_matches({written}, '^[^0-9]*-|-$') OR prefix({written}, '('))"
    return f"CASE WHEN {is_negative} THEN -{number} ELSE {number} END"
