"""Live tiles: what is open now, drawn anew for each change; far away in clusters, close by one by one.

Pins are projected once for each plane; a tile then picks its own. Up to zoom `CLUSTERED` those that lie in
the same cell, an eighth of a tile's side, are one point in their middle, which says how many they are and how
urgent the most urgent is. Cells lie on the grid of the zoom, so neighbouring tiles never count a pin twice,
and a cluster is where it is whichever tile shows it. Such small layers of odd values are what the library
`mapbox_vector_tile` is good for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from mapbox_vector_tile import encode

from tiles.address import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gridmap.types import BoolArray, FloatArray
    from tiles.address import Tile

CLUSTERED: Final = 13
"""The last zoom at which points that lie together are drawn as one."""

CELLS: Final = 8
"""Cells of a tile's side, in each of which there is one cluster at most."""

EXTENT: Final = 4096
BUFFER: Final = 64

URGENCIES: Final = ("red", "orange", "yellow", "blue")


@dataclass(frozen=True, eq=False)
class Pins:
    """Points that say something: degrees, ids, how urgent (0 is red), and what each says."""

    lons: FloatArray
    lats: FloatArray
    ids: Sequence[int]
    ranks: Sequence[int]
    sayings: Sequence[Mapping[str, Any]]


class Overlay:
    """Draws one layer of pins in every scheme. Threads may share it."""

    def __init__(self, layer: str, pins: Pins) -> None:
        self._layer = layer
        self._pins = pins
        self._placed: dict[str, tuple[FloatArray, FloatArray]] = {}
        self._ranks = np.array(pins.ranks, np.int64)

    def draw(self, scheme: str, tile: Tile) -> bytes:
        """The tile of an address that the scheme holds; empty where nothing is."""
        column, row = SCHEMES[scheme].square(tile)
        xs, ys = self._on(scheme)
        across, down = xs * 2.0**tile.z - column, ys * 2.0**tile.z - row
        if tile.z <= CLUSTERED:
            inside = (across >= 0) & (across < 1) & (down >= 0) & (down < 1)
            features = self._clusters(across, down, inside)
        else:
            edge = BUFFER / EXTENT
            inside = (across >= -edge) & (across < 1 + edge) & (down >= -edge) & (down < 1 + edge)
            features = [self._pin(each, across, down) for each in np.flatnonzero(inside).tolist()]
        if not features:
            return b""
        options = {"y_coord_down": True, "extents": EXTENT}
        return bytes(encode([{"name": self._layer, "features": features}], default_options=options))

    def _on(self, scheme: str) -> tuple[FloatArray, FloatArray]:
        plane = SCHEMES[scheme].plane
        found = self._placed.get(plane.name)
        if found is None:
            found = self._placed[plane.name] = plane.project(self._pins.lons, self._pins.lats)
        return found

    def _clusters(self, across: FloatArray, down: FloatArray, inside: BoolArray) -> list[dict[str, Any]]:
        rows = np.flatnonzero(inside)
        cells = (down[rows] * CELLS).astype(np.int64) * CELLS + (across[rows] * CELLS).astype(np.int64)
        features = []
        for cell in np.unique(cells).tolist():
            members = rows[cells == cell]
            if len(members) == 1:
                features.append(self._pin(int(members[0]), across, down))
                continue
            worst = int(self._ranks[members].min())
            said = {"count": len(members), "urgency": URGENCIES[worst]}
            said |= {
                f"count_{name}": int((self._ranks[members] == rank).sum())
                for rank, name in enumerate(URGENCIES)
            }
            place = float(across[members].mean()), float(down[members].mean())
            features.append(_feature(place, min(self._pins.ids[each] for each in members), said))
        return features

    def _pin(self, row: int, across: FloatArray, down: FloatArray) -> dict[str, Any]:
        said = {"count": 1, **self._pins.sayings[row]}
        return _feature((float(across[row]), float(down[row])), self._pins.ids[row], said)


def _feature(place: tuple[float, float], id_: int, said: Mapping[str, Any]) -> dict[str, Any]:
    x, y = (round(each * EXTENT) for each in place)
    plain = {name: value for name, value in said.items() if value is not None}
    return {"geometry": {"type": "Point", "coordinates": [x, y]}, "id": id_, "properties": plain}
