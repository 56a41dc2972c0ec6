"""What is looked up in scores that are made already."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from features.clock import zulu
from features.errors import NotFoundError

if TYPE_CHECKING:
    import pandas as pd


def call_list(
    scores: pd.DataFrame, rep_id: str | None, length: int, reps: frozenset[str]
) -> pd.DataFrame:
    """Take a rep's next calls out of ranked scores; who asked not to be contacted is left out.

    Args:
        scores: ranked, best first within each owner.
        rep_id: the rep; None asks for the pool of leads without an owner.
        length: leads, at the most.
        reps: the reps that are known beside the owners of open leads.
    """
    from training.leads.score import NOT_TO_BE_CONTACTED  # noqa: PLC0415 - takes seconds

    own = scores["rep_id"].isna() if rep_id is None else scores["rep_id"] == rep_id
    if rep_id is not None and not own.any() and rep_id not in reps:
        owners = scores["rep_id"].dropna().unique()[:5]
        some = ", ".join(owners) or ", ".join(sorted(reps)[:5]) or "none"
        raise NotFoundError(f"no rep has the id {rep_id!r}; known reps are, for example: {some}")
    may_be_called = scores["band"] != NOT_TO_BE_CONTACTED
    return scores[own & may_be_called].head(length)


def find_lead(scores: pd.DataFrame, lead_id: str) -> dict[str, Any] | None:
    """Take one lead out of scores, if it is among them."""
    found = scores[scores["lead_id"] == lead_id]
    return None if found.empty else {str(k): v for k, v in found.iloc[0].to_dict().items()}


def why_no_score(lead_id: str, lead: Mapping[str, Any] | None, moment: datetime) -> str:
    """Say why a lead is not open at a moment.

    Args:
        lead_id: what was asked for.
        lead: its `created_at`, `converted_at` and `lost_at`; None if nobody knows it.
        moment: the moment asked about.
    """
    if lead is None:
        return f"no lead has the id {lead_id!r} in the data"
    if lead["created_at"] >= moment:
        return (
            f"lead {lead_id!r} was created on {zulu(lead['created_at'])}, which is not before the "
            f"as_of {zulu(moment)}; a later as_of sees it"
        )
    for column, how in (("converted_at", "won"), ("lost_at", "lost")):
        ended = lead.get(column)
        if ended is not None and ended < moment:
            return (
                f"lead {lead_id!r} was {how} on {zulu(ended)}, before the as_of {zulu(moment)}: "
                "only open leads are scored"
            )
    return f"lead {lead_id!r} was not open as of {zulu(moment)}"
