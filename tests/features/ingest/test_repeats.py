"""Laws of repeated values: whoever is repeated is found, in however many parts one looks."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from ibis.backends.duckdb import Backend

from features.ingest.repeats import hashes_of_several
from features.storage.engine import rows, text


@pytest.mark.parametrize("at_once", [1, 7, 100, 10_000])
@pytest.mark.parametrize("seed", range(4))
def test_exactly_what_is_repeated_is_found(
    session_backend: Backend, seed: int, at_once: int
) -> None:
    """Equal values never fall into different parts, and NULL repeats nothing."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    values = [f"A{rng.randint(0, 400)}" for _ in range(300)]
    listed = ", ".join(f"({text(value)})" for value in values)
    scan = f"(SELECT * FROM (VALUES {listed}, (NULL), (NULL)) t(x))"
    found = set(hashes_of_several(session_backend, scan, "x", at_once).tolist())
    repeated = [value for value, count in Counter(values).items() if count > 1]
    told = rows(session_backend, f"SELECT x, hash(x) FROM {scan} WHERE x IS NOT NULL")
    assert repeated
    assert {value for value, hashed in told if hashed in found} == {*repeated}


def test_without_values_nothing_is_repeated(session_backend: Backend) -> None:
    """A table may be empty, and a column too."""
    for scan in ("(SELECT 'a' AS x WHERE false)", "(SELECT CAST(NULL AS VARCHAR) AS x)"):
        assert not len(hashes_of_several(session_backend, scan, "x"))
