"""The ladder of a plane: the rungs of every level at every zoom, built once for an edition, kept in one file.

A rung is made for tiles of so many units (`tiles.measure`). The deepest serves all deeper zooms: its
coordinates are shifted, so whatever is drawn there has been mended. The ladder of an edition that followed
another is made from that one's (`renew`); the bytes are the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gridmap.arrayfile import Kind, open_arrays, save_arrays, verify_arrays
from gridmap.errors import DamageError
from gridmap.lattice import to_degrees
from tiles.curve import along_curve
from tiles.kernels.parts import Rung
from tiles.ladder.borders import borders_of, plain_arcs
from tiles.ladder.changes import NONE, changes_between
from tiles.ladder.renew import REACH, Before, renewed
from tiles.ladder.rungs import LARGE, TOLERANCE, Edits, rungs_of
from tiles.measure import STANDARD, Measure

if TYPE_CHECKING:
    from pathlib import Path

    from gridmap.coverage.partition import Partition
    from gridmap.types import AnyArray, FloatArray, Int64Array
    from tiles.ladder.borders import Borders, Faces
    from tiles.ladder.changes import Changes
    from tiles.planes import Plane

LADDER: Final = Kind("ladder", b"GRIDMAP-LADDER", 1, page=64)

REVISION: Final = 1
"""Counts what changes the tiles of one and the same edition: raise it with every such change."""

FEW: Final = 0.2
"""Share of new arcs up to which a ladder is made from the one before."""

_DTYPES: Final = ("<i4", "<i4", "<i4", "<i4", "<i4", "<i8", "|u1", "<i8", "<i4")
"""The types of a rung's arrays."""


@dataclass(frozen=True)
class Outlines:
    """A partition with the arcs around the faces of each of its levels: all of a ladder but the plane."""

    partition: Partition
    levels: tuple[Faces, ...]


@dataclass(frozen=True)
class Succession:
    """Two editions, one of which followed the other: both proven, because else an edge may have several arcs.

    What changed is the same on all planes, and found once.
    """

    old: Outlines
    new: Outlines

    @cached_property
    def changes(self) -> Changes | None:
        """How the new borders follow from the old ones, None where to begin anew is as quick."""
        old, new = self.old, self.new
        if [faces.level for faces in old.levels] != [faces.level for faces in new.levels]:
            return None
        changes = changes_between(old.partition, old.levels, new.partition, new.levels)
        return None if (changes.old_arcs == NONE).mean() > FEW else changes


@dataclass(frozen=True)
class Ladder:
    """The rungs of a plane: rungs[zoom][depth], widest level first; and what mending did on each."""

    rungs: tuple[tuple[Rung, ...], ...]
    edits: tuple[Edits, ...]

    def rung(self, depth: int, zoom: int) -> tuple[Rung, int]:
        """The rung for a level at a zoom, and by how many bits it is coarser than the zoom."""
        own = min(zoom, len(self.rungs) - 1)
        return self.rungs[own][depth], zoom - own


def build_ladder(outlines: Outlines, plane: Plane, measure: Measure = STANDARD) -> Ladder:
    """Build every rung of a plane."""
    borders = borders_of(outlines.partition, plane, outlines.levels)
    orders = _orders(borders)
    zooms = range(measure.deepest_rung + 1)
    made = [rungs_of(borders, orders, float(measure.extent << zoom)) for zoom in zooms]
    return Ladder(tuple(tuple(rungs) for rungs, _ in made), tuple(edits for _, edits in made))


