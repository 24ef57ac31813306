"""Publishing: what is refused leaves the home as it was; what is kept says that it is unproven."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from random_city import random_city
from town import toytown

from gridmap.boundaries.areas import write_areas
from gridmap.coverage.proof import examine
from gridmap.errors import ConflictError, InputError, RefusedError
from gridmap.lookup import read_edition
from gridmap.publishing import load_areas, publish
from gridmap.store.home import Home
from gridmap.twin import Twin

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridmap.model import Edition
    from gridmap.store.editions import EditionDraft
    from gridmap.store.store import Store

TOWN = toytown()
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
        found, partition = read_edition(store, home)
    assert found == edition
    assert examine(partition).findings == proof.findings
    assert Twin.open(home).current.locate(106.5011, 29.5031, "wgs84") is None


def test_a_file_of_an_earlier_edition_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    load_areas(TOYTOWN, home, keep=False, author="me")
    with Home.open(home).store() as store:
        edition, partition = read_edition(store, home)
    write_areas(partition, tmp_path / "one.parquet", checksum=edition.checksum)
    load_areas(damaged(tmp_path / "bad.geojson", "500999001001901"), home, keep=True, author="me")
    with pytest.raises(ConflictError, match="was exported from edition 1, but edition 2 is current"):
        load_areas(tmp_path / "one.parquet", home, keep=False, author="me")
    again = load_areas(tmp_path / "one.parquet", home, keep=False, author="me", over=True).edition
    assert (again.number, again.checksum) == (3, edition.checksum)


def test_the_same_areas_are_welcome_whatever_they_were_made_from(tmp_path: Path) -> None:
    """Two loads of one edited file: the second one comes when the first has published what it brings."""
    home = tmp_path / "home"
    load_areas(TOYTOWN, home, keep=False, author="me")
    with Home.open(home).store() as store:
        base, _ = read_edition(store, home)
    edited = load_areas(damaged(tmp_path / "bad.geojson", "500999001001901"), home, keep=True, author="me")
    with Home.open(home).store() as store:
        _, partition = read_edition(store, home)
    write_areas(partition, tmp_path / "edited.parquet", checksum=base.checksum)
    again = load_areas(tmp_path / "edited.parquet", home, keep=True, author="you").edition
    assert again == edited.edition


class Late:
    """A store in which somebody publishes between a look at what is current and the publishing."""

    def __init__(self, store: Store, sooner: Callable[[], object]) -> None:
        self._store, self._sooner = store, sooner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def publish(self, draft: EditionDraft) -> Edition:
        self._sooner()
        return self._store.publish(draft)


def test_who_comes_second_with_the_same_areas_finds_them_there(tmp_path: Path) -> None:
    with Home.create(tmp_path / "home").store() as store:
        late: Any = Late(store, lambda: publish(store, TOWN, examine(TOWN), author="me", reason="first"))
        edition = publish(late, TOWN, examine(TOWN), author="you", reason="second")
        assert (edition.number, edition.author) == (1, "me")
        assert store.editions() == [edition]


def test_who_comes_second_with_other_areas_is_told(tmp_path: Path) -> None:
    other = random_city(1).partition(given=False)
    with Home.create(tmp_path / "home").store() as store:
        late: Any = Late(store, lambda: publish(store, other, examine(other), author="me", reason="first"))
        with pytest.raises(ConflictError):
            publish(late, TOWN, examine(TOWN), author="you", reason="second")
        assert len(store.editions()) == 1


def test_a_file_of_another_city_is_refused(tmp_path: Path) -> None:
    load_areas(TOYTOWN, tmp_path / "home", keep=False, author="me")
    other = tmp_path / "other.geojson"
    other.write_text(TOYTOWN.read_text(encoding="utf-8").replace("500999", "500998"), encoding="utf-8")
    with pytest.raises(InputError, match="none of its 15 codes is in edition 1"):
        load_areas(other, tmp_path / "home", keep=False, author="me")
    assert load_areas(other, tmp_path / "elsewhere", keep=False, author="me").edition.number == 1
