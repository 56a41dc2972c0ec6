"""Requests and answers about one rep: the sheet, what-if, reasons, commits: the public API."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from serving.api.fields import Contract, Id, MaybeId, MaybeMoment, Moment, Text, field
from serving.api.lead_contracts import Answer
from serving.api.rep_contracts import RepOutlookRequest
from serving.api.work_contracts import KEY, Key, Received
from training.evaluation.commit_history import Verdict

ASSOCIATION = (
    "This is an association: reps with such numbers had such results. It does not say that raising "
    "one of them by will leaves the others as they are."
)
Factor = Annotated[float, Field(ge=0.25, le=4.0, allow_inf_nan=False)]
Money = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]


class CoachSheetRequest(Contract):
    """Asks for the 1:1 sheet of a rep. The rep reads the same facts as the manager."""

    rep_id: Id = field("The rep.", "rep-7")


class CoachSheet(Contract):
    """The 1:1 sheet of a rep: the same as `pacesetter coach REP --json`."""

    rep_id: str = field("The rep.", "rep-7")
    as_of: Moment = field("The moment the sheet is for.", "2025-03-31T00:00:00Z")
    purpose: str = field("What the sheet is for.", "For coaching, not for employment decisions.")
    sheet: dict[str, Any] = field(
        "Causes, equal grounds, reasons, numbers, advice, goals, pairings, plan, items, contested "
        "figures, the sentences for both readers (`says`), and what cannot be told (`missing`).",
        {"causes": [], "numbers": [], "says": {}},
    )


class WhatIfRequest(Contract):
    """Asks what a rep's forecast would be with other numbers. 1 changes nothing."""

    rep_id: Id = field("The rep.", "rep-7")
    volume: Factor = field("Multiplies the number of new deals.", 1.2, default=1.0)
    win_rate: Factor = field("Multiplies the chances to win.", 1.1, default=1.0)
    deal_size: Factor = field("Multiplies the amounts of new deals.", 1.0, default=1.0)


class WhatIfForecast(Contract):
    """A forecast of one quota period, as it is or with changed factors."""

    p_attain: float = field("Chance to make quota, 0 to 1.", 0.41)
    attainment_p10: float = field("Low end: 1 in 10 futures lies below.", 0.72)
    attainment_p50: float = field("The middle of the futures.", 0.94)
    attainment_p90: float = field("High end: 1 in 10 futures lies above.", 1.21)
    attained: float = field("Closed so far.", 41_000.0)
    expected_open: float = field("What open deals bring, on average.", 22_000.0)
    expected_new: float = field("What new deals bring, on average.", 31_000.0)


class WhatIfPeriod(Contract):
    """One running quota period."""

    period_start: Moment = field("Its first moment.", "2025-01-01T00:00:00Z")
    period_end: Moment = field("Its end, exclusive.", "2025-04-01T00:00:00Z")
    quota: float = field("The target.", 100_000.0)
    now: WhatIfForecast = Field(description="The forecast as it is.")
    then: WhatIfForecast = Field(description="The forecast with the changed factors.")


class WhatIfAnswer(Answer):
    """How a rep's forecast moves with volume, win rate and deal size."""

    rep_id: str = field("The rep.", "rep-7")
    says: str = field("How to read it.", ASSOCIATION)
    periods: list[WhatIfPeriod] = Field(description="One per running quota period.")


class ExplainRepRequest(RepOutlookRequest):
    """Asks for the reasons behind a rep's forecast."""


class RepExplanation(Answer):
    """Why a rep's chance to make quota is what it is."""

    rep_id: str = field("The rep.", "rep-7")
    periods: list[dict[str, Any]] = field(
        "One per running quota period: the forecast, `reasons` (base, points and rest add up to "
        "the chance in percent) and `contrast` with comparable peers.",
        [{"p_attain": 0.41, "reasons": {}, "contrast": None}],
    )


class ForecastSent(Contract):
    """What a rep commits to for a quota period. It stands beside the model's forecast."""

    key: Key = field(KEY, "9b2f8a3e-commit-q1")
    rep_id: Id = field("Whose number.", "rep-7")
    period_start: MaybeMoment = field(
        "The first moment of the quota period. Default: the running one.",
        "2025-01-01T00:00:00Z",
        default=None,
    )
    commit: Money = field("The amount committed to.", 95_000.0)
    best_case: Money | None = field("What may come if all goes well.", 120_000.0, default=None)


class ForecastHistoryRequest(Contract):
    """Asks what a rep committed to, and what came of it."""

    rep_id: Id = field("The rep.", "rep-7")


class Said(Contract):
    """One number that was said."""

    made_at: Moment = field("When.", "2025-01-20T09:00:00Z")
    by: str = field("Who entered it.", "Ann Lee")
    commit: float = field("The amount committed to.", 95_000.0)
    best_case: float | None = field("What may come if all goes well.", 120_000.0)


class CommitHistoryPeriod(Contract):
    """One quota period with its numbers."""

    period_start: Moment = field("Its first moment.", "2025-01-01T00:00:00Z")
    period_end: Moment = field("Its end, exclusive.", "2025-04-01T00:00:00Z")
    quota: float = field("The target.", 100_000.0)
    said: list[Said] = Field(description="Every number, in the order in which it was said.")
    judged: float = field("The last number said by the middle of the period.", 95_000.0)
    attained: float | None = field("What was closed; null while the period runs.", 88_000.0)
    error: float | None = field(
        "How far the judged number was too high, as a share of the quota.", 0.07
    )


class Bias(Contract):
    """How far a rep's numbers are off as a rule, told apart from luck."""

    periods: int = field("Ended periods with a number.", 6)
    mean_error: float = field("The plain mean of the errors, as shares of the quota.", 0.12)
    bias: float = field("The same, less what luck could have added.", 0.09)
    low: float = field("Low end of its 90 % interval.", 0.01)
    high: float = field("High end.", 0.17)
    luck: float = field("How far luck moves a single period, as a standard deviation.", 0.15)
    verdict: Literal[Verdict.HIGH, Verdict.LOW, Verdict.LUCK, Verdict.FEW] = field(
        "What that shows.", "too high"
    )


class ForecastHistory(Contract):
    """What a rep committed to, period by period. Nothing said is ever overwritten."""

    rep_id: str = field("The rep.", "rep-7")
    as_of: Moment = field("The moment the answer is for.", "2025-03-31T00:00:00Z")
    received: Received | None = Field(
        description="What became of the number that was sent; null for a question."
    )
    periods: list[CommitHistoryPeriod] = Field(description="The oldest first.")
    bias: Bias | None = Field(description="Null before a period with a number has ended.")


class AnnotationSent(Contract):
    """A remark beside a rep's sheet, a contested figure, or the answer to one."""

    rep_id: Id = field("Whose sheet.", "rep-7")
    what: Literal["note", "contest", "answer"] = field("What is written.", "contest")
    figure: MaybeId = field(
        "The contested figure, by its name on the sheet.", "attained", default=None
    )
    item: int | None = field(
        "The number of the contested figure that is answered.", None, default=None, ge=1,
        strict=True,
    )  # fmt: skip
    text: Text = field("In your words.", "One deal is not mine.")


class Annotations(Contract):
    """What stands beside a rep's sheet."""

    rep_id: str = field("The rep.", "rep-7")
    kept: list[dict[str, Any]] = field("The lines that were added.", [{"item": 4}])
    contested: list[str] = field("Figures that are contested and not answered.", ["attained"])
