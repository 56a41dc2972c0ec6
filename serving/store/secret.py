"""Secrets of one home: each is made by whoever needs it first, and stays."""

from __future__ import annotations

import secrets
from enum import StrEnum

from sqlalchemy import Column, DateTime, MetaData, String, Table, insert, select, update

from features.clock import utc_now
from serving.store.database import Store


class Purpose(StrEnum):
    """What a secret is for."""

    SESSIONS = "sessions"
    FORGOTTEN = "forgotten"


SECRETS = Table(
    "secrets",
    MetaData(),
    Column("purpose", String, primary_key=True),
    Column("at", DateTime),
    Column("secret", String),
)


def replace_secret(store: Store, purpose: Purpose, secret: str) -> None:
    """Put another secret in the place of one; what was signed or hashed with that is unknown."""
    secret_of(store, purpose)
    one = SECRETS.c.purpose == purpose.value
    with store.writing() as connection:
        connection.execute(update(SECRETS).where(one).values(secret=secret))


def secret_of(store: Store, purpose: Purpose) -> str:
    """Return the secret for a purpose: 256 random bits in hexadecimal."""
    query = select(SECRETS.c.secret).where(SECRETS.c.purpose == purpose.value)
    with store.reading() as connection:
        secret = connection.execute(query).scalar()
    if secret is not None:
        return str(secret)
    with store.locked(), store.writing() as connection:
        # Somebody else may have made it while this process waited.
        secret = connection.execute(query).scalar()
        if secret is None:
            secret = secrets.token_hex(32)
            row = {"purpose": purpose.value, "at": utc_now(), "secret": secret}
            connection.execute(insert(SECRETS), row)
    return str(secret)
