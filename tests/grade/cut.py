"""The cut test: what a model learned and forecast at T knows nothing of what came after T.

Each extract is worked on three times, and each time as parquet and as CSV:

| variant | what is ingested                                | ingest         |
|---------|-------------------------------------------------|----------------|
| whole   | the whole extract                               |                |
| cut     | the extract of T, made by `cut_extract` alone   | --data-until T |
| uncut   | the whole extract                               | --data-until T |

Then come `train --until T`, `score --as-of T` and a backtest up to T, each variant in a process of
its own. All files must be identical to the bit, and those of CSV to those of parquet. Only what
cannot be the same is put aside: names and clock times that MLflow gives, the registry's number of
the model in scores, and in a backtest of the whole extract those labels that were not mature at T
(leads) or are read at the end of the extract (attainment).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pandas as pd
import yaml
from cut_extract import cut_extract, read_extract, write_extract
from grades import Grade
from sameness import frame_differences, text_differences

FORMS = ("parquet", "csv")
VARIANTS = ("cut", "whole", "uncut")
"""The first is what the others are compared with."""
BY_MLFLOW = ("model_uuid", "model_id", "run_id", "utc_time_created")
"""Keys of an MLmodel file that name the run or tell the time."""
OF_THE_RUN = ("features.json", "metrics.json", "notes.json")
"""Files that a training logs beside its model, besides settings, pictures and pages."""
SEEDS = (1, 2)
SETTINGS: dict[str, dict[str, object]] = {
    "features": {"windows_days": [7, 30], "minimum": {"won": 30, "periods": 10}},
    "training": {
        "split": {"every_days": 14},
        "booster": {"learning_rate": 0.1, "max_rounds": 40, "bags": 1},
        "evaluation": {"draws": 20},
    },
}
"""Few windows, cutoffs and trees: what is tested does not depend on how many there are."""
PIPELINE = """
import json, sys
from serving.cli.main import main
for arguments in json.loads(sys.argv[1]):
    if code := main(arguments):
        sys.exit(f"{' '.join(arguments)} ended with {code}")
