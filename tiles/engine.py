"""The engine: an edition and what stands in it become tiles, on every plane, at any zoom.

An engine is immutable. A plane's ladder is built, or mapped from its file, when it is first needed or when
`prepare` says so; after that a tile is a lookup and one call of a kernel, in any thread.
"""

from __future__ import annotations

import logging
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Final

from gridmap.durable import keep_newest
from gridmap.errors import DamageError, NotFoundError
from gridmap.lattice import SCALE
from tiles.address import SCHEMES, Tile
from tiles.homes import Homes
from tiles.houses import Houses
from tiles.ladder.ladder import (
    Succession,
    build_ladder,
    ladder_key,
    open_ladder,
    renew_ladder,
    save_ladder,
)
from tiles.layers import DEEPEST, LAYERS
from tiles.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gridmap.scenery import Scenery
    from gridmap.types import FloatArray
    from tiles.ladder.ladder import Ladder
    from tiles.measure import Measure
    from tiles.planes import Plane
    from tiles.subject import Subject

LOG: Final = logging.getLogger(__name__)

LEVELS: Final = ("district", "town", "community", "grid")
"""Layers that a city has only where it has areas of this level."""

LADDERS: Final = "ladder-"
"""How the names of ladder files begin."""

KEPT: Final = 12
"""Ladder files kept in one place, the newest: four planes of three editions."""


