"""The verb `export`: lead scores on their way back into a CRM."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import rich_click as click

from features.errors import InputError
from serving.cli.session import MomentParam, Session, verb
from serving.export.formats import FORMATS


@click.group("export", short_help="Write lead scores as a CSV that a CRM imports.")
def export() -> None:
    """Take forecasts back to where the work is done."""


@export.command("leads")
@click.option(
    "--for", "crm", required=True, type=click.Choice(list(FORMATS)), help="Whose importer reads it."
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The CSV file to write.",
)
@click.option(
    "--as-of", type=MomentParam(), help="The moment of the scores.  [default: the extract's end]"
)
@verb
def export_leads(session: Session, crm: str, out: Path, as_of: datetime | None) -> None:
    """Write score, rank, band and reasons of every open lead, keyed by the CRM's own id.

    The file updates leads that exist, in five fields that an administrator makes once; the header
    names them. Cells that a spreadsheet would take for formulas begin with an apostrophe.
    Forecasts of reps are not exported: they are for conversations, not for lists.

    \b
    pacesetter export leads --for salesforce --out scores.csv
    pacesetter export leads --for hubspot --out scores.csv --as-of 2024-04-01
    """
    session.require_extract()
    from serving.export.leads import lead_file
    from serving.home.home import Home

    shape, console = FORMATS[crm], session.console
    outlook = Home(session.home, session.settings).open_leads()
    session.warn_of_hindsight(outlook.bundle.until, as_of)
    file = lead_file(outlook.score(as_of), shape)
    _write(out, file.text)
    console.say(f"{file.leads:,} leads for {shape.crm}: {out}")
    console.say(f"to import it: {shape.how}; fields: {', '.join(shape.header[1:])}")
    if file.changed_ids:
        console.warn(
            f"{len(file.changed_ids):,} ids begin like a formula and got an apostrophe, for "
            f"example {file.changed_ids[0]!r}: {shape.crm} will not find these leads"
        )
    console.give({"files": [str(out)], "for": crm, "leads": file.leads})


def _write(out: Path, text: str) -> None:
    """Write a file in one step, so that no importer meets half of it."""
    part = out.with_name(f"{out.name}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(text.encode())
        part.replace(out)
    except OSError as error:
        raise InputError(f"--out {out} cannot be written: {error.strerror}") from None
