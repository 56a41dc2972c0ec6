"""Trouble that people who load CRM data report: read right, asked about, or refused in words.

Every case spoils some tables of a small sample company and says what a user is told.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from features.ingest.finding import DataFinding
from features.ingest.load import ingest
from features.ingest.report import IngestReport
from features.params import FeatureParams, IngestParams
from features.simulation.live import live
from features.simulation.settings import company_settings
from features.storage.catalog import current

TABLES = ("leads", "deals", "reps", "quotas", "changes", "activities")
Company = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Loaded:
    """An ingested company.

    Attributes:
        report: what was said of it.
        home: where it is.
    """

    report: IngestReport
    home: Path

    def finding(self, table: str, column: str | None, kind: str) -> DataFinding:
        """Return the one finding of a kind."""
        (found,) = self.findings(table, column, kind)
        return found

    def findings(self, table: str, column: str | None, kind: str) -> list[DataFinding]:
        """Return the findings of a kind about a column."""
        wanted = (table, column, kind)
        return [f for f in self.report.findings if (f.table, f.column, f.kind) == wanted]

    def table(self, name: str) -> pd.DataFrame:
        """Read an accepted table."""
        return pd.read_parquet(current(self.home).path / f"{name}.parquet")


Load = Callable[..., Loaded]


def only(company: Company, *names: str) -> Company:
    """Return some tables of a company: each table costs time."""
    return {name: company[name] for name in names}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The tables of a small sample company."""
    place = tmp_path_factory.mktemp("company")
    settings = company_settings("small", seed=5, reps=3, months=6, replays=0, cause_replays=0)
    live(settings, place)
    return {name: pd.read_parquet(place / f"{name}.parquet") for name in TABLES}


@pytest.fixture
def company(whole: Company) -> Company:
    """Tables that a test may spoil; without the long ones, which few cases are about."""
    return {n: t.copy() for n, t in whole.items() if n not in ("activities", "changes")}


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """What ingests tables, those named as CSV."""

    def run(
        company: Company, *as_csv: str, params: IngestParams | None = None, **how: object
    ) -> Loaded:
        source = tmp_path / "source"
        source.mkdir(exist_ok=True)
        for name, table in company.items():
            if name in as_csv:
                table.to_csv(source / f"{name}.csv", index=False, **how)
            else:
                table.to_parquet(source / f"{name}.parquet", index=False)
        features = FeatureParams(ingest=params or IngestParams())
        return Loaded(ingest(str(source), tmp_path, features), tmp_path)

    return run


def money(write: Callable[[float], str]) -> Callable[[float], str | None]:
    """Write amounts, and leave empty ones empty."""
    return lambda amount: None if pd.isna(amount) else write(amount)


def swapped(written: str) -> str:
    """Swap the point and the comma."""
    return written.translate(str.maketrans(",.", ".,"))


MONEY: dict[str, Callable[[float], str]] = {
    "sign before": lambda v: f"${v:,.2f}",
    "code before": lambda v: f"EUR {v:,.2f}",
    "sign behind, decimal comma": lambda v: f"{swapped(f'{v:,.2f}')} €",
    "decimal comma alone": lambda v: swapped(f"{v:.2f}"),
    "blanks between thousands": lambda v: f"{v:,.2f}".replace(",", "\u202f").replace(".", ","),
    "apostrophes": lambda v: f"CHF {v:,.2f}".replace(",", "'"),
}


@pytest.mark.parametrize("style", MONEY)
def test_amounts_as_people_write_them_are_read_and_the_reading_is_said(
    company: Company, load: Load, style: str
) -> None:
    """Where every value fits one reading only, the numbers come in as they were."""
    amounts = company["deals"]["amount"]
    company["deals"]["amount"] = amounts.map(money(MONEY[style]))
    loaded = load(only(company, "deals"), "deals", sep=";")
    assert loaded.table("deals")["amount"].sum() == pytest.approx(amounts.sum())
    said = loaded.finding("deals", "amount", "decimal")
    assert (said.severity, said.count) == ("info", amounts.notna().sum())
    assert said.example in said.says
    assert "decimal sign" in said.says


