"""The verb `ingest`: an extract becomes the warehouse, or a mapping for it is suggested."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import rich_click as click

from serving.cli.findings import show_findings
from serving.cli.session import MomentParam, Session, verb


@click.command("ingest", short_help="Validate an extract into the warehouse, which it replaces.")
@click.argument("source")
@click.option(
    "--mapping",
    type=click.Path(path_type=Path),
    help="A YAML file with their names for ours, or a preset: salesforce, hubspot, pipedrive, "
    "dynamics, zoho …  [default: a preset whose headers fit]",
)
@click.option("--data-until", type=MomentParam(), help="The extract is complete up to this moment.")
@click.option(
    "--suggest-mapping",
    is_flag=True,
    help="Read nothing in: write a first mapping file to stdout, with guesses and doubts.",
)
@verb
def ingest(
    session: Session,
    source: str,
    mapping: Path | None,
    data_until: datetime | None,
    suggest_mapping: bool,  # noqa: FBT001 - click passes flags by name
) -> None:
    """Read a folder of CSV or parquet files, or a database URL, into the warehouse.

    SOURCE holds leads, activities, reps, deals, changes, quotas, accounts: as many of them as
    there are. Every row is accepted, or kept aside in data/quarantine with its reason.

    Exports of Salesforce, HubSpot, Pipedrive, Dynamics 365 and Zoho, and what warehouse loaders
    make of the first two, are known by their headers; what was matched and what is missing is said.
    Anything else comes in by a mapping file, which --suggest-mapping begins.

    \b
    pacesetter ingest exports/march
    pacesetter ingest exports/crm --mapping salesforce
    pacesetter ingest postgresql://crm@db/sales --data-until 2024-04-01
    pacesetter ingest exports/crm --suggest-mapping > crm.yaml
    """
    if suggest_mapping:
        from features.ingest.suggest.suggest import suggested

        text = suggested(source, session.settings.features.ingest)
        if session.console.is_json:
            session.console.give({"mapping": text})
        else:
            click.echo(text, nl=False)
        return
    from features.ingest.load import ingest as read
    from features.ingest.protected import usage_says

    console = session.console
    session.tracking.require_usable_home()
    session.sync_forgotten()
    report = read(
        source, session.home, session.settings.features, mapping, data_until, console.progress
    )
    for line in report.read_as:
        console.say(line)
    rows = [
        [name, f"{t.read:,}", f"{t.accepted:,}", f"{t.quarantined:,}"]
        for name, t in report.tables.items()
    ]
    console.show("What was read", ["table", "read", "accepted", "quarantined"], rows)
    for name, table in report.tables.items():
        for reason, count in table.quarantine_reasons.items():
            console.warn(f"{name}: {count:,} rows quarantined: {reason}")
    for finding in report.verdict:
        console.say(finding.says)
    for line in usage_says(report.protected, session.settings.features):
        console.warn(line)
    for line in report.proposals.says(session.settings.features.known_at_creation):
        console.say(line)
    # Said last, so that nobody overlooks it.
    show_findings(console, report.findings)
    console.give(json.loads(report.to_json()))
