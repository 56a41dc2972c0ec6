"""The files of `coach --all`: causes, equal grounds, a sheet a rep and the team sheets."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from features.progress import Progress, silent
from serving.coaching.company import Company
from serving.coaching.pages import render, sheet_page
from serving.coaching.pairs import propose_pairs
from serving.coaching.playbook import playbook
from serving.coaching.sheet import Sheet, make_sheet
from serving.coaching.team import team_page
from serving.coaching.voice import MANAGER, REP, Voice
from training.files import EQUAL_GROUNDS, REP_CAUSES, checked

SHEETS = "sheets"
FORMS = ("html", "md")
LONGEST = 120
"""Characters of a file's name; longer ids get a hash."""


def file_name(rep_id: str) -> str:
    """Return a name for a rep's files that stays in its folder, whatever the id holds.

    >>> file_name("R0000017"), file_name("../a b"), file_name("..")
    ('R0000017', '..%2Fa%20b', '%2E%2E')
    """
    safe = quote(rep_id, safe="")
    if not safe.strip("."):
        safe = safe.replace(".", "%2E")
    if len(safe) <= LONGEST:
        return safe
    return f"{safe[: LONGEST - 13]}-{sha256(rep_id.encode()).hexdigest()[:12]}"


def write_sheet(sheet: Sheet, folder: Path) -> list[Path]:
    """Write one rep's sheet for the manager and for the rep, as HTML and as Markdown.

    Args:
        sheet: the facts.
        folder: is there.

    Returns:
        The files.
    """
    files = []
    for reader in (MANAGER, REP):
        page = sheet_page(sheet, Voice(reader, sheet.name))
        for form in FORMS:
            file = folder / f"{file_name(sheet.rep_id)}.{reader}.{form}"
            file.write_text(render(page, "sheet", form), encoding="utf-8")
            files.append(file)
    return files


def write_all(company: Company, out: Path, progress: Progress = silent) -> list[Path]:
    """Write everything that is known of everybody who has not left.

    Args:
        company: what is known.
        out: a folder that is there.
        progress: shows how far it is.

    Returns:
        The files; sheets lie in their own folder.
    """
    frames = {REP_CAUSES: company.inputs.causes, EQUAL_GROUNDS: company.inputs.grounds}
    files = []
    for schema, frame in frames.items():
        files.append(out / schema.file)
        checked(frame, schema).to_parquet(files[-1], index=False)
    book, pairs = playbook(), propose_pairs(company)
    (out / SHEETS).mkdir(exist_ok=True)
    sheets = []
    people = company.present()
    with progress("writing sheets", len(people)) as advance:
        for rep_id in people:
            sheets.append(make_sheet(company, rep_id, book, pairs))
            files += write_sheet(sheets[-1], out / SHEETS)
            advance(1)
    links = {s.rep_id: f"{SHEETS}/{quote(file_name(s.rep_id))}.{MANAGER}.html" for s in sheets}
    managers = sorted({m for s in sheets if (m := company.manager_of(s.rep_id)) is not None})
    for manager in (None, *managers):
        page = team_page(company, sheets, pairs, links, manager)
        stem = "team" if manager is None else f"team-{file_name(manager)}"
        files += _write_team(page, out / stem)
    return files


def _write_team(page: object, stem: Path) -> Sequence[Path]:
    files = [stem.with_name(f"{stem.name}.{form}") for form in FORMS]
    for file, form in zip(files, FORMS, strict=True):
        file.write_text(render(page, "team", form), encoding="utf-8")
    return files
