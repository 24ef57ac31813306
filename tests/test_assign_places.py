"""Places out of batches: columns of numbers and texts, points in every form, what files say of them."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from assigned import LAT, LON, code_at, done, places, run
from hypothesis import given
from hypothesis import strategies as st

from gridmap import crs
from gridmap.bulk.answer import REASON, assign_batch
from gridmap.bulk.geometry import spot_of
from gridmap.bulk.places import places_of
from gridmap.bulk.question import Added, Asked, Columns, Points, Question
from gridmap.errors import HomeError, InputError
from gridmap.lookup import open_lookup
from gridmap.store.address import CityAddress

if TYPE_CHECKING:
    from pathlib import Path

NOTHING = Asked(None, None, None, ())


def reasons_of(faults: Any) -> dict[int, str]:
    if not faults.bad.any():
        return {}
    rows, reasons = faults.reasons()
    return dict(zip(rows.tolist(), reasons.to_pylist(), strict=True))


def located(values: Any, spot: Columns | Points) -> tuple[list[float], list[float], dict[int, str]]:
    batch = pa.record_batch(values) if isinstance(values, dict) else values
    lons, lats, faults = places_of(batch, spot)
    return lons.tolist(), lats.tolist(), reasons_of(faults)


# Columns


@pytest.mark.parametrize(
    "kind", [pa.float64(), pa.float32(), pa.string(), pa.large_string(), pa.decimal128(10, 4), pa.int16()]
)
def test_numbers_of_every_type(kind: Any) -> None:
    values = pa.array(["106", None, "29"]).cast(kind)
    lons, lats, reasons = located(
        {"x": values, "y": pa.array([29.0, 29.0, 29.0])}, Columns("x", "y", "wgs84")
    )
    assert (lons[0], lons[2], lats[0]) == (106.0, 29.0, 29.0)
    assert np.isnan(lons[1])
    assert reasons == {1: "x: is empty"}


def test_dictionaries_and_slices() -> None:
    values = pa.array(["1", "2", "x", "3"]).dictionary_encode()
    batch = pa.record_batch({"x": values, "y": pa.array([0.0, 1.0, 2.0, 3.0])}).slice(1)
    assert located(batch, Columns("x", "y", "wgs84"))[2] == {1: "x: 'x' is no number"}
    plain = pa.record_batch({"x": pa.array([9.0, 1.0, 2.0]), "y": pa.array([9.0, 3.0, 4.0])}).slice(1, 2)
    assert located(plain, Columns("x", "y", "wgs84")) == ([1.0, 2.0], [3.0, 4.0], {})


@given(st.lists(st.tuples(st.floats(), st.floats()), max_size=20))
def test_every_float_is_a_place_or_has_a_reason(pairs: list[tuple[float, float]]) -> None:
    xs, ys = [x for x, _ in pairs], [y for _, y in pairs]
    batch = pa.record_batch({"x": pa.array(xs, pa.float64()), "y": pa.array(ys, pa.float64())})
    lons, lats, reasons = located(batch, Columns("x", "y", "wgs84"))
    for row, (x, y) in enumerate(pairs):
        good = abs(x) <= 180 and abs(y) <= 90
        assert good == (row not in reasons)
        assert not good or (lons[row], lats[row]) == (x, y)


def test_what_lies_beyond_a_projection_has_a_reason_of_its_own() -> None:
    xs, ys = crs.from_lonlat([106.5, 106.6], [29.5, 29.6], "EPSG:4524")
    batch = {"x": pa.array([*xs, 9e8, 36e6]), "y": pa.array([*ys, 9e8, -9e8])}
    lons, lats, reasons = located(batch, Columns("x", "y", "EPSG:4524"))
    assert np.allclose([lons[:2], lats[:2]], [[106.5, 106.6], [29.5, 29.6]])
    assert reasons == {
        2: "x, y: 900000000 is no place in EPSG:4524",
        3: "x, y: 36000000 is no place in EPSG:4524",
    }


def test_a_place_does_not_depend_on_its_neighbours() -> None:
    """Engines cut files into other batches: each point must be judged alone."""
    chance = np.random.default_rng(1)
    xs, ys = chance.uniform(0, 7e7, 300), chance.uniform(-9e7, 9e7, 300)
    together = crs.to_lonlat_or_nan(xs, ys, "EPSG:4523")
    alone = [crs.to_lonlat_or_nan([x], [y], "EPSG:4523") for x, y in zip(xs, ys, strict=True)]
    assert np.array_equal(together[0], [lon[0] for lon, _ in alone], equal_nan=True)
    assert np.array_equal(together[1], [lat[0] for _, lat in alone], equal_nan=True)
    assert 0 < np.isnan(together[0]).sum() < 300


@pytest.mark.parametrize("datum", ["wgs84", "gcj02", "bd09", "EPSG:4523"])
def test_without_bad_points_it_is_to_lonlat(datum: str) -> None:
    lons, lats = (np.array(each) for each in zip(*places(200), strict=True))
    xs, ys = crs.from_lonlat(lons, lats, datum)
    for one, other in zip(crs.to_lonlat_or_nan(xs, ys, datum), crs.to_lonlat(xs, ys, datum), strict=True):
        assert np.array_equal(one, other)
    xs = np.append(xs, np.nan)
    bad = crs.to_lonlat_or_nan(xs, np.append(ys, 1.0), datum)
    assert np.isnan([bad[0][-1], bad[1][-1]]).all()
    assert np.array_equal(bad[0][:-1], crs.to_lonlat(xs[:-1], ys, datum)[0])


# Points


def wkb(*points: Any) -> Any:
    return pa.array([None if point is None else shapely.to_wkb(point) for point in points], pa.binary())


def test_points_in_wkb_fast_and_slow() -> None:
    spot = Points("g", "wkb", "wgs84")
    good = [shapely.Point(106 + n, 29 + n) for n in range(4)]
    assert located({"g": wkb(*good)}, spot) == ([106.0, 107.0, 108.0, 109.0], [29.0, 30.0, 31.0, 32.0], {})
    assert located(pa.record_batch({"g": wkb(*good)}).slice(1, 2), spot) == ([107.0, 108.0], [30.0, 31.0], {})
    mixed = [
        *(good[0], None, shapely.Point(1, 2, 3), shapely.Point(), shapely.LineString([(0, 0), (1, 1)])),
    ]
    values = pa.concat_arrays(
        [wkb(*mixed), pa.array([b"no wkb", b"", struct.pack(">BIdd", 0, 1, 5, 6)], pa.binary())]
    )
    lons, lats, reasons = located({"g": values}, spot)
    assert (lons[0], lons[2], lats[2], lons[7], lats[7]) == (106.0, 1.0, 2.0, 5.0, 6.0)
    assert reasons == {
        1: "g: is empty",
        3: "g: is an empty point",
        4: "g: is no point",
        5: "g: is no geometry",
        6: "g: is no geometry",
    }


@pytest.mark.parametrize("form", ["separated", "interleaved", "interleaved with height"])
def test_points_as_numbers(form: str) -> None:
    x, y = pa.array([9.0, 106.5, 2.0, None]), pa.array([9.0, 29.5, 100.0, None])
    null = pa.array([False, False, False, True])
    if form == "separated":
        values = pa.StructArray.from_arrays([x, y], ["x", "y"], mask=null)
    else:
        size = 3 if form.endswith("height") else 2
        flat = [v for pair in zip(x.to_pylist(), y.to_pylist(), strict=True) for v in [*pair, 5.0][:size]]
        values = pa.FixedSizeListArray.from_arrays(pa.array(flat, pa.float64()), size, mask=null)
    batch = pa.record_batch({"g": values}).slice(1)
    lons, lats, reasons = located(batch, Points("g", "point", "wgs84"))
    assert (lons[0], lats[0]) == (106.5, 29.5)
    assert reasons[1].startswith("lat: '100' is no latitude")
    assert reasons[2] == "g: is empty"


# What files state


def geo(column: dict[str, Any]) -> Any:
    facts = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    field = pa.field("geometry", pa.binary())
    return pa.schema([pa.field("id", pa.string()), field], {"geo": json.dumps(facts)})


EPSG_4523 = {
    "type": "ProjectedCRS",
    "name": "CGCS2000 / 3-degree GK zone 35",
    "id": {"authority": "EPSG", "code": 4523},
}
CRS84 = {"type": "GeographicCRS", "name": "WGS 84", "id": {"authority": "OGC", "code": "CRS84"}}


@pytest.mark.parametrize(
    ("column", "named", "datum"),
    [
        ({"encoding": "WKB"}, None, "wgs84"),
        ({"encoding": "WKB", "crs": CRS84}, None, "wgs84"),
        ({"encoding": "WKB", "crs": CRS84}, "cgcs2000", "wgs84"),
        ({"encoding": "WKB", "crs": EPSG_4523}, None, "EPSG:4523"),
        ({"encoding": "WKB", "crs": EPSG_4523}, "epsg:4523", "EPSG:4523"),
        ({"encoding": "WKB", "crs": CRS84}, "gcj02", "gcj02"),
        ({"encoding": "WKB", "crs": None}, "bd09", "bd09"),
        ({"encoding": "point", "geometry_types": ["Point", "Point Z"]}, None, "wgs84"),
        ({"encoding": "WKB", "crs": {"name": "local"}}, "EPSG:4490", "EPSG:4490"),
    ],
)
def test_geoparquet_states_its_points(column: dict[str, Any], named: str | None, datum: str) -> None:
    encoding = str(column["encoding"]).lower()
    expected = Points("geometry", encoding, datum)  # type: ignore[arg-type] # one of the two
    assert spot_of(geo(column), Asked(None, None, named, ()), "f") == expected


@pytest.mark.parametrize(
    ("column", "named", "said"),
    [
        ({"encoding": "WKB", "crs": None}, None, "states no datum; name it with --crs"),
        ({"encoding": "WKB", "crs": EPSG_4523}, "wgs84", "states EPSG:4523, but --crs says wgs84"),
        ({"encoding": "WKB", "geometry_types": ["Polygon"]}, None, "holds Polygon, not points"),
        ({"encoding": "polygon"}, None, "holds polygon, not points"),
        ({"encoding": "WKB", "crs": {"name": "local"}}, None, "states the datum 'local', which has no EPSG"),
    ],
)
def test_what_geoparquet_states_and_cannot_be_used(
    column: dict[str, Any], named: str | None, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        spot_of(geo(column), Asked(None, None, named, ()), "f")


def test_broken_metadata_are_refused() -> None:
    for text in (b"{", b"[]", b"{}", b'{"primary_column": "g", "columns": []}'):
        with pytest.raises(InputError, match="write the file anew"):
            spot_of(pa.schema([pa.field("g", pa.binary())], {"geo": text}), NOTHING, "f")


def arrow_field(name: str, extension: str, facts: Any) -> Any:
    said = {"ARROW:extension:name": extension, "ARROW:extension:metadata": json.dumps(facts)}
    return pa.field(name, pa.binary(), metadata=said)


def test_geoarrow_states_its_points_in_the_field() -> None:
    schema = pa.schema([pa.field("id", pa.string()), arrow_field("g", "geoarrow.wkb", {"crs": "EPSG:4523"})])
    assert spot_of(schema, NOTHING, "f") == Points("g", "wkb", "EPSG:4523")
    schema = pa.schema([arrow_field("g", "geoarrow.point", {"crs": EPSG_4523})])
    assert spot_of(schema, NOTHING, "f") == Points("g", "point", "EPSG:4523")
    with pytest.raises(InputError, match="states no datum"):
        spot_of(pa.schema([arrow_field("g", "geoarrow.point", {})]), NOTHING, "f")
    with pytest.raises(InputError, match=r"holds geoarrow\.polygon, not points"):
        spot_of(pa.schema([arrow_field("g", "geoarrow.polygon", {})]), NOTHING, "f")
    two = [arrow_field("g", "geoarrow.wkb", {}), arrow_field("h", "geoarrow.wkb", {})]
    with pytest.raises(InputError, match=r"several columns of geometries \(g, h\)"):
        spot_of(pa.schema(two), NOTHING, "f")


def test_columns_named_go_before_points_and_their_datum_may_be_in_the_file() -> None:
    fields = [pa.field("lon", pa.float64()), pa.field("lat", pa.float64())]
    asked = Asked("lon", "lat", None, ())
    schema = pa.schema(fields, {"crs": "EPSG:4490"})
    assert spot_of(schema, asked, "f") == Columns("lon", "lat", "EPSG:4490")
    with pytest.raises(InputError, match="states EPSG:4490, but --crs says EPSG:4523"):
        spot_of(schema, Asked("lon", "lat", "EPSG:4523", ()), "f")
    both = pa.schema(fields, geo({"encoding": "WKB"}).metadata)
    with pytest.raises(InputError, match="states no datum"):
        spot_of(both, asked, "f")  # what "geo" says is said of its points


# The whole, with GeoParquet


@pytest.mark.parametrize("datum", ["EPSG:4490", "EPSG:4523"])
@pytest.mark.parametrize("encoding", ["WKB", "geoarrow"])
def test_geoparquet_of_geopandas(toy: Path, tmp_path: Path, datum: str, encoding: str) -> None:
    import geopandas

    lons, lats = zip(*places(90), strict=True)
    xs, ys = crs.from_lonlat(lons, lats, datum)
    frame = geopandas.GeoDataFrame({"n": range(90)}, geometry=geopandas.points_from_xy(xs, ys), crs=datum)
    frame.to_parquet(tmp_path / "in.parquet", geometry_encoding=encoding)
    done("assign", tmp_path / "in.parquet", tmp_path / "out.parquet", "--home", toy)
    back = geopandas.read_parquet(tmp_path / "out.parquet")
    assert back.crs == frame.crs
    assert back.geometry.equals(frame.geometry)
    expected = [code_at(x, y, datum) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]
    assert pq.read_table(tmp_path / "out.parquet").column("grid_code").to_pylist() == expected


def test_geoparquet_of_polygons_is_refused(toy: Path, tmp_path: Path) -> None:
    done("export", "--home", toy, tmp_path / "areas.parquet")
    result = run("assign", tmp_path / "areas.parquet", tmp_path / "out.parquet", "--home", toy)
    assert result.exit_code == 2
    assert "not points; make points of them" in result.output


# The pure function


def test_the_function_gives_the_batch_back_with_codes_and_reasons(toy: Path) -> None:
    lookup = open_lookup(CityAddress(toy))
    added = (Added("grid", "g"), Added("town", "t"))
    spot = Columns("lon", "lat", "wgs84")
    question = Question(CityAddress(toy), 1, lookup.edition.checksum, added, spot)
    batch = pa.record_batch({"id": ["a", "b", "c"], "lon": [str(LON), "0", "?"], "lat": [str(LAT), "0", "0"]})
    found = assign_batch(batch, question)
    assert found.select(batch.schema.names).equals(batch)
    assert found.schema.names == ["id", "lon", "lat", "g", "t", REASON]
    assert found.column("g").to_pylist() == [code_at(LON, LAT), None, None]
    assert found.column("t").to_pylist() == [code_at(LON, LAT, level="town"), None, None]
    assert found.column(REASON).to_pylist() == [None, None, "lon: '?' is no number"]
    assert assign_batch(batch.slice(0, 0), question).num_rows == 0


def test_a_worker_that_sees_another_city_refuses(toy: Path) -> None:
    question = Question(CityAddress(toy), 1, "0" * 64, (Added("grid", "g"),), Columns("x", "y", "wgs84"))
    batch = pa.record_batch({"x": [1.0], "y": [1.0]})
    with pytest.raises(HomeError, match="workers must see the same city"):
        assign_batch(batch, question)
