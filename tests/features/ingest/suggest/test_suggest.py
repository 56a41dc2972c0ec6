"""A company under other names is recognised: at most five lines of the suggestion need a hand."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

sys.path.append(str(Path(__file__).parents[3] / "e2e"))

from outside import company, sellers

from features.ingest.load import ingest
from features.ingest.opening import opened
from features.ingest.suggest.suggest import suggest_mapping, suggested
from features.params import FeatureParams, IngestParams
from features.storage.catalog import current

MOST_EDITS = 5
Names = Mapping[str, tuple[str, Mapping[str, str]]]
GERMAN: Names = {
    "leads": (
        "Interessenten",
        {
            "lead_id": "Nr", "created_at": "Angelegt am", "rep_id": "Betreuer",
            "source": "Herkunft", "value": "Erwarteter Wert", "converted_at": "Umgewandelt am",
            "lost_at": "Verloren am",
        },
    ),
    "activities": (
        "Vorgänge",
        {
            "activity_id": "Vorgangsnr", "lead_id": "Interessent", "occurred_at": "Zeitpunkt",
            "type": "Art", "rep_id": "Mitarbeiter", "direction": "Richtung",
        },
    ),
    "reps": ("Mitarbeiter", {"rep_id": "Personalnr", "name": "Name"}),
    "deals": (
        "Geschäfte",
        {
            "deal_id": "Geschäftsnr", "rep_id": "Verkäufer", "created_at": "Eröffnet am",
            "amount": "Betrag", "closed_at": "Abgeschlossen am", "won": "Ergebnis",
        },
    ),
    "quotas": (
        "Zielvorgaben",
        {"rep_id": "Mitarbeiter", "period_start": "Von", "period_end": "Bis", "amount": "Ziel"},
    ),
}  # fmt: skip
FRENCH: Names = {
    "leads": (
        "prospects",
        {
            "lead_id": "id", "created_at": "date de création", "rep_id": "commercial",
            "source": "origine", "value": "valeur", "converted_at": "date de conversion",
            "lost_at": "perdu le",
        },
    ),
    "activities": (
        "rendez-vous et appels",
        {
            "activity_id": "id", "lead_id": "prospect", "occurred_at": "date", "type": "type",
            "rep_id": "commercial", "direction": "sens",
        },
    ),
    "reps": ("commerciaux", {"rep_id": "identifiant", "name": "nom"}),
    "deals": (
        "affaires",
        {
            "deal_id": "n°", "rep_id": "vendeur", "created_at": "créé le", "amount": "montant",
            "closed_at": "clôturé le", "won": "résultat",
        },
    ),
    "quotas": (
        "objectifs",
        {"rep_id": "vendeur", "period_start": "début", "period_end": "fin", "amount": "objectif"},
    ),
}  # fmt: skip
SPANISH: Names = {
    "leads": (
        "prospectos",
        {
            "lead_id": "id", "created_at": "fecha_de_creacion", "rep_id": "propietario",
            "source": "fuente", "value": "valor", "converted_at": "convertido_el",
            "lost_at": "perdido_el",
        },
    ),
    "activities": (
        "actividades",
        {
            "activity_id": "id", "lead_id": "prospecto", "occurred_at": "fecha", "type": "tipo",
            "rep_id": "vendedor", "direction": "direccion",
        },
    ),
    "reps": ("vendedores", {"rep_id": "codigo", "name": "nombre"}),
}  # fmt: skip
DUTCH: Names = {
    "leads": (
        "Aanvragen",
        {
            "lead_id": "Nummer", "created_at": "Aangemaakt op", "rep_id": "Eigenaar",
            "source": "Bron", "value": "Waarde", "converted_at": "Geconverteerd op",
            "lost_at": "Afgevallen op",
        },
    ),
    "activities": (
        "Contactmomenten",
        {
            "activity_id": "Nummer", "lead_id": "Aanvraag", "occurred_at": "Tijdstip",
            "type": "Soort", "rep_id": "Medewerker", "direction": "Richting",
        },
    ),
    "reps": ("Medewerkers", {"rep_id": "Code", "name": "Naam"}),
}  # fmt: skip
LANGUAGES = {"German": GERMAN, "French": FRENCH, "Spanish": SPANISH, "Dutch": DUTCH}


def written(folder: Path, names: Names) -> Path:
    """Write the sample company under other names, its amounts and ends as Germans write them."""
    folder.mkdir()
    tables = {**company(leads=300), **sellers()}
    for ours, (table, columns) in names.items():
        frame = pd.DataFrame(tables[ours])
        if ours == "deals":
            ends = {"true": "gewonnen", "false": "verloren"}
            frame["won"] = frame["won"].map(ends)
            frame["amount"] = frame["amount"].map(lambda v: f"{v:,}".replace(",", ".") + ",50")
        if ours == "leads":
            at = pd.to_datetime(frame["created_at"])
            frame["created_at"] = at.dt.strftime("%d.%m.%Y %H:%M:%S")
            frame["Mail"] = "a@b.example"
        frame.rename(columns=dict(columns)).to_csv(folder / f"{table}.csv", index=False, sep=";")
    return folder


def edits(suggestion: Mapping[str, Any], names: Names) -> list[str]:
    """Return every line of a suggestion that a person has to change.

    A line is the table of one of ours, or the source column of one column of ours: an edit is a
    name that is wrong, missing, or given to a column of ours that the source does not have.
    """
    wrong = []
    for ours, (table, columns) in names.items():
        part = suggestion.get(ours) or {}
        if part.get("table") != table:
            wrong.append(f"{ours}: {part.get('table')}")
        for column, shape in part.get("columns", {}).items():
            source = shape["column"] if isinstance(shape, dict) else shape
            if source != columns.get(column):
                wrong.append(f"{ours}.{column}: {source}")
        absent = columns.keys() - part.get("columns", {}).keys()
        wrong += [f"{ours}.{column}: absent" for column in sorted(absent)]
    return wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_company_under_other_names_needs_few_edits(language: str, tmp_path: Path) -> None:
    """Tables, ids by shared values, times, amounts and outcomes, in four more languages."""
    names = LANGUAGES[language]
    text = suggested(str(written(tmp_path / "crm", names)), IngestParams())
    wrong = edits(yaml.safe_load(text), names)
    assert len(wrong) <= MOST_EDITS, wrong


def test_a_suggestion_comes_in_as_it_is(tmp_path: Path) -> None:
    """German dates, decimal commas, words for won: the suggested file reads every row."""
    folder = written(tmp_path / "crm", GERMAN)
    file = tmp_path / "crm.yaml"
    text = suggested(str(folder), IngestParams())
    file.write_text(text, encoding="utf-8")
    assert "{column: Betrag, number: {decimal: ','}}" in text
    assert "{gewonnen: true, verloren: false}" in text
    assert "drop: [Mail]" in text
    report = ingest(str(folder), tmp_path / "home", FeatureParams(), mapping=file)
    assert {name: table.quarantined for name, table in report.tables.items()} == dict.fromkeys(
        GERMAN, 0
    )
    tables, path = {**company(leads=300), **sellers()}, current(tmp_path / "home").path
    deals = pd.read_parquet(path / "deals.parquet").set_index("deal_id").sort_index()
    own = pd.DataFrame(tables["deals"]).set_index("deal_id").sort_index()
    assert deals["amount"].tolist() == (own["amount"] + 0.5).tolist()
    assert deals["won"].sum() == (own["won"] == "true").sum()
    leads = pd.read_parquet(path / "leads.parquet").set_index("lead_id").sort_index()
    assert leads["created_at"].min() == pd.to_datetime(tables["leads"][0]["created_at"])


def test_doubts_and_what_was_left_out_are_written_down(tmp_path: Path) -> None:
    """A table of nothing known, a date that may be either, a column that knows the end."""
    folder = tmp_path / "crm"
    folder.mkdir()
    leads = pd.DataFrame(company(leads=400)["leads"]).drop(columns="rep_id")
    whys = pd.Series(["too dear", "no need"] * (len(leads) // 2))
    leads["reason"] = leads["lost_at"].where(leads["lost_at"] == "", whys)
    leads["Geschlecht"] = "w"
    leads["created_at"] = [f"0{1 + n % 9}/0{1 + n % 8}/2025" for n in range(len(leads))]
    leads.to_csv(folder / "leads.csv", index=False)
    pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"]}).to_csv(folder / "stuff.csv", index=False)
    (folder / "broken.parquet").write_bytes(b"no parquet")
    with opened(str(folder)) as source:
        text = suggest_mapping(source, IngestParams())
    assert "DOUBT: no day is above 12: day or month first?" in text
    assert "tables left out, nothing here looks like them: stuff" in text
    assert "# could not be read: " in text
    assert "leads.Geschlecht: gender" in text
    assert "leads.reason: filled for 0 % of converted, 100 % of lost" in text
    assert "# quotas: no table looks like it" in text


def test_a_history_of_one_kind_becomes_properties(tmp_path: Path) -> None:
    """A table that refers to deals, with a field and a value, is their history."""
    folder = tmp_path / "crm"
    folder.mkdir()
    tables = sellers()
    pd.DataFrame(tables["deals"]).to_csv(folder / "deals.csv", index=False)
    ids = [deal["deal_id"] for deal in tables["deals"][:50]]
    history = {"Deal": ids, "Changed": "2025-03-01", "Property": "Deal Stage", "New value": "offer"}
    pd.DataFrame(history).to_csv(folder / "deal_history.csv", index=False)
    suggestion = yaml.safe_load(suggested(str(folder), IngestParams()))
    (properties,) = suggestion["histories"]["properties"]
    assert (properties["entity"], properties["id"]) == ("deal", "Deal")
    assert (properties["property"], properties["new_value"]) == ("Property", "New value")
    assert properties["fields"] == {"stage": "Deal Stage"}
