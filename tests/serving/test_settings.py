"""What params.yaml may say, and what is said when it says something else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from features.errors import ParamsError
from serving.settings import Settings, ignore_stray_variables

ROOT = Path(__file__).parents[2]


def written(folder: Path, text: str) -> Path:
    """Write a settings file."""
    path = folder / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_file_in_the_repository_says_the_defaults() -> None:
    """Every value in params.yaml is the packaged default."""
    assert Settings.read(ROOT / "params.yaml") == Settings()


def test_a_file_may_say_a_part(tmp_path: Path) -> None:
    """What a file leaves out keeps its default."""
    settings = Settings.read(written(tmp_path, "training: {leads: {horizon_days: 9}}"))
    assert settings.training.leads.horizon_days == 9
    assert settings.training.booster == Settings().training.booster


@pytest.mark.parametrize("text", ["", "# nothing but a remark\n"])
def test_an_empty_file_says_nothing(tmp_path: Path, text: str) -> None:
    """An empty file leaves every default in place."""
    assert Settings.read(written(tmp_path, text)) == Settings()


def test_the_file_named_wins_over_home_and_home_over_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings come from --params, else the home, else the current folder, else the package."""
    here, home, named = (tmp_path / name for name in ("here", "home", "named"))
    for port, folder in enumerate((here, home, named), start=4001):
        folder.mkdir()
        written(folder, f"serving: {{port: {port}}}")
    monkeypatch.chdir(here)
    assert Settings.load(home, named / "params.yaml").serving.port == 4003
    assert Settings.load(home).serving.port == 4002
    assert Settings.load(tmp_path / "empty").serving.port == 4001
    monkeypatch.chdir(tmp_path)
    assert Settings.load(tmp_path / "empty").serving.port == 3000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("trainign: {}", ("'trainign'", "features, training, serving")),
        ("training: {boster: {}}", ("'training.boster'", "booster")),
        ("training: {leads: {horizon: 9}}", ("'training.leads.horizon'", "horizon_days")),
        ("training: {leads: {horizon_days: soon}}", ("horizon_days", '"soon"', "integer")),
        ("training: {leads: {horizon_days: 0}}", ("horizon_days", "0", "greater than")),
        ("training: {leads: {horizon_days: 7.5}}", ("horizon_days", "7.5", "integer")),
        ("training: {scoring: {priority: luck}}", ("'training.scoring.priority'", "reasons")),
        ("training: {calls: {rest: 2}}", ("rest", "2", "less than or equal")),
        ("features: {timezone: Mars/Olympus}", ("timezone", "Mars/Olympus")),
        ("features: {working_days: [monday]}", ("working_days", '"monday"', "'mon'")),
        ("features: [1, 2]", ("'features'", "a list of 2", "FeatureParams")),
        ("features: {ingest: {day_first: maybe}}", ("day_first", '"maybe"', "boolean")),
        ("serving: {engine: {name: flink}}", ("engine.name", '"flink"', "'spark'")),
        ("serving: {database: {company: acme}}", ("database", "company", "url")),
        ("serving: {database: {url: mysql://h/d}}", ("database", "postgresql://USER@HOST")),
        (
            "serving: {database: {url: postgresql://u@h/d, company: Acme}}",
            ("database", "small letters"),
        ),
        (
            "serving: {database: {url: postgresql://u@h/d, company: acme, folder: models}}",
            ("database", "full path"),
        ),
        ("- a list", ("list", "sections")),
        ("training: {leads", ("YAML",)),
    ],
)
def test_an_error_names_file_key_value_and_remedy(
    tmp_path: Path, text: str, said: tuple[str, ...]
) -> None:
    """An error names the file, the key, what was given, and what would be right."""
    path = written(tmp_path, text)
    with pytest.raises(ParamsError) as caught:
        Settings.read(path)
    for words in (str(path), *said):
        assert words in str(caught.value)


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    """One reading reports every wrong key, so that nobody fixes them one run at a time."""
    path = written(tmp_path, "serving: {port: 0, prot: 1}\ntraining: {oops: 2}")
    with pytest.raises(ParamsError) as caught:
        Settings.read(path)
    assert all(key in str(caught.value) for key in ("serving.port", "serving.prot", "oops"))


def test_a_file_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are an error in words."""
    path = tmp_path / "params.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ParamsError, match="cannot be read"):
        Settings.read(path)


@pytest.mark.parametrize("url", ["postgresql://u:s3cret@h/d", "postgresql://u@h/d?password=s3cret"])
def test_a_password_in_the_settings_is_refused_and_not_repeated(tmp_path: Path, url: str) -> None:
    """The error says where a password belongs, and does not hold it."""
    database = f"{{url: '{url}', company: acme, folder: /srv/models}}"
    path = written(tmp_path, f"serving: {{database: {database}}}")
    with pytest.raises(ParamsError, match="PGPASSWORD") as caught:
        Settings.read(path)
    assert "s3cret" not in str(caught.value)


def test_variables_of_libraries_are_left_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a machine sets for other users of the same libraries is gone; all else stays."""
    stray = ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir", "BENTOML_CONFIG", "MLFLOW_X")
    for name in (*stray, "PGPASSWORD", "MY_MLFLOW_X"):
        monkeypatch.setenv(name, "something")
    ignore_stray_variables()
    assert not {*stray} & {*os.environ}
    assert {"PGPASSWORD", "MY_MLFLOW_X"} <= {*os.environ}
