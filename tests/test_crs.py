"""Datums: the published values, the formulas as they are published, and what is refused."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyproj import Transformer

from gridmap.crs import check_crs, from_lonlat, prepare, to_lonlat
from gridmap.errors import InputError
from gridmap.kernels import datum

UNIT = 1e-7
"""One lattice unit in degrees: what a datum loses must be far below."""

# lon, lat WGS84 -> GCJ-02, as published with the customary code.
PUBLISHED_GCJ = [
    (121.5272106, 31.1774276, 121.531541859215, 31.17530398364597),
    (113.912316, 22.543847, 113.9171764808363, 22.540796131694766),
    (116.377817, 39.911954, 116.38404722455657, 39.91334545536069),
]
# lon, lat WGS84 -> GCJ-02 -> BD-09: 解放碑 in Chongqing and 万州.
PUBLISHED_CHAIN = [
    ((106.5770, 29.5590), (106.58068797, 29.55611255), (106.58716472, 29.56226742)),
    ((108.3790, 30.8080), (108.38357888, 30.80572762), (108.39002963, 30.81182956)),
]
ZONES = [
    (4523, 105, 35_500_000),
    (4524, 108, 36_500_000),
    (4525, 111, 37_500_000),
    (4544, 105, 500_000),
    (4545, 108, 500_000),
    (4546, 111, 500_000),
]


def obvious_gcj(lon: float, lat: float) -> tuple[float, float]:
    """GCJ-02 of one point, as the customary code writes it."""
    if not (72.004 <= lon <= 137.8347 and 0.8293 <= lat <= 55.8271):
        return lon, lat
    sin, pi, x, y = math.sin, math.pi, lon - 105, lat - 35
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    north += (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3
    north += (20 * sin(y * pi) + 40 * sin(y / 3 * pi)) * 2 / 3
    north += (160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    east += (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3
    east += (20 * sin(x * pi) + 40 * sin(x / 3 * pi)) * 2 / 3
    east += (150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    a, ee = 6378245.0, 0.00669342162296594323
    magic = 1 - ee * sin(lat / 180 * pi) ** 2
    return (
        lon + east * 180 / (a / math.sqrt(magic) * math.cos(lat / 180 * pi) * pi),
        lat + north * 180 / (a * (1 - ee) / (magic * math.sqrt(magic)) * pi),
    )


def obvious_bd(lon: float, lat: float) -> tuple[float, float]:
    """BD-09 of one GCJ-02 point, as the customary code writes it."""
    x_pi = math.pi * 3000 / 180
    z = math.sqrt(lon * lon + lat * lat) + 0.00002 * math.sin(lat * x_pi)
    theta = math.atan2(lat, lon) + 0.000003 * math.cos(lon * x_pi)
    return z * math.cos(theta) + 0.0065, z * math.sin(theta) + 0.006


def meridian_arc(lat: float) -> float:
    """Metres from the equator along a meridian of CGCS2000, by summing small steps (Simpson)."""
    a, f = 6378137.0, 1 / 298.257222101
    e2 = f * (2 - f)
    angles = np.linspace(0, math.radians(lat), 20_001)
    radius = a * (1 - e2) / (1 - e2 * np.sin(angles) ** 2) ** 1.5
    return float(
        (angles[1] / 3) * (radius[0] + 4 * radius[1:-1:2].sum() + 2 * radius[2:-1:2].sum() + radius[-1])
    )


def one(columns: tuple[NDArray[np.float64], NDArray[np.float64]]) -> tuple[float, float]:
    """The only point of two columns."""
    (x,), (y,) = columns
    return float(x), float(y)


@pytest.mark.parametrize(("lon", "lat", "gcj_lon", "gcj_lat"), PUBLISHED_GCJ)
def test_published_gcj_values(lon: float, lat: float, gcj_lon: float, gcj_lat: float) -> None:
    assert one(from_lonlat([lon], [lat], "gcj02")) == pytest.approx((gcj_lon, gcj_lat), abs=1e-13, rel=0)
    assert one(to_lonlat([gcj_lon], [gcj_lat], "gcj02")) == pytest.approx((lon, lat), abs=1e-12, rel=0)


@pytest.mark.parametrize(("wgs", "gcj", "bd"), PUBLISHED_CHAIN)
def test_published_chains(
    wgs: tuple[float, float], gcj: tuple[float, float], bd: tuple[float, float]
) -> None:
    """They are given with 8 decimals."""
    for name, place in (("gcj02", gcj), ("bd09", bd)):
        assert one(from_lonlat([wgs[0]], [wgs[1]], name)) == pytest.approx(place, abs=5.1e-9, rel=0)
        assert one(to_lonlat([place[0]], [place[1]], name)) == pytest.approx(wgs, abs=6e-9, rel=0)


def test_published_bd_to_gcj() -> None:
    lon, lat = np.empty(1), np.empty(1)
    datum.gcj_from_bd(np.array([112.9778]), np.array([22.915835]), lon, lat)
    assert one((lon, lat)) == pytest.approx((112.97124803609, 22.91014090919), abs=5e-12, rel=0)


@settings(deadline=None)
@given(st.floats(-180, 180), st.floats(-90, 90))
def test_forward_is_the_published_formula_all_over_the_globe(lon: float, lat: float) -> None:
    gcj = obvious_gcj(lon, lat)
    assert one(from_lonlat([lon], [lat], "gcj02")) == pytest.approx(gcj, abs=1e-13, rel=0)
    assert one(from_lonlat([lon], [lat], "bd09")) == pytest.approx(obvious_bd(*gcj), abs=3e-13, rel=0)


@settings(deadline=None)
@given(st.floats(72.004, 137.8347), st.floats(0.8293, 55.8271), st.sampled_from(["gcj02", "bd09"]))
def test_every_point_of_the_box_comes_back(lon: float, lat: float, name: str) -> None:
    """Up to the very border, and on the meridian 105 E, where the series has a corner (there 1e-10)."""
    back = one(to_lonlat(*from_lonlat([lon], [lat], name), name))
    assert back == pytest.approx((lon, lat), abs=1e-10 if abs(lon - 105) < 1e-9 else 1e-12, rel=0)


@pytest.mark.parametrize("name", ["gcj02", "bd09"])
def test_many_points_come_back_on_any_number_of_threads(name: str) -> None:
    chance = np.random.default_rng(11)
    lons, lats = chance.uniform(72.004, 137.8347, 200_000), chance.uniform(0.8293, 55.8271, 200_000)
    lons[:5], lats[:5] = [72.004, 137.8347, 105, 105 + 1e-13, 100], [0.8293, 55.8271, 30, 30, 55.8271]
    one_thread, two_threads = from_lonlat(lons, lats, name, 1), from_lonlat(lons, lats, name, 2)
    assert np.array_equal(one_thread, two_threads)
    back = to_lonlat(*one_thread, name, 2)
    assert np.array_equal(back, to_lonlat(*one_thread, name, 1))
    assert max(np.abs(back[0] - lons).max(), np.abs(back[1] - lats).max()) < 1e-10 < UNIT / 100


def test_vectors_and_single_points_have_the_same_bits() -> None:
    """A block's last rows are done outside the vector unit: they must not differ."""
    chance = np.random.default_rng(13)
    lons, lats = chance.uniform(105, 111, 1_000), chance.uniform(28, 33, 1_000)
    for name in ("gcj02", "bd09"):
        for function in (from_lonlat, to_lonlat):
            together = function(lons, lats, name)
            for i in range(0, 1_000, 37):
                assert one(function(lons[i : i + 1], lats[i : i + 1], name)) == (
                    together[0][i],
                    together[1][i],
                )


