"""What a CRM knows of people: who they are, where they sit, and their quotas."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa

from features.simulation.journal import Journal
from features.simulation.parquet import DAY, HOUR, NEVER, TIME, ids, table, timestamps
from features.simulation.rows import Array
from features.simulation.state import State

REP = pa.schema(
    [
        ("rep_id", pa.string()),
        ("name", pa.string()),
        ("manager_id", pa.string()),
        ("role", pa.string()),
        ("team", pa.string()),
        ("territory", pa.string()),
        ("hired_at", TIME),
        ("left_at", TIME),
    ]
)
QUOTA = pa.schema(
    [
        ("rep_id", pa.string()),
        ("period_start", TIME),
        ("period_end", TIME),
        ("amount", pa.float64()),
    ]
)
LATENESS = (0.2, 2.5)
"""Mean days by which a person's late rows are late, from the tidiest person to the worst."""
FIRST_NAMES = (
    "Ada Ben Chiara Dario Elif Farid Greta Hugo Ines Jonas Kira Liam Mona Nils Olga Pavel Quinn "
    "Rosa Samir Tara Uma Victor Wanda Yusuf Zoe Amir Bianca Carlos Dana Emil Freya Goran"
)
LAST_NAMES = (
    "Abel Brandt Costa Dahl Ek Ferrari Garcia Haas Ito Jansen Kaya Lind Moreau Novak Okafor Popov "
    "Rossi Silva Tanaka Ulrich Vega Weber Xu Young Zimmer Ahmadi Bauer Conti Diaz"
)


def person_names(count: int, special: str = "") -> Array:
    """Return names of people; the first two of the John and Sally company are theirs."""
    # The lists are walked in steps of 1 and 7, so that the first 672 names differ.
    first, last = FIRST_NAMES.split(), LAST_NAMES.split()
    names = [f"{first[i % len(first)]} {last[(i * 7 + i // 29) % len(last)]}" for i in range(count)]
    if special == "johnsally":
        names[:2] = ["John Doe", "Sally Smith"]
    return np.array(names, dtype=object)


class People:
    """Keeps `reps` and `quotas`, and draws how well each person keeps the CRM."""

    def __init__(self, journal: Journal) -> None:
        """Begin with nobody.

        Args:
            journal: holds people's habits, which are filled in here.
        """
        self._journal = journal
        self._seat: list[int] = []
        self._territory: list[int] = []
        self._hired: list[int] = []
        self._left: dict[int, int] = {}
        self._quotas: list[dict[str, Array]] = []

    def join(self, state: State) -> None:
        """Add everybody who is new."""
        journal, seats = self._journal, state.seats
        habits, draws = journal.habits, journal.draws
        for seat in np.flatnonzero(seats["person"] >= len(self._seat)):
            low, high = journal.settings.log_share
            habits.share = np.append(habits.share, draws.uniform(low, high))
            habits.lateness = np.append(habits.lateness, draws.uniform(*LATENESS))
            self._seat.append(int(seat))
            self._territory.append(int(seats["territory"][seat]))
            self._hired.append(int(seats["hired"][seat]))

    def leave(self, person: int, day: int) -> None:
        """Record that somebody has left."""
        self._left[person] = day

    def quota(self, persons: Array, start: date, end: date, amounts: Array) -> None:
        """Record the quotas of a period, in money."""
        count = len(persons)
        self._quotas.append(
            {
                "rep_id": persons,
                "period_start": np.full(count, np.datetime64(start, "us")),
                "period_end": np.full(count, np.datetime64(end, "us")),
                "amount": amounts,
            }
        )

    def tables(self) -> dict[str, pa.Table]:
        """Return `reps` and `quotas`, without those who left before the CRM was introduced."""
        settings, begin = self._journal.settings, self._journal.begin
        numbers = np.arange(len(self._seat))
        left = np.array([self._left.get(n, -1) for n in numbers.tolist()])
        kept = (left < 0) | (left >= begin)
        epoch = self._journal.epoch
        manager = np.array(self._seat) * settings.managers // settings.reps + 1
        territory = np.array(self._territory)
        columns = {
            "rep_id": ids("R", numbers[kept]),
            "name": person_names(len(numbers), settings.special)[kept],
            "manager_id": np.array([f"M{n:03d}" for n in manager], dtype=object)[kept],
            "role": np.full(int(kept.sum()), "account executive", dtype=object),
            "team": np.array([f"team {n}" for n in manager], dtype=object)[kept],
            "territory": np.array([f"territory {n + 1}" for n in territory], dtype=object)[kept],
            "hired_at": (epoch + np.array(self._hired) * DAY)[kept],
            "left_at": timestamps(np.where(left < 0, NEVER, epoch + left * DAY + 5 * HOUR))[kept],
        }
        quotas = {n: np.concatenate([q[n] for q in self._quotas]) for n in QUOTA.names}
        quotas["rep_id"] = ids("R", quotas["rep_id"])
        return {"reps": table(columns, REP), "quotas": table(quotas, QUOTA)}
