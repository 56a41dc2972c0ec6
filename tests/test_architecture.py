"""The borders inside the product: who may import whom, and what importing may not do."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ("features", "training", "serving")
MODULES = sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))
LONGEST = 350

ONLY_IN = {
    "duckdb": {"features/storage/engine.py"},
    "alembic": {
        f"serving/store/{name}.py"
        for name in (
            "database",
            "migrations/append_only",
            "migrations/env",
            "migrations/versions/v0001_promotions",
            "migrations/versions/v0002_retrains",
            "migrations/versions/v0003_coaching",
            "migrations/versions/v0004_worklist",
            "migrations/versions/v0005_access",
            "migrations/versions/v0007_actions",
            "migrations/versions/v0006_scores",
            "migrations/versions/v0008_pages",
        )
    },
    "sqlalchemy": {
        "features/ingest/database.py",
        "features/storage/shared.py",
        "training/loop/search.py",
        *(
            f"serving/store/{name}.py"
            for name in (
                "actions",
                "backup",
                "coaching",
                "commits",
                "database",
                "digests",
                "erase",
                "forgotten",
                "keyed_log",
                "overrides",
                "posted",
                "promotions",
                "retrains",
                "scores",
                "secret",
                "tokens",
                "views",
                "worklist",
                "migrations/versions/v0001_promotions",
                "migrations/versions/v0002_retrains",
                "migrations/versions/v0003_coaching",
                "migrations/versions/v0004_worklist",
                "migrations/versions/v0005_access",
                "migrations/versions/v0006_scores",
                "migrations/versions/v0007_actions",
                "migrations/versions/v0008_pages",
            )
        ),
    },
    "optuna": {"training/loop/search.py"},
    "psycopg": {"features/ingest/database.py"},
    "leadforge": set(),
    "mlflow": {
        f"training/tracking/{name}.py"
        for name in ("logs", "pyfunc", "registry", "runs", "store", "versions")
    },
    "lightgbm": {"training/estimators/boosting.py"},
    "shap": {"training/leads/beeswarm.py"},
    "matplotlib": {
        "training/leads/beeswarm.py",
        "training/report/canvases.py",
        "training/report/chart.py",
    },
    "jinja2": {"training/report/page.py"},
    "pandera": {"training/files.py"},
    "bentoml": {"serving/api/bento.py", "serving/api/service.py"},
    "uvicorn": {"serving/api/server.py"},
    "pyspark": {"features/storage/spark.py"},
}
"""Each foreign system is known in its own modules and nowhere else."""
SERVING_ONLY = {"rich", "rich_click", "click", "starlette", "bentoml", "uvicorn"}
PICKLES = {"pickle", "cloudpickle", "joblib", "dill", "shelve", "marshal"}


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Give the full name of everything a module imports, and whether only for type checkers."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node in for_types) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports say where from"
            yield from ((f"{node.module}.{a.name}", node in for_types) for a in node.names)


def named(path: Path) -> str:
    """Name a module as the tables here do."""
    return path.relative_to(ROOT).as_posix()


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder of its own, as a new process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_imports_point_one_way(path: Path) -> None:
    """`serving` may import `training`, `training` may import `features`, never upwards."""
    above = FLOORS[FLOORS.index(path.relative_to(ROOT).parts[0]) + 1 :]
    upwards = [name for name, _ in imports(path) if name.split(".")[0] in (*above, "tests")]
    assert not upwards


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_each_foreign_system_has_its_modules(path: Path) -> None:
    """A foreign system is imported by the modules that are its own, and by no other."""
    packages = {name.split(".")[0] for name, _ in imports(path)}
    strangers = {p for p in packages & set(ONLY_IN) if named(path) not in ONLY_IN[p]}
    if not named(path).startswith("serving/"):
        strangers |= packages & SERVING_ONLY
    assert not strangers


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_nothing_is_pickled(path: Path) -> None:
    """No module imports a pickler, nor loads with one under another name."""
    assert not {name.split(".")[0] for name, _ in imports(path)} & PICKLES
    for name in ("read_pickle", "to_pickle", "allow_pickle=True", "load_model("):
        assert name not in path.read_text(encoding="utf-8")


def test_no_module_needs_spark_to_be_there() -> None:
    """Spark is imported where a session is opened, by whoever asks for one, and nowhere else."""
    path = ROOT / "features" / "storage" / "spark.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    at_the_top = {
        node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.module
    }
    assert not {name for name in at_the_top if name.split(".")[0] == "pyspark"}
    assert "pyspark.sql.SparkSession" in {name for name, _ in imports(path)}


def test_one_place_opens_the_registry_and_one_the_store() -> None:
    """Whoever opened them by the home alone would miss what a company's homes share."""
    opening = {
        name: {named(p) for p in MODULES if f"{name}(" in p.read_text(encoding="utf-8")}
        for name in ("Tracking", " Store")
    }
    assert opening["Tracking"] == {"serving/cli/session.py", "serving/home/home.py"}
    assert opening[" Store"] == {
        "serving/cli/champions.py",
        "serving/cli/session.py",
        "serving/home/today.py",
    }


def test_modules_are_short() -> None:
    """No module is longer than a reader's patience."""
    lengths = {named(p): len(p.read_text(encoding="utf-8").splitlines()) for p in MODULES}
    assert not {name: n for name, n in lengths.items() if n > LONGEST}


def test_only_settings_open_params_yaml() -> None:
    """The settings file is read in one module."""
    opening = {named(p) for p in MODULES if '"params.yaml"' in p.read_text(encoding="utf-8")}
    assert opening == {"serving/settings.py"}


IMPORT_ALL = """
import importlib, socket, sys, threading
def refuse(*_args, **_more):
    raise AssertionError("an import reaches for the network")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
for name in sys.stdin_names:
    importlib.import_module(name)
own = [t.name for t in threading.enumerate() if t is not threading.main_thread()]
print(sorted(own))
"""


def test_importing_has_no_side_effects(tmp_path: Path) -> None:
    """Importing every module writes no file where it is done, and reaches for no network."""
    names = [
        named(p).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for p in MODULES
        if p.name != "__main__.py"
    ]
    code = IMPORT_ALL.replace("sys.stdin_names", repr(names))
    done = run(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_help_waits_for_no_library(tmp_path: Path) -> None:
    """`pacesetter --help` answers without importing what only work needs."""
    code = (
        "import sys; from serving.cli.main import main\n"
        "assert main(['--help']) == 0\n"
        "slow = {'mlflow', 'lightgbm', 'bentoml', 'shap', 'ibis', 'sklearn', 'pandas'}\n"
        "assert not slow & set(sys.modules), slow & set(sys.modules)\n"
    )
    done = run(code, tmp_path)
    assert done.returncode == 0, done.stderr
