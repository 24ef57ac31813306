"""Areas in every format, with every way to say which column holds what, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas
import numpy as np
import pytest
import shapely
from planted import Planter, hole_without_filler, no_shape, overlap, stray_part
from random_city import random_city
from town import toytown

from gridmap.boundaries.areas import AreaFile, read_areas, write_areas
from gridmap.boundaries.rows import Columns
from gridmap.coverage.canonical import checksum, to_bytes
from gridmap.coverage.partition import LevelTable, level_table, partition_of
from gridmap.coverage.proof import examine
from gridmap.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = (".parquet", ".gpkg", ".geojson", ".fgb", ".shp", ".topojson")


@pytest.fixture(scope="module")
def sum_of_toytown() -> str:
    return checksum(to_bytes(toytown()))


def back(path: Path) -> AreaFile:
    """What a file says; TopoJSON cannot state its datum."""
    return read_areas(path, datum="EPSG:4490" if path.suffix == ".topojson" else None)


def frame_of(tmp_path: Path) -> Any:
    write_areas(toytown(), tmp_path / "all.parquet")
    return geopandas.read_parquet(tmp_path / "all.parquet")


@pytest.mark.parametrize("suffix", FORMATS)
def test_out_and_in_again_is_the_same_edition(tmp_path: Path, suffix: str, sum_of_toytown: str) -> None:
    path = tmp_path / f"town{suffix}"
    assert write_areas(toytown(), path, synthetic=True) == 15
    areas = back(path)
    assert checksum(to_bytes(areas.partition())) == sum_of_toytown
    assert areas.synthetic
    assert not areas.outline_known
    assert not [left for left in tmp_path.iterdir() if left.name.startswith(".")]


@pytest.mark.parametrize("suffix", FORMATS)
def test_one_level_alone(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"grids{suffix}"
    assert write_areas(toytown(), path, level="grid") == 9
    assert back(path).partition().counts == {"grid": 9}


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("planter", [overlap, hole_without_filler, no_shape, stray_part])
def test_an_unproven_city_comes_back_as_it_was(tmp_path: Path, suffix: str, planter: Planter) -> None:
    """Outlines that its grids make do not come back as evidence: not of an overlap, not of a lake."""
    city = random_city(1002, size=300)
    plant = planter(city, np.random.default_rng(2), False)
    assert plant is not None
    partition = replace(plant.areas, tables=tuple(map(with_kinds, plant.areas.tables))).partition()
    write_areas(partition, tmp_path / f"city{suffix}")
    again = back(tmp_path / f"city{suffix}").partition()
    assert to_bytes(again) == to_bytes(partition)
    assert examine(again).findings == examine(partition).findings != ()


def with_kinds(table: LevelTable) -> LevelTable:
    """A shapefile knows no empty text: it comes back as nothing, and nothing becomes what the code says."""
    return replace(table, kinds=("basic",) * len(table))


def test_a_file_per_level(tmp_path: Path, sum_of_toytown: str) -> None:
    frame = frame_of(tmp_path).rename(columns={"code": "c", "name": "n", "parent": "p"})
    files = []
    for level in ("grid", "district", "community", "town"):  # in any order
        files.append(tmp_path / f"{level}.gpkg")
        frame[frame["level"] == level].drop(columns="level").to_file(files[-1], layer="x")
    columns = Columns(("c",), ("n",), ("p",), ("grid", "district", "community", "town"))
    assert checksum(to_bytes(read_areas(files, columns).partition())) == sum_of_toytown


def test_nested_codes(tmp_path: Path) -> None:
    frame = frame_of(tmp_path)
    grids = frame[frame["level"] == "grid"][["code", "geometry"]]
    grids = grids.assign(town=grids["code"].str[:9], community=grids["code"].str[:12])
    grids.to_file(tmp_path / "grids.fgb")
    columns = Columns(("town", "community", "code"), levels=("town", "community", "grid"))
    partition = read_areas(tmp_path / "grids.fgb", columns).partition()
    assert partition.counts == {"town": 2, "community": 3, "grid": 9}
    assert examine(partition).proven
    assert partition.levels[1].parents == ("500999001", "500999001", "500999100")


def test_a_single_file_with_parents_makes_the_level_above(tmp_path: Path) -> None:
    frame = frame_of(tmp_path)
    grids = frame[frame["level"] == "grid"].rename(columns={"code": "id", "parent": "quarter"})
    grids[["id", "quarter", "geometry"]].to_file(tmp_path / "grids.gpkg")
    areas = read_areas(tmp_path / "grids.gpkg", Columns(("id",), parents=("quarter",), levels=("cell",)))
    assert [(table.level, len(table)) for table in areas.tables] == [("quarter", 3), ("cell", 9)]


def test_topojson_needs_a_datum(tmp_path: Path) -> None:
    ring = [[106.5, 29.5], [106.6, 29.5], [106.6, 29.6], [106.5, 29.5]]
    shape = {"type": "Polygon", "arcs": [[0]], "properties": {"code": "a"}}
    body = {
        "type": "Topology",
        "objects": {"x": {"type": "GeometryCollection", "geometries": [shape]}},
        "arcs": [ring],
    }
    path = tmp_path / "a.topojson"
    path.write_text(json.dumps(body))
    with pytest.raises(InputError, match="name it with --crs"):
        read_areas(path, Columns(("code",)))
    assert read_areas(path, Columns(("code",)), "wgs84").partition().counts == {"a": 1}


def test_a_web_map_datum_is_the_callers_word(tmp_path: Path) -> None:
    path = tmp_path / "grids.geojson"
    write_areas(toytown(), path)
    moved = read_areas(path, datum="gcj02").partition()
    shift = moved.coverage.xs[0] - toytown().coverage.xs[0]
    assert -70_000 < shift < -20_000  # some 400 m to the west in Chongqing


def test_two_datums_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "all.gpkg"
    write_areas(toytown(), path)
    with pytest.raises(InputError, match="but --crs says EPSG:4523"):
        read_areas(path, datum="EPSG:4523")
    assert read_areas(path, datum="EPSG:4490").partition().counts["grid"] == 9


def test_levels_are_noded_before_they_are_transformed(tmp_path: Path) -> None:
    """The big square's side is straight in metres; in degrees it would miss the corner of the small ones."""
    whole = shapely.box(500_000, 3_200_000, 510_000, 3_210_000)
    left, right = (shapely.box(500_000 + x, 3_200_000, 505_000 + x, 3_210_000) for x in (0, 5_000))
    for name, shapes in {"big": [whole], "small": [left, right]}.items():
        data = {"id": [f"{name}{i}" for i in range(len(shapes))], "up": "big0" if name == "small" else None}
        geopandas.GeoDataFrame(data, geometry=shapes, crs="EPSG:4544").to_file(tmp_path / f"{name}.gpkg")
    files = [tmp_path / "big.gpkg", tmp_path / "small.gpkg"]
    partition = read_areas(files, Columns(("id",), parents=("-", "up"))).partition()
    assert not partition.given
    assert examine(partition).proven


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (Columns(("nothing",)), "has no column 'nothing'"),
        (Columns(("code",), names=("nothing",)), "has no column 'nothing'"),
    ],
)
def test_columns_that_are_not_there(tmp_path: Path, columns: Columns, said: str) -> None:
    write_areas(toytown(), tmp_path / "all.gpkg")
    with pytest.raises(InputError, match=said):
        read_areas(tmp_path / "all.gpkg", columns)


