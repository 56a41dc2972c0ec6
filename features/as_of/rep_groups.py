"""Attributes of reps as they stood at cutoffs, to tell groups of people apart in an audit."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import numpy as np
import pandas as pd

from features.history.values import as_it_stood, changes_of
from features.snapshot import CUTOFF, SNAPSHOT, deletion_in, undeleted
from features.storage.warehouse import Warehouse


def rep_groups(
    warehouse: Warehouse, reps: pd.Series, cutoffs: pd.Series, names: Sequence[str]
) -> pd.DataFrame:
    """Return attributes of reps as of cutoffs, as texts: one row each, a column an attribute.

    No feature is made of them: an audit compares the groups. So an attribute without a history is
    read from the rep's own row, whether or not it is said to be known at creation.

    Args:
        warehouse: the history.
        reps: ids; an empty one belongs to no group.
        cutoffs: a moment for each.
        names: columns of `reps`; those that the extract lacks, or never fills, are left out.
    """
    table = warehouse.ever("reps")
    fields = [name for name in names if name in table.columns]
    rows = pd.DataFrame({"rep_id": reps.to_numpy(), CUTOFF: cutoffs.to_numpy()})
    pairs = rows.drop_duplicates(ignore_index=True).dropna(subset=["rep_id"])
    if not fields or pairs.empty:
        return pd.DataFrame(index=rows.index)
    pairs = pairs.assign(**{SNAPSHOT: np.arange(len(pairs))})
    schema = {"rep_id": "string", CUTOFF: "timestamp(6)", SNAPSHOT: "int64"}
    own = {f"group_{place}": name for place, name in enumerate(fields)}
    columns = {column: table[name] for column, name in own.items()}
    table = table.select(same=table.rep_id, **columns, **deletion_in(table))
    asked = ibis.memtable(pairs, schema=schema)
    is_own = [asked.rep_id == table.same, *undeleted(table, asked[CUTOFF])]
    joined = asked.left_join(table, is_own).drop("same", *deletion_in(table))
    joined = as_it_stood(joined, changes_of(warehouse, "rep", "rep_id"), "rep_id", own)
    values = joined.select(SNAPSHOT, **{n: joined[c].cast("string") for c, n in own.items()})
    found = pairs.merge(warehouse.arrow(values).to_pandas(), on=SNAPSHOT).drop(columns=SNAPSHOT)
    groups = rows.merge(found, on=["rep_id", CUTOFF], how="left")[fields]
    return groups[[name for name in fields if groups[name].notna().any()]].astype(object)
