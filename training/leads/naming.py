"""What naming attribute columns as known at creation would bring to lead forecasts.

A column without a history is a feature only if params.yaml names it, and nobody knows to name it.
Here the columns that look known at creation go down the very path a model's features go: the
settings are extended by their names, features are built, and the logistic regression is fitted with
and without them to earlier cutoffs. Both are compared on later ones, a gap of one horizon apart.
A column that the audit suspects is not tried: a leak brings the most of all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from scipy.special import expit

from features.arrays import Bools, Floats
from features.build import Examples, build
from features.clock import MOMENT
from features.definitions.lead import lead_features, own_columns
from features.history.vocabulary import read_vocabulary
from features.ingest.at_creation import ColumnLook
from features.ingest.proposals import evidence, listed, pasteable, propose, why_not
from features.ingest.protected import find_protected, not_used
from features.labels.conversion import conversion
from features.params import FeatureParams
from features.snapshot import CUTOFF
from features.storage.catalog import NO_EVENTS
from features.storage.warehouse import Warehouse
from features.texts import slugs
from training.checks.canaries import spaced
from training.checks.column_auc import roc_auc, sample_of
from training.checks.finding import Finding
from training.checks.suspicion import suspicious_features
from training.cutoffs import training_cutoffs
from training.estimators.regression import fit_regression
from training.evaluation.bootstrap import resample
from training.evaluation.honesty import Gain, honesty_gate
from training.evaluation.lead_forecasts import MODEL
from training.evaluation.metrics import log_loss
from training.evaluation.resampled import Forecasts
from training.params import EvaluationParams, TrainingParams
from training.split import split_in_time

KIND = "known_at_creation"
LEAKS = frozenset({"tells_outcome", "counts_later", "filled_later"})
"""What the audit calls columns that show the end of the story."""
GATE = "rules_out"
"""What the audit calls a column with a value that leads hardly convert with: a gate that they pass
later, or an honest rule. Where new leads have the values of older ones, it is rather a rule."""
MOST_CUTOFFS = 6
"""Cutoffs learned from, and cutoffs compared on, at the most."""
MOST_ALONE = 6
"""With more columns than this, none is tried alone."""
WITHOUT = "without"
DESCRIBED = ("leads", "accounts")
"""Tables whose columns describe a lead."""


@dataclass(frozen=True)
class NamingGain:
    """How much better leads are forecast with some columns than without.

    Attributes:
        names: the columns, as params.yaml names them.
        gain: how much lower the log loss is.
        log_loss: mean log loss without and with them.
        auc: AUC without and with them.
    """

    names: tuple[str, ...]
    gain: Gain
    log_loss: tuple[float, float]
    auc: tuple[float, float]

    @property
    def says(self) -> str:
        """The gain in words."""
        size = self.gain.size
        about = f"naming {listed(self.names)} as known at creation would"
        value, low, high = (_number(end) for end in (size.value, size.low, size.high))
        interval = f"{value}, 90 % interval {low} to {high}"
        if not self.gain.is_shown:
            is_worse = size.excludes(0.0)
            does = (
                "make forecasts worse" if is_worse else "bring nothing that can be told from chance"
            )
            return f"{about} {does} (gain in log loss {interval})"
        (loss_without, loss_with), (auc_without, auc_with) = self.log_loss, self.auc
        return (
            f"{about} bring: log loss {loss_without:.4f} → {loss_with:.4f} (gain {interval}), "
            f"AUC {auc_without:.3f} → {auc_with:.3f}"
        )


def _number(value: float | None) -> str:
    """Write a difference of log losses; too few resamples leave an end unknown."""
    return "unknown" if value is None else f"{round(value, 4) + 0.0:.4f}"


@dataclass(frozen=True)
class Trial:
    """Leads at earlier and later cutoffs, with the features of columns that are tried.

    Attributes:
        examples: features of all of them, those of the tried columns included.
        y: their labels.
        is_later: the rows that are compared; the others are learned from.
        base: the features without the tried columns.
        tried: the feature of each tried column, by the column's name.
        suspected: columns that are not tried, since a feature of theirs tells the outcome.
        evaluation: the resamples behind the interval.
    """

    examples: Examples
    y: Floats
    is_later: Bools
    base: tuple[str, ...]
    tried: dict[str, str]
    suspected: frozenset[str]
    evaluation: EvaluationParams

    @property
    def is_enough(self) -> bool:
        """Whether both outcomes were seen often enough, in what is learned and what is compared."""
        leads = self.examples.keys["lead_id"].to_numpy()
        parts = (self.is_later, ~self.is_later)
        return all(sample_of(self.y[part], leads[part]).is_enough for part in parts)

    @property
    def says(self) -> str:
        """What is compared, in words."""
        keys = self.examples.keys[self.is_later]
        first, last = keys[CUTOFF].min(), keys[CUTOFF].max()
        return (
            f"by a quick logistic regression, on forecasts of {keys['lead_id'].nunique():,} leads "
            f"from {first:%Y-%m-%d} to {last:%Y-%m-%d}"
        )

    def forecast(self, names: Sequence[str]) -> Floats:
        """Learn from the earlier cutoffs with some of the columns, and forecast the later ones."""
        X = self.examples.X[[*self.base, *(self.tried[name] for name in names)]]
        categorical = self.examples.feature_set.categorical
        early = ~self.is_later
        offset = np.zeros(int(early.sum()))
        regression = fit_regression(X[early], self.y[early], categorical, offset)
        return np.asarray(expit(regression.margins(X[self.is_later])))

    def gain(self, names: Sequence[str], without: Floats) -> NamingGain:
        """Compare forecasts with some of the columns to those without any.

        Args:
            names: the columns.
            without: the forecasts without them.
        """
        y, p = self.y[self.is_later], self.forecast(names)
        keys = self.examples.keys[self.is_later]
        leads = np.unique(keys["lead_id"].to_numpy(str), return_inverse=True)[1]
        lists = np.unique(keys[CUTOFF].to_numpy(MOMENT), return_inverse=True)[1]
        forecasts = Forecasts(y, {MODEL: p, WITHOUT: without}, leads, lists)
        counts = resample(int(leads.max()) + 1, self.evaluation.draws, self.evaluation.seed)
        honesty = honesty_gate(forecasts, counts, (WITHOUT,))
        gains = () if honesty is None else honesty.gains
        losses = (float(log_loss(y, without).mean()), float(log_loss(y, p).mean()))
        return NamingGain(
            tuple(names),
            next(gain for gain in gains if gain.loss == "log loss"),
            losses,
            (roc_auc(y, without), roc_auc(y, p)),
        )


def naming_findings(
    warehouse: Warehouse,
    features: FeatureParams,
    params: TrainingParams,
    audited: Sequence[Finding],
) -> Iterator[Finding]:
    """Say of columns that look known at creation what naming them would bring, or why not to.

    Args:
        warehouse: cut to the moment of the check.
        features: the section of that name.
        params: the section `training`.
        audited: what the audit found; a column that it takes for a leak is not tried.
    """
    if warehouse.data_until == NO_EVENTS:
        return
    proposals = propose(
        warehouse.tables, warehouse.arrow, warehouse.histories, warehouse.data_until
    )
    unusable = not_used(find_protected(warehouse.tables, warehouse.arrow), features)
    proposals = proposals.without(unusable)
    warned = {(f.table, f.column): f.kind for f in audited if f.kind in {*LEAKS, GATE}}
    for look in proposals.refused:
        if look.is_suspect and (look.table, look.column) not in warned:
            yield _suspect(look, why_not(look), features)
    free = []
    for look in proposals.unnamed(features.known_at_creation):
        kind = warned.get((look.table, look.column))
        if kind in LEAKS:
            yield _suspect(look, f"the audit suspects it ({kind})", features)
        elif look.table in DESCRIBED:
            free.append(look)
        else:
            says = f"{look.name} looks known at creation: {evidence(look)}. {_advice([look.name])}"
            yield Finding(look.table, look.column, KIND, "info", says)
    if free and "leads" in warehouse.present:
        gates = frozenset(f"{table}.{column}" for table, column in warned)
        yield from _tried(warehouse, features, params, free, gates)


def _suspect(look: ColumnLook, why: str, features: FeatureParams) -> Finding:
    is_named = look.name in features.known_at_creation
    do = "take it off" if is_named else "leave it out of"
    says = f"{look.name} is filled for all alike, but {why}: {do} features.known_at_creation"
    return Finding(look.table, look.column, KIND, "warning", says)


def _advice(names: Sequence[str], named: Sequence[str] = ()) -> str:
    it = "it" if len(names) == 1 else "them"
    return (
        f"If your CRM fills {it} when the row is made and does not change {it} afterwards, add to "
        f"params.yaml: {pasteable([*named, *names])}"
    )


def _tried(
    warehouse: Warehouse,
    features: FeatureParams,
    params: TrainingParams,
    looks: Sequence[ColumnLook],
    gates: Collection[str],
) -> Iterator[Finding]:
    """Try columns that nothing speaks against together and each alone; gates are tried alone."""
    names, named = [look.name for look in looks], features.known_at_creation
    extended = features.model_copy(update={"known_at_creation": (*named, *names)})
    trial = _trial(warehouse, extended, params, names)
    if trial is None or not trial.is_enough:
        says = f"too little mature history to say what naming {listed(names)} would bring"
        yield Finding("leads", None, KIND, "info", f"{says}. {_advice(names, named)}")
        return
    for look in looks:
        if look.name in trial.suspected:
            yield _suspect(look, "as a feature it alone tells who converts", features)
    if not trial.tried:
        return
    without, clean = trial.forecast(()), [name for name in trial.tried if name not in gates]
    if clean:
        yield _of_gain(trial.gain(clean, without), f", {trial.says}", named)
    if 1 < len(clean) <= MOST_ALONE:
        for name in clean:
            yield _of_gain(trial.gain([name], without), "", named)
    for name in [name for name in trial.tried if name in gates][:MOST_ALONE]:
        yield _of_gate(trial.gain([name], without), trial.says)


def _of_gate(gain: NamingGain, how: str) -> Finding:
    """Say of a column that the audit takes for a gate what it would bring if it were none."""
    says = (
        f"the audit suspects {gain.names[0]} to be a gate that leads pass later ({GATE}). Only if "
        f"it is surely filled when the row is made and not changed afterwards: {gain.says}, {how}"
    )
    return Finding(*_about(gain.names), KIND, "warning", says)


def _of_gain(gain: NamingGain, how: str, named: Sequence[str]) -> Finding:
    advice = f". {_advice(gain.names, named)}" if gain.gain.is_shown else ""
    return Finding(*_about(gain.names), KIND, "info", f"{gain.says}{how}{advice}")


def _about(names: Sequence[str]) -> tuple[str, str | None]:
    """Return the table and column of a finding: the column where there is only one."""
    table, column = names[0].split(".", 1)
    return (table, column) if len(names) == 1 else ("leads", None)


def _trial(
    warehouse: Warehouse, extended: FeatureParams, params: TrainingParams, names: Sequence[str]
) -> Trial | None:
    """Build features with the columns named; None where history is too short to split."""
    horizon = params.leads.horizon_days
    earlier, later = _cutoffs(warehouse, horizon, params)
    if not earlier or not later:
        return None
    vocabulary = read_vocabulary(warehouse, extended)
    declared = lead_features(vocabulary, extended).without(frozenset(params.leads.leave_out))
    examples = build(warehouse, declared, vocabulary, [*earlier, *later], extended)
    y = conversion(warehouse, examples.keys, horizon)
    suspicions = suspicious_features(examples, y, params.leads.allow_suspicious)
    suspected = {s.feature for s in suspicions if s.left_out}
    leaks = suspected | declared.depends_on(suspected)
    own = slugs(own_columns(vocabulary))
    feature_of = {name: own[name] for name in names if own.get(name) in examples.X.columns}
    aside = {*feature_of.values(), *declared.depends_on(feature_of.values())}
    return Trial(
        examples,
        y,
        (examples.keys[CUTOFF] >= later[0]).to_numpy(np.bool_),
        tuple(column for column in examples.X.columns if column not in leaks | aside),
        {name: feature for name, feature in feature_of.items() if feature not in leaks},
        frozenset(name for name, feature in feature_of.items() if feature in leaks),
        params.evaluation,
    )


def _cutoffs(
    warehouse: Warehouse, horizon_days: int, params: TrainingParams
) -> tuple[list[datetime], list[datetime]]:
    """Return earlier cutoffs to learn from and later ones to compare on, a gap between them."""
    cutoffs = training_cutoffs(warehouse, horizon_days, params)
    later = split_in_time(cutoffs, horizon_days, params.split).calibrate
    gap = timedelta(days=horizon_days)
    earlier = [cutoff for cutoff in cutoffs if later and cutoff <= later[0] - gap]
    return spaced(earlier, MOST_CUTOFFS), spaced(later, MOST_CUTOFFS)
