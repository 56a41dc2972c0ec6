"""Forgets people: in the warehouse, the store, the scores and other files of a home.

Their hash is kept first, so that nothing brings them back if the rest is interrupted; whatever was
done already is simply not found again when it is repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from features.clock import utc_now
from features.errors import NotFoundError, NotReady
from features.ingest.erase import erase_people
from features.ingest.forgotten import KINDS, Forgotten, keep_forgotten
from features.params import IngestParams
from features.storage.catalog import WarehouseMeta, current
from serving.access.files import FilesReport, erase_from_files
from serving.access.tokens import Clock
from serving.store.database import Store
from serving.store.erase import Erasure, erase_from_store, names_of_tokens
from serving.store.forgotten import ForgottenList
from serving.store.secret import Purpose, replace_secret


@dataclass(frozen=True)
class ForgetReport:
    """What was forgotten, without a word about whom.

    Attributes:
        pseudonyms: what stands in the place of each id.
        warehouse: rows that are gone, by table.
        store: rows that were changed or removed, by table.
        files: what became of the other files.
    """

    pseudonyms: tuple[str, ...]
    warehouse: Mapping[str, int] = field(default_factory=dict)
    store: Mapping[str, int] = field(default_factory=dict)
    files: FilesReport = field(default_factory=lambda: FilesReport((), ()))


@dataclass(frozen=True)
class Forgetting:
    """Forgets people in one home.

    Attributes:
        store: of the home, or the one that it shares.
        params: memory and threads of the engine.
        clock: tells the time, naive UTC.
    """

    store: Store
    params: IngestParams
    clock: Clock = utc_now

    @property
    def home(self) -> Path:
        """The folder whose files are cleaned."""
        return self.store.home

    def forget(self, kind: str, ids: Iterable[str]) -> ForgetReport:
        """Forget people, whether they are in the data or not.

        Args:
            kind: lead or rep.
            ids: theirs.
        """
        ids = sorted(set(ids))
        known = ForgottenList(self.store)
        key = known.people()
        known.add(kind, {key.hash_of(kind, name) for name in ids}, self.clock())
        forgotten = known.people()
        keep_forgotten(self.home, forgotten)
        people = {name: forgotten.pseudonym(kind, name) for name in ids}
        return self._erase(Erasure(kind, people, self._names(kind, people)), forgotten)

    def forget_one(self, kind: str, person_id: str) -> ForgetReport:
        """Forget a person.

        Raises:
            NotFoundError: the data hold nobody of that id, and nobody of that id was forgotten.
        """
        known = ForgottenList(self.store).people()
        is_known = known.among(kind, [person_id]) or self._holds(kind, person_id)
        if not is_known:
            raise NotFoundError(
                f"the data hold no {kind} of the id {person_id!r}; ids are written as in the CRM"
            )
        return self.forget(kind, [person_id])

    def sync(self) -> None:
        """Let the next ingest know of everybody who was forgotten, on other machines too."""
        forgotten = ForgottenList(self.store).people()
        if any(forgotten.hashes.values()):
            keep_forgotten(self.home, forgotten)

    def again(self, earlier: Forgotten) -> int | None:
        """Forget people once more of whom only the hash is known, after a backup brought them back.

        Args:
            earlier: the people, and the key of their hashes.

        Returns:
            How many were found and forgotten; None where the store that was put back has another
            key, so that nobody can be found by it.
        """
        if not any(earlier.hashes.values()):
            return 0
        listed = ForgottenList(self.store)
        if listed.people().key != earlier.key:
            if any(listed.people().hashes.values()):
                return None
            replace_secret(self.store, Purpose.FORGOTTEN, earlier.key)
        found = 0
        for kind in KINDS:
            listed.add(kind, set(earlier.hashes[kind]), self.clock())
            ids = {str(row[f"{kind}_id"]) for row in self._rows(f"{kind}s", f"{kind}_id")}
            people = earlier.among(kind, sorted(ids))
            if people:
                self.forget(kind, people)
                found += len(people)
        self.sync()
        return found

    def _erase(self, erasure: Erasure, forgotten: Forgotten) -> ForgetReport:
        meta = self._meta()
        gone = {} if meta is None else erase_people(self.home, forgotten, self.params)
        changed = erase_from_store(self.store, erasure, self.clock())
        source = None if meta is None else Path(meta.source)
        files = erase_from_files(self.home, erasure, source)
        return ForgetReport(tuple(erasure.people.values()), gone, changed, files)

    def _meta(self) -> WarehouseMeta | None:
        try:
            return current(self.home)
        except NotReady:
            return None

    def _holds(self, kind: str, person_id: str) -> bool:
        """Tell whether the warehouse or, of a rep, the tokens know a person."""
        if any(row[f"{kind}_id"] == person_id for row in self._rows(f"{kind}s", f"{kind}_id")):
            return True
        return kind == "rep" and bool(names_of_tokens(self.store, {person_id: ""}))

    def _names(self, kind: str, people: Mapping[str, str]) -> dict[str, str]:
        """Return what reps are called in the CRM and by their tokens, each with its pseudonym.

        A name that somebody else has too is left out: it would take theirs away.
        """
        if kind != "rep":
            return {}
        names = names_of_tokens(self.store, people)
        called = [(str(r["rep_id"]), r["name"]) for r in self._rows("reps", "rep_id", "name")]
        others = {name for rep_id, name in called if rep_id not in people}
        own = {name: people[rep_id] for rep_id, name in called if name and rep_id in people}
        return {name: alias for name, alias in (names | own).items() if name not in others}

    def _rows(self, table: str, *columns: str) -> list[dict[str, str | None]]:
        """Return columns of a table of the warehouse; nothing where there is no warehouse."""
        import pyarrow.parquet as pq  # noqa: PLC0415 - takes a second

        meta = self._meta()
        if meta is None:
            return []
        found = pq.read_table(meta.path / f"{table}.parquet", columns=list(columns))
        listed: list[dict[str, str | None]] = found.to_pylist()
        return listed
