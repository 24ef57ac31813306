"""How a tile is made: once, however many ask for it; on the spot only where that is known to be quick.

A tile takes 0.1 ms at most zooms, and ten or more where much lies in one. The event loop of the server may
not be held up, so each zoom of each set of layers has a *pace*, the time that its slowest tile took lately.
Only tiles of a quick pace are made in the loop; workers make the others, and the first of each zoom, for
which an edition may have to get ready.

What workers made is kept in the folder of tiles, where there is one: to read a file takes as long as to make
a quick tile.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Final

from tiles.codings import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tiles.address import Tile
    from tiles.folder import TileFolder
    from tiles.wanted import TileEngine

QUICK_S: Final = 0.001
"""What a tile may take in the event loop; others wait that long for their answer."""

FORGET: Final = 0.02
"""How fast a pace forgets: fifty tiles later a slow one counts a third."""

KINDS: Final = 10_000
"""Paces that are remembered: those of an edition, 9 layers, 5 schemes and 20 zooms are fewer."""

TURNS: Final = 64
"""Locks that those who want the same tile meet at; two tiles seldom share one."""


class Pace:
    """What the slowest tiles of each kind took lately. Threads may share it: a lost update does no harm.

    Times are those of the processor. By the clock, a worker that waits for the interpreter would make its
    tiles look slow, and more of them would be left to workers.
    """

    def __init__(self, quick_s: float = QUICK_S) -> None:
        self._quick_s = quick_s
        self._paces: dict[object, float] = {}

    def is_quick(self, kind: object) -> bool:
        """Whether a tile of this kind is likely to take no longer than the limit; not known is no."""
        return self._paces.get(kind, self._quick_s) < self._quick_s

    def took(self, kind: object, seconds: float) -> None:
        """Note what one took."""
        known = self._paces.get(kind, 0.0)
        if len(self._paces) > KINDS:
            self._paces.clear()
        self._paces[kind] = max(seconds, known + (seconds - known) * FORGET)


class Maker:
    """Makes encoded tiles; threads share it."""

    def __init__(self, folder: TileFolder | None = None, pace: Pace | None = None) -> None:
        """Keep what is dear in a folder, where one is given."""
        self._folder = folder
        self._turns = tuple(Lock() for _ in range(TURNS))
        self.pace = pace or Pace()

    def make(
        self, engine: TileEngine, layers: Sequence[str], scheme: str, tile: Tile, coding: str, kind: object
    ) -> bytes:
        """The tile in a coding, empty when nothing is there; `kind` is what its pace is noted under."""
        begin = time.thread_time()
        body = engine.tile(layers, scheme, *tile)
        if body:
            body = encode(body, coding)
        self.pace.took(kind, time.thread_time() - begin)
        return body

    def turn(self, name: str) -> Lock:
        """The lock that those who want the same tile hold while they look whether it is made, and make it."""
        return self._turns[hash(name) % TURNS]

    def make_or_read(self, name: str, make: Callable[[], bytes]) -> bytes:
        """What the folder keeps under a name, else what `make` gives, which is kept. For workers only."""
        if self._folder is None:
            return make()
        found = self._folder.get(name)
        if found is None:
            found = make()
            self._folder.put(name, found)
        return found