def test_amounts_that_may_be_two_numbers_are_asked_about(company: Company, load: Load) -> None:
    """1,234 is 1234 or a little more than 1: empty, an error, and the option is named."""
    company["deals"]["amount"] = company["deals"]["amount"].map(lambda _: "1,234")
    asked = load(only(company, "deals"), "deals")
    count = len(company["deals"])
    assert asked.table("deals")["amount"].isna().all()
    lost = asked.finding("deals", "amount", "unreadable")
    assert (lost.severity, lost.count, lost.of) == ("error", count, count)
    assert "features.ingest.decimal" in asked.finding("deals", "amount", "decimal").says
    told = load(only(company, "deals"), "deals", params=IngestParams(decimal="."))
    assert set(told.table("deals")["amount"]) == {1234.0}


def test_points_before_three_digits_alone_are_not_taken_for_decimals(
    company: Company, load: Load
) -> None:
    """14.150 beside 950 may be 14150: it is not read until one value, or the setting, tells."""
    deals = only(company, "deals")
    whole = deals["deals"]["amount"].round(-1)
    written = whole.map(lambda v: f"{v:,.0f}".replace(",", "."))
    deals["deals"]["amount"] = written
    asked = load(deals, "deals").finding("deals", "amount", "decimal")
    assert asked.severity == "warning"
    assert "features.ingest.decimal" in asked.says
    grouped = load(deals, "deals", params=IngestParams(decimal=","))
    assert grouped.table("deals")["amount"].tolist() == whole.tolist()
    for telling in ("8.95", "28550", "0.512"):
        deals["deals"]["amount"] = [telling, *written[1:]]
        told = load(deals, "deals")
        assert not told.findings("deals", "amount", "decimal")
        assert told.table("deals")["amount"].notna().all()


def test_amounts_in_two_currencies_are_never_added_up_in_silence(
    company: Company, load: Load
) -> None:
    """In the amounts themselves they are not read; in a column of their own they are said."""
    deals = company["deals"]
    codes = ["EUR", "INR"] * len(deals)
    amounts = [f"{code} {v:,.2f}" for code, v in zip(codes, deals["amount"], strict=False)]
    spoilt = load({"deals": deals.assign(amount=amounts)}, "deals")
    assert "2 currencies" in spoilt.finding("deals", "amount", "currencies_in_amounts").says
    assert spoilt.finding("deals", "amount", "unreadable").severity == "error"
    beside = deals.assign(CurrencyIsoCode=codes[: len(deals)])
    loaded = load({"deals": beside}, "deals")
    assert "convert them to one" in loaded.finding("deals", "CurrencyIsoCode", "currencies").says


@pytest.mark.parametrize("form", ["%d/%m/%Y %H:%M", "%d.%m.%Y", "%d-%m-%Y %H:%M:%S"])
def test_dates_with_the_day_first_are_told_by_their_column(
    company: Company, load: Load, form: str
) -> None:
    """No row is turned away, no day and month are swapped, and the option is named."""
    leads = company["leads"]
    created = leads["created_at"].copy()
    leads["created_at"] = created.dt.strftime(form)
    loaded = load(only(company, "leads", "deals"), "leads")
    read = loaded.table("leads").set_index("lead_id")["created_at"]
    assert (read.dt.normalize() == created.set_axis(leads["lead_id"]).dt.normalize()).all()
    said = loaded.finding("leads", "created_at", "day_first")
    assert "first number above 12" in said.says
    assert "features.ingest.day_first: true" in said.says


def test_dates_in_two_orders_are_not_guessed(company: Company, load: Load) -> None:
    """Values that fit one order are read; those that fit both are turned away, loudly."""
    leads = company["leads"]
    created = leads["created_at"].dt.normalize()
    forms = ["%d/%m/%Y", "%m/%d/%Y"] * len(leads)
    leads["created_at"] = [day.strftime(form) for day, form in zip(created, forms, strict=False)]
    loaded = load(only(company, "leads", "deals"), "leads")
    assert "two formats" in loaded.finding("leads", "created_at", "two_formats").says
    assert loaded.finding("leads", "created_at", "quarantined").severity == "error"
    read = loaded.table("leads").set_index("lead_id")["created_at"]
    assert (read == created.set_axis(leads["lead_id"])[read.index]).all()
    # What fits both orders but means the same is one day.
    either = [day.day <= 12 and day.day != day.month for day in created]
    assert len(read) == len(leads) - sum(either)


