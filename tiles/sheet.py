"""A sheet: all that one plane needs to draw an edition, and from which zoom on each layer is small enough.

A layer's lowest zoom is the first one, from the layer's own on, at which its largest tile keeps the budget.
So a large tile is never cut: another level, or a deeper zoom, shows what would not fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tiles.encoder import Drawn, Window
from tiles.layers import BUDGET, DEEPEST, LABELS, LAYERS
from tiles.spots import BITS, UNITS, chosen, spots_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridmap.types import FloatArray, Int64Array
    from tiles.homes import Homes
    from tiles.houses import Houses
    from tiles.kernels.parts import Rung
    from tiles.ladder.ladder import Ladder
    from tiles.planes import Plane
    from tiles.sayings import Labels, Said
    from tiles.subject import Subject

SPOT_BYTES: Final = 90
"""What a point takes in a tile, more or less: its number, its place, its code and its name."""

HOUSE_BYTES: Final = 110
"""What a building takes."""

HOME_BYTES: Final = 64
"""What a household takes: 58 where 4,000 are in a tile of Chongqing."""


class Sheet:
    """An edition on a plane. Immutable but for what is put together when it is first asked for."""

    def __init__(
        self,
        plane: Plane,
        subject: Subject,
        ladder: Ladder,
        houses: Callable[[], Houses | None],
        homes: Callable[[], Homes | None],
    ) -> None:
        self._plane = plane
        self._ladder = ladder
        self._houses = houses
        self._homes = homes
        self._extent, self._buffer = subject.measure.extent, subject.measure.buffer
        self._bits = subject.measure.bits
        self._depths = {table.level: depth for depth, table in enumerate(subject.partition.levels)}
        said, devices = subject.sayings, subject.scenery.devices
        self._areas = said.areas
        self._drawn: dict[tuple[int, int], tuple[Drawn, int]] = {}
        self._labels = _labels(plane, subject, said.labels)
        self._points = {"device": _drawn(spots_on(plane, devices.xs, devices.ys), said.devices, points=True)}
        self._lowest: dict[str, int] = {}

    def lowest(self, layer: str) -> int:
        """The lowest zoom at which a layer is served; found when it is first asked for."""
        if layer not in self._lowest:
            self._lowest[layer] = self._first_zoom(layer)
        return self._lowest[layer]

    def layer(self, name: str, zoom: int, column: int, row: int) -> bytes:
        """A layer's message for a square, empty when nothing is in it."""
        window = Window(column * self._extent, row * self._extent, self._extent, self._buffer)
        depth = self._depths.get(name)
        if depth is not None:
            return self._area(depth, zoom, window)
        if name == "building":
            houses = self._houses()
            return b"" if houses is None else houses.encode(self._plane, zoom, column, row, window)
        if name == "household":
            homes = self._homes()
            return b"" if homes is None else homes.encode(self._plane, zoom, column, row, window)
        points = self._label_set(zoom) if name == "label" else self._points.get(name)
        return b"" if points is None else points.encode(window, zoom + self._bits - BITS)

    def boxes(self, name: str) -> FloatArray:
        """Left, top, right, bottom of every feature of a layer, (n, 4)."""
        depth = self._depths.get(name)
        if depth is not None:
            rung, shift = self._ladder.rung(depth, DEEPEST)
            return rung.boxes / float(self._extent << (DEEPEST - shift))
        if name in ("building", "household"):
            houses = self._houses() if name == "building" or self._homes() is not None else None
            return np.empty((0, 4)) if houses is None else houses.boxes(self._plane)
        points = self._labels[-1][1] if name == "label" else self._points.get(name)
        return np.empty((0, 4)) if points is None else points.rung.boxes / UNITS

    def _area(self, depth: int, zoom: int, window: Window) -> bytes:
        drawn = self._drawn.get((depth, zoom))
        if drawn is None:
            rung, shift = self._ladder.rung(depth, zoom)
            drawn = self._drawn[depth, zoom] = (_drawn(rung, self._areas[depth]), shift)
        return drawn[0].encode(window, drawn[1])

    def _label_set(self, zoom: int) -> Drawn | None:
        found = None
        for lowest, drawn in self._labels:
            if zoom >= lowest:
                found = drawn
        return found

    def _first_zoom(self, name: str) -> int:
        lowest = LAYERS[name].lowest
        if name in self._depths:
            while lowest < DEEPEST and self._largest(self._depths[name], lowest) > BUDGET:
                lowest += 1
        elif name == "building" and (houses := self._houses()) is not None:
            lowest = _first_fitting(houses.middles(self._plane), HOUSE_BYTES, lowest)
        elif name == "household" and (homes := self._homes()) is not None:
            lowest = _first_fitting(homes.middles(self._plane), HOME_BYTES, lowest, homes.counts)
        elif name == "label":
            lowest = self._labels[0][0]
        elif name in self._points:
            lowest = first_zoom_of(self._points[name].rung, lowest)
        return lowest

    def _largest(self, depth: int, zoom: int) -> int:
        """Bytes of the largest tile of a level at a zoom; the first that is above the budget will do."""
        rung, shift = self._ladder.rung(depth, zoom)
        starts = rung.starts.astype(np.int64) << shift
        most, extent = 0, self._extent
        for column, row in np.unique(starts // extent, axis=0).tolist():
            window = Window(column * extent, row * extent, extent, self._buffer)
            most = max(most, len(self._area(depth, zoom, window)))
            if most > BUDGET:
                break
        return most


def first_zoom_of(rung: Rung, lowest: int) -> int:
    """The first zoom from one on at which the busiest tile of points keeps the budget."""
    return _first_fitting(rung.starts / UNITS, SPOT_BYTES, lowest)


def _first_fitting(places: FloatArray, size: int, lowest: int, counts: Int64Array | None = None) -> int:
    """The first zoom from one on at which what stands in the busiest square keeps the budget."""
    while lowest < DEEPEST and busiest(places, lowest, counts) * size > BUDGET:
        lowest += 1
    return lowest


def busiest(places: FloatArray, zoom: int, counts: Int64Array | None = None) -> int:
    """How many places of a plane lie in one square of a zoom, at most; each is one, or as `counts` says."""
    if not len(places):
        return 0
    columns, rows = np.floor(places * 2.0**zoom).astype(np.int64).T
    squares = (columns << 32) + rows
    if counts is None:
        return int(np.unique(squares, return_counts=True)[1].max())
    return int(np.bincount(np.unique(squares, return_inverse=True)[1], counts).max())


def _drawn(rung: Rung, said: Said, *, points: bool = False) -> Drawn:
    """Features with what they say, each row's at its place."""
    return Drawn(rung._replace(rows=said.places[rung.rows]), said.said, points=points)


def _labels(plane: Plane, subject: Subject, labels: Labels) -> list[tuple[int, Drawn]]:
    """What is labelled from which zoom on: the widest level alone, then with the next one, and so on."""
    whole = spots_on(plane, labels.xs, labels.ys)
    sets = []
    for depth, table in enumerate(subject.partition.levels):
        rung = chosen(whole, labels.depths <= depth)
        lowest = first_zoom_of(rung, LABELS.get(table.level, 0))
        sets.append((lowest, Drawn(rung, labels.said, points=True)))
    return sets