def renew_ladder(
    before: Ladder, succession: Succession, plane: Plane, measure: Measure = STANDARD
) -> Ladder | None:
    """The ladder of the new edition from that of the old one, of the same measure.

    It is what `build_ladder` would give. None where that saves nothing.
    """
    old, new, changes = succession.old, succession.new, succession.changes
    if changes is None:
        return None
    borders = borders_of(new.partition, plane, new.levels)
    orders, vanished = _orders(borders), _vanished(old.partition, changes, plane, measure)
    made = [
        renewed(Before(rungs, edits), borders, changes, vanished, orders, float(measure.extent << zoom))
        for zoom, (rungs, edits) in enumerate(zip(before.rungs, before.edits, strict=True))
    ]
    return Ladder(tuple(tuple(rungs) for rungs, _ in made), tuple(edits for _, edits in made))


def _vanished(partition: Partition, changes: Changes, plane: Plane, measure: Measure) -> FloatArray:
    """The boxes on the plane of arcs that are there no more, a little wider: long edges bend."""
    coverage = partition.coverage
    gone = np.flatnonzero(changes.new_arcs == NONE)
    if not len(gone):
        return np.empty((0, 4))
    which = np.repeat(changes.new_arcs == NONE, np.diff(coverage.offsets))
    xs, ys = plane.project(*to_degrees(coverage.xs[which], coverage.ys[which]))
    starts = np.concatenate([[0], np.cumsum(np.diff(coverage.offsets)[gone])])[:-1]
    margin = REACH / float(measure.extent << measure.deepest_rung)
    return np.stack(
        [
            np.minimum.reduceat(xs, starts) - margin,
            np.minimum.reduceat(ys, starts) - margin,
            np.maximum.reduceat(xs, starts) + margin,
            np.maximum.reduceat(ys, starts) + margin,
        ],
        axis=1,
    )


def _orders(borders: Borders) -> tuple[Int64Array, ...]:
    """The order of each level's faces: a Hilbert curve through the first vertices of their first arcs."""
    orders = []
    for faces in borders.levels:
        drawn = np.flatnonzero(np.diff(faces.places) > 0)
        vertex = borders.offsets[plain_arcs(faces.arcs[faces.places[drawn]])]
        orders.append(drawn[along_curve(borders.xs[vertex], borders.ys[vertex])])
    return tuple(orders)


def ladder_key(checksum: str, plane: str, measure: Measure = STANDARD) -> str:
    """Names everything that a ladder is made from: the areas, the plane, and how it is made."""
    units = f"{measure.extent} {measure.deepest_rung}"
    made = f"{checksum} {plane} {REVISION} {units} {TOLERANCE} {LARGE}"
    return hashlib.sha256(made.encode()).hexdigest()[:32]


def save_ladder(path: Path, ladder: Ladder, key: str) -> None:
    """Write a ladder durably."""
    arrays: dict[str, AnyArray] = {}
    for zoom, (rungs, edits) in enumerate(zip(ladder.rungs, ladder.edits, strict=True)):
        for depth, rung in enumerate(rungs):
            for name, dtype in zip(Rung._fields, _DTYPES, strict=True):
                arrays[f"{zoom}/{depth}/{name}"] = np.ascontiguousarray(getattr(rung, name), dtype)
        for field in fields(Edits):
            arrays[f"{zoom}/edits/{field.name}"] = getattr(edits, field.name)
    facts = {"key": key, "zooms": len(ladder.rungs), "levels": len(ladder.rungs[0])}
    save_arrays(path, LADDER, facts, arrays)


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
        edits = tuple(
            Edits(*(arrays[f"{zoom}/edits/{field.name}"] for field in fields(Edits)))
            for zoom in range(facts["zooms"])
        )
    except (KeyError, TypeError) as error:
        raise DamageError(f"{path}: its arrays do not fit together ({error}): remove it") from error
    return Ladder(rungs, edits)


def verify_ladder(path: Path) -> None:
    """Read all of a ladder's file and compare it with its checksums. DamageError: what is damaged."""
    verify_arrays(path, LADDER)


def _rung(arrays: dict[str, Any], zoom: int, depth: int) -> Rung:
    return Rung(*(arrays[f"{zoom}/{depth}/{name}"] for name in Rung._fields))
