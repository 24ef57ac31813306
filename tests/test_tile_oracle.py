"""The oracles of tiles: they pass what is right and see what is planted. Also: two decoders read the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import javascript
import pytest
import shapely
from mapbox_vector_tile.Mapbox import vector_tile_pb2
from oracle_engine import OracleEngine
from tile_oracle import Feature, Truth, crack, decode, differences, disagreement, seams
from tile_spec import check_tile
from town import toytown

from tiles.address import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LEVELS = ("district", "town", "community", "grid")
HERE = (106.504, 29.502)


@pytest.fixture(scope="module")
def engine() -> OracleEngine:
    return OracleEngine(toytown())


@pytest.fixture(scope="module")
def reference() -> Iterator[javascript.ReferenceDecoder]:
    javascript.need()
    with javascript.ReferenceDecoder() as decoder:
        yield decoder


def tile_here(
    engine: OracleEngine, scheme: str = "xyz", z: int = 15, layers: Sequence[str] = LEVELS
) -> bytes:
    return engine.tile(layers, scheme, *SCHEMES[scheme].tile_at(*HERE, z))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_slow_engine_breaks_no_rule_and_both_decoders_read_the_same(
    engine: OracleEngine, reference: javascript.ReferenceDecoder, scheme: str
) -> None:
    for z in range(8, 19):
        data = tile_here(engine, scheme, z)
        verdict = check_tile(data)
        assert (verdict.breaches, verdict.invalid) == ([], [])
        assert differences(decode(data), reference.decode(data)) == []
        assert verdict.polygons == sum(len(features) for features in decode(data).values()) > 0


def test_the_reference_refuses_what_is_no_tile(reference: javascript.ReferenceDecoder) -> None:
    with pytest.raises(ValueError, match="reference decoder says"):
        reference.decode(b"\x1a\x05\x78\x02\x0a\xff\xff")
    assert reference.decode(b"") == {}


def test_the_decoders_are_compared_in_everything(
    engine: OracleEngine, reference: javascript.ReferenceDecoder
) -> None:
    data = tile_here(engine, layers=["grid"])
    ours, theirs = decode(data), reference.decode(data)
    first = ours["grid"][0]
    others = (
        Feature(first.number + 1, first.properties, first.shape),
        Feature(first.number, {**first.properties, "name": "?"}, first.shape),
        Feature(first.number, first.properties, shapely.transform(first.shape, lambda xy: xy + 1)),
    )
    for other in others:
        changed = {"grid": [other, *ours["grid"][1:]]}
        assert differences(changed, theirs) == [f"grid: feature {other.number}"]
    assert differences({"grid": ours["grid"][1:]}, theirs)
    assert differences({"town": ours["grid"]}, theirs)


# ---------------------------------------------------------------- planted breaches

SQUARE = [9, 0, 0, 26, 200, 0, 0, 200, 199, 0, 15]
"""MoveTo 0,0; LineTo three times, clockwise; ClosePath."""


def message(geometry: Sequence[int] = SQUARE) -> Any:
    tile = vector_tile_pb2.tile()
    layer = tile.layers.add(name="grid", version=2, extent=4096, keys=["code", "name"])
    for text in ("A", "B"):
        layer.values.add(string_value=text)
    layer.features.add(id=1, type=3, geometry=geometry, tags=[0, 0, 1, 1])
    return tile


def test_a_square_is_right() -> None:
    verdict = check_tile(message().SerializeToString())
    assert (verdict.breaches, verdict.polygons, verdict.invalid) == ([], 1, [])


def set_field(name: str, value: Any) -> Callable[[Any], None]:
    return lambda tile: setattr(tile.layers[0], name, value)


def set_feature(name: str, value: Any) -> Callable[[Any], None]:
    return lambda tile: setattr(tile.layers[0].features[0], name, value)


def no_field(name: str) -> Callable[[Any], None]:
    return lambda tile: tile.layers[0].ClearField(name)


BREACHES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "no version": (no_field("version"), "version"),
    "version 1": (set_field("version", 1), "version"),
    "no name": (set_field("name", ""), "no name"),
    "no extent": (no_field("extent"), "extent"),
    "other extent": (set_field("extent", 512), "extent"),
    "no feature": (no_field("features"), "no feature"),
    "layer twice": (lambda tile: tile.layers.add().CopyFrom(tile.layers[0]), "a layer stands twice"),
    "key twice": (lambda tile: tile.layers[0].keys.append("code"), "a key stands twice"),
    "value twice": (lambda tile: tile.layers[0].values.add(string_value="A"), "a value stands twice"),
    "value unused": (lambda tile: tile.layers[0].values.add(string_value="C"), "nobody names"),
    "value of no type": (lambda tile: tile.layers[0].values.add(), "exactly one type"),
    "value of two types": (
        lambda tile: setattr(tile.layers[0].values[0], "int_value", 1),
        "exactly one type",
    ),
    "no such value": (lambda tile: tile.layers[0].features[0].tags.__setitem__(3, 7), "not there"),
    "no such key": (lambda tile: tile.layers[0].features[0].tags.__setitem__(2, 7), "not there"),
    "key twice in a feature": (lambda tile: tile.layers[0].features[0].tags.__setitem__(2, 0), "a key twice"),
    "odd tags": (lambda tile: tile.layers[0].features[0].tags.append(0), "not pairs"),
    "no properties": (lambda tile: tile.layers[0].features[0].ClearField("tags"), "no properties"),
    "id twice": (
        lambda tile: tile.layers[0].features.add().CopyFrom(tile.layers[0].features[0]),
        "an id stands twice",
    ),
    "no id": (lambda tile: tile.layers[0].features[0].ClearField("id"), "its id"),
    "id 0": (set_feature("id", 0), "its id"),
    "id too large for JavaScript": (set_feature("id", 2**53), "its id"),
    "a line": (set_feature("type", 2), "its type"),
    "no geometry": (lambda tile: tile.layers[0].features[0].ClearField("geometry"), "no geometry"),
}


@pytest.mark.parametrize("name", BREACHES)
def test_planted_breaches_are_seen(name: str) -> None:
    plant, said = BREACHES[name]
    tile = message()
    plant(tile)
    assert any(said in breach for breach in check_tile(tile.SerializePartialToString()).breaches)


@pytest.mark.parametrize("after", [b"\x22\x00", b""])
def test_unknown_fields_are_seen(after: bytes) -> None:
    breaches = check_tile(message().SerializeToString() + after).breaches
    assert bool(breaches) == bool(after)


GEOMETRIES = {
    "segment without length": ([9, 0, 0, 34, 200, 0, 0, 0, 0, 200, 199, 0, 15], "no length"),
    "closed twice": ([9, 0, 0, 34, 200, 0, 0, 200, 199, 0, 0, 199, 15], "no length"),
    "inner ring first": ([9, 0, 0, 26, 0, 200, 200, 0, 0, 199, 15], "no outer one"),
    "ring without area": ([*SQUARE, 9, 20, 0, 18, 20, 0, 20, 0, 15], "no area"),
    "two corners": ([9, 0, 0, 10, 200, 0, 15], "where 2 belongs"),
    "not closed": ([9, 0, 0, 26, 200, 0, 0, 200, 199, 0], "end before a ring does"),
    "parameters missing": ([9, 0, 0, 26, 200, 0], "end too early"),
    "closed by two": ([9, 0, 0, 26, 200, 0, 0, 200, 199, 0, 23], "where 7 belongs"),
    "two MoveTo": ([17, 0, 0, 2, 2, 26, 200, 0, 0, 200, 199, 0, 15], "where 1 belongs"),
    "beyond the buffer": ([9, 129, 0, 26, 200, 0, 0, 200, 199, 0, 15], "beyond the buffer"),
}


@pytest.mark.parametrize("name", GEOMETRIES)
def test_planted_geometries_are_seen(name: str) -> None:
    geometry, said = GEOMETRIES[name]
    assert any(said in breach for breach in check_tile(message(geometry).SerializeToString()).breaches)


def test_a_ring_that_crosses_itself_is_invalid_but_no_breach() -> None:
    crossing = [9, 0, 0, 26, 200, 0, 0, 200, 99, 239, 15]
    verdict = check_tile(message(crossing).SerializeToString())
    assert (verdict.breaches, verdict.polygons) == ([], 1)
    assert "Self-intersection" in verdict.invalid[0]


# ---------------------------------------------------------------- what must be there, and how it fits


def grids(engine: OracleEngine, z: int) -> tuple[Truth, tuple[int, int, int], list[Feature]]:
    scheme = SCHEMES["xyz"]
    tile = scheme.tile_at(*HERE, z)
    features = decode(engine.tile(["grid"], "xyz", *tile))["grid"]
    return engine.truth("grid", "xyz"), (z, *scheme.square(tile)), features


def test_what_must_be_in_a_tile_and_what_may(engine: OracleEngine) -> None:
    for z in (8, 12, 15, 18):
        truth, square, features = grids(engine, z)
        found = {each.number for each in features}
        assert truth.needed(square) <= found <= truth.allowed(square)
        assert truth.needed(square)
    whole = truth.areas(10)
    assert len(whole) == 9
    assert truth.needed((10, *SCHEMES["xyz"].square(SCHEMES["xyz"].tile_at(*HERE, 10)))) == {
        number for number, area in whole.items() if area >= 4
    }


def test_squares_are_those_with_ground_in_them(engine: OracleEngine) -> None:
    truth = engine.truth("grid", "xyz")
    assert len(truth.squares(10)) == 1
    found = truth.squares(17)
    by_pieces = [square for square in found if shapely.area(truth.pieces(square)[1]).sum() > 0]
    assert found == by_pieces
    z, column, row = found[0]
    assert not truth.touches((z, column - 5, row))


def test_gaps_and_overlaps_are_measured(engine: OracleEngine) -> None:
    truth, square, features = grids(engine, 15)
    shapes = [each.shape for each in features]
    assert seams(shapes, truth, square).share < 1e-4
    inner = min(range(len(shapes)), key=lambda at: shapely.area(shapes[at]))
    size = shapely.area(shapely.intersection(shapes[inner], shapely.box(0, 0, 4096, 4096)))
    holed = seams(shapes[:inner] + shapes[inner + 1 :], truth, square)
    assert holed.gap == pytest.approx(size, rel=0.05)
    doubled = seams([*shapes, shapes[inner]], truth, square)
    assert doubled.overlap == pytest.approx(size, rel=0.05)
    both = holed + doubled
    assert both.gap >= holed.gap
    assert both.area == holed.area + doubled.area


def test_levels_that_differ_are_measured(engine: OracleEngine) -> None:
    decoded = decode(tile_here(engine))
    of = {each.properties["code"]: each.number for each in decoded["community"]}
    children: dict[int, list[shapely.Geometry]] = {}
    for each in decoded["grid"]:
        children.setdefault(of[each.properties["code"][:-3]], []).append(each.shape)
    parents = {each.number: each.shape for each in decoded["community"]}
    total = sum(shapely.area(shape) for shape in parents.values())
    assert disagreement(children, parents) < 1e-4 * total
    lost = next(iter(children))
    assert disagreement({**children, lost: []}, parents) == pytest.approx(
        shapely.area(parents[lost]), rel=0.1
    )


def test_cracks_between_tiles_are_measured(engine: OracleEngine) -> None:
    scheme = SCHEMES["xyz"]
    z, x, y = scheme.tile_at(*HERE, 17)
    one = decode(engine.tile(["grid"], "xyz", z, x, y))["grid"]
    for step in ((1, 0), (0, 1)):
        other = decode(engine.tile(["grid"], "xyz", z, x + step[0], y + step[1]))["grid"]
        assert crack(one, other, step) == 0.0
        assert crack(one, [], step) > 10_000
        moved = [replace(each, shape=shapely.transform(each.shape, lambda xy: xy + 3)) for each in other]
        assert crack(one, moved, step) > 100
