"""Tile matrix sets: the register's values, and squares where the documents say that they lie."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from pyproj import CRS

from tiles.address import SCHEMES
from tiles.matrices import IDENTIFIERS, identifier, matrix_set
from tiles.planes import PLANES

LANDMARK = 106.5770, 29.5590


def matrix(name: str, z: int) -> dict[str, Any]:
    (found,) = (each for each in matrix_set(SCHEMES[name])["tileMatrices"] if each["id"] == str(z))
    return dict(found)


def coordinates(name: str, lon: float, lat: float) -> tuple[float, float]:
    """A place in the axes' units of a matrix set, east first."""
    plane = SCHEMES[name].plane
    (x,), (y,) = plane.project([lon], [lat])
    if plane is PLANES["degrees"]:
        return lon, lat
    if plane is PLANES["bd09"]:
        return x * 2**26, -y * 2**26
    world = 2 * math.pi * 6378137
    return (x - 0.5) * world, (0.5 - y) * world


def test_each_scheme_has_an_identifier() -> None:
    assert list(IDENTIFIERS) == ["WebMercatorQuad", "gcj02", "gcj02-tms", "bd09", "tianditu-c"]
    assert [identifier(scheme) for scheme in SCHEMES.values()] == list(IDENTIFIERS)
    assert [matrix_set(scheme)["id"] for scheme in SCHEMES.values()] == list(IDENTIFIERS)


def test_web_mercator_is_the_registers() -> None:
    found = matrix_set(SCHEMES["xyz"])
    assert found["uri"] == "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
    assert found["crs"] == "http://www.opengis.net/def/crs/EPSG/0/3857"
    assert [each["id"] for each in found["tileMatrices"]] == [str(z) for z in range(25)]
    first, last = matrix("xyz", 0), matrix("xyz", 24)
    assert first["scaleDenominator"] == pytest.approx(559082264.028717, rel=1e-14)
    assert first["cellSize"] == pytest.approx(156543.033928041, rel=1e-14)
    assert first["pointOfOrigin"] == pytest.approx([-20037508.3427892, 20037508.3427892])
    assert last["scaleDenominator"] == pytest.approx(33.3238997476528, rel=1e-14)
    assert (last["matrixWidth"], last["matrixHeight"]) == (16777216, 16777216)


def test_tianditu_is_world_crs84_quad_one_level_on() -> None:
    found = matrix_set(SCHEMES["tianditu-c"])
    assert found["crs"] == "http://www.opengis.net/def/crs/EPSG/0/4490"
    assert found["orderedAxes"] == ["Lat", "Lon"]
    assert matrix("tianditu-c", 1) == {
        "id": "1",
        "scaleDenominator": pytest.approx(279541132.014358, rel=1e-14),
        "cellSize": 0.703125,
        "cornerOfOrigin": "topLeft",
        "pointOfOrigin": [90.0, -180.0],
        "tileWidth": 256,
        "tileHeight": 256,
        "matrixWidth": 2,
        "matrixHeight": 1,
    }


def test_baidu_has_a_metre_for_each_pixel_of_level_18() -> None:
    found = matrix("bd09", 18)
    assert (found["cellSize"], found["cornerOfOrigin"], found["pointOfOrigin"]) == (
        1.0,
        "bottomLeft",
        [0.0, 0.0],
    )


@pytest.mark.parametrize("name", ["gcj02", "gcj02-tms", "bd09"])
def test_shifted_systems_are_not_mistaken_for_others(name: str) -> None:
    system = CRS.from_json_dict(matrix_set(SCHEMES[name])["crs"]["wkt"])
    assert system.is_engineering
    assert system.to_epsg() is None


@pytest.mark.parametrize("name", SCHEMES)
def test_a_place_is_where_the_document_says(name: str) -> None:
    """A client that knows nothing but the document finds the same tile as we do."""
    scheme = SCHEMES[name]
    east, north = coordinates(name, *LANDMARK)
    for z in range(scheme.lowest, scheme.deepest + 1):
        level = matrix(name, z)
        origin = level["pointOfOrigin"]
        west, corner = origin if matrix_set(scheme)["orderedAxes"][0] == "X" else origin[::-1]
        down = (north - corner) if level["cornerOfOrigin"] == "bottomLeft" else (corner - north)
        column = math.floor((east - west) / (level["cellSize"] * level["tileWidth"]))
        row = math.floor(down / (level["cellSize"] * level["tileHeight"]))
        assert (z, column, row) == scheme.tile_at(*LANDMARK, z)
        assert column < level["matrixWidth"]
        assert row < level["matrixHeight"]


def test_documents_are_json() -> None:
    for scheme in SCHEMES.values():
        assert json.loads(json.dumps(matrix_set(scheme))) == matrix_set(scheme)
