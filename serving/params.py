"""The `serving` section of params.yaml: the address of the service, and its limits."""

from __future__ import annotations

from pydantic import Field

from features.params import Section


class ServingParams(Section):
    """The address of the service, and its limits."""

    host: str = "127.0.0.1"
    port: int = Field(default=3000, ge=1, le=65535)
    list_length: int = Field(
        default=20, ge=1, le=1000, description="leads in a call list, reps in a list of risks"
    )
    refresh_minutes: int = Field(
        default=15, ge=1, description="how long scores are kept before they are computed again"
    )
    most_given_leads: int = Field(default=500, ge=1, description="leads in one request, at most")
