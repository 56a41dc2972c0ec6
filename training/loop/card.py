"""A model card: what a works council, an auditor or a manager asks of a model in charge.

The same facts make the same card, to the letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from features.evidence import EvidenceState
from features.params import FeatureParams
from training.evaluation.honesty import AGE
from training.loop.card_facts import AGAIN, CardFacts
from training.loop.card_fairness import blind_below, fairness_section, proxies_section
from training.loop.card_tables import (
    GLOSSARIES,
    extract_table,
    figures_table,
    reliability_table,
    segment_tables,
)
from training.params import TrainingParams
from training.report.card_page import Card, Section
from training.report.card_words import FORBIDDEN, INTENDED, LOGS, NOT_ADVICE, OVERSIGHT
from training.report.words import listing
from training.tracking.records import as_params

WORK, RECORD = ("touches", "touch_days", "touch_reps"), ("context", "deal context", "rep")
"""Where features of logged work come from, and those of a rep's record and situation."""
MOST_NAMED = 12
"""Features that are named in the card, at most."""
SEGMENT_FIGURES = 3
"""Figures that tables by segment show: the first of those of the whole."""


def make_card(facts: CardFacts) -> Card:
    """Return the card of a model that became champion."""
    version, standing, words = facts.version, facts.standing, facts.words
    until = version.tags.get("until", "")[:10]
    summary = [f"{words.what[0]} It is for coaching, not for employment decisions."]
    if (fairness := facts.files["fairness"]) is not None:
        summary += _audit_in_short(fairness)
    summary.append(NOT_ADVICE)
    return Card(
        title=f"{words.title}, version {version.version}",
        facts=(
            f"champion since {standing.at:%Y-%m-%d %H:%M} UTC",
            f"learned from {facts.source} until {until}",
            f"looks ahead {version.tags.get('horizon', 'unknown')}",
            f"content {version.tags.get('content', 'unknown')}",
        ),
        summary=summary,
        alarms=[*_alarms(facts)],
        sections=[*_sections(facts)],
    )


