"""The command line from outside: what goes in, what comes out, and what it says when it cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
from outside import DAYS, HORIZON, START, Run, Walked, company, day, prepared, write

ROOT = Path(__file__).parents[2]
END = START + timedelta(days=DAYS)
SCORES = [
    "lead_id",
    "rep_id",
    "as_of",
    "horizon_days",
    "p",
    "score",
    "reach",
    "gain",
    "priority",
    "rank",
    "band",
    "evidence",
    "reasons",
    "call_reasons",
    "call_evidence",
    "model_version",
]
PREDICTIONS = ["lead_id", "cutoff", "horizon_days", "p", "y", "fold"]


@pytest.fixture(scope="module")
def scored(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The scores of the champion as of the extract's end."""
    from serving.cli.main import main  # noqa: PLC0415 - as the fixtures of the folder call it

    out = tmp_path_factory.mktemp("scored")
    assert main(["--home", str(trained), "score", "--out", str(out)]) == 0
    return pd.read_parquet(out / "lead_scores.parquet")


# What goes in.


def test_options_before_and_after_the_verb_mean_the_same(run: Run, tmp_path: Path) -> None:
    """--home, --params and --json may stand on either side of a verb."""
    home, params = tmp_path / "home", tmp_path / "mine.yaml"
    assert run("--home", home, "token", "create", "anna").code == 0
    options = ("--home", home, "--params", params, "--json")
    for text, code in (("", 0), ("oops: 1", 2)):
        params.write_text(text, encoding="utf-8")
        before, after = run(*options, "token", "list"), run("token", "list", *options)
        mixed = run("--json", "token", "list", "--params", params, "--home", home)
        assert before == after == mixed
        assert before.code == code
        assert code or before.data["tokens"][0]["name"] == "anna"


def test_an_option_after_the_verb_wins(run: Run, tmp_path: Path) -> None:
    """The home that stands nearer to the verb's own options is the one that is used."""
    one, other = tmp_path / "one", tmp_path / "other"
    assert run("--home", one, "token", "create", "anna", "--home", other).code == 0
    assert other.is_dir()
    assert not one.exists()


