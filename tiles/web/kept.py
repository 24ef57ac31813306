"""What is made once of what a process serves, when it is first asked for, and goes when that goes.

A snapshot has one gazetteer, a city's affairs one chronicle. Whoever comes first makes it, others wait. Of
things that are stored later a snapshot is given another gazetteer (`renew`).
"""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from weakref import WeakKeyDictionary

from gridmap.errors import GridmapError
from gridmap.gazetteer.gazetteer import Gazetteer
from gridmap.gazetteer.register import empty_register, read_register

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridmap.gazetteer.register import Register
    from gridmap.surroundings import Source
    from gridmap.twin import Snapshot

LOG: Final = logging.getLogger(__name__)

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

    def has(self, owner: Owner) -> bool:
        """Whether it was made."""
        return owner in self._found

    def put(self, owner: Owner, made: Made) -> None:
        """Give an owner another."""
        with self._making:
            self._found[owner] = made


_REGISTERS: Final[WeakKeyDictionary[Source, Register]] = WeakKeyDictionary()
"""The register that was read last of each source: most of it outlasts an edition."""


def _register(source: Source) -> Register:
    """What stands in the city now; what is known and has not changed is not read again."""
    there, known = source.store(), _REGISTERS.get(source)
    found = known or empty_register() if there is None else read_register(*there, known)
    _REGISTERS[source] = found
    return found


def _gazetteer(snapshot: Snapshot) -> Gazetteer:
    try:
        register = _register(snapshot.source)
    except GridmapError as error:
        known = _REGISTERS.get(snapshot.source)
        if known is None:
            raise
        LOG.warning("edition %d is given the things of before: %s", snapshot.edition.number, error)
        register = known
    return Gazetteer(snapshot.partition, snapshot.index, register)


GAZETTEERS: Final[Kept[Snapshot, Gazetteer]] = Kept(_gazetteer)


def renew(snapshot: Snapshot) -> None:
    """Make the gazetteer of a snapshot anew where the store holds other things now; nobody waits for it.

    HomeError: they cannot be read, as long as not all of them are stored; then it stays as it is.
    """
    known = GAZETTEERS.of(snapshot).register
    fresh = _register(snapshot.source)
    if fresh is not known:
        GAZETTEERS.put(snapshot, Gazetteer(snapshot.partition, snapshot.index, fresh))
