"""Properties that a company made itself have a history like any other."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from features.ingest.load import ingest
from features.ingest.presets.open_fields import MOST
from features.params import FeatureParams
from features.storage.catalog import current

AT = ["2025-01-01 10:00:00", "2025-01-02 10:00:00"]


def hubspot(folder: Path, names: list[str]) -> Path:
    """Write two contacts whose history holds the properties named."""
    contacts = {"id": ["1", "2"], "property_createdate": AT, "property_lifecyclestage": "lead"}
    pd.DataFrame(contacts).to_csv(folder / "contact.csv", index=False)
    history = [
        {"contact_id": "1", "timestamp": AT[1], "name": name, "value": f"v {name}", "source": "CRM"}
        for name in names
    ]
    pd.DataFrame(history).to_csv(folder / "contact_property_history.csv", index=False)
    return folder


def fields(folder: Path) -> set[str]:
    """Return the fields of the changes that come of it."""
    ingest(str(folder), folder / "home", FeatureParams())
    return set(pd.read_parquet(current(folder / "home").path / "changes.parquet")["field"])


def test_named_properties_get_our_names_and_others_keep_theirs(tmp_path: Path) -> None:
    """Contact data are no properties that a forecast needs."""
    names = ["lifecyclestage", "hubspot_owner_id", "tier", "email", "firstname", "mobilephone"]
    assert fields(hubspot(tmp_path, names)) == {"stage", "rep_id", "tier"}


def test_only_the_most_frequent_are_taken(tmp_path: Path) -> None:
    """A portal has hundreds of properties; the report says how the source was read."""
    names = [f"p{number:03}" for number in range(MOST + 5)]
    assert fields(hubspot(tmp_path, [*names, *names[:MOST]])) == set(names[:MOST])
    path = tmp_path / "home" / "data" / "ingest-report.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    assert report["preset"] == "hubspot-warehouse"
    assert "read as HubSpot" in report["read_as"][0]
