"""The playbook, read from data into frozen values, its tone and its claims checked on the way.

A play is only ever a proposal. It never claims that doing it brings a gain, unless an experiment in
the company has shown so (`basis: randomised`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from features.errors import InputError
from serving.coaching.causes import LABELS, Cause, Told
from training.coaching.goals.measures import MEASURES

PLAYBOOK = Path(__file__).with_name("playbook.yaml")
UNKIND = (
    "lazy", "must", "failure", "failed", "fault", "blame", "should have", "weak", "poor", "bad",
    "excuse", "lack of", "careless", "underperform", "disappoint", "mistake", "worst", "fire",
    "dismiss", "warning",
)  # fmt: skip
"""Words that no sentence of the playbook holds."""
CAUSAL = (
    "will raise", "will increase", "will improve", "raises", "increases", "improves", "leads to",
    "results in", "causes", "guarantee", "ensures", "makes you", "boost", "wins more", "pays off",
)  # fmt: skip
"""Claims that only an experiment could back."""
RANDOMISED = "randomised"


class Play(BaseModel):
    """One play: see the head of playbook.yaml for its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(pattern=r"^[a-z_]+$")
    cause: str
    lever: str = Field(min_length=3)
    addressee: Literal["rep", "company"] = Field(alias="for")
    told: Literal["firm", "leaning"]
    spell: bool | None = None
    manager: str = Field(min_length=20)
    rep: str = Field(min_length=20)
    ask: str = Field(min_length=10, pattern=r"\?$")
    needs: str = Field(min_length=5)
    measure: str | None = None
    weeks: int = Field(ge=1, le=52)
    basis: Literal["association", "randomised"] = "association"

    @model_validator(mode="after")
    def _is_sound(self) -> Play:
        if self.cause not in LABELS:
            raise ValueError(f"unknown cause {self.cause!r}: one of {', '.join(LABELS)}")
        if self.measure is not None and self.measure not in MEASURES:
            raise ValueError(f"unknown measure {self.measure!r}: one of {', '.join(MEASURES)}")
        for text in (self.manager, self.rep, self.ask, self.lever):
            if problem := tone_of(text, may_claim=self.basis == RANDOMISED):
                raise ValueError(f"{problem}: {text!r}")
        return self

    def answers(self, cause: Cause) -> bool:
        """Tell whether the play fits a cause as it is known."""
        is_firm = cause.told is Told.FIRM or (self.told == "leaning" and cause.is_told)
        is_time = self.spell is None or self.spell == (cause.since is not None)
        return cause.name == self.cause and is_firm and is_time

    def wording(self, name: str, *, for_rep: bool) -> str:
        """Return what is proposed, in the words for the rep or for the manager."""
        return self.rep if for_rep else self.manager.replace("{name}", name)


class Playbook(BaseModel):
    """All plays, and questions for when nothing is told firmly enough to advise on."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    plays: tuple[Play, ...] = Field(min_length=1, strict=False)
    questions: tuple[str, ...] = Field(min_length=2, strict=False)

    @model_validator(mode="after")
    def _is_sound(self) -> Playbook:
        names = [play.name for play in self.plays]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two plays are named {', '.join(repeated)}")
        for text in self.questions:
            if problem := tone_of(text, may_claim=False):
                raise ValueError(f"{problem}: {text!r}")
        return self

    def fitting(self, cause: Cause) -> Sequence[Play]:
        """Return the plays that answer a cause as it is known, in their order."""
        return [play for play in self.plays if play.answers(cause)]


def tone_of(text: str, *, may_claim: bool) -> str | None:
    """Say what is wrong with the tone or the claims of a text; None if nothing is.

    Args:
        text: a sentence that people read.
        may_claim: an experiment backs what it claims.

    >>> tone_of("You must call more often.", may_claim=False)
    "the unkind word 'must'"
    >>> tone_of("Faster replies will raise your win rate.", may_claim=False)
    "the causal claim 'will raise'"
    """
    letters = "".join(sign if sign.isalnum() else " " for sign in text.lower())
    words = f" {' '.join(letters.split())} "
    for word in UNKIND:
        if f" {word} " in words:
            return f"the unkind word {word!r}"
    for claim in () if may_claim else CAUSAL:
        if f" {claim} " in words:
            return f"the causal claim {claim!r}"
    return None


@cache
def playbook(path: Path = PLAYBOOK) -> Playbook:
    """Read a playbook.

    Raises:
        InputError: it cannot be read, or holds an unknown key, cause or measure, or a sentence
            whose tone or claim is not allowed.
    """
    try:
        return Playbook.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"cannot read the playbook {path}: {error}") from None
    except ValidationError as error:
        said = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise InputError(f"the playbook {path} cannot be used: {said}") from None