class Engine:
    """Makes the tiles of one edition."""

    def __init__(self, subject: Subject, folder: Path | None = None, before: Engine | None = None) -> None:
        """Make tiles of a subject; its ladders are kept in a folder, or only in memory.

        Ladders that an engine of the edition before has are renewed, not built.
        """
        self.edition = subject.edition.number
        self.token = subject.token
        levels = [table.level for table in subject.partition.levels]
        self.layers = tuple(name for name in LAYERS if name in levels or name not in LEVELS)
        self._subject = subject
        self._folder = folder
        self._before = before
        self._sheets: dict[str, Sheet] = {}
        self._ladders: dict[str, Ladder] = {}
        self._making = {scheme.plane.name: Lock() for scheme in SCHEMES.values()}
        self._sorting = Lock()
        self._sorted: Houses | None = None
        self._lived_in: Homes | None = None
        if before is not None and (before.scenery, before.measure) == (self.scenery, self.measure):
            self._sorted, self._lived_in = before._sorted, before._lived_in

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the city in degrees."""
        xs, ys = self._subject.partition.coverage.xs, self._subject.partition.coverage.ys
        if not len(xs):
            return 0.0, 0.0, 0.0, 0.0
        west, south, east, north = (int(each) / SCALE for each in (xs.min(), ys.min(), xs.max(), ys.max()))
        return west, south, east, north

    @property
    def measure(self) -> Measure:
        """How its tiles are measured."""
        return self._subject.measure

    @property
    def scenery(self) -> Scenery:
        """What stands in the city that is drawn."""
        return self._subject.scenery

    @property
    def margin(self) -> float:
        """How far beyond its square a tile may show something, in tiles."""
        return self.measure.margin

    def prepare(self, scheme: str) -> None:
        """Make ready what the tiles of areas need in a scheme."""
        self._sheet(SCHEMES[scheme].plane)

    def make_ladder(self, scheme: str) -> None:
        """Make the ladder that a scheme needs, where it is not there yet: some seconds for a large city."""
        plane = SCHEMES[scheme].plane
        with self._making[plane.name]:
            self._ladder(plane)

    def prepare_all(self, scheme: str) -> None:
        """Make ready whatever tiles of a scheme need, so that no request waits for it."""
        for layer in self.layers:
            lowest, _ = self.zooms(layer, scheme)
            self.tile([layer], scheme, *SCHEMES[scheme].tile_at(*self.bounds[:2], lowest))

    def zooms(self, layer: str, scheme: str) -> tuple[int, int]:
        """The lowest and the deepest zoom at which a layer is served in a scheme."""
        known = SCHEMES[scheme]
        deepest = min(DEEPEST, known.deepest)
        lowest = max(self._sheet(known.plane).lowest(self._known(layer)), known.lowest)
        return min(lowest, deepest), deepest

    def boxes(self, layer: str, scheme: str) -> FloatArray:
        """Left, top, right, bottom of every feature of a layer on the scheme's plane, (n, 4)."""
        return self._sheet(SCHEMES[scheme].plane).boxes(self._known(layer))

    def tile(self, layers: Sequence[str], scheme: str, z: int, x: int, y: int) -> bytes:
        """A tile of some layers in the order given, empty when nothing is in it, at any zoom of a scheme."""
        known = SCHEMES[scheme]
        column, row = known.square(Tile(z, x, y))
        sheet = self._sheet(known.plane)
        if len(layers) == 1:
            return sheet.layer(layers[0], z, column, row)
        return b"".join([sheet.layer(layer, z, column, row) for layer in layers])

    def _known(self, layer: str) -> str:
        if layer not in self.layers:
            raise NotFoundError(f"There is no layer {layer!r} here; there are {', '.join(self.layers)}.")
        return layer

    def _sheet(self, plane: Plane) -> Sheet:
        sheet = self._sheets.get(plane.name)
        if sheet is None:
            with self._making[plane.name]:
                sheet = self._sheets.get(plane.name)
                if sheet is None:
                    sheet = Sheet(plane, self._subject, self._ladder(plane), self._houses, self._homes)
                    self._sheets[plane.name] = sheet
        return sheet

    def _houses(self) -> Houses | None:
        """The buildings, read and sorted when they are first asked for; that takes some seconds."""
        if self._sorted is None:
            with self._sorting:
                buildings = self._subject.scenery.buildings
                if self._sorted is None and buildings is not None:
                    self._sorted = Houses(buildings, self.measure.extent)
        return self._sorted

    def _homes(self) -> Homes | None:
        """The households behind the doors of the buildings."""
        houses = self._houses()
        if self._lived_in is None and houses is not None:
            with self._sorting:
                households = self._subject.scenery.households
                if self._lived_in is None and households is not None:
                    self._lived_in = Homes(houses, households, self.measure.extent)
        return self._lived_in

    def _ladder(self, plane: Plane) -> Ladder:
        """The ladder of a plane: the one at hand, or from its file, or made and kept."""
        if plane.name in self._ladders:
            return self._ladders[plane.name]
        key = ladder_key(self._subject.edition.checksum, plane.name, self.measure)
        path = self._folder / f"{LADDERS}{key}" if self._folder is not None else None
        ladder = None if path is None else _kept(path, key)
        if ladder is None:
            ladder = self._renewed(plane) or build_ladder(self._subject.outlines, plane, self.measure)
            if path is not None:
                ladder = _keep(path, ladder, key)
        self._ladders[plane.name] = ladder
        return ladder

    def _renewed(self, plane: Plane) -> Ladder | None:
        """The ladder of a plane from that of the edition before, None where there is none to begin with."""
        before, succession = self._before, self._succession
        if before is None or succession is None or plane.name not in before._ladders:
            return None
        return renew_ladder(before._ladders[plane.name], succession, plane, self.measure)

    @cached_property
    def _succession(self) -> Succession | None:
        """What changed since the edition before, None where ladders have to be built anew."""
        if self._before is None:
            return None
        old, new = self._before._subject, self._subject
        if not (old.edition.proven and new.edition.proven and old.measure == new.measure):
            return None
        return Succession(old.outlines, new.outlines)

    def forget_before(self) -> None:
        """Let go of the engine of the edition before: every ladder is made."""
        self._before = None
        self.__dict__.pop("_succession", None)


def _kept(path: Path, key: str) -> Ladder | None:
    """A ladder from its file, None where none can be used."""
    try:
        return open_ladder(path, key)
    except FileNotFoundError:
        return None
    except DamageError as error:
        LOG.warning("%s", error)
        return None


def _keep(path: Path, ladder: Ladder, key: str) -> Ladder:
    """Write a ladder to its file and map it; where that cannot be, go on with what is in memory."""
    try:
        save_ladder(path, ladder, key)
        keep_newest(path.parent, LADDERS, KEPT)
        return open_ladder(path, key)
    except OSError as error:
        LOG.warning("%s: the ladder could not be kept (%s); it is built at each start", path, error)
        return ladder
