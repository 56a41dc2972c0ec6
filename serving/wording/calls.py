"""Why a call is worth it, in a line."""

from __future__ import annotations

import json


def reasons_in_words(text: str) -> str:
    """Return what changed lately and the parts of the formula, from `call_reasons`.

    >>> reasons_in_words('{"news": ["came in 9 hours ago"], "says": "chance 12 %; 18,000"}')
    'came in 9 hours ago; chance 12 %; 18,000'
    """
    reasons = json.loads(text)
    return "; ".join([*reasons["news"], reasons["says"]])
