"""Columns of leads and accounts that tell the end of the story instead of its beginning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Floats
from features.history.vocabulary import Vocabulary
from features.storage.warehouse import Warehouse
from training.checks.column_auc import FEWEST, sample_of, separation
from training.checks.finding import Finding, Severity
from training.checks.lead_outcomes import A_DEAL, ENDED, counts_of_life, endings, events_of_life

TOO_GOOD = 0.95
"""As for features: nothing known at the beginning tells any ending so well."""
COUNTED = 0.5
"""The share of a number explained by counts of later activities from which on it is suspected."""
SURELY_COUNTED = 0.9
"""The same for a number that a person vouched for."""
FEW_WORDS = 50
RULED_OUT = 0.25
"""A value whose leads convert this much less often than the others' all but rules it out."""
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
        used: it is a feature, or features are made of it.
    """

    table: str
    column: str
    numbers: Floats
    ordered: bool
    used: bool

    def tells(self, y: Floats, leads: npt.NDArray[np.object_]) -> float | None:
        """Give the AUC with which it tells y, if that is surely too good; else None."""
        known = ~np.isnan(y)
        sample = sample_of(y[known], leads[known])
        if not sample.enough:
            return None
        area = separation(self.numbers[known], sample, ordered=self.ordered)
        return area if sample.low(area) > TOO_GOOD else None


def attribute_findings(
    warehouse: Warehouse, horizon_days: int, words: Vocabulary
) -> Iterator[Finding]:
    """Judge every column of leads and accounts that is not a clock.

    Args:
        warehouse: cut to the moment of the audit.
        horizon_days: from which age on an open lead counts as not converted.
        words: tells which columns are features.
    """
    frame = endings(warehouse, horizon_days)
    counts = counts_of_life(warehouse, frame.lead_id)
    events = events_of_life(warehouse, frame, words)
    for one in attributes(frame, words):
        if len(np.unique(one.numbers)) > 1:
            yield from _judge(one, frame, counts, events)


def attributes(frame: pd.DataFrame, words: Vocabulary) -> Iterator[Attribute]:
    """Make numbers of columns."""
    for name in frame.columns:
        if name in NOT_COLUMNS:
            continue
        table, column = name.split(".", 1) if name.startswith("accounts.") else ("leads", name)
        used = f"{table}.{column}" in words.columns or name == "rep_id"
        if name == "account_id":
            used = any(full.startswith("accounts.") for full in words.columns)
        values, ordered = _numbers(frame[name])
        yield Attribute(table, column, values, ordered, used)


def _numbers(column: pd.Series) -> tuple[Floats, bool]:
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
    one: Attribute, frame: pd.DataFrame, counts: Floats, events: Mapping[str, Floats]
) -> Iterator[Finding]:
    """Give the gravest thing there is to say about a column."""
    leads, outcome = frame.lead_id.to_numpy(), frame.outcome.to_numpy()
    area = one.tells(outcome, leads)
    if area is not None:
        what = f"tells the outcome (AUC {area:.3f} over {len(outcome):,} leads)"
        yield _finding(one, "tells_outcome", what, "error" if one.used else "warning")
        return
    share = _counted(one, _age(frame), counts)
    if share >= (SURELY_COUNTED if one.used else COUNTED):
        what = f"counts what happens to the lead later ({share:.0%} of it is its later activities)"
        yield _finding(one, "counts_later", what, "error" if one.used else "warning")
        return
    for event, came in events.items():
        area = one.tells(came, leads)
        if area is not None:
            sure = one.used and event in {ENDED, A_DEAL}
            what = f"tells {event} (AUC {area:.3f}), so it is filled afterwards"
            yield _finding(one, "filled_later", what, "error" if sure else "warning")
            return
    if not one.used and one.column not in OWN:
        yield from _ruled_out(one, outcome)


def _age(frame: pd.DataFrame) -> Floats:
    age = frame.created_at.to_numpy("datetime64[us]").astype(np.float64)
    return (age - age.mean()) / max(age.std(), 1.0)


def _counted(one: Attribute, age: Floats, counts: Floats) -> float:
    """Give the share of a number's variance that counts of later activities explain.

    By least squares on one half of the leads, judged on the other, beyond what the lead's age
    explains: counts grow with age, and so may a number that has nothing to do with them.
    """
    known = np.flatnonzero(~np.isnan(one.numbers))
    if not one.ordered or len(known) < 4 * counts.shape[1] or counts.shape[1] == 0:
        return 0.0
    values = one.numbers[known]
    if len(np.unique(values)) <= 2:  # noqa: PLR2004 - yes or no
        return 0.0
    base = np.column_stack([np.ones(len(known)), age[known]])
    return _explained(values, np.column_stack([base, counts[known]])) - max(
        0.0, _explained(values, base)
    )


def _explained(values: Floats, design: Floats) -> float:
    fit, judge = slice(0, None, 2), slice(1, None, 2)
    weights = np.linalg.lstsq(design[fit], values[fit], rcond=None)[0]
    rest = values[judge] - np.einsum("ij,j->i", design[judge], weights)
    spread = float(values[judge].var())
    return 1 - float((rest**2).mean()) / spread if spread > 0 else 0.0


def _ruled_out(one: Attribute, outcome: Floats) -> Iterator[Finding]:
    """Find a value whose leads all but never convert, where many of them should have."""
    known = ~np.isnan(outcome)
    groups = pd.Series(outcome[known]).groupby(one.numbers[known], dropna=False)
    won, size = groups.sum().to_numpy(), groups.size().to_numpy()
    if len(size) > FEW_WORDS:
        return
    others = (won.sum() - won) / np.maximum(size.sum() - size, 1)
    worst = (size * others >= FEWEST) & (won <= RULED_OUT * size * others)
    if worst.any():
        i = int(np.argmax(np.where(worst, size, -1)))
        what = (
            f"has a value with which {won[i] / size[i]:.1%} of {int(size[i]):,} leads convert, "
            f"against {others[i]:.1%} of the others: a gate they pass later, or a rule"
        )
        yield _finding(one, "rules_out", what, "warning")


def _finding(one: Attribute, kind: str, what: str, severity: Severity) -> Finding:
    full = f"{one.table}.{one.column}"
    if not one.used:
        do = (
            "It is kept out; to use it, deliver its history in `changes`, or name it in "
            "features.known_at_creation if it is filled when the row is created and never after"
        )
    elif one.table == "leads" and one.column in OWN:
        do = "It is used as known at creation: deliver the value of then, or leave it out"
    else:
        do = "It is used since features.known_at_creation names it: take it off that list"
    return Finding(one.table, one.column, kind, severity, f"{full} {what}. {do}")
