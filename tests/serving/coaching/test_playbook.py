"""Laws of the playbook: kind words, no claims, a play for each cause."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from features.errors import InputError
from serving.coaching.causes import LABELS, LUCK
from serving.coaching.playbook import CAUSAL, PLAYBOOK, UNKIND, playbook, tone_of

PLAY = {
    "name": "try",
    "cause": "closing",
    "lever": "the last meeting",
    "for": "rep",
    "told": "leaning",
    "manager": "Sit down with {name} over the last deals.",
    "rep": "Sit down with your manager over the last deals.",
    "ask": "Which of them would you do otherwise?",
    "needs": "the last ten deals",
    "weeks": 4,
}


def written(place: Path, **changes: object) -> Path:
    """Write a playbook of one play."""
    file = place / "playbook.yaml"
    book = {"plays": [PLAY | changes], "questions": ["How are you?", "What is next?"]}
    file.write_text(yaml.safe_dump(book), encoding="utf-8")
    return file


def test_the_whole_playbook_is_kind_and_claims_nothing() -> None:
    """No sentence holds an unkind word, and none says that doing it brings a gain."""
    book = playbook()
    texts = [text for p in book.plays for text in (p.manager, p.rep, p.ask, p.lever, p.needs)]
    for text in [*texts, *book.questions]:
        lower = text.lower()
        assert not [word for word in UNKIND if f" {word} " in f" {lower} "], text
        assert not [claim for claim in CAUSAL if f" {claim} " in f" {lower} "], text
    assert {play.basis for play in book.plays} == {"association"}


def test_every_cause_but_luck_has_a_play() -> None:
    """Whatever is told, there is something to try; what lies outside is for the company."""
    book = playbook()
    assert {play.cause for play in book.plays} == set(LABELS) - {LUCK}
    outside = {"internal_delay", "territory", "lead_mix", "ramp", "quota"}
    assert {p.addressee for p in book.plays if p.cause in outside} == {"company"}


def test_the_manager_reads_the_name_and_the_rep_does_not() -> None:
    """The manager's wording names the rep; the rep's wording never speaks of a third person."""
    for play in playbook().plays:
        assert "{name}" in play.manager
        assert "{" not in play.rep
        assert "Ada Abel" in play.wording("Ada Abel", for_rep=False)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rep": "You must sit down over the last deals."}, "unkind word 'must'"),
        ({"rep": "You should have called them much earlier."}, "unkind word 'should have'"),
        ({"manager": "This will raise the win rate of {name}."}, "causal claim 'will raise'"),
        ({"cause": "mood"}, "unknown cause 'mood'"),
        ({"measure": "mood"}, "unknown measure 'mood'"),
        ({"colour": "red"}, "Extra inputs"),
        ({"weeks": 0}, "greater than or equal to 1"),
        ({"ask": "Tell me about them."}, "pattern"),
    ],
)
def test_a_wrong_play_is_refused(tmp_path: Path, changes: dict[str, object], says: str) -> None:
    """The error names the file and what is wrong."""
    with pytest.raises(InputError, match=says) as refused:
        playbook(written(tmp_path, **changes))
    assert "playbook.yaml" in str(refused.value)


def test_an_experiment_may_be_claimed(tmp_path: Path) -> None:
    """Only what an experiment in the company has shown may be said to bring a gain."""
    claim = "Keep two slots a day: here that will raise the share that answers."
    book = playbook(written(tmp_path, rep=claim, basis="randomised"))
    assert book.plays[0].rep == claim
    assert tone_of(claim, may_claim=False) is not None


def test_the_packaged_playbook_is_plain_data() -> None:
    """Everything that is proposed stands in the file, and nowhere in code."""
    plain = yaml.safe_load(PLAYBOOK.read_text(encoding="utf-8"))
    assert [play["name"] for play in plain["plays"]] == [play.name for play in playbook().plays]
