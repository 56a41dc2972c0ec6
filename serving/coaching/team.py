"""The team sheet: who needs what, whose it is to change, and what only the company can do.

People are in the order of their names: nobody is ranked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from serving.coaching.advice import ASSOCIATION, PURPOSE
from serving.coaching.causes import LABELS, Cause, size_in_words
from serving.coaching.commitments import items_of
from serving.coaching.company import Company
from serving.coaching.numbers import plural, whole
from serving.coaching.pairs import Pair
from serving.coaching.sheet import Sheet
from serving.store.coaching import CoachingEvent
from training.report.words import listing

NO_MANAGER = "without a manager"
OURS, THEIRS, OPEN, FINE = "ours", "theirs", "open", "fine"
MOST_NAMES = 4
"""People that a line about the company names, at most."""
KINDS: Mapping[str, str] = {
    OURS: "for the company",
    THEIRS: "in their hands",
    OPEN: "ask, not tell",
    FINE: "on track",
}
DO_FOR: Mapping[str, str] = {
    "internal_delay": "Walk their waiting deals through, the oldest first.",
    "territory": "Look at how territories are cut.",
    "lead_mix": "Look at how leads are dealt.",
    "ramp": "Fewer deals at once, and an experienced colleague beside them.",
    "quota": "Look at how quotas are set.",
}


@dataclass(frozen=True)
class Row:
    """One rep on a team sheet.

    Attributes:
        name: the rep's name.
        rep_id: the rep.
        file: the rep's sheet, relative to the team sheet.
        closed: the share of quota that is closed, in words.
        chance: to make quota, in words; empty where it is made, or the sheet does not say it.
        cause: the main told cause with its size, or that too little is known.
        kind: whose it is to change: a key of `KINDS`.
        needs: what may be tried.
        waits: open commitments and contested figures, in words.
    """

    name: str
    rep_id: str
    file: str
    closed: str
    chance: str
    cause: str
    kind: str
    needs: str
    waits: str

    @property
    def whose(self) -> str:
        """Return the kind in words."""
        return KINDS[self.kind]


@dataclass(frozen=True)
class Group:
    """One manager's team.

    Attributes:
        manager: the manager's id, or that there is none.
        rows: the reps by name.
        company: what only the company can do, in sentences.
        pairs: proposed pairs, in sentences.
    """

    manager: str
    rows: tuple[Row, ...]
    company: tuple[str, ...]
    pairs: tuple[str, ...]


@dataclass(frozen=True)
class TeamPage:
    """The team sheet of one manager, or of all.

    Attributes:
        title: whose team.
        facts: when it is from.
        company: what only the company can do, over all teams.
        groups: the teams.
        missing: what cannot be told, and why.
        board: the leaderboard in sentences, where the settings ask for one.
        fairness: what an audit by groups of reps found.
        purpose: what the page is for.
        note: what its advice rests on.
    """

    title: str
    facts: tuple[str, ...]
    company: tuple[str, ...]
    groups: tuple[Group, ...]
    missing: tuple[str, ...]
    board: tuple[str, ...]
    fairness: tuple[str, ...]
    purpose: str
    note: str


def team_page(
    company: Company,
    sheets: Sequence[Sheet],
    pairs: Sequence[Pair],
    files: Mapping[str, str],
    manager: str | None = None,
) -> TeamPage:
    """Make the team sheet.

    Args:
        company: what is known.
        sheets: of everybody who has not left.
        pairs: the proposed pairs.
        files: where each rep's sheet is, relative to the team sheet.
        manager: whose team; everybody's if None.
    """
    teams: dict[str, list[Sheet]] = {}
    for sheet in sheets:
        teams.setdefault(company.manager_of(sheet.rep_id) or NO_MANAGER, []).append(sheet)
    chosen = {name: team for name, team in sorted(teams.items()) if manager in (None, name)}
    groups = [_group(name, team, pairs, files) for name, team in chosen.items()]
    everybody = [sheet for team in chosen.values() for sheet in team]
    return TeamPage(
        title="Team sheet" if manager is None else f"Team sheet of {manager}",
        facts=(
            f"as of {company.as_of:%Y-%m-%d %H:%M} UTC",
            plural(len(everybody), "rep"),
            "in the order of names",
        ),
        company=company_lines(everybody) if len(groups) > 1 else (),
        groups=tuple(groups),
        missing=company.inputs.missing,
        board=company.inputs.board if manager is None else (),
        fairness=company.inputs.fairness if manager is None else (),
        purpose=PURPOSE,
        note=ASSOCIATION,
    )


def company_lines(sheets: Sequence[Sheet]) -> tuple[str, ...]:
    """Count for each cause outside the reps' hands whom it is told of, the most frequent first.

    >>> company_lines([])
    ()
    """
    people: dict[str, list[str]] = {}
    for sheet in sheets:
        for cause in sheet.told:
            if not cause.theirs:
                people.setdefault(cause.name, []).append(sheet.name)
    ordered = sorted(people.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(_company_line(name, named, len(sheets)) for name, named in ordered)


def _company_line(name: str, people: Sequence[str], of: int) -> str:
    who = listing(people) if len(people) <= MOST_NAMES else f"{len(people)} people"
    label = LABELS.get(name, name)
    return f"{label}: {len(people)} of {of} ({who}). {DO_FOR.get(name, '')}".strip()


def _group(
    manager: str, team: Sequence[Sheet], pairs: Sequence[Pair], files: Mapping[str, str]
) -> Group:
    members = {sheet.rep_id for sheet in team}
    inside = [pair for pair in pairs if {pair.opens, pair.closes} & members]
    return Group(
        manager=manager,
        rows=tuple(_row(sheet, files[sheet.rep_id]) for sheet in team),
        company=company_lines(team),
        pairs=tuple(pair.says for pair in inside),
    )


def _row(sheet: Sheet, file: str) -> Row:
    period, told = sheet.period, sheet.told
    closed = "no quota" if period is None or period.share is None else whole(period.share)
    main = told[0] if told else None
    is_made = period is not None and period.share is not None and period.share >= 1
    return Row(
        name=sheet.name,
        rep_id=sheet.rep_id,
        file=file,
        closed=closed,
        chance="" if is_made else _chance(sheet),
        cause=_cause_words(sheet, main),
        kind=_kind(sheet, main),
        needs=sheet.advice[0].play.lever if sheet.advice else "",
        waits=_waits(sheet),
    )


def _chance(sheet: Sheet) -> str:
    return next((number.value for number in sheet.numbers if number.figure == "chance"), "")


def _kind(sheet: Sheet, cause: Cause | None) -> str:
    if cause is None:
        return FINE if sheet.causes and not sheet.is_short else OPEN
    return THEIRS if cause.theirs else OURS


def _cause_words(sheet: Sheet, cause: Cause | None) -> str:
    """Say the main told cause, or why none is told.

    | causes                    | words                       |
    |---------------------------|-----------------------------|
    | one is told               | its size with the interval  |
    | none, though there is one | too little evidence to tell |
    | none, and no gap          | nothing stands out          |
    | not looked for            | not known                   |
    """
    if cause is None and not sheet.causes:
        return "not known"
    if cause is None:
        return "too little evidence to tell" if sheet.is_short else "nothing stands out"
    return f"{cause.label}: {size_in_words(cause)}"


def _waits(sheet: Sheet) -> str:
    lines = [line for item in sheet.items for line in (item.began, *item.later)]
    agreed = items_of(lines, CoachingEvent.COMMITTED, CoachingEvent.STEP)
    number, disputed = sum(item.is_open for item in agreed), len(sheet.contested)
    said = [plural(number, "open commitment")] if number else []
    said += [plural(disputed, "contested figure")] if disputed else []
    return ", ".join(said)
