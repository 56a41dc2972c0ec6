"""Several currencies in one column of amounts.

Amounts are taken as they stand: rates of the time are not in a CRM, and today's would let the
future in. So a company with several currencies is told, and should convert before it hands over.
"""

from __future__ import annotations

from collections.abc import Iterator

from features.storage.warehouse import Warehouse
from training.checks.finding import Finding

NAMES = frozenset({"currency", "currencycode", "currencyisocode", "dealcurrency", "amountcurrency"})
"""How CRMs call the column, in small letters without signs (Salesforce: CurrencyIsoCode)."""
SHOWN = 5


def currency_findings(warehouse: Warehouse) -> Iterator[Finding]:
    """Warn of deals in more than one currency."""
    deals = warehouse["deals"]
    for name in deals.columns:
        if "".join(c for c in name.lower() if c.isalpha()) not in NAMES:
            continue
        codes = deals.select(code=deals[name].cast("string").strip().upper())
        found = warehouse.arrow(codes.filter(codes.code != "").distinct())["code"].to_pylist()
        if len(found) > 1:
            yield Finding("deals", name, "currencies", "warning", _says(name, sorted(found)))


def _says(name: str, found: list[str]) -> str:
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return (
        f"deals are in {len(found)} currencies ({', '.join(found[:SHOWN])}{more}, column {name}), "
        "and amounts are added up as they stand: convert deals and quotas to one beforehand"
    )
