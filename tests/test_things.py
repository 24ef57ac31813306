"""Things from files: every row is kept or refused with line and reason, and what is kept can be stored."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gridmap import crs
from gridmap.boundaries import delimited, fields, sources, spots
from gridmap.boundaries.fields import THINGS
from gridmap.boundaries.residents import Residents, follow_buildings, households_in
from gridmap.boundaries.sorting import in_order, later_copies
from gridmap.boundaries.things import Rejection, Things, read_things
from gridmap.city import devices as city_devices
from gridmap.city import forms
from gridmap.errors import InputError, NotFoundError
from gridmap.kernels.records import record_starts
from gridmap.store.home import Home

if TYPE_CHECKING:
    from collections.abc import Sequence

BUILDINGS = ["B1", "B2", "B3"]


def put(path: Path, *lines: str, encoding: str = "utf-8", end: str = "\n") -> Path:
    path.write_bytes((end.join(lines) + end).encode(encoding))
    return path


def devices(path: Path, *lines: str, **options: Any) -> Things:
    return read_things("devices", put(path, "code,kind,lon,lat", *lines), crs="wgs84", **options)


def refusal(call: Any, *args: Any, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        call(*args, **options)
    return str(caught.value)


# Records: one exact pass over the bytes


@settings(deadline=None)  # the kernel is compiled first
@given(st.text(alphabet='a,"\n\r', max_size=40), st.integers(0, 40))
def test_records_begin_where_the_csv_module_says(text: str, cut: int) -> None:
    """Lines and records as the reader of the standard library counts them, in one piece or in two."""
    reader = csv.reader(io.StringIO(text, newline=""))
    expected, before = [], 0
    for row in reader:
        if row:
            expected.append(before)
        before = reader.line_num
    octets = text.encode()
    _, lines, end, _ = record_starts(octets, ",", whole=True)
    assert lines.tolist() == expected
    first = record_starts(octets[:cut], ",", whole=False)
    rest = record_starts(octets[first[2] :], ",", whole=True)
    assert [*first[1].tolist(), *(rest[1] + first[3]).tolist()] == expected
    assert end <= len(octets)


# Stories


def test_good_rows_are_kept_and_bad_ones_named(tmp_path: Path) -> None:
    found = devices(
        tmp_path / "devices.csv",
        "D2,smoke,106.5,29.5",
        "D1,door,106.6,29.6",
        "",
        "D3,toaster,106.5,29.5",
        ",smoke,106.5,29.5",
        "D4,smoke,nan,29.5",
        "D5,smoke,29.5,106.5",
        "D6,smoke,far,",
        "D1,sos,106.6,29.6",
        "D7,smoke,106.5",
        'D8,smoke,"106.5","29.5"',
    )
    assert found.table.to_pylist() == [
        {"code": "D1", "kind": "door", "x": 1_066_000_000, "y": 296_000_000, "building": None},
        {"code": "D2", "kind": "smoke", "x": 1_065_000_000, "y": 295_000_000, "building": None},
        {"code": "D8", "kind": "smoke", "x": 1_065_000_000, "y": 295_000_000, "building": None},
    ]
    words = ", ".join(fields.DEVICE_KINDS)
    assert found.unit == "line"
    assert found.rejections() == [
        Rejection(5, f"kind: 'toaster' is none of {words}"),
        Rejection(6, "code: is empty"),
        Rejection(7, "lon: 'nan' is no number"),
        Rejection(8, "lat: '106.5' is no latitude from -90 to 90; are lon and lat the wrong way round?"),
        Rejection(9, "lon: 'far' is no number; lat: is empty"),
        Rejection(10, "code: 'D1' stands in line 3 already"),
        Rejection(11, "has 3 values, the header has 4"),
    ]
    assert found.rejections(1) == found.rejections()[:1]


def test_households_find_their_buildings_and_take_defaults(tmp_path: Path) -> None:
    path = put(
        tmp_path / "h.csv",
        "楼栋,人数,室",
        "B3,2,1203",
        "B1,4,",
        "B9,1,101",
        "B1,2.0,7",
        "B2,-1,1",
        "B2,1.5,1",
    )
    named = {"building": "楼栋", "people": "人数", "room": "室"}
    found = read_things("households", path, named, known={"buildings": BUILDINGS})
    assert found.table.to_pydict() == {
        "building": [0, 0, 2],
        "unit": [1, 1, 1],
        "floor": [1, 1, 1],
        "room": [0, 7, 1203],
        "people": [4, 2, 2],
    }
    assert found.rejections() == [
        Rejection(4, "building: 'B9' is none of the buildings here"),
        Rejection(6, "people: '-1' is not from 0 to 65535"),
        Rejection(7, "people: '1.5' is no whole number"),
    ]


def test_households_by_row(tmp_path: Path) -> None:
    path = put(tmp_path / "h.csv", "building_row,people", "2,1", "3,1", "-1,2", "0,5")
    found = read_things("households", path, known={"buildings": BUILDINGS})
    assert found.table.column("building").to_pylist() == [0, 2]
    assert [each.line for each in found.rejections()] == [3, 4]
    both = put(tmp_path / "both.csv", "building_row,building,people", "2,B1,1")
    assert read_things("households", both, known={"buildings": BUILDINGS}).table["building"].to_pylist() == [
        0
    ]
    asked = read_things("households", both, {"building_row": "building_row"}, known={"buildings": BUILDINGS})
    assert asked.table["building"].to_pylist() == [2]
    assert "no buildings are stored" in refusal(read_things, "households", both)


def test_staff_and_buildings_refer_to_what_is_there(tmp_path: Path) -> None:
    path = put(tmp_path / "s.csv", "code,grid,role,person", "S1,G1,网格长,P1", "S2,G9,网格长,P2", "S3,G1,,P3")
    found = read_things("staff", path, known={"grids": ["G1"]})
    assert found.table.to_pylist() == [
        {"code": "S1", "grid": "G1", "role": "网格长", "person": "P1", "shift": ""}
    ]
    assert [str(each.reason) for each in found.rejections()] == [
        "grid: 'G9' is none of the grids here",
        "role: is empty",
    ]
    assert read_things("staff", path).table.num_rows == 2  # nothing known: every grid is believed
    inside = put(
        tmp_path / "d.csv", "code,kind,lon,lat,building", "D1,smoke,106.5,29.5,B1", "D2,smoke,1,2,B9"
    )
    found = read_things("devices", inside, crs="wgs84", known={"buildings": BUILDINGS})
    assert found.table["building"].to_pylist() == ["B1"]
    assert found.rejections()[0].reason == "building: 'B9' is none of the buildings here"


def test_lines_count_quoted_newlines_and_blank_lines(tmp_path: Path) -> None:
    text = 'code,lon,lat,name\r\n\r\nB1,106.5,29.5,"a\r\nb\n""c"""\r\n'
    text += 'B2,x,29.5,n\r\n\n\nB3,106.5,29.5\r\nB4,1,2,"é"'
    path = tmp_path / "b.csv"
    path.write_bytes(text.encode())
    found = read_things("buildings", path, crs="wgs84")
    assert found.table["code"].to_pylist() == ["B1", "B4"]
    assert found.table["name"].to_pylist() == ['a\r\nb\n"c"', "é"]
    assert [each.line for each in found.rejections()] == [6, 9]


