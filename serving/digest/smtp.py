"""Hands letters to a mail server. Owns smtplib."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

from features.errors import InputError
from serving.params import DigestParams

PATIENCE_SECONDS = 20


@contextmanager
def mail_server(params: DigestParams) -> Iterator[smtplib.SMTP]:
    """Open a connection to the mail server of the settings.

    Args:
        params: the section `serving.digest`.

    Raises:
        InputError: none is set, it cannot be reached, or it does not let us in.
    """
    require_server(params)
    where = f"{params.host}:{params.port}"
    try:
        with _connected(params) as server:
            if params.user:
                server.login(params.user, _password(params))
            yield server
    except smtplib.SMTPAuthenticationError as error:
        raise InputError(
            f"the mail server {where} does not take the user {params.user!r}: "
            f"{_words(error.smtp_error)}; see serving.digest.user and password_file"
        ) from None
    except (OSError, smtplib.SMTPException) as error:
        raise InputError(
            f"the mail server {where} could not be used: {error}; see serving.digest.host, port "
            "and security"
        ) from None


def require_server(params: DigestParams) -> None:
    """Refuse settings that no letter can be sent with.

    Raises:
        InputError: names what is missing.
    """
    missing = [name for name in ("host", "sender") if not getattr(params, name)]
    if missing:
        names = " and ".join(f"serving.digest.{name}" for name in missing)
        raise InputError(f"--send needs a mail server: set {names} in params.yaml")
    if params.user and params.security == "none":
        raise InputError(
            "serving.digest.user needs an encrypted connection: set security to starttls or tls"
        )


def hand_over(server: smtplib.SMTP, letter: EmailMessage) -> None:
    """Send one letter.

    Raises:
        InputError: the server refuses the reader's or the sender's address.
    """
    try:
        server.send_message(letter)
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused) as error:
        raise InputError(f"the mail server refused {letter['To']}: {error}") from None


def _connected(params: DigestParams) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if params.security == "tls":
        return smtplib.SMTP_SSL(params.host, params.port, timeout=PATIENCE_SECONDS, context=context)
    server = smtplib.SMTP(params.host, params.port, timeout=PATIENCE_SECONDS)
    if params.security == "starttls":
        try:
            server.starttls(context=context)
        except (OSError, smtplib.SMTPException):
            server.close()
            raise
    return server


def _password(params: DigestParams) -> str:
    path = Path(params.password_file)
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InputError(
            f"serving.digest.password_file {params.password_file!r} cannot be read: "
            f"{error.strerror}"
        ) from None


def _words(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said
