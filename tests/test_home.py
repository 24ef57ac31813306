"""The relocatable folder: made, opened, refused, moved, copied, read where nothing may be written."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
import store_contract
from store_contract import area, draft

from gridmap.errors import DamageError, HomeError
from gridmap.store.home import FORMAT, MARKER, Home

if TYPE_CHECKING:
    from collections.abc import Iterator

SPAWN = multiprocessing.get_context("spawn")
AREAS = [area("1"), area("2", "解放碑")]


def fill(home: Home) -> None:
    with home.store() as store:
        store.publish(draft(None, AREAS, b"shapes" * 1000))
        store.put_columns("households", pa.table({"code": ["a", "b"]}), synthetic=True)


def check_filled(home: Home) -> None:
    with home.store() as store:
        current = store.current()
        assert current is not None
        assert current.number == 1
        assert store.areas(1) == AREAS
        assert store.body(1) == b"shapes" * 1000
        assert store.columns("households").num_rows == 2
        store.verify()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home.create(tmp_path / "city")
    fill(made)
    return made


def test_a_home_is_made_in_a_new_or_an_empty_folder_and_twice_is_once(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "some" / "where" / "new", str(tmp_path / "text")):
        home = Home.create(folder)
        fill(home)
        check_filled(Home.create(folder))
        check_filled(Home.open(folder))
        names = {path.name for path in home.root.iterdir()}
        assert names == {MARKER, "gridmap.sqlite", "blobs", "cache"}


def test_a_home_is_named_relative_to_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    home = Home.create("city")
    monkeypatch.chdir("/")
    fill(home)
    check_filled(Home.open(tmp_path / "city"))


def test_no_home_is_made_among_other_files(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("years of work")
    with pytest.raises(HomeError, match=r"holds other files \(thesis.doc"):
        Home.create(tmp_path)
    with pytest.raises(HomeError, match="is a file"):
        Home.create(tmp_path / "thesis.doc")
    with pytest.raises(HomeError, match="no home can be made here"):
        Home.create(tmp_path / "thesis.doc" / "below")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]


def test_what_is_no_home_is_refused_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError, match="there is no such folder"):
        Home.open(tmp_path / "missing")
    with pytest.raises(HomeError, match="there is no such folder"):
        Home.open(tmp_path / "file")
    with pytest.raises(HomeError, match=r"no gridmap home, it has no gridmap-home\.json"):
        Home.open(tmp_path)


@pytest.mark.parametrize(
    ("marker", "sentence"),
    [
        (json.dumps({"magic": "gridmap home", "format": FORMAT + 1}), "install a newer gridmap"),
        (json.dumps({"magic": "another thing", "format": 1}), "does not say that this is a gridmap home"),
        (json.dumps({"magic": "gridmap home"}), "does not say that this is a gridmap home"),
        ("[]", "does not say that this is a gridmap home"),
        ("{", "is no JSON any more"),
        ("", "is no JSON any more"),
        ("\udcff", "is no JSON any more"),
    ],
)
def test_a_marker_that_says_something_else_is_refused(home: Home, marker: str, sentence: str) -> None:
    (home.root / MARKER).write_bytes(marker.encode(errors="surrogateescape"))
    with pytest.raises(HomeError, match=sentence):
        Home.open(home.root)


def test_a_home_whose_making_was_killed_is_made_again(tmp_path: Path) -> None:
    whole = Home.create(tmp_path / "whole")
    remains: list[dict[str, bytes]] = [
        {},
        {".part-0123": b"{"},
        {MARKER: (whole.root / MARKER).read_bytes()},
        {MARKER: (whole.root / MARKER).read_bytes(), "gridmap.sqlite": b""},
    ]
    for number, found in enumerate(remains):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name, data in found.items():
            (folder / name).write_bytes(data)
        home = Home.create(folder)
        fill(home)
        check_filled(home)


def test_unknown_files_do_no_harm(home: Home) -> None:
    for name in ("notes.txt", "blobs/README", "blobs/ab/.DS_Store", "cache/old.bin", ".git/HEAD"):
        (home.root / name).parent.mkdir(exist_ok=True)
        (home.root / name).write_text("mine")
    check_filled(Home.open(home.root))
    check_filled(Home.create(home.root))
    assert (home.root / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["elsewhere", "with space", "100%", "a?b#c", "渝中区"])
def test_a_home_may_be_moved_and_copied(home: Home, tmp_path: Path, name: str) -> None:
    shutil.copytree(home.root, tmp_path / "deep" / name)
    check_filled(Home.open(tmp_path / "deep" / name))
    home.root.rename(tmp_path / name)
    check_filled(Home.open(tmp_path / name))
    with Home.open(tmp_path / name).store() as store:
        assert store.publish(draft(1, AREAS)).number == 2


def test_nothing_inside_knows_where_the_home_is(home: Home) -> None:
    place = os.fsencode(home.root.parent)
    assert not [path for path in home.root.rglob("*") if path.is_file() and place in path.read_bytes()]


def test_a_copy_of_a_home_in_use_holds_what_was_published(home: Home, tmp_path: Path) -> None:
    with home.store() as store:
        edition = store.publish(draft(1, [area("9")], b"newer"))
        assert (home.root / "gridmap.sqlite-wal").stat().st_size > 0  # the publish is in the log alone
        subprocess.run(["cp", "-r", str(home.root), str(tmp_path / "copy")], check=True)
    with Home.open(tmp_path / "copy").store() as store:
        assert store.current() == edition
        assert (store.areas(2), store.body(2)) == ([area("9")], b"newer")
        store.verify()


def test_folders_that_got_lost_are_made_again(home: Home) -> None:
    (home.root / "cache").rmdir()
    check_filled(Home.open(home.root))
    assert home.cache.is_dir()
    empty = Home.create(home.root.parent / "empty")
    empty.cache.rmdir()
    fill(Home.open(empty.root))


def damage(database: Path, how: str) -> None:
    whole = database.read_bytes()
    if how == "gone":
        database.unlink()
    elif how == "a folder":
        database.unlink()
        database.mkdir()
    else:
        spoilt = {
            "empty": b"",
            "other file": b"PK\x03\x04" * 3000,
            "cut": whole[: len(whole) // 2],
            "head": b"\xff" * 4096 + whole[4096:],
        }
        database.write_bytes(spoilt[how])


@pytest.mark.parametrize("how", ["gone", "empty", "a folder", "other file", "cut", "head"])
def test_a_damaged_database_is_named(home: Home, how: str) -> None:
    damage(home.database, how)
    with pytest.raises(DamageError, match=r"gridmap\.sqlite.*restore it from a backup"):
        Home.open(home.root)


def test_a_torn_page_is_found_by_verifying(home: Home) -> None:
    whole = home.database.read_bytes()
    assert len(whole) > 8 * 4096
    missed = []
    for page in range(1, len(whole) // 4096):
        home.database.write_bytes(whole[: page * 4096] + b"\xa5" * 4096 + whole[(page + 1) * 4096 :])
        try:
            with Home.open(home.root).store() as store:
                store.verify()
            missed.append(page)
        except DamageError:
            pass
    assert missed == []


# Where nothing may be written


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that every user may look into (pytest's own are private)."""
    folder = Path(tempfile.mkdtemp(prefix="gridmap-home-"))
    folder.chmod(0o755)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)


