"""`POST /locate`: four forms, one answer; rows in order, errors by row, limits told."""

from __future__ import annotations

import csv
import io
import json
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from checked import Checked
from webtown import HOLED, make_twin, place

from gridmap import crs
from tiles.web.batch_arrow import is_compressed

if TYPE_CHECKING:
    from gridmap.twin import Twin

ARROW = "application/vnd.apache.arrow.stream"
GEOJSON = "application/geo+json"


@pytest.fixture(name="twin", scope="module")
def _twin() -> Twin:
    return make_twin()


@pytest.fixture(name="web", scope="module")
def _web(twin: Twin) -> Checked:
    return Checked(twin)


def points(count: int, seed: int = 1) -> list[tuple[float, float]]:
    """Places in the town and around it."""
    found = np.random.default_rng(seed).uniform(place(-1, -1), place(9, 5), (count, 2)).round(7)
    return [(lon, lat) for lon, lat in found.tolist()]


def post(
    web: Checked, body: bytes | str, kind: str, query: str = "", status: int = 200, **headers: str
) -> bytes:
    data = body.encode() if isinstance(body, str) else body
    reply = web.ask(
        f"/locate{query}",
        status,
        "POST",
        data=data,
        content_type=kind,
        headers=dict(headers),
    )
    if status == 200:
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["Content-Type"].startswith(kind)
    return reply.get_data()


def refused(web: Checked, body: bytes | str, kind: str, query: str = "", status: int = 400) -> Any:
    return json.loads(post(web, body, kind, query, status))


def ask_json(web: Checked, value: object, query: str = "") -> Any:
    return json.loads(post(web, json.dumps(value), "application/json", query))


def ask_csv(web: Checked, text: str, query: str = "?crs=wgs84") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(post(web, text, "text/csv", query).decode())))


def stream(table: pa.Table, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        for batch in table.to_batches():
            writer.write_batch(batch)
    return bytes(sink.getvalue())


def ask_arrow(web: Checked, table: pa.Table, query: str = "?crs=wgs84") -> pa.Table:
    return pa.ipc.open_stream(post(web, stream(table), ARROW, query)).read_all()


def features(places: list[tuple[float, float]]) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "name": "mine",
        "features": [
            {
                "type": "Feature",
                "id": at,
                "geometry": {"type": "Point", "coordinates": [lon, lat]},
                "properties": {"n": at} if at % 2 else None,
            }
            for at, (lon, lat) in enumerate(places)
        ],
    }


# --- all forms say the same


def test_every_form_gives_what_one_by_one_gives(web: Checked, twin: Twin) -> None:
    places = points(500)
    for datum in ("wgs84", "gcj02", "bd09", "EPSG:4524"):
        lons, lats = crs.from_lonlat([lon for lon, _ in places], [lat for _, lat in places], datum)
        pairs = [[float(lon), float(lat)] for lon, lat in zip(lons, lats, strict=True)]
        expected = [twin.current.locate(lon, lat, datum) for lon, lat in pairs]
        assert None in expected
        assert len(set(expected)) > 6
        found = ask_json(web, {"crs": datum, "points": pairs})
        assert [row["code"] for row in found["results"]] == expected
        assert {(row["edition"], row["error"]) for row in found["results"]} == {(7, None)}
        assert (found["edition"], found["proven"]) == (7, True)
        text = "lon,lat\n" + "".join(f"{lon!r},{lat!r}\n" for lon, lat in pairs)
        assert [row["code"] or None for row in ask_csv(web, text, f"?crs={datum}")] == expected
        table = ask_arrow(web, pa.table({"lon": lons, "lat": lats}), f"?crs={datum}")
        assert table.column("code").to_pylist() == expected
        assert set(table.column("edition").to_pylist()) == {7}
        assert set(table.column("error").to_pylist()) == {None}
    sent = features(places)
    got = json.loads(post(web, json.dumps(sent), GEOJSON))
    assert [each["properties"]["code"] for each in got["features"]] == [
        twin.current.locate(lon, lat, "wgs84") for lon, lat in places
    ]


