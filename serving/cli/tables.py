"""Forecasts as small tables in a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from serving.cli.session import Session
from serving.wording.calls import reasons_in_words
from serving.wording.forecasts import RepForecast
from serving.wording.reps import period_in_words, rep_chance

if TYPE_CHECKING:
    import pandas as pd

BECAUSE = ("because of", "value", "points", "at the usual", "of such leads converted")
BESIDE = ("because of", "value", "points", "usual", "at the usual")
GROUPS = ("you can change", "manager or company can change", "the lead's or market's own")
"""Reasons that somebody can act on come first; whatever group is not named comes last."""


def show_calls(session: Session, calls: pd.DataFrame, title: str) -> None:
    """Show a call list as a small table, why to call and the chance's reasons beside each lead."""
    rows = []
    for call in calls.itertuples():
        items = [i for i in json.loads(str(call.reasons))["items"] if round(i["points"])]
        said = "; ".join(f"{i['label']}: {i['value']} ({i['points']:+.0f})" for i in items)
        score = f"{call.score:.0f}"
        why = reasons_in_words(str(call.call_reasons))
        rows.append([str(call.rank), str(call.lead_id), why, score, str(call.band), said])
    columns = ["rank", "lead", "why call now", "score", "band", "because of"]
    session.console.show(title, columns, rows)


def show_risks(session: Session, risks: pd.DataFrame, title: str) -> None:
    """Show reps with their chances to make quota, the strongest reasons beside each."""
    rows = []
    for risk in risks.to_dict("records"):
        items = [i for i in json.loads(risk["reasons"])["items"] if round(i["points"])][:3]
        said = "; ".join(f"{i['label']}: {i['value']} ({i['points']:+.0f})" for i in items)
        if risk["has_left"]:
            said = ""
        elif risk["evidence"] != "enough":
            said = str(risk["evidence_says"])
        so_far = f"{risk['attained']:,.0f} of {risk['quota']:,.0f}"
        rows.append([str(risk["rep_id"]), rep_chance(RepForecast.from_row(risk)), so_far, said])
    session.console.show(title, ["rep", "makes quota", "closed so far", "because"], rows)


def show_lead(session: Session, row: Mapping[str, Any]) -> None:
    """Show why a lead's chance is what it is, by who can change it."""
    reasons = row["reasons"]
    lines = [
        ["a lead like any other", "", f"{reasons['base']:+.1f}", "", _of_all(reasons)],
        *_grouped(reasons, _of_lead),
        [f"chance within {row['horizon_days']} days, in %", "", f"{row['score']:.1f}", "", ""],
    ]
    title = f"Lead {row['lead_id']} as of {row['as_of']:%Y-%m-%d %H:%M} ({row['band']})"
    session.console.show(title, BECAUSE, lines)
    if row["rank"] is not None:
        why = row["call_reasons"]
        told = "; ".join([*why["news"], why["says"]])
        session.console.say(f"place {row['rank']} on the owner's list, to call now: {told}")
    for trend in row["trend"]:
        session.console.say(trend["says"])


def show_rep(session: Session, row: Mapping[str, Any]) -> None:
    """Show where a rep stands in a quota period, and why, beside everybody and beside peers.

    A rep who has left has no forecast, nor does one of whom nothing is known: then there are no
    reasons to show.
    """
    period = period_in_words(row["period_start"], row["period_end"])
    title = f"Rep {row['rep_id']}, quota of {period}, as of {row['as_of']:%Y-%m-%d}"
    if row["has_left"] or row["evidence"] == "none" or not row["quota"] > 0:
        cells = [f"{row['quota']:,.0f}", f"{row['attained']:,.0f}"]
        cells.append(rep_chance(RepForecast.from_row(row)))
        session.console.show(title, ["quota", "closed so far", "makes quota"], [cells])
    else:
        lines = _sum_of_rep(row, row["reasons"], "a rep like any other")
        session.console.show(title, BESIDE, lines)
        _show_contrast(session, row)
    session.console.say(row["says"])


def _show_contrast(session: Session, row: Mapping[str, Any]) -> None:
    contrast = row["contrast"]
    if contrast["peers"] is None:
        session.console.say("There are too few reps with a quota in the period to compare with.")
        return
    lines = _sum_of_rep(row, contrast, "the peers' mean chance")
    session.console.show(f"Beside {contrast['peers']['says']}", BESIDE, lines)


def _sum_of_rep(row: Mapping[str, Any], reasons: Mapping[str, Any], base: str) -> list[list[str]]:
    chance = 100 * row["p_attain"]
    lines = [[base, "", f"{reasons['base']:+.1f}", "", ""], *_grouped(reasons, _of_rep)]
    if row["chance_withheld"]:
        return [*lines, ["no firm chance; at a guess, in %", "", f"about {chance:.0f}", "", ""]]
    return [*lines, ["chance to make quota, in %", "", f"{chance:.1f}", "", ""]]


def _grouped(
    reasons: Mapping[str, Any], cells: Callable[[Mapping[str, Any]], list[str]]
) -> list[list[str]]:
    """Put reasons below the name of their group, and what is left below all of them."""
    items = reasons["items"]
    others = [item["group"] for item in items if item["group"] not in GROUPS]
    rows: list[list[str]] = []
    for group in (*GROUPS, *dict.fromkeys(others)):
        own = [cells(item) for item in items if item["group"] == group]
        rows += [[f"{group}:", "", "", "", ""], *own] if own else []
    return [*rows, ["everything else", "", f"{reasons['rest']:+.1f}", "", ""]]


def _of_all(reasons: Mapping[str, Any]) -> str:
    """Say what share of all leads converted, beside which those of like leads are read."""
    rates = [item["history"]["all"] for item in reasons["items"] if item["history"]]
    return f"{100 * rates[0]:.1f} % of all" if rates else ""


def _of_lead(item: Mapping[str, Any]) -> list[str]:
    history = item["history"] or {}
    rate = history.get("rate")
    such = "" if rate is None else f"{100 * rate:.1f} % of {history['count']:,}"
    points, usual = f"{item['points']:+.1f}", f"{item['at_usual']:.1f}"
    return [f"  {item['label']}", item["value"], points, usual, such]


def _of_rep(item: Mapping[str, Any]) -> list[str]:
    points, at_usual = f"{item['points']:+.1f}", f"{item['at_usual']:.1f}"
    return [f"  {item['label']}", item["value"], points, item["usual"], at_usual]
