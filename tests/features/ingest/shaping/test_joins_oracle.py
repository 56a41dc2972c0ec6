"""Joins and rates, worked out again in plain Python over random tables; the law of time holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from ibis.backends.duckdb import Backend
from mapped import shaped

START = datetime(2025, 1, 1)
CODES = ("EUR", "USD", "GBP", "JPY")
MAPPING = """
rates:
  home: {table: rates, currency: code, valid_from: since, known_at: seen, rate: rate, into: EUR}
deals:
  table: sales
  joins:
    person: {table: people, keys: {person: id}, fixed: true}
    team: {table: teams, through: person, keys: {team: id}, known_at: since}
    firm: {table: firms, keys: {firm: nr, land: land}, fixed: true}
    first: {table: people, keys: {team: team}, first_by: place}
  columns:
    deal_id: id
    rep_id: {first_of: [{column: owner}, {column: id, join: first}]}
    created_at: made
    account_id: {join: firm, column: account}
    amount: {column: amount, number: {}, currency: {column: code, rates: home}}
  attributes:
    region: {join: team, column: region}
    size: {join: firm, column: size}
"""


@dataclass(frozen=True)
class Tables:
    """Random tables of a source."""

    sales: list[dict[str, Any]]
    people: list[dict[str, Any]]
    teams: list[dict[str, Any]]
    firms: list[dict[str, Any]]
    rates: list[dict[str, Any]]

    def files(self) -> dict[str, str]:
        """Write them as CSV files."""
        return {name: _csv(rows) for name, rows in vars(self).items()}


def _csv(rows: list[dict[str, Any]]) -> str:
    lines = [",".join(rows[0])]
    lines += [",".join("" if v is None else str(v) for v in row.values()) for row in rows]
    return "\n".join(lines) + "\n"


def moment(rng: Random) -> datetime:
    """Draw a moment of a year, often the same ones."""
    return START + timedelta(days=rng.randrange(40) * 9, hours=rng.choice((0, 0, 13)))


def draw(rng: Random) -> Tables:
    """Draw tables in which keys are missing, moments coincide and values are empty."""
    ids = [f"p{i}" for i in range(8)]
    people = [
        {"id": id_, "team": rng.choice(("t1", "t2", None)), "place": rng.choice((9, 10, "x", None))}
        for id_ in ids
    ]
    moments = rng.sample(range(40), 12)
    teams = [
        {"id": rng.choice(("t1", "t2")), "since": START + timedelta(days=9 * k), "region": f"r{k}"}
        for k in moments
    ]
    pairs = [(f"f{i}", land) for i in range(4) for land in ("nl", "de")]
    firms = [
        {"nr": nr, "land": land, "account": f"{nr}-{land}", "size": rng.choice((1, 2, None))}
        for nr, land in rng.sample(pairs, 6)
    ]
    rates = []
    for place, code in enumerate(CODES[1:]):
        for k in rng.sample(range(40), 6):
            since = START + timedelta(days=9 * k)
            seen = since + timedelta(days=rng.choice((0, 0, 20, 100)), seconds=place)
            rates.append({"code": code, "since": since, "seen": seen, "rate": 2.0 ** -(k % 5)})
    sales = [
        {
            "id": f"d{i}",
            "person": rng.choice((*ids, "p99", None)),
            "team": rng.choice(("t1", "t2", "t3")),
            "owner": rng.choice(("o1", None)),
            "made": moment(rng),
            "firm": f"f{rng.randrange(5)}",
            "land": rng.choice(("nl", "de", None)),
            "amount": rng.choice((100, 250, None)),
            "code": rng.choice((*CODES, None)),
        }
        for i in range(60)
    ]
    return Tables(sales, people, teams, firms, rates)


def one(rows: list[dict[str, Any]], **key: Any) -> dict[str, Any]:
    """Return the row with a key; an empty one without."""
    return next((r for r in rows if all(r[k] == v is not None for k, v in key.items())), {})


def place(row: dict[str, Any]) -> tuple[bool, float, str]:
    """Order numbers before words, words before nothing."""
    value = row["place"]
    if isinstance(value, int):
        return False, value, ""
    return True, 0, "~" if value is None else str(value)


def expected(tables: Tables) -> list[dict[str, Any]]:
    """Work out the deals row by row, each from what was known by its own moment."""
    found = []
    for sale in tables.sales:
        person = one(tables.people, id=sale["person"])
        states = [t for t in tables.teams if t["id"] == person.get("team")]
        known = [t for t in states if t["since"] <= sale["made"]]
        team = max(known, key=lambda t: t["since"], default={})
        firm = one(tables.firms, nr=sale["firm"], land=sale["land"])
        colleagues = [p for p in tables.people if p["team"] == sale["team"]]
        first = min(colleagues, key=place, default={})
        found.append(
            {
                "deal_id": sale["id"],
                "rep_id": sale["owner"] or first.get("id"),
                "account_id": firm.get("account"),
                "region": team.get("region"),
                "size": None if firm.get("size") is None else str(firm["size"]),
                "amount": amount(tables, sale),
            }
        )
    return found


def amount(tables: Tables, sale: dict[str, Any]) -> float | None:
    """Work out an amount in euros; None where it cannot be known."""
    if sale["amount"] is None or sale["code"] is None:
        return None
    if sale["code"] == "EUR":
        return float(sale["amount"])
    usable = [
        rate
        for rate in tables.rates
        if rate["code"] == sale["code"] and max(rate["since"], rate["seen"]) <= sale["made"]
    ]
    if not usable:
        return None
    return float(sale["amount"] * max(usable, key=lambda rate: rate["since"])["rate"])


def read(backend: Backend, folder: Path, tables: Tables) -> list[dict[str, Any]]:
    """Shape the tables, and read amounts as numbers where they are some."""
    deals = shaped(backend, folder, MAPPING, tables.files(), "deals")
    names = ("deal_id", "rep_id", "account_id", "region", "size", "amount")
    return [{n: number(d[n]) if n == "amount" else d[n] for n in names} for d in deals]


def number(written: str | None) -> float | None:
    """Read an amount; None where it says why it is none."""
    return None if written is None or "(" in written else float(written)


@pytest.mark.parametrize("seed", [1, 2])
def test_joins_and_rates_agree_with_plain_python(
    backend: Backend, tmp_path: Path, seed: int
) -> None:
    """Keys of two columns, chains, states by moment, lowest places and rates, all at once.

    Of people with the same place the first row counts.
    """
    tables = draw(Random(seed))  # noqa: S311 - a sample, no secret
    assert read(backend, tmp_path, tables) == expected(tables)


@pytest.mark.parametrize("seed", [3])
def test_what_is_known_later_changes_no_earlier_row(
    backend: Backend, tmp_path: Path, seed: int
) -> None:
    """States of teams and rates from a cutoff on may be added, removed or edited freely."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    tables, cutoff = draw(rng), START + timedelta(days=180)
    before = read(backend, tmp_path, tables)
    bent = Tables(
        tables.sales,
        tables.people,
        [t if t["since"] < cutoff else {**t, "region": "bent"} for t in tables.teams],
        tables.firms,
        [r if max(r["since"], r["seen"]) < cutoff else {**r, "rate": 7.0} for r in tables.rates],
    )
    cut = Tables(
        tables.sales,
        tables.people,
        [t for t in tables.teams if t["since"] < cutoff],
        tables.firms,
        [r for r in tables.rates if max(r["since"], r["seen"]) < cutoff],
    )
    earlier = [i for i, sale in enumerate(tables.sales) if sale["made"] < cutoff]
    assert len(earlier) > 10
    for other in (bent, cut):
        after = read(backend, tmp_path, other)
        assert [after[i] for i in earlier] == [before[i] for i in earlier]
        assert after != before
