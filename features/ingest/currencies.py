"""Amounts in several currencies or units that are added up, or compared, as they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.ingest.finding import DataFinding
from features.ingest.reading import Readings
from features.storage.engine import moment, parquet, row, rows, text

CURRENCY_NAMES = frozenset(
    {"currency", "currencycode", "currencyisocode", "dealcurrency", "dealcurrencycode",
     "amountcurrency", "transactioncurrency", "isocurrencycode", "währung", "waehrung",
     "währungscode", "devise", "monnaie", "moneda", "divisa", "valuta", "moeda", "waluta", "měna",
     "mena", "munteenheid"}
)  # fmt: skip
"""How CRMs call the column, in small letters without signs (Salesforce: CurrencyIsoCode)."""
_CODES = (
    "AED|ARS|AUD|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|ISK|JPY|KRW|"
    "KZT|MAD|MXN|MYR|NGN|NOK|NZD|PEN|PHP|PKR|PLN|QAR|RON|RSD|RUB|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|"
    "VND|ZAR"
)
_SAME = {"€": "EUR", "US$": "USD", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR", "zł": "PLN"}
"""Signs and the codes they stand for; a dollar may be another one, which is no contradiction."""
_SHOWN = 3
_FEWEST_PERIODS = 5
_UNLIKELY = 30
"""Times the quota that a rep in the middle seldom sells, nor the same part of it."""


def currency_mix(backend: Backend, files: Mapping[str, Path]) -> Iterator[DataFinding]:
    """Say whether deals or quotas are in several currencies that are added up as they stand.

    A column of currencies is told by its name, or because it holds codes of currencies alone.
    """
    for name in ("deals", "quotas"):
        if name not in files:
            continue
        scan = parquet(files[name])
        for column in _currency_columns(backend, scan):
            quoted = _quoted(column)
            codes = rows(
                backend,
                f"SELECT upper(trim(CAST({quoted} AS VARCHAR))) AS code, count(*) FROM {scan} "
                f"WHERE {quoted} IS NOT NULL GROUP BY code HAVING code <> {text('')} "
                "ORDER BY 2 DESC, 1",
            )
            if len(codes) > 1:
                listed = ", ".join(f"{code} {n:,}" for code, n in codes[:_SHOWN])
                total = sum(n for _, n in codes)
                says = (
                    f"amounts are in {len(codes)} currencies ({listed}) and are added up as they "
                    "stand: convert them to one beforehand, or say rates in a mapping"
                )
                yield DataFinding(
                    name, column, "currencies", "warning", says, total - codes[0][1], total,
                    codes[1][0],
                )  # fmt: skip


def _currency_columns(backend: Backend, scan: str) -> Iterator[str]:
    described = rows(backend, f"DESCRIBE SELECT * FROM {scan}")
    texts = [str(name) for name, kind, *_ in described if kind == "VARCHAR"]
    holds = [
        f"coalesce(bool_and(upper(trim({_quoted(n)})) SIMILAR TO {text(f'({_CODES})?')}), false)"
        for n in texts
    ]
    # One value of another kind ends the question for most columns.
    few = f"(SELECT * FROM {scan} LIMIT 1000)"
    answers = rows(backend, f"SELECT {', '.join(holds)} FROM {few}")[0] if texts else ()
    for name, are_codes in zip(texts, answers, strict=True):
        plain = "".join(sign for sign in name.lower() if sign.isalpha())
        if plain in CURRENCY_NAMES or are_codes:
            yield name


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def signs_differ(readings: Mapping[str, Readings]) -> Iterator[DataFinding]:
    """Say whether deals and quotas are in the signs of different currencies.

    Args:
        readings: what was decided about columns, by table.
    """
    signs = {
        name: readings[name].columns["amount"].currency
        for name in ("deals", "quotas")
        if name in readings and "amount" in readings[name].columns
    }
    codes = {_SAME.get(sign, sign) for sign in signs.values() if sign}
    if len(codes) > 1:
        says = (
            f"amounts of deals are in {signs['deals']} and those of quotas in {signs['quotas']}, "
            "and are compared as they stand: convert them to one"
        )
        yield DataFinding("quotas", "amount", "currencies", "warning", says)


def units_differ(
    backend: Backend, files: Mapping[str, Path], until: datetime | None
) -> Iterator[DataFinding]:
    """Say whether quotas look as if they were in thousands or in cents, and deals were not.

    Args:
        backend: the engine.
        files: the accepted tables that are present.
        until: the end of the data; only periods that ended by then are looked at.
    """
    if until is None or not {"deals", "quotas"} <= files.keys():
        return
    ended, middle, low, high = row(
        backend,
        "SELECT count(*), median(ratio), count(*) FILTER (ratio < 1), count(*) FILTER (ratio > 1) "
        "FROM (SELECT sum(d.amount) / any_value(q.amount) AS ratio "
        f"FROM {parquet(files['quotas'])} q JOIN {parquet(files['deals'])} d ON d.rep_id = "
        "q.rep_id AND d.won AND d.closed_at >= q.period_start AND d.closed_at < q.period_end "
        f"WHERE q.period_end <= {moment(until)} AND q.amount > 0 "
        "GROUP BY q.rep_id, q.period_start, q.period_end, q.known_at)",
    )
    if ended < _FEWEST_PERIODS or 1 / _UNLIKELY < middle < _UNLIKELY:
        return
    what = "in thousands" if middle > 1 else "in cents, or deals in thousands"
    says = (
        f"in half of {ended:,} ended periods with won deals, a rep sold {middle:,.4g} times the "
        f"quota: are quotas {what}?"
    )
    yield DataFinding("quotas", "amount", "units", "warning", says, max(low, high), ended)
