"""The moments of a sampled column."""

from __future__ import annotations

import pandas as pd

from features.ingest.suggest.profile import ColumnLook


def moments(look: ColumnLook) -> pd.Series:
    """Return the moments of a column; what cannot be read is empty."""
    cells, form = pd.Series(list(look.cells), dtype="string"), look.time_form
    if form in {"epoch_s", "epoch_ms"}:
        unit = form.removeprefix("epoch_")
        return pd.to_datetime(pd.to_numeric(cells), unit=unit, errors="coerce").astype(  # type: ignore[call-overload] # "s" or "ms"
            "datetime64[us]"
        )
    day_first = form in {"day_first", "either"}
    read = pd.to_datetime(cells, errors="coerce", dayfirst=day_first, utc=True, format="mixed")
    return read.dt.tz_localize(None).astype("datetime64[us]")
