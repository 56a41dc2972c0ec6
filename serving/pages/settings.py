"""Thresholds and capacities that an admin may change, laid over params.yaml.

Each change is a line of a log that only grows: who, when, what, and the value. The newest line of a
name counts; without one, params.yaml does. An empty value takes a change back.
"""

from __future__ import annotations

from dataclasses import dataclass

from serving.settings import Settings


@dataclass(frozen=True)
class TeamSettings:
    """What the team page goes by.

    Attributes:
        talk_below: a chance below this proposes a talk.
        most_talks: talks a week that a manager has time for.
        material: a movement of the chance since Monday below this is not said.
    """

    talk_below: float
    most_talks: int
    material: float


@dataclass(frozen=True)
class Changeable:
    """A setting that an admin may change on the page.

    Attributes:
        name: its dotted name within the section `serving`.
        label: what it is called by people.
        note: what it does.
    """

    name: str
    label: str
    note: str


CHANGEABLE = (
    Changeable(
        "worklist.calls_a_day",
        "Calls a day",
        "So many leads stand on each rep's list of a day.",
    ),
    Changeable(
        "pages.talk_below",
        "Talk below this chance",
        "A rep whose chance to make quota is below this share is proposed for a talk.",
    ),
    Changeable(
        "pages.most_talks",
        "Talks a week",
        "A manager's page proposes so many talks a week; the others stand below.",
    ),
)


def value_of(settings: Settings, name: str) -> float:
    """Return the value of a changeable setting."""
    section, _, key = name.partition(".")
    value: float = getattr(getattr(settings.serving, section), key)
    return value


def team_settings(settings: Settings) -> TeamSettings:
    """Return what the team page goes by."""
    pages = settings.serving.pages
    return TeamSettings(pages.talk_below, pages.most_talks, pages.material)
