"""The top of a report: a headline, key figures, sentences and warnings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["good", "plain", "warn"]


@dataclass(frozen=True)
class HeadlineFigure:
    """A key figure: the number, what it is, and its interval."""

    value: str
    label: str
    interval: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class Verdict:
    """The top of a report.

    Attributes:
        headline: the answer in one sentence.
        tone: whether it is good news.
        sentences: what stands behind it.
        figures: the key figures; none where all are withheld.
        warnings: what should make a reader stop.
    """

    headline: str
    tone: Tone
    sentences: tuple[str, ...]
    figures: tuple[HeadlineFigure, ...]
    warnings: tuple[str, ...]
