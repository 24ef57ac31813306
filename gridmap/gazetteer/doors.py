"""The doors of a building: its units, their floors from the top down, the rooms on each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gridmap.scenery import HouseholdColumns

WHOLE_NUMBER = 100
"""A room from here on is called by its own number (1203); below, it is counted on its floor."""


@dataclass(frozen=True, slots=True)
class Door:
    """A household's door: where it is, and which of several behind that door it is, from 1."""

    unit: int
    floor: int
    room: int
    copy: int

    @property
    def label(self) -> str:
        """What the room is called: floor and room, 1203; below ground B102."""
        if self.room >= WHOLE_NUMBER:
            return str(self.room)
        return f"B{-self.floor}{self.room:02}" if self.floor < 0 else f"{self.floor}{self.room:02}"

    def code(self, building: str) -> str:
        """The household's code, as on the map."""
        own = f"{building}-{self.unit}-{self.floor}-{self.room}"
        return own if self.copy == 1 else f"{own}-{self.copy}"


def doors_of(homes: HouseholdColumns, building: int) -> list[Door]:
    """The doors of the households of a building, by unit, floor, room."""
    begin, end = int(homes.offsets[building]), int(homes.offsets[building + 1])
    units, floors, rooms = (column[begin:end].tolist() for column in (homes.units, homes.floors, homes.rooms))
    seen: Counter[tuple[int, int, int]] = Counter()
    out = []
    for door in zip(units, floors, rooms, strict=True):
        seen[door] += 1
        out.append(Door(*door, seen[door]))
    return out


def by_unit(doors: Iterable[Door]) -> dict[int, dict[int, list[Door]]]:
    """Doors by unit, and by floor from the top down."""
    out: dict[int, dict[int, list[Door]]] = {}
    keyed = sorted(((door.unit, -door.floor), place, door) for place, door in enumerate(doors))
    for (unit, depth), found in groupby(keyed, key=itemgetter(0)):
        out.setdefault(unit, {})[-depth] = [door for _, _, door in found]
    return out
