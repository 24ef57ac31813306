"""The whole pyramid of tiles as one file: `.pmtiles`, for any file host with range requests, or `.mbtiles`.

Squares that may hold something (`pyramid`) are made in the order of their numbers, zoom after zoom along the
Hilbert curve, whoever makes them (`slices`): two runs give the same bytes. A tile stands in the archive under
the address that it has in its scheme: who asks for z, x, y gets what the server gives.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, Final, Protocol

from gridmap.durable import part_file, settle
from gridmap.errors import InputError
from tiles.address import SCHEMES
from tiles.archive.mbtiles import Mbtiles
from tiles.archive.pmtiles import Contents, Pmtiles
from tiles.archive.slices import Asked, levels_of, made, opened
from tiles.documents import tilejson
from tiles.gallery import open_engine
from tiles.layers import LAYERS, PERSONAL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gridmap.model import Edition
    from gridmap.store.address import CityAddress
    from tiles.archive.pyramid import Numbered
    from tiles.archive.slices import Level, Source
    from tiles.engine import Engine
    from tiles.wanted import TileEngine

SUFFIXES: Final = (".pmtiles", ".mbtiles")

OPEN: Final = "areas"
"""The gate of layers that are written without being named: who has a file sees all that is in it."""


@dataclass(frozen=True)
class Summary:
    """What was written: tiles, their zooms, and how large the largest and the file are, in bytes."""

    tiles: int
    lowest: int
    deepest: int
    largest: int
    size: int


@dataclass(frozen=True)
class CitySource:
    """An edition of a city."""

    place: CityAddress
    edition: int

    def engine(self) -> Engine:
        """Read it; its ladder is mapped, or built the first time."""
        return open_engine(self.place, self.edition)


class Book(Protocol):
    """Takes tiles in the order of their numbers, and at the end what the archive says of itself."""

    def put(self, tile: Numbered, data: bytes) -> None:
        """Add a tile, compressed by gzip."""

    def finish(self, contents: Contents) -> None:
        """Write what is left to write."""


def write_archive(
    out: Path,
    source: Source,
    edition: Edition,
    asked: Asked,
    *,
    processes: int = 1,
    progress: Callable[[str, float], None] | None = None,
) -> Summary:
    """Write an archive of tiles, of the open layers where none is named; it appears when it is whole.

    InputError: a suffix, scheme, layer or zooms that cannot be; a scheme that has addresses below 0 here; not
    a single tile; a worker that was killed. ConflictError: what stands in the city was changed meanwhile.
    """
    tell = progress or (lambda _step, _share: None)
    out = out.absolute()
    check(out, asked)
    tell("opening the edition", 0.0)
    engine = opened(source)
    asked = _settled(engine, asked)
    levels = levels_of(engine, asked)
    with ExitStack() as files:
        file, part = files.enter_context(part_file(out.parent))
        if out.suffix == ".pmtiles":
            scratch = files.enter_context(TemporaryFile(dir=out.parent))
            book: Book = Pmtiles(file, scratch)
        else:
            book = files.enter_context(Mbtiles(part))
        found = _Found()
        squares = sum(len(level.numbers) for level in levels)
        for each, tiles in made(levels, source, engine.token, asked.scheme, processes):
            tell(f"zoom {each.tiles[0].z}", found.seen / squares)
            for tile, data in zip(each.tiles, tiles, strict=True):
                if data:
                    book.put(tile, data)
                found.note(tile.z, len(data))
        if not found.tiles:
            text = f"there is no tile of {', '.join(asked.layers)} at zooms {asked.lowest} to {asked.deepest}"
            raise InputError("zooms", text)
        book.finish(_contents(engine, edition, asked, levels, found))
        settle(file, part, out)
    return Summary(found.tiles, found.lowest, found.deepest, found.largest, out.stat().st_size)


def check(out: Path, asked: Asked) -> None:
    """InputError where an archive cannot be written: before anything is opened."""
    if out.suffix not in SUFFIXES:
        raise InputError("OUT", f"{out.name!r} is no name of an archive: end it in .pmtiles or .mbtiles")
    if not out.parent.is_dir():
        raise InputError("OUT", f"there is no folder {out.parent}: make it first")
    if asked.scheme not in SCHEMES:
        raise InputError("scheme", f"{asked.scheme!r} is none; there are {', '.join(SCHEMES)}")
    scheme = SCHEMES[asked.scheme]
    if not scheme.lowest <= asked.deepest or not asked.lowest <= scheme.deepest:
        text = f"{asked.lowest} to {asked.deepest}: {scheme.name} has {scheme.lowest} to {scheme.deepest}"
        raise InputError("zooms", text)


def _settled(engine: TileEngine, asked: Asked) -> Asked:
    """What is asked for, all open layers where none is named.

    InputError: an unknown layer, one twice, one that no archive holds.
    """
    if not asked.layers:
        return asked._replace(layers=tuple(name for name in engine.layers if LAYERS[name].gate == OPEN))
    for layer in asked.layers:
        if layer not in engine.layers:
            raise InputError("layers", f"there is no {layer!r} here; there are {', '.join(engine.layers)}")
        if LAYERS[layer].gate == PERSONAL:
            text = f"{layer!r} is not written to files, which go from hand to hand; leave it out"
            raise InputError("layers", text)
        if asked.layers.count(layer) > 1:
            raise InputError("layers", f"{layer!r} is named twice; name each once")
    return asked


class _Found:
    """What has been made so far."""

    def __init__(self) -> None:
        self.seen = self.tiles = self.largest = 0
        self.lowest = self.deepest = 0

    def note(self, z: int, size: int) -> None:
        """A square was asked for; its tile has so many bytes, none when it holds nothing."""
        self.seen += 1
        if size:
            self.lowest = self.lowest if self.tiles else z
            self.deepest = z
            self.tiles += 1
            self.largest = max(self.largest, size)


def _contents(
    engine: TileEngine, edition: Edition, asked: Asked, levels: list[Level], found: _Found
) -> Contents:
    """What TileJSON says of these layers, with the zooms that the archive has."""
    document = tilejson(engine, edition, asked.layers, SCHEMES[asked.scheme], "")
    shown = {name: [level.z for level in levels if name in level.layers] for name in asked.layers}
    layers: list[dict[str, Any]] = [
        {**each, "minzoom": min(shown[each["id"]]), "maxzoom": found.deepest}
        for each in document["vector_layers"]
        if shown[each["id"]]
    ]
    west, south, east, north = document["bounds"]
    metadata = {
        "name": document["name"],
        "description": document["description"],
        "version": document["version"],
        "type": "overlay",
        "vector_layers": layers,
        "gridmap": {"edition": engine.edition, "token": engine.token, "scheme": asked.scheme}
        | {"datum": document["datum"]},
    }
    return Contents((west, south, east, north), found.lowest, found.deepest, metadata)
