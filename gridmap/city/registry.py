"""The real districts, towns and communities of Chongqing: codes, names, census figures.

Read from `data/chongqing/`, whose README names the sources. Only facts live here; nothing is invented.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from gridmap.errors import NotFoundError
from gridmap.settings import DATA


@dataclass(frozen=True)
class Place:
    """A code with its real name."""

    code: str
    name: str


@dataclass(frozen=True)
class Town(Place):
    """A street, town or township with its communities, ordered by code."""

    communities: tuple[Place, ...]

    @property
    def residents(self) -> int:
        """How many of its communities are residents' committees (numbers 001-199); the others are rural."""
        return sum(community.code[9] < "2" for community in self.communities)


@dataclass(frozen=True)
class District(Place):
    """A district with its figures, its number of grids, and its towns, ordered by code.

    `people` is the census of 2020; `households`, `urban` (the share of people in towns) and `grids` are
    estimates.
    """

    people: int
    households: int
    urban: float
    grids: int
    towns: tuple[Town, ...]

    @property
    def streets(self) -> int:
        """How many of its towns are streets (numbers 001-099), which are the urban ones."""
        return sum(town.code[6] == "0" for town in self.towns)


def read_registry() -> dict[str, District]:
    """All districts of Chongqing by code. Raises NotFoundError when the tables are not where DATA says."""
    below: dict[str, list[Place]] = defaultdict(list)
    for row in sorted(_rows("chongqing_divisions.csv"), key=lambda row: row["code"]):
        below[row["parent"]].append(Place(row["code"], row["name"]))
    figures = {row["code"]: row for row in _rows("chongqing_districts.csv")}
    districts = {}
    for place in below["50"]:
        row = figures[place.code]
        towns = tuple(Town(town.code, town.name, tuple(below[town.code])) for town in below[place.code])
        districts[place.code] = District(
            code=place.code,
            name=place.name,
            people=int(row["pop2020"]),
            households=int(row["households_est"]),
            urban=int(row["urban_pct_estimate"]) / 100,
            grids=int(row["grids_suggested"]),
            towns=towns,
        )
    return districts


def _rows(name: str) -> list[dict[str, str]]:
    folder = Path(DATA.value() or Path(__file__).resolve().parents[2] / "data") / "chongqing"
    path = folder / name
    if not path.is_file():
        raise NotFoundError(
            f"{name} is not in {folder}: set {DATA.name} to the folder data of a checkout of gridmap."
        )
    with path.open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table))
