"""The company of the load grade is the one that its figures are told of."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import yaml
from load_company import DAYS, OLD_LEADS, OWN_LEADS, SETTINGS, START, write_load_company

from serving.settings import Settings


def read(folder: Path, table: str) -> list[dict[str, str]]:
    """Read a table of the extract."""
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


def test_forty_reps_have_200_open_leads_and_one_has_5000(tmp_path: Path) -> None:
    """Beside them are leads that have ended, so that there is something to learn."""
    write_load_company(tmp_path / "company")
    leads = read(tmp_path / "company", "leads")
    is_over = [bool(lead["converted_at"] or lead["lost_at"]) for lead in leads]
    of_reps = Counter(lead["rep_id"] for lead, over in zip(leads, is_over, strict=True) if not over)
    assert of_reps == OWN_LEADS
    assert Counter(of_reps.values()) == {200: 40, 5_000: 1}
    assert sum(is_over) == OLD_LEADS
    known = {lead["lead_id"] for lead in leads}
    activities = read(tmp_path / "company", "activities")
    assert {row["lead_id"] for row in activities} <= known
    end = f"{START.replace(month=1, day=1):%Y}"
    assert all(row["occurred_at"].startswith(end) for row in activities)
    assert DAYS < 365
    assert len(read(tmp_path / "company", "reps")) == 41


def test_its_settings_are_settings() -> None:
    """They can be read as params.yaml."""
    assert Settings.model_validate(yaml.safe_load(SETTINGS)).training.leads.horizon_days == 14
