"""What a column held at a moment comes from what could be seen of it then: by hand, on each engine.

Two little worlds. In one the CRM logs every field from its creation on, or says what was there
before the first change; in the other it logs later changes alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from engines import Engine
from extract import Extract, Row, change, lead, touch
from looks import only

from features.build import Examples, build
from features.definitions.deal import deal_features
from features.definitions.lead import lead_features
from features.feature import FeatureSet
from features.history.vocabulary import Vocabulary, read_vocabulary
from features.params import FeatureParams
from features.storage.warehouse import Warehouse
from features.subjects import DEAL, LEAD, Subject

CUTOFF = datetime(2024, 5, 15, 12)
DAY = timedelta(days=1)
BORN, END = CUTOFF - 20 * DAY, CUTOFF + 30 * DAY
PARAMS = FeatureParams(
    windows_days=(7,),
    min_count=1,
    known_at_creation=("accounts.sector", "deals.seats", "leads.industry"),
)
ATTRIBUTES = {
    "accounts": {"sector": pa.string()},
    "deals": {"seats": pa.float64()},
    "leads": {"industry": pa.string()},
}
DUE = datetime(2024, 5, 31, 13, 5)
"""A moment that the deals of several zones are expected to close at."""
WRITTEN = {
    "east": "2024-05-31T14:05:00+01:00",
    "west": "2024-05-31 07:35:00 -0530",
    "zulu": "2024-05-31T13:05:00Z",
    "utc": "2024-05-31 13:05:00 UTC",
    "plain": "2024-05-31T13:05",
}


FEW = {
    *("leads_source", "accounts_sector", "owner_territory", "lead_to_deal_days", "has_lead"),
    *("amount", "amount_up_all", "days_to_expected_close", "days_pushed"),
}
"""The features that are looked at; building the others takes an engine a while."""


def deal(name: str, rep_id: str = "R1", **more: Any) -> Row:
    """Write an open deal's row."""
    return {"deal_id": name, "rep_id": rep_id, "created_at": BORN, **more}


def moved(name: str, days: int, field: str, value: str | None, **more: Any) -> Row:
    """Write a deal's change, so many days from the cutoff."""
    return change(name, CUTOFF + days * DAY, field, value, "deal", **more)


REPS = (
    {"rep_id": "R1", "territory": "south", "hired_at": BORN - 80 * DAY},
    {"rep_id": "R2", "territory": "east", "hired_at": BORN - 80 * DAY},
    {"rep_id": "R3", "territory": "east", "hired_at": BORN - 80 * DAY},
    {"rep_id": "R9", "territory": "moon", "hired_at": BORN - 80 * DAY},
)
ACCOUNTS = ({"account_id": "A1", "sector": "steel"}, {"account_id": "A2", "sector": "food"})
TOLD = Extract(
    {
        "leads": (
            lead("given later", BORN, rep_id="R1"),
            lead("emptied", BORN),
            lead("never changed", BORN, rep_id="R2", account_id="A2", source="web"),
            lead("only worked", BORN),
            lead("young", CUTOFF - 5 * DAY),
            lead("handed to a stranger", BORN, rep_id="R9"),
            lead("account to come", BORN, rep_id="R1", account_id="A2", source="renamed"),
            lead("account that came", BORN, rep_id="R1", account_id="A2", source="web"),
        ),
        "activities": (
            touch("emptied", CUTOFF - 6 * DAY, rep_id="R2"),
            touch("given later", CUTOFF - 6 * DAY, rep_id="R2"),
            touch("only worked", CUTOFF - 6 * DAY, rep_id="R3"),
            touch("never changed", CUTOFF - 6 * DAY, rep_id="R3"),
            {"deal_id": "emptied", "occurred_at": CUTOFF - DAY, "type": "call", "rep_id": "R3"},
        ),
        "changes": (
            change("given later", BORN, "rep_id", None),
            change("given later", CUTOFF + 2 * DAY, "rep_id", "R1", old_value="nobody reads this"),
            change("emptied", BORN, "rep_id", "R1"),
            change("emptied", CUTOFF - 5 * DAY, "rep_id", None),
            change("handed to a stranger", CUTOFF + 4 * DAY, "rep_id", "R9", old_value="R1"),
            change("account to come", BORN, "account_id", "A1"),
            change("account to come", CUTOFF + DAY, "account_id", "A2"),
            change("account that came", BORN, "account_id", "A1"),
            change("account that came", CUTOFF - DAY, "account_id", "A2"),
            change("account to come", CUTOFF + 10 * DAY, "source", "renamed", old_value="fair"),
            change("R1", CUTOFF + 5 * DAY, "territory", "south", "rep", old_value="north"),
            *(
                moved(name, -3, "expected_close_at", text, old_value="2024-05-20")
                for name, text in WRITTEN.items()
            ),
            moved("told", -10, "amount", "100", old_value="50"),
            moved("told", 1, "amount", "999"),
            moved("emptied", -20, "rep_id", "R1"),
            moved("emptied", -2, "rep_id", None),
            moved("stranger", 2, "rep_id", "R9", old_value="R1"),
            moved("told", -20, "lead_id", "emptied"),
            moved("told", -1, "lead_id", "young"),
            moved("told", 1, "lead_id", "emptied"),
            moved("told", -20, "account_id", "A1"),
            moved("told", 1, "account_id", "A2"),
        ),
        "deals": (
            deal("told", amount=999.0, lead_id="emptied", account_id="A2"),
            deal("never changed", "R2", amount=70.0, lead_id="emptied", account_id="A2"),
            deal("emptied", "R2"),
            deal("stranger", "R9"),
            *(deal(name, expected_close_at=DUE + 40 * DAY) for name in WRITTEN),
        ),
        "reps": REPS,
        "accounts": ACCOUNTS,
    },
    END,
    ATTRIBUTES,
)
"""A CRM that tells all of every field's past."""
UNTOLD = Extract(
    {
        "leads": (
            lead("given later", BORN, rep_id="R1", source="renamed"),
            lead("worked", BORN, rep_id="R1", source="fair", account_id="A2"),
            lead("given", BORN, rep_id="R2", source="web"),
        ),
        "activities": (
            touch("worked", CUTOFF - 6 * DAY, rep_id="R3"),
            {"deal_id": "worked", "occurred_at": CUTOFF - DAY, "type": "call", "rep_id": "R3"},
            {"deal_id": "won later", "occurred_at": CUTOFF, "type": "call", "rep_id": "R3"},
        ),
        "changes": (
            change("given later", CUTOFF + DAY, "rep_id", "R1"),
            change("given", CUTOFF - DAY, "rep_id", "R2"),
            change("given", CUTOFF - DAY, "source", "web"),
            change("given later", CUTOFF + DAY, "source", "renamed"),
            change("given later", CUTOFF + DAY, "account_id", "A1"),
            moved("won later", 1, "rep_id", "R9"),
            moved("won later", 1, "amount", "999"),
            moved("told late", 2, "amount", "7", old_value="6"),
            moved("worked", -1, "amount", "100"),
            moved("won later", 1, "seats", "12"),
        ),
        "deals": (
            deal("won later", "R9", amount=999.0, seats=12.0),
            deal("told late", "R9", amount=7.0, seats=12.0),
            deal("worked", "R9", amount=555.0, seats=3.0),
        ),
        "reps": REPS,
        "accounts": ACCOUNTS,
    },
    END,
    ATTRIBUTES,
)
"""A CRM that logs later changes alone."""


