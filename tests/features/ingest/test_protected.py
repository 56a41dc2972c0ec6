"""The verdict and `check` name protected attributes, wherever an extract hides them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from features.ingest.load import ingest
from features.ingest.protected import find_protected, not_used, usage_says
from features.params import FeatureParams
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.checks.protected import protected_findings

START = datetime(2025, 1, 1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose leads, reps and history hold protected attributes, by name and by value."""
    folder = tmp_path_factory.mktemp("protected")
    created = [START + timedelta(days=n) for n in range(6)]
    leads = {
        "lead_id": [f"l{n}" for n in range(6)],
        "created_at": created,
        "Geburtsdatum": "1980-04-01",
        "field_7": ["male", "female"] * 3,
        "size": ["S", "M", "L"] * 2,
    }
    changes = {
        "entity_id": ["l1", "l2"],
        "changed_at": created[4],
        "value": ["ledig", "geschieden"],
    }
    tables = {
        "leads": leads,
        "reps": {"rep_id": ["a", "b"], "segment": ["Mr", "Mrs"], "name": ["Male", "Female"]},
        "changes": {"entity_type": "lead", "field": "group_2", **changes},
    }
    for name, columns in tables.items():
        pd.DataFrame(columns).to_csv(folder / f"{name}.csv", index=False)
    ingest(str(folder), folder / "home", FeatureParams())
    return folder / "home"


def test_the_verdict_names_them_and_proposes_none(home: Path) -> None:
    """Columns, columns of ours, and fields with a history; nothing else is named."""
    report = json.loads((home / "data" / "ingest-report.json").read_text(encoding="utf-8"))
    seen = {(f"{c['table']}.{c['column']}", c["kind"], c["seen_by"]) for c in report["protected"]}
    assert seen == {
        ("leads.Geburtsdatum", "age", "name"),
        ("leads.field_7", "gender", "values"),
        ("leads.group_2", "family", "values"),
        ("reps.segment", "gender", "values"),
    }
    looks = [*report["proposed_known_at_creation"], *report["not_proposed_known_at_creation"]]
    assert {look["column"] for look in looks} == {"leads.size"}


def test_check_and_words_say_what_is_used_and_why(home: Path) -> None:
    """What is kept out is a word of information, what was allowed is a warning with its reason."""
    params = FeatureParams(
        allow_protected={"leads.field_7": "agreed with the works council"},
        exclude={"leads.size": "filled at closing"},
    )
    warehouse = Warehouse.duckdb(current(home)).until(None)
    findings = {f"{f.table}.{f.column}": f for f in protected_findings(warehouse, params)}
    assert findings["leads.field_7"].severity == "warning"
    assert "agreed with the works council" in findings["leads.field_7"].says
    assert findings["leads.Geburtsdatum"].severity == "info"
    assert "features.allow_protected" in findings["leads.Geburtsdatum"].says
    assert "filled at closing" in findings["leads.size"].says
    found = find_protected(warehouse.tables, warehouse.arrow)
    said = " ".join(usage_says(found, params))
    assert "leads.Geburtsdatum looks like age, by its name" in said
    assert "models may use it, as features.allow_protected says: agreed" in said
    assert "leads.field_7" not in not_used(found, params)
    assert {"leads.size", "reps.segment"} <= not_used(found, params)


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ("exclude", "leads.created_at"),
        ("exclude", "quotas.amount"),
        ("allow_protected", "leads.source"),
        ("empty_values", "size"),
    ],
)
def test_what_cannot_be_left_out_is_refused(section: str, name: str) -> None:
    """Clocks, amounts and tables without attributes: labels rest on them."""
    with pytest.raises(ValueError, match=r"leave_out|should be TABLE\.COLUMN"):
        FeatureParams.model_validate({section: {name: "a reason"}})
    with pytest.raises(ValueError, match="at least 1 character"):
        FeatureParams.model_validate({"exclude": {"leads.size": ""}})
