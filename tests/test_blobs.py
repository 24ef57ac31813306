"""Blobs and the durable files they are made of."""

from __future__ import annotations

import hashlib
import os
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, select, update

from gridmap.durable import PART, make_folder, part_file, write_file
from gridmap.errors import DamageError, HomeError, InputError, NotFoundError
from gridmap.store import schema
from gridmap.store.blobs import CHUNK, FolderBlobs
from gridmap.store.database import Database
from gridmap.store.migrate import migrate
from gridmap.store.sqlite import sqlite_url
from gridmap.store.table_blobs import TableBlobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gridmap.store.blobs import BlobStore


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "blobs")


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[TableBlobs]:
    """Blobs in a database; what PostgreSQL alone can get wrong is in test_store and test_postgres."""
    database = Database(sqlite_url(tmp_path / "blobs.sqlite"))
    migrate(database)
    yield TableBlobs(database, FolderBlobs(tmp_path / "cache"))
    database.close()


@pytest.fixture(params=["folder", "tables"])
def either(request: pytest.FixtureRequest) -> BlobStore:
    found: BlobStore = request.getfixturevalue({"folder": "blobs", "tables": "tables"}[request.param])
    return found


def count(blobs: BlobStore) -> int:
    if isinstance(blobs, FolderBlobs):
        return len(files(blobs))
    assert isinstance(blobs, TableBlobs)
    with blobs._database.reading() as connection:
        return len(connection.execute(select(schema.blobs)).all())


def files(blobs: FolderBlobs) -> set[str]:
    return {str(path.relative_to(blobs.root)) for path in blobs.root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 100])
def test_a_blob_is_known_by_what_it_is(either: BlobStore, data: bytes) -> None:
    key = either.put(data)
    assert key == hashlib.sha256(data).hexdigest()
    assert either.get(key) == either.path(key).read_bytes() == data
    assert either.put(memoryview(data)) == key
    either.check(key)
    assert count(either) == 1


def test_a_blob_is_a_file_below_its_first_two_letters(blobs: FolderBlobs) -> None:
    key = blobs.put(b"x")
    assert files(blobs) == {f"{key[:2]}/{key}"}


@pytest.mark.parametrize("size", [CHUNK - 1, CHUNK, CHUNK + 1, CHUNK * 2 + 17])
def test_a_file_goes_in_piece_by_piece(either: BlobStore, tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "large").write_bytes(data)
    key = either.put_file(tmp_path / "large")
    assert either.get(key) == either.path(key).read_bytes() == data
    assert either.put(data) == key


def test_a_file_that_is_not_there_is_refused(either: BlobStore, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing cannot be read"):
        either.put_file(tmp_path / "missing")


def test_a_writer_takes_pieces(either: BlobStore) -> None:
    with either.writer() as sink:
        assert sink.write(b"one ") == 4
        sink.write(memoryview(b"two"))
    assert either.get(sink.key) == b"one two"


def test_a_writer_that_fails_stores_nothing(either: BlobStore) -> None:
    def write_half() -> None:
        with either.writer() as sink:
            sink.write(b"half")
            assert sink.tell() == 4
            raise RuntimeError("the reader went away")

    with pytest.raises(RuntimeError, match="the reader went away"):
        write_half()
    assert count(either) == 0
    assert not (isinstance(either, FolderBlobs) and either.holds_any())


def test_a_blob_that_is_not_there_is_not_found(either: BlobStore) -> None:
    either.put(b"x")
    for key in ("0" * 64, "", "../../etc/passwd", "A" * 64, either.put(b"y") + "\n", "\0"):
        for read in (either.get, either.path, either.check):
            with pytest.raises(NotFoundError, match="not here"):
                read(key)


SPOILS: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda data: data[:0],
    "cut": lambda data: data[:-1],
    "longer": lambda data: data + b"\0",
    "flipped": lambda data: b"y" + data[1:],
}


@pytest.mark.parametrize("spoil", SPOILS)
def test_damage_is_found_named_and_healed_by_storing_again(blobs: FolderBlobs, spoil: str) -> None:
    key = blobs.put(b"x" * 100)
    path = blobs.path(key)
    path.write_bytes(SPOILS[spoil](path.read_bytes()))
    for read in (blobs.get, blobs.path):
        with pytest.raises(DamageError, match=f"{key}: damaged.*restore this file"):
            read(key)
    assert blobs.put(b"x" * 100) == key
    assert blobs.get(key) == b"x" * 100