def test_a_file_in_small_blocks_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f'B{i:04},106.{i % 10},29.{i % 7},"line one\nline {i}"' for i in range(300)]
    rows[77] = "B0077,here,29.1,x"
    path = put(tmp_path / "b.csv", "code,lon,lat,name", *rows)
    whole = read_things("buildings", path, crs="wgs84")
    monkeypatch.setattr(sources, "CsvSource", lambda path: delimited.CsvSource(path, block=100))
    pieces = read_things("buildings", path, crs="wgs84")
    assert pieces.table.equals(whole.table)
    assert pieces.rejections() == whole.rejections() == [Rejection(2 + 2 * 77, "lon: 'here' is no number")]


def test_parquet_rows_are_counted_from_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table(
        {
            "楼": pa.array(["B1", "B2", None, "B3"]).dictionary_encode(),
            "people": pa.array([1.0, float("nan"), 2.0, 3.0]),
            "floor": pa.array([1, 2, 3, None], pa.int64()),
        }
    )
    pq.write_table(table, tmp_path / "h.parquet")
    options: dict[str, Any] = {"known": {"buildings": BUILDINGS}}
    found = read_things("households", tmp_path / "h.parquet", {"building": "楼"}, **options)
    assert found.unit == "row"
    assert found.table["building"].to_pylist() == [0, 2]
    assert found.table["floor"].to_pylist() == [1, 1]
    assert found.rejections() == [
        Rejection(2, "people: 'nan' is no whole number"),
        Rejection(3, "building: is empty"),
    ]
    monkeypatch.setattr(sources, "ParquetSource", lambda path: real(path, batch_rows=1))
    again = read_things("households", tmp_path / "h.parquet", {"building": "楼"}, **options)
    assert again.table.equals(found.table)
    assert again.rejections() == found.rejections()


