"""The engine in Toytown: what its tiles say, on every scheme, and that two builds say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from drawn import decoded, scenery, shapes_in, subject
from mesh import mesh
from town import toytown
from webtown import place

from gridmap.coverage.partition import level_table, partition_of
from gridmap.errors import NotFoundError
from tiles.address import SCHEMES
from tiles.engine import Engine
from tiles.layers import BUDGET, LAYERS

if TYPE_CHECKING:
    from pathlib import Path

SPOT = place(1, 1)
"""In the first grid of the southern community."""


def toy_engine(folder: Path | None = None) -> Engine:
    return Engine(subject(toytown(), scenery([SPOT, place(7, 3)])), folder)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return toy_engine()


def around(engine: Engine, layer: str, scheme: str, zoom: int) -> list[dict[str, object]]:
    tile = SCHEMES[scheme].tile_at(*SPOT, zoom)
    return decoded(engine.tile([layer], scheme, *tile)).get(layer, [])


def test_there_are_all_layers_of_the_table(engine: Engine) -> None:
    assert engine.layers == tuple(LAYERS)
    assert engine.edition == 7
    assert engine.token.startswith("7-")
    west, south, east, north = engine.bounds
    assert (west, south) == place(0, 0)
    assert (east, north) == place(9, 4)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_has_zooms_in_every_scheme_and_something_is_drawn(
    engine: Engine, scheme: str, layer: str
) -> None:
    lowest, deepest = engine.zooms(layer, scheme)
    assert lowest <= deepest <= SCHEMES[scheme].deepest
    assert max(LAYERS[layer].lowest, SCHEMES[scheme].lowest) == lowest
    for zoom in range(max(lowest, 12), deepest + 1):
        found = around(engine, layer, scheme, zoom)
        assert bool(found) == (layer not in ("resource", "label") or (layer == "label" and bool(found)))
        for feature in found:
            assert set(feature["properties"]) == set(LAYERS[layer].fields)  # type: ignore[call-overload]


def test_areas_say_what_they_are(engine: Engine) -> None:
    found = {each["properties"]["code"]: each for each in around(engine, "grid", "xyz", 15)}  # type: ignore[index]
    mine = found["500999001002001"]
    assert mine["properties"] == {"code": "500999001002001", "name": "南门社区第1网格", "kind": "basic"}
    assert mine["id"] == 1 + 2 + 3 + 4  # district, towns, communities, and it is the fourth grid


def test_layers_of_a_tile_come_in_the_order_asked_for(engine: Engine) -> None:
    tile = SCHEMES["xyz"].tile_at(*SPOT, 14)
    both = engine.tile(["grid", "district"], "xyz", *tile)
    assert both == engine.tile(["grid"], "xyz", *tile) + engine.tile(["district"], "xyz", *tile)
    assert list(decoded(both)) == ["grid", "district"]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("zoom", [10, 13, 16, 18])
def test_a_place_is_in_its_grid_in_every_scheme(engine: Engine, scheme: str, zoom: int) -> None:
    known = SCHEMES[scheme]
    tile = known.tile_at(*SPOT, zoom)
    column, row = known.square(tile)
    (x,), (y,) = known.plane.project([SPOT[0]], [SPOT[1]])
    point = shapely.Point((x * 2**zoom - column) * 4096, (y * 2**zoom - row) * 4096)
    holding = [
        feature["properties"]["code"]  # type: ignore[index]
        for feature in around(engine, "grid", scheme, zoom)
        if feature["shape"].buffer(1).contains(point)  # type: ignore[attr-defined]
    ]
    assert holding == ["500999001002001"]


def test_tiles_beyond_the_deepest_rung_are_the_deepest_rung_enlarged(engine: Engine) -> None:
    tile = SCHEMES["xyz"].tile_at(*SPOT, 16)
    coarse = {each["id"]: each["shape"] for each in decoded(engine.tile(["grid"], "xyz", *tile))["grid"]}
    deep = SCHEMES["xyz"].tile_at(*SPOT, 18)
    corner = 4096 * (deep.x - 4 * tile.x), 4096 * (deep.y - 4 * tile.y)
    fine = decoded(engine.tile(["grid"], "xyz", *deep))["grid"]
    for feature in fine:
        enlarged = shapely.transform(coarse[feature["id"]], lambda xy: xy * 4 - corner)
        cut = enlarged & shapely.box(-64, -64, 4160, 4160)
        assert shapely.area(shapely.symmetric_difference(feature["shape"], cut)) <= 0.5 * cut.length + 1


def test_a_building_stands_where_it_is_as_large_as_it_is(engine: Engine) -> None:
    (building,) = around(engine, "building", "xyz", 17)
    assert building["properties"] == {"code": "B0", "name": "楼0", "kind": "shop", "height": 15}
    assert building["id"] == 1
    unit = 40_075_017 * np.cos(np.radians(SPOT[1])) / (4096 * 2**17)
    assert building["shape"].area * unit**2 == pytest.approx(12 * 8, rel=0.05)  # type: ignore[attr-defined]


def test_points_are_in_every_tile_whose_square_or_buffer_they_touch(engine: Engine) -> None:
    (device,) = around(engine, "device", "gcj02", 16)
    assert device["properties"] == {"code": "B0", "kind": "camera"}
    scheme = SCHEMES["gcj02"]
    tile = scheme.tile_at(*SPOT, 16)
    shape = device["shape"]
    assert 0 <= shape.x < 4096  # type: ignore[attr-defined]
    assert decoded(engine.tile(["device"], "gcj02", 16, tile.x + 2, tile.y)) == {}


def test_every_area_has_one_label_inside_it_that_stays(engine: Engine) -> None:
    seen: dict[str, set[tuple[float, float]]] = {}
    for zoom in (13, 16):
        for x in range(-1, 3):
            for y in range(-3, 2):
                tile = SCHEMES["xyz"].tile_at(*SPOT, zoom)
                column, row = tile.x + x, tile.y + y
                for each in decoded(engine.tile(["label"], "xyz", zoom, column, row)).get("label", []):
                    px, py = column + each["shape"].x / 4096, row + each["shape"].y / 4096
                    lon, lat = SCHEMES["xyz"].plane.unproject([px / 2**zoom], [py / 2**zoom])
                    where = round(float(lon[0]), 4), round(float(lat[0]), 4)
                    seen.setdefault(each["properties"]["code"], set()).add(where)
    assert len(seen) >= 9
    for code, places in seen.items():
        near = {(round(x, 3), round(y, 3)) for x, y in places}
        assert len(near) <= 2, code  # rounding may fall on both sides
    partition = toytown()
    for depth in range(4):
        assert shapely.contains_properly(
            partition.polygons_at(depth), shapely.point_on_surface(partition.polygons_at(depth))
        ).all()


def test_two_builds_are_the_same_byte_for_byte(engine: Engine) -> None:
    other = toy_engine()
    assert other.token == engine.token
    for scheme in SCHEMES:
        for layer in engine.layers:
            for zoom in (12, 16):
                tile = SCHEMES[scheme].tile_at(*SPOT, zoom)
                assert engine.tile([layer], scheme, *tile) == other.tile([layer], scheme, *tile)


def test_another_input_gives_another_token(engine: Engine) -> None:
    assert Engine(subject(toytown(), scenery([SPOT]))).token != engine.token
    assert Engine(subject(toytown(), scenery([SPOT, place(7, 3)]), number=8)).token.startswith("8-")


def test_a_ladder_is_kept_and_mapped_the_next_time(tmp_path: Path, engine: Engine) -> None:
    first = toy_engine(tmp_path)
    first.prepare("xyz")
    (kept,) = tmp_path.glob("ladder-*")
    before = kept.stat().st_mtime_ns
    second = toy_engine(tmp_path)
    tile = SCHEMES["xyz"].tile_at(*SPOT, 14)
    assert second.tile(["grid"], "xyz", *tile) == engine.tile(["grid"], "xyz", *tile)
    assert kept.stat().st_mtime_ns == before


def test_a_damaged_ladder_is_built_anew(tmp_path: Path, engine: Engine) -> None:
    toy_engine(tmp_path).prepare("xyz")
    (kept,) = tmp_path.glob("ladder-*")
    kept.write_bytes(kept.read_bytes()[:2000])
    tile = SCHEMES["xyz"].tile_at(*SPOT, 14)
    assert toy_engine(tmp_path).tile(["grid"], "xyz", *tile) == engine.tile(["grid"], "xyz", *tile)
    assert kept.stat().st_size > 2000


def test_a_layer_that_would_be_too_large_begins_deeper() -> None:
    shapes = mesh(100, step=2_000)
    codes = [f"{i:06}" for i in range(len(shapes))]
    names = [f"a grid with a name that is rather long, number {i}" for i in range(len(shapes))]
    table = level_table("grid", codes, names, ["basic"] * len(codes), [None] * len(codes))
    dense = Engine(subject(partition_of([table], {"grid": shapes})))
    lowest, _ = dense.zooms("grid", "xyz")
    assert lowest > LAYERS["grid"].lowest
    middle = (dense.bounds[0] + dense.bounds[2]) / 2, (dense.bounds[1] + dense.bounds[3]) / 2
    for zoom, small in ((lowest, True), (lowest - 1, False)):
        tile = SCHEMES["xyz"].tile_at(*middle, zoom)
        sizes = [
            len(dense.tile(["grid"], "xyz", zoom, tile.x + x, tile.y + y))
            for x in (-1, 0, 1)
            for y in (-1, 0, 1)
        ]
        assert (max(sizes) <= BUDGET) == small
        found = {
            feature["id"]
            for x in (-1, 0, 1)
            for y in (-1, 0, 1)
            for feature in decoded(dense.tile(["grid"], "xyz", zoom, tile.x + x, tile.y + y)).get("grid", [])
        }
        assert len(found) == len(shapes)  # nothing is left out to make it smaller


def test_a_city_of_grids_alone_has_tiles_too() -> None:
    table = level_table("grid", ["a", "b"], ["a", "b"], ["basic"] * 2, [None] * 2)
    shapes = np.array(
        [
            shapely.box(1_060_000_000, 290_000_000, 1_060_100_000, 290_100_000),
            shapely.box(1_060_100_000, 290_000_000, 1_060_200_000, 290_100_000),
        ],
        dtype=object,
    )
    alone = Engine(subject(partition_of([table], {"grid": shapes})))
    assert alone.layers == ("grid", "label", "building", "household", "device", "resource")
    tile = SCHEMES["xyz"].tile_at(106.01, 29.005, 14)
    assert len(shapes_in(alone.tile(["grid"], "xyz", *tile), "grid")) == 2
    with pytest.raises(NotFoundError, match="no layer 'town'"):
        alone.zooms("town", "xyz")


def test_boxes_hold_their_features(engine: Engine) -> None:
    for layer in ("grid", "building", "device", "label"):
        boxes = engine.boxes(layer, "xyz")
        assert boxes.shape[1] == 4
        assert len(boxes) >= 2
        assert (boxes[:, 0] <= boxes[:, 2]).all()
        assert (boxes[:, 1] <= boxes[:, 3]).all()
