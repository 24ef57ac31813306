"""Publishing: what is refused leaves the home as it was; what is kept says that it is unproven."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gridmap.boundaries.areas import write_areas
from gridmap.coverage.proof import examine
from gridmap.errors import ConflictError, InputError, RefusedError
from gridmap.publishing import load_areas
from gridmap.store.home import Home
from gridmap.twin import Twin, current_partition

TOYTOWN = Path(__file__).parents[1] / "data" / "toytown" / "toytown.geojson"


def damaged(path: Path, code: str) -> Path:
    """Toytown without one of its areas."""
    document: dict[str, Any] = json.loads(TOYTOWN.read_text(encoding="utf-8"))
    document["features"] = [f for f in document["features"] if f["properties"]["code"] != code]
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_toytown_becomes_edition_one(tmp_path: Path) -> None:
    loaded = load_areas(TOYTOWN, tmp_path / "home", keep=False, author="me")
    edition, proof = loaded.edition, loaded.proof
    assert (edition.number, edition.base, edition.proven, edition.author) == (1, None, True, "me")
    assert proof.proven
    assert Twin.open(tmp_path / "home").current.edition == edition


def test_the_same_areas_again_publish_nothing(tmp_path: Path) -> None:
    first = load_areas(TOYTOWN, tmp_path / "home", keep=False, author="me").edition
    again = load_areas(TOYTOWN, tmp_path / "home", keep=False, author="somebody else").edition
    assert again == first


def test_a_refused_file_leaves_the_home_as_it_was(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = load_areas(TOYTOWN, home, keep=False, author="me").edition
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    with pytest.raises(RefusedError, match="no proven partition") as refused:
        load_areas(damaged(tmp_path / "bad.geojson", "500999001001901"), home, keep=False, author="me")
    assert [finding.rule for finding in refused.value.findings] == ["hole_without_filler"]
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before
    assert Twin.open(home).current.edition == first


def test_a_refused_file_makes_no_home(tmp_path: Path) -> None:
    with pytest.raises(RefusedError):
        load_areas(
            damaged(tmp_path / "bad.geojson", "500999001001901"), tmp_path / "home", keep=False, author=""
        )
    assert not (tmp_path / "home").exists()


def test_what_is_kept_is_unproven_and_finds_the_same_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    load_areas(TOYTOWN, home, keep=False, author="me")
    bad = damaged(tmp_path / "bad.geojson", "500999001001901")
    loaded = load_areas(bad, home, keep=True, author="me")
    edition, proof = loaded.edition, loaded.proof
    assert (edition.number, edition.base, edition.proven) == (2, 1, False)
    with Home.open(home).store() as store:
        found, partition = current_partition(store, home)
    assert found == edition
    assert examine(partition).findings == proof.findings
    assert Twin.open(home).current.locate(106.5011, 29.5031, "wgs84") is None


def test_a_file_of_an_earlier_edition_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    load_areas(TOYTOWN, home, keep=False, author="me")
    with Home.open(home).store() as store:
        edition, partition = current_partition(store, home)
    write_areas(partition, tmp_path / "one.parquet", checksum=edition.checksum)
    load_areas(damaged(tmp_path / "bad.geojson", "500999001001901"), home, keep=True, author="me")
    with pytest.raises(ConflictError, match="was exported from edition 1, but edition 2 is current"):
        load_areas(tmp_path / "one.parquet", home, keep=False, author="me")
    again = load_areas(tmp_path / "one.parquet", home, keep=False, author="me", over=True).edition
    assert (again.number, again.checksum) == (3, edition.checksum)


def test_a_file_of_another_city_is_refused(tmp_path: Path) -> None:
    load_areas(TOYTOWN, tmp_path / "home", keep=False, author="me")
    other = tmp_path / "other.geojson"
    other.write_text(TOYTOWN.read_text(encoding="utf-8").replace("500999", "500998"), encoding="utf-8")
    with pytest.raises(InputError, match="none of its 15 codes is in edition 1"):
        load_areas(other, tmp_path / "home", keep=False, author="me")
    assert load_areas(other, tmp_path / "elsewhere", keep=False, author="me").edition.number == 1
