"""A slow, obvious engine behind the interface of the real one: shapely cuts, `mapbox_vector_tile` encodes.

It draws the areas of a partition as they are, never simplified: for tests of what stands around an engine,
and as the truth that a tile at a deep zoom is compared with.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import mapbox_vector_tile
import numpy as np
import shapely
from tile_oracle import BUFFER, EXTENT, Truth

from gridmap.coverage.rings import in_degrees
from tiles.address import SCHEMES, Tile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.coverage.partition import Partition
    from gridmap.types import FloatArray


class OracleEngine:
    """Tiles of the areas of a partition, on any scheme; ids are 1, 2, 3 ... in the order of all areas."""

    def __init__(self, partition: Partition, edition: int = 7) -> None:
        self.edition = edition
        self.token = f"{edition}-0123456789"
        self._partition = partition
        self._truths: dict[tuple[str, str], Truth] = {}
        self._areas = {area.code: (number, area) for number, area in enumerate(partition.areas(), 1)}

    @property
    def margin(self) -> float:
        return (BUFFER + 16) / EXTENT

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(self._partition.counts)

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        west, south, east, north = shapely.total_bounds(in_degrees(self._partition.polygons_at(0))).tolist()
        return west, south, east, north

    def zooms(self, layer: str, scheme: str) -> tuple[int, int]:
        """District and town from anywhere, the rest from 8 on."""
        known = SCHEMES[scheme]
        return (known.lowest if layer in ("district", "town") else 8), min(known.deepest, 18)

    def boxes(self, layer: str, scheme: str) -> FloatArray:
        return np.asarray(shapely.bounds(self.truth(layer, scheme).shapes), np.float64)

    def truth(self, layer: str, scheme: str) -> Truth:
        """The areas of a layer on the plane of a scheme."""
        if (layer, scheme) not in self._truths:
            depth = self._partition.depth_of(layer)
            numbers = [self._areas[code][0] for code in self._partition.levels[depth].codes]
            degrees = in_degrees(self._partition.polygons_at(depth))
            self._truths[layer, scheme] = Truth.of(numbers, degrees, SCHEMES[scheme].plane)
        return self._truths[layer, scheme]

    def tile(self, layers: Sequence[str], scheme: str, z: int, x: int, y: int) -> bytes:
        square = (z, *SCHEMES[scheme].square(Tile(z, x, y)))
        return b"".join(self._layer(layer, scheme, square) for layer in layers)

    def _layer(self, layer: str, scheme: str, square: tuple[int, int, int]) -> bytes:
        named = {number: area for number, area in self._areas.values() if area.level == layer}
        features: list[dict[str, Any]] = []
        for number, piece in zip(*self.truth(layer, scheme).pieces(square, BUFFER), strict=True):
            shape = _whole(piece)
            if not shapely.is_empty(shape):
                area = named[number]
                said = {"code": area.code, "name": area.name, "kind": area.kind}
                features.append({"geometry": shape, "properties": said, "id": number})
        if not features:
            return b""
        options = {"y_coord_down": True, "extents": EXTENT}
        return mapbox_vector_tile.encode([{"name": layer, "features": features}], default_options=options)  # type: ignore[no-any-return]


def _whole(shape: shapely.Geometry) -> shapely.Geometry:
    """A shape in whole units: valid, polygons alone."""
    rounded = shapely.set_precision(shape, 1.0)
    parts = [each for each in shapely.get_parts(rounded) if isinstance(each, shapely.Polygon)]
    return shapely.union_all(parts) if parts else shapely.Polygon()