def test_several_layers_and_curves_are_refused(tmp_path: Path) -> None:
    frame = frame_of(tmp_path)
    for layer in ("one", "two"):
        frame.to_file(tmp_path / "two.gpkg", layer=layer)
    with pytest.raises(InputError, match=r"2 layers with shapes \(one, two\)"):
        read_areas(tmp_path / "two.gpkg")


def test_an_unknown_suffix_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_areas(toytown(), tmp_path / "town.dxf")
    assert list(tmp_path.iterdir()) == []


def test_a_corner_beside_a_round_number_stays_beside_it(tmp_path: Path) -> None:
    """GDAL's writer takes 106.5000002 for a slip of 106.5; a lattice point would move."""
    square = shapely.Polygon(
        [(1_065_000_002, 295_000_000), (1_065_900_000, 295_000_001), (1_065_000_000, 295_900_000)]
    )
    partition = partition_of([level_table("grid", ["a"], ["a"], [""], [None])], {"grid": np.array([square])})
    for suffix in FORMATS:
        write_areas(partition, tmp_path / f"a{suffix}")
        assert to_bytes(back(tmp_path / f"a{suffix}").partition()) == to_bytes(partition)


def test_shapes_keep_every_lattice_point(tmp_path: Path) -> None:
    write_areas(toytown(), tmp_path / "town.geojson")
    shapes = geopandas.read_file(tmp_path / "town.geojson").geometry.array
    xy = shapely.get_coordinates(np.asarray(shapes, dtype=object)) * 1e7
    assert np.abs(xy - np.rint(xy)).max() < 1e-5


@pytest.mark.parametrize("code", ["a ", " a", "a\n", "a/b", "a\u200bb"])
def test_codes_that_nobody_could_ask_for_are_refused(tmp_path: Path, code: str) -> None:
    frame = frame_of(tmp_path)
    frame.loc[4, "code"] = code
    frame.to_parquet(tmp_path / "odd.parquet")
    with pytest.raises(InputError, match=r"row 4 \(counted from 0\) has the code"):
        read_areas(tmp_path / "odd.parquet")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_areas(toytown(), tmp_path / "nowhere" / "a.parquet")
