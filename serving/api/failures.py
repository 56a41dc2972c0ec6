"""Expected errors as answers in words."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from features.errors import NotFoundError, NotReady, PacesetterError

RETRY_SECONDS = 3


class NotAllowed(PacesetterError):
    """Somebody asked for what is not theirs to see or to write."""


def failure(error: PacesetterError) -> Response:
    """Return the answer to a request that failed for a known reason."""
    headers = {"Retry-After": str(RETRY_SECONDS)} if isinstance(error, NotReady) else None
    statuses = {NotReady: 503, NotFoundError: 404, NotAllowed: 403}
    status = next((code for kind, code in statuses.items() if isinstance(error, kind)), 400)
    return JSONResponse({"error": str(error)}, status, headers)
