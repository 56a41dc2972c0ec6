"""What a model card says of a kind of model whatever its figures, and which articles ask for it.

The articles are of the EU AI Act, Regulation (EU) 2024/1689. A system that evaluates staff is of
high risk by its Annex III, point 4(b).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

NOT_ADVICE = (
    "Each section names the articles of the EU AI Act (Regulation (EU) 2024/1689) that ask for "
    "something like it. The card is material for that file; it is not legal advice, not a "
    "conformity assessment, and not complete: a risk management system (Art. 9), cybersecurity "
    "(Art. 15(5)) and a monitoring plan (Art. 72) are not in it."
)
INTENDED = (
    "Coaching: it shows a manager and the rep concerned where help is worth most, with reasons.",
    "Planning the next calls and the next conversations.",
)
FORBIDDEN = (
    (
        "Hiring, firing, pay, promotion, warnings, or any other employment decision, neither as "
        "the ground nor as one of several. It was not tested for that, and its errors are too "
        "large."
    ),
    (
        "Comparing two people. A forecast says what is likely for somebody in that situation; "
        "territory, lead supply, quota and luck are in it."
    ),
    "Decisions without a person who can disagree with it (GDPR Art. 22).",
    "Customers or data other than those it learned from: train a model of their own.",
)
OVERSIGHT = (
    (
        "Nothing happens by itself: a forecast orders a list that people read. Nobody is called, "
        "messaged or assessed automatically."
    ),
    (
        "Every forecast comes with its reasons in percentage points (pacesetter explain), and "
        "says so where it rests on little."
    ),
    (
        "A named person can put any registered model in charge, or back (pacesetter promote --by "
        "NAME --reason TEXT, pacesetter rollback); who did so, and why, stays in the promotion "
        "log."
    ),
    (
        "A rep can contest a figure: pacesetter explain rep ID shows what it was made of, and "
        "the same score can be computed again to the bit. Wrong data are corrected in the CRM; "
        "the next ingest brings them in."
    ),
    (
        "The employer names people with the competence, training and authority to overrule it "
        "(Art. 26(2)), and informs workers' representatives and the workers before it is used "
        "(Art. 26(7))."
    ),
)
LOGS = (
    (
        "Promotion log (HOME/data/store.sqlite): every change of champion with time, person, "
        "reason, figures, and fingerprints of data and features. Lines can be added only; kept "
        "until the home is removed."
    ),
    (
        "Runs (HOME/mlruns): settings, figures, report, audit, features and the model itself for "
        "every training. Kept until somebody removes them."
    ),
    (
        "Warehouse (HOME/data/warehouses): the extract in use and the one before; the next ingest "
        "removes older ones. Rejected rows stay in HOME/data/quarantine until the next ingest."
    ),
    (
        "The model is plain text: weights, trees and the words of categories. It holds no name of "
        "a person and no row of the data."
    ),
    (
        "Art. 26(6) asks the employer to keep the system's logs for at least six months. The "
        "service logs to its own output: keep that, and whatever files of scores are shown to "
        "people."
    ),
)


@dataclass(frozen=True)
class Words:
    """What is always true of a kind of model.

    Attributes:
        title: what it is called.
        what: what it forecasts and how, in sentences.
        whom: for whom.
        population: what it was learned from.
        label: what counts as the outcome.
        blind: what it cannot see.
        metrics: what figures tables show, by key.
        flag: what the audit calls a flag, in a sentence.
    """

    title: str
    what: tuple[str, ...]
    whom: str
    population: str
    label: str
    blind: tuple[str, ...]
    metrics: tuple[str, ...]
    flag: str


_CANNOT_SEE = (
    "What is not in the CRM: talks that nobody logged, budgets, rivals, health, family, moods.",
    "A market unlike any in its past. It repeats what the past taught, unfair habits included.",
    "Causes. That a feature moves a forecast does not say that to change it changes the outcome.",
)

WORDS: Mapping[str, Words] = MappingProxyType(
    {
        "leads": Words(
            title="Lead conversion",
            what=(
                "It gives every open lead a chance to convert within the horizon.",
                (
                    "Half of each forecast comes from boosted trees, half from a logistic "
                    "regression of the same features; the result is calibrated on later leads."
                ),
            ),
            whom="Sales reps, who decide whom to call next, and their managers.",
            population="Leads that were open at past cutoffs and whose horizon is over.",
            label="Converted within the horizon after the cutoff, by the CRM's own field.",
            blind=(
                "The quality of a call: it sees that there was one, and for how long.",
                *_CANNOT_SEE,
            ),
            metrics=("auc", "lift", "brier", "log_loss", "ece", "calibration_slope"),
            flag='A lead is "hot" when its chance is at least twice the company\'s rate. Hot leads '
            "are welcome, so a group whose owners get few of them may be treated unfavourably.",
        ),
        "quota": Words(
            title="Quota attainment",
            what=(
                "It gives every rep with a running quota a chance to reach it, and a range.",
                (
                    "It draws many futures: each open deal is won or lost by its own chance (a "
                    "regression and trees), new business is added at the rep's pace, and amounts "
                    "and luck in common vary."
                ),
            ),
            whom="Managers, who decide whom to help first, and the reps themselves.",
            population="Reps with a quota at past cutoffs, and their open deals.",
            label="Attained: won amounts closed in the period, divided by the quota.",
            blind=(
                "Whether a quota is fair: one set too high looks like a rep at risk.",
                *_CANNOT_SEE,
            ),
            metrics=("auc", "precision", "recall", "brier", "pinball", "coverage"),
            flag='A rep is "at risk" when the chance to make quota is below one half. It is a '
            "warning, so a group that is warned often, or wrongly, may be treated unfavourably.",
        ),
    }
)
