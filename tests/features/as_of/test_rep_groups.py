"""Attributes of reps for an audit by hand: as they stood at each cutoff, whatever comes later."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
from by_hand import Opened, day
from extract import Row, change

from features.as_of.rep_groups import rep_groups


def asked(*rows: tuple[str | None, float]) -> tuple[pd.Series, pd.Series]:
    """Return reps and cutoffs as columns."""
    reps, days = zip(*rows, strict=True)
    return pd.Series(reps, dtype="object"), pd.Series([day(n) for n in days])


def test_groups_are_those_of_the_cutoff(opened: Opened) -> None:
    """A change counts from the moment after it; without one the rep's own row tells."""
    reps: list[Row] = [
        {"rep_id": "a", "team": "north", "role": None, "gender": "f"},
        {"rep_id": "b", "team": "south", "role": None, "gender": None},
    ]
    changes = [change("a", day(10), "team", "west", "rep")]
    rows = asked(("a", 20), ("a", 10), ("b", 20), (None, 20), ("ghost", 20), ("a", 20))
    with opened(
        reps=reps, changes=changes, attributes={"reps": {"gender": pa.string()}}
    ) as warehouse:
        names = ("team", "role", "gender", "shoe_size")
        groups = rep_groups(warehouse, *rows, names)
        assert rep_groups(warehouse, *asked((None, 1)), names).shape == (1, 0)
    # What nobody fills, and what there is not, tells nobody apart.
    assert list(groups.columns) == ["team", "gender"]
    filled = groups.where(groups.notna(), None)
    assert filled["team"].tolist() == ["west", "north", "south", None, None, "west"]
    assert filled["gender"].tolist() == ["f", "f", None, None, None, "f"]
