"""Laws of the model card: its figures are the test's, it says what is missing, and it is safe."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from training.loop.card import make_card
from training.loop.card_facts import AGAIN, CardFacts, Standing
from training.report.card_page import FORMATS
from training.tracking.pyfunc import BUNDLE
from training.tracking.records import Version

AT = datetime(2026, 3, 1, 12, 30)
STANDING = Standing(AT, "person", "Ann <b>Lee</b>", "pilot | agreed", "1")
LOW_BUT_FAIR = {"value": 0.5, "low": 0.4, "high": 0.6}
FIGURES = ("auc", "precision", "recall", "brier", "pinball", "coverage")


def scores(base: float) -> dict[str, Any]:
    """Make up figures, each different from the others."""
    return {
        name: {"value": base + place / 100, "low": base - 0.1, "high": base + 0.1}
        for place, name in enumerate(FIGURES)
    }


METRICS = {
    "overall": {
        "n_rows": 4321,
        "withheld": None,
        "model": scores(0.61),
        "baselines": {"linear pacing": scores(0.41)},
    },
    "settings": {"level": 0.9},
    "reliability": [
        {"low": 0.1, "high": 0.2, "mean_forecast": 0.15, "rate": LOW_BUT_FAIR, "n_rows": 17}
    ],
    "segments": {
        "tenure": [
            {"label": "settled", "n_rows": 40, "withheld": None, "model": scores(0.21)},
            {"label": "ramping", "n_rows": 3, "withheld": "too few: 3", "model": scores(0.77)},
        ]
    },
}


def group(part: str, withheld: str | None = None) -> dict[str, Any]:
    """Make up what the audit tells of a group."""
    names = ("false_alarms", "misses", "calibration")
    figures = {} if withheld else dict.fromkeys(names, LOW_BUT_FAIR)
    return {
        "part": part, "n_rows": 60, "n_reps": 6, "withheld": withheld, "flagged": LOW_BUT_FAIR,
        "ratio": LOW_BUT_FAIR, "figures": figures, "differences": figures, "differs": [],
        "is_below": False,
    }  # fmt: skip


FAIRNESS = {
    "words": {"flag": "at risk"},
    "figures": {"false_alarms": "false", "misses": "missing", "calibration": "off"},
    "level": 0.9,
    "minimum_reps": 5,
    "is_welcome": False,
    "n_rows": 120,
    "n_reps": 12,
    "n_left_out": 0,
    "absent": ["gender"],
    "attributes": {"team": [group("north"), group("south"), group("tiny", "2 reps, 5 are needed")]},
    "proxies": [],
    "findings": ['team "north": differs'],
}
EXTRACT = {
    "source": "/somewhere/on/this/machine/acme",
    "tables": {
        "deals": {
            "read": 1010, "accepted": 1003, "quarantined": 7,
            "quarantine_reasons": {"repeated deal_id": 7}, "notes": {"won: empty": 5},
        }
    },
}  # fmt: skip
WHOLE = {
    "metrics": METRICS,
    "fairness": FAIRNESS,
    "notes": ["a note <script>"],
    "extract": EXTRACT,
    "settings": {"training": {"card": {"contact": "data@acme"}, "quota": {"target": 0.9}}},
    "features": [{"source": "rep", "who": "rep", "says": "won so far"}],
}


def facts(folder: Path, evidence: str = "enough", files: dict[str, Any] | None = None) -> CardFacts:
    """Lay down what a training leaves, and read it."""
    run, model = folder / "run", folder / "model"
    (model / BUNDLE).mkdir(parents=True)
    run.mkdir()
    for name, content in (WHOLE if files is None else files).items():
        (run / f"{name}.json").write_text(json.dumps(content))
    says = {"state": evidence, "says": "1,003 won deals"}
    (model / BUNDLE / "bundle.json").write_text(json.dumps({"evidence": says, "about": {}}))
    tags = {"evidence": evidence, "until": "2026-02-28T10:11:12", "horizon": "the quota period"}
    version = Version("quota", "2", "run", AT, ("champion",), tags)
    return CardFacts.read(version, STANDING, run, model)


def numbers(text: str) -> set[str]:
    """Return every number of a text, style sheets and tags aside."""
    body = text.partition("<main>")[2] or text
    plain = re.sub(r"<[^>]+>", " ", body).replace("&#34;", '"').replace("&#39;", "'")
    return set(re.findall(r"\d+\.\d+", plain))


def test_figures_are_those_of_the_test_in_both_formats(tmp_path: Path) -> None:
    """Every figure of metrics.json that is shown stands in page and Markdown, with its interval."""
    card = make_card(facts(tmp_path))
    texts = {form: card.render(form) for form in FORMATS}
    for text in texts.values():
        for own in (0.61, 0.41, 0.21):
            assert f"{own:.3f} ({own - 0.1:.3f} to {own + 0.1:.3f})" in text
        assert "0.770" not in text  # withheld
        assert "withheld: too few: 3" in text
        assert "4,321" in text
    assert numbers(texts["md"]) == numbers(texts["html"])


def test_a_card_says_what_was_left_out_and_who_decided(tmp_path: Path) -> None:
    """Quarantined rows with their reason, the person, the reason, and who answers questions."""
    text = make_card(facts(tmp_path)).render("html")
    for words in ("repeated deal_id: 7", "acme", "data@acme", "training.quota.target = 0.9",
                  "Champion before: version 1", "2026-03-01 12:30 UTC", "gender"):  # fmt: skip
        assert words in text
    assert "/somewhere" not in text
    assert "Needs attention" in text
    assert text.count("withheld: 2 reps, 5 are needed") == 1


def test_what_people_typed_stays_text(tmp_path: Path) -> None:
    """Neither format lets a name, a reason or a note be read as markup or break a table."""
    card = make_card(facts(tmp_path))
    page, plain = card.render("html"), card.render("md")
    assert "<script" not in page
    assert "Ann &lt;b&gt;Lee" in page
    assert "&lt;script&gt;" in plain
    assert "pilot \\| agreed" in plain
    assert "http" not in page.partition("</style>")[2]  # fetches nothing


@pytest.mark.parametrize("kept", [(), ("metrics",), ("settings", "notes"), ("fairness", "extract")])
def test_a_card_is_made_of_whatever_is_left(tmp_path: Path, kept: tuple[str, ...]) -> None:
    """Of a training that kept less there is a card too, which says what is not known."""
    card = make_card(facts(tmp_path, files={name: WHOLE[name] for name in kept}))
    text = card.render("md")
    assert (AGAIN in text) == ("extract" not in kept)
    assert ("It was not tested: history" in text) == ("metrics" not in kept)
    assert any("Nobody is named" in alarm for alarm in card.alarms) == ("settings" not in kept)


def test_a_fallback_says_so_first(tmp_path: Path) -> None:
    """Its card warns that no learned model answers, and gives it none of the model's figures."""
    card = make_card(facts(tmp_path, evidence="none"))
    assert card.alarms[0].startswith("This is a fallback, not a learned model")
    text = card.render("md")
    assert "these figures are the learned model's" in text.lower()
    assert "| this model |" not in text


def test_equal_facts_make_equal_cards(tmp_path: Path) -> None:
    """Nothing of the moment of writing is in a card, so writing it again changes nothing."""
    read = facts(tmp_path)
    assert make_card(read).render("html") == make_card(read).render("html")
    assert len({section.anchor for section in make_card(read).sections}) == 17
