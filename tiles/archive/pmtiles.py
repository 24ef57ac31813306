"""PMTiles version 3: a pyramid of tiles as one file that any file host serves by range requests.

Layout, in the order that the specification recommends: a header of 127 bytes and the root directory (together
under 16,384 bytes, so that one request reads both), metadata as JSON, leaf directories, tiles. Tiles are
numbered along a Hilbert curve, zoom after zoom; they stand in that order (*clustered*), equal ones once, and
a run of equal neighbours is one entry of a directory.

The PyPI package `pmtiles` can write this, too. It was measured and refused: 250,000 tiles (2 GB) cost it
12 s of CPU time, as much as making them; it takes two tiles for equal when Python's 64-bit hashes are. Our
tests read with it.
"""

from __future__ import annotations

import gzip
import json
import shutil
import struct
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gridmap.types import UInt64Array
    from tiles.archive.pyramid import Numbered

HEADER_BYTES: Final = 127
ROOT_BYTES: Final = 16_383 - HEADER_BYTES
"""Header and root are under 16,384 bytes."""

LEAF_ENTRIES: Final = 4_096
"""Entries in a leaf directory, some 10 kB; more only when the root could not list the leaves."""

GZIP: Final = 2
MVT: Final = 1
_HEADER: Final = struct.Struct("<7sB11Q6B4iB2i")
_DEGREE: Final = 10_000_000
"""Degrees in a header are whole ten-millionths."""


@dataclass(frozen=True)
class Contents:
    """What an archive says of itself: bounds are west, south, east, north in degrees."""

    bounds: tuple[float, float, float, float]
    lowest: int
    deepest: int
    metadata: Mapping[str, object]


class Pmtiles:
    """Collects tiles in the order of their numbers and writes the archive."""

    def __init__(self, out: BinaryIO, scratch: BinaryIO) -> None:
        """Both files are empty; `scratch` takes the tiles until it is known what stands before them."""
        self._out = out
        self._data = scratch
        self._length = 0
        self._known: dict[bytes, int] = {}
        self._numbers: list[int] = []
        self._offsets: list[int] = []
        self._lengths: list[int] = []
        self._runs: list[int] = []

    def put(self, tile: Numbered, data: bytes) -> None:
        """Add a tile, compressed by gzip, behind all that were added before."""
        digest = sha256(data).digest()
        offset = self._known.get(digest)
        if offset is None:
            offset = self._known[digest] = self._length
            self._data.write(data)
            self._length += len(data)
        elif self._offsets[-1] == offset and self._numbers[-1] + self._runs[-1] == tile.number:
            self._runs[-1] += 1
            return
        self._numbers.append(tile.number)
        self._offsets.append(offset)
        self._lengths.append(len(data))
        self._runs.append(1)

    def finish(self, contents: Contents) -> None:
        """Write the archive; at least one tile must have been added."""
        entries = [
            np.array(each, np.uint64) for each in (self._numbers, self._runs, self._lengths, self._offsets)
        ]
        root, leaves = _directories(entries)
        text = json.dumps(contents.metadata, ensure_ascii=False, separators=(",", ":"))
        metadata = gzip.compress(text.encode(), mtime=0)
        for part in (self._header(contents, root, metadata, leaves), root, metadata, leaves):
            self._out.write(part)
        self._data.seek(0)
        shutil.copyfileobj(self._data, self._out, 1 << 20)

    def _header(self, contents: Contents, root: bytes, metadata: bytes, leaves: bytes) -> bytes:
        lengths = (len(root), len(metadata), len(leaves), self._length)
        at = HEADER_BYTES
        sections = []
        for length in lengths:
            sections += [at, length]
            at += length
        counts = (sum(self._runs), len(self._runs), len(self._known))
        west, south, east, north = contents.bounds
        middle = ((west + east) / 2, (south + north) / 2)
        corners, center = ([round(each * _DEGREE) for each in some] for some in (contents.bounds, middle))
        kinds = (1, GZIP, GZIP, MVT, contents.lowest, contents.deepest)  # the first: clustered
        return _HEADER.pack(b"PMTiles", 3, *sections, *counts, *kinds, *corners, contents.lowest, *center)


def _directories(entries: Sequence[UInt64Array]) -> tuple[bytes, bytes]:
    """The root directory and the leaf directories; without leaves where all entries fit into the root."""
    count, size = len(entries[0]), LEAF_ENTRIES
    root = _directory(entries) if count <= 4 * LEAF_ENTRIES else b""
    if root and len(root) <= ROOT_BYTES:
        return root, b""
    while True:
        firsts = np.arange(0, count, size)
        leaves = [_directory([each[first : first + size] for each in entries]) for first in firsts]
        lengths = np.array([len(leaf) for leaf in leaves], np.uint64)
        ends = np.cumsum(lengths)
        root = _directory([entries[0][firsts], np.zeros(len(firsts), np.uint64), lengths, ends - lengths])
        if len(root) <= ROOT_BYTES:
            return root, b"".join(leaves)
        size *= 2


def _directory(entries: Sequence[UInt64Array]) -> bytes:
    """Numbers, runs, lengths and offsets as a directory: columns, deltas, variable lengths, gzip."""
    numbers, runs, lengths, offsets = entries
    steps = np.diff(numbers, prepend=np.uint64(0))
    places = offsets + np.uint64(1)
    follows = offsets[1:] == offsets[:-1] + lengths[:-1]
    places[1:][follows] = 0  # it begins where the one before ends
    columns = np.concatenate([np.array([len(numbers)], np.uint64), steps, runs, lengths, places])
    return gzip.compress(_varints(columns), mtime=0)


def _varints(values: UInt64Array) -> bytes:
    """Whole numbers in seven bits a byte, the low ones first, the high bit saying that more follow."""
    lengths = np.ones(len(values), np.int64)
    for bits in range(7, 64, 7):
        lengths += values >= np.uint64(1 << bits)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    out = np.zeros(int(ends[-1]), np.uint8)
    for place in range(int(lengths.max())):
        some = lengths > place
        low = (values[some] >> np.uint64(7 * place)) & np.uint64(127)
        out[starts[some] + place] = low.astype(np.uint8) | ((lengths[some] > place + 1) * 128).astype(
            np.uint8
        )
    return out.tobytes()
