"""Look-ups in scores that were made before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from features.clock import zulu
from features.errors import NotFoundError

if TYPE_CHECKING:
    import pandas as pd

EXAMPLES = 5
"""Known ids that an error names."""


def call_list(
    scores: pd.DataFrame, rep_id: str | None, length: int, reps: frozenset[str]
) -> pd.DataFrame:
    """Return a rep's next calls, best first, without leads that must not be contacted.

    Args:
        scores: ranked, best first within each owner.
        rep_id: the rep; None asks for the pool of leads without an owner.
        length: the most leads to return.
        reps: every rep the data know; owners of scored leads are known anyway.

    Raises:
        NotFoundError: nobody knows the rep.
    """
    from training.leads.score import NOT_TO_BE_CONTACTED  # noqa: PLC0415 - takes seconds

    is_own = scores["rep_id"].isna() if rep_id is None else scores["rep_id"] == rep_id
    if rep_id is not None and not is_own.any() and rep_id not in reps:
        owners = scores["rep_id"].dropna().unique()[:EXAMPLES]
        known = ", ".join(owners) or ", ".join(sorted(reps)[:EXAMPLES]) or "none"
        raise NotFoundError(f"no rep has the id {rep_id!r}; known reps are, for example: {known}")
    may_be_called = scores["band"] != NOT_TO_BE_CONTACTED
    return scores[is_own & may_be_called].head(length)


def find_lead(scores: pd.DataFrame, lead_id: str) -> dict[str, Any] | None:
    """Return one lead's row of scores by column name, None where a value is empty.

    None if the lead is not among them.
    """
    import pandas as pd  # noqa: PLC0415 - takes seconds

    rows = scores[scores["lead_id"] == lead_id]
    if rows.empty:
        return None
    row = rows.iloc[0].to_dict()
    return {str(column): None if pd.isna(value) else value for column, value in row.items()}


def why_no_score(lead_id: str, lead: Mapping[str, Any] | None, moment: datetime) -> str:
    """Say why a lead has no score as of a moment: only open leads are scored.

    Args:
        lead_id: the lead asked for.
        lead: its `created_at`, `converted_at`, `lost_at` and, if any lead was deleted,
            `deleted_at`; None if the data do not hold it.
        moment: the moment asked for.
    """
    if lead is None:
        return f"no lead has the id {lead_id!r} in the data"
    if lead["created_at"] >= moment:
        return (
            f"lead {lead_id!r} was created on {zulu(lead['created_at'])}, which is not before the "
            f"as_of {zulu(moment)}; ask with a later as_of"
        )
    ends = (("deleted_at", "deleted"), ("converted_at", "won"), ("lost_at", "lost"))
    for column, how in ends:
        ended = lead.get(column)
        if ended is not None and ended < moment:
            return (
                f"lead {lead_id!r} was {how} on {zulu(ended)}, before the as_of {zulu(moment)}; "
                "only open leads are scored"
            )
    return f"lead {lead_id!r} was not open as of {zulu(moment)}"
