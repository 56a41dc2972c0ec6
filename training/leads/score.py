"""Scores as of a moment: each open lead's chance, its place in the owner's list, its reasons."""

from __future__ import annotations

from datetime import datetime

import ibis
import numpy as np
import pandas as pd

from features.build import Examples, build
from features.history.values import UNBELIEVABLE, as_it_stood, changes_of
from features.snapshot import CUTOFF, SNAPSHOT, censor
from features.storage.warehouse import Warehouse
from features.tables import LEADS
from training.leads.bundle import Bundle
from training.leads.explain import as_json, explain, reasons
from training.params import ScoringParams

BANDS = ((2.0, "hot"), (1.0, "warm"), (0.5, "cool"), (0.0, "cold"))
"""Bands by how often the company's base rate goes into the chance."""
NOT_TO_BE_CONTACTED = "do not contact"


def score_leads(
    warehouse: Warehouse, bundle: Bundle, version: str, as_of: datetime, params: ScoringParams
) -> pd.DataFrame:
    """Score every lead that is open at a moment and rank it within its owner's list.

    Args:
        warehouse: the history.
        bundle: the model.
        version: its name in the registry.
        as_of: the cutoff.
        params: how many reasons, and what makes priority.

    Returns:
        The columns of `lead_scores.parquet` in the contract, best first within each owner; leads
        without an owner are ranked as one pool.
    """
    examples = build(warehouse, bundle.feature_set, bundle.words, [as_of], bundle.params)
    return score_examples(examples, bundle, version, params, value_of(warehouse, examples))


def value_of(warehouse: Warehouse, examples: Examples) -> pd.DataFrame:
    """Fetch what ranking needs besides features: expected amounts and wishes not to be called.

    Both as the cutoff may see them: an amount that was changed later is the earlier one.
    """
    keys = examples.keys[["lead_id", CUTOFF]].assign(**{SNAPSHOT: np.arange(len(examples))})
    schema = {"lead_id": "string", CUTOFF: "timestamp(6)", SNAPSHOT: "int64"}
    leads = warehouse["leads"].select("lead_id", "value", *LEADS.end_of_story)
    rows = ibis.memtable(keys, schema=schema).inner_join(leads, "lead_id")
    rows = censor(rows, LEADS, rows[CUTOFF])
    changes = changes_of(warehouse, "lead", "lead_id")
    rows = as_it_stood(rows, changes, "lead_id", {"value": "value"})
    visible = warehouse.arrow(rows.select(SNAPSHOT, "value", "do_not_contact_at")).to_pandas()
    visible = visible.set_index(SNAPSHOT).reindex(keys[SNAPSHOT]).reset_index(drop=True)
    is_barred = visible["do_not_contact_at"].notna().to_numpy()
    return pd.DataFrame({"value": visible["value"], "is_barred": is_barred})


def score_examples(
    examples: Examples,
    bundle: Bundle,
    version: str,
    params: ScoringParams,
    about: pd.DataFrame,
) -> pd.DataFrame:
    """Score examples that are built already."""
    explanation = explain(bundle, examples)
    p = explanation.probability
    told = reasons(explanation, examples, params.reasons)
    barred = about["is_barred"].to_numpy()
    frame = pd.DataFrame(
        {
            "lead_id": examples.keys["lead_id"],
            "rep_id": examples.keys["owner"],
            "as_of": examples.keys[CUTOFF],
            "horizon_days": bundle.horizon_days,
            "p": p,
            "score": 100 * p,
            "band": np.where(barred, NOT_TO_BE_CONTACTED, _bands(p, bundle.base_rate)),
            "priority": np.where(barred, 0.0, _priority(p, about["value"], params)),
            "evidence": bundle.evidence.of_rows(examples.X),
            "reasons": pd.Series([as_json(made) for made in told], dtype="str"),
            "model_version": version,
        }
    )
    return rank(frame)


def rank(frame: pd.DataFrame) -> pd.DataFrame:
    """Number each owner's leads by priority, 1 first; leads without an owner are one pool.

    Who asked not to be contacted comes last, also among leads that are worth nothing.
    """
    barred = frame["band"] == NOT_TO_BE_CONTACTED
    ordered = frame.assign(barred=barred).sort_values(
        ["rep_id", "barred", "priority", "p", "lead_id"],
        ascending=[True, True, False, False, True],
        na_position="last",
        kind="stable",
    )
    ordered = ordered.drop(columns="barred")
    places = ordered.groupby("rep_id", dropna=False, sort=False).cumcount() + 1
    ordered.insert(list(frame.columns).index("evidence"), "rank", places.astype("int64"))
    return ordered.reset_index(drop=True)


def _bands(p: np.ndarray, base_rate: float) -> np.ndarray:
    lift = p / base_rate
    return np.select([lift >= least for least, _ in BANDS], [name for _, name in BANDS], "cold")


def _priority(p: np.ndarray, value: pd.Series, params: ScoringParams) -> np.ndarray:
    if params.priority == "probability":
        return 100 * p
    return p * believed_value(value).to_numpy()


def believed_value(value: pd.Series) -> pd.Series:
    """Return what each lead counts as worth, in the currency of `value`.

    A lead without an amount, or with one that nobody would believe, is taken at the middle one, so
    that it neither starves nor leads.

    Args:
        value: of all leads that are ranked together.
    """
    believed = value.where(value.abs() < UNBELIEVABLE).clip(lower=0.0)
    middle = float(believed.median()) if believed.notna().any() else 1.0
    return believed.fillna(middle)