def test_the_current_folder_is_the_home(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --home all is kept in the current folder."""
    monkeypatch.chdir(tmp_path)
    assert run("token", "create", "anna").code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_check_gives_findings_of_one_form(run: Run, loaded: Path) -> None:
    """`check --json` gives findings with exactly the fields of the contract; here none fails."""
    told = run("check", "--home", loaded, "--json")
    assert told.code == 0
    assert told.data["findings"]
    for finding in told.data["findings"]:
        assert set(finding) == {"table", "column", "kind", "severity", "says"}
        assert finding["severity"] in {"warning", "info"}


def test_check_fails_with_one_only_for_errors(run: Run, tmp_path: Path) -> None:
    """A column that tells the outcome, and is declared known at creation, ends in exit code 1."""
    tables = company(leads=400)
    for lead in tables["leads"]:
        lead["stage_now"] = "won" if lead["converted_at"] else "other"
    home = prepared(tmp_path, tables)
    ingested = run("ingest", home / "extract", "--home", home)
    assert ingested.code == 0
    assert "leads.stage_now (its values tell converted leads from the others" in ingested.err
    declared = home / "declared.yaml"
    declared.write_text("features: {known_at_creation: [leads.stage_now]}", encoding="utf-8")
    failed = run("check", "--home", home, "--params", declared, "--json")
    assert failed.code == 1
    assert any(
        f["severity"] == "error" and f["column"] == "stage_now" for f in failed.data["findings"]
    )
    assert "stage_now" in failed.err


# What comes out.


def test_the_first_model_is_champion_and_the_next_stay_challengers(
    run: Run, tmp_path: Path
) -> None:
    """A second training challenges; --promote makes a third the champion."""
    home = prepared(tmp_path, company(leads=60))
    assert run("ingest", home / "extract", "--home", home).code == 0
    every = (("train",), ("train",), ("train", "leads", "--promote"))
    told = [run(*words, "--home", home, "--json").data["models"] for words in every]
    first, second, third = (model for (model,) in told)
    assert [t["version"] for t in (first, second, third)] == ["1", "2", "3"]
    assert [t["alias"] for t in (first, second, third)] == ["champion", "challenger", "champion"]
    assert run("score", "--home", home, "--out", home / "out").code == 0
    assert set(pd.read_parquet(home / "out" / "lead_scores.parquet")["model_version"]) == {"3"}


def test_a_backtest_writes_the_columns_of_the_contract(tested: Walked) -> None:
    """Every open lead at every cutoff has a probability; unripe cutoffs have no outcome."""
    out, told = tested.out, tested.told
    frame = pd.read_parquet(out / "lead_predictions.parquet")
    assert list(frame.columns) == PREDICTIONS
    assert told["rows"] == len(frame)
    assert {Path(name).name for name in told["files"]} == {p.name for p in out.iterdir()}
    assert frame["p"].between(0, 1).all()
    assert not frame.duplicated(["lead_id", "cutoff"]).any()
    ripe = frame["cutoff"] <= END - timedelta(days=HORIZON)
    assert frame.loc[ripe, "y"].isin([0, 1]).all()
    assert frame.loc[~ripe, "y"].isna().all()
    wanted = [START + timedelta(days=d) for d in (150, 165, 180, 195)]
    assert sorted(frame["cutoff"].unique()) == [pd.Timestamp(moment) for moment in wanted]
    leads = pd.DataFrame(company()["leads"])
    ended = pd.to_datetime(leads["converted_at"].where(leads["converted_at"] != "")).fillna(
        pd.to_datetime(leads["lost_at"].where(leads["lost_at"] != ""))
    )
    for moment in wanted:
        is_open = (pd.to_datetime(leads["created_at"]) < moment) & ~(ended < moment)
        assert set(frame.loc[frame["cutoff"] == moment, "lead_id"]) == set(
            leads["lead_id"][is_open]
        )
    json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    assert told["metrics"]["auc"]["value"] > 0.55


def test_scores_have_the_columns_of_the_contract(scored: pd.DataFrame) -> None:
    """The file has exactly the named columns, in their order."""
    assert list(scored.columns) == SCORES
    assert (scored["as_of"] <= pd.Timestamp(END)).all()
    assert (scored["as_of"] == scored["as_of"].iloc[0]).all()
    assert np.allclose(scored["score"], 100 * scored["p"])


def test_leads_without_an_owner_are_one_pool(scored: pd.DataFrame) -> None:
    """Each owner's leads, and the pool's, are ranked 1, 2, 3 … by priority."""
    assert scored["rep_id"].isna().any()
    for _, own in scored.groupby("rep_id", dropna=False):
        ranked = own.sort_values("rank")
        assert list(ranked["rank"]) == list(range(1, len(own) + 1))
        assert ranked["priority"].is_monotonic_decreasing


def test_reasons_add_up_to_the_score(scored: pd.DataFrame) -> None:
    """Base, points and rest make the score within 0.01 of a percentage point."""
    for row in scored.itertuples():
        told = json.loads(row.reasons)
        assert set(told) == {"base", "items", "rest"}
        total = told["base"] + told["rest"] + sum(i["points"] for i in told["items"])
        assert abs(total - row.score) <= 0.01
        for item in told["items"]:
            assert set(item) >= {"feature", "label", "value", "points", "side", "who"}


def test_scores_with_hindsight_are_warned_about(run: Run, trained: Path, tmp_path: Path) -> None:
    """A champion that learned from what came after --as-of is used, and said."""
    told = run("score", "--home", trained, "--as-of", day(120), "--out", tmp_path, "--json")
    assert told.code == 0
    assert "later than" in told.err
    assert len(pd.read_parquet(tmp_path / "lead_scores.parquet")) == told.data["rows"] > 0


def test_scores_may_be_asked_for_after_the_extract_ends(
    run: Run, trained: Path, tmp_path: Path
) -> None:
    """A later --as-of scores with what is known, without a warning of hindsight."""
    later = END + timedelta(days=10)
    told = run("score", "--home", trained, "--as-of", f"{later:%Y-%m-%dT%H:%M}", "--out", tmp_path)
    assert told.code == 0
    assert "later than" not in told.err
    frame = pd.read_parquet(tmp_path / "lead_scores.parquet")
    assert (frame["as_of"] == pd.Timestamp(later)).all()


def test_a_moment_with_a_zone_is_converted(run: Run, trained: Path, tmp_path: Path) -> None:
    """02:00 in a zone two hours ahead is midnight UTC."""
    moment = f"{day(190)}T02:00+02:00"
    assert run("score", "--home", trained, "--as-of", moment, "--out", tmp_path).code == 0
    frame = pd.read_parquet(tmp_path / "lead_scores.parquet")
    assert (frame["as_of"] == pd.Timestamp(day(190))).all()


def test_one_lead_is_explained_as_it_is_scored(
    run: Run, trained: Path, scored: pd.DataFrame
) -> None:
    """`explain lead` gives the file's row; without JSON it gives a table that ends in the score."""
    row = scored.iloc[0]
    told = run("explain", "lead", row["lead_id"], "--home", trained, "--json").data
    assert told["p"] == pytest.approx(row["p"])
    reasons = json.loads(row["reasons"])
    for item, scored_item in zip(told["reasons"]["items"], reasons["items"], strict=True):
        assert item["says"]
        assert 0 <= item["at_usual"] <= 100
        assert {name: item[name] for name in scored_item} == scored_item
    assert (told["reasons"]["base"], told["reasons"]["rest"]) == (reasons["base"], reasons["rest"])
    shown = run("--home", trained, "explain", "lead", row["lead_id"])
    assert f"{row['score']:.1f}" in shown.out


def test_a_token_is_shown_once_listed_and_revoked(run: Run, tmp_path: Path) -> None:
    """A secret goes to stdout alone, never appears again, and revoking it is remembered."""
    home = tmp_path / "a home"
    made = run("token", "create", "anna", "--home", home)
    secret = made.out.strip()
    assert made.out == secret + "\n"
    assert secret not in made.err
    listed = run("token", "list", "--home", home, "--json")
    (entry,) = listed.data["tokens"]
    assert secret not in listed.out
    assert entry["name"] == "anna"
    assert run("token", "revoke", entry["id"], "--home", home).code == 0
    (entry,) = run("token", "list", "--home", home, "--json").data["tokens"]
    assert entry["revoked_at"]
    assert run("token", "list", "--home", home).code == 0


def test_words_go_to_stderr_and_data_to_stdout(run: Run, loaded: Path, tmp_path: Path) -> None:
    """With --json stdout is one JSON document; the words are still said, on stderr."""
    home = tmp_path / "home"
    told = run("ingest", loaded / "extract", "--home", home, "--json")
    assert told.data["tables"]["leads"] == {
        **told.data["tables"]["leads"], "read": 700, "accepted": 700, "quarantined": 0,
    }  # fmt: skip
    assert "lead conversion: possible" in told.err
    plain = run("ingest", loaded / "extract", "--home", home)
    assert "leads" in plain.out
    assert "lead conversion: possible" not in plain.out


def test_the_command_writes_under_its_home_alone(loaded: Path, tmp_path: Path) -> None:
    """A real process keeps all in data/ and mlruns/, shows figures on stdout, warns of nothing."""
    here, home = tmp_path / "here", tmp_path / "a home"
    here.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    shown = {"ingest": "", "train": ""}
    for verb, more in (
        ("ingest", [str(loaded / "extract")]),
        ("train", ["--params", str(loaded / "params.yaml")]),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "serving", verb, *more, "--home", str(home)],
            cwd=here, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        assert "Warning" not in done.stderr
        shown[verb] = done.stdout
    assert "base rate" in shown["train"]
    assert list(here.iterdir()) == []
    assert {path.name for path in home.iterdir()} == {"data", "mlruns"}


# Thin data.


def test_an_extract_without_activities_is_learned_from(run: Run, tmp_path: Path) -> None:
    """An activities table without rows leaves what was known at creation."""
    tables = {**company(leads=500), "activities": []}
    home = prepared(tmp_path, tables, {"activities": ["occurred_at", "type"]})
    assert run("ingest", home / "extract", "--home", home).code == 0
    assert run("train", "--home", home).code == 0
    assert run("score", "--home", home, "--out", home / "out").code == 0
    assert len(pd.read_parquet(home / "out" / "lead_scores.parquet")) > 0


def test_an_extract_of_required_columns_alone_is_scored(run: Run, tmp_path: Path) -> None:
    """With ids and creation times alone the fallback is registered, the reason is told, exit 0."""
    tables = company(leads=300)
    home = prepared(
        tmp_path,
        {name: tables[name] for name in ("leads", "activities")},
        {"leads": ["lead_id", "created_at"], "activities": ["occurred_at", "type"]},
    )
    assert run("ingest", home / "extract", "--home", home).code == 0
    told = run("train", "--home", home, "--json")
    assert told.code == 0
    (model,) = told.data["models"]
    assert model["alias"] == "champion"
    assert model["evidence"] == "none"
    assert any("too little to fit" in words and "0 converted" in words for words in model["says"])
    assert "too little to fit" in told.err
    assert run("score", "--home", home, "--out", home / "out").code == 0
    frame = pd.read_parquet(home / "out" / "lead_scores.parquet")
    assert list(frame.columns) == SCORES
    assert len(frame) == 300
    assert frame["p"].between(0, 1).all()
    assert set(frame["evidence"]) == {"none"}
    asked = ("--from", day(150), "--to", day(160), "--out", home / "test")
    assert run("backtest", "--home", home, *asked).code == 0
    predictions = pd.read_parquet(home / "test" / "lead_predictions.parquet")
    assert predictions["p"].between(0, 1).all()
    assert (home / "test" / "report.html").stat().st_size > 0


def test_a_model_that_knows_little_beyond_age_is_not_champion(run: Run, tmp_path: Path) -> None:
    """Where fates are drawn, the fallback is registered, `train` ends with why, nothing is hot."""
    tables = company(leads=500)
    chance = Random(4)  # noqa: S311 - a sample, no secret
    for lead in tables["leads"]:
        over = lead["converted_at"] or lead["lost_at"]
        is_won = chance.random() < 0.3
        lead["converted_at"], lead["lost_at"] = (over, "") if is_won else ("", over)
    home = prepared(tmp_path, tables)
    assert run("ingest", home / "extract", "--home", home).code == 0
    told = run("train", "--home", home, "--json")
    assert told.code == 0
    (model,) = told.data["models"]
    assert (model["alias"], model["evidence"]) == ("champion", "none")
    assert model["doubt"].startswith("little beyond age")
    assert "interval" in model["doubt"]
    last = told.err.strip().splitlines()[-1]
    assert last == f"note: leads: {model['doubt']}"
    scored = run("score", "--home", home, "--out", home / "out")
    assert model["doubt"] in scored.err
    frame = pd.read_parquet(home / "out" / "lead_scores.parquet")
    assert list(frame.columns) == SCORES
    assert "hot" not in set(frame["band"])
    assert set(frame["evidence"]) == {"none"}
    assert frame["rank"].notna().all()
    assert model["doubt"] in run("check", "--home", home).err
    again = run("train", "--home", home, "--json").data["models"][0]
    assert (again["alias"], again["version"]) == ("challenger", "2")
    assert again["doubt"].startswith("little beyond age")
    promoted = run("train", "--home", home, "--json", "--promote").data["models"][0]
    assert promoted["alias"] == "champion"
    assert promoted["evidence"] != "none"


# What cannot be done.


def fails(run: Run, *arguments: str | Path, says: tuple[str, ...] = ()) -> str:
    """Expect exit code 2 with one message on stderr, and nothing on stdout."""
    told = run(*arguments)
    assert told.code == 2
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert told.err.count("\n") == 1, told.err
    assert "Traceback" not in told.err
    for words in says:
        assert words in told.err
    return told.err


def test_a_source_that_is_not_there(run: Run, tmp_path: Path) -> None:
    """A missing folder is named, and what a source may be is told."""
    fails(
        run, "ingest", tmp_path / "nö", "--home", tmp_path, says=("nö", "no such folder", "parquet")
    )


def test_a_table_that_is_missing(run: Run, tmp_path: Path) -> None:
    """Training without activities names the table and what is there."""
    home = prepared(tmp_path, {"leads": company(leads=60)["leads"]})
    assert run("ingest", home / "extract", "--home", home).code == 0
    fails(run, "train", "--home", home, says=("activities",))


def test_a_column_that_is_missing(run: Run, tmp_path: Path) -> None:
    """A required column is named with its file, what was found, and the way out."""
    source = write(tmp_path / "extract", {"leads": [{"lead_id": "a", "made": "2025-01-01"}]})
    said = ("leads.csv", "'created_at'", "lead_id, made", "--mapping")
    fails(run, "ingest", source, "--home", tmp_path, says=said)


def test_a_mapping_that_does_not_fit(run: Run, tmp_path: Path) -> None:
    """A mapping file that is missing or names a column we do not have is told by name."""
    source = write(tmp_path / "extract", {"leads": [{"lead_id": "a", "created_at": "2025-01-01"}]})
    mapping = tmp_path / "map.yaml"
    asked = ("ingest", source, "--home", tmp_path, "--mapping", mapping)
    fails(run, *asked, says=("map.yaml",))
    mapping.write_text("leads: {columns: {lead_number: Id}}", encoding="utf-8")
    fails(run, *asked, says=("lead_number", "lead_id"))
    mapping.write_text("leads: {columns: {lead_id: Id}}", encoding="utf-8")
    fails(run, *asked, says=("Id",))


def test_a_setting_that_is_not_known(run: Run, loaded: Path, tmp_path: Path) -> None:
    """An unknown key is named beside the known ones, a wrong value beside what would be right."""
    params = tmp_path / "mine.yaml"
    params.write_text("training: {leads: {horizon: 3}}", encoding="utf-8")
    asked = ("train", "--home", loaded, "--params", params)
    fails(run, *asked, says=("mine.yaml", "training.leads.horizon", "horizon_days"))
    params.write_text("training: {leads: {horizon_days: long}}", encoding="utf-8")
    fails(run, *asked, says=("training.leads.horizon_days", '"long"', "integer"))
    params.write_text("training: {leads: {horizon_days", encoding="utf-8")
    fails(run, *asked, says=("YAML",))
    params.unlink()
    fails(run, *asked, says=("mine.yaml", "no such file"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("bogus", "bogus"),
        ("train reps", "reps"),
        ("train quota --horizon-days 9", "--horizon-days"),
        ("coach", "--all"),
        ("explain deal x", "deal"),
        ("check --bogus", "--bogus"),
        ("ingest", "SOURCE"),
        ("score", "--out"),
        ("score --out x --as-of yesterday", "yesterday"),
        ("score --out x --as-of 2025-13-01", "2025-13-01"),
        ("train --horizon-days 0", "--horizon-days"),
        ("train --horizon-days soon", "soon"),
        ("backtest --from 2025-01-01 --to 2025-01-02 --every 0 --out x", "--every"),
        ("serve --port 99999", "99999"),
    ],
)
def test_wrong_usage_is_one_sentence(run: Run, words: str, says: str) -> None:
    """What is not offered, missing or malformed is named, with the help that would tell more."""
    assert "--help" in fails(run, *words.split(), says=(says,))


def test_every_verb_says_what_must_come_first(run: Run, tmp_path: Path) -> None:
    """Before an ingest each verb asks for it, and leaves no trace of having tried."""
    out = tmp_path / "out"
    span = ("--from", "2025-01-01", "--to", "2025-01-02", "--out", out)
    for verb in (
        ("check",),
        ("train",),
        ("train", "quota"),
        ("backtest", *span),
        ("backtest", "quota", *span),
        ("score", "--out", out),
        ("explain", "lead", "x"),
        ("explain", "rep", "x"),
    ):
        fails(run, *verb, "--home", tmp_path / "home", says=("no data yet", "pacesetter ingest"))
    assert list(tmp_path.iterdir()) == []


def test_scores_without_a_champion_ask_for_training(run: Run, tmp_path: Path) -> None:
    """With data and no model the next step is `train`."""
    home = prepared(tmp_path, company(leads=60))
    assert run("ingest", home / "extract", "--home", home).code == 0
    fails(run, "score", "--out", home / "out", "--home", home, says=("pacesetter train",))
    fails(run, "explain", "lead", "L-0001", "--home", home, says=("pacesetter train",))
    assert not (home / "out").exists()


def test_a_lead_that_cannot_be_explained(run: Run, trained: Path) -> None:
    """An unknown lead is told as unknown, one that ended as ended, one to come as to come."""
    ended = next(lead for lead in company()["leads"] if lead["converted_at"])
    asked = ("explain", "lead", "--home", trained)
    fails(run, *asked, "nobody", says=("no lead has the id 'nobody'",))
    fails(run, *asked, ended["lead_id"], says=("won",))
    fails(run, *asked, ended["lead_id"], "--as-of", "2024-06-01", says=("created",))


def test_a_backtest_of_no_time(run: Run, loaded: Path, tmp_path: Path) -> None:
    """A range after the data, or one that ends before it begins, is told, and nothing is made."""
    out = ("--out", tmp_path / "out", "--home", loaded)
    fails(run, "backtest", "--from", "2031-01-01", "--to", "2031-02-01", *out, says=("2031-01-01",))
    fails(run, "backtest", "--from", day(160), "--to", day(150), *out, says=(day(160), day(150)))
    assert not (tmp_path / "out").exists()


def test_results_that_cannot_be_written(
    run: Run, loaded: Path, trained: Path, tmp_path: Path
) -> None:
    """A file in the way of --out is told before the work begins."""
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    span = ("--from", day(150), "--to", day(151))
    out = in_the_way / "out"
    fails(run, "score", "--home", trained, "--out", out, says=("--out",))
    fails(run, "backtest", "--home", loaded, *span, "--out", out, says=("--out",))


def test_a_token_that_is_not_there(run: Run, tmp_path: Path) -> None:
    """Revoking an unknown token names those there are; a name of nothing is refused."""
    assert run("token", "create", "anna", "--home", tmp_path).code == 0
    fails(run, "token", "revoke", "nothing", "--home", tmp_path, says=("'nothing'",))
    fails(run, "token", "create", "", "--home", tmp_path, says=("name",))


def test_help_tells_every_verb(run: Run) -> None:
    """Each verb and each of its options has a help text."""
    from serving.cli.commands import pacesetter  # noqa: PLC0415 - only this test looks behind the curtain

    told = run("--help")
    assert told.code == 0
    for name, command in pacesetter.commands.items():
        assert name in told.out
        assert command.short_help
        for option in command.params:
            assert option.param_type_name == "argument" or option.help, (name, option.name)
