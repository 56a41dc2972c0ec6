"""Laws of what is logged of a training: tags, settings that MLflow can show, and plain files."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent))

from small_models import base_rate_only, record

from training.tracking.records import LONGEST_KEY, LONGEST_VALUE, RunRecord


def shown(**settings: Any) -> dict[str, str]:
    """Return the settings that MLflow gets to show."""
    return dict(replace(record(base_rate_only()), settings=settings).params())


@pytest.fixture
def plain_run() -> RunRecord:
    """A training that could fit nothing, without further files."""
    return replace(record(base_rate_only()), files={})


def test_nested_settings_get_dotted_names() -> None:
    """Each leaf is one setting under its full name; a section is none."""
    assert shown(training={"booster": {"seed": 7}, "leads": {}}, home="a") == {
        "training.booster.seed": "7",
        "home": "a",
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        (True, "true"),
        (None, "null"),
        (0.1, "0.1"),
        ([1, 2], "[1, 2]"),
        ("", ""),
    ],
)
def test_a_text_is_shown_as_it_is_and_other_values_as_json(value: Any, text: str) -> None:
    """What MLflow shows can be read back: texts without quotes, everything else as JSON."""
    assert shown(key=value) == {"key": text}


@pytest.mark.parametrize("surplus", [0, 1])
def test_a_value_longer_than_mlflow_takes_is_left_to_the_file(surplus: int) -> None:
    """The longest value is shown, one sign more is not; settings.json has both."""
    settings = {"long": "x" * (LONGEST_VALUE + surplus)}
    assert (shown(**settings) == settings) == (surplus == 0)


@pytest.mark.parametrize(
    ("key", "is_shown"),
    [
        ("a b/c-d.e_1", True),
        ("k" * LONGEST_KEY, True),
        ("k" * (LONGEST_KEY + 1), False),
        ("rate%", False),
        ("a:b", False),
        ("", False),
    ],
)
def test_a_name_that_mlflow_refuses_is_left_to_the_file(key: str, is_shown: bool) -> None:  # noqa: FBT001 - a case of the table
    """Letters, digits and `_ . / -` and spaces may stand in a name, up to MLflow's length."""
    assert shown(**{key: 1}) == ({key: "1"} if is_shown else {})


def test_tags_name_what_the_model_is_of(plain_run: RunRecord) -> None:
    """Equal models have equal tags; other data or another cutoff shows in them."""
    tags, bundle = plain_run.tags(), plain_run.bundle
    assert all(isinstance(value, str) for value in tags.values())
    assert tags["content"] == bundle.version
    assert tags["until"] == bundle.until.isoformat()
    assert tags["evidence"] == "none"
    assert replace(plain_run, settings={}, metrics={}).tags() == tags
    assert replace(plain_run, data_fingerprint="data-2").tags() != tags
    later = replace(base_rate_only(), horizon_days=31)
    changed = replace(plain_run, bundle=later).tags()
    assert {key for key in tags if tags[key] != changed[key]} == {"content", "horizon"}


def test_settings_and_features_are_written_whole(plain_run: RunRecord, tmp_path: Path) -> None:
    """Both files hold everything, whatever its length, as JSON with letters beyond ASCII."""
    run = replace(plain_run, settings={"note": "é" * 10_000, "rate%": None})
    run.write(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["features.json", "settings.json"]
    text = (tmp_path / "settings.json").read_text(encoding="utf-8")
    assert json.loads(text) == run.settings
    assert "é" in text
    features = json.loads((tmp_path / "features.json").read_text(encoding="utf-8"))
    assert features == run.bundle.describe()


def test_further_files_are_text_bytes_or_copies(plain_run: RunRecord, tmp_path: Path) -> None:
    """A file is written byte for byte, in folders that are made for it."""
    original = tmp_path / "original.png"
    original.write_bytes(bytes(range(256)))
    files = {"plots/a.svg": "<é/>", "b.html": b"\x00\xff", "copies/of/c.png": original}
    run = replace(plain_run, files=files)
    run.write(tmp_path / "run")
    assert (tmp_path / "run/plots/a.svg").read_bytes() == "<é/>".encode()
    assert (tmp_path / "run/b.html").read_bytes() == b"\x00\xff"
    assert (tmp_path / "run/copies/of/c.png").read_bytes() == original.read_bytes()


def test_a_kind_of_model_may_have_tags_of_its_own(plain_run: RunRecord) -> None:
    """The segments of a lead model are shown beside what every model has."""
    tags = replace(plain_run, labels={"segments": "web, event (pooled)"}).tags()
    assert tags == {**plain_run.tags(), "segments": "web, event (pooled)"}