real = sources.ParquetSource


# Encodings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
def test_chinese_in_every_usual_encoding(tmp_path: Path, encoding: str) -> None:
    path = put(
        tmp_path / "b.csv", "编码,lon,lat,name", "B1,106.5,29.5,解放碑大厦", encoding=encoding, end="\r\n"
    )
    found = read_things("buildings", path, {"code": "编码"}, crs="gcj02")
    assert found.table["name"].to_pylist() == ["解放碑大厦"]
    assert not found.rejections()


def test_an_encoding_is_decided_by_the_first_text_that_is_not_ascii(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"B{i},106.5,29.5,plain" for i in range(50)]
    path = put(tmp_path / "b.csv", "code,lon,lat,name", *rows, "Z,106.5,29.5,磁器口", encoding="gb18030")
    monkeypatch.setattr(sources, "CsvSource", lambda path: delimited.CsvSource(path, block=64))
    assert read_things("buildings", path, crs="wgs84").table["name"].to_pylist()[-1] == "磁器口"


def test_a_damaged_text_is_a_refused_row(tmp_path: Path) -> None:
    lines = [f"B{i},106.5,29.5,渝中区{i}号".encode() for i in range(5)]
    lines[3] = lines[3].replace("渝".encode(), b"\xff\xfe\xfd")
    (tmp_path / "b.csv").write_bytes(b"\n".join([b"code,lon,lat,name", *lines]))
    found = read_things("buildings", tmp_path / "b.csv", crs="wgs84")
    assert found.table["name"].to_pylist() == [f"渝中区{i}号" for i in (0, 1, 2, 4)]
    (only,) = found.rejections()
    assert only.line == 5
    assert "characters that are lost" in only.reason


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n\r\n", "is empty"),
        (b"code,lon,lat,kind\n", "has no rows"),
        ("code,lon,lat,kind\nD1,1,2,door\n".encode("utf-16"), "is UTF-16"),
        (b"PK\x03\x04 sheet", "is a spreadsheet"),
        (b"code,lon\0,lat", "is no text"),
        (b"code,lon,lat,kind\nD\xff\xff,1,2,door\n", "neither UTF-8 nor GB18030"),
        (b"code,lon,kind\nD1,1,door\n", "has no column lat"),
        (b"code,lon,lon,lat,kind\nD1,1,1,1,door\n", "has 2 columns 'lon'"),
        (b"a;b\n1;2\n", "has no column lon and lat"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_name(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes(content)
    text = refusal(read_things, "devices", path, crs="wgs84")
    assert text.startswith(f"{path}: ")
    assert said in text


def test_a_quote_that_is_never_closed_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"D{i},smoke,106.5,29.5" for i in range(200)]
    path = put(tmp_path / "d.csv", "code,kind,lon,lat", 'D,"smoke,1,2', *rows)
    monkeypatch.setattr(delimited, "LONGEST", 500)
    monkeypatch.setattr(sources, "CsvSource", lambda path: delimited.CsvSource(path, block=100))
    assert "line 2: a quote is opened here and never closed" in refusal(
        read_things, "devices", path, crs="wgs84"
    )


def test_other_mistakes_of_the_whole_file(tmp_path: Path) -> None:
    good = put(tmp_path / "d.csv", "code,kind,lon,lat", "D1,smoke,1,2")
    assert "there is no such file" in refusal(read_things, "devices", tmp_path / "none.csv")
    assert "is of no known type" in refusal(read_things, "devices", put(tmp_path / "d.xls", "x"))
    assert "no Parquet file" in refusal(read_things, "devices", put(tmp_path / "d.parquet", "x"))
    assert "buildings, households, devices, staff" in refusal(read_things, "trees", good)
    assert "devices have no field 'height'" in refusal(read_things, "devices", good, {"height": "z"})
    assert "has no columns 'L'" in refusal(read_things, "devices", good, {"lon": "L"}, crs="wgs84")
    assert "the datum must be named" in refusal(read_things, "devices", good)
    named = {"x": "lon", "y": "lat"}
    assert "have no datum to name" in refusal(read_things, "devices", good, named, crs="wgs84")
    assert "not for both" in refusal(read_things, "devices", good, named | {"lon": "lon"}, crs="wgs84")
    assert "--column lat=COLUMN" in refusal(
        read_things, "devices", put(tmp_path / "e.csv", "code,kind,lon", "D1,smoke,1"), crs="wgs84"
    )


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("code", pa.array([1, 2]), "holds int64, but code is a text"),
        ("lon", pa.array([True, False]), "holds bool, but lon is a number"),
        ("lat", pa.array([0, 1], pa.timestamp("s")), "holds timestamp"),
    ],
)
def test_a_column_of_a_wrong_type_is_a_mistake_of_the_file(
    tmp_path: Path, column: str, values: Any, said: str
) -> None:
    table = {"code": ["a", "b"], "kind": ["door", "door"], "lon": [1.0, 2.0], "lat": [1.0, 2.0]}
    pq.write_table(pa.table(table | {column: values}), tmp_path / "d.parquet")
    text = refusal(read_things, "devices", tmp_path / "d.parquet", crs="wgs84")
    assert said in text
    assert f"column '{column}'" in text


