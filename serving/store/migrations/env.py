"""Tells Alembic which database to change: the connection it was called with."""

from __future__ import annotations

from alembic import context


def migrate() -> None:
    """Run the steps that the database lacks."""
    context.configure(connection=context.config.attributes["connection"])
    context.run_migrations()


# Alembic runs this file under that name; importing it does nothing.
if __name__ == "env_py":
    migrate()
