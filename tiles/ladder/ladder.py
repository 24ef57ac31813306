"""The ladder of a plane: the rungs of every level at every zoom, built once for an edition, kept in one file.

A rung is made for tiles of `EXTENT` units. The deepest serves all deeper zooms: its coordinates are shifted,
so whatever is drawn there has been mended.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gridmap.arrayfile import Kind, open_arrays, save_arrays, verify_arrays
from gridmap.errors import DamageError
from tiles.kernels.parts import Rung
from tiles.ladder.borders import Borders, along_curve, borders_of
from tiles.ladder.rungs import LARGE, TOLERANCE, rungs_of
from tiles.layers import EXTENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gridmap.coverage.partition import Partition
    from gridmap.types import AnyArray, Int64Array
    from tiles.ladder.borders import Faces
    from tiles.planes import Plane

LADDER: Final = Kind("ladder", b"GRIDMAP-LADDER", 1, page=64)

DEEPEST: Final = 16
"""The deepest zoom that has a rung of its own: a unit is 13 cm in Chongqing."""

REVISION: Final = 1
"""Counts what changes the tiles of one and the same edition: raise it with every such change."""

_DTYPES: Final = ("<i4", "<i4", "<i4", "<i4", "<i4", "<i8", "|u1", "<i8", "<i4")
"""The types of a rung's arrays."""


@dataclass(frozen=True)
class Ladder:
    """The rungs of a plane: rungs[zoom][depth], widest level first."""

    rungs: tuple[tuple[Rung, ...], ...]

    def rung(self, depth: int, zoom: int) -> tuple[Rung, int]:
        """The rung for a level at a zoom, and by how many bits it is coarser than the zoom."""
        own = min(zoom, len(self.rungs) - 1)
        return self.rungs[own][depth], zoom - own


def build_ladder(
    partition: Partition, plane: Plane, progress: Callable[[float], None] | None = None
) -> Ladder:
    """Build every rung of a plane; `progress` gets shares from 0 to 1."""
    borders = borders_of(partition, plane)
    orders = tuple(_order(borders, faces) for faces in borders.levels)
    rungs = []
    for zoom in range(DEEPEST + 1):
        rungs.append(tuple(rungs_of(borders, orders, float(EXTENT << zoom))))
        if progress is not None:
            progress((zoom + 1) / (DEEPEST + 1))
    return Ladder(tuple(rungs))


def _order(borders: Borders, faces: Faces) -> Int64Array:
    """The order of a level's faces along a Hilbert curve through the first vertices of their first arcs."""
    drawn = np.flatnonzero(np.diff(faces.places) > 0)
    first = faces.arcs[faces.places[drawn]]
    vertex = borders.offsets[np.where(first < 0, ~first, first)]
    return drawn[along_curve(borders.xs[vertex], borders.ys[vertex])]


def ladder_key(checksum: str, plane: str) -> str:
    """Names everything that a ladder is made from: the areas, the plane, and how it is made."""
    made = f"{checksum} {plane} {REVISION} {EXTENT} {DEEPEST} {TOLERANCE} {LARGE}"
    return hashlib.sha256(made.encode()).hexdigest()[:32]


def save_ladder(path: Path, ladder: Ladder, key: str) -> None:
    """Write a ladder durably."""
    arrays: dict[str, AnyArray] = {}
    for zoom, rungs in enumerate(ladder.rungs):
        for depth, rung in enumerate(rungs):
            for name, dtype in zip(Rung._fields, _DTYPES, strict=True):
                arrays[f"{zoom}/{depth}/{name}"] = np.ascontiguousarray(getattr(rung, name), dtype)
    save_arrays(
        path, LADDER, {"key": key, "zooms": len(ladder.rungs), "levels": len(ladder.rungs[0])}, arrays
    )


def open_ladder(path: Path, key: str) -> Ladder:
    """Map a ladder. FileNotFoundError; DamageError, also for a file that was made from something else."""
    facts, arrays = open_arrays(path, LADDER, "c")
    if facts.get("key") != key:
        raise DamageError(f"{path}: was made from something else than its name says: remove it")
    try:
        rungs = tuple(
            tuple(_rung(arrays, zoom, depth) for depth in range(facts["levels"]))
            for zoom in range(facts["zooms"])
        )
    except (KeyError, TypeError) as error:
        raise DamageError(f"{path}: its arrays do not fit together ({error}): remove it") from error
    return Ladder(rungs)


def verify_ladder(path: Path) -> None:
    """Read all of a ladder's file and compare it with its checksums. DamageError: what is damaged."""
    verify_arrays(path, LADDER)


def _rung(arrays: dict[str, Any], zoom: int, depth: int) -> Rung:
    return Rung(*(arrays[f"{zoom}/{depth}/{name}"] for name in Rung._fields))
