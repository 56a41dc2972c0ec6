"""The verbs of access tokens."""

from __future__ import annotations

import rich_click as click

from serving.cli.session import Session, verb

ROLES = ["rep", "manager", "analyst", "admin"]


@click.group("token", short_help="Create, list and revoke access tokens.")
def token() -> None:
    """Access to the service: a token stands for one person or program."""


@token.command("create")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(ROLES),
    default="admin",
    show_default=True,
    help="Reps see their own, managers their team, analysts models and no names, admins all.",
)
@click.option("--rep", "rep_id", metavar="ID", help="Who a rep or manager is in the CRM.")
@click.option("--days", type=click.IntRange(1), help="How long it works.  [default: for ever]")
@verb
def token_create(
    session: Session, name: str, role: str, rep_id: str | None, days: int | None
) -> None:
    """Create a token; it is shown this once and never again.

    \b
    pacesetter token create prometheus --role analyst
    pacesetter token create "Ada Abel" --role rep --rep R0000017 --days 90
    """
    from serving.access import tokens
    from serving.access.people import Role

    grant = tokens.Grant(Role(role), rep_id, days)
    created, secret = tokens.create(session.store, name, grant)
    session.console.say(f"token {created} for {name}; keep it, it is not shown again:")
    if session.console.is_json:
        session.console.give({"id": created, "name": name, "token": secret})
    else:
        click.echo(secret)


@token.command("list")
@verb
def token_list(session: Session) -> None:
    """List tokens, the revoked and expired ones too."""
    from serving.access import tokens

    entries = [token.to_json() for token in tokens.list_tokens(session.store)]
    columns = list(entries[0]) if entries else ["id", "name"]
    rows = [[str(entry[c] or "") for c in columns] for entry in entries]
    session.console.show("Tokens", columns, rows)
    session.console.give({"tokens": entries})


@token.command("revoke")
@click.argument("token_id", metavar="ID")
@verb
def token_revoke(session: Session, token_id: str) -> None:
    """Take a token's access away, at once."""
    from serving.access import tokens

    tokens.revoke(session.store, token_id)
    session.console.say(f"token {token_id} has no access any more")
    session.console.give({"id": token_id, "revoked": True})
