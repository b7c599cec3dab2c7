"""Invent books, as many as you like."""

from random import Random

from .models import plain

FIRST = ["Ada", "Bruno", "Clara", "Dmitri", "Esther", "Farid", "Greta", "Hugo", "Ines", "Jonas"]
LAST = ["Adler", "Brook", "Carter", "Dorn", "Eklund", "Falk", "Grant", "Holm", "Ivanova", "Jansen"]
THINGS = ["Garden", "Harbour", "House", "Lamp", "Letter", "River", "Road", "Tree", "Window", "Year"]
KINDS = ["Blue", "Distant", "Empty", "Golden", "Hidden", "Last", "Quiet", "Second", "Tall", "Wild"]


def invent(number):
    """Yield a row for each of so many books."""
    chance = Random(number)
    for volume in range(1, number + 1):
        title = f"The {chance.choice(KINDS)} {chance.choice(THINGS)}, volume {volume}"
        yield {
            "title": title,
            "plain_title": plain(title),
            "author": f"{chance.choice(FIRST)} {chance.choice(LAST)}",
            "year": chance.randint(1950, 2020),
        }


def names():
    """Return all names that an invented book's author can have."""
    return [f"{first} {last}" for first in FIRST for last in LAST]
