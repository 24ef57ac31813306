"""What the vector tile specification 2.1 says of a tile's bytes, and what we promise beyond it, as one check.

It reads the protobuf message itself, because a decoder that gives shapes has forgiven half of what is wrong.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import shapely
from google.protobuf.unknown_fields import UnknownFieldSet
from mapbox_vector_tile.Mapbox import vector_tile_pb2
from tile_oracle import BUFFER, EXTENT

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from tile_oracle import Point

MOVE_TO, LINE_TO, CLOSE_PATH = 1, 2, 7
POINT, POLYGON = 1, 3
LARGEST_ID: Final = 2**53 - 1
"""JavaScript counts no further."""

VALUES: Final = (
    "string_value",
    "float_value",
    "double_value",
    "int_value",
    "uint_value",
    "sint_value",
    "bool_value",
)


@dataclass
class Verdict:
    """What is wrong with a tile: breaches of the specification, and polygons that cross or touch themselves.

    `polygons` counts all polygons seen, so that a share of invalid ones can be told.
    """

    breaches: list[str] = field(default_factory=list)
    polygons: int = 0
    invalid: list[str] = field(default_factory=list)


def check_tile(data: bytes, extent: int = EXTENT, buffer: int = BUFFER) -> Verdict:
    """Hold a tile's bytes against the specification 2.1, its SHOULDs included, and what we promise beyond it.

    Beyond it: a known extent, an id for each feature (once in a layer, from 1 to 2**53 - 1), no feature
    without a property, no field that the schema does not know, no value that nobody uses, and no coordinate
    farther out than the buffer.
    """
    verdict = Verdict()
    tile = vector_tile_pb2.tile()
    tile.ParseFromString(data)
    if len(UnknownFieldSet(tile)):
        verdict.breaches.append("the tile has fields that the schema does not know")
    names = [layer.name for layer in tile.layers]
    if len(set(names)) != len(names):
        verdict.breaches.append(f"a layer stands twice: {names}")
    for layer in tile.layers:
        verdict.breaches += [f"{layer.name!r}: {text}" for text in _layer_breaches(layer, extent)]
        for feature in layer.features:
            where = f"{layer.name!r}, feature {feature.id}"
            verdict.breaches += [f"{where}: {text}" for text in _feature_breaches(feature)]
            _judge_geometry(feature, where, (-buffer, extent + buffer), verdict)
    return verdict


def _layer_breaches(layer: Any, extent: int) -> Iterator[str]:
    said = {
        "version is not 2": not layer.HasField("version") or layer.version != 2,
        "there is no name": not layer.name,
        f"extent is not {extent}": not layer.HasField("extent") or layer.extent != extent,
        "there is no feature": not layer.features,
        "there are fields that the schema does not know": len(UnknownFieldSet(layer)) > 0,
        "a key stands twice": _twice(layer.keys),
        "a value stands twice": _twice(value.SerializeToString() for value in layer.values),
        "a value has not exactly one type": any(_types(value) != 1 for value in layer.values),
        "an id stands twice": _twice(feature.id for feature in layer.features),
    }
    yield from (text for text, wrong in said.items() if wrong)
    tags = [feature.tags for feature in layer.features]
    keys, values = ({index for each in tags for index in each[first::2]} for first in (0, 1))
    if not keys <= set(range(len(layer.keys))) or not values <= set(range(len(layer.values))):
        yield "a key or a value is named that is not there"
    if values != set(range(len(layer.values))):
        yield "a value is there that nobody names"


def _twice(things: Iterable[Hashable]) -> bool:
    return max(Counter(things).values(), default=0) > 1


def _types(value: Any) -> int:
    return sum(value.HasField(name) for name in VALUES)


def _feature_breaches(feature: Any) -> Iterator[str]:
    if not feature.HasField("id") or not 1 <= feature.id <= LARGEST_ID:
        yield "its id is not from 1 to 2**53 - 1"
    if feature.type not in (POINT, POLYGON):
        yield f"its type is {feature.type}"
    if not feature.geometry:
        yield "it has no geometry"
    if len(feature.tags) % 2:
        yield "its tags are not pairs"
    if not feature.tags:
        yield "it has no properties"
    keys = feature.tags[::2]
    if len(set(keys)) != len(keys):
        yield "it has a key twice"
    if len(UnknownFieldSet(feature)):
        yield "it has fields that the schema does not know"


def _judge_geometry(feature: Any, where: str, limits: tuple[int, int], verdict: Verdict) -> None:
    try:
        lines = list(_lines(list(feature.geometry), feature.type))
    except ValueError as error:
        verdict.breaches.append(f"{where}: {error}")
        return
    points = [point for line in lines for point in line]
    if any(not limits[0] <= each <= limits[1] for point in points for each in point):
        verdict.breaches.append(f"{where}: a point lies beyond the buffer")
    if feature.type != POLYGON or not points:
        return
    if any(a == b for line in lines for a, b in pairwise([*line, line[0]])):
        verdict.breaches.append(f"{where}: a segment has no length")
    areas = [_area(line) for line in lines]
    if areas[0] <= 0:
        verdict.breaches.append(f"{where}: its first ring is no outer one")
        return
    if not all(areas):
        verdict.breaches.append(f"{where}: a ring has no area")
        return
    shape = _polygon(lines, areas)
    verdict.polygons += 1
    if not shapely.is_valid(shape):
        verdict.invalid.append(f"{where}: {shapely.is_valid_reason(shape)}")


def _lines(commands: list[int], kind: int) -> Iterator[list[Point]]:
    """The points of each ring, or all points of a point feature; ValueError for commands out of order."""
    at, x, y = 0, 0, 0
    while at < len(commands):
        line: list[Point] = []
        order = (MOVE_TO,) if kind == POINT else (MOVE_TO, LINE_TO, CLOSE_PATH)
        for wanted in order:
            if at >= len(commands):
                raise ValueError("its commands end before a ring does")
            command, count = commands[at] & 7, commands[at] >> 3
            at += 1
            least = {MOVE_TO: 1, LINE_TO: 2, CLOSE_PATH: 1}[wanted]
            many = wanted == LINE_TO or kind == POINT
            if command != wanted or count < least or (count > 1 and not many):
                raise ValueError(f"it has command {command} times {count} where {wanted} belongs")
            for _ in range(0 if wanted == CLOSE_PATH else count):
                if at + 1 >= len(commands):
                    raise ValueError("its parameters end too early")
                x, y = x + _signed(commands[at]), y + _signed(commands[at + 1])
                at += 2
                line.append((x, y))
        if kind == POINT and at < len(commands):
            raise ValueError("a point has more than one MoveTo")
        yield line


def _signed(parameter: int) -> int:
    return (parameter >> 1) ^ -(parameter & 1)


def _area(ring: Sequence[Point]) -> int:
    """Twice the area by the surveyor's formula: positive for an outer ring."""
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairwise([*ring, ring[0]]))


def _polygon(rings: Sequence[Sequence[Point]], areas: Sequence[int]) -> shapely.Geometry:
    """What the rings say: each outer one begins a polygon."""
    polygons: list[list[Sequence[Point]]] = []
    for ring, area in zip(rings, areas, strict=True):
        if area > 0:
            polygons.append([ring])
        else:
            polygons[-1].append(ring)
    shapes = [shapely.Polygon(each[0], each[1:]) for each in polygons]
    return shapes[0] if len(shapes) == 1 else shapely.MultiPolygon(shapes)
