"""Guards of logs that look an id up, where they looked at every row for each new one."""

from __future__ import annotations

from serving.store.migrations.append_only import look_up_ids_alone

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the guards anew; stores of this version have quick ones already."""
    look_up_ids_alone("views", "the log of views is append-only")
    look_up_ids_alone("view_notes", "notes beside views are append-only")
    look_up_ids_alone("setting_overrides", "the log of settings is append-only")
    look_up_ids_alone("digests", "the log of digests is append-only")