"""
DIFFERENCES = 4
"""Differences that a line names, at most."""


@dataclass(frozen=True)
class Extract:
    """An extract and the moment at which it is cut.

    Attributes:
        name: what it is called in the table of grades.
        folder: its tables, in parquet.
        moment: T, naive UTC.
        kinds: the models it allows.
        start: the first cutoff of the backtest.
        every_days: days between cutoffs; the last is the midnight before T, or T itself.
        horizon_days: how far lead models look ahead.
    """

    name: str
    folder: Path
    moment: pd.Timestamp
    kinds: tuple[str, ...]
    start: pd.Timestamp
    every_days: int
    horizon_days: int = 30


@dataclass(frozen=True)
class Result:
    """What one variant left behind.

    Attributes:
        bundles: texts of the registered models and their runs, by file.
        scores: tables of `score`, by file.
        backtests: tables of `backtest`, by file.
    """

    bundles: dict[str, str]
    scores: dict[str, pd.DataFrame]
    backtests: dict[str, pd.DataFrame]

    def differences(self, wanted: Result) -> list[str]:
        """Say where it differs from another result."""
        return [
            *text_differences(self.bundles, wanted.bundles),
            *frame_differences(self.scores, wanted.scores),
            *frame_differences(self.backtests, wanted.backtests),
        ]

    def __str__(self) -> str:
        """Say how much there is to compare."""
        scores = sum(len(frame) for frame in self.scores.values())
        forecasts = sum(len(frame) for frame in self.backtests.values())
        return (
            f"bundles ({', '.join(self._learned())}), {scores:,} scores, {forecasts:,} forecasts "
            "of the backtest"
        )

    def _learned(self) -> Iterator[str]:
        for name, text in self.bundles.items():
            if name.endswith("bundle.json"):
                trees = self.bundles.get(name.replace("bundle.json", "trees-0.txt"), "")
                plain = json.loads(text)
                state = plain["evidence"]["state"]
                yield f"{plain['kind']}: evidence {state}, {trees.count('Tree=')} trees"


def cut(data: Path | None) -> list[Grade]:
    """Grade the sample companies and, where the data are there, the real extracts.

    Args:
        data: a folder that holds bpic2012/ and adventureworks/.
    """
    grades = []
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for seed in SEEDS:
            grades += cut_test(sample(seed, Path(folder)), Path(folder))
        for extract in real(data) if data is not None else ():
            grades += cut_test(extract, Path(folder))
    minutes = (time.monotonic() - started) / 60
    return [*grades, Grade("cut test: run time", f"{minutes:.1f} min", "", None)]


def sample(seed: int, folder: Path) -> Extract:
    """Make a small sample company."""
    out = folder / f"company-{seed}"
    _run([["simulate", "--preset", "small", "--seed", str(seed), "--out", str(out)]])
    return Extract(
        name=f"sample company, seed {seed}",
        folder=out,
        moment=pd.Timestamp("2025-04-10 15:30"),
        kinds=("leads", "quota"),
        start=pd.Timestamp("2025-03-05"),
        every_days=18,
    )


def real(data: Path) -> list[Extract]:
    """Return the real extracts: one of leads, cut between two events, one of deals, cut at some."""
    return [
        Extract(
            name="bpic2012",
            folder=data / "bpic2012",
            moment=pd.Timestamp("2012-01-25 11:00"),
            kinds=("leads",),
            start=pd.Timestamp("2012-01-05"),
            every_days=10,
            horizon_days=14,
        ),
        Extract(
            name="adventureworks",
            folder=data / "adventureworks",
            moment=pd.Timestamp("2013-04-30"),
            kinds=("quota",),
            start=pd.Timestamp("2013-03-01"),
            every_days=30,
        ),
    ]


def cut_test(extract: Extract, folder: Path) -> list[Grade]:
    """Work on one extract in every form and variant, and grade whether all come out the same.

    Args:
        extract: what is worked on.
        folder: where everything is written.
    """
    tables = read_extract(extract.folder)
    earlier = cut_extract(tables, extract.moment)
    grades = []
    wanted: Result | None = None
    for form in FORMS:
        room = folder / f"{extract.folder.name}-{form}"
        write_extract(tables, room / "later", form)
        write_extract(earlier, room / "earlier", form)
        differences = []
        for variant in VARIANTS:
            try:
                result = work(extract, room, variant)
            except RuntimeError as error:
                differences.append(f"{variant}: {error}")
                continue
            wanted = wanted or result
            differences += [
                f"{variant}: {difference}"
                for difference in comparable(result, extract, variant).differences(
                    comparable(wanted, extract, variant)
                )
            ]
        grades.append(_grade(f"cut test: {extract.name}, {form}", wanted, differences))
    return grades


def work(extract: Extract, room: Path, variant: str) -> Result:
    """Ingest, train, score and backtest one variant.

    Args:
        extract: what is worked on.
        room: the folder that holds the extract, `later` and `earlier`.
        variant: one of `VARIANTS`.

    Raises:
        RuntimeError: a command failed.
    """
    home = room / variant
    home.mkdir()
    leads = {"horizon_days": extract.horizon_days, "most_refits": 1}
    quota = {"every_days": 28, "most_refits": 1, "futures": 100}
    training = {**SETTINGS["training"], "leads": leads, "quota": quota}
    settings = json.dumps({**SETTINGS, "training": training})
    (home / "params.yaml").write_text(settings, encoding="utf-8")
    moment = extract.moment.isoformat()
    source = str(room / ("earlier" if variant == "cut" else "later"))
    ingest = [source] if variant == "whole" else [source, "--data-until", moment]
    span = ["--from", f"{extract.start:%Y-%m-%d}", "--to", f"{extract.moment:%Y-%m-%d}"]
    span += ["--every", str(extract.every_days), "--out", str(home / "backtest")]
    steps = [
        ["ingest", *ingest],
        ["train", "--until", moment],
        ["score", "--as-of", moment, "--out", str(home / "scores")],
        *(["backtest", kind, *span] for kind in extract.kinds),
    ]
    _run([["--home", str(home), *step] for step in steps])
    return read_result(home)


def read_result(home: Path) -> Result:
    """Read what the commands left, without what cannot be the same twice."""
    artifacts = home / "mlruns" / "artifacts"
    bundles = {
        f"{file.relative_to(artifacts).parts[0]}/{file.name}": _text(file)
        for pattern in ("*/models/*/artifacts/**/*", *(f"*/*/artifacts/{f}" for f in OF_THE_RUN))
        for file in sorted(artifacts.glob(pattern))
        if file.is_file()
    }
    scores = {
        file.stem: pd.read_parquet(file).drop(columns="model_version")
        for file in sorted((home / "scores").glob("*.parquet"))
    }
    backtests = {
        file.stem: pd.read_parquet(file) for file in sorted((home / "backtest").glob("*.parquet"))
    }
    return Result(bundles, scores, backtests)


def comparable(result: Result, extract: Extract, variant: str) -> Result:
    """Return the part of a result that a variant shares with the extract of T.

    A backtest of the whole extract tells outcomes that were not known at T: of leads, those of
    cutoffs less than a horizon before T; of reps, attainment is read at the extract's end, where a
    deal's owner and amount may have changed.
    """
    if variant != "whole":
        return result
    backtests = dict(result.backtests)
    if "lead_predictions" in backtests:
        frame = backtests["lead_predictions"]
        mature = frame["cutoff"] + timedelta(days=extract.horizon_days) <= extract.moment
        backtests["lead_predictions"] = frame.assign(y=frame["y"].where(mature))
    if "quota_predictions" in backtests:
        frame = backtests["quota_predictions"]
        backtests["quota_predictions"] = frame.drop(columns="attainment")
    return Result(result.bundles, result.scores, backtests)


def _text(file: Path) -> str:
    """Read a file of a registered model, without what MLflow says of the run."""
    text = file.read_text(encoding="utf-8")
    if file.name != "MLmodel":
        return text
    described = {k: v for k, v in yaml.safe_load(text).items() if k not in BY_MLFLOW}
    return json.dumps(described, indent=2)


def _run(commands: list[list[str]]) -> None:
    """Run commands of pacesetter in one new process, which ends with the first that fails."""
    arguments = [sys.executable, "-c", PIPELINE, json.dumps(commands)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise RuntimeError("; ".join(lines[-2:]))


def _grade(what: str, result: Result | None, differences: list[str]) -> Grade:
    """Say that all is identical, or how many differences there are and which come first."""
    if not differences and result is not None:
        return Grade(what, f"{result}: identical", "identical", is_met=True)
    more = len(differences) - DIFFERENCES
    figure = "; ".join(differences[:DIFFERENCES]) + (f"; {more} more" if more > 0 else "")
    return Grade(what, f"{len(differences)} differences: {figure}", "identical", is_met=False)
