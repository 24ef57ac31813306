"""TopoJSON: the one format that has what a coverage has, arcs that neighbours and levels share.

Each level is an object of its own, called as the level is, and all are made of the arcs of the finest one.
Coordinates are lattice units: the transform has the scale 1e-7 degree and no translation, so every number of
the file is a whole one and nothing is rounded. Shells run clockwise, as d3 wants them. A TopoJSON file cannot
say which datum it is in; this one is in WGS84, which is CGCS2000.

The package `topojson` of PyPI was left out: it looks for shared arcs in polygons, in floating point; here
they are known and proven.
"""

from __future__ import annotations

import json
from itertools import pairwise, repeat
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gridmap.boundaries.rows import AREA_COLUMNS
from gridmap.boundaries.whole import whole_file
from gridmap.coverage.arcs import lifted
from gridmap.coverage.rings import rings_of
from gridmap.lattice import SCALE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from gridmap.coverage.arcs import Coverage
    from gridmap.coverage.partition import Partition
    from gridmap.types import Int64Array

PROPERTIES: Final = AREA_COLUMNS[:-1]
"""What is said of each area: all columns but the shape."""

TRANSFORM: Final = {"scale": [1 / SCALE, 1 / SCALE], "translate": [0, 0]}
"""From the numbers of the file to degrees: GDAL and d3 multiply, which is off by 1e-14, and `load` rounds."""

SHAPELESS: Final[dict[str, Any]] = {"type": "Polygon", "arcs": []}

TRACED: Final = 0.6
"""The share of the work that is done when all rings are traced and the file can be written."""


def write_topojson(
    partition: Partition,
    depths: Sequence[int],
    path: Path,
    progress: Callable[[str, float], None],
    *,
    bare: Collection[int],
    marks: Mapping[str, Any],
) -> int:
    """Write levels of a partition as TopoJSON, an object each; returns how many areas.

    Levels in `bare` are written without shapes; `marks` are properties that all areas get. An area without a
    shape is a polygon without rings, because GDAL passes over areas without a geometry.
    """
    arcs, levels = _drawn(partition, depths, bare)
    objects: dict[str, list[str]] = {}
    for done, (depth, drawn) in enumerate(zip(depths, levels, strict=True)):
        table = partition.levels[depth]
        progress(f"tracing {table.level}", TRACED * done / len(depths))
        objects[table.level] = []
        shapes = repeat(SHAPELESS, len(table)) if drawn is None else _shapes(*drawn)
        for row, shape in enumerate(shapes):
            area = table.area(row)
            said = {name: getattr(area, name) for name in PROPERTIES} | dict(marks)
            objects[table.level].append(_text({**shape, "properties": said}))
    progress("writing the file", TRACED)
    with whole_file(path) as part, part.open("w", encoding="utf-8") as file:
        file.writelines(_pieces(objects, arcs))
    return sum(map(len, objects.values()))


def _drawn(
    partition: Partition, depths: Sequence[int], bare: Collection[int]
) -> tuple[list[Coverage], list[tuple[Coverage, Int64Array] | None]]:
    """The arcs of the file, and for each level its coverage and the numbers of its arcs in the file.

    The finest level's arcs are all levels', with two exceptions, which bring their own: outlines that were
    given and differ, and levels over repeated edges, which parents pair otherwise.
    """
    finest = len(partition.levels) - 1
    shared = len(depths) > 1 and not partition.coverage.edges.repeated.any()
    arcs = [partition.coverage] if shared else []
    levels: list[tuple[Coverage, Int64Array] | None] = []
    for depth in depths:
        level = partition.levels[depth]
        if depth in bare:
            levels.append(None)
        elif shared and depth == finest:
            levels.append((partition.coverage, np.arange(len(partition.coverage))))
        elif shared and level.level not in partition.given:
            levels.append(lifted(partition.coverage, partition.ancestors[depth], len(level)))
        else:
            own = partition.given.get(level.level, partition.coverage_at(depth))
            levels.append((own, np.arange(len(own)) + sum(map(len, arcs))))
            arcs.append(own)
    return arcs, levels


def _shapes(coverage: Coverage, numbers: Int64Array) -> Iterator[dict[str, Any]]:
    """The geometry of each face, in arcs by their numbers in the file."""
    rings = rings_of(coverage)
    forward = rings.arcs >= 0
    signed = np.where(forward, numbers[rings.arcs], ~numbers[~rings.arcs])
    # Ours run counter-clockwise: each ring and each of its arcs is turned round.
    turned = [(~signed[low:high])[::-1].tolist() for low, high in pairwise(rings.arc_offsets.tolist())]
    for face in range(coverage.faces):
        parts = [[turned[ring] for ring in part] for part in rings.nested(face)]
        if len(parts) > 1:
            yield {"type": "MultiPolygon", "arcs": parts}
        else:
            yield {"type": "Polygon", "arcs": parts[0]} if parts else SHAPELESS


def _pieces(objects: Mapping[str, list[str]], arcs: Sequence[Coverage]) -> Iterator[str]:
    """The text of the file, an area and an arc a line."""
    yield f'{{"type":"Topology","transform":{_text(TRANSFORM)},"objects":{{'
    for at, (level, areas) in enumerate(objects.items()):
        yield f'{"," * (at > 0)}\n{_text(level)}:{{"type":"GeometryCollection","geometries":[\n'
        yield ",\n".join(areas)
        yield "\n]}"
    yield '},"arcs":[\n'
    yield ",\n".join(_text(line) for coverage in arcs for line in _lines(coverage))
    yield "\n]}\n"


def _lines(coverage: Coverage) -> Iterator[list[list[int]]]:
    """Each arc as its first point, then the step to each next one."""
    points = np.stack([coverage.xs, coverage.ys], axis=1).astype(np.int64)
    steps = np.diff(points, axis=0, prepend=points[:1])
    first = coverage.offsets[:-1]
    steps[first] = points[first]
    for low, high in pairwise(coverage.offsets.tolist()):
        yield steps[low:high].tolist()


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