@pytest.mark.parametrize("level", ["district", "town", "community", "grid"])
def test_a_level_answers_the_areas_there(web: Checked, level: str) -> None:
    places = points(50)
    expected = [
        web.json(f"/locate?lon={lon}&lat={lat}&crs=wgs84&level={level}")["code"] for lon, lat in places
    ]
    pairs = [list(each) for each in places]
    inside = ask_json(web, {"crs": "wgs84", "points": pairs, "level": level})["results"]
    beside = ask_json(web, {"points": pairs}, f"?crs=wgs84&level={level}")["results"]
    assert [row["code"] for row in inside] == [row["code"] for row in beside] == expected
    text = "lon,lat\n" + "".join(f"{lon},{lat}\n" for lon, lat in places)
    assert [row["code"] or None for row in ask_csv(web, text, f"?crs=wgs84&level={level}")] == expected
    got = json.loads(post(web, json.dumps(features(places)), GEOJSON, f"?level={level}"))
    assert [each["properties"]["code"] for each in got["features"]] == expected


def test_nothing_asked_is_nothing_answered(web: Checked) -> None:
    assert ask_json(web, {"crs": "wgs84", "points": []})["results"] == []
    assert post(web, "lon,lat\n", "text/csv", "?crs=wgs84") == b"lon,lat,code,edition,error\n"
    assert post(web, "lon,lat", "text/csv", "?crs=wgs84") == b"lon,lat,code,edition,error\n"
    empty = pa.table({"lon": pa.array([], pa.float64()), "lat": pa.array([], pa.float64())})
    assert ask_arrow(web, empty).num_rows == 0
    assert json.loads(post(web, '{"type":"FeatureCollection","features":[]}', GEOJSON))["features"] == []


# --- bad rows


def test_a_bad_point_stops_nobody_else(web: Checked) -> None:
    lon, lat = place(0.5, 3.5)
    good = [lon, lat]
    bad = [
        [lon],
        [lon, lat, 3],
        [None, lat],
        ["1", lat],
        [True, lat],
        {},
        None,
        [181, lat],
        [lon, 91],
        [1e999, 1],
    ]
    mixed = [point for each in bad for point in (good, each)]
    results = ask_json(web, {"crs": "wgs84", "points": mixed})["results"]
    assert [row["code"] for row in results[::2]] == [HOLED] * len(bad)
    assert [row["error"] for row in results[::2]] == [None] * len(bad)
    assert [row["code"] for row in results[1::2]] == [None] * len(bad)
    assert all(row["error"] for row in results[1::2])
    assert "181" in results[15]["error"]


def test_bad_features_keep_their_place(web: Checked) -> None:
    lon, lat = place(0.5, 3.5)
    good = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [lon, lat, 250.5]},
        "properties": {"a": 1},
    }
    line = {"type": "LineString", "coordinates": [[lon, lat], [lon, lat]]}
    bad = [
        {"type": "Feature", "geometry": None, "properties": None},
        {"type": "Feature", "geometry": line, "properties": {"b": 2}},
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": []}, "properties": {}},
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [200, 1]}, "properties": {}},
        "nothing",
    ]
    sent = {"type": "FeatureCollection", "features": [good, *bad, good], "bbox": [1, 2, 3, 4]}
    got = json.loads(post(web, json.dumps(sent), GEOJSON))
    assert got["bbox"] == [1, 2, 3, 4]
    found = [each["properties"] for each in got["features"]]
    assert found[0] == found[-1] == {"a": 1, "code": HOLED, "edition": 7, "error": None}
    assert [each["code"] for each in found[1:-1]] == [None] * 5
    assert all(each["error"] for each in found[1:-1])
    assert got["features"][2]["geometry"] == line
    assert found[2]["b"] == 2


