"""Several currencies in one column of amounts.

Amounts are taken as they stand. The rates of the time are not in a CRM, and today's rates would let
the future in. So a company with several currencies is warned, and should convert its amounts before
it delivers them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from features.history.values import last_shown
from features.storage.warehouse import Warehouse
from training.checks.finding import Finding

NAMES = frozenset({"currency", "currencycode", "currencyisocode", "dealcurrency", "amountcurrency"})
"""How CRMs call the column, in small letters without signs (Salesforce: CurrencyIsoCode)."""
SHOWN = 5


def currency_findings(warehouse: Warehouse) -> Iterator[Finding]:
    """Warn about deals in more than one currency; codes differ in more than case and blanks."""
    for name in warehouse["deals"].columns:
        if "".join(c for c in name.lower() if c.isalpha()) not in NAMES:
            continue
        deals = last_shown(warehouse, warehouse["deals"], "deals", name)
        rows = deals.select(code=deals[name].cast("string").strip().upper())
        codes = warehouse.arrow(rows.filter(rows.code != "").distinct())["code"].to_pylist()
        if len(codes) > 1:
            yield Finding("deals", name, "currencies", "warning", _says(name, sorted(codes)))


def _says(name: str, codes: Sequence[str]) -> str:
    more = f" and {len(codes) - SHOWN} more" if len(codes) > SHOWN else ""
    return (
        f"deals are in {len(codes)} currencies ({', '.join(codes[:SHOWN])}{more}, column {name}), "
        "and amounts are added up as they stand: convert deals and quotas to one beforehand"
    )
