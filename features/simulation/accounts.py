"""The companies that leads come from."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from features.simulation.parquet import ids, table
from features.simulation.rows import Array

ACCOUNT = pa.schema(
    [("account_id", pa.string()), ("industry", pa.string()), ("employees", pa.float64())]
)
INDUSTRIES = ("software", "finance", "retail", "manufacturing", "health")
KNOWN_ACCOUNT = 0.2
"""Share of leads from a company that is known already."""


class Accounts:
    """Keeps `accounts`.

    Attributes:
        of_lead: the account of each lead so far.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self.of_lead = np.zeros(0, dtype=np.int64)
        self._newest = 0
        self._described = np.zeros(0, dtype=np.int64)
        self._parts: list[pa.Table] = []

    def assign(self, draws: np.random.Generator, count: int) -> None:
        """Draw the accounts of further leads; one in five comes from an account known already.

        `newest` counts the accounts so far, so it is the number of a new one:

            lead               0   1   2          3
            new account        1   1   0          1
            newest             1   2   2          3
            account            1   2   0, 1       3        (drawn below `newest`)
        """
        newest = self._newest + np.cumsum(draws.random(count) > KNOWN_ACCOUNT)
        known = (draws.random(count) * newest).astype(np.int64)
        is_new = np.diff(newest, prepend=self._newest) > 0
        self.of_lead = np.append(self.of_lead, np.where(is_new, newest, known))
        self._newest = int(newest.max(initial=self._newest))

    def describe(self, draws: np.random.Generator, value: Array) -> None:
        """Draw what accounts are like that nobody has described yet.

        Args:
            draws: the generator.
            value: of every lead so far; the newest of an account tells how large it is.
        """
        numbers = np.setdiff1d(self.of_lead, self._described)
        worth = np.zeros(int(self.of_lead.max(initial=-1)) + 1)
        worth[self.of_lead] = value
        staff = np.exp(draws.normal(0, 0.8, len(numbers))) * worth[numbers] / 150
        industry = draws.integers(0, len(INDUSTRIES), len(numbers))
        columns = {
            "account_id": ids("A", numbers),
            "industry": np.array(INDUSTRIES, dtype=object)[industry],
            "employees": np.rint(np.maximum(staff, 2)),
        }
        self._described = np.append(self._described, numbers)
        self._parts.append(table(columns, ACCOUNT))

    def table(self) -> pa.Table:
        """Return the table as it stands."""
        return pa.concat_tables(self._parts)