def read_as_nobody(root: Path) -> list[str]:
    """Open a home in a process that may not write it, and tell what it saw."""
    results = SPAWN.SimpleQueue()
    worker = SPAWN.Process(target=store_contract.read_without_rights, args=(str(root), results))
    worker.start()
    told: list[str] = results.get()
    worker.join()
    worker.close()
    results.close()
    return told


def lock_up(root: Path) -> dict[str, bytes]:
    for path in [root, *root.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_home_that_may_not_be_written_is_read(open_place: Path) -> None:
    home = Home.create(open_place / "city?#%")
    fill(home)
    before = lock_up(home.root)
    first, second, third = read_as_nobody(home.root)
    assert (first, second) == ("read only: True", "1 2 6000 2")
    assert "opened for reading only" in third
    assert {str(path): path.read_bytes() for path in home.root.rglob("*") if path.is_file()} == before


def test_a_log_left_in_a_home_that_may_not_be_written_is_read_too(open_place: Path) -> None:
    home = Home.create(open_place / "city")
    with home.store() as store:
        fill(home)
        assert store.current()  # its connection stays open, so the log stays
        subprocess.run(["cp", "-r", str(home.root), str(open_place / "copy")], check=True)
    assert (open_place / "copy" / "gridmap.sqlite-wal").stat().st_size > 0
    lock_up(open_place / "copy")
    assert read_as_nobody(open_place / "copy")[:2] == ["read only: True", "1 2 6000 2"]


def test_an_empty_home_that_may_not_be_written_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Home.create(tmp_path / "city").database.unlink()
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    with pytest.raises(HomeError, match="this home is empty and may not be written"):
        Home.open(tmp_path / "city")
