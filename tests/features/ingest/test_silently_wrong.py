"""Laws of what reads well and is wrong: it is told by the rest of the extract, or asked about."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from mapped import column, load

from features.ingest.finding import DataFinding, unsound
from features.ingest.report import IngestReport

DEALS = "deal_id,rep_id,created_at,amount,closed_at,won"
QUOTA = "rep_id,period_start,period_end,amount\nr,2025-01-01,2025-04-01,{}\n"


def said(report: IngestReport, kind: str) -> list[DataFinding]:
    """Return the findings of a kind."""
    return [finding for finding in report.findings if finding.kind == kind]


def deals(written: str, spans: list[tuple[date, date]]) -> str:
    """Write deals with their first and last days."""
    lines = (
        f"D{i},r,{start.strftime(written)},100,{end.strftime(written)},true"
        for i, (start, end) in enumerate(spans)
    )
    return "\n".join([DEALS, *lines, ""])


@pytest.mark.parametrize(("written", "order"), [("%d/%m/%Y", "day"), ("%m/%d/%Y", "month")])
def test_dates_that_fit_both_orders_are_told_by_what_begins_before_it_ends(
    tmp_path: Path, written: str, order: str
) -> None:
    """No day is above 12, and yet one order alone lets no deal end before it begins."""
    firsts = [date(2024, 1 + i % 9, 1 + i % 12) for i in range(40)]
    spans = [
        (day, (day + timedelta(days=70)).replace(day=1 + i % 7)) for i, day in enumerate(firsts)
    ]
    report = load(tmp_path, "{}", {"deals": deals(written, spans)})
    assert report.tables["deals"].accepted == len(spans)
    assert sorted(column(tmp_path, "deals", "created_at")) == [
        datetime(day.year, day.month, day.day) for day in sorted(firsts)
    ]
    for finding in said(report, "day_first"):
        assert finding.severity == "info"
        assert f"were read {order} first" in finding.says
        assert "would end before they begin" in finding.says


def test_dates_that_no_row_contradicts_are_still_asked_about(tmp_path: Path) -> None:
    """A few slips are no evidence: both orders stay possible, and the option is named."""
    spans = [(date(2024, 3, 3), date(2024, 5, 5))] * 40 + [(date(2024, 2, 9), date(2024, 3, 1))] * 4
    report = load(tmp_path, "{}", {"deals": deals("%d/%m/%Y", spans)})
    assert {finding.severity for finding in said(report, "day_first")} == {"warning"}


@pytest.mark.parametrize(
    ("again", "severity"),
    [
        ("lead_id,created_at,converted_at,lost_at", None),
        ("lead_id,created_at,lost_at,converted_at", "error"),
    ],
)
def test_a_header_that_stands_again_in_another_order_is_an_error(
    tmp_path: Path, again: str, severity: str | None
) -> None:
    """Rows below it would have been read under wrong names; in the same order it is a line less."""
    header = "lead_id,created_at,converted_at,lost_at"
    rows = [f"{i},2025-01-01,2025-01-0{1 + i},," for i in range(1, 5)]
    lines = [header, *(row[:-1] for row in rows[:2]), again, *(row[:-1] for row in rows[2:]), ""]
    report = load(tmp_path, "{}", {"leads": "\n".join(lines)})
    assert (report.tables["leads"].accepted, report.tables["leads"].quarantined) == (4, 1)
    found = said(report, "header_again")
    assert [finding.severity for finding in found] == [severity] * (severity is not None)
    if severity:
        assert "row 2 is the header again" in found[0].says
        assert found[0].count == 2
        assert "leads" in unsound(json.loads(report.to_json()))


def test_deals_and_quotas_in_the_signs_of_two_currencies_are_not_compared_in_silence(
    tmp_path: Path,
) -> None:
    """Each column for itself reads well; a sign and its code are the same currency."""
    sold = f"{DEALS}\nD1,r,2025-01-01,$950.00,2025-02-01,true\n"
    report = load(tmp_path, "{}", {"deals": sold, "quotas": QUOTA.format("900.00 €")})
    (finding,) = said(report, "currencies")
    assert "deals are in $ and those of quotas in €" in finding.says
    assert not said(
        load(tmp_path, "{}", {"deals": sold, "quotas": QUOTA.format("USD 900.00")}), "currencies"
    )


@pytest.mark.parametrize("name", ["Währung", "devise", "cur", "Kolumne 7"])
def test_a_column_of_currencies_is_told_by_its_name_or_by_its_codes(
    tmp_path: Path, name: str
) -> None:
    """In any language; amounts in two currencies are added up as they stand."""
    lines = [f"{DEALS},{name}", *(f"D{i},r,2025-01-01,9,,,{c}" for i, c in enumerate("EE$"))]
    content = "\n".join([*lines, ""]).replace(",E\n", ",EUR\n").replace(",$\n", ",usd\n")
    (finding,) = said(load(tmp_path, "{}", {"deals": content}), "currencies")
    assert (finding.column, finding.count, finding.of) == (name, 1, 3)


def test_quotas_that_meet_no_deal_make_nobody_miss_them(tmp_path: Path) -> None:
    """Ids that a spreadsheet rounded are an error; owners that the history knows are enough."""
    sold = f"{DEALS}\nD1,9.05E+15,2025-01-01,950,2025-02-01,true\n"
    quotas = QUOTA.format("900").replace("r,", "9050001234567890,")
    files = {"deals": sold, "quotas": quotas}
    report = load(tmp_path, "{}", files)
    (finding,) = said(report, "unmatched")
    assert (finding.table, finding.severity) == ("quotas", "error")
    assert "rounded by a spreadsheet" in finding.says
    assert "quota" in unsound(json.loads(report.to_json()))
    files["changes"] = (
        "entity_type,entity_id,changed_at,field,value\ndeal,D1,2025-01-01,rep_id,9050001234567890\n"
    )
    assert not unsound(json.loads(load(tmp_path, "{}", files).to_json()))


@pytest.mark.parametrize("never", ["1970-01-01", "31.12.9999", "1900-01-01T00:00:00Z"])
def test_moments_that_stand_for_never_are_empty_where_there_are_many(
    tmp_path: Path, never: str
) -> None:
    """Nobody left in 1970, and no lead converts in 9999; a single such moment is judged as such."""
    leads = "".join(f"L{i},2025-01-0{1 + i},{never},{never}\n" for i in range(6))
    header = "lead_id,created_at,converted_at,do_not_contact_at\n"
    one = "L9,2025-01-09,2025-02-01,\n"
    report = load(tmp_path, "{}", {"leads": f"{header}{leads}{one}"})
    assert report.tables["leads"].accepted == 7
    assert report.data_until == datetime(2025, 2, 1)
    assert set(column(tmp_path, "leads", "do_not_contact_at")) == {None}
    assert [f.column for f in said(report, "placeholder")] == ["converted_at", "do_not_contact_at"]
    assert said(report, "placeholder")[0].count == 6
    single = "L8,2025-01-08,1970-01-01,\n"
    report = load(tmp_path, "{}", {"leads": f"{header}{leads.replace(never, '')}{one}{single}"})
    assert report.tables["leads"].quarantine_reasons == {"converted_at lies before created_at": 1}
    assert not said(report, "placeholder")


def test_no_row_was_deleted_on_a_day_that_stands_for_never(tmp_path: Path) -> None:
    """Otherwise all of them would be gone from the past, without a row in quarantine."""
    rows = [f"D{i},r,2025-01-01,9,,,{d}" for i, d in enumerate(["1970-01-01"] * 6 + ["2025-01-05"])]
    report = load(tmp_path, "{}", {"deals": "\n".join([f"{DEALS},deleted_at", *rows, ""])})
    assert report.tables["deals"].accepted == 7
    assert column(tmp_path, "deals", "deleted_at").count(None) == 6
    (finding,) = said(report, "placeholder")
    assert (finding.column, finding.count) == ("deleted_at", 6)


@pytest.mark.parametrize(("quota", "asked"), [("0.9", 1), ("900", 0), ("90000", 1)])
def test_quotas_in_another_unit_than_deals_are_asked_about(
    tmp_path: Path, quota: str, asked: int
) -> None:
    """In thousands everybody makes quota many times over; in cents nobody does."""
    sold = [f"D{i},r{i},2025-01-02,950,2025-02-01,true" for i in range(6)]
    header, line = QUOTA.format(quota).strip().split("\n")
    quotas = [header, *(line.replace("r,", f"r{i},", 1) for i in range(6)), ""]
    late = "D9,r,2025-04-30,9,,"
    report = load(
        tmp_path,
        "{}",
        {"deals": "\n".join([DEALS, *sold, late, ""]), "quotas": "\n".join(quotas)},
    )
    assert len(said(report, "units")) == asked


@pytest.mark.parametrize(("time_of_day", "asked"), [(" 10:15", 1), ("", 0)])
def test_activities_of_two_exports_that_overlap_are_asked_about(
    tmp_path: Path, time_of_day: str, asked: int
) -> None:
    """Without ids nothing else tells; two calls on one day may be two calls."""
    calls = [f"2025-01-{i:02}{time_of_day},call,L{i},r" for i in range(1, 29)]
    content = "\n".join(["occurred_at,type,lead_id,rep_id", *calls, *calls[:14], ""])
    found = said(load(tmp_path, "{}", {"activities": content}), "repeated")
    assert [(finding.count, finding.of) for finding in found] == [(14, 42)] * asked


def quotas(*firsts: date, days: int) -> str:
    """Write a rep's quotas with periods of so many days."""
    lines = (f"r,{first},{first + timedelta(days=days)},100" for first in firsts)
    return "\n".join(["rep_id,period_start,period_end,amount", *lines, ""])


