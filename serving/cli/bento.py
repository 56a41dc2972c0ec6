"""`bento` as the command line runs it."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from serving.cli.session import Session, verb


@click.command("bento", short_help="Build a Bento: the service as one folder to deploy.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder to build; it must not be there yet.",
)
@click.option(
    "--with-data",
    is_flag=True,
    help="Copy data, models and tokens into it; else its home is empty, to be mounted.",
)
@verb
def bento(session: Session, out: Path, with_data: bool) -> None:  # noqa: FBT001 - click passes flags by name
    """Build a Bento of this home, which `bentoml serve` runs from its own folder.

    It holds the program, its requirements at the versions installed here, and the settings of this
    home. Its home is DIR/src/home: with --with-data it is a copy of this one, which holds people's
    data, so keep the Bento like the data themselves.

    With --json: `bento`, `home` and `has_data`.

    \b
    pacesetter bento --out build/pacesetter
    bentoml serve build/pacesetter --port 3000
    """
    from serving.api.bento import build_bento

    built = build_bento(session.home, session.settings, out.resolve(), with_data=with_data)
    console = session.console
    console.say(f"a Bento is in {built.place}; run it with: bentoml serve {built.place}")
    if built.has_data:
        console.warn(f"{built.home} holds a copy of the data, the models and the tokens' hashes")
    else:
        console.say(f"its home {built.home} holds settings alone; mount or fill it before serving")
    console.give({"bento": str(built.place), "home": str(built.home), "has_data": built.has_data})
