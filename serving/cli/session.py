"""What every verb shares: its options, its settings, and its console."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from features.clock import naive_utc
from features.storage.catalog import current
from serving.cli.console import Console
from serving.settings import Settings

if TYPE_CHECKING:
    from serving.store.database import Store
    from training.tracking.registry import Tracking

TERMINAL = "terminal"
"""Stands in the log of views where the id of a token would."""


@dataclass
class Common:
    """What every verb shares; options may stand before or after the verb."""

    home: Path | None = None
    params: Path | None = None
    is_json: bool = False

    def merged(self, home: Path | None, params: Path | None, *, is_json: bool) -> Common:
        """Let options after the verb win over those before it."""
        return Common(home or self.home, params or self.params, is_json or self.is_json)


@dataclass(frozen=True)
class Session:
    """What a verb works with."""

    home: Path
    settings: Settings
    console: Console
    params: Path | None

    @cached_property
    def tracking(self) -> Tracking:
        """The runs and models of this home, or those its company shares."""
        from training.tracking.registry import Tracking  # noqa: PLC0415 - few verbs ask it

        return Tracking(self.home, self.settings.serving.database.shared)

    @property
    def store(self) -> Store:
        """The store of this home, or the one that its company shares."""
        from serving.store.database import Store  # noqa: PLC0415 - few verbs ask it

        shared = self.settings.serving.database.shared
        return Store(self.home, None if shared is None else shared.store)

    def keep_view(self, rep_id: str, what: str) -> None:
        """Keep that the person at this terminal saw a rep's risk; asked before it is shown.

        Args:
            rep_id: whose.
            what: the verb.
        """
        from serving.access.access import Access  # noqa: PLC0415 - few verbs ask it
        from serving.access.people import Person, Role  # noqa: PLC0415 - few verbs ask it

        person = Person(TERMINAL, _user(), Role.ADMIN)
        Access(self.store, self.settings.serving.access).keep_views(person, [rep_id], what)

    def sync_forgotten(self) -> None:
        """Let an ingest know whom other machines of the company have forgotten."""
        if self.settings.serving.database.shared is not None:
            from serving.access.forget import Forgetting  # noqa: PLC0415 - few verbs ask it

            Forgetting(self.store, self.settings.features.ingest).sync()

    def require_extract(self) -> None:
        """Refuse to go on without data; asked before the libraries that take seconds are loaded.

        Raises:
            NotReady: nothing was ingested yet.
        """
        current(self.home)

    def warn_of_hindsight(self, trained_until: datetime, as_of: datetime | None) -> None:
        """Warn of a champion that has learned from what came after the moment it is asked about.

        Args:
            trained_until: what the champion learned from lies before this.
            as_of: the moment asked about; None is the extract's end.
        """
        if as_of is not None and trained_until > as_of:
            self.console.warn(
                f"the champion learned from data up to {trained_until:%Y-%m-%d}, later than "
                f"{as_of:%Y-%m-%d}: what it says knows what came after"
            )

    def looking_ahead(self, days: int | None, kind: str | None) -> Session:
        """Return a session whose lead forecasts look another number of days ahead.

        Args:
            days: how far; the setting's where None.
            kind: what the verb was asked for.
        """
        if days is None:
            return self
        if kind == "quota":
            raise click.UsageError("--horizon-days is for leads: quota looks as far as its period")
        training = self.settings.training
        leads = training.leads.model_copy(update={"horizon_days": days})
        changed = training.model_copy(update={"leads": leads})
        return replace(self, settings=self.settings.model_copy(update={"training": changed}))


def _user() -> str:
    """Return who is at the terminal, as the system knows them and not as they call themselves."""
    import os  # noqa: PLC0415 - few verbs ask it
    import pwd  # noqa: PLC0415 - few verbs ask it

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"


class MomentParam(click.ParamType[datetime]):
    """A moment like 2024-03-01 or 2024-03-01T12:00; with a zone it is converted to UTC."""

    name = "time"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,  # noqa: ARG002 - click's own signature
    ) -> datetime:
        """Read it, or say what would be right."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no time; write it like 2024-03-01 or 2024-03-01T12:00", param)
        return naive_utc(moment)


def common(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options every verb takes."""
    options = (
        click.option(
            "--home",
            type=click.Path(path_type=Path, file_okay=False),
            help="Folder under which all is kept: data/ and mlruns/.  [default: this folder]",
        ),
        click.option(
            "--params",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Settings.  [default: HOME/params.yaml, ./params.yaml, the packaged defaults]",
        ),
        click.option("--json", "is_json", is_flag=True, help="Write JSON to stdout."),
    )
    for option in reversed(options):
        verb = option(verb)
    return verb


def verb(function: Callable[..., None]) -> Callable[..., None]:
    """Add the common options to a verb and pass it a session."""

    @common
    @click.pass_context
    def wrapped(
        ctx: click.Context,
        /,
        home: Path | None,
        params: Path | None,
        is_json: bool,  # noqa: FBT001 - click passes flags by name
        **options: Any,
    ) -> None:
        given = ctx.ensure_object(Common).merged(home, params, is_json=is_json)
        place = (given.home or Path()).resolve()
        settings = Settings.load(place, given.params)
        console = Console(is_json=given.is_json)
        function(Session(place, settings, console, given.params), **options)

    wrapped.__name__, wrapped.__doc__ = function.__name__, function.__doc__
    for option in getattr(function, "__click_params__", []):
        wrapped.__click_params__.append(option)  # type: ignore[attr-defined] # click's own mark
    return wrapped