def _audit_in_short(fairness: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the audit found, how little it could have found, and whom it did not compare."""
    compared = [name for name, groups in fairness["attributes"].items() if len(groups) > 1]
    if not compared:
        yield "Groups of reps could not be compared: the data tell no groups apart."
        return
    reach = blind_below(fairness)
    seen = "none could be judged, since too few people are in them"
    if reach is not None:
        seen = (
            f"in no figure would a difference below {100 * reach:.0f} percentage points have been "
            "told from luck"
        )
    found = len(fairness["findings"])
    yield (
        f"Groups of reps by {listing(compared)} were compared: "
        f"{'nothing differs' if not found else f'{found} figures differ'} beyond luck, and {seen}. "
        "Other groups, such as by sex or age, were not compared unless they are listed here."
    )


def _alarms(facts: CardFacts) -> Iterator[str]:
    """Yield what needs somebody's attention."""
    state = facts.version.tags.get("evidence")
    if facts.is_fallback:
        yield f"This is a fallback, not a learned model: simple averages answer. {facts.evidence}"
    elif state == EvidenceState.THIN.value:
        yield f"It rests on little: {facts.evidence}"
    fairness = facts.files["fairness"]
    if fairness is None:
        yield f"How it treats groups of reps was not measured. {facts.why_unmeasured}"
    else:
        yield from fairness["findings"]
    if not facts.contact:
        yield "Nobody is named who answers questions: set training.card.contact and train again."


def _sections(facts: CardFacts) -> Iterator[Section]:
    words = facts.words
    yield Section(
        "What it is, and for whom",
        "Art. 11 and Annex IV(1); Art. 13(3)(b)(i)",
        (*words.what, f"For: {words.whom}"),
    )
    yield Section(
        "What to use it for", "Art. 13(3)(b)(i); Annex IV(1)(a); Art. 26(1)", points=INTENDED
    )
    yield Section(
        "What not to use it for", "Art. 13(3)(b)(iii); Annex IV(3); Art. 26(1)", points=FORBIDDEN
    )
    yield _became(facts)
    yield _data(facts)
    yield Section(
        "Whom it learned from, and what counts",
        "Art. 10(2) and (3); Annex IV(2)(d)",
        points=(f"Population: {words.population}", f"Outcome: {words.label}"),
    )
    yield _of_people(facts)
    yield _made(facts)
    yield from _measured(facts)
    yield fairness_section(facts)
    yield proxies_section(facts)
    yield _limits(facts)
    yield Section(
        "Human oversight", "Art. 14; Art. 26(2), (7); Art. 86; Annex IV(2)(e)", points=OVERSIGHT
    )
    yield Section("Logs, and how long they are kept", "Art. 12; Art. 19; Art. 26(6)", points=LOGS)
    contact = facts.contact or "Nobody is named."
    yield Section("Who answers questions", "Art. 13(3)(a); Annex IV(1)(a)", (contact,))


def _became(facts: CardFacts) -> Section:
    standing = facts.standing
    before = f"version {standing.before}" if standing.before else "none: it was the first"
    return Section(
        "How it became champion",
        "Annex IV(6); Art. 12; Art. 14(4)",
        points=(
            f"When: {standing.at:%Y-%m-%d %H:%M} UTC",
            f"How: {standing.how}",
            f"Who: {standing.by or 'nobody in person'}",
            f"Why: {standing.reason}",
            f"Champion before: {before}",
        ),
    )


def _data(facts: CardFacts) -> Section:
    extract, tags = facts.files["extract"], facts.version.tags
    known = facts.setting("features", "known_at_creation") or []
    points = [
        f"Extract: {facts.source}, fingerprint {tags.get('data_fingerprint', 'unknown')}",
        f"Nothing at or after {tags.get('until', 'unknown')[:16].replace('T', ' ')} UTC was seen",
        *_spans(facts.about),
        "Columns taken as known when a row is created, on the customer's word: "
        + (", ".join(known) or "none beyond the format's own"),
    ]
    suspicions = facts.about.get("left_out") or ()
    points += [f"Left out on suspicion of leakage: {item['says']}" for item in suspicions]
    points += [f"Noted in training: {note}" for note in facts.files["notes"] or ()]
    tables = () if extract is None else (extract_table(extract),)
    return Section(
        "The data it learned from",
        "Art. 10; Annex IV(2)(d); Art. 13(3)(b)(vi)",
        () if extract else (f"What ingestion said is not known. {AGAIN}",),
        points,
        tables,
    )


def _of_people(facts: CardFacts) -> Section:
    """Say what the model reads about the people who work with it."""
    features = facts.files["features"] or ()
    work = [f for f in features if f["source"] in WORK]
    own = [f["says"] for f in features if f["source"] in RECORD]
    columns = facts.bundle.get("words", facts.bundle.get("rep_words", {})).get("columns", {})
    listed = "; ".join(own[:MOST_NAMED])
    more = f"; and {len(own) - MOST_NAMED} more" if len(own) > MOST_NAMED else ""
    return Section(
        "What it reads about people",
        "Art. 10(2)(b), (3); Annex IV(2)(d); GDPR Art. 13 to 15",
        points=(
            (
                f"Work that is logged, {len(work)} features: how many activities, of which type, "
                "direction and outcome, and when"
            ),
            f"A rep's record and situation, {len(own)} features: {listed or 'none'}{more}",
            f"Columns of the extract: {', '.join(columns) or 'none'}",
            (
                "Names, texts of mails and notes, recordings and places are not read. All features "
                "stand in features.json of the run."
            ),
        ),
    )


def _spans(about: Mapping[str, Any]) -> Iterator[str]:
    """Yield which past was learned from: cutoffs of leads, or quota periods."""
    uses = {"train": "Learned from", "tune": "Trees stopped on", "calibrate": "Calibrated on"}
    for part, use in uses.items():
        if ends := about.get("parts", {}).get(part):
            yield f"{use} cutoffs from {ends[0][:10]} to {ends[1][:10]}"
    if rows := about.get("rep_snapshots"):
        yield f"Rows: {rows:,} of reps at past cutoffs, {about['deal_snapshots']:,} of open deals"
    if periods := about.get("periods"):
        yield f"Quota periods that had ended: {len(periods)}, the last on {periods[-1][:10]}"


def _made(facts: CardFacts) -> Section:
    settings = dict(as_params(facts.files["settings"] or {}))
    defaults = dict(
        as_params(
            {
                "features": FeatureParams().model_dump(mode="json"),
                "training": TrainingParams().model_dump(mode="json"),
            }
        )
    )
    own = [f"{key} = {value}" for key, value in settings.items() if defaults.get(key) != value]
    return Section(
        "How it was made",
        "Annex IV(2)(a) to (c)",
        points=(
            f"Evidence, {facts.evidence}",
            f"Features in use: {_features(facts.bundle)}; each is described in features.json",
            f"Feature declarations: fingerprint {facts.version.tags.get('feature_fingerprint')}",
            f"Settings other than the defaults: {'; '.join(own) or 'none'}; all in settings.json",
            f"Packages: {', '.join(facts.pins) or 'unknown'}",
        ),
    )


def _features(bundle: Mapping[str, Any]) -> str:
    columns = bundle.get("columns", bundle.get("deals", {}).get("columns", ()))
    return f"{len(columns)}" if columns else "none"


def _measured(facts: CardFacts) -> Iterator[Section]:
    """Yield the sections with figures of the test."""
    kind, keys, metrics = facts.version.kind, facts.words.metrics, facts.files["metrics"]
    articles = "Art. 15(1), (3); Annex IV(2)(g), (3), (4); Art. 13(3)(b)(ii)"
    if metrics is None:
        yield Section("How good it is", articles, ("It was not tested: history is too short.",))
        return
    own = AGE if facts.is_fallback and kind == "leads" else None
    says = [
        (
            "A model made the same way, one window earlier, forecast a past that it had not seen. "
            "Intervals say what other people of the same market would have shown."
        )
    ]
    if facts.is_fallback:
        says.append(
            "These figures are the learned model's, which was not good enough; the fallback's own "
            + ("are marked." if own else "are not among them.")
        )
    table = figures_table(kind, metrics, keys, own or _absent(facts))
    terms = (GLOSSARIES[kind][key] for key in keys)
    means = [f"{term.title}: {term.meaning}" for term in terms]
    yield Section("How good it is", articles, says, means, (table,))
    event = "converted" if kind == "leads" else "made quota"
    yield Section("Do its chances hold?", articles, tables=(reliability_table(metrics, event),))
    few = "Parts with too few people of either outcome are named, and their figures withheld."
    yield Section(
        "By segment",
        "Annex IV(3); Art. 13(3)(b)(v)",
        (few,),
        tables=[*segment_tables(kind, metrics, keys[:SEGMENT_FIGURES])],
    )


def _absent(facts: CardFacts) -> str | None:
    """Return a name that no forecast has for a fallback without figures, so none is called it."""
    return "" if facts.is_fallback else None


def _limits(facts: CardFacts) -> Section:
    unsteady = facts.about.get("unsteady") or ()
    points = [
        f"Evidence, {facts.evidence}",
        f"Horizon: {facts.version.tags.get('horizon', 'unknown')}; it says nothing of later.",
        *(f"An effect that did not hold: {shift['says']}" for shift in unsteady),
        *(f"It cannot see: {blind}" for blind in facts.words.blind),
        "Intervals are about other people of the same market, not about another market.",
    ]
    return Section("Limits", "Art. 13(3)(b)(ii), (iii); Annex IV(3); Art. 15(4)", points=points)
