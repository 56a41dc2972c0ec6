"""The verbs that change the champion: `promote` by gate or by a person, and `rollback`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import rich_click as click

from features.clock import zulu
from features.errors import CheckFailed, InputError, NotFoundError, NotReady
from serving.cli.session import Session, verb

if TYPE_CHECKING:
    from serving.store.promotions import Entry
    from training.evaluation.bootstrap import Estimate
    from training.loop.compare import Comparison
    from training.tracking.registry import Tracking

LONGEST, SHOWN = 1_000, 40
"""Characters of a name or a reason that are kept, and that an error shows."""
KIND = click.Choice(["leads", "quota"])
BY = click.option("--by", metavar="NAME", help="The person who decides; needs --reason.")
REASON = click.option("--reason", metavar="TEXT", help="Why that person decides so; needs --by.")


@click.command("promote", short_help="Make a challenger champion, by gate or by a person.")
@click.argument("kind", type=KIND, required=False)
@click.option("--version", metavar="N", help="Which model.  [default: the newest challenger]")
@BY
@REASON
@click.option("--log", "is_log", is_flag=True, help="Show who promoted what, when and why.")
@verb
def promote(
    session: Session,
    kind: str | None,
    version: str | None,
    by: str | None,
    reason: str | None,
    is_log: bool,  # noqa: FBT001 - click passes flags by name
) -> None:
    """Compare a challenger with the champion on later data, and promote it if it is better.

    Both forecast what came after the data that either has seen and has a known outcome by now. The
    challenger is promoted if its log loss is lower beyond luck, if it is worse beyond luck in no
    segment, and if its calibration is not clearly worse. The exit code is 0 if it was promoted and
    1 if not; the settings are training.gate.

    With --by and --reason a person decides, and nothing is compared. Every change of champion
    is kept in the promotion log with its time, person, reason and figures; --log shows it.

    With --json: `promoted`, `comparison` (both models' figures, the gain in every segment, the
    reasons) and `entry`, the line of the log; with --log: `promotions`.

    \b
    pacesetter promote leads
    pacesetter promote quota --version 3
    pacesetter promote leads --version 2 --by "Ann Lee" --reason "the pilot agreed"
    pacesetter promote --log
    """
    if is_log:
        if version or by or reason:
            raise click.UsageError("--log only shows: leave out --version, --by and --reason")
        _show_log(session, kind)
        return
    if kind is None:
        raise click.UsageError("say which model: `promote leads` or `promote quota`")
    by, reason = _person(by, reason)
    if by is None or reason is None:
        session.require_extract()
        _by_gate(session, kind, version)
    else:
        _by_person(session, kind, version, by, reason)


@click.command("rollback", short_help="Go back to the champion before the present one.")
@click.argument("kind", type=KIND)
@BY
@REASON
@verb
def rollback(session: Session, kind: str, by: str | None, reason: str | None) -> None:
    """Undo the newest promotion that stands: the champion before it answers again.

    A second rollback goes one champion further back. The model that is left stays registered;
    `pacesetter promote KIND --version N` brings it back. With --json: `entry`, the line of the
    promotion log.

    \b
    pacesetter rollback leads
    pacesetter rollback leads --by "Ann Lee" --reason "reps report odd rankings"
    """
    by, reason = _person(by, reason)
    from serving.cli.champions import Champions

    champions = Champions(session.home, session.tracking)
    entry = champions.roll_back(kind, reason or "back to the champion before", by)
    session.console.say(
        f"version {entry.to_version} of {kind} is champion again, version {entry.from_version} "
        "no longer"
    )
    session.console.give({"kind": kind, "entry": entry.to_json()})


def _person(by: str | None, reason: str | None) -> tuple[str | None, str | None]:
    """Return who decides and why: both, or neither."""
    for option, text in (("--by", by), ("--reason", reason)):
        if text is None:
            continue
        if not text.strip() or not text.isprintable() or len(text) > LONGEST:
            raise click.UsageError(
                f"{option} should be 1 to {LONGEST:,} printable characters, it was {text[:SHOWN]!r}"
            )
    if (by is None) != (reason is None):
        missing, present = ("--reason", "--by") if reason is None else ("--by", "--reason")
        raise click.UsageError(
            f"{present} needs {missing} too: the log keeps who decided and why; without both, the "
            "gate decides"
        )
    return (by and by.strip(), reason and reason.strip())


def _by_person(session: Session, kind: str, version: str | None, by: str, reason: str) -> None:
    from serving.cli.champions import Champions, Decision
    from serving.store.promotions import How

    tracking = session.tracking
    number = _challenger(tracking, kind, version)
    decision = Decision(How.PERSON, reason, by)
    entry = Champions(session.home, tracking).promote(kind, number, decision)
    session.console.say(f"version {number} of {kind} is champion, by decision of {by}: {reason}")
    session.console.give(
        {"kind": kind, "promoted": True, "comparison": None, "entry": entry.to_json()}
    )


def _by_gate(session: Session, kind: str, version: str | None) -> None:
    from serving.cli.champions import Champions, Decision
    from serving.home.home import Home
    from serving.store.promotions import How
    from training.loop.compare import compare
    from training.loop.kinds import kind_of
    from training.tracking.registry import CHAMPION

    home, console = Home(session.home, session.settings), session.console
    tracking = home.tracking
    number = _challenger(tracking, kind, version)
    models = (tracking.load(kind, CHAMPION), tracking.load(kind, number))
    params = session.settings.training.gate
    warehouse = home.warehouse()
    kind_of(kind).require(warehouse, "comparing models of")
    comparison = compare(kind_of(kind), warehouse, models, params, console.progress)
    _show(session, comparison)
    tracking.log_comparison(comparison.to_json())
    verdict, entry = comparison.verdict, None
    if verdict.promotes:
        figures = comparison.to_json()
        decision = Decision(How.GATE, "; ".join(verdict.reasons), figures=figures)
        champions = Champions(session.home, tracking)
        entry = champions.promote(kind, number, decision, comparison.champion)
        console.say(f"version {number} of {kind} is champion: {entry.reason}")
    console.give(
        {
            "kind": kind,
            "promoted": verdict.promotes,
            "comparison": comparison.to_json(),
            "entry": entry and entry.to_json(),
        }
    )
    if not verdict.promotes:
        raise CheckFailed(
            f"version {number} of {kind} is not promoted, version {comparison.champion} stays "
            f"champion: {'; '.join(verdict.reasons)}. A person may decide otherwise: --by NAME "
            "--reason TEXT"
        )


def _challenger(tracking: Tracking, kind: str, version: str | None) -> str:
    """Return the number of the model that is to be promoted.

    Raises:
        NotReady: there is no model, or no challenger.
        NotFoundError: there is no such version; names those there are.
    """
    versions = tracking.versions(kind)
    if not versions:
        raise NotReady(f"there is no {kind} model yet; run `pacesetter train {kind}`")
    live = tracking.live(kind)
    others = [model.version for model in versions if model.version != live]
    if version is not None:
        if version == live:
            raise InputError(f"version {version} of {kind} is champion already")
        if version not in others:
            raise NotFoundError(
                f"there is no version {version!r} of {kind}: version {live} is champion, "
                f"{_listed(others)}"
            )
        return version
    for model in versions:
        if "challenger" in model.aliases:
            return str(model.version)
    raise NotReady(
        f"there is no challenger of {kind}: version {live} is champion, {_listed(others)}; run "
        f"`pacesetter train {kind}`, or name an earlier version with --version"
    )


def _listed(others: Sequence[str]) -> str:
    return f"the others are {', '.join(others)}" if others else "there is no other"


def _show(session: Session, comparison: Comparison) -> None:
    """Show both models' figures and the gain in every segment."""
    from training.loop.verdict import WORDS

    verdict, console = comparison.verdict, session.console
    if verdict.withheld is not None:
        return
    first, last = comparison.cutoffs[0], comparison.cutoffs[-1]
    console.say(
        f"neither model had seen these {verdict.n_rows:,} forecasts: {len(comparison.cutoffs)} "
        f"cutoffs from {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    )
    percent = f"{verdict.level:.0%}".replace("%", " %")
    columns = ["figure", "champion", "challenger", f"difference, {percent} interval"]
    rows = [
        [WORDS[f.metric], _number(f.champion), _number(f.challenger), _with_ends(f.difference)]
        for f in verdict.figures
    ]
    title = f"Champion (version {comparison.champion}) and challenger ({comparison.challenger})"
    console.show(title, columns, rows)
    rows = [
        [s.segment, s.part, f"{s.n_rows:,}", _with_ends(s.gain), "yes" if s.is_worse else ""]
        for s in verdict.segments
    ]
    columns = ["segment", "part", "rows", "gain in log loss", "worse"]
    console.show("Where it gains; intervals allow for the number of parts", columns, rows)


def _number(estimate: Estimate) -> str:
    return "unknown" if estimate.value is None else f"{estimate.value:.4f}"


def _with_ends(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return f"{_number(estimate)}, too little to judge"
    return f"{_number(estimate)} ({estimate.low:.4f} to {estimate.high:.4f})"


def _show_log(session: Session, kind: str | None) -> None:
    from serving.cli.champions import Champions
    from training.loop.kinds import KINDS

    champions = Champions(session.home, session.tracking)
    names = [kind] if kind else list(KINDS)
    entries = [entry for name in names for entry in champions.entries(name)]
    entries.sort(key=lambda entry: entry.at)
    columns = ["when", "kind", "from", "to", "how", "by", "reason", "model"]
    session.console.show("Promotions", columns, [_line(entry) for entry in entries])
    session.console.give({"promotions": [entry.to_json() for entry in entries]})


def _line(entry: Entry) -> list[str]:
    return [
        zulu(entry.at.replace(microsecond=0)),
        entry.kind,
        entry.from_version or "",
        entry.to_version,
        entry.how.value,
        entry.by or "",
        entry.reason,
        entry.model_version,
    ]