def test_the_border_of_the_box() -> None:
    """Inside and on the limits the offset applies, outside it does not; the inverse prefers the inside."""
    for lon, lat in ((72.004, 30.0), (137.8347, 30.0), (100.0, 0.8293), (100.0, 55.8271)):
        shifted = one(from_lonlat([lon], [lat], "gcj02"))
        assert shifted != (lon, lat)
        assert one(to_lonlat([shifted[0]], [shifted[1]], "gcj02")) == pytest.approx(
            (lon, lat), abs=1e-12, rel=0
        )
    for lon, lat in ((72.0039999, 30.0), (137.8347001, 30.0), (100.0, 0.8292999), (100.0, 55.8271001)):
        assert one(from_lonlat([lon], [lat], "gcj02")) == (lon, lat)
    # Two places share one image here, the one inside the box wins.
    inside = (137.834, 30.0)
    image = one(from_lonlat([inside[0]], [inside[1]], "gcj02"))
    assert image[0] > datum.BOX_EAST
    assert one(from_lonlat([image[0]], [image[1]], "gcj02")) == image
    assert one(to_lonlat([image[0]], [image[1]], "gcj02")) == pytest.approx(inside, abs=1e-12, rel=0)


def test_far_from_china_nothing_is_shifted_either_way() -> None:
    chance = np.random.default_rng(17)
    lons, lats = chance.uniform(-180, 180, 300_000), chance.uniform(-90, 90, 300_000)
    away = (lons < 71.9) | (lons > 137.9) | (lats < 0.7) | (lats > 55.9)
    lons, lats = lons[away], lats[away]
    for found in (from_lonlat(lons, lats, "gcj02"), to_lonlat(lons, lats, "gcj02")):
        assert np.array_equal(found, (lons, lats))


