"""Each thing that can be wrong with rows is found where it is, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import pyarrow as pa
import pytest
from engines import Engine
from extract import Extract, Row, change, lead, touch

from features.field_history import FieldHistory
from training.checks.finding import Finding, by_severity
from training.checks.health import health_findings, unusual_gaps

DAY = timedelta(days=1)
START = datetime(2025, 1, 6, 9, 30)
END = START + 120 * DAY
FIRST = date(2025, 1, 6)


@dataclass(frozen=True)
class Healthy:
    """A company in good health: a lead a day, touched the day after, lost after ten."""

    def leads(self) -> list[Row]:
        """Leads with an owner and an end, but for the last ten."""
        moments = [START + n * DAY for n in range(119)]
        return [
            lead(
                f"l{n:03d}",
                at,
                rep_id="ann",
                lost_at=at + 10 * DAY if at + 10 * DAY < END else None,
            )
            for n, at in enumerate(moments)
        ]

    def touches(self) -> list[Row]:
        """One activity for each lead."""
        return [
            touch(row["lead_id"], row["created_at"] + DAY, rep_id="ann", activity_id=row["lead_id"])
            for row in self.leads()
            if row["created_at"] + DAY < END
        ]

    def extract(self, **tables: Sequence[Row]) -> Extract:
        """The whole company, some of its tables exchanged."""
        rows: dict[str, Sequence[Row]] = {
            "leads": self.leads(),
            "activities": self.touches(),
            "reps": [{"rep_id": "ann"}, {"rep_id": "bob"}],
        }
        return Extract({**rows, **tables}, END)


COMPANY = Healthy()


def findings_of(duckdb: Engine, extract: Extract) -> list[Finding]:
    """Check the rows of an extract."""
    with duckdb.open_laid_down(extract) as warehouse:
        return list(health_findings(warehouse))


def kinds(findings: Sequence[Finding]) -> set[tuple[str, str, str]]:
    """Say what was found where, and how bad it is."""
    return {(f.table, f.kind, f.severity) for f in findings}


def test_a_healthy_company_has_no_findings(duckdb: Engine) -> None:
    """Rows that are as they should be raise nothing, not even a remark."""
    assert findings_of(duckdb, COMPANY.extract()) == []


def test_no_rows_have_no_findings(duckdb: Engine) -> None:
    """Of empty tables nothing can be said."""
    empty = COMPANY.extract(leads=[], activities=[], reps=[], changes=[], deals=[])
    assert findings_of(duckdb, empty) == []


def days(*steps: int) -> list[date]:
    """Lay days with rows by the steps between them."""
    moments = [FIRST]
    for step in steps:
        moments.append(moments[-1] + step * DAY)
    return moments


@pytest.mark.parametrize(
    ("steps", "longest", "gaps"),
    [
        ([1] * 30 + [20], 14, 1),
        ([1] * 30 + [14], 14, 0),
        ([1] * 30 + [15], 14, 1),
        ([7] * 30 + [20], 21, 0),
        ([7] * 30 + [22], 21, 1),
        ([1] * 40 + [30] * 2, 14, 2),
        ([365], 1_095, 0),
        ([1] * 8 + [20], 60, 0),
        ([1] * 9 + [20], 14, 1),
        ([], 14, 0),
    ],
)
def test_a_gap_is_long_for_its_table(steps: list[int], longest: int, gaps: int) -> None:
    """Longer than two weeks, and than three times what nine steps in ten do not exceed."""
    usual, unusual = unusual_gaps(days(*steps))
    assert (usual.days, len(unusual)) == (longest, gaps)
    assert all((last - first).days > longest for first, last in unusual)


def test_a_gap_is_named_by_its_days(duckdb: Engine) -> None:
    """A month without activities is said with its first and last day."""
    first, last = START + 40 * DAY, START + 70 * DAY
    kept = [t for t in COMPANY.touches() if not first < t["occurred_at"] < last]
    (gap,) = [f for f in findings_of(duckdb, COMPANY.extract(activities=kept)) if f.kind == "gap"]
    assert (gap.table, gap.column, gap.severity) == ("activities", "occurred_at", "warning")
    assert f"between {first.date()} and {last.date()}" in gap.says


def test_days_without_hours_are_a_remark(duckdb: Engine) -> None:
    """Where nearly all moments are midnights, hours between rows mean nothing."""
    midnight = [
        {**row, "created_at": row["created_at"].replace(hour=0, minute=0)}
        for row in COMPANY.leads()
    ]
    assert ("leads", "days_only", "info") in kinds(
        findings_of(duckdb, COMPANY.extract(leads=midnight))
    )
    half = [*midnight[:60], *COMPANY.leads()[60:]]
    findings = kinds(findings_of(duckdb, COMPANY.extract(leads=half)))
    assert not {kind for _, kind, _ in findings} & {"days_only"}


@pytest.mark.parametrize(("late", "severity"), [(1, None), (5, "info"), (40, "warning")])
def test_late_logging_is_told_by_its_share(duckdb: Engine, late: int, severity: str | None) -> None:
    """One row in a hundred is not worth a word, a third is a warning."""
    rows = [
        {**row, "known_at": row["occurred_at"] + 2 * DAY} if place < late else row
        for place, row in enumerate(COMPANY.touches())
    ]
    findings = [
        f for f in findings_of(duckdb, COMPANY.extract(activities=rows)) if f.kind == "late_logging"
    ]
    assert [f.severity for f in findings] == ([] if severity is None else [severity])
    if findings:
        assert (
            f"{late} of 119 ({late / 119:.0%}) of the activities were entered" in findings[0].says
        )


def test_a_day_late_is_in_time(duckdb: Engine) -> None:
    """Exactly a day is what the product bears; planned rows, known before, are not late."""
    for lag in (DAY, -3 * DAY):
        rows = [{**row, "known_at": row["occurred_at"] + lag} for row in COMPANY.touches()[:100]]
        findings = kinds(findings_of(duckdb, COMPANY.extract(activities=rows)))
        assert ("activities", "late_logging", "warning") not in findings


def test_rows_known_after_the_end_are_counted(duckdb: Engine) -> None:
    """They are in the file and cannot be seen yet."""
    rows = [*COMPANY.touches()]
    rows[-1] = {**rows[-1], "known_at": END}
    extract = replace(COMPANY.extract(activities=rows), declared=False)
    findings = [f for f in findings_of(duckdb, extract) if f.kind == "known_after_end"]
    assert [(f.table, f.severity) for f in findings] == [("activities", "info")]
    assert findings[0].says.startswith("1 activities become known only after the data ends")


def test_leads_that_nobody_works_are_stale(duckdb: Engine) -> None:
    """Open for more than 90 days and untouched in them; a call makes a lead fresh again."""
    forgotten = [lead(f"old{n}", START + n * DAY, rep_id="ann") for n in range(20)]
    extract = COMPANY.extract(leads=[*COMPANY.leads(), *forgotten])
    assert ("leads", "stale", "warning") in kinds(findings_of(duckdb, extract))
    called = [touch(row["lead_id"], END - DAY, rep_id="ann") for row in forgotten]
    fresh = COMPANY.extract(leads=extract.rows("leads"), activities=[*COMPANY.touches(), *called])
    assert ("leads", "stale", "warning") not in kinds(findings_of(duckdb, fresh))


def test_an_owner_may_be_known_by_three_ways(duckdb: Engine) -> None:
    """By the lead's own column, by a change of owner, by an activity; else nobody owns it."""
    orphans = [lead(f"x{n}", START + n * DAY, lost_at=START + 30 * DAY) for n in range(10)]
    leads = [*COMPANY.leads(), *orphans]
    alone = COMPANY.extract(leads=leads)
    assert ("leads", "no_owner", "info") in kinds(findings_of(duckdb, alone))
    called = [touch(row["lead_id"], row["created_at"] + DAY, rep_id="bob") for row in orphans]
    moved = [
        change(row["lead_id"], row["created_at"] + timedelta(hours=1), "rep_id", "bob")
        for row in orphans
    ]
    emptied = COMPANY.extract(leads=leads, changes=[{**row, "value": None} for row in moved])
    assert ("leads", "no_owner", "info") in kinds(findings_of(duckdb, emptied))
    for owned in (
        COMPANY.extract(leads=leads, activities=[*COMPANY.touches(), *called]),
        COMPANY.extract(leads=leads, changes=moved),
    ):
        assert "no_owner" not in {f.kind for f in findings_of(duckdb, owned)}


