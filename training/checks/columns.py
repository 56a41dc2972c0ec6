"""Columns of leads and accounts that tell the end of the story instead of its beginning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Floats
from features.history.vocabulary import Vocabulary
from features.ingest.finding import Severity
from features.storage.warehouse import Warehouse
from training.checks.column_auc import FEWEST, best_auc, sample_of
from training.checks.finding import Finding
from training.checks.lead_outcomes import (
    BECAME_DEAL,
    ENDED,
    activity_counts,
    later_events,
    lead_outcomes,
)

TOO_GOOD = 0.95
"""As for features: nothing known at the beginning predicts any event so well."""
COUNTED = 0.5
"""A number is suspected if counts of later activities explain this share of its variance."""
SURELY_COUNTED = 0.9
"""The same for a number that a person vouched for."""
MOST_VALUES = 50
"""A column with more values than this has none that could be a gate."""
RULED_OUT = 0.25
"""A value whose leads convert at no more than this share of the others' rate rules it out."""
CLOCKS = frozenset({"created_at", "converted_at", "lost_at", "do_not_contact_at"})
NOT_COLUMNS = CLOCKS | {"lead_id", "outcome"}
OWN = frozenset({"source", "value", "rep_id", "account_id"})
"""Columns of leads that count as known at creation by the schema."""


@dataclass(frozen=True)
class Attribute:
    """A column, ready to be judged.

    Attributes:
        table: its table.
        column: its name there.
        numbers: its values, or numbers for words; NaN where missing.
        ordered: the numbers have an order.
        is_used: it is a feature, or features are made of it.
    """

    table: str
    column: str
    numbers: Floats
    ordered: bool
    is_used: bool

    def auc_if_too_good(self, y: Floats, leads: npt.NDArray[np.object_]) -> float | None:
        """Return the AUC with which it predicts y if that is surely too good; otherwise None."""
        known = ~np.isnan(y)
        sample = sample_of(y[known], leads[known])
        if not sample.is_enough:
            return None
        area = best_auc(self.numbers[known], sample, ordered=self.ordered)
        return area if sample.lower_bound(area) > TOO_GOOD else None


def attribute_findings(
    warehouse: Warehouse, horizon_days: int, vocabulary: Vocabulary
) -> Iterator[Finding]:
    """Judge every column of leads and accounts that is not a clock.

    Args:
        warehouse: cut to the moment of the audit.
        horizon_days: from which age on an open lead counts as not converted.
        vocabulary: says which columns are features.
    """
    frame = lead_outcomes(warehouse, horizon_days)
    counts = activity_counts(warehouse, frame.lead_id)
    events = later_events(warehouse, frame, vocabulary)
    for attribute in attributes(frame, vocabulary):
        if len(np.unique(attribute.numbers)) > 1:
            yield from _judge(attribute, frame, counts, events)


def attributes(frame: pd.DataFrame, vocabulary: Vocabulary) -> Iterator[Attribute]:
    """Turn columns into numbers."""
    for name in frame.columns:
        if name in NOT_COLUMNS:
            continue
        of_account = name.startswith("accounts.")
        table, column = name.split(".", 1) if of_account else ("leads", name)
        is_used = f"{table}.{column}" in vocabulary.columns or name == "rep_id"
        if name == "account_id":
            is_used = bool(vocabulary.columns_of("accounts"))
        values, ordered = _numbers(frame[name])
        yield Attribute(table, column, values, ordered, is_used)


def _numbers(column: pd.Series) -> tuple[Floats, bool]:
    """Return a column as numbers, and whether their order means something."""
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        plain: Floats = column.to_numpy(np.float64, na_value=np.nan)
        return plain, True
    if pd.api.types.is_datetime64_any_dtype(column):
        # A moment is judged by whether it is there: its size only tells old leads from new.
        return np.where(column.notna(), 1.0, 0.0), True
    parsed = pd.to_numeric(column, errors="coerce")
    if column.notna().any() and parsed.notna().sum() == column.notna().sum():
        return parsed.to_numpy(np.float64), True
    codes, _ = pd.factorize(column.astype("string"), sort=True)
    words: Floats = np.where(codes < 0, np.nan, codes.astype(np.float64))
    return words, False


