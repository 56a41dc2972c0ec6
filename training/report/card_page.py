"""A model card as a web page and as Markdown: the same sections, the same figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from training.report.page import templates

FORMATS = ("md", "html")
"""How a card is written; the page comes last, so that where it is, the other is."""


@dataclass(frozen=True)
class Table:
    """Rows of texts.

    Attributes:
        caption: what it shows.
        columns: their heads.
        rows: as many texts each; the last text of a shorter one reaches to the end.
        note: what to know when reading it.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Section:
    """One question that the card answers.

    Attributes:
        title: the question, or its subject.
        asked_by: the articles that ask for it.
        says: paragraphs.
        points: a list.
        tables: figures.
    """

    title: str
    asked_by: str
    says: Sequence[str] = ()
    points: Sequence[str] = ()
    tables: Sequence[Table] = field(default_factory=tuple)

    @property
    def anchor(self) -> str:
        """Return what a link to it is called."""
        return "".join(sign if sign.isalnum() else "-" for sign in self.title.lower())


@dataclass(frozen=True)
class Card:
    """A model card.

    Attributes:
        title: the model and its version.
        facts: what it is in a line: since when, of which data.
        summary: what everybody should know, in sentences.
        alarms: what needs attention, in sentences; the summary's most important part.
        sections: the questions, in order.
    """

    title: str
    facts: Sequence[str]
    summary: Sequence[str]
    alarms: Sequence[str]
    sections: Sequence[Section]

    def render(self, form: str) -> str:
        """Return the card as text.

        Args:
            form: `html`, one page that fetches nothing, or `md`.
        """
        pages = templates(is_markup=form == "html")
        pages.filters["md"] = as_markdown
        return pages.get_template(f"card.{form}.j2").render(card=self)


def as_markdown(text: str) -> str:
    r"""Escape what Markdown or HTML would read as its own, and keep a text on one line.

    >>> as_markdown("a|b <i> *c*")
    'a\\|b &lt;i&gt; \\*c\\*'
    """
    line = " ".join(text.split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{sign}" if sign in r"\|*_`[]#" else sign for sign in line)
