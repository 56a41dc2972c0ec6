"""Forecasts as small tables in a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from serving.cli import Session
from serving.quota_words import chance_in_words

if TYPE_CHECKING:
    import pandas as pd


def show_calls(session: Session, calls: pd.DataFrame, title: str) -> None:
    """Show a call list as a small table, the strongest reasons beside each lead."""
    rows = []
    for call in calls.itertuples():
        items = [i for i in json.loads(str(call.reasons))["items"] if round(i["points"])]
        said = "; ".join(f"{i['label']}: {i['value']} ({i['points']:+.0f})" for i in items)
        score = f"{call.score:.0f}"
        rows.append([str(call.rank), str(call.lead_id), score, str(call.band), said])
    session.console.show(title, ["rank", "lead", "score", "band", "because"], rows)


def show_risks(session: Session, risks: pd.DataFrame, title: str) -> None:
    """Show reps with their chances to make quota, the strongest reasons beside each."""
    rows = []
    for risk in risks.to_dict("records"):
        items = [i for i in json.loads(risk["reasons"])["items"] if round(i["points"])][:3]
        said = "; ".join(f"{i['label']}: {i['value']} ({i['points']:+.0f})" for i in items)
        so_far = f"{risk['attained']:,.0f} of {risk['quota']:,.0f}"
        if risk["has_left"]:
            said = "has left the company"
        rows.append([str(risk["rep_id"]), chance_in_words(risk["p_attain"]), so_far, said])
    session.console.show(title, ["rep", "makes quota", "closed so far", "because"], rows)
