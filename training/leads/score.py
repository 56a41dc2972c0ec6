"""Lead scores as of a moment: each open lead's chance, what a call is worth, rank and reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Floats
from features.build import Examples, build
from features.evidence import EvidenceState
from features.history.values import UNBELIEVABLE, as_it_stood, changes_of
from features.snapshot import CUTOFF, SNAPSHOT, censor
from features.storage.warehouse import Warehouse
from features.tables import LEADS
from training.call_params import CallParams
from training.calls.order import (
    LEARNED,
    RULE,
    Worth,
    last_touch,
    last_touch_columns,
    learned_worth,
    priority,
    tried_now,
    weighed,
)
from training.leads.bundle import Bundle
from training.leads.call_reasons import call_reasons
from training.leads.row_scores import row_scores
from training.leads.spread import spread_scores
from training.params import TrainingParams

BANDS = ((2.0, "hot"), (1.0, "warm"), (0.5, "cool"), (0.0, "cold"))
"""Bands by lift, the chance over the company's base rate: the first whose lift is reached."""
UNSUPPORTED = BANDS[1:]
"""Bands of a fallback: it rests on nothing that would make a lead hot."""
NOT_TO_BE_CONTACTED = "do not contact"
NEVER_LISTED: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True)
class Listing:
    """How scores are put into the contract's form.

    Attributes:
        version: of the model in the registry.
        reasons: for a lead, and as many against it, at most.
        calls: how leads are ordered by what a call is worth.
    """

    version: str
    reasons: int
    calls: CallParams

    @classmethod
    def of(cls, version: str, params: TrainingParams) -> Listing:
        """Take the settings of a model's version."""
        return cls(version, params.scoring.reasons, params.calls)


def score_leads(
    warehouse: Warehouse, bundle: Bundle, listing: Listing, as_of: datetime
) -> pd.DataFrame:
    """Score every lead that is open at a moment and rank it within its owner's list.

    Args:
        warehouse: the history.
        bundle: the model.
        listing: its version, how many reasons each lead gets, and how leads are ordered.
        as_of: the cutoff.

    Returns:
        The rows of `lead_scores.parquet`, best first within each owner; leads without an owner are
        ranked as one pool.
    """
    if warehouse.is_spread:
        rows = spread_scores(warehouse, bundle, as_of, listing.reasons)
    else:
        features = bundle.listed_features
        examples = build(warehouse, features, bundle.vocabulary, [as_of], bundle.params)
        rows = row_scores(examples, bundle, listing.reasons)
    values = with_amounts(value_of(warehouse, rows), listing.calls)
    return _listed(rows, bundle, listing, values)


def order_calls(
    warehouse: Warehouse,
    bundle: Bundle,
    calls: CallParams,
    as_of: datetime,
    days_since_listed: Mapping[str, float] = NEVER_LISTED,
) -> pd.DataFrame:
    """Put the open leads of a moment in the order in which to call them, and tell no reasons.

    The order is that of `score_leads`, at a small part of its cost.

    Args:
        warehouse: the history.
        bundle: the model.
        calls: the weights of the formula.
        as_of: the cutoff.
        days_since_listed: of leads that stood on a list, which counts as a touch.

    Returns:
        `lead_id, priority`, without the leads that must not be contacted.
    """
    names = last_touch_columns(bundle.vocabulary)
    features = bundle.listed_features
    if bundle.calls is not None:
        own = frozenset((*bundle.calls.columns, *names))
        features = features.without(frozenset(features.names) - own)
    examples = build(warehouse, features, bundle.vocabulary, [as_of], bundle.params)
    values = value_of(warehouse, examples.keys)
    if bundle.calls is None:
        worth = Worth.by_rule(bundle.probability(examples.X))
    else:
        estimates = bundle.calls.estimates(examples.X)
        worth = learned_worth(*estimates, bundle.calls.usual_reach, calls)
    counted = with_amounts(values, calls)["counted"].to_numpy()
    listed = examples.keys["lead_id"].map(days_since_listed).fillna(np.inf).to_numpy(np.float64)
    days = np.minimum(last_touch(examples.X, bundle.vocabulary), listed)
    ranked = examples.keys[["lead_id"]].assign(priority=priority(worth, counted, days, calls))
    return ranked[~values["is_barred"].to_numpy()]


