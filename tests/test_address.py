"""Tile addresses: known places at known addresses, rows turned and turned back, edges of the maps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridmap.errors import InputError
from tiles.address import SCHEMES, Tile

LANDMARK = 106.5770, 29.5590
"""解放碑."""

# Tianditu's as published for it; the others follow from the published shifts and the textbook's formulas.
ADDRESSES = {
    "xyz": (16, 52169, 27131),
    "gcj02": (16, 52170, 27131),
    "gcj02-tms": (16, 52170, 65535 - 27131),
    "bd09": (16, 11587, 3345),
    "tianditu-c": (16, 52169, 11002),
}


def test_the_schemes_are_told_in_this_order() -> None:
    assert list(SCHEMES) == ["xyz", "gcj02", "gcj02-tms", "bd09", "tianditu-c"]
    assert {name: (each.lowest, each.deepest) for name, each in SCHEMES.items()} == {
        "xyz": (0, 22),
        "gcj02": (0, 22),
        "gcj02-tms": (0, 22),
        "bd09": (3, 21),
        "tianditu-c": (1, 18),
    }


@pytest.mark.parametrize(("name", "address"), ADDRESSES.items())
def test_a_landmark_in_every_scheme(name: str, address: tuple[int, int, int]) -> None:
    assert SCHEMES[name].tile_at(*LANDMARK, 16) == address


def test_tiananmen_in_baidus_tiles() -> None:
    """116.404, 39.915 in BD-09, by a public tile library: tile 50617, 18851 at level 18, 3, 1 at level 4."""
    from gridmap import crs

    (lon,), (lat,) = crs.to_lonlat([116.404], [39.915], "bd09")
    assert SCHEMES["bd09"].tile_at(lon, lat, 4) == (4, 3, 1)
    assert SCHEMES["bd09"].tile_at(lon, lat, 18) == (18, 50617, 18851)


def test_baidu_counts_from_the_middle_of_the_world() -> None:
    scheme = SCHEMES["bd09"]
    # BD-09 has an offset of 0.0065, 0.006 degrees everywhere: these are far enough from its 0, 0.
    corners = {place: scheme.tile_at(*place, 3) for place in itertools.product((-1.0, 1.0), (-1.0, 1.0))}
    assert corners == {(-1, -1): (3, -1, -1), (-1, 1): (3, -1, 0), (1, -1): (3, 0, -1), (1, 1): (3, 0, 0)}
    assert scheme.square(Tile(3, 0, 0)) == (0, -1)
    assert scheme.holds(Tile(3, -3, -2))
    assert scheme.holds(Tile(3, 2, 1))
    assert not scheme.holds(Tile(3, 3, 0))
    assert not scheme.holds(Tile(3, 0, 2))


@given(st.sampled_from(list(SCHEMES)), st.integers(0, 22), st.integers(-9, 2**22), st.integers(-9, 2**22))
def test_squares_and_addresses_are_each_others_inverse(name: str, z: int, x: int, y: int) -> None:
    scheme = SCHEMES[name]
    assert scheme.tile(z, *scheme.square(Tile(z, x, y))) == (z, x, y)


@given(
    st.sampled_from(list(SCHEMES)), st.integers(3, 18), st.floats(73, 136), st.floats(2, 54), st.floats(0, 2)
)
def test_a_place_is_in_its_tile_and_the_tile_in_its_box(
    name: str, z: int, lon: float, lat: float, margin: float
) -> None:
    scheme = SCHEMES[name]
    tile = scheme.tile_at(lon, lat, z)
    assert scheme.holds(tile)
    (x,), (y,) = scheme.plane.project([lon], [lat])
    column, row = scheme.square(tile)
    assert 0 <= x * 2**z - column < 1
    assert 0 <= y * 2**z - row < 1
    west, south, east, north = scheme.box(tile)
    assert west <= lon <= east
    assert south <= lat <= north
    wide = scheme.box(tile, margin)
    assert wide[0] <= west
    assert wide[1] <= south
    assert wide[2] >= east
    assert wide[3] >= north


@pytest.mark.parametrize("name", SCHEMES)
def test_all_squares_of_a_zoom_are_addresses_and_no_others(name: str) -> None:
    scheme = SCHEMES[name]
    columns, rows = scheme.squares(4)
    all_tiles = {scheme.tile(4, column, row) for column in columns for row in rows}
    around = range(-40, 41)
    assert {tile for x in around for y in around if scheme.holds(tile := Tile(4, x, y))} == all_tiles
    assert len(all_tiles) == {"bd09": 10 * 6, "tianditu-c": 16 * 8}.get(name, 256)


@pytest.mark.parametrize("name", SCHEMES)
def test_zooms_without_addresses(name: str) -> None:
    scheme = SCHEMES[name]
    for z in (scheme.lowest - 1, scheme.deepest + 1):
        assert not scheme.holds(Tile(z, 0, 0))
        with pytest.raises(InputError, match=f"{scheme.lowest} to {scheme.deepest}"):
            scheme.tile_at(*LANDMARK, z)


def test_the_edges_of_the_world() -> None:
    xyz, c = SCHEMES["xyz"], SCHEMES["tianditu-c"]
    assert xyz.tile_at(-180, 85, 2) == (2, 0, 0)
    assert xyz.tile_at(180, -85, 2) == (2, 3, 3)
    assert c.tile_at(-180, 90, 2) == (2, 0, 0)
    assert c.tile_at(180, -90, 2) == (2, 3, 1)
    for lat in (85.06, -85.06):
        with pytest.raises(InputError, match="beyond the edge"):
            xyz.tile_at(0, lat, 5)


def test_neighbours_share_a_border_and_no_place() -> None:
    """The border between two tiles of Mercator belongs to the eastern and the southern one."""
    xyz = SCHEMES["xyz"]
    assert xyz.tile_at(0, 0, 1) == (1, 1, 1)
    (before,), _ = xyz.plane.unproject([np.nextafter(0.5, 0)], [0.5])
    assert xyz.tile_at(min(before, -1e-13), 0, 1) == (1, 0, 1)
