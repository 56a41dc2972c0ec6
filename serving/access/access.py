"""Everything that decides who may see what in one home, in one value that requests share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from features.clock import utc_now
from serving.access.authentication import PersonBackend, TrustedProxy
from serving.access.company import CompanyCache
from serving.access.directory import Directory
from serving.access.limits import Limiter
from serving.access.people import Person
from serving.access.rights import ManagerTree, Needs, may
from serving.access.sessions import Sessions
from serving.access.tokens import Clock
from serving.params import AccessParams, ServingParams
from serving.store.database import Store
from serving.store.views import View, ViewLog, ViewNote


@dataclass(frozen=True)
class Access:
    """Who may see what in one home; pages find it as `request.state.access`.

    Attributes:
        store: holds tokens, sessions and the log of views.
        params: how long sessions last, and who may send how much.
        clock: tells the time, naive UTC.
    """

    store: Store
    params: AccessParams
    clock: Clock = utc_now

    @classmethod
    def of(cls, home: Path, params: ServingParams, clock: Clock = utc_now) -> Access:
        """Return the access to one home; it reads nothing before it is asked."""
        shared = params.database.shared
        return cls(Store(home, None if shared is None else shared.store), params.access, clock)

    @cached_property
    def directory(self) -> Directory:
        """Knows who is behind a secret."""
        return Directory(self.store, self.clock)

    @cached_property
    def sessions(self) -> Sessions:
        """Signs browsers in and out."""
        return Sessions(self.store, self.directory, self.params.session_hours, self.clock)

    @cached_property
    def proxy(self) -> TrustedProxy:
        """The proxy whose headers count."""
        return TrustedProxy(frozenset(self.params.proxies), self.params.user_header)

    @cached_property
    def backend(self) -> PersonBackend:
        """Finds the person behind a request."""
        return PersonBackend(self.directory, self.sessions, self.proxy)

    @cached_property
    def limiter(self) -> Limiter:
        """Counts everybody's requests."""
        return Limiter(self.params.requests_a_minute, self.params.admin_requests_a_minute)

    @cached_property
    def company(self) -> CompanyCache:
        """Knows who manages whom and who owns which lead."""
        return CompanyCache(self.store.home)

    @property
    def tree(self) -> ManagerTree:
        """Who manages whom, as visible at the end of the data."""
        return self.company.current().tree

    def may(self, person: Person | None, needs: Needs, rep_id: str | None) -> bool:
        """Tell whether a person may do what a route does; see `serving.access.rights.may`."""
        return may(person, needs, rep_id, self.tree)

    def keep_views(self, person: Person, rep_ids: Iterable[str], what: str) -> None:
        """Keep that a person saw the risk of others, before they see it.

        Args:
            person: who looks; what they see of themselves is not kept.
            rep_ids: whom they see.
            what: where, such as `rep outlook`.
        """
        now = self.clock()
        who = (person.id, person.name, person.role.value)
        others = sorted(set(rep_ids) - {person.rep_id})
        ViewLog(self.store).add(View(now, *who, rep_id, what) for rep_id in others)

    def views_of(self, person: Person, limit: int = 100, before: int | None = None) -> list[View]:
        """Return who looked at a person's risk, the newest first; nobody looks at an admin's."""
        if person.rep_id is None:
            return []
        return ViewLog(self.store).of(person.rep_id, limit, before)

    def annotate(self, person: Person, view_id: int, text: str) -> None:
        """Write beside a view of one's own risk.

        Raises:
            NotFoundError: nobody looked at this person under that number.
        """
        note = ViewNote(self.clock(), person.name, text)
        ViewLog(self.store).annotate(view_id, person.rep_id or "", note)
