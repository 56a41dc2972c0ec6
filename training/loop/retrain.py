"""What a retrain has to do, decided from plain values: nothing here reads, trains or writes.

A challenger that has just been trained has seen everything there is, so nothing with a known
outcome is left to judge it on. It is judged by its twin: a model made the same way from the same
extract, cut at the moment J that leaves a judging window of mature cutoffs. Twin and champion
forecast that window, and the gate decides. What is promoted is the challenger itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from features.evidence import EvidenceState
from training.evaluation.later import JudgingWindow

if TYPE_CHECKING:
    from training.loop.record import TrainingRecord
    from training.tracking.records import LoadedModel, RunRecord

SHOWN = 4
"""Changed files or tables that are named; of more, only how many."""


class Way(StrEnum):
    """How it is decided whether a trained model becomes champion."""

    FIRST = "first"
    SAME = "same"
    WAS_CHAMPION = "was champion"
    BEATS_FALLBACK = "beats the fallback"
    TWIN = "twin"
    WAITS = "waits"


@dataclass(frozen=True)
class Course:
    """How a trained model is judged.

    Attributes:
        way: what decides.
        says: in words; empty where the way itself says it.
        until: the moment until which the twin learns, where a twin decides.
    """

    way: Way
    says: str = ""
    until: datetime | None = None


def model_to_register(training: TrainingRecord, champion: LoadedModel | None) -> RunRecord:
    """Return what a retrain registers: the model, or the fallback in the first one's place.

    A retrain that was killed after it had made the fallback the first champion finds it there, and
    the fallback is again what it registers: so the second attempt ends like an undisturbed one.
    """
    instead = training.fallback
    version = None if champion is None else champion.bundle.version
    if instead is not None and version == instead.bundle.version:
        return instead
    return training.to_register(is_first=champion is None, is_asked_for=False)


def course(
    training: TrainingRecord,
    champion: LoadedModel | None,
    window: JudgingWindow | None,
    *,
    was_champion: bool,
) -> Course:
    """Decide how a trained model is judged.

    | the champion                             | the model                  | what decides         |
    |------------------------------------------|----------------------------|----------------------|
    | none                                     | any                        | it is the first      |
    | any                                      | the same, bit for bit      | nothing to decide    |
    | any                                      | was champion before        | a person alone       |
    | saw no data after J                      | another                    | its twin, by gate    |
    | saw data after J, and is the fallback    | passes its own test        | that test            |
    | saw data after J                         | another                    | it waits             |

    A fallback is one of the simple forecasts that a model's own test compares it with, on cutoffs
    that neither has seen. So the test that lets a first model be champion lets it follow a young
    fallback too, and nobody waits two months for the first model.

    Args:
        training: the model, and its test.
        champion: the model in use; None for the first of its kind.
        window: where the two can be compared; None where there is no champion.
        was_champion: the model was champion before, and was replaced.
    """
    if champion is None or window is None:
        return Course(Way.FIRST, "the first model of its kind")
    if champion.bundle.version == model_to_register(training, champion).bundle.version:
        return Course(Way.SAME, "the champion is this very model already")
    if was_champion:
        return Course(
            Way.WAS_CHAMPION,
            "it was champion before and was replaced; only a person promotes it again",
        )
    if window.start is not None and champion.bundle.until <= window.start:
        return Course(Way.TWIN, until=window.start)
    if champion.bundle.evidence.state is EvidenceState.NONE and _is_honest(training):
        says = (
            "the champion is the fallback, and in its own test on the newest mature past the model "
            "is better beyond luck than the simple forecasts that a first model has to beat"
        )
        return Course(Way.BEATS_FALLBACK, says)
    return Course(Way.WAITS, _waits(champion, window))


def _is_honest(training: TrainingRecord) -> bool:
    """Whether a model rests on something and passed the test of a first champion."""
    rests_on = training.run.bundle.evidence.state
    is_tested = training.trained.grade is not None
    return is_tested and training.fallback is None and rests_on is not EvidenceState.NONE


def _waits(champion: LoadedModel, window: JudgingWindow) -> str:
    saw = f"not judged: the champion has seen the data up to {champion.bundle.until:%Y-%m-%d}"
    if window.judged_from is None:
        return f"{saw}, and no quota period after that has begun and ended yet"
    return (
        f"{saw}, so enough outcomes that are new to it are known once the data reaches "
        f"{window.judged_from:%Y-%m-%d}"
    )


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Name what differs between two states, in words.

    Args:
        before: a state as `inputs` and `result` of a finished retrain hold it: for each name, a
            value, or `marks` by file or table.
        now: the same of this moment.
    """
    for name in dict.fromkeys((*before, *now)):
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            differing = sorted(part for part in {*old, *new} if old.get(part) != new.get(part))
            yield f"{name}: {_listed(differing)}"
        else:
            yield name


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
