"""Laws of the team sheet and the files: nobody is ranked, each manager sees the own team."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from coached import Make, cause, ground

from serving.coaching.company import Company
from serving.coaching.pages import render
from serving.coaching.pairs import propose_pairs
from serving.coaching.playbook import playbook
from serving.coaching.sheet import make_sheet
from serving.coaching.team import TeamPage, team_page
from serving.coaching.write import LONGEST, file_name, write_all

ROWS = [
    cause("r0", "internal_delay"),
    cause("r1", "internal_delay", size=0.2),
    cause("r2", "closing"),
    cause("r3", "qualifying", p=0.4),
    cause("r4", "luck", size=0.5, low=0.0),
]


def page_of(company: Company, manager: str | None = None) -> TeamPage:
    """Make a team sheet."""
    pairs = propose_pairs(company)
    sheets = [make_sheet(company, rep, playbook(), pairs) for rep in company.present()]
    files = {sheet.rep_id: f"sheets/{sheet.rep_id}.html" for sheet in sheets}
    return team_page(company, sheets, pairs, files, manager)


def test_people_stand_in_the_order_of_their_names(make_company: Make) -> None:
    """Nobody is ranked: whatever the figures, the order is the alphabet's."""
    for group in page_of(make_company(ROWS)).groups:
        names = [row.name for row in group.rows]
        assert names == sorted(names)


def test_whose_it_is_to_change(make_company: Make) -> None:
    """Outside causes are the company's, own ones the rep's, and unsure ones are asked about."""
    rows = {row.rep_id: row for group in page_of(make_company(ROWS)).groups for row in group.rows}
    kinds = [rows[f"r{k}"].kind for k in range(5)]
    assert kinds == ["ours", "ours", "theirs", "open", "open"]
    assert "too little evidence" in rows["r3"].cause
    assert rows["r7"].closed == "no quota"


def test_what_only_the_company_can_do_is_counted(make_company: Make) -> None:
    """How many of how many, with their names while they are few."""
    (first, *_) = page_of(make_company(ROWS)).company
    assert first.startswith("Waiting on legal and finance: 2 of 8 (Ada <b>Abel</b> and Ben Xu).")


def test_a_manager_s_sheet_holds_the_own_team(make_company: Make) -> None:
    """Nobody of another team is on it."""
    page = page_of(make_company(ROWS), "m2")
    assert [group.manager for group in page.groups] == ["m2"]
    text = render(page, "team", "md")
    assert "Eva Lind" in text
    assert "Ben Xu" not in text


def test_a_ranking_and_the_audit_stand_on_the_company_s_sheet_alone(make_company: Make) -> None:
    """A leaderboard is there only where the settings made one; managers' sheets have neither."""
    company = make_company(ROWS, board=("r1 is ahead.",), fairness=("No group differs.",))
    for form in ("html", "md"):
        for_all, for_one = (render(page_of(company, m), "team", form) for m in (None, "m2"))
        assert "r1 is ahead." in for_all
        assert "No group differs." in for_all
        assert "r1 is ahead." not in for_one
        assert "Leaderboard" not in render(page_of(make_company(ROWS)), "team", form)


def test_all_files_are_written(make_company: Make, tmp_path: Path) -> None:
    """The contract's files, four files a rep, and team sheets whose links lead somewhere."""
    grounds = [ground("r0", metric, 9, 5.4, 3) for metric in ("conversions", "wins", "revenue")]
    company = make_company(ROWS, grounds)
    files = write_all(company, tmp_path)
    assert all(file.is_file() for file in files)
    assert pd.read_parquet(tmp_path / "rep_causes.parquet")["cause"].tolist() == [
        row["cause"] for row in ROWS
    ]
    assert len(pd.read_parquet(tmp_path / "equal_grounds.parquet")) == 3
    assert len(list((tmp_path / "sheets").iterdir())) == 4 * len(company.present())
    team = (tmp_path / "team.html").read_text(encoding="utf-8")
    links = re.findall(r'href="([^"]+)"', team)
    assert len(links) == len(company.present())
    assert all((tmp_path / link).is_file() for link in links)
    for file in files:
        if file.suffix != ".parquet":
            text = file.read_text(encoding="utf-8")
            assert "not for employment decisions" in text
            assert "<b>Abel" not in text


@pytest.mark.parametrize("rep_id", ["../../etc/x", "..", "a/b", "ü" * 200, "con \n tab", "%2F"])
def test_a_file_stays_in_its_folder(rep_id: str) -> None:
    """Whatever an id holds, its files' name is a plain one, and not too long."""
    name = file_name(rep_id)
    assert re.fullmatch(r"[\w%.~-]+", name, flags=re.ASCII)
    assert len(name) <= LONGEST
    assert name.strip(".")


def test_files_of_two_reps_are_two() -> None:
    """Ids that begin alike, however long, have names of their own."""
    assert len({file_name("x" * 300 + end) for end in ("a", "b", "/", "%2F")}) == 4
