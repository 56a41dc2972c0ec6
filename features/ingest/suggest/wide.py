"""Tables with one column for each month or quarter, as a suggested mapping tells them."""

from __future__ import annotations

from features.errors import InputError
from features.ingest.language.sources import Unpivot
from features.ingest.months import columns_by_period, period_name
from features.ingest.shaping.reader import Reader
from features.ingest.suggest.profile import ColumnLook

_AMOUNT = "amount"


def find_wide(reader: Reader) -> dict[str, Unpivot]:
    """Return what `unpivot` says of each table with columns named after months, by the new name."""
    found: dict[str, Unpivot] = {}
    for name in reader.source.tables:
        try:
            columns = [column.name for column in reader.table(name, name).columns]
        except InputError:
            # Whoever looks at its values says why it cannot be read.
            continue
        periods = columns_by_period(columns)
        free = [column for column in columns if column not in {period.name for period in periods}]
        tall = periods and f"{name} by {periods[0].part}"
        if tall and not reader.holds(tall) and not {periods[0].part, _AMOUNT} & set(free):
            found[tall] = Unpivot(table=name, names=periods[0].part, values=_AMOUNT)
    return found


def has_years(look: ColumnLook) -> bool:
    """Return whether all periods that a column names have a year."""
    periods = [period_name(value) for value in look.distinct]
    return bool(periods) and all(period is not None and period.has_year for period in periods)
