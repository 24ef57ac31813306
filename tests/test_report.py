"""Findings as GeoJSON: nothing lost, valid for RFC 7946, opened by the reader that QGIS uses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas
import pytest
import town
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmap.boundaries.areas import read_areas
from gridmap.boundaries.report import Places, write_findings
from gridmap.coverage.proof import examine
from gridmap.errors import InputError
from gridmap.model import Finding

TOYTOWN = Path(__file__).parents[1] / "data" / "toytown" / "toytown.geojson"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
places = st.one_of(
    st.just((None, None)), st.tuples(st.floats(-180, 180, width=32), st.floats(-90, 90, width=32))
)
any_finding = st.builds(
    lambda rule, codes, place, size, text: Finding(
        rule, "grid", tuple(codes), place[0], place[1], size, text
    ),
    texts,
    st.lists(st.from_regex(r"[A-Za-z0-9-]{1,15}", fullmatch=True), max_size=4),
    places,
    st.floats(0, 1e12),
    texts,
)


def written(found: list[Finding], path: Path) -> dict[str, Any]:
    assert write_findings(found, town.toytown(), path) == len(found)
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


@settings(deadline=None)
@given(st.lists(any_finding, max_size=5))
def test_every_finding_comes_back(tmp_path_factory: pytest.TempPathFactory, found: list[Finding]) -> None:
    document = written(found, tmp_path_factory.mktemp("report") / "findings.geojson")
    assert set(document) == {"type", "features"}
    back = []
    for feature in document["features"]:
        geometry, said = feature["geometry"], feature["properties"]
        lon, lat = (None, None) if geometry is None else geometry["coordinates"]
        codes = tuple(said["codes"].split())
        back.append(Finding(said["rule"], said["level"], codes, lon, lat, said["size_m2"], said["text"]))
    assert back == found
    assert [feature["id"] for feature in document["features"]] == list(range(1, len(found) + 1))


def test_a_missing_school_is_a_point_with_names_around(tmp_path: Path) -> None:
    document = json.loads(TOYTOWN.read_text(encoding="utf-8"))
    document["features"] = [f for f in document["features"] if f["properties"]["name"] != "玩具小学"]
    damaged = tmp_path / "damaged.geojson"
    damaged.write_text(json.dumps(document), encoding="utf-8")
    partition = read_areas(damaged).partition()
    proof = examine(partition)
    assert write_findings(proof.findings, partition, tmp_path / "found.geojson") == len(proof.findings) > 0
    frame = geopandas.read_file(tmp_path / "found.geojson")
    assert list(frame.columns) == ["rule", "level", "codes", "within", "size_m2", "text", "geometry"]
    assert str(frame.crs) == "EPSG:4326"
    assert frame["within"][0] == "玩具区 东街街道 学府社区"
    assert frame["codes"][0].split()[0] == "500999001001001"
    assert (round(frame.geometry[0].x, 3), round(frame.geometry[0].y, 3)) == (106.501, 29.503)


def test_a_finding_without_a_place_keeps_its_row(tmp_path: Path) -> None:
    found = [Finding("no_shape", "grid", ("500999001001001",), None, None, 0.0, "It has no area.")]
    write_findings(found, town.toytown(), tmp_path / "f.geojson")
    frame = geopandas.read_file(tmp_path / "f.geojson")
    assert frame.geometry.isna().tolist() == [True]
    assert frame["text"].tolist() == ["It has no area."]


def test_names_around_an_area_stop_where_nobody_is_known() -> None:
    places = Places(town.toytown())
    assert places.within(["500999001001002"]) == "玩具区 东街街道 学府社区"
    assert places.within(["nobody", "500999001"]) == "玩具区"
    assert places.within(["500999"]) == "玩具区"
    assert places.within(["nobody"]) == ""
    assert places.within([]) == ""


def test_what_cannot_be_written_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_findings([], town.toytown(), tmp_path / "no such folder" / "f.geojson")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        write_findings([], town.toytown(), tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_failure_on_the_way_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "f.geojson"
    path.write_text("old", encoding="utf-8")
    bad = Finding("gap", "grid", (), 1.0, 2.0, float("nan"), "size is no number")
    with pytest.raises(ValueError, match="JSON"):
        write_findings([bad], town.toytown(), path)
    assert path.read_text(encoding="utf-8") == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["f.geojson"]
