"""The verb `tune`: search for better settings, and say on unseen data whether they are."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from serving.cli.session import MomentParam, Session, verb

if TYPE_CHECKING:
    from training.loop.tune import Tuned
    from training.tracking.tuning import TuningRun
    from training.trials import Trial

FOLDER = Path("data") / "tuning"


@click.command("tune", short_help="Search for better settings, and test them on unseen data.")
@click.argument("kind", type=click.Choice(["leads", "quota"]))
@click.option(
    "--trials",
    type=click.IntRange(1),
    help="Settings to try, those of earlier runs included.  [default: training.tune.trials]",
)
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Begin no trial after.")
@click.option("--until", type=MomentParam(), help="Nothing at or after this moment is seen.")
@click.option(
    "--storage",
    metavar="URL",
    help="Database of the trials, to share a search between machines.  [default: a file in HOME]",
)
@verb
def tune(
    session: Session,
    kind: str,
    trials: int | None,
    minutes: float | None,
    until: datetime | None,
    storage: str | None,
) -> None:
    """Search for settings that forecast better, with Optuna, and test the best on unseen data.

    Each trial forecasts periods of the past one by one, by models that saw nothing of them. The
    first trial is the present settings; hopeless ones are stopped early. The ranges stand in
    params.yaml ("searched in"). The newest period is kept from the search: there the best trial is
    set beside the present settings by the gate that promotes models. "No improvement" is an answer,
    and the exit code is 0 for it too.

    A search goes on where it was interrupted: the same command tries until there are so many
    trials. Run it twice at once, or on several machines with one --storage, and they share the
    work. In HOME/data/tuning it writes params.yaml (use it with --params), report.html and
    trials.csv; every trial is a run in MLflow.

    With --json: `improves`, `says`, `best`, `search_gain`, `test` (both settings' figures and the
    gain in every segment), `importance`, `trials` and `files`.

    \b
    pacesetter tune leads
    pacesetter tune quota --trials 60 --minutes 45
    pacesetter tune leads --storage postgresql+psycopg://me@db/optuna
    """
    session.require_extract()
    from serving.home.home import Home
    from training.loop.kinds import kind_of
    from training.loop.results import Recipe
    from training.loop.tune import plan_tuning
    from training.loop.tune import tune as search_and_test

    settings, console = session.settings, session.console
    if trials is not None:
        tuning = settings.training.tune.model_copy(update={"trials": trials})
        changed = settings.training.model_copy(update={"tune": tuning})
        settings = settings.model_copy(update={"training": changed})
    home = Home(session.home, settings)
    warehouse = home.warehouse() if until is None else home.warehouse().until(until)
    kind_of(kind).require(warehouse, "tuning")
    recipe = Recipe(settings.features, settings.training, home.tracking.home.name)
    plan = plan_tuning(kind_of(kind), warehouse, recipe, console.progress)
    console.say(_says_plan(plan.name, len(plan.ranges), len(plan.folds), plan.test_from))
    search = plan.search(storage or session.home / FOLDER / "trials.sqlite")
    with home.tracking.tuning(kind, plan.name) as run:
        for trial in search.trials():
            _log(run, trial)

        def told(trial: Trial) -> None:
            _log(run, trial)
            best = search.best()
            if best is not None and best.number == trial.number:
                console.say(f"trial {trial.number}: log loss {trial.loss:.4f}, the least so far")

        tuned = search_and_test(plan, warehouse, search, minutes, console.progress, told)
        files = _write(session, tuned)
        run.summary(tuned.says, tuned.best.values, _metrics(tuned), {f.name: f for f in files})
    _show(session, tuned, files)


def _says_plan(name: str, ranges: int, folds: int, test_from: datetime) -> str:
    return (
        f"search {name}: {ranges} settings on {folds} folds of the past; from {test_from:%Y-%m-%d} "
        "on everything is kept for the test"
    )


def _log(run: TuningRun, trial: Trial) -> None:
    if trial.state in ("complete", "pruned", "fail"):
        run.trial(trial.number, trial.values, trial.losses, trial.state)


def _metrics(tuned: Tuned) -> dict[str, float | None]:
    gain = None if tuned.comparison is None else tuned.comparison.verdict.gain
    return {
        "present_loss": tuned.present,
        "best_loss": tuned.best.loss,
        "search_gain": tuned.search_gain,
        "test_gain": None if gain is None else gain.value,
        "test_gain_low": None if gain is None else gain.low,
        "test_gain_high": None if gain is None else gain.high,
    }


def _write(session: Session, tuned: Tuned) -> list[Path]:
    """Write the settings to use, the page and the trials, each in one step."""
    from features.storage.files import replace_atomically
    from serving.settings import FILE
    from training.loop.tuning_files import params_yaml, trials_csv, tuning_page

    folder = session.home / FOLDER / tuned.plan.name
    folder.mkdir(parents=True, exist_ok=True)
    best = session.settings.model_copy(update={"training": _own(session, tuned)})
    differing = best.model_dump(mode="json", exclude_defaults=True)
    texts = {
        FILE: params_yaml(tuned, differing),
        "report.html": tuning_page(tuned).render(),
        "trials.csv": trials_csv(tuned),
    }
    for name, text in texts.items():
        replace_atomically(folder / name, text)
    return [folder / name for name in texts]


def _own(session: Session, tuned: Tuned) -> object:
    """Return the settings to use; the number of trials asked for once is none of them."""
    return tuned.training.model_copy(update={"tune": session.settings.training.tune})


def _show(session: Session, tuned: Tuned, files: list[Path]) -> None:
    from training.loop.tuning_files import to_json

    console, best = session.console, tuned.best
    rows = [
        [
            f"training.{r.name}",
            f"{r.default:.4g}",
            f"{best.values[r.name]:.4g}",
            _share(tuned, r.name),
        ]
        for r in tuned.plan.ranges
    ]
    columns = ["setting", "present", f"trial {best.number}", "importance"]
    console.show("The present settings and the best trial", columns, rows)
    console.say(tuned.says)
    for file in files:
        console.say(f"written: {file}")
    console.give(to_json(tuned) | {"files": [str(file) for file in files]})


def _share(tuned: Tuned, name: str) -> str:
    share = None if tuned.importance is None else tuned.importance.get(name)
    return "" if share is None else f"{share:.0%}"