def test_quarters_that_are_read_as_their_first_months_are_asked_about(tmp_path: Path) -> None:
    """Periods with gaps in all places are not meant so; one quarter without a quota may be."""
    firsts = [date(2024, month, 1) for month in (1, 4, 7, 10)]
    report = load(tmp_path, "{}", {"quotas": quotas(*firsts, days=30)})
    (finding,) = said(report, "period_gaps")
    assert (finding.count, finding.of, finding.severity) == (3, 3, "warning")
    assert "2024-01-01 to 2024-01-31, then 2024-04-01" in finding.says
    away = [day for day in firsts if day.month != 7]
    report = load(tmp_path, "{}", {"quotas": quotas(*away, days=91)})
    assert said(report, "period_gaps") == []


def test_quarters_named_after_their_first_month_are_read_as_such(tmp_path: Path) -> None:
    """Once the mapping says how long a period lasts, each ends where the next begins."""
    mapping = """
unpivot: {tall: {table: quotas, names: month, values: amount}}
quotas: {table: tall, period: {month: month, year: month, months: 3}}
"""
    written = "rep_id,Oct 2024,Jan 2025,Apr 2025,Jul 2025\nr,1,2,3,4\n"
    report = load(tmp_path, mapping, {"quotas": written})
    assert said(report, "period_gaps") == []
    starts, ends = (column(tmp_path, "quotas", name) for name in ("period_start", "period_end"))
    assert starts[1:] == ends[:-1]
    assert ends[-1] == datetime(2025, 10, 1)