def test_a_company_that_loses_nothing_is_told(duckdb: Engine) -> None:
    """Leads that only convert or stay open make 'still open' mean too much."""
    leads = [{**row, "lost_at": None, "converted_at": row["lost_at"]} for row in COMPANY.leads()]
    assert ("leads", "never_lost", "warning") in kinds(
        findings_of(duckdb, COMPANY.extract(leads=leads))
    )


def odd_touches(kind: str) -> list[Row]:
    """Give a third of the activities one oddity."""
    rows = COMPANY.touches()
    odd, rest = rows[:40], rows[40:]
    changed = {
        "repeated": [*odd, *({**row, "activity_id": None} for row in odd)],
        "unknown_lead": [{**row, "lead_id": "nobody"} for row in odd],
        "unknown_rep": [{**row, "rep_id": "stranger"} for row in odd],
        "before_lead": [{**row, "occurred_at": row["occurred_at"] - 2 * DAY} for row in odd],
        "after_conversion": odd,
    }
    return [*changed[kind], *rest]


def early_wins() -> list[Row]:
    """Leads of which the first forty were won before they were touched."""
    leads = COMPANY.leads()
    won = [
        {**row, "lost_at": None, "converted_at": row["created_at"] + timedelta(hours=1)}
        for row in leads[:40]
    ]
    return [*won, *leads[40:]]