@dataclass(frozen=True)
class Seen:
    """What was seen of leads or deals at the cutoff."""

    key: str
    words: Vocabulary
    examples: Examples

    def __call__(self, name: str, feature: str) -> float:
        """Give a feature."""
        return float(self.examples.X[feature].to_numpy()[self._row(name)])

    def owner(self, name: str) -> str | None:
        """Name the owner."""
        found = self.examples.keys["owner"].iloc[self._row(name)]
        return found if isinstance(found, str) else None

    def word(self, name: str, feature: str) -> str | None:
        """Give a category's word; None where there is no value, or no such feature at all."""
        declared = {f.name: f for f in self.examples.feature_set}
        if feature not in declared or math.isnan(self(name, feature)):
            return None
        return (*(declared[feature].categories or ()), "another")[int(self(name, feature))]

    def _row(self, name: str) -> int:
        return list(self.examples.keys[self.key]).index(name)


def seen_at(warehouse: Warehouse, *, all_features: bool = False) -> tuple[Seen, Seen]:
    """Look at leads and at deals as of the cutoff, with words as of the same moment."""
    past = warehouse.until(CUTOFF)

    def seen(subject: Subject, declare: Callable[..., FeatureSet]) -> Seen:
        words = read_vocabulary(past, PARAMS, subject)
        declared = declare(words, PARAMS)
        asked = declared if all_features else only(declared, sorted(FEW & set(declared.names)))
        return Seen(subject.key, words, build(past, asked, words, [CUTOFF], PARAMS))

    return seen(LEAD, lead_features), seen(DEAL, deal_features)


@pytest.fixture(scope="module", name="told")
def fixture_told(engine: Engine) -> Iterator[tuple[Seen, Seen]]:
    """The world that is told of, on one engine."""
    with engine.open(TOLD) as warehouse:
        yield seen_at(warehouse)


@pytest.fixture(scope="module", name="untold")
def fixture_untold(engine: Engine) -> Iterator[tuple[Seen, Seen]]:
    """The world that is told of too late, on one engine."""
    with engine.open(UNTOLD) as warehouse:
        assert not any(history.complete for history in warehouse.histories)
        yield seen_at(warehouse)


def test_an_owner_is_the_last_one_seen(told: tuple[Seen, Seen]) -> None:
    """An emptied owner does not come back, and one who comes later is not there yet."""
    leads, deals = told
    assert leads.owner("emptied") is None
    assert leads.owner("given later") is None
    assert leads.owner("handed to a stranger") == "R1"
    assert leads.owner("never changed") == "R2"
    assert leads.owner("only worked") == "R3"
    assert deals.owner("emptied") is None
    assert deals.owner("stranger") == "R1"
    assert deals.owner("never changed") == "R2"


