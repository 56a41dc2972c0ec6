"""Numbers written for people, as SQL: decimal commas, thousands marks, signs of currency, units."""

from __future__ import annotations

import re

from features.ingest.language.columns import NumberText
from features.storage.engine import text

_CURRENCY_CODES = (
    "AED|AFN|ALL|AMD|ANG|AOA|ARS|AUD|AWG|AZN|BAM|BBD|BDT|BGN|BHD|BIF|BMD|BND|BOB|BRL|BSD|BTN|"
    "BWP|BYN|BZD|CAD|CDF|CHF|CLP|CNY|COP|CRC|CUP|CVE|CZK|DJF|DKK|DOP|DZD|EGP|ERN|ETB|EUR|FJD|"
    "FKP|GBP|GEL|GHS|GIP|GMD|GNF|GTQ|GYD|HKD|HNL|HTG|HUF|IDR|ILS|INR|IQD|IRR|ISK|JMD|JOD|JPY|"
    "KES|KGS|KHR|KMF|KPW|KRW|KWD|KYD|KZT|LAK|LBP|LKR|LRD|LSL|LYD|MAD|MDL|MGA|MKD|MMK|MNT|MOP|"
    "MRU|MUR|MVR|MWK|MXN|MYR|MZN|NAD|NGN|NIO|NOK|NPR|NZD|OMR|PAB|PEN|PGK|PHP|PKR|PLN|PYG|QAR|"
    "RON|RSD|RUB|RWF|SAR|SBD|SCR|SDG|SEK|SGD|SHP|SLE|SOS|SRD|SSP|STN|SVC|SYP|SZL|THB|TJS|TMT|"
    "TND|TOP|TRY|TTD|TWD|TZS|UAH|UGX|USD|UYU|UZS|VES|VND|VUV|WST|XAF|XCD|XOF|XPF|YER|ZAR|ZMW|"
    "ZWG"
)
"""The codes of ISO 4217. A word that is none of them may be a unit, and is never passed over."""
_LOCAL_SIGNS = ("kr", "kr.", "Fr.", "zł", "Kč", "Ft", "лв.", "R$", "US$", "A$", "C$", "Rs", "Rs.")
_MINUS, _DASHES = "\N{MINUS SIGN}", "\N{EN DASH}\N{EM DASH}"
_SPACES = r"[ \x{00A0}\x{202F}\x{2009}]"
_GROUPS = {
    ".": r"\.",
    ",": ",",
    "'": "['\N{RIGHT SINGLE QUOTATION MARK}]",
    " ": _SPACES,
}


_PARTS = (
    *("open", "before", "code", "inner", "body"),
    *("unit", "percent", "code_after", "after", "closed"),
)
"""What a number's text is made of, in this order."""


def number_text(value: str, shape: NumberText) -> str:
    """Return SQL of a cleaned text as a plain number like -1234.5; NULL where it breaks the rules.

    Four steps: the text must fit as a whole; its digits are taken out; groups and decimals are
    rewritten; sign and unit are applied.

        € 3.500,00     decimal ","                3500.00
        $342.09K       units {K: 1000}            342090
        (1'250.50)     thousands "'"              -1250.50
        12.5           decimal ","                NULL: no group of three digits
    """
    sign, currency, body, units = r"[-+\x{2212}]", _currency(), _body(shape), _units(shape)
    percent = "(%)?" if shape.percent else "()"
    pattern = (
        rf"(\()?({sign})?{_SPACES}*({currency})?{_SPACES}*({sign})?{_SPACES}*({body})"
        rf"{_SPACES}*({units})?{_SPACES}*{percent}{_SPACES}*({currency})?({sign})?(\))?"
    )
    listed = ", ".join(text(name) for name in _PARTS)
    found = f"regexp_extract({value}, {text(f'^{pattern}$')}, [{listed}])"
    return f"list_transform([{found}], lambda s: {_unlike_groups(_number_of('s', shape))})[1]"


def _unlike_groups(number: str) -> str:
    """Return SQL of a plain number that nobody takes for groups of digits: 3.125 as 3.1250."""
    return f"regexp_replace({number}, '([.][0-9]{{3}})$', '\\10')"


def _number_of(parts: str, shape: NumberText) -> str:
    """Return SQL of the number from the parts of its text; NULL where the text did not fit."""
    sign = f"{parts}.before || {parts}.inner || {parts}.after"
    is_closed = f"{parts}.open = replace({parts}.closed, ')', '(')"
    has_one_sign = f"length({sign} || {parts}.open) <= 1 AND {is_closed}"
    has_one_code = f"({parts}.code = '' OR {parts}.code_after = '')"
    grouped = f"regexp_replace({parts}.body, {text(_GROUPS[shape.grouping])}, '', 'g')"
    digits = (
        f"regexp_replace(replace({grouped}, {text(shape.decimal)}, '.'), '\\.[-{_DASHES}]*$', '')"
    )
    minus = f"CASE WHEN {parts}.open <> '' OR {sign} IN ('-', '{_MINUS}') THEN '-' ELSE '' END"
    plain = f"{minus} || {digits}"
    factors = [(f"{parts}.unit = {text(unit)}", factor) for unit, factor in shape.units.items()]
    factors += [(f"{parts}.percent = '%'", 0.01)] if shape.percent else []
    cases = " ".join(f"WHEN {asked} THEN {_times(plain, factor)}" for asked, factor in factors)
    plain = f"CASE {cases} ELSE {plain} END" if cases else plain
    return f"CASE WHEN {parts}.body <> '' AND {has_one_sign} AND {has_one_code} THEN {plain} END"


def _times(number: str, factor: float) -> str:
    """Return SQL of a number times a factor: exactly where it fits, else as a float."""
    exact = f"TRY_CAST({number} AS DECIMAL(22, 8)) * CAST({factor!r} AS DECIMAL(16, 4))"
    rough = f"CAST(TRY_CAST({number} AS DOUBLE) * {factor!r}::DOUBLE AS VARCHAR)"
    return f"coalesce(CAST({exact} AS VARCHAR), {rough})"


def _body(shape: NumberText) -> str:
    group, decimal = _GROUPS[shape.grouping], re.escape(shape.decimal)
    whole = rf"(?:\d{{1,3}}(?:{group}\d{{3}})+|\d+)"
    return rf"{whole}(?:{decimal}(?:\d+|[-{_DASHES}]{{1,2}}))?|{decimal}\d+"


def _units(shape: NumberText) -> str:
    return "|".join(re.escape(unit) for unit in sorted(shape.units, key=len, reverse=True))


def _currency() -> str:
    signs = "|".join(re.escape(sign) for sign in _LOCAL_SIGNS)
    return rf"{signs}|\p{{Sc}}|{_CURRENCY_CODES}"
