"""Expected errors as answers in words."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from features.errors import InTheMaking, NotFoundError, NotReady, PacesetterError

RETRY_SECONDS = 3
MAKING_SECONDS = 10
"""After how long to ask again for what takes from seconds to a minute to make."""


class NotAllowed(PacesetterError):
    """Somebody asked for what is not theirs to see or to write."""


class TooEarly(PacesetterError):
    """What was sent rests on something that is still in the making; nothing of it was kept."""


def failure(error: PacesetterError) -> Response:
    """Return the answer to a request that cannot be met, or not yet, for a known reason."""
    if isinstance(error, InTheMaking):
        return JSONResponse({"waiting": str(error)}, 202, {"Retry-After": str(MAKING_SECONDS)})
    waits = {NotReady: RETRY_SECONDS, TooEarly: MAKING_SECONDS}
    seconds = next((seconds for kind, seconds in waits.items() if isinstance(error, kind)), None)
    headers = None if seconds is None else {"Retry-After": str(seconds)}
    statuses = {NotReady: 503, NotFoundError: 404, NotAllowed: 403, TooEarly: 409}
    status = next((code for kind, code in statuses.items() if isinstance(error, kind)), 400)
    return JSONResponse({"error": str(error)}, status, headers)
