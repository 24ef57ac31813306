"""The real tiles of Yuzhong over HTTP: every layer and scheme, ids of /values, one grid everywhere."""

from __future__ import annotations

import json
import shutil
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import mapbox_vector_tile
import pytest
import shapely
from served import PATIENCE_S, served
from shapely.geometry import shape
from test_republish import renamed
from webtown import place

from gridmap.publishing import load_areas
from tiles.address import SCHEMES
from tiles.measure import STANDARD

if TYPE_CHECKING:
    from pathlib import Path

LANDMARK = (106.5770, 29.5590)
"""解放碑, WGS84."""

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(url, headers=headers)
    with OPENER.open(request, timeout=60) as reply:
        return reply.status, dict(reply.headers), reply.read()


def get_json(url: str) -> Any:
    return json.loads(get(url)[2])


def tile_here(service: str, layers: str, scheme: str, z: int) -> Any:
    """The decoded tile of the landmark, by the address that the TileJSON gives."""
    source = get_json(f"{service}/tiles/{layers}.json?scheme={scheme}")
    tile = SCHEMES[scheme].tile_at(*LANDMARK, z)
    status, headers, body = get(source["tiles"][0].format(**tile._asdict()))
    assert status == 200
    shared = "private" if layers in ("device", "household") else "public"
    assert headers["Cache-Control"] == f"{shared}, max-age=31536000, immutable"
    return mapbox_vector_tile.decode(body, default_options={"y_coord_down": True})


@pytest.mark.parametrize("scheme", list(SCHEMES))
def test_the_landmark_lies_in_the_same_grid_in_every_scheme(service: str, scheme: str) -> None:
    lon, lat = LANDMARK
    expected = get_json(f"{service}/locate?lon={lon}&lat={lat}&crs=wgs84")["code"]
    for z in (14, 16, 18):
        known = SCHEMES[scheme]
        column, row = known.square(known.tile_at(*LANDMARK, z))
        (x,), (y,) = known.plane.project([lon], [lat])
        point = shapely.Point((x * 2**z - column) * STANDARD.extent, (y * 2**z - row) * STANDARD.extent)
        grids = tile_here(service, "grid", scheme, z)["grid"]["features"]
        here = [each["properties"]["code"] for each in grids if shape(each["geometry"]).covers(point)]
        assert here == [expected]


def test_every_layer_has_a_tile_and_says_its_fields(service: str) -> None:
    every = get_json(f"{service}/tiles/district.json")
    assert every["edition"] == 1
    for name in ("district", "town", "community", "grid", "label", "building", "household", "device"):
        source = get_json(f"{service}/tiles/{name}.json")
        (told,) = source["vector_layers"]
        features = tile_here(service, name, "xyz", max(source["minzoom"], source["maxzoom"] - 2))[name][
            "features"
        ]
        assert features
        for each in features:
            assert set(each["properties"]) <= set(told["fields"])
            assert 0 < each["id"] < 2**53


def test_values_know_the_ids_of_the_tiles(service: str) -> None:
    for layer, z in (("grid", 14), ("community", 12), ("town", 12), ("district", 10)):
        drawn = {each["id"]: each for each in tile_here(service, layer, "xyz", z)[layer]["features"]}
        for metric in ("households", "people", "area_m2", "buildings", "devices"):
            found = get_json(f"{service}/values/{layer}/{metric}")
            values = dict(zip(found["ids"], found["values"], strict=True))
            assert set(drawn) <= set(values)
            assert sum(values.values()) > 0
    people = sum(get_json(f"{service}/values/district/people")["values"])
    assert people == sum(get_json(f"{service}/values/grid/people")["values"])
    code = get_json(f"{service}/collections/district/items")["features"][0]
    (inside,) = get_json(f"{service}/values/district/people?area={code['id']}")["ids"]
    assert inside == code["properties"]["number"]


def test_codings_are_chosen_and_each_is_asked_for_again(service: str) -> None:
    source = get_json(f"{service}/tiles/grid.json")
    url = source["tiles"][0].format(**SCHEMES["xyz"].tile_at(*LANDMARK, 14)._asdict())
    sizes, tags = {}, set()
    for coding in ("identity", "gzip", "br", "zstd"):
        for _ in range(3):
            _, headers, body = get(url, **{"Accept-Encoding": coding})
        assert headers.get("Content-Encoding", "identity") == coding
        sizes[coding] = len(body)
        tags.add(headers["ETag"])
        with pytest.raises(urllib.error.HTTPError) as caught:
            get(url, **{"Accept-Encoding": coding, "If-None-Match": headers["ETag"]})
        assert caught.value.code == 304
        caught.value.close()
    assert len(tags) == 4
    assert max(sizes[coding] for coding in ("gzip", "br", "zstd")) < 0.8 * sizes["identity"]


def test_tiles_of_the_past_stay_and_the_tilejson_is_never_stale(toy: Path, tmp_path: Path) -> None:
    """An edition is published while a service with a folder of tiles runs, which is then started anew."""
    home, folder = tmp_path / "home", tmp_path / "folder"
    shutil.copytree(toy, home)
    square = SCHEMES["xyz"].tile_at(*place(1, 3), 12)._asdict()
    begin = datetime.now(UTC)
    with served(home, "--tile-cache-dir", str(folder)) as service:
        source, tag = get_json(f"{service}/tiles/grid.json"), get(f"{service}/tiles/grid.json")[1]["ETag"]
        first = get(source["tiles"][0].format(**square))[2]
        load_areas(renamed(tmp_path / "renamed.geojson", "新网格"), home, keep=False, author="me")
        waited_until = time.monotonic() + PATIENCE_S
        while (fresh := get_json(f"{service}/tiles/grid.json"))["edition"] == 1:
            assert time.monotonic() < waited_until
            time.sleep(0.1)
        assert fresh["token"] != source["token"]
        assert get(f"{service}/tiles/grid.json", **{"If-None-Match": tag})[0] == 200
        assert "新网格".encode() in get(fresh["tiles"][0].format(**square))[2]
        assert get(source["tiles"][0].format(**square))[2] == first
        past = begin.isoformat().replace("+", "%2B")
        assert get_json(f"{service}/tiles/grid.json?edition=1") == source
        assert get_json(f"{service}/tiles/grid.json?datetime={past}") == source
    files = {path.relative_to(folder).parts[0] for path in folder.rglob("*.tile")}
    assert files == {source["token"], fresh["token"]}
    with served(home, "--tile-cache-dir", str(folder)) as service:
        path = source["tiles"][0].partition("/tiles/")[2].format(**square)
        assert get(f"{service}/tiles/{path}")[2] == first  # of an edition that is past now
        assert get_json(f"{service}/tiles/grid.json")["token"] == fresh["token"]
