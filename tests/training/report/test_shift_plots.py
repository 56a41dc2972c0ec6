"""Laws of the charts of shifts: every part is drawn, and said to those who cannot see it."""

from __future__ import annotations

from dataclasses import replace

from training.report.shift_plots import Unsteady, shift_chart

ITEM = Unsteady(
    label="days since it came in",
    group="41 to 71",
    says="it shifted",
    spans=(
        ("2023-01-07", "2023-04-15"),
        ("2023-04-22", "2023-08-12"),
        ("2023-08-19", "2024-01-06"),
    ),
    shares=(0.05, 0.441, 0.06),
    others=(0.04, 0.17, 0.05),
)


def test_every_part_has_its_dot_its_month_and_its_words() -> None:
    """Of the group and of all leads, in the order of time."""
    svg = shift_chart(ITEM)
    assert svg.count("<circle") == 3
    for month in ("from Jan 2023", "from Apr 2023", "from Aug 2023"):
        assert month in svg
    assert "2023-04-22 to 2023-08-12: 44.1 % of this group, 17 % of all leads" in svg
    assert "days since it came in: 41 to 71" in svg


def test_one_part_is_no_line() -> None:
    """Nothing is drawn of it, and nothing of groups that never convert breaks the axis."""
    once = replace(ITEM, spans=ITEM.spans[:1], shares=(0.1,), others=(0.1,))
    assert shift_chart(once) == ""
    assert shift_chart(replace(ITEM, shares=(0.0,) * 3, others=(0.0,) * 3)).count("<circle") == 3
