"""The fast path of tiles: sent from the event loop when they are ready, made there when that is quick.

Byte for byte what the route gives (`tiles.web.tiles`). What is left to the route, and so to a worker: tiles
of zooms where one may take long, past editions, and all that is to be refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tiles.address import Tile
from tiles.web import gate, tiles
from tiles.web.accept import choose_coding
from tiles.web.wire import first_lines

if TYPE_CHECKING:
    from tiles.web.tiling import Ready, Tiling

PREFIX: Final = b"/tiles/"

# As the route reads it: no sign but a minus, no zeros in front, no escapes, no query.
_ADDRESS: Final = re.compile(
    rb"/tiles/([0-9]+-[0-9a-f]+)/([a-z,]+)/([a-z0-9-]+)"
    rb"/(0|[1-9][0-9]?)/(0|-?[1-9][0-9]{0,8})/(0|-?[1-9][0-9]{0,8})\.mvt"
)


class FastTiles:
    """Gives the whole reply to a request for a tile, or None where the app is to be asked."""

    def __init__(self, tiling: Tiling) -> None:
        self._tiling = tiling

    def __call__(self, target: bytes, encodings: bytes) -> bytes | None:
        """The reply to a plain GET that takes some content codings, ready for the wire."""
        coding = choose_coding(encodings.decode("latin-1"))
        ready = self._tiling.ready.get((target, coding))
        if ready is None:
            ready = self._made(target, coding)
        if ready is None:
            return None
        gates, size, wire = ready
        if not gate.scope_of(None).layers.issuperset(gates.split(",")):
            return None
        return first_lines(200 if size else 204) + wire

    def _made(self, target: bytes, coding: str | None) -> Ready | None:
        """The tile made on the spot, None where that may take long or something is odd."""
        tiling = self._tiling
        found = _ADDRESS.fullmatch(target)
        if found is None or coding is None:
            return None
        token, layers, scheme, z, x, y = (each.decode() for each in found.groups())
        place = Tile(int(z), int(x), int(y))
        engine = tiling.gallery.current()
        if engine.token != token or not tiling.maker.pace.is_quick((token, layers, scheme, place.z, coding)):
            return None
        try:
            plan = tiling.plan(engine, layers, scheme)
            plan.check(place)
            body = tiles.make(tiling, engine, plan, place, coding)
        except Exception:
            return None
        return tiles.keep(tiling, (target, coding), body, plan, coding)