def test_a_table_comes_back_as_it_was_with_three_more(web: Checked) -> None:
    lon, lat = place(0.5, 3.5)
    rows = [
        f"007,{lon},{lat},1.50",
        f'"a ""b"", c",{lon},{lat}, x ',
        f'"two\nlines",{lon},{lat},',
        "x,abc,29,",
        "x,,29,",
        "x,200,29,",
        f"x,{lon},{lat}",
        f"x,{lon},{lat},,,",
        f"网格,{lon} , {lat},é",
        "x,0,0,last",
    ]
    text = "name,lon,lat,rest\n" + "\n".join(rows) + "\n"
    got = post(web, text, "text/csv", "?crs=wgs84").decode()
    lines = list(csv.reader(io.StringIO(got)))
    assert lines[0] == ["name", "lon", "lat", "rest", "code", "edition", "error"]
    for row, line, record in zip(rows, lines[1:], got.split("\n", 1)[1].split(",7,"), strict=False):
        assert line[:-3] == next(csv.reader(io.StringIO(row)))
        assert record
    assert [line[-3] for line in lines[1:]] == [HOLED, HOLED, HOLED, "", "", "", "", "", HOLED, ""]
    assert [line[-2] for line in lines[1:]] == ["7"] * 10
    assert [bool(line[-1]) for line in lines[1:]] == [False] * 3 + [True] * 5 + [False] * 2
    assert got.startswith("name,lon,lat,rest,code,edition,error\n" + rows[0] + f",{HOLED},7,\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_tables_of_spreadsheets_are_understood(
    web: Checked, encoding: str, delimiter: str, ending: str
) -> None:
    lon, lat = place(0.5, 3.5)
    rows = [["名称", "lon", "lat"], ["甲", str(lon), str(lat)], ["乙", "0", "0"]]
    text = ending.join(delimiter.join(row) for row in rows)
    got = post(web, text.encode(encoding), "text/csv", "?crs=wgs84").decode()
    found = list(csv.reader(io.StringIO(got, newline=""), delimiter=delimiter))
    assert [row[:3] for row in found] == rows
    assert [row[3] for row in found] == ["code", HOLED, ""]
    assert got.endswith(ending)


def test_random_tables_keep_their_cells(web: Checked, twin: Twin) -> None:
    chance = random.Random(5)
    places = points(400, seed=9)
    rows = [
        [
            "".join(chance.choices('ab,"\n\r ;é网', k=chance.randrange(6))),
            repr(lon),
            repr(lat),
            chance.choice(["", '"', "7"]),
        ]
        for lon, lat in places
    ]
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows([["a", "lon", "lat", "b"], *rows])
    got = post(web, out.getvalue(), "text/csv", "?crs=wgs84").decode()
    found = list(csv.reader(io.StringIO(got, newline="")))[1:]
    assert [row[:4] for row in found] == rows
    assert [row[4] or None for row in found] == [
        twin.current.locate(lon, lat, "wgs84") for lon, lat in places
    ]