@pytest.mark.parametrize(
    "kind", ["repeated", "unknown_lead", "unknown_rep", "before_lead", "after_conversion"]
)
def test_odd_activities_are_told_apart(duckdb: Engine, kind: str) -> None:
    """Each oddity raises its own finding about activities, and no other of these."""
    leads = early_wins() if kind == "after_conversion" else COMPANY.leads()
    extract = COMPANY.extract(leads=leads, activities=odd_touches(kind))
    findings = {f.kind: f for f in findings_of(duckdb, extract) if f.table == "activities"}
    odd = {"repeated", "unknown_lead", "unknown_rep", "before_lead", "after_conversion"}
    assert findings.keys() & odd == {kind}
    assert findings[kind].severity == "warning"


def test_without_reps_nobody_is_a_stranger(duckdb: Engine) -> None:
    """An extract without the table of reps does not make every rep unknown."""
    extract = COMPANY.extract(activities=odd_touches("unknown_rep"))
    tables = {name: rows for name, rows in extract.tables.items() if name != "reps"}
    assert "unknown_rep" not in {f.kind for f in findings_of(duckdb, Extract(tables, END))}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([None, None], "is always empty"),
        (["a", "a"], "holds one value throughout"),
        (["a", None], "holds one value throughout"),
        (["a", "b"], None),
    ],
)
def test_attributes_that_never_vary_are_told(
    duckdb: Engine, values: list[str | None], says: str | None
) -> None:
    """Empty or constant columns are remarks, and can be left out."""
    leads = [{**row, "region": value} for row, value in zip(COMPANY.leads(), values, strict=False)]
    extract = Extract({"leads": leads}, END, {"leads": {"region": pa.string()}})
    findings = [f for f in findings_of(duckdb, extract) if f.kind == "constant"]
    assert [f.column for f in findings] == ([] if says is None else ["region"])
    assert all(str(says) in f.says for f in findings)


def test_a_field_with_a_history_is_no_constant(duckdb: Engine) -> None:
    """Its column is empty by itself."""
    extract = Extract({"leads": COMPANY.leads()}, END, {"leads": {"region": pa.string()}})
    history = FieldHistory("lead", "region", True, 1, 1, 0, START)  # noqa: FBT003 - complete
    for histories, kinds_ in (((), {"constant"}), ((history,), set())):
        with duckdb.open_laid_down(extract) as warehouse:
            findings = health_findings(replace(warehouse, histories=histories))
            assert {f.kind for f in findings if f.column == "region"} == kinds_


def test_one_row_is_no_constant(duckdb: Engine) -> None:
    """Of a single row every column holds one value, which means nothing."""
    extract = Extract(
        {"leads": [{**COMPANY.leads()[0], "region": "n"}]}, END, {"leads": {"region": pa.string()}}
    )
    assert "constant" not in {f.kind for f in findings_of(duckdb, extract)}


def test_findings_are_sorted_and_written_plainly(duckdb: Engine) -> None:
    """The worst comes first, whoever found it, and machines get the same five fields of each."""
    extract = COMPANY.extract(leads=early_wins(), activities=odd_touches("repeated"))
    unsorted = findings_of(duckdb, extract)
    findings = by_severity(unsorted)
    assert findings == by_severity(unsorted[::-1])
    severities = ["error", "warning", "info"]
    places = [severities.index(f.severity) for f in findings]
    assert places == sorted(places)
    for finding in findings:
        assert list(finding.to_json()) == ["table", "column", "kind", "severity", "says"]
