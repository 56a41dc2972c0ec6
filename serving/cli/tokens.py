"""The verbs of access tokens."""

from __future__ import annotations

import rich_click as click

from serving.cli.session import Session, verb


@click.group("token", short_help="Create, list and revoke access tokens.")
def token() -> None:
    """Access to the service: a token stands for one person or program."""


@token.command("create")
@click.argument("name")
@verb
def token_create(session: Session, name: str) -> None:
    """Create a token; it is shown this once and never again."""
    from serving.access import tokens

    made, secret = tokens.create(session.home, name)
    session.console.say(f"token {made} for {name}; keep it, it is not shown again:")
    if session.console.is_json:
        session.console.give({"id": made, "name": name, "token": secret})
    else:
        click.echo(secret)


@token.command("list")
@verb
def token_list(session: Session) -> None:
    """List tokens, the revoked ones too."""
    from serving.access import tokens

    entries = [vars(entry) for entry in tokens.list_tokens(session.home)]
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

    tokens.revoke(session.home, token_id)
    session.console.say(f"token {token_id} has no access any more")
    session.console.give({"id": token_id, "revoked": True})
