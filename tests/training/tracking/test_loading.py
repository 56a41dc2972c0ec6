"""Laws of reading models: the folder says of what kind it is, and importing costs nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from small_models import base_rate_only

from features.errors import NotFoundError
from training.leads.bundle import Bundle
from training.tracking.loading import content_of, load_bundle, load_checked
from training.tracking.pyfunc import BUNDLE, REQUIREMENTS, save_registered

ROOT = Path(__file__).parents[3]
HEAVY = ("bentoml", "duckdb", "ibis", "lightgbm", "matplotlib", "mlflow", "pandas", "pyarrow",
         "scipy", "sklearn")  # fmt: skip
CHECK = """
import sys
import features.errors, features.storage.catalog, serving.settings, training.tracking.registry
from pathlib import Path
from features.errors import NotReady
home = Path(sys.argv[1])
for ask in (
    lambda: features.storage.catalog.current(home),
    lambda: training.tracking.registry.Tracking(home).champion("leads"),
):
    try:
        ask()
    except NotReady as error:
        print(error)
print(*sorted({name.partition(".")[0] for name in sys.modules} & set(sys.argv[2:])))
"""


def test_a_folder_is_read_by_the_kind_it_names(tmp_path: Path) -> None:
    """A saved model comes back as what it was, content and all."""
    base_rate_only().save(tmp_path / "model")
    loaded = load_bundle(tmp_path / "model")
    assert isinstance(loaded, Bundle)
    assert loaded.version == base_rate_only().version


@pytest.mark.parametrize("kind", ["mood", None, 7])
def test_an_unknown_kind_is_refused_with_the_known_ones(tmp_path: Path, kind: object) -> None:
    """The error names the folder, the kind that was found, and the kinds there are."""
    base_rate_only().save(tmp_path / "model")
    path = tmp_path / "model" / "bundle.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, "kind": kind}), encoding="utf-8")
    with pytest.raises(NotFoundError) as raised:
        load_bundle(tmp_path / "model")
    for words in (str(tmp_path / "model"), f"kind '{kind}'", "known are leads, quota"):
        assert words in str(raised.value)


def test_what_is_registered_names_its_requirements_and_loads_without_mlflow(
    tmp_path: Path,
) -> None:
    """Beside the MLmodel lie pinned versions, and a bundle that needs no MLflow to be read."""
    save_registered(base_rate_only(), tmp_path)
    pins = (tmp_path / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [pin.partition("==")[0] for pin in pins] == list(REQUIREMENTS)
    assert all(pin.partition("==")[2] for pin in pins)
    assert "loader_module: training.tracking.pyfunc" in (tmp_path / "MLmodel").read_text("utf-8")
    assert load_bundle(tmp_path / BUNDLE).version == base_rate_only().version


def test_an_empty_home_is_reported_before_anything_heavy_is_imported(tmp_path: Path) -> None:
    """That a step is missing can be said without waiting for engines, frames and learners."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", CHECK, str(tmp_path), *HEAVY],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    no_data, no_model, heavy = done.stdout.split("\n")[:3]
    assert "run `pacesetter ingest SOURCE` first" in no_data
    assert "run `pacesetter train leads`" in no_model
    assert heavy == ""


def test_the_content_of_files_is_the_models_version(tmp_path: Path) -> None:
    """The hash of the files, read as texts, is the version that the model has of itself."""
    bundle = base_rate_only()
    bundle.save(tmp_path)
    assert content_of(tmp_path) == bundle.version
    assert load_checked(tmp_path, bundle.version).version == bundle.version


def test_the_order_of_a_file_says_nothing(tmp_path: Path) -> None:
    """A description that was written anew with the same values has the same content."""
    bundle = base_rate_only()
    bundle.save(tmp_path)
    plain = json.loads((tmp_path / "bundle.json").read_text(encoding="utf-8"))
    turned = dict(reversed(plain.items()))
    (tmp_path / "bundle.json").write_text(json.dumps(turned), encoding="utf-8")
    assert content_of(tmp_path) == bundle.version


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "holds no bundle.json: restore the model from a backup"),
        ("", r"cannot be read \(JSONDecodeError"),
        ("[1]", r"cannot be read \(TypeError"),
        ("{}", r"cannot be read \(KeyError"),
        ('{"trees": 2}', "lacks trees-0.txt, trees-1.txt: train again"),
        ('{"trees": 0}', "are not those that were registered: their content is .*, registered was"),
    ],
)
def test_files_that_were_damaged_are_refused(tmp_path: Path, text: str | None, says: str) -> None:
    """Whatever is wrong with them is named before any library parses them, with a way out."""
    if text is not None:
        (tmp_path / "bundle.json").write_text(text, encoding="utf-8")
    with pytest.raises(NotFoundError, match=says) as caught:
        load_checked(tmp_path, "0123456789ab")
    assert "backup" in str(caught.value) or "train again" in str(caught.value)