def test_numbers_since_1970_are_read_where_all_are(company: Company, load: Load) -> None:
    """A column of milliseconds is read and said; beside other dates a number is none."""
    leads = company["leads"]
    created = leads["created_at"].dt.floor("s")
    numbers = (created - datetime(1970, 1, 1)) // timedelta(milliseconds=1)
    loaded = load({"leads": leads.assign(created_at=numbers)}, "leads")
    assert list(loaded.table("leads").sort_values("lead_id")["created_at"]) == list(
        created[leads["lead_id"].sort_values().index]
    )
    assert "milliseconds since 1970" in loaded.finding("leads", "created_at", "epoch").says
    mixed = numbers.astype(str).where(leads.index > 0, "2024-02-03")
    spoilt = load({"leads": leads.assign(created_at=mixed)}, "leads")
    assert spoilt.finding("leads", "created_at", "quarantined").severity == "error"


def test_days_as_a_spreadsheet_counts_them_are_read(company: Company, load: Load) -> None:
    """A column of its serial numbers is moments to the second, and that is said."""
    deals = company["deals"]
    created = deals["created_at"].dt.floor("s")
    deals["created_at"] = (created - datetime(1899, 12, 30)) / timedelta(days=1)
    loaded = load(only(company, "deals"), "deals")
    read = loaded.table("deals").set_index("deal_id")["created_at"]
    assert (read == created.set_axis(deals["deal_id"])[read.index]).all()
    assert "spreadsheet's days" in loaded.finding("deals", "created_at", "epoch").says


@pytest.mark.parametrize(("form", "is_odd"), [("%d.%m.%y", False), ("%y-%m-%d", True)])
def test_years_of_two_digits_are_said_and_asked_about_where_they_stand_first(
    company: Company, load: Load, form: str, *, is_odd: bool
) -> None:
    """31.12.25 is read as it must be; 25-12-31 reads too, so it is asked about."""
    deals = company["deals"]
    created = deals["created_at"].dt.floor("D")
    deals["created_at"] = created.dt.strftime(form)
    loaded = load(only(company, "deals"), "deals")
    said = loaded.finding("deals", "created_at", "day_first")
    assert "two-digit years" in said.says
    assert ("seems to stand first" in said.says) == (said.severity == "warning") == is_odd
    read = loaded.table("deals").set_index("deal_id")["created_at"]
    assert is_odd or (read == created.set_axis(deals["deal_id"])[read.index]).all()


def test_first_days_of_periods_tell_their_order(company: Company, load: Load) -> None:
    """01/04/2025 beside 01/07/2025 is the first of two months, not two days of January."""
    quotas = company["quotas"]
    starts = quotas["period_start"].copy()
    for name in ("period_start", "period_end"):
        quotas[name] = quotas[name].dt.strftime("%d/%m/%Y")
    loaded = load(only(company, "quotas"), "quotas")
    assert sorted(loaded.table("quotas")["period_start"]) == sorted(starts)
    said = loaded.finding("quotas", "period_start", "day_first")
    assert (said.severity, said.count) == ("info", len(quotas))
    assert "first of a month" in said.says


def test_months_of_28_days_are_months(company: Company, load: Load) -> None:
    """A February among months is no other length."""
    quotas = company["quotas"].drop_duplicates("rep_id")
    months = [quotas.assign(period_start=m.start_time, period_end=(m + 1).start_time)
              for m in pd.period_range("2025-01", "2025-04", freq="M")]  # fmt: skip
    assert (
        load({"quotas": pd.concat(months)}).findings("quotas", "period_end", "mixed_periods") == []
    )


