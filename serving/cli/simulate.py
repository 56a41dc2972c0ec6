"""`pacesetter simulate`: a sample company, its tables, and the truth about it."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click
from pydantic import ValidationError

from features.errors import InputError
from features.simulation.settings import PRESETS, SAID, CompanySettings, company_settings
from serving.cli.session import Session, verb

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

MARK = "company.json"
"""Stands in every company's folder and says how it was made."""
TABLES = ("accounts", "activities", "changes", "deals", "leads", "quotas", "reps")
TOLD = "\n".join(f"    {name:<10} {words}" for name, words in SAID.items())
HELP = f"""Make a sample company: an extract as a CRM would give it, and the truth behind it.

DIR gets the tables as parquet, ready for `pacesetter ingest DIR`, and truth/ with what no CRM
knows: skills, causes, and true chances got by playing the future again and again. The same
settings and seed give the same tables. An earlier company in DIR is replaced.

\b
Presets:
{TOLD}

\b
    pacesetter simulate --out sample
    pacesetter simulate --out sample --preset shock --seed 7
    pacesetter simulate --out sample --reps 12 --set ramp_days=90 --set potential=0.5,1.5
    pacesetter simulate --settings
"""


@click.command(short_help="Make a sample company with known truth.", help=HELP)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write the company to.",
)
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    default="demo",
    show_default=True,
    help="Which company.",
)
@click.option("--seed", type=click.IntRange(0), help="The same seed, the same company.")
@click.option("--reps", type=click.IntRange(2), help="Seats for reps.")
@click.option("--months", type=click.IntRange(3), help="Full months of history.")
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    help="Any setting, see --settings; several times if need be.",
)
@click.option("--settings", "lists", is_flag=True, help="List every setting and end.")
@verb
def simulate(  # noqa: PLR0913, PLR0917 - the command's own options
    session: Session,
    out: Path | None,
    preset: str,
    seed: int | None,
    reps: int | None,
    months: int | None,
    changes: tuple[str, ...],
    lists: bool,  # noqa: FBT001 - click passes flags by name
) -> None:
    given = {"seed": seed, "reps": reps, "months": months}
    named = {key: str(value) for key, value in given.items() if value is not None}
    settings = chosen(preset, named, changes)
    if lists:
        _list_settings(session, preset, settings)
        return
    if out is None:
        raise click.UsageError("--out DIR is missing: where should the company be written?")
    session.console.give(_made(session, out, preset, settings))


def chosen(preset: str, named: dict[str, str], changes: tuple[str, ...]) -> CompanySettings:
    """Return a preset with what was asked for on the command line.

    Args:
        preset: one of `PRESETS`.
        named: settings that have an option of their own.
        changes: settings as KEY=VALUE, which win.
    """
    asked: dict[str, Any] = dict(named)
    for change in changes:
        key, sign, value = change.partition("=")
        if not sign:
            raise InputError(f"--set {change}: write it like --set ramp_days=90")
        if key not in CompanySettings.model_fields:
            raise InputError(f"--set {change}: there is no setting {key!r}; see --settings")
        asked[key] = value
    texts = {
        key: tuple(text.strip("()[] ").split(",")) if _is_tuple(key) else text
        for key, text in asked.items()
    }
    try:
        # Texts are read by the setting's own type; what was not asked for stays the preset's.
        read = CompanySettings.model_validate(texts, strict=False).model_dump(include=set(texts))
    except ValidationError as error:
        said = "; ".join(
            f"{e['loc'][0]}={asked[str(e['loc'][0])]}: {e['msg'].lower()}" for e in error.errors()
        )
        raise InputError(f"{said}; see --settings") from None
    return company_settings(preset, **read)


def _is_tuple(key: str) -> bool:
    return str(CompanySettings.model_fields[key].annotation).startswith("tuple")


def _list_settings(session: Session, preset: str, settings: CompanySettings) -> None:
    rows = [
        [name, _text(getattr(settings, name)), _meaning(field)]
        for name, field in CompanySettings.model_fields.items()
    ]
    session.console.show(f"Settings of `{preset}`", ["setting", "value", "meaning"], rows)
    session.console.give(
        {name: {"value": value, "meaning": meaning} for name, value, meaning in rows}
    )


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _meaning(field: FieldInfo) -> str:
    return field.description or ""


def _made(session: Session, out: Path, preset: str, settings: CompanySettings) -> dict[str, Any]:
    from features.simulation.live import live
    from features.simulation.truth import write_truth

    console, started = session.console, time.monotonic()
    told: dict[str, Any] = {"preset": preset, "settings": settings.model_dump(mode="json")}
    _clear(out)
    # First of all, so that a company that was never finished can be replaced.
    (out / MARK).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    life = live(settings, out, console.progress)
    write_truth(life, out, console.progress)
    rows = {name: _rows(out / f"{name}.parquet") for name in TABLES}
    truth = {path.stem: _rows(path) for path in sorted((out / "truth").glob("*.parquet"))}
    console.show(
        f"Company `{preset}`, seed {settings.seed}",
        ["table", "rows"],
        [[name, f"{count:,}"] for name, count in rows.items()]
        + [[f"truth/{name}", f"{count:,}"] for name, count in truth.items()],
    )
    console.say(f"written to {out}; next: `pacesetter ingest {out}`")
    seconds = round(time.monotonic() - started, 1)
    return {"out": str(out), **told, "tables": rows, "truth": truth, "seconds": seconds}


def _rows(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def _clear(out: Path) -> None:
    """Make the folder, or remove the earlier company in it; anything else is left alone."""
    try:
        if out.exists() and any(out.iterdir()):
            if not (out / MARK).is_file():
                raise InputError(
                    f"--out {out} is not empty and holds no earlier company; name a new folder"
                )
            for name in TABLES:
                (out / f"{name}.parquet").unlink(missing_ok=True)
            shutil.rmtree(out / "truth", ignore_errors=True)
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {out} cannot be made a folder: {error.strerror}") from None
