"""What a lead's score is made of that no other lead has a part in: chance, reasons, its call."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from features.build import Examples
from training.calls.order import last_touch
from training.leads.bundle import Bundle
from training.leads.call_reasons import news
from training.leads.explain import explain
from training.leads.reasons import as_json, reasons


def row_scores(examples: Examples, bundle: Bundle, each_side: int) -> pd.DataFrame:
    """Score examples one by one; a row comes out alike whatever rows stand beside it.

    Args:
        examples: open leads, with the features that `Bundle.listed_features` names.
        bundle: the model.
        each_side: reasons for a lead, and as many against it, at most.

    Returns:
        `lead_id, cutoff, owner, p, evidence, reasons, reach, gain, missed, days_since_touch,
        news` (what the lead did lately, as JSON), a row for each example; `missed` is the chance
        without being reached; it, reach and gain are empty where nothing is known of calls.
    """
    own = bundle.own_part(examples)
    explanation = explain(bundle, own)
    rows = reasons(explanation, own, each_side, bundle.precedents)
    texts = [as_json(row) for row in rows]
    reach, gain, missed = np.full((3, len(own)), np.nan)
    if bundle.calls is not None:
        reach, gain, missed = bundle.calls.estimates(examples.X)
    lately = [json.dumps(told, ensure_ascii=False) for told in news(examples, bundle.params)]
    return examples.keys.assign(
        p=explanation.probability,
        evidence=bundle.evidence.of_rows(own.X),
        reasons=pd.Series(texts, index=examples.keys.index, dtype="str"),
        reach=reach,
        # Being reached cannot lift a chance beyond 1.
        gain=np.minimum(gain, 1 - explanation.probability),
        missed=missed,
        days_since_touch=last_touch(examples.X, bundle.vocabulary),
        news=pd.Series(lately, index=examples.keys.index, dtype="str"),
    )
