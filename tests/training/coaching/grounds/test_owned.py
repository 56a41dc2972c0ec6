"""Who owned what, and how much of its chances fell into that time."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from extract import Extract, change
from ground_company import DAY, QUARTERS, UNTIL, Bent, grounds_company, laid_open

from training.coaching.grounds.dealt import CONVERSIONS, LEAD, Dealt, dealt
from training.coaching.grounds.owned import Timing
from training.coaching.grounds.windows import windows_of

MIDDLE = QUARTERS[3] + 46 * DAY


def look(extract: Extract, folder: Path) -> tuple[Dealt, int]:
    """Return what is dealt in all windows, and the place of the current one."""
    with laid_open(extract, folder).until(UNTIL).workspace() as cut:
        windows = windows_of(cut, 91, 4)
        return dealt(cut, windows), windows.main


def test_a_lead_without_a_handover_is_its_owners_alone(even: Extract, tmp_path: Path) -> None:
    """Shares of one row add up to 1, of all reps together."""
    found, _ = look(even, tmp_path)
    shares = found.owners.groupby("row")[CONVERSIONS].sum()
    assert len(shares) == len(found.rows)
    np.testing.assert_allclose(shares, 1.0)


def test_a_handover_parts_the_chances(even: Extract, tmp_path: Path) -> None:
    """A lead that changes hands halfway is partly the one's and partly the other's."""
    lead_id = next(
        row["lead_id"]
        for row in even.rows("leads")
        if row["rep_id"] == "r0" and row["created_at"] > QUARTERS[3]
    )
    handed = change(lead_id, MIDDLE, "rep_id", "r5", old_value="r0")
    found, main = look(even.but("changes", [handed]), tmp_path)
    rows = found.rows
    row = rows.index[(rows["window"] == main) & (rows["kind"] == LEAD) & (rows["id"] == lead_id)]
    own = found.owners[found.owners["row"] == row[0]].set_index("rep_id")[CONVERSIONS]
    assert set(own.index) == {"r0", "r5"}
    assert own.sum() == pytest.approx(1.0)
    assert 0.3 < own["r5"] < 0.7


def test_who_left_owns_nothing_afterwards(tmp_path: Path) -> None:
    """A lost lead that nobody took over is nobody's from the day its rep left."""
    found, main = look(grounds_company(2, Bent(reps={"r2": {"left_at": MIDDLE}})), tmp_path)
    own = found.owners.join(found.rows["window"], on="row")
    own = own[(own["window"] == main) & (own["rep_id"] == "r2")]
    old = found.rows.loc[own["row"], "is_old"].to_numpy(dtype=bool)
    assert (own[CONVERSIONS][old] < 0.7).all()


def test_shares_follow_when_things_happen() -> None:
    """With half of the wins in the last tenth of a quarter, that tenth owns half of the chances."""
    starts = np.array([0, 1_000])
    places = np.sort(np.concatenate([np.linspace(0, 0.9, 500), np.linspace(0.9, 1, 500)]))
    timing = Timing({"wins": places}, starts, np.array([1_000, 1_000]), np.array([1.0, 0.5]))
    window = np.array([0, 0, 1])
    share = timing.share("wins", window, np.array([900.0, 2_000.0, 1_500.0]))
    np.testing.assert_allclose(share, [0.5, 1.0, 1.0], atol=0.01)


def test_what_is_dealt_says_nothing_of_what_became_of_it(even: Extract, tmp_path: Path) -> None:
    """A lead that had ended before the entry is not dealt; one that ended later is, all the same.

    Its stage and owner are those of the entry, and a deal that came of it is the lead's.
    """
    found, main = look(even, tmp_path)
    rows = found.rows[found.rows["window"] == main].set_index("id")
    entry = QUARTERS[3] - 91 * DAY
    for lead in even.rows("leads")[::97]:
        end: datetime | None = lead["converted_at"] or lead["lost_at"]
        assert (lead["lead_id"] in rows.index) == (end is None or end >= entry)
    from_leads = {row["lead_id"] for row in even.rows("deals")} & set(rows.index)
    assert from_leads
    assert not {f"d-{lead_id}" for lead_id in from_leads} & set(rows.index)
    assert isinstance(found.actual, pd.DataFrame)
