"""One set of facts, told to the manager about a rep or to the rep: only the address differs.

A sentence is written once, with words in braces that depend on who is addressed:

    {You} {have} won 4 of 14 deals.     rep: You have won ...     manager: Ada Abel has won ...
"""

from __future__ import annotations

from dataclasses import dataclass

MANAGER, REP = "manager", "rep"
_REP_WORDS = {
    "you": "you", "your": "your", "yours": "yours", "have": "have", "are": "are", "were": "were",
    "do": "do", "need": "need", "know": "know", "stand": "stand", "win": "win", "close": "close",
    "work": "work",
}  # fmt: skip
_MANAGER_VERBS = {
    "have": "has", "are": "is", "were": "was", "do": "does", "need": "needs", "know": "knows",
    "stand": "stands", "win": "wins", "close": "closes", "work": "works",
}  # fmt: skip


@dataclass(frozen=True)
class Voice:
    """Who is addressed.

    Attributes:
        reader: `manager` or `rep`.
        name: the rep's name.
    """

    reader: str
    name: str

    @property
    def is_rep(self) -> bool:
        """Whether the rep reads."""
        return self.reader == REP

    def says(self, text: str) -> str:
        """Put the words for this reader into a sentence.

        >>> told = "{Your} deals wait: {you} {have} 4 in legal."
        >>> Voice("rep", "Ada Abel").says(told)
        'Your deals wait: you have 4 in legal.'
        >>> Voice("manager", "Ada Abel").says(told)
        "Ada Abel's deals wait: Ada Abel has 4 in legal."
        """
        for word, own in self._words().items():
            text = text.replace(f"{{{word}}}", own)
            text = text.replace(f"{{{word.capitalize()}}}", own[:1].upper() + own[1:])
        return text

    def _words(self) -> dict[str, str]:
        if self.is_rep:
            return _REP_WORDS
        return {
            "you": self.name,
            "your": f"{self.name}'s",
            "yours": f"{self.name}'s",
            **_MANAGER_VERBS,
        }
