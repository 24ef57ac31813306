"""Files of areas: in and out again is the same; what cannot be used is refused with file, row and remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
from random_city import random_city
from town import DISTRICT, ENCLAVE, toytown, write

from gridmap.boundaries.areas import read_areas, write_areas
from gridmap.boundaries.rows import AREA_COLUMNS
from gridmap.coverage.canonical import checksum, to_bytes
from gridmap.coverage.proof import examine
from gridmap.errors import InputError

TOYTOWN = Path(__file__).parent.parent / "data" / "toytown" / "toytown.geojson"


@pytest.fixture
def frame(tmp_path: Path) -> Any:
    """Toytown as a table of areas, as anybody may have it."""
    write_areas(toytown(), tmp_path / "toytown.parquet")
    return geopandas.read_parquet(tmp_path / "toytown.parquet")


def saved(frame: Any, path: Path) -> Path:
    if path.suffix == ".geojson":
        frame.to_file(path, driver="GeoJSON")
    else:
        frame.to_parquet(path)
    return path


def refused(path: Path) -> str:
    """The message with which a file is refused; it must name the file."""
    with pytest.raises(InputError) as caught:
        read_areas(path)
    message = str(caught.value)
    assert str(path) in message
    return message.removeprefix(f"{path}: ")


def sum_of(path: Path) -> str:
    return checksum(to_bytes(read_areas(path).partition()))


# The way through


def test_out_and_in_again_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    assert write_areas(toytown(), path, notes=["a note"], synthetic=True) == 15
    areas = read_areas(path)
    assert (areas.synthetic, areas.notes, areas.outline_known) == (True, ("a note",), False)
    assert checksum(to_bytes(areas.partition())) == checksum(to_bytes(toytown()))
    assert areas.broken() == []
    assert not areas.partition().given
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.parquet"]


@pytest.mark.parametrize("seed", range(15))
def test_cities_out_and_in_again(tmp_path: Path, seed: int) -> None:
    city = random_city(seed).partition(given=True)
    write_areas(city, tmp_path / "city.parquet")
    areas = read_areas(tmp_path / "city.parquet")
    assert areas.outline_known
    assert to_bytes(areas.partition()) == to_bytes(city)
    assert examine(areas.partition()).proven


def test_the_file_has_one_row_for_each_area_sorted_by_code(frame: Any) -> None:
    assert tuple(frame.columns) == AREA_COLUMNS
    assert list(frame["code"]) == sorted(frame["code"])
    assert frame.crs.to_authority() == ("OGC", "CRS84")
    assert frame["level"].value_counts().to_dict() == toytown().counts
    assert frame["parent"].isna().tolist() == [code in DISTRICT for code in frame["code"]]


def test_toytown_in_data_is_toytown(tmp_path: Path) -> None:
    assert sum_of(TOYTOWN) == checksum(to_bytes(toytown()))
    write(tmp_path / "again.geojson")
    assert (tmp_path / "again.geojson").read_bytes() == TOYTOWN.read_bytes()


@pytest.mark.parametrize("suffix", [".parquet", ".geoparquet", ".geojson"])
def test_row_order_and_format_do_not_matter(tmp_path: Path, frame: Any, suffix: str) -> None:
    mixed = frame.sample(frac=1, random_state=1)
    assert sum_of(saved(mixed, tmp_path / f"mixed{suffix}")) == checksum(to_bytes(toytown()))


@pytest.mark.parametrize(
    "crs", ["EPSG:4326", "EPSG:4490", "OGC:CRS84", "EPSG:4544", "EPSG:4523", "EPSG:32648", "EPSG:3857"]
)
def test_every_datum_gives_the_same_lattice_points(tmp_path: Path, frame: Any, crs: str) -> None:
    known = crs.startswith("OGC") or crs in {"EPSG:4326", "EPSG:4490"}
    other = frame.set_crs(crs, allow_override=True) if known else frame.to_crs(crs)
    assert sum_of(saved(other, tmp_path / "other.parquet")) == checksum(to_bytes(toytown()))


def test_outlines_given_and_different_survive(tmp_path: Path, frame: Any) -> None:
    frame.loc[0, "geometry"] = shapely.box(106.4, 29.4, 106.6, 29.6)
    first = read_areas(saved(frame, tmp_path / "a.parquet")).partition()
    assert list(first.given) == ["district"]
    write_areas(first, tmp_path / "b.parquet")
    assert sum_of(tmp_path / "b.parquet") == checksum(to_bytes(first))
    assert not examine(first).proven


def test_an_unproven_city_does_not_become_proven_on_its_way_through_a_file(tmp_path: Path) -> None:
    """Its gap is a hole of the outlines that are made from its grids; that must not make it a lake."""
    town = toytown()
    frame = geopandas.read_file(TOYTOWN)
    holed = frame[(frame["level"] != "grid") | (frame["code"] != "500999001001901")].copy()
    holed.loc[holed["level"] != "grid", "geometry"] = None
    bare = read_areas(saved(holed, tmp_path / "bare.parquet"))
    assert [f.rule for f in examine(bare.partition()).findings] == ["hole_without_filler"]
    write_areas(bare.partition(), tmp_path / "out.parquet")
    again = read_areas(tmp_path / "out.parquet")
    assert [f.rule for f in examine(again.partition()).findings] == ["hole_without_filler"]
    assert town.counts["grid"] == again.partition().counts["grid"] + 1


def test_shapes_of_parents_are_not_needed(tmp_path: Path, frame: Any) -> None:
    frame.loc[frame["level"] != "grid", "geometry"] = None
    areas = read_areas(saved(frame, tmp_path / "grids.parquet"))
    assert list(areas.polygons) == ["grid"]
    assert to_bytes(areas.partition()) == to_bytes(toytown())
    assert not areas.partition().outline_known


def test_missing_names_and_kinds_are_filled_in(tmp_path: Path, frame: Any) -> None:
    frame.loc[frame["code"] == "500999001001901", "name"] = None
    areas = read_areas(saved(frame.drop(columns="kind"), tmp_path / "few.parquet"))
    grid = areas.partition().finest.area(2)
    assert (grid.code, grid.name, grid.kind) == ("500999001001901", "500999001001901", "exclusive")


def test_a_grid_without_a_shape_keeps_its_row(tmp_path: Path, frame: Any) -> None:
    frame.loc[frame["code"] == "500999001001901", "geometry"] = None
    frame.loc[frame["code"] == "500999100200901", "geometry"] = shapely.Polygon()
    partition = read_areas(saved(frame, tmp_path / "null.parquet")).partition()
    rules = sorted((f.rule, f.codes[0]) for f in examine(partition).findings if f.rule == "no_shape")
    assert rules == [("no_shape", "500999001001901"), ("no_shape", "500999100200901")]


def test_own_level_names_are_put_in_order_by_the_parents(tmp_path: Path, frame: Any) -> None:
    other = {"district": "Kreis", "town": "Gemeinde", "community": "Ortsteil", "grid": "Raster"}
    frame["level"] = frame["level"].map(other)
    frame.loc[5, "parent"] = "500999001"  # one wrong parent turns no order round
    areas = read_areas(saved(frame.sample(frac=1, random_state=2), tmp_path / "own.parquet"))
    assert [table.level for table in areas.tables] == list(other.values())


def test_a_single_level_needs_no_parents(tmp_path: Path, frame: Any) -> None:
    grids = frame[frame["level"] == "grid"].drop(columns=["parent", "kind", "name"])
    partition = read_areas(saved(grids, tmp_path / "grids.parquet")).partition()
    assert partition.counts == {"grid": 9}


def test_broken_polygons_are_named_and_read_by_the_even_odd_rule(tmp_path: Path, frame: Any) -> None:
    row = frame.index[frame["code"] == "500999100200001"][0]
    shell = list(frame.geometry[row].exterior.coords)
    hole = [(106.5 + x / 1000, 29.5 + y / 1000) for x, y in ENCLAVE]
    frame.loc[row, "geometry"] = shapely.MultiPolygon([shapely.Polygon(shell), shapely.Polygon(hole)])
    areas = read_areas(saved(frame, tmp_path / "nested.parquet"))
    (finding,) = areas.broken()
    assert (finding.rule, finding.codes) == ("invalid_polygon", ("500999100200001",))
    assert examine(areas.partition()).proven  # inside twice is outside: the enclave's hole


# What is refused


def test_no_such_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.parquet").startswith("there is no such file")
    assert refused(tmp_path).startswith("there is no such file")


@pytest.mark.parametrize(
    ("name", "body"), [("a.parquet", b""), ("a.geojson", b""), ("a.geojson", b"{}"), ("a.parquet", b"PAR1x")]
)
def test_no_such_format(tmp_path: Path, name: str, body: bytes) -> None:
    (tmp_path / name).write_bytes(body)
    assert refused(tmp_path / name).startswith("cannot be read as")


def test_other_suffixes(tmp_path: Path) -> None:
    (tmp_path / "a.dwg").write_bytes(b"x")
    assert "convert it to one of GeoParquet (.parquet), GeoJSON" in refused(tmp_path / "a.dwg")
    (tmp_path / "a.shp").write_bytes(b"x")
    assert refused(tmp_path / "a.shp").startswith("cannot be read as shp")


@pytest.mark.parametrize("suffix", [".parquet", ".geojson"])
def test_truncated_files(tmp_path: Path, frame: Any, suffix: str) -> None:
    path = saved(frame, tmp_path / f"cut{suffix}")
    path.write_bytes(path.read_bytes()[:-700])
    assert refused(path).startswith("cannot be read as")


def test_a_table_without_geometry(tmp_path: Path, frame: Any) -> None:
    frame.drop(columns="geometry").to_parquet(tmp_path / "plain.parquet")
    assert refused(tmp_path / "plain.parquet").startswith("cannot be read as parquet")


def test_empty_files(tmp_path: Path, frame: Any) -> None:
    assert refused(saved(frame[:0], tmp_path / "empty.parquet")) == "has no rows: there is nothing to load"
    (tmp_path / "empty.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    assert refused(tmp_path / "empty.geojson") == "has no rows: there is nothing to load"


@pytest.mark.parametrize("column", ["code", "level", "parent"])
def test_missing_columns(tmp_path: Path, frame: Any, column: str) -> None:
    said = refused(saved(frame.drop(columns=column), tmp_path / "less.parquet"))
    assert said.startswith("has no column")
    assert column in said
    assert "it has " in said


def test_no_datum(tmp_path: Path, frame: Any) -> None:
    said = refused(saved(frame.set_crs(None, allow_override=True), tmp_path / "bare.parquet"))
    assert said.startswith("states no datum; name it with --crs")


def test_a_datum_without_a_number(tmp_path: Path, frame: Any) -> None:
    own = frame.to_crs("+proj=laea +lat_0=29.5 +lon_0=106.5")
    assert "has no EPSG number; reproject it" in refused(saved(own, tmp_path / "own.parquet"))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (shapely.Point(106.5, 29.5), "row 3 (counted from 0) is a Point; areas are polygons"),
        (shapely.LineString([(106, 29), (107, 29)]), "row 3 (counted from 0) is a LineString"),
        (shapely.GeometryCollection([shapely.box(0, 0, 1, 1)]), "row 3 (counted from 0) is a GeometryC"),
        (shapely.force_3d(shapely.box(106, 29, 107, 30), 7), "row 3 (counted from 0) is a Polygon with"),
        (shapely.box(29, 106, 30, 107), "row 3 (counted from 0), corner"),
        (shapely.box(500_000, 3_000_000, 500_100, 3_000_100), "row 3 (counted from 0), corner"),
        (shapely.box(-190, 0, 5, 5), "row 3 (counted from 0), corner"),
    ],
)  # fmt: skip
def test_shapes_that_are_no_flat_polygons_on_the_globe(
    tmp_path: Path, frame: Any, value: shapely.Geometry, said: str
) -> None:
    frame.loc[3, "geometry"] = value
    assert refused(saved(frame, tmp_path / "odd.parquet")).startswith(said)


def test_swapped_axes_name_the_datum(tmp_path: Path, frame: Any) -> None:
    frame["geometry"] = shapely.transform(frame.geometry.array, lambda xy: xy[:, ::-1])
    said = refused(saved(frame, tmp_path / "swapped.parquet"))
    assert said.startswith("row 0 (counted from 0), corner")
    assert "the file says it is wgs84: correct either, or swap the axes" in said


def test_degrees_that_are_said_to_be_metres(tmp_path: Path, frame: Any) -> None:
    wrong = frame.set_crs("EPSG:4523", allow_override=True)
    assert "EPSG:4523" in refused(saved(wrong, tmp_path / "wrong.parquet"))


def test_numbers_as_codes(tmp_path: Path, frame: Any) -> None:
    whole = frame.assign(code=frame["code"].astype("int64"))
    areas = read_areas(saved(whole, tmp_path / "numbers.parquet"))
    assert areas.tables[0].codes == ("500999",)
    broken = frame.assign(code=frame["code"].astype("float64"))
    said = refused(saved(broken, tmp_path / "broken.parquet"))
    assert said.startswith("row 0 (counted from 0) has the code 500999.0, which is no text")


def test_duplicate_and_missing_codes_name_their_rows(tmp_path: Path, frame: Any) -> None:
    twice = frame.copy()
    twice.loc[7, "code"] = twice.loc[4, "code"]
    said = refused(saved(twice, tmp_path / "twice.parquet"))
    assert said.startswith(f"code {twice.loc[4, 'code']} stands twice, in rows 4 and 7 (counted from 0)")
    for column in ("code", "level"):
        for nothing in (None, ""):
            less = frame.copy()
            less.loc[6, column] = nothing
            said = refused(saved(less, tmp_path / "less.parquet"))
            assert said == f"row 6 (counted from 0) has no {column}: every area needs one, fill it in"


def test_levels_without_an_order(tmp_path: Path, frame: Any) -> None:
    frame["level"] = "my " + frame["level"]
    frame["parent"] = None
    said = refused(saved(frame, tmp_path / "flat.parquet"))
    assert said.startswith("its levels my district, my town, my community, my grid form no order")


def test_a_finest_level_without_shapes(tmp_path: Path, frame: Any) -> None:
    frame.loc[frame["level"] == "grid", "geometry"] = None
    said = refused(saved(frame, tmp_path / "bare.parquet"))
    assert said == "its finest level, grid, has no polygons at all: draw its areas"


def test_geojson_by_hand(tmp_path: Path) -> None:
    square = [[[106.5, 29.5], [106.6, 29.5], [106.6, 29.6], [106.5, 29.5]]]
    feature = {
        "type": "Feature",
        "properties": {"code": "a", "level": "grid"},
        "geometry": {"type": "Polygon", "coordinates": square},
    }
    path = tmp_path / "hand.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    partition = read_areas(path).partition()
    assert partition.finest.codes == ("a",)
    assert np.array_equal(partition.coverage.xs[:1], [1_065_000_000])
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [{**feature, "geometry": None}]}))
    assert refused(path)