def test_baidu_has_no_box_and_null_island_is_no_trap() -> None:
    for lon, lat in ((0.0, 0.0), (-73.98, 40.75), (151.2, -33.9)):
        image = one(from_lonlat([lon], [lat], "bd09"))
        assert image != (lon, lat)
        assert one(to_lonlat([image[0]], [image[1]], "bd09")) == pytest.approx((lon, lat), abs=1e-12, rel=0)


def test_the_offset_in_chongqing_is_half_a_kilometre() -> None:
    lons, lats = (
        grid.ravel() for grid in np.meshgrid(np.linspace(105.3, 110.2, 50), np.linspace(28.2, 32.2, 50))
    )
    gcj = from_lonlat(lons, lats, "gcj02")
    metres = np.hypot((gcj[0] - lons) * 111_320 * np.cos(np.radians(lats)), (gcj[1] - lats) * 110_900)
    assert metres.min() > 350
    assert metres.max() < 650


@pytest.mark.parametrize("name", ["wgs84", "cgcs2000", "EPSG:4490", "EPSG:4326", "OGC:CRS84"])
def test_wgs84_and_cgcs2000_are_equal_and_longitude_comes_first(name: str) -> None:
    assert one(to_lonlat([106.577], [29.559], name)) == (106.577, 29.559)
    assert one(from_lonlat([106.577], [29.559], name)) == (106.577, 29.559)


@pytest.mark.parametrize(("code", "meridian", "easting"), ZONES)
def test_the_central_meridian_of_a_zone(code: int, meridian: int, easting: int) -> None:
    """Known by hand: easting 500 km (with the zone's number in front or not), northing the meridian's arc."""
    found = one(from_lonlat([meridian], [29.5], f"EPSG:{code}"))
    assert found == pytest.approx((easting, meridian_arc(29.5)), abs=1e-4, rel=0)
    assert one(to_lonlat([easting], [meridian_arc(29.5)], f"epsg:{code}")) == pytest.approx(
        (meridian, 29.5), abs=1e-9, rel=0
    )


