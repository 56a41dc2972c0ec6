"""A Bento of one home: a folder with the program, its pinned requirements and a home of its own.

BentoML's builder copies a folder, so one is laid out for it first. The Bento answers behind the
same guard as `pacesetter serve`, by `bentoml serve` from its own folder and in a container.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from importlib import resources
from importlib.metadata import requires, version
from itertools import takewhile
from pathlib import Path

import bentoml
import yaml

from features.errors import InputError
from features.storage.catalog import current
from serving.api.server import keep_bentoml_quiet
from serving.settings import FILE, Settings

ROOMS = ("features", "training", "serving")
"""The packages that the program is made of."""
HOME = "home"
SERVICE = '''\
"""The service of the home beside this file."""

from pathlib import Path

from serving.api.service import build_service
from serving.settings import Settings

HOME = Path(__file__).resolve().parent / "home"
service = build_service(HOME, Settings.load(HOME))
'''
POINTERS = ("current.json", "ingest-report.json")
"""Files of HOME/data that lead to the warehouse and tell what it holds."""


@dataclass(frozen=True)
class BentoFolder:
    """A Bento that was built.

    Attributes:
        place: its folder.
        home: the home in it; a container mounts a folder there where it holds no data.
        has_data: whether data, models and tokens were copied into it.
    """

    place: Path
    home: Path
    has_data: bool


def build_bento(home: Path, settings: Settings, out: Path, *, with_data: bool) -> BentoFolder:
    """Build a Bento in a new folder.

    Args:
        home: whose settings it has.
        settings: of the home.
        out: the folder; it must not be there yet, or be empty.
        with_data: copy the warehouse, the models and the store too.

    Raises:
        InputError: the folder is in use, or cannot be written.
        NotReady: there are no data to copy.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"--out {out} is there already; name a new or an empty folder")
    keep_bentoml_quiet(home)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as temporary:
            context = Path(temporary)
            _lay_out(context, settings)
            if with_data:
                _copy_home(home, context / HOME)
            built = Path(_built(context).path)
            shutil.copytree(built, out, dirs_exist_ok=True)
            shutil.rmtree(built)
    except OSError as error:
        raise InputError(f"--out {out} cannot be written: {error}") from None
    return BentoFolder(out, out / "src" / HOME, with_data)


def _lay_out(context: Path, settings: Settings) -> None:
    """Write the program, the service's own file and the settings."""
    for room in ROOMS:
        with resources.as_file(resources.files(room)) as source:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, context / room, ignore=ignored)
    (context / "service.py").write_text(SERVICE, encoding="utf-8")
    (context / "requirements.txt").write_text("\n".join(pins()) + "\n", encoding="utf-8")
    (context / HOME).mkdir()
    text = yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    (context / HOME / FILE).write_text(text, encoding="utf-8")


def pins() -> list[str]:
    """Return what the program needs, each at the version that is installed here."""
    lines = [line for line in requires("pacesetter") or () if "extra ==" not in line]
    names = ["".join(takewhile(_is_of_name, line)) for line in lines]
    return sorted(f"{name}=={version(name)}" for name in names)


def _is_of_name(character: str) -> bool:
    return character.isalnum() or character in "-_."


def _copy_home(home: Path, target: Path) -> None:
    """Copy what a service answers from: the current warehouse, the models, the store."""
    warehouse = current(home).path
    data = target / "data"
    shutil.copytree(warehouse, data / warehouse.relative_to(home / "data"))
    for name in POINTERS:
        shutil.copy(home / "data" / name, data)
    if (home / "mlruns").is_dir():
        # Homes of one company may share it elsewhere.
        shutil.copytree(home / "mlruns", target / "mlruns", ignore=shutil.ignore_patterns(".lock"))
    store = home / "data" / "store.sqlite"
    if store.is_file():
        # The database's own way to copy: others may write meanwhile.
        copied = data / store.name
        with closing(sqlite3.connect(store)) as source, closing(sqlite3.connect(copied)) as copy:
            source.backup(copy)


def _built(context: Path) -> bentoml.Bento:
    return bentoml.build(
        "service:service",
        name="pacesetter",
        build_ctx=str(context),
        include=["*"],
        python={"requirements_txt": "requirements.txt", "lock_packages": False},
    )
