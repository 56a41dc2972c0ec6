"""Protected attributes of people: which columns models leave alone, and which they were allowed."""

from __future__ import annotations

from collections.abc import Iterator

from features.ingest.protected import find_protected
from features.params import FeatureParams
from features.storage.warehouse import Warehouse
from training.checks.finding import Finding

KIND = "protected"


def protected_findings(warehouse: Warehouse, features: FeatureParams) -> Iterator[Finding]:
    """Name every column that looks like a protected attribute; one that is used is a warning.

    Args:
        warehouse: cut to the moment of the check.
        features: the section of that name.
    """
    for column in find_protected(warehouse.tables, warehouse.arrow):
        why = features.allow_protected.get(column.name)
        if why is None:
            says = (
                f"{column.says}: no model and no reason uses it. To use it all the same, name it "
                "with the reason under features.allow_protected"
            )
            yield Finding(column.table, column.column, KIND, "info", says)
        else:
            says = (
                f"{column.says}, and models may use it, as features.allow_protected says: {why}. "
                "What follows from it for people is yours to answer for"
            )
            yield Finding(column.table, column.column, KIND, "warning", says)
    for name, why in features.exclude.items():
        table, column_name = name.split(".", 1)
        says = f"{name} is used by no model, as features.exclude says: {why}"
        yield Finding(table, column_name, "excluded", "info", says)
