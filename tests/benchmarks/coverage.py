"""Coverage, proof and canonical bytes beside what shapely and pyproj do, in one run: read the ratios.

`scripts/bench coverage [SIDE]`. The city is a wiggly mesh of SIDE x SIDE grids (255 by default: 65,025 grids
of 41 vertices) in four levels. CPU seconds of one thread; kernels are compiled before they are timed.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from mesh import mesh, tables_of
from pyproj import Geod

from gridmap.coverage.arcs import coverage_of
from gridmap.coverage.canonical import checksum, from_bytes, to_bytes
from gridmap.coverage.measures import measures_of, neighbours_of
from gridmap.coverage.partition import Partition, partition_of
from gridmap.coverage.proof import examine
from gridmap.coverage.rings import in_degrees, polygons_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridmap.types import Geometries


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def timed(name: str, work: Callable[[], Any], peer: float | None = None) -> tuple[Any, float]:
    """Do the work, print its CPU seconds and how often they fit into a peer's."""
    begin = time.process_time()
    result = work()
    seconds = time.process_time() - begin
    times = "" if peer is None else f"{peer / max(seconds, 1e-9):10.1f} x"
    say(f"{name:52}{seconds:9.2f} s{times}")
    return result, seconds


def _outlines(partition: Partition) -> dict[str, Geometries]:
    return {table.level: partition.polygons_at(depth) for depth, table in enumerate(partition.levels[:-1])}


def main(side: int) -> None:
    """Print the table."""
    small = partition_of(tables_of(24), {"grid": mesh(24)})
    examine(from_bytes(to_bytes(small), outline_known=False))  # compiles every kernel
    measures_of(small.coverage)
    grids = mesh(side)
    vertices = int(shapely.get_num_coordinates(grids).sum())
    say(f"{len(grids):,} grids, {vertices:,} ring vertices; x: how many times as fast as the peer named\n")
    say("Peers")
    valid, coverage_is_valid = timed(
        "shapely.coverage_is_valid (misses thin gaps)", lambda: shapely.coverage_is_valid(grids)
    )
    assert valid
    _, coverage_union = timed("shapely.coverage_union_all", lambda: shapely.coverage_union_all(grids))
    _, union_all = timed("shapely.union_all", lambda: shapely.union_all(grids))
    degrees, geod = in_degrees(grids), Geod(ellps="WGS84")
    areas, pyproj = timed(
        "pyproj Geod areas", lambda: [geod.geometry_area_perimeter(one)[0] for one in degrees]
    )

    say("\nOurs")
    coverage, _ = timed(
        "coverage_of: polygons -> edges -> arcs", lambda: coverage_of(grids), coverage_is_valid
    )
    back, _ = timed("polygons_of: arcs -> polygons", lambda: polygons_of(coverage))
    assert shapely.equals(back, grids).all()
    partition, _ = timed("partition_of, grids alone", lambda: partition_of(tables_of(side), {"grid": grids}))
    body, _ = timed("to_bytes", lambda: to_bytes(partition))
    timed(f"checksum ({len(body) / 1e6:.1f} MB)", lambda: checksum(body))
    read, _ = timed("from_bytes", lambda: from_bytes(body, outline_known=False))
    timed("  its edges, sorted", lambda: dataclasses.replace(read.coverage).edges)
    proof, _ = timed("examine (the proof, everything included)", lambda: examine(read), coverage_is_valid)
    assert proof.proven, proof.findings[:3]
    timed("the three levels above, as polygons", lambda: _outlines(read), coverage_union)
    full, _ = timed(
        "partition_of, all four levels given",
        lambda: partition_of(tables_of(side), {**_outlines(partition), "grid": grids}),
    )
    assert not full.given
    timed("examine, outlines given", lambda: examine(full), union_all)
    measures, _ = timed("areas and perimeters", lambda: measures_of(coverage), pyproj)
    worst = np.abs(measures.areas_m2 / np.abs(areas) - 1).max()
    timed("neighbours and their borders", lambda: neighbours_of(coverage))
    say(f"\nlargest difference of an area from pyproj's (its sides are geodesics): {worst:.1e}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 255)