def test_arrow_columns_of_many_kinds(web: Checked) -> None:
    lon, lat = place(0.5, 3.5)
    for kind in (
        pa.float64(),
        pa.string(),
        pa.large_string(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.decimal128(20, 7),
    ):
        lons = pa.array([str(lon), None, "200"], pa.string())
        lats = pa.array([str(lat), str(lat), str(lat)], pa.string())
        if pa.types.is_dictionary(kind):
            lons, lats = lons.dictionary_encode(), lats.dictionary_encode()
        else:
            lons, lats = lons.cast(kind), lats.cast(kind)
        table = ask_arrow(web, pa.table({"lon": lons, "lat": lats}))
        assert table.column("code").to_pylist() == [HOLED, None, None], kind
        errors = table.column("error").to_pylist()
        assert errors[0] is None
        assert "empty" in errors[1]
        assert "200" in errors[2]


def test_arrow_batches_and_what_they_carry_come_back(web: Checked) -> None:
    places = points(300)
    table = pa.table(
        {
            "id": pa.array(range(300), pa.int16()),
            "lat": [lat for _, lat in places],
            "tags": [["a", None]] * 300,
            "lon": [lon for lon, _ in places],
            "word": pa.array(["x", "y", None] * 100).dictionary_encode(),
        }
    ).replace_schema_metadata({"mine": "kept"})
    parts = pa.Table.from_batches(table.to_batches(max_chunksize=70))
    found = ask_arrow(web, parts)
    assert found.select(table.column_names).equals(table)
    assert found.schema.metadata == {b"mine": b"kept"}
    assert pa.types.is_dictionary(found.schema.field("code").type)
    whole = ask_arrow(web, table)
    assert found.column("code").to_pylist() == whole.column("code").to_pylist()
    assert len(whole.column("code").chunk(0).dictionary) < 10


# --- refusals


@pytest.mark.parametrize(
    ("body", "kind", "query", "name"),
    [
        ("", "application/json", "", "body"),
        ("[1]", "application/json", "", "body"),
        ("[" * 100_000, "application/json", "", "body"),
        ('{"points": []}', "application/json", "", "crs"),
        ('{"crs": "mars", "points": []}', "application/json", "", "crs"),
        ('{"crs": 4326, "points": []}', "application/json", "", "crs"),
        ('{"crs": "wgs84", "points": []}', "application/json", "?crs=wgs84", "crs"),
        ('{"crs": "wgs84"}', "application/json", "", "points"),
        ('{"crs": "wgs84", "points": {}}', "application/json", "", "points"),
        ('{"crs": "wgs84", "points": [], "datum": "x"}', "application/json", "", "datum"),
        ('{"crs": "wgs84", "points": [], "level": "x"}', "application/json", "", "level"),
        ("lon,lat\n1,2\n", "text/csv", "", "crs"),
        ("lon,lat\n1,2\n", "text/csv", "?crs=wgs84&level=x", "level"),
        ("lon,lat\n1,2\n", "text/csv", "?crs=wgs84&lon=x", "lon"),
        ("x,lat\n1,2\n", "text/csv", "?crs=wgs84", "lon"),
        ("lon,lat,lat\n1,2,3\n", "text/csv", "?crs=wgs84", "lat"),
        ("lon,lat,error\n1,2,3\n", "text/csv", "?crs=wgs84", "error"),
        ("", "text/csv", "?crs=wgs84", "body"),
        (b"\xff\xfe\xff\xff", "text/csv", "?crs=wgs84", "body"),
        ("{}", GEOJSON, "", "features"),
        ('{"type": "FeatureCollection", "features": []}', GEOJSON, "?crs=gcj02", "crs"),
        ('{"type": "FeatureCollection", "features": [{"x": NaN}]}', GEOJSON, "", "features"),
        (b"", ARROW, "?crs=wgs84", "body"),
        (b"not arrow at all", ARROW, "?crs=wgs84", "body"),
        (stream(pa.table({"lon": [1.0]})), ARROW, "?crs=wgs84", "lat"),
        (stream(pa.table({"lon": [1.0], "lat": [1.0], "code": [1]})), ARROW, "?crs=wgs84", "code"),
        (stream(pa.table({"lon": [[1.0]], "lat": [[1.0]]})), ARROW, "?crs=wgs84", "lon"),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_by_name(
    web: Checked, body: bytes | str, kind: str, query: str, name: str
) -> None:
    assert refused(web, body, kind, query)["parameter"] == name


def test_limits_are_told(web: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDMAP_BATCH_ROWS", "3")
    lon, lat = place(3, 3)
    table = pa.table({"lon": [lon] * 4, "lat": [lat] * 4})
    bodies: list[tuple[bytes | str, str]] = [
        (json.dumps({"crs": "wgs84", "points": [[lon, lat]] * 4}), "application/json"),
        ("lon,lat\n" + f"{lon},{lat}\n" * 4, "text/csv"),
        (json.dumps(features([(lon, lat)] * 4)), GEOJSON),
        (stream(table), ARROW),
    ]
    for body, kind in bodies:
        problem = refused(web, body, kind, "" if "json" in kind else "?crs=wgs84", 413)
        assert (problem["type"], problem["limit"]) == ("/problems#too-large", 3)
        assert "GRIDMAP_BATCH_ROWS" in problem["detail"]
        assert "3" in problem["detail_zh"]
    assert len(ask_json(web, {"crs": "wgs84", "points": [[lon, lat]] * 3})["results"]) == 3


def test_the_app_itself_knows_the_largest_body(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDMAP_BATCH_BYTES", "100")
    web = Checked(make_twin())
    assert web.app.body_limits["/locate"] == (100, "GRIDMAP_BATCH_BYTES")
    problem = refused(web, "lon,lat\n" + "1,2\n" * 50, "text/csv", "?crs=wgs84", 413)
    assert problem["limit"] == 100


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/vnd.apache.arrow.file"]
)
def test_other_types_are_415_with_those_that_are_taken(web: Checked, kind: str) -> None:
    problem = refused(web, "x", kind, status=415)
    assert problem["type"] == "/problems#other-media-type"
    for known in ("application/json", "text/csv", GEOJSON, ARROW):
        assert known in problem["detail"]


def test_compressed_bodies_are_415(web: Checked) -> None:
    table = pa.table(
        {"lon": [1.0] * 1000, "lat": [2.0] * 1000, "w": pa.array(["x"] * 1000).dictionary_encode()}
    )
    for codec in ("lz4", "zstd"):
        body = stream(table, compression=codec)
        assert "compress" in refused(web, body, ARROW, "?crs=wgs84", 415)["detail"]
    reply = web.ask(
        "/locate?crs=wgs84",
        415,
        "POST",
        data=b"x",
        content_type="text/csv",
        headers={"Content-Encoding": "gzip"},
    )
    assert b"Content-Encoding" in reply.get_data()


def test_compression_is_seen_in_every_message() -> None:
    table = pa.table({"lon": [1.0] * 100, "w": pa.array(["x"] * 100).dictionary_encode()})
    for codec in (None, "lz4", "zstd"):
        reader = pa.ipc.MessageReader.open_stream(pa.BufferReader(stream(table, compression=codec)))
        found = [(each.type, is_compressed(each.metadata.to_pybytes())) for each in reader]
        assert [kind for kind, _ in found] == ["schema", "dictionary", "record batch"]
        assert [packed for _, packed in found] == [False, codec is not None, codec is not None]


def test_broken_streams_are_refused_and_break_nothing(web: Checked) -> None:
    table = pa.table({"lon": [1.0] * 50, "lat": [2.0] * 50, "w": ["x", "yy"] * 25})
    whole = stream(table)
    chance = random.Random(7)
    for _ in range(300):
        broken = bytearray(whole[: chance.choice([len(whole), chance.randrange(len(whole))])])
        for _ in range(chance.randrange(1, 6)):
            if broken:
                broken[chance.randrange(len(broken))] = chance.randrange(256)
        reply = web.client.post("/locate?crs=wgs84", data=bytes(broken), content_type=ARROW)
        assert reply.status_code in (200, 400, 413, 415), reply.get_data()


def test_accept_is_honoured(web: Checked) -> None:
    body = '{"crs": "wgs84", "points": []}'
    for accept in ("*/*", "application/json", "application/*;q=0.1", "text/html, */*;q=0.1"):
        post(web, body, "application/json", Accept=accept)
    for accept in ("text/csv", "image/png, application/json;q=0"):
        problem = json.loads(post(web, body, "application/json", status=406, Accept=accept))
        assert problem["type"] == "/problems#not-acceptable"
        assert "application/json" in problem["detail"]


def test_options_and_other_methods(web: Checked) -> None:
    reply = web.ask("/locate", 204, "OPTIONS")
    assert reply.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert reply.headers["Access-Control-Allow-Headers"] == "Content-Type"
    assert web.ask("/locate", 405, "PUT").headers["Allow"] == "GET, HEAD, OPTIONS, POST"