def test_what_an_owner_is_called_is_of_then(told: tuple[Seen, Seen]) -> None:
    """A rep who moves later is where the rep was; of a rep nobody had met yet there is no word."""
    for seen in told:
        assert "north" in (seen.words.columns["reps.territory"] or ())
        assert not {"south", "moon"} & set(seen.words.columns["reps.territory"] or ())
    assert told[0].word("handed to a stranger", "owner_territory") == "north"
    assert told[1].word("stranger", "owner_territory") == "north"


def test_a_word_that_comes_later_is_no_word_yet(told: tuple[Seen, Seen]) -> None:
    """A source that is renamed after the cutoff has its old name, in the vocabulary too."""
    leads, _ = told
    assert set(leads.words.columns["leads.source"] or ()) == {"web", "fair"}
    assert leads.word("account to come", "leads_source") == "fair"
    assert leads.word("never changed", "leads_source") == "web"


def test_accounts_are_those_of_then(told: tuple[Seen, Seen]) -> None:
    """A lead or deal that is moved to another account later has the sector of the first."""
    leads, deals = told
    assert leads.word("account to come", "accounts_sector") == "steel"
    assert leads.word("account that came", "accounts_sector") == "food"
    assert leads.word("never changed", "accounts_sector") == "food"
    assert deals.word("told", "accounts_sector") == "steel"
    assert deals.word("never changed", "accounts_sector") == "food"


def test_a_deal_came_from_the_lead_it_was_said_to_come_from(told: tuple[Seen, Seen]) -> None:
    """`lead_id` changes like any field: a day before the cutoff it came from the younger lead."""
    _, deals = told
    assert deals("told", "lead_to_deal_days") == -15
    assert deals("never changed", "lead_to_deal_days") == 0
    assert deals("stranger", "has_lead") == 0


def test_amounts_are_those_of_then_and_the_first_is_a_row(told: tuple[Seen, Seen]) -> None:
    """The final amount is not there yet; from the first amount to the second it went up."""
    _, deals = told
    assert deals("told", "amount") == 100
    assert deals("told", "amount_up_all") == 1
    assert deals("never changed", "amount") == 70


@pytest.mark.parametrize("written", WRITTEN)
def test_moments_in_values_keep_their_zone(told: tuple[Seen, Seen], written: str) -> None:
    """14:05 at +01:00 is 13:05 UTC, however it is written."""
    _, deals = told
    assert deals(written, "days_to_expected_close") == (DUE - CUTOFF) / DAY
    pushed = (DUE - datetime(2024, 5, 20)) / DAY
    assert deals(written, "days_pushed") == pytest.approx(pushed, abs=0.001)


def test_without_a_beginning_own_columns_are_never_used(untold: tuple[Seen, Seen]) -> None:
    """They may hold the end of the story: what was not seen of a field is not known."""
    leads, deals = untold
    assert leads.words.columns["leads.source"] == ("web",)
    assert leads.word("given", "leads_source") == "web"
    assert leads.word("worked", "leads_source") is None
    assert leads.word("given later", "leads_source") is None
    assert leads.word("worked", "accounts_sector") is None
    assert deals("worked", "amount") == 100
    assert math.isnan(deals("won later", "amount"))
    assert math.isnan(deals("told late", "amount"))
    assert "deals.seats" not in deals.words.columns


def test_without_a_beginning_owners_are_who_was_seen_to_work(untold: tuple[Seen, Seen]) -> None:
    """Before the first visible change: the rep of the last visible activity, else nobody."""
    leads, deals = untold
    assert leads.owner("given") == "R2"
    assert leads.owner("worked") == "R3"
    assert leads.owner("given later") is None
    assert deals.owner("worked") == "R3"
    assert deals.owner("won later") is None
    for seen in untold:
        assert "moon" not in (seen.words.columns["reps.territory"] or ())


@pytest.fixture(scope="module", name="whole")
def fixture_whole(duckdb: Engine) -> tuple[Seen, Seen]:
    """All features of the world that is told of."""
    with duckdb.open(TOLD) as warehouse:
        return seen_at(warehouse, all_features=True)


@pytest.mark.parametrize(
    "edit",
    [
        lambda rows: [{**row, "value": "another end"} for row in rows],
        lambda rows: [{**row, "known_at": END - DAY} for row in rows],
    ],
    ids=["edited", "known later"],
)
def test_later_rows_change_nothing_of_it(
    duckdb: Engine, whole: tuple[Seen, Seen], edit: Callable[[list[Row]], list[Row]]
) -> None:
    """Whatever is done to changes after the cutoff, owners, words and values stay."""
    rows = TOLD.rows("changes")
    seen = [row for row in rows if row["changed_at"] < CUTOFF]
    unseen = [row for row in rows if row["changed_at"] >= CUTOFF]
    with duckdb.open(TOLD.but("changes", [*edit(unseen[::-1]), *seen])) as warehouse:
        after = seen_at(warehouse, all_features=True)
    for one, other in zip(whole, after, strict=True):
        assert one.words == other.words
        assert one.examples.keys.equals(other.examples.keys)
        assert one.examples.X.equals(other.examples.X)
