"""The part of a model card that says how groups of people are treated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from training.evaluation.fairness import CALIBRATION, FALSE_ALARMS, MISSES
from training.loop.card_facts import CardFacts
from training.loop.card_tables import fairness_tables
from training.report.card_page import Section, Table


def fairness_section(facts: CardFacts) -> Section:
    """Return how groups of reps are treated, or why that is not known."""
    title, fairness = "Does it treat groups alike?", facts.files["fairness"]
    articles = "Art. 10(2)(f), (g); Annex IV(2)(g), (3); Art. 13(3)(b)(v)"
    if fairness is None:
        return Section(title, articles, (f"Not measured. {facts.why_unmeasured}",))
    says = [
        facts.words.flag,
        (
            f"{fairness['n_rows']:,} forecasts of the test, about {fairness['n_reps']:,} reps. A "
            "group's figures are compared with those of all other groups together; intervals keep "
            "each rep's rows together, and a difference counts only if luck in as many "
            f"comparisons would show one in at most {round(100 * (1 - fairness['level']))} of 100 "
            "audits."
        ),
        (
            "The ratio is read by the four-fifths rule of US agencies: below 0.8 asks for a "
            "reason. It is a rule of thumb, not a law here; with few people it swings widely, it "
            "says nothing of why rates differ, and a ratio of 1 does not prove fairness."
        ),
        *_absent_groups(fairness),
        *_power(fairness),
    ]
    says += [*_heads(fairness)]
    points = [f"Beyond luck: {says}" for says in fairness["findings"]]
    points = points or ["No group differs beyond luck in any figure."]
    return Section(title, articles, says, points, [*fairness_tables(fairness)])


def _absent_groups(fairness: Mapping[str, Any]) -> Iterator[str]:
    if fairness["absent"]:
        yield (
            f"Not compared, since the data do not hold it: {', '.join(fairness['absent'])}. Sex, "
            "age and other protected groups are compared only if reps has such a column and "
            "training.fairness.groups names it."
        )
    alone = [name for name, groups in fairness["attributes"].items() if len(groups) == 1]
    if alone:
        yield f"Nobody to compare with, since all reps are of one group: {', '.join(alone)}."
    if fairness["n_left_out"]:
        yield f"{fairness['n_left_out']:,} forecasts have no rep behind them and are not in it."


def _heads(fairness: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the columns of the tables mean."""
    names, flag = fairness["figures"], fairness["words"]["flag"]
    favour = f'called "{flag}"' if fairness["is_welcome"] else f'not called "{flag}"'
    yield (
        f"In the tables: Ratio, share {favour} over that of the group where it is highest. False "
        f"flags, {names[FALSE_ALARMS]}. Missing flags, {names[MISSES]}. Forecast minus actual, "
        f"{names[CALIBRATION]}. Withheld, fewer than {fairness['minimum_reps']} people."
    )


def blind_below(fairness: Mapping[str, Any]) -> float | None:
    """Return the least difference in any figure that could have been told from luck; None: none."""
    reach = [r for key in fairness["figures"] if (r := _reach(fairness, key)) is not None]
    return min(reach, default=None)


def _reach(fairness: Mapping[str, Any], key: str) -> float | None:
    """Return half of the narrowest interval of any group's difference in a figure."""
    gaps = (
        group["differences"].get(key)
        for groups in fairness["attributes"].values()
        for group in groups
    )
    reach = ((g["high"] - g["low"]) / 2 for g in gaps if g and g["high"] is not None)
    return min(reach, default=None)


def _power(fairness: Mapping[str, Any]) -> Iterator[str]:
    """Yield how large a difference has to be to be told from luck: a blind audit says so."""
    for key, name in fairness["figures"].items():
        reach = _reach(fairness, key)
        if reach is None:
            yield f"The {name}: no difference could be judged, too few people."
        else:
            yield (
                f"The {name}: a difference below {100 * reach:.0f} percentage points could not "
                "have been told from luck."
            )


def proxies_section(facts: CardFacts) -> Section:
    """Return the features that tell a group, or why they are not known."""
    title, articles = "Features that stand for a group", "Art. 10(2)(f), (g)"
    fairness = facts.files["fairness"]
    if fairness is None:
        return Section(title, articles, (f"Not measured. {facts.why_unmeasured}",))
    rows = [
        [proxy["attribute"], proxy["label"], proxy["measure"], f"{proxy['value']:.2f}"]
        for proxy in fairness["proxies"]
    ]
    if not rows:
        return Section(title, articles, ("No feature in use is closely tied to a group.",))
    return Section(
        title,
        articles,
        (
            (
                "These features tell much of a rep's group, so leaving the group itself out would "
                "change little. " + _leaving_out(facts)
            ),
        ),
        tables=(Table("Features and groups", ("Group", "Feature", "Measure", "Value"), rows),),
    )


def _leaving_out(facts: CardFacts) -> str:
    if facts.version.kind == "leads":
        return "To do without one, name it in training.leads.leave_out and train again."
    return "The quota model has no setting to leave one out."
