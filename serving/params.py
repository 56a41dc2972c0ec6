"""The `serving` section of params.yaml: where work runs, what it is kept in, and the service."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from features.params import Section
from features.storage.shared import PASSWORD_PLACES, SharedHome

LONGEST_COMPANY = 50
"""PostgreSQL cuts the names of schemas off, and ours are a little longer."""
Places = Annotated[int, Field(ge=0, le=1000)]
"""Leads on one list."""


ADDRESS = r"[^\s@<>,;]+@[^\s@<>,;]+"
"""An e-mail address that is one address, and breaks out of no header."""


class EngineParams(Section):
    """Which engine answers training, backtests and scoring."""

    name: Literal["duckdb", "spark"] = Field(
        default="duckdb", description="duckdb: this machine; spark: many (the extra `spark`)"
    )
    master: str = Field(
        default="local[*]",
        description="where Spark runs: local[*], spark://HOST:PORT, yarn, k8s://...",
    )
    settings: Mapping[str, str | int | bool] = Field(
        default={}, description="further settings of Spark's, such as {spark.executor.memory: 8g}"
    )


class DatabaseParams(Section):
    """Where models are registered and promotions logged, if several machines share them."""

    url: str = Field(
        default="",
        description="postgresql://USER@HOST:PORT/DATABASE; empty: files under the home. "
        "No password: PGPASSWORD or ~/.pgpass holds it",
    )
    company: str = Field(
        default="", description="names this company's schemas and folder, such as acme"
    )
    folder: str = Field(
        default="", description="for the models' files, at the same path on every machine"
    )

    @property
    def shared(self) -> SharedHome | None:
        """What the homes of this company share; None where the home keeps all by itself."""
        return SharedHome(self.url, self.company, Path(self.folder)) if self.url else None

    @model_validator(mode="after")
    def _all_or_none(self) -> DatabaseParams:
        # A wrong value is not repeated here: it may hold a password.
        if not self.url:
            if self.company or self.folder:
                raise ValueError("company and folder go with a url, which is empty")
            return self
        try:
            parts = urlsplit(self.url)
            is_url = parts.scheme == "postgresql" and bool(parts.path.strip("/"))
        except ValueError:
            is_url = False
        if not is_url:
            raise ValueError("the url should read postgresql://USER@HOST:PORT/DATABASE")
        if parts.password is not None or "pass" in parts.query.lower():
            raise ValueError(f"the url should hold no password; {PASSWORD_PLACES}")
        if not _is_schema(self.company):
            raise ValueError(
                f"a url needs a company: a name of at most {LONGEST_COMPANY} small letters, digits "
                "and underscores that begins with no digit"
            )
        if not Path(self.folder).is_absolute():
            raise ValueError("a url needs a folder, written as a full path such as /srv/pacesetter")
        return self


def _is_schema(name: str) -> bool:
    """Tell whether a name needs no quotes in SQL."""
    is_plain = name.isascii() and name.isidentifier() and name == name.lower()
    return is_plain and len(name) <= LONGEST_COMPANY


class WorklistParams(Section):
    """How the call list of a day is made, and how its worth is measured."""

    calls_a_day: int = Field(
        default=20, ge=1, le=1000, description="leads on a rep's list of a day"
    )
    calls_by_rep: Mapping[str, Places] = Field(
        default={}, description="the same for single reps, such as {R0000017: 30}"
    )
    cool_down_days: int = Field(
        default=1,
        ge=0,
        description="working days until a lead that was touched or listed may be listed again: "
        "touched on Monday, at 1 on Tuesday, at 3 on Thursday; the priority rises again only with "
        "the days, and replayed companies lose most of what lists bring at 3",
    )
    long_tail: float = Field(
        default=0.1, ge=0, le=1, description="share of the places for the leads that wait longest"
    )
    hold_out: float = Field(
        default=0.05,
        ge=0,
        le=0.5,
        description="share of leads that leave or enter the list by lot, which measures what the "
        "list is worth; 0: no lots",
    )
    hold_out_days: int = Field(
        default=30, ge=1, description="days that a lead's lot stands, and that its outcome counts"
    )
    wrong_days: int = Field(
        default=30, ge=1, description="days until a lead that was called wrong may be listed again"
    )
    level: float = Field(
        default=0.9, gt=0.5, lt=1, description="coverage of the interval that `worth` shows"
    )
    least_leads: int = Field(
        default=50, ge=2, description="mature leads per arm below which `worth` tells nothing"
    )
    least_converted: int = Field(
        default=5, ge=1, description="conversions per arm below which `worth` tells nothing"
    )
    harm: float = Field(
        default=0.01, gt=0, lt=1, description="a loss of conversion that would count as harm"
    )


class PagesParams(Section):
    """What the pages show, and when they propose a talk."""

    currency: str = Field(
        default="",
        pattern="^([A-Z]{3})?$",
        description="code of the currency of all amounts, such as EUR; empty: amounts without one",
    )
    talk_below: float = Field(
        default=0.5,
        gt=0,
        lt=1,
        description="a chance to make quota below which a talk is proposed to the manager",
    )
    most_talks: int = Field(
        default=5, ge=1, le=100, description="talks a week that a manager's page proposes"
    )
    material: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="movement of a chance since Monday, or since the last digest, below which it "
        "is not said",
    )
    mlflow: str = Field(
        default="", description="address of MLflow's own pages, which the model page links to"
    )


class DigestParams(Section):
    """Whom the weekly digest is sent to, and how."""

    host: str = Field(default="", description="of the SMTP server; empty: files only")
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="how the connection is encrypted; none: on this machine"
    )
    user: str = Field(default="", description="to sign in with; empty: without signing in")
    password_file: str = Field(default="", description="holds the password of that user")
    sender: str = Field(
        default="", pattern=f"^({ADDRESS})?$", description="the address that digests come from"
    )
    addresses: Mapping[str, Annotated[str, Field(pattern=f"^{ADDRESS}$")]] = Field(
        default={}, description="e-mail by rep or manager, such as {R0000017: ada@example.com}"
    )
    link: str = Field(
        default="", description="address of the pages, such as https://pacesetter.example.com"
    )


class AccessParams(Section):
    """How people sign in, how much they may ask, and how long their data are kept."""

    session_hours: float = Field(
        default=12.0, gt=0, description="how long a browser stays signed in"
    )
    requests_a_minute: int = Field(
        default=1200,
        ge=0,
        description="requests that one token of a rep, manager or analyst may send; 0: any number",
    )
    admin_requests_a_minute: int = Field(
        default=0, ge=0, description="the same for an admin's token, which programs use"
    )
    proxies: tuple[str, ...] = Field(
        default=("127.0.0.1", "::1"),
        strict=False,
        description="addresses of the proxies in front, whose headers X-Forwarded-Proto and "
        "`user_header` are believed",
    )
    user_header: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9-]*$",
        description="header in which a proxy names whom it has signed in, by the name of a token, "
        "such as X-Forwarded-Email; the proxy must remove it from what browsers send; empty: none",
    )
    retention_days: int = Field(
        default=0,
        ge=0,
        description="days after which `forget expired` forgets leads that have ended and reps who "
        "have left, and removes views of risk; 0: nobody and none",
    )


class ServingParams(Section):
    """Where work runs, what it is kept in, and the service's address and limits."""

    host: str = "127.0.0.1"
    port: int = Field(default=3000, ge=1, le=65535)
    list_length: int = Field(
        default=20, ge=1, le=1000, description="leads in a call list, reps in a list of risks"
    )
    refresh_minutes: int = Field(
        default=15, ge=1, description="how long scores are kept before they are computed again"
    )
    runs_kept: int = Field(
        default=35,
        ge=1,
        description="scoring runs that the store keeps of each kind, the newest of each day; 28 "
        "days back need 35",
    )
    most_given_leads: int = Field(default=500, ge=1, description="leads in one request, at most")
    most_posted_events: int = Field(
        default=1000, ge=1, description="events in one request, at most"
    )
    watch_folder: str = Field(
        default="",
        description="folder whose new files activities*.csv and activities*.parquet the service "
        "reads like posted activities, each row by its activity_id; empty: none",
    )
    engine: EngineParams = EngineParams()
    database: DatabaseParams = DatabaseParams()
    worklist: WorklistParams = WorklistParams()
    pages: PagesParams = PagesParams()
    digest: DigestParams = DigestParams()
    access: AccessParams = AccessParams()
