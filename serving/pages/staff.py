"""Who works here: names, managers, and who has left, as visible at the end of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from serving.access.rights import ManagerTree


@dataclass(frozen=True)
class Staff:
    """Everybody whom the data know.

    Attributes:
        names: by rep; only those who have one.
        managers: by rep; None where there is none.
        gone: reps who have left.
    """

    names: Mapping[str, str]
    managers: Mapping[str, str | None]
    gone: frozenset[str]

    @classmethod
    def of(cls, people: pd.DataFrame) -> Staff:
        """Read the rows of a `SalesRecord`'s people."""
        rows = people.to_dict("records")
        return cls(
            {row["rep_id"]: row["name"] for row in rows if isinstance(row["name"], str)},
            {row["rep_id"]: _text(row["manager_id"]) for row in rows},
            frozenset(people.loc[people["left_at"].notna(), "rep_id"]),
        )

    @cached_property
    def tree(self) -> ManagerTree:
        """Who manages whom."""
        return ManagerTree(self.managers)

    def name(self, rep_id: str) -> str:
        """Return a person's name, or the id where the data hold none."""
        return self.names.get(rep_id, rep_id)

    def team(self, manager_id: str | None) -> list[str]:
        """Return who is present below a manager, or everybody, in the order of names.

        The order ranks nobody.
        """
        team = self.managers if manager_id is None else self.tree.team(manager_id)
        return sorted(set(team) - self.gone, key=lambda rep: (self.name(rep), rep))

    def leading(self) -> list[str]:
        """Return everybody who manages somebody present, in the order of names."""
        present = {self.managers[rep] for rep in self.managers if rep not in self.gone}
        return sorted((m for m in present if m is not None), key=lambda m: (self.name(m), m))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