# Places


@pytest.mark.parametrize("datum", ["wgs84", "cgcs2000", "gcj02", "bd09", "EPSG:4524"])
def test_places_of_every_datum_come_to_the_same_point(tmp_path: Path, datum: str) -> None:
    lons, lats = np.array([106.577, 106.6]), np.array([29.559, 29.6])
    xs, ys = crs.from_lonlat(lons, lats, datum)
    rows = [f"D{i},smoke,{x!r},{y!r}" for i, (x, y) in enumerate(zip(xs.tolist(), ys.tolist(), strict=True))]
    path = put(tmp_path / "d.csv", "code,kind,E,N", *rows)
    found = read_things("devices", path, {"lon": "E", "lat": "N"}, crs=datum)
    assert np.abs(found.table["x"].to_numpy() - lons * 1e7).max() <= 1
    assert np.abs(found.table["y"].to_numpy() - lats * 1e7).max() <= 1


def test_single_places_beyond_a_projection_are_refused_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    xs, ys = crs.from_lonlat(np.full(40, 106.5), np.linspace(29, 30, 40), "EPSG:4524")
    rows = [f"D{i:02},smoke,{x},{y}" for i, (x, y) in enumerate(zip(xs, ys, strict=True))]
    rows[11], rows[30] = "D11,smoke,9e8,9e8", "D30,smoke,3600000,-9e8"
    path = put(tmp_path / "d.csv", "code,kind,lon,lat", *rows)
    found = read_things("devices", path, crs="epsg:4524")
    assert found.table.num_rows == 38
    assert [each.line for each in found.rejections()] == [13, 32]
    assert "no place in EPSG:4524" in found.rejections()[0].reason
    monkeypatch.setattr(spots, "MOST_ASTRAY", 1)
    assert "name the datum that they are in" in refusal(read_things, "devices", path, crs="epsg:4524")


