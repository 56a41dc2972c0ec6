"""What a lead's score is made of that no other lead has a part in: chance, evidence, reasons."""

from __future__ import annotations

import pandas as pd

from features.build import Examples
from training.leads.bundle import Bundle
from training.leads.explain import explain
from training.leads.reasons import as_json, reasons


def row_scores(examples: Examples, bundle: Bundle, each_side: int) -> pd.DataFrame:
    """Score examples one by one; a row comes out alike whatever rows stand beside it.

    Args:
        examples: open leads.
        bundle: the model.
        each_side: reasons for a lead, and as many against it, at most.

    Returns:
        `lead_id, cutoff, owner, p, evidence, reasons`, a row for each example.
    """
    explanation = explain(bundle, examples)
    rows = reasons(explanation, examples, each_side, bundle.precedents)
    texts = [as_json(row) for row in rows]
    return examples.keys.assign(
        p=explanation.probability,
        evidence=bundle.evidence.of_rows(examples.X),
        reasons=pd.Series(texts, index=examples.keys.index, dtype="str"),
    )