@pytest.mark.parametrize(("code", "meridian", "easting"), ZONES)
def test_zones_agree_with_proj_in_the_order_of_the_register(code: int, meridian: int, easting: int) -> None:
    chance = np.random.default_rng(code)
    lons, lats = chance.uniform(meridian - 3, meridian + 3, 1_000), chance.uniform(20, 45, 1_000)
    # Register order on both sides: latitude, longitude in, northing, easting out.
    norths, easts = Transformer.from_crs("EPSG:4490", f"EPSG:{code}").transform(lats, lons)
    found = from_lonlat(lons, lats, f"EPSG:{code}")
    assert np.abs(found[0] - easts).max() < 1e-6
    assert np.abs(found[1] - norths).max() < 1e-6
    assert abs(float(np.median(easts)) - easting) < 50_000
    back = to_lonlat(*found, f"EPSG:{code}")
    assert max(np.abs(back[0] - lons).max(), np.abs(back[1] - lats).max()) < UNIT / 1000


@pytest.mark.parametrize(
    ("code", "lon", "lat", "x", "y"),
    [
        # EPSG guidance note 7-2, the worked example of each method; the datum is WGS84 itself, so no shift.
        (3857, -100 - 1 / 3, 24 + 22 / 60 + 54.433 / 3600, -11_169_055.58, 2_800_000.00),
        (32650, 117.0, 0.0, 500_000.0, 0.0),
    ],
)
def test_other_systems_of_the_register(code: int, lon: float, lat: float, x: float, y: float) -> None:
    assert one(from_lonlat([lon], [lat], f"EPSG:{code}")) == pytest.approx((x, y), abs=0.01, rel=0)
    assert one(to_lonlat([x], [y], f"EPSG:{code}")) == pytest.approx((lon, lat), abs=UNIT, rel=0)


def test_feet_are_feet() -> None:
    """EPSG:2263, New York in US feet: the false easting lies on the central meridian, 300 km."""
    lon, lat = one(to_lonlat([984_250], [0], "EPSG:2263"))
    assert lon == pytest.approx(-74, abs=2e-5)
    assert lat == pytest.approx(40 + 10 / 60, abs=2e-5)


@pytest.mark.parametrize(
    ("given_name", "canonical"),
    [
        ("WGS84", "wgs84"),
        (" Cgcs2000 ", "cgcs2000"),
        ("GCJ02", "gcj02"),
        ("bd09", "bd09"),
        ("ogc:crs84", "wgs84"),
        ("epsg:4523", "EPSG:4523"),
        ("Epsg:04490", "EPSG:4490"),
        ("EPSG:4326", "EPSG:4326"),
    ],
)
def test_names_are_known_in_any_case(given_name: str, canonical: str) -> None:
    assert check_crs(given_name) == canonical
    assert check_crs(canonical) == canonical


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (None, "the datum must be named"),
        ("", "the datum must be named"),
        ("  ", "the datum must be named"),
        ("beijing54", "no known datum"),
        ("4490", "no known datum"),
        ("EPSG:", "no known datum"),
        ("EPSG:４４９０", "no known datum"),
        ("EPSG:4490; drop table", "no known datum"),
        ("EPSG:999999", "not in the EPSG register"),
        ("EPSG:4979", "Geographic 3D"),
        ("EPSG:4480", "Geographic 3D"),
        ("EPSG:9707", "Compound"),
        ("EPSG:5773", "Vertical"),
        ("EPSG:4978", "Geocentric"),
        ("EPSG:4610", "EPSG:4610 .Xian 1980. differs from WGS84"),
    ],
)
def test_what_is_no_datum_is_refused(name: str | None, words: str) -> None:
    with pytest.raises(InputError, match=words) as refusal:
        check_crs(name)
    assert refusal.value.name == "crs"
    if words in ("the datum must be named", "no known datum", "not in the EPSG register"):
        assert "wgs84, cgcs2000, gcj02, bd09, EPSG:" in str(refusal.value)
    with pytest.raises(InputError):
        to_lonlat([106.5], [29.5], name or "")


