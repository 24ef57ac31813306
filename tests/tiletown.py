"""Toytown's tiles, for the tests of the HTTP service: a gallery of slow engines, and the app over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mapbox_vector_tile
from oracle_engine import OracleEngine
from town import toytown
from webtown import place

from gridmap.errors import NotFoundError
from tiles.address import SCHEMES, Tile
from tiles.web.app import create_app
from tiles.web.tiling import Tiling, Upkeep

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gridmap.affairs import Affairs
    from gridmap.twin import Twin
    from tiles.web.app import Web

DEVICE = "device"
DOOR = place(3, 3)
"""Where the town's one device is."""


class TownEngine(OracleEngine):
    """Toytown's areas, and one device; counts the tiles that it made."""

    def __init__(self, edition: int) -> None:
        super().__init__(toytown(), edition)
        self.made = 0

    @property
    def layers(self) -> tuple[str, ...]:
        return (*super().layers, DEVICE)

    def zooms(self, layer: str, scheme: str) -> tuple[int, int]:
        return (14, 16) if layer == DEVICE else super().zooms(layer, scheme)

    def tile(self, layers: Sequence[str], scheme: str, z: int, x: int, y: int) -> bytes:
        self.made += 1
        return b"".join(self._one(layer, scheme, Tile(z, x, y)) for layer in layers)

    def _one(self, layer: str, scheme: str, tile: Tile) -> bytes:
        if layer != DEVICE:
            return super().tile([layer], scheme, *tile)
        return _device() if SCHEMES[scheme].tile_at(*DOOR, tile.z) == tile else b""


class TownGallery:
    """The engine of the twin's edition, and those of the editions before it."""

    def __init__(self, twin: Twin) -> None:
        self._twin = twin
        self._engines: dict[int, TownEngine] = {}

    def current(self) -> TownEngine:
        return self.of_edition(self._twin.current.edition.number)

    def of(self, token: str) -> TownEngine | None:
        number = int(token.partition("-")[0]) if token.partition("-")[0].isdigit() else 0
        engine = self.of_edition(number) if 1 <= number <= self._twin.current.edition.number else None
        return engine if engine is not None and engine.token == token else None

    def of_edition(self, number: int) -> TownEngine:
        if not 1 <= number <= self._twin.current.edition.number:
            raise NotFoundError(f"There is no edition {number}.")
        return self._engines.setdefault(number, TownEngine(number))


def make_tiling(twin: Twin, cache_mb: int = 1, folder: Path | None = None) -> Tiling:
    """What the routes of tiles share in a test."""
    return Upkeep(cache_mb, folder).tiling(TownGallery(twin))


def make_app(twin: Twin, affairs: Affairs | None = None) -> Web:
    """The app of a twin, with Toytown's tiles."""
    return create_app(twin, make_tiling(twin), affairs)


def _device() -> bytes:
    feature = {"geometry": "POINT(2048 2048)", "properties": {"code": "D1", "kind": "door"}, "id": 99}
    found = mapbox_vector_tile.encode(
        [{"name": DEVICE, "features": [feature]}], default_options={"y_coord_down": True}
    )
    return bytes(found)
