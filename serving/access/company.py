"""Who manages whom and who owns which lead, as visible at the end of the data.

Read from the warehouse once for each extract. Rights follow from it, so it is asked anew whenever
another extract is in place.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import NotReady
from features.storage.catalog import NO_EVENTS, WarehouseMeta, current
from serving.access.rights import ManagerTree

if TYPE_CHECKING:
    from features.storage.warehouse import Warehouse


@dataclass(frozen=True)
class Company:
    """The people of one extract.

    Attributes:
        tree: who manages whom.
        owners: each lead's owner; None for one without.
    """

    tree: ManagerTree = field(default_factory=ManagerTree)
    owners: Mapping[str, str | None] = field(default_factory=dict)


class CompanyCache:
    """The people of a home's current extract.

    Args:
        home: the folder that holds data/.
    """

    def __init__(self, home: Path) -> None:
        """Read nothing yet."""
        self._home = home
        self._lock = threading.Lock()
        self._of: tuple[str, str] | None = None
        self._company = Company()

    def current(self) -> Company:
        """Return the people of the current extract; nobody where none was ingested yet."""
        try:
            meta = current(self._home)
        except NotReady:
            return Company()
        of = (meta.path.name, meta.fingerprint)
        with self._lock:
            if self._of != of:
                self._company, self._of = read_company(meta), of
            return self._company


def read_company(meta: WarehouseMeta) -> Company:
    """Read who manages whom and who owns which lead from an extract."""
    # Here and below, so that a service answers while the engine's library is still loading.
    from features.storage.warehouse import Warehouse  # noqa: PLC0415 - takes a second

    if meta.data_until == NO_EVENTS:
        return Company()
    warehouse = Warehouse.duckdb(meta)
    try:
        return _read(warehouse)
    finally:
        warehouse.backend.disconnect()


def _read(warehouse: Warehouse) -> Company:
    """Read the people of an opened extract."""
    import ibis  # noqa: PLC0415 - takes a second

    from features.as_of.leads import lead_owners  # noqa: PLC0415 - takes a second
    from features.history.values import last_shown  # noqa: PLC0415 - takes a second
    from features.snapshot import CUTOFF, SNAPSHOT  # noqa: PLC0415 - takes a second

    cut = warehouse.until(None)
    reps = last_shown(cut, cut["reps"].select("rep_id", "manager_id"), "reps", "manager_id")
    people = warehouse.arrow(reps)
    leads = cut["leads"].select(
        "lead_id",
        "rep_id",
        **{
            CUTOFF: ibis.literal(cut.data_until).cast("timestamp(6)"),
            SNAPSHOT: ibis.row_number().over(order_by=cut["leads"].lead_id),
        },
    )
    owned = leads.inner_join(lead_owners(warehouse, leads), SNAPSHOT).select("lead_id", "owner")
    owners = warehouse.arrow(owned)
    return Company(
        ManagerTree(
            dict(zip(*(people[n].to_pylist() for n in ("rep_id", "manager_id")), strict=True))
        ),
        dict(zip(*(owners[n].to_pylist() for n in ("lead_id", "owner")), strict=True)),
    )
