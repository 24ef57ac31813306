"""What is made once of what a process serves, when it is first asked for, and goes when that goes.

A snapshot has one gazetteer, a city's affairs one chronicle. Whoever comes first makes it, others wait.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from weakref import WeakKeyDictionary

from gridmap.gazetteer.gazetteer import Gazetteer
from gridmap.gazetteer.register import empty_register, read_register

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridmap.gazetteer.register import Register
    from gridmap.surroundings import Source
    from gridmap.twin import Snapshot

Owner = TypeVar("Owner")
Made = TypeVar("Made")


class Kept(Generic[Owner, Made]):
    """Something that each owner has one of. Threads may share it."""

    def __init__(self, make: Callable[[Owner], Made]) -> None:
        """`make` makes it of its owner."""
        self._make = make
        self._found: WeakKeyDictionary[Any, Made] = WeakKeyDictionary()
        self._making = Lock()

    def of(self, owner: Owner) -> Made:
        """That of an owner; it is made the first time."""
        found = self._found.get(owner)
        if found is None:
            with self._making:
                found = self._found.get(owner)
                if found is None:
                    found = self._found[owner] = self._make(owner)
        return found


_REGISTERS: Final[WeakKeyDictionary[Source, Register]] = WeakKeyDictionary()
"""The register that was read last of each source: most of it outlasts an edition."""


def _gazetteer(snapshot: Snapshot) -> Gazetteer:
    there = snapshot.source.store()
    if there is None:
        return Gazetteer(snapshot.partition, snapshot.index, empty_register())
    register = read_register(*there, _REGISTERS.get(snapshot.source))
    _REGISTERS[snapshot.source] = register
    return Gazetteer(snapshot.partition, snapshot.index, register)


GAZETTEERS: Final[Kept[Snapshot, Gazetteer]] = Kept(_gazetteer)
