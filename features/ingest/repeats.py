"""Which values of a large column may be repeated, found by their hashes alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from ibis.backends.duckdb import Backend

from features.storage.engine import row

AT_ONCE = 2**23
"""So many hashes take 64 MB."""


def hashes_of_several(
    backend: Backend, scan: str, value: str, at_once: int = AT_ONCE
) -> npt.NDArray[np.uint64]:
    """Return the hashes that several rows have, each at least once.

    To sort bare numbers takes a quarter of what it takes the engine to group them. They are fetched
    in parts, equal ones together, so that tens of millions fit into memory.

    Args:
        backend: the engine.
        scan: a FROM clause.
        value: SQL of a value; rows where it is NULL repeat nothing.
        at_once: about how many hashes are fetched at a time.
    """
    hashed = f"hash({value})"
    (count,) = row(backend, f"SELECT count(*) FROM {scan}")
    parts = count // at_once + 1
    found = []
    for part in range(parts):
        only = f" AND {hashed} % {parts} = {part}" if parts > 1 else ""
        query = f"SELECT {hashed} AS hashed FROM {scan} WHERE {value} IS NOT NULL{only}"
        hashes = backend.con.execute(query).fetchnumpy()["hashed"]
        hashes.sort()
        found.append(hashes[1:][hashes[1:] == hashes[:-1]])
    return np.concatenate(found)
