"""`digest` as the command line runs it: letters for those for whom something has changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from serving.cli.session import Session, verb

if TYPE_CHECKING:
    from serving.digest.changes import Digest
    from serving.store.digests import DigestLog


@click.command("digest", short_help="Write or send the weekly letters: what has changed.")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to write the letters.",
)
@click.option("--send", is_flag=True, help="Send them too, by the server of serving.digest.")
@verb
def digest(session: Session, out: Path, send: bool) -> None:  # noqa: FBT001 - click passes flags by name
    """Tell every rep and manager what has changed since their last letter, in at most five lines.

    Writes OUT/READER.html for each of them. For whom nothing material has changed there is no
    letter; what was told is kept in the store, so that nothing is told twice. With --send the
    letters go to the addresses of serving.digest.addresses; who has none keeps the file alone.

    A rep reads only of themselves, a manager of the own team. For coaching, not for employment
    decisions.

    \b
    pacesetter digest --out letters
    pacesetter digest --out letters --send
    """
    session.require_extract()
    from serving.cli.backtest import made_folder
    from serving.digest.smtp import require_server
    from serving.home.today import store_of
    from serving.store.digests import DigestLog

    params = session.settings.serving.digest
    if send:
        require_server(params)
    made_folder(out)
    log = DigestLog(store_of(session.home, session.settings))
    digests = [made for made in _digests(session, log) if made.items]
    files = _write(session, digests, out)
    sent = _send(session, digests, log) if send else 0
    if not send:
        for made in digests:
            log.add(made.reader, made.figures)
    session.console.say(
        f"{len(digests)} letters in {out}" + (f", {sent} of them sent" if send else "")
        if digests
        else "nothing has changed since the last letters"
    )
    session.console.give({"files": files, "sent": sent})


def _digests(session: Session, log: DigestLog) -> list[Digest]:
    from serving.digest.changes import Reading, manager_digest, rep_digest
    from serving.home.cache import ScoreCache
    from serving.home.home import Home
    from serving.home.overlay import overlaid
    from serving.pages.gather import quick_facts
    from serving.pages.region import region_of
    from serving.pages.settings import team_settings

    scores = ScoreCache(session.home, session.settings)
    scores.look()
    facts = quick_facts(Home(session.home, session.settings), scores.current())
    settings = overlaid(session.settings, log.store)
    region = region_of("", settings.serving.pages.currency)
    reading = Reading(team_settings(settings), region)
    told = {reader: sent.items for reader, sent in log.newest().items()}
    staff = facts.staff
    return [
        *(manager_digest(facts, m, told.get(m), reading) for m in staff.leading()),
        *(
            rep_digest(facts, rep, told.get(rep), reading)
            for rep in staff.team(None)
            if rep not in set(staff.leading())
        ),
    ]


def _as_of(session: Session) -> str:
    from features.storage.catalog import current
    from serving.pages.region import region_of

    return region_of("").day(current(session.home).data_until)


def _write(session: Session, digests: list[Digest], out: Path) -> list[str]:
    from serving.coaching.write import file_name
    from serving.digest.letter import html

    files, as_of = [], _as_of(session)
    for made in digests:
        file = out / f"{file_name(made.reader)}.html"
        file.write_text(html(made, session.settings.serving.digest.link, as_of), encoding="utf-8")
        files.append(str(file))
    return files


def _send(session: Session, digests: list[Digest], log: DigestLog) -> int:
    """Send the letters of those who have an address; what was sent is kept letter by letter."""
    from serving.digest.letter import letter
    from serving.digest.smtp import hand_over, mail_server

    params, as_of, sent = session.settings.serving.digest, _as_of(session), 0
    with mail_server(params) as server:
        for made in digests:
            address = params.addresses.get(made.reader)
            if address is None:
                session.console.warn(f"{made.name} ({made.reader}) has no address: file only")
            else:
                hand_over(server, letter(made, params.sender, address, params.link, as_of))
                sent += 1
            log.add(made.reader, made.figures)
    return sent
