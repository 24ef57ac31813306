"""Slices of the pyramid: some tiles of one zoom, made in one go, in any process, and put back in order.

A slice is small and says where its engine comes from, so that it travels; each process opens the engine
once. Whoever was first, slices are given in the order of the tiles' numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import numpy as np

from gridmap.bulk.pool import in_pool
from gridmap.errors import ConflictError, InputError
from tiles.address import SCHEMES
from tiles.archive.pyramid import Numbered, addresses_of, layers_at, squares_of, tile_numbers
from tiles.codings import encode
from tiles.wanted import TileEngine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gridmap.types import FloatArray, Int64Array

SLICE: Final = 128
"""Tiles in a slice: some hundredths of a second, and a megabyte or two to carry home."""

SLICES_A_ZOOM: Final = 64
"""A zoom of few, large tiles is cut into so many slices at least, so that all processes have some of it."""

PRELOADED: Final = ("tiles.archive.archive",)
ANEW: Final = "nothing was written"


class PyramidEngine(TileEngine, Protocol):
    """An engine that also says where its features are."""

    @property
    def margin(self) -> float:
        """How far beyond its square a tile may show something, in tiles."""

    def boxes(self, layer: str, scheme: str) -> FloatArray:
        """Left, top, right, bottom of the features of a layer on the scheme's plane, as they are."""


class Source(Protocol):
    """Where an engine comes from; it travels to other processes, and is equal to itself there."""

    def engine(self) -> PyramidEngine:
        """Open the engine, the same in every process."""

    def __hash__(self) -> int:
        """One process opens it once."""


class Asked(NamedTuple):
    """What is wanted: a scheme's tiles of some layers at some zooms, both ends included.

    `everywhere`: also at zooms where a server does not show a layer, for benches.
    """

    layers: tuple[str, ...]
    scheme: str
    lowest: int
    deepest: int
    everywhere: bool = False


class Level(NamedTuple):
    """The squares of one zoom that may hold something, in the order of their numbers."""

    z: int
    layers: tuple[str, ...]
    numbers: Int64Array
    xs: Int64Array
    ys: Int64Array


@dataclass(frozen=True)
class Slice:
    """Some tiles of a zoom; `position` tells which, `token` of what."""

    position: int
    source: Source
    token: str
    scheme: str
    layers: tuple[str, ...]
    tiles: tuple[Numbered, ...]

    def carry_out(self) -> list[bytes]:
        """Make the tiles, compressed by gzip; one that holds nothing is empty.

        ConflictError: what stands in the city has changed since the tiles were counted.
        """
        engine = opened(self.source)
        if engine.token != self.token:
            text = "what stands in the city was changed while its tiles were made: give the command again"
            raise ConflictError(f"{self.token} became {engine.token}: {text}")
        made = (engine.tile(self.layers, self.scheme, tile.z, tile.x, tile.y) for tile in self.tiles)
        return [encode(tile, "gzip") if tile else b"" for tile in made]


@lru_cache(maxsize=1)
def opened(source: Source) -> PyramidEngine:
    """The engine of a source; the last one stays open in this process."""
    return source.engine()


def levels_of(engine: PyramidEngine, asked: Asked) -> list[Level]:
    """The squares to ask for, zoom by zoom; layers without a feature are in none of them.

    InputError: a tile has an address below 0, as Baidu's may.
    """
    scheme = SCHEMES[asked.scheme]
    found = {layer: engine.boxes(layer, scheme.name) for layer in asked.layers}
    boxes = {layer: each for layer, each in found.items() if len(each)}
    lowest = {
        layer: asked.lowest if asked.everywhere else engine.zooms(layer, scheme.name)[0] for layer in boxes
    }
    levels = []
    for z in range(max(asked.lowest, scheme.lowest), min(asked.deepest, scheme.deepest) + 1):
        layers = layers_at(list(lowest.items()), z)
        if layers:
            squares = squares_of(np.concatenate([boxes[layer] for layer in layers]), z, engine.margin)
            xs, ys = addresses_of(scheme, z, *squares)
            if len(xs) and min(xs.min(), ys.min()) < 0:
                text = f"{scheme.name} has addresses below 0 here, for which an archive has no place"
                raise InputError("scheme", text)
            numbers = tile_numbers(z, xs, ys)
            order = np.argsort(numbers)
            levels.append(Level(z, layers, numbers[order], xs[order], ys[order]))
    return levels


def made(
    levels: Sequence[Level], source: Source, token: str, scheme: str, processes: int
) -> Iterator[tuple[Slice, list[bytes]]]:
    """Make all tiles in at most so many processes; gives slices in the order of their numbers.

    Raises as `in_pool` does, and what an engine raises.
    """
    waiting: dict[int, tuple[Slice, list[bytes]]] = {}
    position = 0
    slices = _slices(levels, source, token, scheme)
    for each, tiles in in_pool(slices, processes, PRELOADED, ANEW):
        waiting[each.position] = each, tiles
        while position in waiting:
            yield waiting.pop(position)
            position += 1


def _slices(levels: Sequence[Level], source: Source, token: str, scheme: str) -> Iterator[Slice]:
    position = 0
    for level in levels:
        columns = (each.tolist() for each in (level.numbers, level.xs, level.ys))
        tiles = [Numbered(number, level.z, x, y) for number, x, y in zip(*columns, strict=True)]
        size = min(SLICE, len(tiles) // SLICES_A_ZOOM + 1)
        for first in range(0, len(tiles), size):
            some = tuple(tiles[first : first + size])
            yield Slice(position, source, token, scheme, level.layers, some)
            position += 1
