"""GDAL opens the running service: a tile at its address, and the areas as a collection of features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyogrio
import pytest
import shapely
from served import get_json

from tiles.address import SCHEMES

if TYPE_CHECKING:
    from gridmap.types import Geometries

LIBERATION_MONUMENT = (106.5770, 29.5590)
WORLD_M = 40_075_016.685578488
"""The width of Web Mercator's world in its own metres."""


@pytest.fixture(autouse=True)
def _without_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "*")


@dataclass
class Read:
    """What GDAL read of a layer."""

    crs: str
    shapes: Geometries
    columns: dict[str, Any]


def read(source: str, layer: str, **options: Any) -> Read:
    about, _, shapes, columns = pyogrio.raw.read(source, layer=layer, **options)
    return Read(
        about["crs"],
        np.asarray(shapely.from_wkb(shapes), dtype=object),
        dict(zip(about["fields"].tolist(), columns, strict=True)),
    )


def tile_of(service: str, zoom: int, layers: str = "grid") -> str:
    """The address of the tile that the monument lies in, as the TileJSON says it."""
    z, x, y = SCHEMES["xyz"].tile_at(*LIBERATION_MONUMENT, zoom)
    template: str = get_json(f"{service}/tiles/{layers}.json")["tiles"][0]
    return template.format(z=z, x=x, y=y)


def metres(degrees: Geometries) -> Geometries:
    """Polygons in degrees on Web Mercator, by our own plane."""

    def project(places: Any) -> Any:
        xs, ys = SCHEMES["xyz"].plane.project(places[:, 0], places[:, 1])
        return np.stack([(xs - 0.5) * WORLD_M, (0.5 - ys) * WORLD_M], axis=1)

    return np.asarray(shapely.transform(degrees, project), dtype=object)


@pytest.mark.parametrize("prefix", ["MVT:", "/vsicurl/"])
def test_a_tile_opens_at_its_address(service: str, prefix: str) -> None:
    source = prefix + tile_of(service, 14, "district,town,grid,building")
    assert {name for name, _ in pyogrio.list_layers(source)} == {"district", "town", "grid", "building"}
    grids = read(source, "grid")
    assert grids.crs == "EPSG:3857"
    assert {"code", "name", "kind"} <= grids.columns.keys()
    assert {len(code) for code in grids.columns["code"]} == {15}
    assert set(read(source, "district").columns["name"]) == {"渝中区"}
    assert (read(source, "building").columns["height"] >= 3).all()


def test_shapes_of_a_tile_lie_where_those_of_the_collection_do(service: str) -> None:
    """At zoom 16 a unit of a tile is 15 cm: no border of either may lie farther from the other's."""
    tile = read("MVT:" + tile_of(service, 16), "grid")
    truth = read(f"OAPIF:{service}", "grid")
    whole = dict(zip(truth.columns["code"], metres(truth.shapes), strict=True))
    unit_m = WORLD_M / 2**16 / 4096
    inside = shapely.box(*shapely.total_bounds(tile.shapes)).buffer(-4 * unit_m)
    seen = 0
    for code, shape in zip(tile.columns["code"], tile.shapes, strict=True):
        if shapely.within(whole[code], inside):
            seen += 1
            assert shapely.hausdorff_distance(shape, whole[code]) < 1.5 * unit_m
    assert seen >= 5


def test_ids_of_a_tile_are_the_numbers_of_the_collection(service: str) -> None:
    tile = read("MVT:" + tile_of(service, 13), "grid").columns
    truth = read(f"OAPIF:{service}", "grid").columns
    numbers = dict(zip(truth["code"], truth["number"], strict=True))
    assert len(tile["code"]) > 100
    assert tile["mvt_id"].tolist() == [numbers[code] for code in tile["code"]]


def test_all_areas_of_a_level_come_as_features(service: str) -> None:
    source = f"OAPIF:{service}"
    levels = ["district", "town", "community", "grid"]
    assert [name for name, _ in pyogrio.list_layers(source)] == levels
    counts = get_json(f"{service}/readyz")["counts"]
    for level in levels:
        found = read(source, level)
        assert len(found.shapes) == counts[level]
        assert len(set(found.columns["code"])) == counts[level]
        assert found.crs in ("EPSG:4326", "OGC:CRS84")
        assert shapely.is_valid(found.shapes).all()


def test_a_box_is_asked_of_the_service(service: str) -> None:
    lon, lat = LIBERATION_MONUMENT
    box = (lon - 0.002, lat - 0.002, lon + 0.002, lat + 0.002)
    near = read(f"OAPIF:{service}", "grid", bbox=box)
    everything = read(f"OAPIF:{service}", "grid")
    wanted = shapely.intersects(everything.shapes, shapely.box(*box))
    assert 0 < len(near.shapes) < len(everything.shapes)
    assert set(near.columns["code"]) == set(everything.columns["code"][wanted])
