"""The periods that are compared, and those that are learned from."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from extract import Extract
from ground_company import DAY, QUARTERS, START, UNTIL, laid_open

from features.storage.warehouse import Warehouse
from training.coaching.grounds.windows import Windows, records_begin, windows_of

MIDDLE = QUARTERS[3] + 46 * DAY


def windows(history: Warehouse, as_of: datetime, most: int = 12) -> Windows:
    """Return the windows at a moment."""
    return windows_of(history.until(as_of), 91, most)


def test_a_period_belongs_to_its_end(even_history: Warehouse) -> None:
    """At a period's last moment it is that period that is compared, not the next."""
    found = windows(even_history, UNTIL)
    assert found.every[found.main].start == QUARTERS[3]
    assert found.every[found.main].end == UNTIL
    just_after = windows(even_history, QUARTERS[3] + DAY)
    assert just_after.every[just_after.main].start == QUARTERS[3]


def test_earlier_periods_are_cut_alike(even_history: Warehouse) -> None:
    """Halfway through a quarter, the first halves of earlier ones are what it is compared with."""
    found = windows(even_history, MIDDLE)
    for window in found.every:
        passed = (window.end - window.start) / (window.period_end - window.start)
        assert abs(passed - 0.5) < 1e-6


def test_what_is_followed_begins_before_the_period(even_history: Warehouse) -> None:
    """Leads are followed from 91 days before a period, but not from before the records begin."""
    found = windows(even_history, UNTIL)
    begin = records_begin(even_history)
    assert START < begin < START + 10 * DAY
    assert found.every[found.main].entry == QUARTERS[3] - 91 * DAY
    assert found.every[0].entry == max(QUARTERS[0] - 91 * DAY, begin)


def test_no_more_periods_than_asked_for(even_history: Warehouse) -> None:
    """The newest earlier periods are kept."""
    found = windows(even_history, UNTIL, most=2)
    assert [window.start for window in found.every] == QUARTERS[1:4]


def test_without_quotas_periods_are_quarters(even: Extract, tmp_path: Path) -> None:
    """Calendar quarters take the place of quota periods, back to where the records begin."""
    tables = {name: rows for name, rows in even.tables.items() if name != "quotas"}
    found = windows(laid_open(Extract(tables, UNTIL), tmp_path), UNTIL)
    assert [window.start for window in found.every] == QUARTERS[:4]
    assert found.quota_reps.empty


def test_reps_with_another_calendar_have_their_own_period(even: Extract, tmp_path: Path) -> None:
    """Whoever has a monthly quota is compared over the month."""
    quotas = [row for row in even.rows("quotas") if row["rep_id"] != "r0"]
    month = datetime(2023, 12, 1)
    quotas.append({"rep_id": "r0", "period_start": month, "period_end": UNTIL, "amount": 1.0})
    found = windows(laid_open(even.but("quotas", quotas), tmp_path), UNTIL)
    own = found.quota_reps.set_index("rep_id")["window"]
    assert found.every[own["r0"]].start == month
    assert found.every[own["r1"]].start == QUARTERS[3]
