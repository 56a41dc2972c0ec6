"""Model cards: written for every model that became champion, into HOME/data/cards.

A process may die between a change of champion and the card. So whoever looks into the promotion log
next writes the cards that are missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from features.storage.files import replace_atomically
from serving.store.promotions import Entry
from training.loop.card import make_card
from training.loop.card_facts import CardFacts, Standing
from training.report.card_page import FORMATS
from training.tracking.registry import Tracking


@dataclass(frozen=True)
class Cards:
    """The model cards of one home.

    Attributes:
        home: the folder under which all is kept.
        tracking: the registry, which tells what a training left.
    """

    home: Path
    tracking: Tracking

    def path(self, kind: str, version: str, form: str) -> Path:
        """Return where a card is, or will be.

        Args:
            kind: "leads" or "quota".
            version: the model's number.
            form: `html` or `md`.
        """
        return self.home / "data" / "cards" / f"{kind}-{version}.{form}"

    def write_missing(self, entries: Sequence[Entry]) -> list[Path]:
        """Write the card of every model that an entry made champion and that has none.

        A card is about the first time: a model that comes back keeps it.

        Args:
            entries: of the promotion log, the oldest first.

        Returns:
            The pages that were written.
        """
        first = {(e.kind, e.to_version): e for e in reversed(entries)}
        missing = {key: e for key, e in first.items() if not self.path(*key, FORMATS[-1]).is_file()}
        return [page for entry in missing.values() if (page := self._write(entry)) is not None]

    def _write(self, entry: Entry) -> Path | None:
        """Write a card; None for a model that was taken out of the registry."""
        known = {v.version: v for v in self.tracking.versions(entry.kind)}
        if entry.to_version not in known:
            return None
        version = known[entry.to_version]
        standing = Standing(entry.at, entry.how.value, entry.by, entry.reason, entry.from_version)
        folders = self.tracking.folders(entry.kind, entry.to_version)
        card = make_card(CardFacts.read(version, standing, *folders))
        texts = {form: card.render(form) for form in FORMATS}
        files = {f"card.{form}": text for form, text in texts.items()}
        # The page comes last: where it is, all the rest is.
        self.tracking.attach(entry.kind, version.run_id, files)
        for form, text in texts.items():
            path = self.path(entry.kind, entry.to_version, form)
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_atomically(path, text)
        return path
