"""One look at all that an extract is looked at for: leads, deals and reps as of a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from histories import Case
from looks import assert_bit_equal

from features.build import Examples, build
from features.definitions.deal import deal_features
from features.definitions.lead import lead_features
from features.definitions.rep import rep_features
from features.history.vocabulary import Vocabulary, read_vocabulary
from features.labels.attainment import (
    attained_parts,
    attainment,
    deal_endings,
    final_deals,
    new_business,
    won_before,
)
from features.labels.conversion import conversion
from features.storage.warehouse import Warehouse
from features.subjects import DEAL, LEAD, REP, Subject

DECLARED = {LEAD: lead_features, DEAL: deal_features, REP: rep_features}
AHEAD = timedelta(days=20)


@dataclass(frozen=True)
class Look:
    """What was seen of leads, deals or reps, and what became of them."""

    words: Vocabulary
    examples: Examples
    labels: pd.DataFrame


def look(
    warehouse: Warehouse,
    case: Case,
    subject: Subject,
    trained: datetime | None = None,
    cutoffs: Sequence[datetime] | None = None,
) -> Look:
    """Read words as of a moment of training, build examples, label them with what is known then.

    Args:
        warehouse: the history.
        case: how to look, and when unless said otherwise.
        subject: what to look at.
        trained: the moment of training.
        cutoffs: the moments to look from.
    """
    past = warehouse.until(case.trained if trained is None else trained)
    words = read_vocabulary(past, case.params, subject)
    declared = DECLARED[subject](words, case.params)
    moments = case.cutoffs if cutoffs is None else cutoffs
    examples = build(warehouse, declared, words, moments, case.params)
    return Look(words, examples, _labels(past, examples.keys, case, subject))


def _labels(past: Warehouse, keys: pd.DataFrame, case: Case, subject: Subject) -> pd.DataFrame:
    if subject is LEAD:
        return pd.DataFrame({"converted": conversion(past, keys, case.horizon_days)})
    ends, final = (keys["cutoff"] + AHEAD).to_numpy(), final_deals(past)
    if subject is DEAL:
        won = won_before(past, keys, ends, final)
        return deal_endings(past, keys, final).assign(won=won)
    parts = attained_parts(past, keys, final)
    later = new_business(past, keys, ends, final).add_prefix("new_")
    return parts.join(later).assign(ratio=attainment(past, keys, parts))


def as_of(warehouse: Warehouse, case: Case, moment: datetime, subject: Subject) -> Look:
    """Look at all cutoffs up to a moment with what was known at that moment."""
    cutoffs = [cutoff for cutoff in case.cutoffs if cutoff <= moment]
    return look(warehouse, case, subject, moment, cutoffs)


def all_as_of(warehouse: Warehouse, case: Case, moment: datetime) -> dict[str, Look]:
    """Look at everything as of a moment."""
    return {subject.kind: as_of(warehouse, case, moment, subject) for subject in DECLARED}


def assert_same_look(one: Look, other: Look) -> None:
    """Require the same words, and the same keys, values and labels to the last bit."""
    assert one.words == other.words
    assert_bit_equal(one.examples, other.examples)
    pd.testing.assert_frame_equal(one.labels, other.labels, check_exact=True)


def assert_same(one: Mapping[str, Look], other: Mapping[str, Look]) -> None:
    """Require the same of everything."""
    for kind, seen in one.items():
        assert_same_look(seen, other[kind])


def is_worth_it(looks: Mapping[str, Look]) -> bool:
    """Tell whether there was anything to compare: examples of leads and deals."""
    return all(len(looks[kind].examples) > 0 for kind in ("lead", "deal"))


def filled(column: pd.Series) -> list[str | None]:
    """Give a column's texts, None where it is empty."""
    return [value if isinstance(value, str) else None for value in column]


def same_numbers(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Require the same numbers in two tables of labels."""
    numbers = one.select_dtypes("number").columns
    np.testing.assert_array_equal(other[numbers], one[numbers])
