"""The example of the language holds every key, and reads as it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from features.errors import MappingError
from features.ingest.language.columns import IdStyle
from features.ingest.mapping import checked_mapping, load_mapping

EXAMPLE = Path(__file__).parent / "example.yaml"


def test_the_example_is_a_mapping() -> None:
    """Names alone, single values and lists read as what they are short for."""
    mappings = load_mapping(EXAMPLE)
    assert mappings.ids is IdStyle.SALESFORCE
    calls, emails = mappings.tables["activities"].parts
    outcome = calls.columns["outcome"]
    assert outcome is not None
    assert outcome.values == {"1": "reached", "2": "voicemail"}
    assert emails.where["Draft"].none_of == ("true",)
    leads = mappings.tables["leads"]
    assert leads.where["IsDeleted"].any_of == ("false",)
    assert leads.columns["account_id"] is None
    assert leads.source_names == {"lead_id": "Id"}
    assert not leads.is_plain


def test_names_alone_are_plain() -> None:
    """A mapping that only names tables and columns leaves the rows as they are."""
    content = {"leads": {"table": "sf", "columns": {"lead_id": "Id"}, "drop": ["Email"]}}
    assert checked_mapping(content, "m.yaml").tables["leads"].is_plain


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"deals": {"colums": {}}}, "unknown key 'deals.colums'; the keys here are table, columns"),
        ({"rats": {}}, "did you mean 'rates'?"),
        (
            {"deals": {"columns": {"won": {"column": "Stage", "valeus": {}}}}},
            "did you mean 'values'?",
        ),
        (
            {"histories": {"versions": [{"entity": "deal", "valid_form": "x"}]}},
            "did you mean 'valid_from'?",
        ),
        ({"deals": {"columns": {"profit": "P"}}}, "no such column: profit; 'deals' has deal_id"),
        ({"deals": {"columns": {"won": {}}}}, "needs exactly one of column, first_of and constant"),
        ({"deals": {"timezone": "Berlin"}}, "no such time zone; write it like Europe/Amsterdam"),
        ({"quotas": {"period": {"month": "M"}}}, "needs month and year, quarter and year"),
        (
            {"activities": {"table": "x", "union": [{"table": "y"}]}},
            "beside union there is table: put it in a part",
        ),
    ],
)
def test_what_is_wrong_is_said(section: dict[str, Any], says: str) -> None:
    """A wrong key is named with its place and the nearest right one; a wrong value with why."""
    with pytest.raises(MappingError) as error:
        checked_mapping(yaml.safe_load(yaml.safe_dump(section)), "m.yaml")
    assert str(error.value).startswith("m.yaml: ")
    assert says in str(error.value)
