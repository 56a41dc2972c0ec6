"""The champions that a service answers with: the newest good ones, whatever happens to MLflow.

A champion is found by its alias and checked by the hash of its content. A good one stays in memory,
and a copy of its files under HOME/data/models/<kind>. When the alias moves, the new champion is
loaded, and the old one answers until then. When MLflow cannot be asked, the alias names a model
that is not there, or its files are damaged, the last good one goes on, and says so.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import NotFoundError, NotReady, PacesetterError
from features.storage.files import replace_atomically
from training.tracking.loading import content_of, load_checked
from training.tracking.records import LoadedModel
from training.tracking.registry import CHAMPION, Tracking
from training.tracking.versions import model_name

GOOD = "good.json"
"""Names the newest good copy, and what it is."""


@dataclass(frozen=True)
class ServedModel:
    """A model that a service answers with.

    Attributes:
        model: the model.
        stale: why it is not the champion of now, and what to do about it; None if it is.
    """

    model: LoadedModel
    stale: str | None = None


class ServedChampions:
    """The champions of one home, as its service sees them; used by one thread.

    Args:
        tracking: where they are registered.
        folder: where copies of the good ones are kept.
    """

    def __init__(self, tracking: Tracking, folder: Path) -> None:
        """Know none yet."""
        self._tracking = tracking
        self._folder = folder
        self._good: dict[str, LoadedModel] = {}

    def now(self, kind: str) -> ServedModel:
        """Return the model that answers for a kind now.

        Args:
            kind: `leads` or `quota`.

        Raises:
            NotReady: there is none, nor was there one before.
            NotFoundError: there is one, it is of no use, and there was none before.
        """
        try:
            return ServedModel(self._champion(kind))
        except (PacesetterError, sqlite3.Error, OSError) as error:
            good = self._last_good(kind)
            if good is None:
                raise _in_words(error, kind) from None
            return ServedModel(good, _stale(good, error))

    def mark(self, kind: str) -> str:
        """Name the model that answers for a kind now, and whether it is the champion."""
        try:
            served = self.now(kind)
        except (NotReady, NotFoundError) as error:
            return f"none: {error}"
        return f"{served.model.version} {served.model.run_id} {served.stale or ''}"

    def _champion(self, kind: str) -> LoadedModel:
        address = self._tracking.mlruns.named(model_name(kind), CHAMPION)
        if address is None:
            raise NotReady(
                f"no {kind} model is champion in {self._tracking.mlruns.folder}; run `pacesetter "
                f"train {kind}`, or name one with `pacesetter promote {kind} --version N`"
            )
        good = self._good.get(kind)
        if good is not None and (good.version, good.run_id) == (address.version, address.run_id):
            return good
        model = self._tracking.champion(kind)
        self._good[kind] = model
        self._keep(model)
        return model

    def _last_good(self, kind: str) -> LoadedModel | None:
        """Return the newest model that was good: the one in memory, else its copy."""
        if kind not in self._good:
            copied = self._copy(kind)
            if copied is not None:
                self._good[kind] = copied
        return self._good.get(kind)

    def _copy(self, kind: str) -> LoadedModel | None:
        folder = self._folder / kind
        try:
            good: dict[str, Any] = json.loads((folder / GOOD).read_text(encoding="utf-8"))
            bundle = load_checked(folder / good["folder"], good["content"])
        except (OSError, ValueError, KeyError, NotFoundError):
            return None
        return LoadedModel(kind, good["version"], good["run_id"], bundle)

    def _keep(self, model: LoadedModel) -> None:
        """Copy a model's files; the copy before is there until this one is whole.

        A full disk costs the copy, and nothing else: the model is in memory.
        """
        folder, content = self._folder / model.kind, model.bundle.version
        target = folder / content
        try:
            if not _is_good(target, content):
                new = folder / f"{secrets.token_hex(4)}.new"
                model.bundle.save(new)
                shutil.rmtree(target, ignore_errors=True)
                new.replace(target)
            about = {
                "folder": content,
                "content": content,
                "version": model.version,
                "run_id": model.run_id,
            }
            replace_atomically(folder / GOOD, json.dumps(about))
        except OSError:
            return
        for other in folder.iterdir():
            if other.is_dir() and other != target:
                shutil.rmtree(other, ignore_errors=True)


def _is_good(folder: Path, content: str) -> bool:
    try:
        return content_of(folder) == content
    except NotFoundError:
        return False


def _in_words(error: Exception, kind: str) -> PacesetterError:
    if isinstance(error, PacesetterError):
        return error
    return NotReady(f"the {kind} model cannot be looked up: {error}; see that mlruns is readable")


def _stale(good: LoadedModel, error: Exception) -> str:
    why = str(_in_words(error, good.kind)).rstrip(".")
    return f"{good.kind} model {good.version} goes on answering, since its champion does not: {why}"
