"""Laws of what a digest tells: the words of 0, 1 and many, links that lead somewhere, no repeat."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from made import NOW, facts, forecast

from features.evidence import EvidenceState
from serving.digest.changes import MOST, Digest, Item, Reading, manager_digest, rep_digest
from serving.digest.letter import html, letter, subject, text
from serving.pages.facts import Facts
from serving.pages.region import region_of
from serving.pages.settings import TeamSettings
from serving.wording.forecasts import RepForecast

READING = Reading(TeamSettings(0.5, 5, 0.05), region_of("en-US"))
ODD = "r 1&x=ä/#"
"""An id that breaks any address that does not guard against it."""


def says(digest: Digest) -> list[str]:
    """What a digest tells."""
    return [item.says for item in digest.items]


def team(*chances: float) -> dict[str, RepForecast]:
    """Reps a, b, c, … with these chances."""
    return {chr(97 + k): forecast(chr(97 + k), p) for k, p in enumerate(chances)}


def later(own: Facts, days: int = 7) -> Facts:
    """The same facts, of data that end some days later."""
    return replace(own, data_until=NOW + timedelta(days=days))


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "1 lead is at the head of your list: L0."),
        (2, "2 leads are at the head of your list: L0 and L1."),
        (9, "5 leads are at the head of your list: L0, L1, L2, L3 and L4."),
    ],
)
def test_the_head_of_a_list_is_counted(count: int, words: str) -> None:
    """One, two, and no more than the head."""
    own = facts({}, lists={"a": [f"L{k}" for k in range(count)]})
    assert says(rep_digest(own, "a", None, READING)) == [words]


@pytest.mark.parametrize(
    ("amounts", "words"),
    [
        ([], None),
        ([1250.0], "You won 1 deal worth 1,250 since the last digest."),
        ([1000.0, 500.0], "You won 2 deals worth 1,500 since the last digest."),
        ([float("nan"), 500.0], "You won 2 deals worth 500 since the last digest."),
    ],
)
def test_deals_won_since_are_counted(amounts: list[float], words: str | None) -> None:
    """None, one, several, and one whose amount is not known."""
    before = rep_digest(facts({}, lists={"a": []}), "a", None, READING).figures
    won = [("a", NOW + timedelta(hours=1 + k), amount) for k, amount in enumerate(amounts)]
    told = says(rep_digest(later(facts({}, lists={"a": []}, won=won)), "a", before, READING))
    assert told == ([] if words is None else [words])


def test_a_deal_is_told_once() -> None:
    """One digest begins where the last ended: no deal falls between, none is in both."""
    won = [("a", NOW - timedelta(microseconds=1), 5.0), ("a", NOW, 7.0)]
    own = facts({}, lists={"a": []}, won=won)
    before = rep_digest(
        replace(own, data_until=NOW - timedelta(days=1)), "a", None, READING
    ).figures
    first = rep_digest(own, "a", before, READING)
    second = rep_digest(later(own), "a", first.figures, READING)
    assert says(first) == ["You won 1 deal worth 5 since the last digest."]
    assert says(second) == ["You won 1 deal worth 7 since the last digest."]


@pytest.mark.parametrize("seed", range(20))
def test_the_same_again_is_quiet(seed: int) -> None:
    """Random teams: a second look tells nothing, also after the figures went through the store."""
    chance = Random(seed)  # noqa: S311 - no secret
    own = facts(team(*(chance.random() for _ in range(chance.randrange(1, 9)))), lists={"a": ["L"]})
    for make, reader in ((rep_digest, "a"), (manager_digest, "m")):
        first = make(own, reader, None, READING)
        kept = json.loads(json.dumps(first.figures))
        assert make(own, reader, kept, READING).items == ()
        assert len(first.items) <= MOST


@pytest.mark.parametrize("seed", range(20))
def test_the_weightiest_movements_are_told_first(seed: int) -> None:
    """Of reps above the threshold: those who moved most, at most as many as there is room for."""
    chance = Random(seed)  # noqa: S311 - no secret
    then, now = ([round(chance.uniform(0.5, 1), 3) for _ in range(9)] for _ in range(2))
    before = manager_digest(facts(team(*then)), "m", None, READING).figures
    told = says(manager_digest(facts(team(*now)), "m", before, READING))
    moved = {chr(65 + k): abs(b - a) for k, (a, b) in enumerate(zip(then, now, strict=True))}
    by_size = sorted((n for n in moved if moved[n] >= 0.05), key=lambda n: (-moved[n], n))
    assert [line.split()[3] for line in told] == by_size[:MOST]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (1, "1 of 6 needs a talk this week: A Name."),
        (2, "2 of 6 need a talk this week: A Name and B Name."),
        (6, "6 of 6 need a talk this week: A Name, B Name, C Name, D Name and 2 more."),
    ],
)
def test_who_needs_a_talk_is_named_or_counted(names: int, words: str) -> None:
    """Few are named, of many the first."""
    own = facts(team(*[0.1] * names, *[0.9] * (6 - names)))
    assert says(manager_digest(own, "m", None, READING)) == [words]


@pytest.mark.parametrize(
    ("names", "words"),
    [(1, "A Name does not need one any more."), (2, "A Name and B Name do not need one any more.")],
)
def test_who_needs_none_any_more_is_told(names: int, words: str) -> None:
    """The good news is news too, and is told once."""
    before = manager_digest(facts(team(*[0.1] * names)), "m", None, READING).figures
    told = manager_digest(facts(team(*[0.9] * names)), "m", before, READING)
    assert says(told) == [words]
    assert manager_digest(facts(team(*[0.9] * names)), "m", told.figures, READING).items == ()


@pytest.mark.parametrize("evidence", [EvidenceState.THIN, EvidenceState.NONE])
def test_what_is_withheld_on_pages_is_withheld_in_letters(evidence: EvidenceState) -> None:
    """No chance, no movement, no talk, and no figure is kept of it."""
    own = facts({"a": forecast("a", 0.1, evidence=evidence)})
    rep, manager = rep_digest(own, "a", None, READING), manager_digest(own, "m", None, READING)
    assert (rep.items, manager.items) == ((), ())
    assert rep.figures["chance"] is None
    assert (manager.figures["chances"], manager.figures["asking"]) == ({}, [])


def test_links_lead_to_the_rep_whatever_the_id_holds() -> None:
    """Read back from the address, the id is whole."""
    own = facts({ODD: forecast(ODD, 0.7)}, lists={ODD: ["L1"]})
    before: dict[str, Any] = {"chances": {ODD: 0.9}, "asking": []}
    items = [
        *rep_digest(own, ODD, None, READING).items,
        *manager_digest(own, "m", before, READING).items,
    ]
    assert len(items) == 3
    for item in items:
        address = urlsplit(item.path)
        assert parse_qs(address.query) == {"rep_id": [ODD]}
        assert address.path in {"/today", "/quarter"}
        assert address.fragment == ""


def made(name: str = "Ada", items: int = 1, *, is_manager: bool = False) -> Digest:
    """A digest of some items."""
    told = tuple(Item(f"Item {k}.", f"/quarter?rep_id={k}") for k in range(items))
    return Digest("a", name, told, {}, is_manager=is_manager)


@pytest.mark.parametrize(
    ("items", "is_manager", "words"),
    [(1, False, "Your week: 1 change"), (3, False, "Your week: 3 changes"),
     (1, True, "Your team: 1 change"), (5, True, "Your team: 5 changes")],
)  # fmt: skip
def test_a_subject_counts_and_names_nobody(items: int, words: str, *, is_manager: bool) -> None:
    """A lock screen shows no name and no figure of a person."""
    assert subject(made(items=items, is_manager=is_manager)) == words


@pytest.mark.parametrize("link", ["", "https://sales.example", "https://sales.example/"])
def test_letters_link_only_where_pages_have_an_address(link: str) -> None:
    """Without one there is no link; a slash at its end is none too many."""
    plain, page = text(made(items=2), link, "Aug 5"), html(made(items=2), link, "Aug 5")
    links = re.findall(r'href="([^"]+)"', page)
    assert links == (
        [f"https://sales.example/quarter?rep_id={k}" for k in range(2)] if link else []
    )
    assert plain.count("https://") == len(links)
    assert all(address in plain for address in links)


def test_a_name_of_two_lines_stays_on_one() -> None:
    """No name begins a line of its own in a plain letter."""
    plain = text(made("Ada\nBcc: evil@example.com"), "", "Aug 5")
    assert "Ada Bcc: evil@example.com, what has changed" in plain
    message = letter(made("Ada\nBcc: evil@example.com"), "a@x.org", "b@x.org", "", "Aug 5")
    assert message["Bcc"] is None
