"""Lookups: an edition with its index, kept in a file, built anew where the file is missing or damaged."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest
from town import SOUTH, STEP, WEST, toytown

from gridmap.coverage.proof import examine
from gridmap.errors import HomeError, NotFoundError
from gridmap.index.index import GridIndex
from gridmap.lattice import SCALE
from gridmap.lookup import INDEX, KEPT, index_file, index_of, open_lookup, verified
from gridmap.publishing import publish
from gridmap.store.address import CityAddress
from gridmap.store.home import Home

PLACE = (WEST + STEP) / SCALE, (SOUTH + 3 * STEP) / SCALE  # in the school


@pytest.fixture
def address(tmp_path: Path) -> CityAddress:
    with Home.create(tmp_path / "home").store() as store:
        publish(store, toytown(), examine(toytown()), author="test", reason="test", notes=(), synthetic=True)
    return CityAddress(tmp_path / "home")


def name_at(address: CityAddress) -> str:
    lookup = open_lookup(address)
    return lookup.partition.finest.names[lookup.index.locate(*PLACE)]


def test_the_index_is_built_once(address: CityAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    assert name_at(address) == "玩具小学"
    monkeypatch.setattr(GridIndex, "from_coverage", None)  # from now on only the file can help
    assert name_at(address) == "玩具小学"


def test_a_damaged_file_is_built_anew(address: CityAddress, caplog: pytest.LogCaptureFixture) -> None:
    lookup = open_lookup(address)
    file = index_file(address, lookup.edition)
    whole = file.read_bytes()
    file.write_bytes(b"nothing" + whole[7:])
    with caplog.at_level(logging.WARNING):
        assert name_at(address) == "玩具小学"
    assert "magic word is missing" in caplog.text
    assert file.read_bytes() == whole


def test_a_flipped_byte_is_found_by_reading_all(address: CityAddress) -> None:
    lookup = open_lookup(address)
    assert verified(address, lookup) is lookup
    file = index_file(address, lookup.edition)
    whole = bytearray(file.read_bytes())
    whole[-5_000] ^= 1  # in the last pages: the codes, or the arrays before them
    whole[-9_000] ^= 1
    file.write_bytes(whole)
    mended = verified(address, open_lookup(address))
    assert mended.index.locate(*PLACE) == lookup.index.locate(*PLACE)
    assert verified(address, open_lookup(address)).edition == lookup.edition


def test_a_home_that_cannot_be_written_is_served(
    address: CityAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_self: GridIndex, _path: Path) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(GridIndex, "save", refuse)
    assert name_at(address) == "玩具小学"
    assert not list(address.cache.glob(f"{INDEX}*"))


def test_only_the_newest_files_are_kept(address: CityAddress) -> None:
    for number in range(5):
        (address.cache / f"{INDEX}{number:032}").write_bytes(b"old")
    open_lookup(address)
    assert len(list(address.cache.glob(f"{INDEX}*"))) == KEPT


def test_places_without_an_edition(tmp_path: Path, address: CityAddress) -> None:
    Home.create(tmp_path / "empty")
    with pytest.raises(HomeError, match="holds no city yet"):
        open_lookup(tmp_path / "empty")
    with pytest.raises(NotFoundError, match="edition 7"):
        open_lookup(address, 7)


def test_a_damaged_index_is_no_base_for_the_next(address: CityAddress) -> None:
    lookup = open_lookup(address)
    file = index_file(address, lookup.edition)
    whole = bytearray(file.read_bytes())
    whole[-5_000] ^= 1
    whole[-9_000] ^= 1
    file.write_bytes(whole)
    following = replace(lookup.edition, number=2, checksum="7" * 64)
    built = index_of(address, following, lookup.partition, lookup.edition)
    assert (
        built.parts.cells.tolist()
        == GridIndex.from_coverage(
            lookup.partition.coverage, lookup.partition.finest.codes, proven=True
        ).parts.cells.tolist()
    )
    assert lookup.partition.finest.names[built.locate(*PLACE)] == "玩具小学"