@pytest.mark.parametrize("name", ["wgs84", "gcj02", "bd09", "EPSG:4523"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_named(name: str, bad: float) -> None:
    with pytest.raises(InputError, match=r"^ys: number 1 \(counted from 0\) is") as refusal:
        to_lonlat([106, 106], [29, bad], name)
    assert refusal.value.name == "ys"
    with pytest.raises(InputError, match=r"^lats: number 1 "):
        from_lonlat([106, 106], [29, bad], name)


@pytest.mark.parametrize(
    ("name", "x", "y"),
    [
        ("wgs84", 200, 30),
        ("gcj02", 106.5, 91),
        ("bd09", 400, 30),
        ("EPSG:4490", 29.5, 106.5),  # latitude first
        ("EPSG:4523", 3_270_000, 35_650_000),  # northing first
        ("EPSG:4523", 106.577, 29.559),  # degrees under the name of a projection
        ("EPSG:4523", 1e9, 3e6),
        ("EPSG:3857", 3e7, 3e6),  # would wrap round the globe
        ("EPSG:3857", 1e6, 3e8),
    ],
)
def test_points_beyond_the_domain_are_named(name: str, x: float, y: float) -> None:
    good = one(from_lonlat([106.577], [29.559], name))
    with pytest.raises(InputError, match=r"^xs: number 2 \(counted from 0\), .*check the datum"):
        to_lonlat([good[0], good[0], x, good[0]], [good[1], good[1], y, good[1]], name)


def test_places_that_cannot_be_projected_are_named() -> None:
    with pytest.raises(InputError, match=r"^lons: number 1 .* cannot be shown in EPSG:4523"):
        from_lonlat([105, 15], [0, 0], "EPSG:4523")
    with pytest.raises(InputError, match=r"^lats: number 1 .*no degree from -90 to 90"):
        from_lonlat([105, 105], [0, 91], "EPSG:4523")


def test_columns_must_be_pairs_of_numbers() -> None:
    with pytest.raises(InputError, match=r"^ys: 1 values beside 2 xs"):
        to_lonlat([1, 2], [1], "gcj02")
    with pytest.raises(InputError, match=r"^lons: values of type"):
        from_lonlat(["a"], [1], "gcj02")


@pytest.mark.parametrize("name", ["wgs84", "gcj02", "bd09", "EPSG:4523"])
def test_no_points_are_no_points_and_inputs_are_left_alone(name: str) -> None:
    assert [column.size for column in to_lonlat([], [], name)] == [0, 0]
    assert [column.size for column in from_lonlat([], [], name)] == [0, 0]
    lons, lats = np.array([106.577, 107.0]), np.array([29.559, 30.0])
    lons.flags.writeable = lats.flags.writeable = False
    easts, norths = from_lonlat(lons, lats, name)
    found = to_lonlat(easts[::-1], norths[::-1], name)
    assert np.abs(found[0][::-1] - lons).max() < 1e-9
    assert np.array_equal(lons, [106.577, 107.0])


def test_threads_may_share_a_projection() -> None:
    chance = np.random.default_rng(19)
    lons, lats = chance.uniform(104, 107, 2_000), chance.uniform(28, 32, 2_000)
    expected = from_lonlat(lons, lats, "EPSG:4523")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: from_lonlat(lons, lats, "EPSG:4523"), range(64)))
    assert all(np.array_equal(columns, expected) for columns in found)


def test_the_fast_path_is_compiled_arithmetic() -> None:
    """The kernels ran as machine code, without sine or cosine, whose bits differ between machines."""
    prepare()
    for kernel in (datum.gcj_from_wgs, datum.wgs_from_gcj, datum.bd_from_gcj, datum.gcj_from_bd):
        assert len(kernel.signatures) == 1  # type: ignore[attr-defined]  # one type of array, thanks to plain()
        assert kernel.targetoptions["nogil"]  # type: ignore[attr-defined]
    assert "sin" not in datum.gcj_from_wgs.py_func.__code__.co_names  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "name", ["EPSG:4214", "EPSG:21418", "EPSG:2433", "EPSG:4610", "EPSG:2345", "EPSG:4555"]
)
def test_the_old_chinese_datums_are_refused_wherever_they_are(name: str) -> None:
    with pytest.raises(InputError, match="apply yours first"):
        check_crs(name)