# The table of fields


def test_every_kind_makes_the_columns_that_the_city_makes(yuzhong: Path, tmp_path: Path) -> None:
    """A city written out and read in again is the same city."""
    with Home.open(yuzhong).store() as store:
        buildings, households = store.columns("buildings"), store.columns("households")
        put_devices, staff = store.devices(), store.staff()
    known: dict[str, Any] = {"buildings": buildings["code"], "grids": {each.grid for each in staff}}
    pq.write_table(buildings, tmp_path / "b.parquet")
    back = read_things("buildings", tmp_path / "b.parquet", {"x": "x", "y": "y"})
    plain = buildings.schema.remove_metadata()
    for name in ("community", "use"):  # only the numbers of the words differ
        plain = plain.set(plain.get_field_index(name), pa.field(name, pa.string()))
    assert back.table.schema.equals(buildings.schema)
    assert back.table.cast(plain).equals(buildings.cast(plain))
    pq.write_table(households, tmp_path / "h.parquet")
    back = read_things("households", tmp_path / "h.parquet", {"building_row": "building"}, known=known)
    assert back.table.cast(households.schema).equals(households)
    for kind, rows, mapping in (("devices", put_devices, {"x": "x", "y": "y"}), ("staff", staff, {})):
        columns = {name: [getattr(each, name) for each in rows] for name in THINGS[kind].stored}
        pq.write_table(pa.table(columns), tmp_path / "t.parquet")
        found = read_things(kind, tmp_path / "t.parquet", mapping, known=known)
        assert found.table.to_pydict() == columns
        assert found.refused.num_rows == 0


def test_the_words_are_those_of_the_city() -> None:
    assert tuple(kind.name for kind in city_devices.KINDS) == fields.DEVICE_KINDS
    assert forms.USES == fields.USES


def test_the_table_of_fields_is_sound() -> None:
    for kind in THINGS.values():
        names = [field.name for field in kind.fields]
        assert len(set(names)) == len(names)
        assert set(kind.stored) <= {*names, "x", "y"}
        assert set(kind.order) <= set(kind.stored)
        for group in kind.either:
            assert set(group) <= set(names)
        for field in kind.fields:
            assert field.help
            if field.form != "text":
                assert field.low < field.high, field
            if field.form == "text" and not field.required and kind.name != "devices":
                assert field.default is not None, field


def test_the_store_takes_what_was_read(tmp_path: Path) -> None:
    path = put(tmp_path / "b.csv", "code,lon,lat", "B2,106.5,29.5", "B1,106.6,29.6")
    with Home.create(tmp_path / "home").store() as store:
        found = read_things("buildings", path, crs="wgs84")
        assert store.put_columns("buildings", found.table, synthetic=False).rows == 2
        codes = store.columns("buildings", ["code"])["code"]
        rows = put(tmp_path / "h.csv", "building,people", "B2,3", "B1,2", "B2,1")
        homes = read_things("households", rows, known={"buildings": codes})
        store.put_columns("households", homes.table, synthetic=False)
        assert store.put_devices(devices(tmp_path / "d.csv", "D1,door,106.5,29.5").table) == 1
        posts = read_things("staff", put(tmp_path / "s.csv", "code,grid,role,person", "S1,G,r,p"))
        assert store.put_staff(posts.table) == 1
        shapes = np.array(
            [shapely.box(1064e6, 294e6, 1065e6, 296e6), shapely.box(0, 0, 1, 1), shapely.Polygon()]
        )
        assert households_in(store, shapes) == [Residents(2, 4), Residents(0, 0), Residents(0, 0)]


