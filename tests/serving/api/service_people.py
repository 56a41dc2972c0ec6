"""A real service, asked by each role with a token of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving.access import tokens
from serving.access.people import Role
from serving.access.tokens import Grant
from serving.api.service import build_service
from serving.settings import Settings
from serving.store.database import Store

GRANTS = {
    "r1": Grant(Role.REP, "r1"),
    "r3": Grant(Role.REP, "r3"),
    "m1": Grant(Role.MANAGER, "m1"),
    "m2": Grant(Role.MANAGER, "m2"),
    "analyst": Grant(Role.ANALYST),
    "admin": Grant(Role.ADMIN),
}

SETTINGS = Settings.model_validate(
    {"serving": {"worklist": {"calls_a_day": 4, "cool_down_days": 0, "hold_out": 0.0}}}
)


@dataclass(frozen=True)
class Service:
    """A running service and the tokens of its people."""

    client: TestClient
    secrets: dict[str, str]

    def ask(self, who: str, path: str, status: int = 200, **body: Any) -> dict[str, Any]:
        """Ask as somebody and return the answer."""
        headers = {"Authorization": f"Bearer {self.secrets[who]}"}
        response = self.client.post(path, json=body, headers=headers)
        assert response.status_code == status, (who, path, response.text)
        answer: dict[str, Any] = response.json()
        return answer


@contextmanager
def running(home: Path, settings: Settings) -> Iterator[Service]:
    """Run the service of a home until it is ready, and longer."""
    secrets = {who: tokens.create(Store(home), who, grant)[1] for who, grant in GRANTS.items()}
    with TestClient(build_service(home, settings).to_asgi()) as client:
        service = Service(client, secrets)
        headers = {"Authorization": f"Bearer {secrets['admin']}"}
        for _ in range(60):
            if client.post("/health", headers=headers).status_code == 200:
                break
        else:
            pytest.fail("the service never got ready")
        yield service