def test_totals_below_a_table_are_no_rows_of_it(
    company: Company, load: Load, tmp_path: Path
) -> None:
    """A sum and empty cells are set aside with a warning; a row that lacks its key is an error."""
    quotas = company["quotas"]
    load(only(company, "quotas"), "quotas", sep=";")
    file, blanks = tmp_path / "source" / "quotas.csv", ";" * (len(quotas.columns) - 2)
    whole = file.read_text()
    file.write_text(f"{whole}Sum{blanks};12345\n{blanks};\n")
    loaded = Loaded(ingest(str(tmp_path / "source"), tmp_path, FeatureParams()), tmp_path)
    said = loaded.finding("quotas", None, "quarantined")
    assert (said.severity, said.count) == ("warning", 2)
    assert "as in a total or a note" in said.says
    loaded = load({"quotas": quotas.assign(rep_id=None)}, "quotas")
    assert loaded.finding("quotas", "rep_id", "quarantined").severity == "error"


def test_reps_above_themselves_are_said(company: Company, load: Load) -> None:
    """A rep who is their own manager, and two who manage each other."""
    reps = company["reps"]
    first, second, third = reps["rep_id"][:3]
    reps["manager_id"] = reps["rep_id"].map({first: first, second: third, third: second})
    said = load(only(company, "reps")).finding("reps", "manager_id", "circle")
    assert (said.count, said.severity) == (3, "warning")
    reps["manager_id"] = reps["rep_id"].map({second: first, third: second})
    assert load(only(company, "reps")).findings("reps", "manager_id", "circle") == []


def test_what_stands_below_a_report_is_no_reason_to_refuse_it(
    company: Company, load: Load, tmp_path: Path
) -> None:
    """Each line below the table is one quarantined row; the rows above it are all loaded."""
    load(only(company, "leads"), "leads", quoting=csv.QUOTE_ALL)
    with (tmp_path / "source" / "leads.csv").open("a") as file:
        file.write('\n\n"Open leads"\n"Confidential"\n"Generated by: J. Doe, 5 August"\n')
    report = ingest(str(tmp_path / "source"), tmp_path, FeatureParams())
    leads = report.tables["leads"]
    assert (leads.accepted, leads.quarantined) == (len(company["leads"]), 3)
    kept = pd.read_parquet(tmp_path / "data" / "quarantine" / "leads.parquet")
    assert kept["reason"].str.contains("is no row of the table").all()
    assert kept["reason"].str.contains(f"line {len(company['leads']) + 4} ").any()


def test_ids_of_15_and_18_characters_are_named_as_such(whole: Company, load: Load) -> None:
    """Nothing matches, the likely cause is said, and ids that differ in case stay apart."""
    company = {name: whole[name].copy() for name in ("leads", "activities", "deals")}
    tails = ("aB", "Ab", "ab", "AB")
    short = {
        lead: f"00Q5e{i // 4:08d}{tails[i % 4]}" for i, lead in enumerate(whole["leads"]["lead_id"])
    }
    for table in company.values():
        table["lead_id"] = table["lead_id"].map(short)
    company["leads"]["lead_id"] += "XYZ"
    loaded = load(company, "leads")
    assert loaded.report.tables["leads"].accepted == len(whole["leads"])
    said = loaded.finding("activities", "lead_id", "unmatched")
    assert said.count == said.of
    assert "15 and of 18 characters" in said.says