def test_refused_rows_are_written_for_a_spreadsheet(tmp_path: Path) -> None:
    found = devices(tmp_path / "d.csv", "D1,烤箱,1,2", 'D2,"a ""b""",1,2', "D3,sos,1,2")
    assert found.write_refused(tmp_path / "refused.csv") == 2
    data = (tmp_path / "refused.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows[0] == ["line", "reason"]
    assert [row[0] for row in rows[1:]] == ["2", "3"]
    assert rows[1][1].startswith("kind: '烤箱' is none of")
    clean = devices(tmp_path / "d.csv", "D3,sos,1,2")
    assert clean.write_refused(tmp_path / "refused.csv") == 0


def test_progress_goes_to_the_end(tmp_path: Path) -> None:
    shares: list[float] = []
    devices(tmp_path / "d.csv", "D1,door,1,2", progress=lambda _step, share: shares.append(share))
    assert shares[-1] == pytest.approx(1)


# Properties

cells = st.one_of(
    st.sampled_from(
        ["B1", "B2", "B9", "", " ", "nan", "inf", "1e3", "-3", "2.5", "70000", "007", '"', "a,b", "x\ny"]
    ),
    st.integers(-20, 300).map(str),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=12), st.booleans())
def test_kept_and_refused_are_all_rows(
    tmp_path_factory: pytest.TempPathFactory, rows: Sequence[tuple[str, ...]], blank: bool
) -> None:
    """Against a slow reading of the same file, value by value."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["building", "floor", "people"])
    lines = []
    for row in rows:
        if blank:
            out.write("\n")
        lines.append(out.getvalue().replace("\r\n", "\n").count("\n") + 1)
        writer.writerow(row)
    path = tmp_path_factory.mktemp("things") / "h.csv"
    path.write_bytes(out.getvalue().encode())
    found = read_things("households", path, known={"buildings": BUILDINGS})
    good, bad = [], []
    for line, (building, floor, people) in zip(lines, rows, strict=True):
        level = _whole(floor or "1", -9, 200) if floor.strip() else 1
        count = _whole(people, 0, 65535)
        if building.strip() in BUILDINGS and level is not None and count is not None:
            good.append((BUILDINGS.index(building.strip()), level, count))
        else:
            bad.append(line)
    assert [each.line for each in found.rejections()] == bad
    table = found.table.to_pydict()
    kept = list(zip(table["building"], table["floor"], table["people"], strict=True))
    assert kept == sorted(good, key=lambda row: row[:2])


@settings(deadline=None)
@example(b"\xef\xbb\xbf", 20)
@given(
    st.one_of(st.binary(max_size=60), st.text(alphabet='1B,"\n\r\t渝 ', max_size=60).map(str.encode)),
    st.integers(20, 90),
)
def test_any_bytes_are_read_or_refused_and_no_row_is_lost(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, block: int
) -> None:
    path = tmp_path_factory.mktemp("any") / "h.csv"
    path.write_bytes(b"building,people\n" + data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "CsvSource", lambda path: delimited.CsvSource(path, block=block))
        try:
            found = read_things("households", path, known={"buildings": BUILDINGS})
        except InputError:
            return
    records = record_starts(path.read_bytes(), ",", whole=True)[1] + 1
    lines = [each.line for each in found.rejections()]
    blank = {n for n, line in enumerate(path.read_bytes().splitlines(), 1) if not line.strip()}
    assert len(lines) + found.table.num_rows >= len(set(records.tolist()[1:]) - blank)
    assert set(lines) <= set(records.tolist()[1:])


def _whole(text: str, low: int, high: int) -> int | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number in range(low, high + 1) else None


@given(st.lists(st.sampled_from("abcdef"), max_size=30))
def test_later_copies_are_those_whose_value_was_there(values: list[str]) -> None:
    copies, originals = later_copies(pa.chunked_array([pa.array(values, pa.string())]))
    expected = [i for i, value in enumerate(values) if value in values[:i]]
    assert copies.tolist() == expected
    assert originals.tolist() == [values.index(values[i]) for i in expected]


@given(
    st.lists(st.tuples(st.integers(-(2**62), 2**62), st.integers(-9, 9), st.text(max_size=2)), max_size=20)
)
def test_rows_in_order_are_sorted_and_stable(rows: list[tuple[int, int, str]]) -> None:
    big, small, texts = ([row[i] for row in rows] for i in range(3))
    types = (pa.int64(), pa.int16(), pa.string(), pa.int64())
    arrays = [pa.array(v, t) for v, t in zip((big, small, texts, range(len(rows))), types, strict=True)]
    table = pa.table(dict(zip(("big", "small", "text", "at"), arrays, strict=True)))
    assert in_order(table, ("small", "big"))["at"].to_pylist() == sorted(
        range(len(rows)), key=lambda i: (small[i], big[i])
    )
    assert in_order(table, ("small",))["at"].to_pylist() == sorted(range(len(rows)), key=lambda i: small[i])
    keys: list[str] = in_order(table, ("text",))["text"].to_pylist()
    assert [key.encode() for key in keys] == sorted(row[2].encode() for row in rows)


# Residents


def a_store(**tables: Any) -> Any:
    def columns(kind: str, names: Sequence[str] | None = None) -> Any:
        if kind not in tables:
            raise NotFoundError(kind)
        return tables[kind] if names is None else tables[kind].select(names)

    return SimpleNamespace(columns=columns)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_residents_as_counted_one_by_one(seed: int) -> None:
    random = np.random.default_rng(seed)
    scale = int(random.choice([1, 10_000]))  # within one cell of the search, or over several
    xs, ys = (random.integers(-2, 12, (2, 30)) * scale).astype(np.int32)
    of = random.integers(0, 30, 50).astype(np.int32)
    people = random.integers(0, 7, 50).astype(np.uint16)
    shapes = np.array([shapely.box(*random.integers(-2, 6, 2), *random.integers(6, 12, 2)) for _ in range(4)])
    shapes[0] = shapely.difference(shapes[0], shapely.box(4, 4, 7, 7))
    shapes = shapely.transform(shapes, lambda xy: xy * scale)
    store = a_store(
        buildings=pa.table({"x": xs, "y": ys}), households=pa.table({"building": of, "people": people})
    )
    expected = []
    for shape in shapes:
        inside = [bool(shape.covers(shapely.Point(x, y))) for x, y in zip(xs, ys, strict=True)]
        living = [int(p) for p, b in zip(people, of, strict=True) if inside[b]]
        expected.append(Residents(len(living), sum(living)))
    assert households_in(store, shapes) == expected


def test_residents_need_households() -> None:
    with pytest.raises(NotFoundError):
        households_in(a_store(), np.array([shapely.box(0, 0, 1, 1)]))


def test_households_follow_their_buildings(tmp_path: Path) -> None:
    path = put(tmp_path / "h.csv", "building,people", "B1,1", "B2,2", "B3,3", "B1,4")
    old, new = (pa.chunked_array([pa.array(codes)]) for codes in (BUILDINGS, ["A", "B3", "B1"]))
    before = read_things("households", path, known={"buildings": old}).table
    after, lost = follow_buildings(before, old, new)
    assert after.schema == before.schema
    assert (after["building"].to_pylist(), after["people"].to_pylist(), lost) == ([1, 2, 2], [3, 1, 4], 1)