def _judge(
    attribute: Attribute, frame: pd.DataFrame, counts: Floats, events: Mapping[str, Floats]
) -> Iterator[Finding]:
    """Find the gravest thing there is to say about a column, in this order.

    tells_outcome: it separates won leads from the others.
    counts_later: it counts the lead's activities, those of the future among them.
    filled_later: it separates leads that something happened to later from the others.
    rules_out: one of its values all but never converts.

    What is used as a feature makes forecasts wrong, so it is an error; what is kept out is a
    warning. So is a used column that separates leads by a stage they reached later: what was known
    at creation may have decided the stage.
    """
    leads, outcome = frame.lead_id.to_numpy(), frame.outcome.to_numpy()
    severity: Severity = "error" if attribute.is_used else "warning"
    area = attribute.auc_if_too_good(outcome, leads)
    if area is not None:
        what = f"tells the outcome (AUC {area:.3f} over {len(outcome):,} leads)"
        yield _finding(attribute, "tells_outcome", what, severity)
        return
    share = _explained_by_counts(attribute, _age(frame), counts)
    if share >= (SURELY_COUNTED if attribute.is_used else COUNTED):
        what = f"counts what happens to the lead later ({share:.0%} of it is its later activities)"
        yield _finding(attribute, "counts_later", what, severity)
        return
    for event, happened in events.items():
        area = attribute.auc_if_too_good(happened, leads)
        if area is not None:
            is_end = event in {ENDED, BECAME_DEAL}
            what = f"tells {event} (AUC {area:.3f}), so it is filled afterwards"
            yield _finding(attribute, "filled_later", what, severity if is_end else "warning")
            return
    if not attribute.is_used and attribute.column not in OWN:
        yield from _ruled_out(attribute, outcome)


def _age(frame: pd.DataFrame) -> Floats:
    """Return when leads were created, standardised."""
    created = frame.created_at.to_numpy("datetime64[us]").astype(np.float64)
    return (created - created.mean()) / max(created.std(), 1.0)


def _explained_by_counts(attribute: Attribute, age: Floats, counts: Floats) -> float:
    """Return the share of a number's variance that counts of activities explain.

    By least squares on one half of the leads, judged on the other half, and only beyond what the
    lead's age explains: counts grow with age, and so may a number that has nothing to do with them.

    Numbers without an order, yes-or-no columns and columns with fewer than four leads to each kind
    of activity explain nothing: 0.
    """
    known = np.flatnonzero(~np.isnan(attribute.numbers))
    if not attribute.ordered or len(known) < 4 * counts.shape[1] or counts.shape[1] == 0:
        return 0.0
    values = attribute.numbers[known]
    if len(np.unique(values)) <= 2:  # noqa: PLR2004 - yes or no
        return 0.0
    base = np.column_stack([np.ones(len(known)), age[known]])
    return _explained(values, np.column_stack([base, counts[known]])) - max(
        0.0, _explained(values, base)
    )


def _explained(values: Floats, design: Floats) -> float:
    """Return R² on every second lead of a least-squares fit to the others."""
    fit, judge = slice(0, None, 2), slice(1, None, 2)
    weights = np.linalg.lstsq(design[fit], values[fit], rcond=None)[0]
    rest = values[judge] - np.einsum("ij,j->i", design[judge], weights)
    spread = float(values[judge].var())
    return 1 - float((rest**2).mean()) / spread if spread > 0 else 0.0


def _ruled_out(attribute: Attribute, outcome: Floats) -> Iterator[Finding]:
    """Find a value whose leads all but never convert, where many of them should have."""
    known = ~np.isnan(outcome)
    groups = pd.Series(outcome[known]).groupby(attribute.numbers[known], dropna=False)
    won, size = groups.sum().to_numpy(), groups.size().to_numpy()
    if len(size) > MOST_VALUES:
        return
    others = (won.sum() - won) / np.maximum(size.sum() - size, 1)
    is_gate = (size * others >= FEWEST) & (won <= RULED_OUT * size * others)
    if is_gate.any():
        i = int(np.argmax(np.where(is_gate, size, -1)))
        what = (
            f"has a value with which {won[i] / size[i]:.1%} of {int(size[i]):,} leads convert, "
            f"against {others[i]:.1%} of the others: a gate they pass later, or a rule"
        )
        yield _finding(attribute, "rules_out", what, "warning")


def _finding(attribute: Attribute, kind: str, what: str, severity: Severity) -> Finding:
    """Say what was found, and what to do about it."""
    full = f"{attribute.table}.{attribute.column}"
    if not attribute.is_used:
        do = (
            "It is kept out; to use it, deliver its history in `changes`, or name it in "
            "features.known_at_creation if it is filled when the row is created and never after"
        )
    elif attribute.table == "leads" and attribute.column in OWN:
        do = "It is used as known at creation: deliver the value of then, or leave it out"
    else:
        do = "It is used since features.known_at_creation names it: take it off that list"
    return Finding(attribute.table, attribute.column, kind, severity, f"{full} {what}. {do}")
