"""Laws of the files that go back into a CRM: every lead, its own words, and no formula."""

from __future__ import annotations

import csv
import io
import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.export.cells import APOSTROPHE, neutralised
from serving.export.formats import FORMATS
from serving.export.leads import LONGEST, lead_file, reasons_in_words

DANGEROUS = st.sampled_from(["=1+1", "+49 30", "-2", "@SUM(A1)", "\t=1", "\r\n=1", "\n-1", " =1"])
CELLS = st.one_of(st.text(max_size=40), DANGEROUS, st.builds("{}{}".format, DANGEROUS, st.text()))
IDS = st.one_of(st.text(min_size=1, max_size=12), DANGEROUS)


def reasons(*labels: str) -> str:
    """Return reasons as `score` writes them, the first worth the most points."""
    items = [
        {"label": label, "value": "often", "points": 9.0 - place}
        for place, label in enumerate(labels)
    ]
    return json.dumps({"base": 1.0, "items": items, "rest": 0.0})


def scores(ids: list[str], label: str = "last touch") -> pd.DataFrame:
    """Return scored leads of one owner; the last of them must not be contacted."""
    ranks = [*range(1, len(ids)), None]
    return pd.DataFrame(
        {
            "lead_id": ids,
            "rep_id": "r1",
            "as_of": pd.Timestamp("2025-03-31T14:05"),
            "score": [12.345] * len(ids),
            "rank": pd.array(ranks, "Int64"),
            "band": "warm",
            "reasons": reasons(label),
        }
    )


def read(text: str) -> list[list[str]]:
    """Read a file back as an importer does."""
    return list(csv.reader(io.StringIO(text, newline="")))


@settings(deadline=None)
@given(cell=CELLS)
def test_no_cell_begins_a_formula_and_none_loses_a_sign(cell: str) -> None:
    """Whatever a cell says, it says it as text; what could not be a formula stays as it is."""
    safe = neutralised(cell)
    first = safe.lstrip()[:1]
    assert first not in set("=+-@＝＋－＠")  # noqa: RUF001 - wide signs
    assert safe[:1] not in set("\t\r\n")
    assert safe in {cell, APOSTROPHE + cell}


@settings(deadline=None)
@given(ids=st.lists(IDS, min_size=1, max_size=6, unique=True), label=CELLS)
@pytest.mark.parametrize("crm", FORMATS)
def test_a_file_reads_back_as_it_was_written(crm: str, ids: list[str], label: str) -> None:
    """Quotes, commas, line ends and formulas in ids and reasons: every lead is one row."""
    file = lead_file(scores(ids, label), FORMATS[crm])
    header, *rows = read(file.text)
    assert header == list(FORMATS[crm].header)
    assert sorted(row[0] for row in rows) == sorted(map(neutralised, ids))
    assert {len(row) for row in rows} == {len(header)}
    assert sorted(file.changed_ids) == sorted(i for i in ids if neutralised(i) != i)
    assert not any(cell[:1] in set("=+-@\t\r\n") for row in rows for cell in row if cell)


@pytest.mark.parametrize("crm", FORMATS)
def test_a_row_holds_score_rank_band_reasons_and_moment(crm: str) -> None:
    """The next to call comes first; a lead that must not be contacted has no rank."""
    shape = FORMATS[crm]
    first, last = (
        dict(zip(shape.header, row, strict=True))
        for row in read(lead_file(scores(["b", "a"]), shape).text)[1:]
    )
    assert (first[shape.id], first[shape.rank], first[shape.score]) == ("b", "1", "12.3")
    assert (last[shape.id], last[shape.rank], last[shape.band]) == ("a", "", "warm")
    assert first[shape.reasons] == "last touch: often (+9)"
    assert first[shape.as_of].startswith("2025-03-31")


def test_reasons_that_do_not_fit_are_left_out_whole() -> None:
    """The strongest come first; no reason is cut in the middle."""
    words = reasons_in_words(reasons("x" * 100, "y" * 200, "z" * 50))
    assert words == f"{'x' * 100}: often (+9); {'z' * 50}: often (+7)"
    assert len(words) <= LONGEST
    assert reasons_in_words(json.dumps({"items": []})) == ""


def test_every_header_names_each_field_once() -> None:
    """No importer meets two columns of one name."""
    for shape in FORMATS.values():
        assert len(set(shape.header)) == 6