SPELLINGS: dict[str, tuple[Callable[[str], str], str]] = {
    "case": (str.lower, "upper and lower case"),
    "braces": (lambda rep: f"{{{rep}}}", "braces"),
    "leading zeros": (lambda rep: rep.removeprefix("R").lstrip("0"), "leading zeros"),
    "blanks": (lambda rep: f"{rep[:3]} {rep[3:]}", "blanks"),
    "apostrophes": (lambda rep: f"'{rep}", "apostrophe"),
    "other ids": (lambda rep: f"somebody {rep[::-1]}", "as the other table writes them"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_references_in_another_spelling_are_said_with_their_cause(
    company: Company, load: Load, spelling: str
) -> None:
    """Quotas that name no rep are said, and nothing is matched by guess; no deal: an error."""
    change, cause = SPELLINGS[spelling]
    for name in ("reps", "deals", "leads", "quotas"):
        # All ids are numbers with zeros before them, and none is 0.
        company[name]["rep_id"] = company[name]["rep_id"].map(
            lambda rep: None if pd.isna(rep) else f"R0{int(rep[1:]) + 1:04d}"
        )
    if spelling == "leading zeros":
        for name in ("reps", "deals", "leads"):
            company[name]["rep_id"] = company[name]["rep_id"].str.removeprefix("R")
    company["quotas"]["rep_id"] = company["quotas"]["rep_id"].map(change)
    loaded = load(company, "quotas")
    said = loaded.findings("quotas", "rep_id", "unmatched")
    assert [finding.severity for finding in said] == ["error", "warning"]
    for finding in said:
        assert finding.count == len(company["quotas"])
        assert cause in finding.says


def test_ids_that_a_spreadsheet_rounded_are_named(company: Company, load: Load) -> None:
    """Thousands of ids become one, and the reason says what happened to them."""
    company["leads"]["lead_id"] = "1.05558E+14"
    company["deals"]["lead_id"] = "105558123000000"
    loaded = load(only(company, "leads", "deals"), "leads")
    assert loaded.report.tables["leads"].accepted == 1
    said = loaded.finding("leads", "lead_id", "quarantined")
    assert said.severity == "error"
    assert "rounded by a spreadsheet" in said.says
    assert "ids as text" in said.says
    assert "rounded by a spreadsheet" in loaded.finding("deals", "lead_id", "unmatched").says


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [("IsDeleted", True, False), ("_fivetran_deleted", "TRUE", "FALSE"), ("archived", 1, 0)],
)
def test_rows_the_crm_has_deleted_are_left_out_and_counted(
    company: Company, load: Load, name: str, yes: object, no: object
) -> None:
    """A copy that was deleted does not count a second time, under any usual name of the flag."""
    deals = company["deals"]
    copies = deals.assign(deal_id="X" + deals["deal_id"], **{name: yes})
    company["deals"] = pd.concat([deals.assign(**{name: no}), copies])
    loaded = load(only(company, "deals"), "deals")
    assert loaded.table("deals")["amount"].sum() == pytest.approx(deals["amount"].sum())
    said = loaded.finding("deals", None, "deleted")
    assert (said.count, said.of, said.severity) == (len(deals), 2 * len(deals), "warning")


def test_periods_that_end_on_their_last_day_are_said(company: Company, load: Load) -> None:
    """What is won on that day counts for no quota; how much that is, is said."""
    quotas = company["quotas"]
    last = quotas["period_end"].max() - timedelta(days=1)
    company["deals"].loc[company["deals"].index[0], ["won", "closed_at"]] = [
        True,
        last + timedelta(hours=9),
    ]
    quotas["period_end"] -= timedelta(days=1)
    said = load(company).finding("quotas", "period_end", "inclusive_end")
    assert said.count == said.of
    assert "period_end is exclusive" in said.says
    assert "won deals of" in said.says


def test_periods_that_are_right_are_not_remarked_on(company: Company, load: Load) -> None:
    """The sample company's own periods, and its other tables, give no warning."""
    assert [f for f in load(company).report.findings if f.severity != "info"] == []


def test_an_odd_length_of_a_period_is_said(company: Company, load: Load) -> None:
    """A quarter that ends ten years later is not meant so; months beside quarters do not fit."""
    quotas = company["quotas"].sort_values(["rep_id", "period_start"])
    ends = quotas["period_end"].copy()
    quotas["period_end"] = ends.where(quotas.index != quotas.index[-1], ends + timedelta(days=3650))
    assert (
        "odd length" in load({"quotas": quotas}).finding("quotas", "period_end", "odd_period").says
    )
    starts = quotas["period_start"]
    quotas["period_end"] = ends.where(quotas.index != quotas.index[-1], starts + timedelta(days=30))
    assert (
        "different lengths"
        in load({"quotas": quotas}).finding("quotas", "period_end", "mixed_periods").says
    )


def test_one_wild_year_moves_no_end(whole: Company, load: Load) -> None:
    """An activity dated a year late is set aside, known beforehand or not, and that is said."""
    company = {name: whole[name].copy() for name in ("leads", "activities")}
    right = load(company).report.data_until
    assert right is not None
    row = company["activities"].index[5]
    company["activities"].loc[row, "occurred_at"] = right + timedelta(days=365)
    planned = load(company)
    assert planned.report.data_until == right
    assert "set no end" in planned.finding("activities", "occurred_at", "planned").says
    del company["activities"]["known_at"]
    wild = load(company)
    assert wild.report.data_until == right
    assert "--data-until" in wild.finding("activities", "occurred_at", "quarantined").says


def test_years_long_before_the_others_are_said(company: Company, load: Load) -> None:
    """1970 is what a program writes where it knows no date."""
    leads = company["leads"]
    leads.loc[leads.index[0], "created_at"] = datetime(1970, 1, 1)
    said = load(only(company, "leads")).finding("leads", "created_at", "far_date")
    assert (said.count, said.of) == (1, len(leads))
    assert "1970-01-01" in said.says


def test_ends_on_the_day_of_creation_are_that_days(company: Company, load: Load) -> None:
    """A column of days holds a conversion on the day of creation: accepted, at its moment."""
    leads = company["leads"]
    leads["converted_at"] = leads["created_at"].dt.strftime("%Y-%m-%d")
    leads["lost_at"] = None
    loaded = load(only(company, "leads", "deals"), "leads")
    read = loaded.table("leads")
    assert (read["converted_at"] == read["created_at"]).all()
    assert loaded.finding("leads", "converted_at", "amended").count == len(leads)


def rewritten(text: str, kind: str) -> bytes:
    """Write the text of a CSV file as other programs would."""
    if kind == "joined":
        half = text.index("\n", len(text) // 2) + 1
        return (text[:half].replace("\n", "\r\n") + text[half:]).encode()
    if kind == "sep-line":
        return b"sep=;\r\n" + text.replace(",", ";").replace("\n", "\r\n").encode()
    if kind in (";", "\t", "|"):
        return text.replace(",", kind).encode("utf-8-sig")
    if kind == "cr":
        return text.replace("\n", "\r").encode()
    return text.encode(kind)


@pytest.mark.parametrize(
    "kind",
    ["joined", "sep-line", ";", "\t", "|", "cr", "utf-16", "utf-16-le", "utf-8-sig", "cp1252"],
)
def test_files_of_other_programs_come_in_as_they_were(
    company: Company, load: Load, tmp_path: Path, kind: str
) -> None:
    """Line ends, separators and encodings are found, and the letters come in right."""
    leads = company["leads"]
    leads["source"] = "Größe für Müller"
    load(only(company, "leads"), "leads")
    file = tmp_path / "source" / "leads.csv"
    file.write_bytes(rewritten(file.read_text(encoding="utf-8"), kind))
    report = ingest(str(tmp_path / "source"), tmp_path, FeatureParams())
    read = Loaded(report, tmp_path).table("leads")
    assert set(read["source"]) == {"Größe für Müller"}
    assert list(read["lead_id"]) == sorted(leads["lead_id"])


def test_quotes_behind_a_backslash_are_read_and_said(
    company: Company, load: Load, tmp_path: Path
) -> None:
    """Other programs write a quote inside of a text so."""
    leads = company["leads"]
    leads["note"] = 'says "not now", wants, a quote'
    load(only(company, "leads"), "leads", quoting=csv.QUOTE_ALL, doublequote=False, escapechar="\\")
    loaded = Loaded(ingest(str(tmp_path / "source"), tmp_path, FeatureParams()), tmp_path)
    assert set(loaded.table("leads")["note"]) == set(leads["note"])
    assert loaded.finding("leads", None, "escape").severity == "info"


def test_errors_of_a_spreadsheet_are_no_values(company: Company, load: Load) -> None:
    """#N/A is no rep and no amount; in a required column it costs the row; ="001" is 001."""
    leads, reps = company["leads"], company["reps"]
    leads["lead_id"] = [f'="00{i}"' for i in range(len(leads))]
    leads["rep_id"] = "#N/A"
    leads["value"] = "#REF!"
    reps.loc[reps.index[0], "rep_id"] = "#VALUE!"
    loaded = load(company, "leads", "reps")
    read = loaded.table("leads")
    assert set(read["lead_id"]) == {f"00{i}" for i in range(len(leads))}
    assert read["rep_id"].isna().all()
    assert loaded.finding("leads", "rep_id", "unreadable").count == len(leads)
    assert "formula" in loaded.finding("leads", "rep_id", "unreadable").says
    assert loaded.report.tables["reps"].quarantined == 1
    kept = pd.read_parquet(loaded.home / "data" / "quarantine" / "reps.parquet")
    assert "'#VALUE!' is an error of the spreadsheet" in kept["reason"][0]


def test_an_error_of_a_spreadsheet_is_told_apart_from_other_texts(
    company: Company, load: Load
) -> None:
    """A failed formula needs no other way to write numbers, and a word no other formula."""
    leads = company["leads"]
    leads["value"] = ["#REF!" if i % 2 else "about 9" for i in range(len(leads))]
    errors, words = sorted(
        load(only(company, "leads"), "leads").findings("leads", "value", "unreadable"),
        key=lambda finding: finding.example,
    )
    assert (errors.example, words.example) == ("'#REF!'", "'about 9'")
    assert errors.count + words.count == len(leads)
    assert "formula" in errors.says
    assert "1234.5" not in errors.says
    assert "1234.5" in words.says
    assert "formula" not in words.says


def test_won_in_words_is_read_by_a_table_or_asked_about(company: Company, load: Load) -> None:
    """Closed Won and verloren are words we know; Auftrag is asked about, and an error."""
    deals = company["deals"]
    deals["won"] = deals["won"].map({True: "Closed Won", False: "Verloren"}).fillna("Open")
    known = load(only(company, "deals"), "deals")
    won = whole_won(known)
    assert won == (deals["won"] == "Closed Won").sum()
    assert "'Closed Won' as true" in known.finding("deals", "won", "words").says
    deals["won"] = (
        deals["won"].replace("Open", "Negotiation").where(deals["closed_at"].isna(), deals["won"])
    )
    stages = load(only(company, "deals"), "deals")
    (said,) = [f for f in stages.findings("deals", "won", "words") if "Negotiation" in f.says]
    assert (said.severity, whole_won(stages)) == ("info", won)
    deals["won"] = deals["won"].replace(
        {"Closed Won": "Auftrag", "Negotiation": "Open", "Verloren": "Absage"}
    )
    odd = load(only(company, "deals"), "deals")
    said = odd.finding("deals", "won", "unreadable")
    assert (said.severity, said.count) == ("error", (deals["won"] != "Open").sum())
    assert "'Auftrag'" in said.says


def whole_won(loaded: Loaded) -> int:
    """Count the won deals."""
    return int(loaded.table("deals")["won"].fillna(value=False).astype(bool).sum())


def test_objects_and_fields_of_another_system_are_named(whole: Company, load: Load) -> None:
    """`Opportunity` counts for nothing until it is called deal, `Owner` until it is rep_id."""
    changes = whole["changes"].copy()
    changes["entity_type"] = changes["entity_type"].replace({"deal": "Opportunity"})
    changes["field"] = changes["field"].replace({"rep_id": "Owner"})
    loaded = load({"leads": whole["leads"], "changes": changes})
    assert "say 'deal'" in loaded.finding("changes", "entity_type", "unknown_word").says
    assert "say 'rep_id'" in loaded.finding("changes", "field", "unknown_word").says


def test_a_byte_that_no_encoding_explains_names_its_line(
    company: Company, load: Load, tmp_path: Path
) -> None:
    """What was not UTF-8 is said with its first line, so that a wrong guess can be seen."""
    load(only(company, "leads"), "leads")
    file = tmp_path / "source" / "leads.csv"
    lines = io.StringIO(file.read_text()).readlines()
    lines[7] = lines[7].replace(lines[7].split(",")[0], "M\xfcller")
    file.write_bytes("".join(lines).encode("latin-1"))
    report = ingest(str(tmp_path / "source"), tmp_path, FeatureParams())
    (said,) = [f for f in report.findings if f.kind == "encoding"]
    assert said.example.startswith("line 8: Müller")
    assert "cp1252" in said.says