def value_of(warehouse: Warehouse, leads_at: pd.DataFrame) -> pd.DataFrame:
    """Fetch what ranking needs besides features, as the cutoff may see it.

    Args:
        warehouse: the history.
        leads_at: open leads and their cutoffs: `lead_id, cutoff`.

    Returns:
        A row for each lead: `value`, the expected amount as it stood then, and `is_barred`:
        whether the lead had asked not to be contacted.
    """
    keys = leads_at[["lead_id", CUTOFF]].assign(**{SNAPSHOT: np.arange(len(leads_at))})
    schema = {"lead_id": "string", CUTOFF: "timestamp(6)", SNAPSHOT: "int64"}
    leads = warehouse.ever("leads").select("lead_id", "value", *LEADS.end_of_story)
    rows = ibis.memtable(keys, schema=schema).inner_join(leads, "lead_id")
    rows = censor(rows, LEADS, rows[CUTOFF])
    changes = changes_of(warehouse, "lead", "lead_id")
    rows = as_it_stood(rows, changes, "lead_id", {"value": "value"})
    frame = warehouse.arrow(rows.select(SNAPSHOT, "value", "do_not_contact_at")).to_pandas()
    frame = frame.set_index(SNAPSHOT).reindex(keys[SNAPSHOT]).reset_index(drop=True)
    is_barred = frame["do_not_contact_at"].notna().to_numpy()
    return pd.DataFrame({"value": frame["value"], "is_barred": is_barred})


def score_examples(
    examples: Examples, bundle: Bundle, listing: Listing, values: pd.DataFrame
) -> pd.DataFrame:
    """Score examples that are built already.

    Args:
        examples: open leads at one cutoff, with the features that `listed_features` names.
        bundle: the model.
        listing: its version, how many reasons each lead gets, and how leads are ordered.
        values: of the same leads, from `with_amounts`.
    """
    return _listed(row_scores(examples, bundle, listing.reasons), bundle, listing, values)


def _listed(
    rows: pd.DataFrame, bundle: Bundle, listing: Listing, values: pd.DataFrame
) -> pd.DataFrame:
    """Put scores into the contract's form and rank them."""
    p, barred = rows["p"].to_numpy(), values["is_barred"].to_numpy()
    days, counted = rows["days_since_touch"].to_numpy(), values["counted"].to_numpy()
    worth = Worth.by_rule(p)
    if bundle.calls is not None:
        reach, gain, missed = (rows[name].to_numpy() for name in ("reach", "gain", "missed"))
        usual = bundle.calls.usual_reach
        worth = learned_worth(reach, gain, missed, usual, listing.calls)
    parts = rows.assign(
        tried_now=tried_now(worth.tried, days, listing.calls),
        value=values["value"].to_numpy(),
        counted=counted,
        tried=worth.tried * counted,
    )
    frame = pd.DataFrame(
        {
            "lead_id": rows["lead_id"],
            "rep_id": rows["owner"],
            "as_of": rows[CUTOFF],
            "horizon_days": bundle.horizon_days,
            "p": p,
            "score": 100 * p,
            "reach": rows["reach"],
            "gain": rows["gain"],
            "priority": np.where(barred, 0.0, priority(worth, counted, days, listing.calls)),
            "band": np.where(barred, NOT_TO_BE_CONTACTED, bands(p, bundle)),
            "evidence": rows["evidence"],
            "reasons": rows["reasons"],
            "call_reasons": pd.Series(
                call_reasons(parts, is_learned=bundle.calls is not None),
                index=rows.index,
                dtype="str",
            ),
            "call_evidence": RULE if bundle.calls is None else LEARNED,
            "model_version": listing.version,
        }
    )
    return rank(frame)


def rank(frame: pd.DataFrame) -> pd.DataFrame:
    """Number each owner's leads by priority, 1 first; leads without an owner are one pool.

    Ties go to the likelier lead, then to the lesser id. Leads that must not be contacted have no
    rank, and come last:

    | rep | lead | priority | band           | rank |
    |-----|------|----------|----------------|------|
    | r1  | L3   | 40       | hot            | 1    |
    | r1  | L1   | 0        | cold           | 2    |
    | r1  | L2   | 0        | do not contact |      |
    """
    barred = frame["band"] == NOT_TO_BE_CONTACTED
    ordered = frame.assign(barred=barred).sort_values(
        ["rep_id", "barred", "priority", "p", "lead_id"],
        ascending=[True, True, False, False, True],
        na_position="last",
        kind="stable",
    )
    is_barred = ordered["barred"].to_numpy(np.bool_)
    ordered = ordered.drop(columns="barred")
    places = ordered.groupby("rep_id", dropna=False, sort=False).cumcount() + 1
    ranks = places.astype("Int64").mask(is_barred)
    ordered.insert(list(frame.columns).index("priority") + 1, "rank", ranks)
    return ordered.reset_index(drop=True)


def bands(p: Floats, bundle: Bundle) -> npt.NDArray[np.str_]:
    """Return the band of each chance: by how many times the company's base rate it is."""
    lift = p / bundle.base_rate
    bands = UNSUPPORTED if bundle.evidence.state is EvidenceState.NONE else BANDS
    return np.select([lift >= least for least, _ in bands], [name for _, name in bands], "cold")


def with_amounts(values: pd.DataFrame, calls: CallParams) -> pd.DataFrame:
    """Return what `value_of` fetched of all leads ranked together, with what amounts count as.

    Both depend on the middle amount of all of them, so whoever ranks a few takes them from all.

    Returns:
        `value`, as it is believed, `counted`, what it counts as, and `is_barred`.
    """
    value = believed_value(values["value"])
    return values.assign(value=value, counted=weighed(value.to_numpy(), calls))


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
