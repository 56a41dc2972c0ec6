"""The security headers of every answer, and the content policy of pages.

A page may load styles, scripts, pictures and fonts from this service alone, and inline only the
blocks that carry the nonce of this very answer. Styles in attributes are allowed, since charts
carry them; scripts in attributes are not.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

COMMON_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
HTTPS_ONLY = "max-age=31536000"
"""A browser that came by HTTPS uses nothing else for a year."""


def new_nonce() -> str:
    """Return the nonce of one answer: `<style nonce="...">`, `<script nonce="...">`."""
    return secrets.token_urlsafe(16)


def page_policy(nonce: str) -> str:
    """Return the content policy of a page whose inline blocks carry a nonce."""
    return (
        "default-src 'none'; "
        f"script-src 'self' 'nonce-{nonce}'; "
        f"style-src 'self' 'nonce-{nonce}'; style-src-attr 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


def headers_of(nonce: str | None, *, is_https: bool) -> dict[str, str]:
    """Return the headers of an answer.

    Args:
        nonce: of a page; None where the answer is data.
        is_https: the request came by HTTPS.
    """
    policy = API_POLICY if nonce is None else page_policy(nonce)
    https = {"Strict-Transport-Security": HTTPS_ONLY} if is_https else {}
    return {**COMMON_HEADERS, "Content-Security-Policy": policy, **https}
