"""People who sign in to the pages as a browser does."""

from __future__ import annotations

import re
from dataclasses import dataclass

import httpx
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from serving.access import tokens
from serving.access.access import Access
from serving.access.people import Role
from serving.access.tokens import Grant
from serving.api.guard import Guard
from serving.api.metrics import RequestMetrics
from serving.pages.app import page_routes
from serving.pages.desk import Desk
from serving.settings import Settings

GRANTS = {
    "r1": Grant(Role.REP, "r1"),
    "r3": Grant(Role.REP, "r3"),
    "m1": Grant(Role.MANAGER, "m1"),
    "analyst": Grant(Role.ANALYST),
    "admin": Grant(Role.ADMIN),
}
SETTINGS = Settings.model_validate(
    {"serving": {"worklist": {"calls_a_day": 7, "cool_down_days": 0, "hold_out": 0.0}}}
)


@dataclass(frozen=True)
class Browser:
    """A browser in which somebody may have signed in."""

    client: TestClient

    def get(self, path: str, status: int = 200, language: str = "en-GB") -> str:
        """Open a page."""
        answer = self.client.get(path, headers={"Accept-Language": language})
        assert answer.status_code == status, (path, answer.status_code, answer.text[:500])
        return answer.text

    def post(self, path: str, page: str, status: int = 303, **fields: str) -> httpx.Response:
        """Send a form of a page."""
        token = re.search(r'name="csrf" value="([^"]+)"', page)
        assert token is not None
        answer = self.client.post(path, data={"csrf": token[1], **fields})
        assert answer.status_code == status, (path, answer.status_code, answer.text[:500])
        return answer


@dataclass(frozen=True)
class Office:
    """The pages, and a token for everybody."""

    app: ASGIApp
    secrets: dict[str, str]

    @classmethod
    def of(cls, desk: Desk, settings: Settings) -> Office:
        """Put a desk's pages behind their guard, and create a token for everybody."""
        secrets = {who: tokens.create(desk.store, who, grant)[1] for who, grant in GRANTS.items()}
        access = Access.of(desk.home, settings.serving)
        return cls(
            Guard(Starlette(routes=page_routes(desk)), access, {}, RequestMetrics([])), secrets
        )

    def nobody(self) -> Browser:
        """Return a browser in which nobody has signed in."""
        return Browser(TestClient(self.app, follow_redirects=False))

    def browser(self, who: str) -> Browser:
        """Return a browser in which somebody has signed in."""
        browser = self.nobody()
        page = browser.get("/sign-in")
        browser.post("/sign-in", page, token=self.secrets[who], next="/")
        return browser
