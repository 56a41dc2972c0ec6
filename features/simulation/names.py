"""Names for the people of a sample company."""

from __future__ import annotations

import numpy as np

from features.simulation.rows import Array

FIRST = (
    "Ada Ben Chiara Dario Elif Farid Greta Hugo Ines Jonas Kira Liam Mona Nils Olga Pavel Quinn "
    "Rosa Samir Tara Uma Victor Wanda Yusuf Zoe Amir Bianca Carlos Dana Emil Freya Goran"
)
LAST = (
    "Abel Brandt Costa Dahl Ek Ferrari Garcia Haas Ito Jansen Kaya Lind Moreau Novak Okafor Popov "
    "Rossi Silva Tanaka Ulrich Vega Weber Xu Young Zimmer Ahmadi Bauer Conti Diaz"
)


def person_names(count: int, special: str = "") -> Array:
    """Give people names; the first two of the John and Sally company are theirs."""
    # The lists are of coprime lengths, so that names repeat only after their product.
    first, last = FIRST.split(), LAST.split()
    names = [f"{first[i % len(first)]} {last[(i * 7 + i // 29) % len(last)]}" for i in range(count)]
    if special == "johnsally":
        names[:2] = ["John Doe", "Sally Smith"]
    return np.array(names, dtype=object)
