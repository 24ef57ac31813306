"""解放碑 lies in the same grid in the tiles of every scheme, at the addresses that map services publish."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import shapely
from tile_oracle import EXTENT, decode

from gridmap.twin import Twin
from tiles.address import SCHEMES, Tile
from tiles.gallery import open_engine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tile_oracle import Feature

    from tiles.engine import Engine

LIBERATION_MONUMENT = (106.5770, 29.5590)
"""解放碑 in WGS84 degrees."""

PUBLISHED = {
    "xyz": Tile(16, 52169, 27131),  # also Tianditu `w`
    "gcj02": Tile(16, 52170, 27131),  # AMap
    "gcj02-tms": Tile(16, 52170, 2**16 - 1 - 27131),  # Tencent
    "bd09": Tile(16, 11587, 3345),  # Baidu
    "tianditu-c": Tile(16, 52169, 11002),
}


@pytest.fixture(name="engine", scope="module")
def _engine(yuzhong: Path) -> Engine:
    return open_engine(yuzhong)


@pytest.fixture(name="codes", scope="module")
def _codes(yuzhong: Path) -> Iterator[dict[str, str]]:
    """The areas that the lookup says the monument is in, by level."""
    twin = Twin.open(yuzhong)
    city = twin.current
    grid = city.locate(*LIBERATION_MONUMENT, "wgs84")
    assert grid is not None
    yield {area.level: area.code for area in city.chain(grid)}
    twin.close()


@pytest.mark.parametrize("name", list(SCHEMES))
def test_the_monument_has_the_published_address(name: str) -> None:
    assert SCHEMES[name].tile_at(*LIBERATION_MONUMENT, 16) == PUBLISHED[name]


@pytest.mark.parametrize("name", list(SCHEMES))
def test_the_monument_is_in_its_grid_on_every_map(engine: Engine, codes: dict[str, str], name: str) -> None:
    found = decode(engine.tile(list(codes), name, *PUBLISHED[name]))
    for level, code in codes.items():
        assert holders(found[level], pixel_of(name)) == [code]


@pytest.mark.parametrize("name", list(SCHEMES))
def test_it_is_so_at_the_deepest_zoom_too(engine: Engine, codes: dict[str, str], name: str) -> None:
    _, deepest = engine.zooms("grid", name)
    tile = SCHEMES[name].tile_at(*LIBERATION_MONUMENT, deepest)
    grids = decode(engine.tile(["grid"], name, *tile))["grid"]
    assert holders(grids, pixel_of(name, deepest)) == [codes["grid"]]


def test_a_map_of_another_datum_would_show_another_grid(engine: Engine, codes: dict[str, str]) -> None:
    """What the schemes are for: WGS84 degrees on AMap's tiles point 400 metres away."""
    grids = decode(engine.tile(["grid"], "gcj02", *PUBLISHED["xyz"]))["grid"]
    wrong = holders(grids, pixel_of("xyz"))
    assert len(wrong) == 1
    assert wrong != [codes["grid"]]


def holders(features: Sequence[Feature], pixel: shapely.Point) -> list[str]:
    """The codes of those that a place of the tile lies in."""
    return [each.properties["code"] for each in features if shapely.covers(each.shape, pixel)]


def pixel_of(name: str, zoom: int = 16) -> shapely.Point:
    """Where the monument is in the tile that it lies in, in units of the tile."""
    scheme = SCHEMES[name]
    lon, lat = LIBERATION_MONUMENT
    (x,), (y,) = scheme.plane.project([lon], [lat])
    column, row = scheme.square(scheme.tile_at(lon, lat, zoom))
    return shapely.Point((x * 2**zoom - column) * EXTENT, (y * 2**zoom - row) * EXTENT)