@pytest.mark.parametrize("spoil", SPOILS)
def test_damage_in_the_database_is_found_named_and_healed(tables: TableBlobs, spoil: str) -> None:
    data = bytes(CHUNK) + b"x" * 100
    key = tables.put(data)
    chunk = schema.blob_chunks
    with tables._database.writing() as connection:
        spoilt = update(chunk).where(chunk.c.place == 1).values(data=SPOILS[spoil](b"x" * 100))
        connection.execute(spoilt)
    for read in (tables.get, tables.path, tables.check):
        with pytest.raises(DamageError, match=f"{key} is damaged.*restore the table"):
            read(key)
    assert tables.put(data) == key
    assert tables.get(key) == tables.path(key).read_bytes() == data


def test_a_chunk_that_is_gone_is_found(tables: TableBlobs) -> None:
    key = tables.put(bytes(CHUNK + 1))
    with tables._database.writing() as connection:
        connection.execute(delete(schema.blob_chunks).where(schema.blob_chunks.c.place == 0))
    with pytest.raises(DamageError, match="is damaged"):
        tables.get(key)


def test_the_cache_may_be_emptied_or_spoilt(tables: TableBlobs) -> None:
    key = tables.put(b"x" * 100)
    file = tables.path(key)
    file.unlink()
    assert tables.path(key).read_bytes() == b"x" * 100
    file.write_bytes(b"y")
    assert tables.path(key).read_bytes() == b"x" * 100
    file.write_bytes(b"y")
    tables.check(key)
    assert tables.get(key) == b"x" * 100


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "settings"
    write_file(target, b"old")

    def write_half() -> None:
        with part_file(tmp_path) as (file, _part):
            file.write(b"new, half writ")
            raise OSError("no room on the disk")

    with pytest.raises(OSError, match="no room"):
        write_half()
    assert target.read_bytes() == b"old"
    write_file(target, b"new")
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


def test_every_name_is_synced_after_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order that survives a power cut: bytes, then name, then folder; new folders with their parents."""
    seen: list[str] = []
    fsync, replace = os.fsync, os.replace

    def record_sync(handle: int) -> None:
        name = str(Path(f"/proc/self/fd/{handle}").readlink())
        seen.append(f"sync {name.removeprefix(str(tmp_path))}")
        fsync(handle)

    def record_replace(source: Path, target: Path) -> None:
        seen.append(f"name {str(target).removeprefix(str(tmp_path))}")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", record_sync)
    monkeypatch.setattr(os, "replace", record_replace)
    key = FolderBlobs(tmp_path / "home" / "blobs").put(b"x")
    shard = f"/home/blobs/{key[:2]}"
    part = next(line for line in seen if PART in line)
    assert seen == ["sync ", "sync /home", "sync /home/blobs", part, f"name {shard}/{key}", f"sync {shard}"]


def test_part_files_of_the_dead_are_swept_and_those_of_the_living_kept(blobs: FolderBlobs) -> None:
    make_folder(blobs.root)
    old, young, stranger = (blobs.root / name for name in (f"{PART}old", f"{PART}young", "notes.txt"))
    for path in (old, young, stranger):
        path.write_bytes(b"x")
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(old, (two_days_ago, two_days_ago))
    os.utime(stranger, (two_days_ago, two_days_ago))
    blobs.put(b"y")
    assert not old.exists()
    assert young.exists()
    assert stranger.exists()


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may grow beyond 256 kB, as if the disk were full then."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (256 << 10, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_disk")
def test_a_full_disk_is_said_and_leaves_nothing(blobs: FolderBlobs) -> None:
    key = blobs.put(b"small")
    for data in (bytes(300 << 10), bytes(257 << 10)):
        with pytest.raises(HomeError, match="make room on the disk"):
            blobs.put(data)
    assert files(blobs) == {f"{key[:2]}/{key}"}


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError, match="look at the rights of the folder"):
        FolderBlobs(tmp_path / "file" / "blobs").put(b"x")
